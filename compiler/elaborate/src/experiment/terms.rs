//! Terms of a step that no loss contains.

use std::sync::Arc;

use vspec_ir::{Output, OutputKind};
use vspec_syntax::{Diagnostic, Span};

use crate::codes;
use crate::eval::Evaluator;

/// A term in one of the graphs of a step.
pub(super) struct TermUse {
    name: Arc<str>,
    span: Span,
    /// Whether something that is minimized, or an update, depends on it.
    minimized: bool,
}

impl Evaluator<'_> {
    /// The terms of the step that has just been evaluated.
    pub(super) fn term_uses(&self) -> Vec<TermUse> {
        let losses = self.step.minimized.iter().chain(self.written.values());
        let losses = losses.map(|node| Output { name: "".into(), kind: OutputKind::Report, node: *node });
        let live = self.graph.live(&losses.collect::<Vec<_>>());
        let uses = self.step.terms.iter().map(|term| TermUse {
            name: term.name.clone(),
            span: term.span,
            minimized: live[term.node.index()],
        });
        uses.collect()
    }

    /// Warns about terms that none of the graphs of a step minimizes: one phase may report what another trains.
    pub(super) fn warn_not_minimized<'t>(&mut self, uses: impl Iterator<Item = &'t TermUse>, trains: bool) {
        let uses: Vec<&TermUse> = uses.collect();
        let mut idle: Vec<&TermUse> = vec![];
        for term in &uses {
            let same = |other: &&TermUse| other.span == term.span;
            if !uses.iter().any(|other| same(other) && other.minimized) && !idle.iter().any(same) {
                idle.push(term);
            }
        }
        for term in idle {
            let hint = match trains {
                true => "`minimize terms` takes those before it; what is only looked at is a `report`",
                false => "add `minimize terms over net.params by opt`; what is only looked at is a `report`",
            };
            let message = format!("term `{}` is reported, and minimized by nothing", term.name);
            let warning = Diagnostic::warning(codes::NOT_MINIMIZED, term.span, message);
            self.report(warning.label("no loss of this step contains it").hint(hint));
        }
    }
}
