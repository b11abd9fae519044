//! Prints blocks and statements.

use super::doc::{Doc, broken, concat, group, indent, text};
use super::expression::quoted;
use super::operators::POSTFIX;
use super::types::offsets;
use super::{Printer, braced};
use crate::Span;
use crate::ast::{Block, Expr, ExprKind, Ident, Let, Require, Statement, StatementKind, TestDef, VarDef};

/// Braces and what stands between them.
pub(super) struct Body {
    pub(super) docs: Vec<Doc>,
    /// Whether it cannot, or shall not, stand on one line.
    pub(super) tall: bool,
}

impl Body {
    pub(super) fn group(self) -> Doc {
        if self.tall { broken(self.docs) } else { group(self.docs) }
    }

    pub(super) fn broken(self) -> Doc {
        broken(self.docs)
    }
}

impl Printer<'_> {
    /// A body: on one line if the author wrote it so and it fits.
    pub(super) fn block(&self, block: &Block) -> Doc {
        self.block_body(block).group()
    }

    pub(super) fn block_body(&self, block: &Block) -> Body {
        self.body(block.span, || self.lines(block))
    }

    /// A block where a record could stand: a name alone or at its start needs a `;` to be a statement.
    pub(super) fn block_expr(&self, block: &Block) -> Doc {
        let first = block.statements.first().map(|s| &s.kind);
        let first = match (first, &block.value) {
            (Some(StatementKind::Expr(first)), _) => Some(first),
            (None, Some(value)) => Some(&**value),
            (Some(_), _) => None,
            (None, None) => return text("{ ; }"),
        };
        let like_field = first.is_some_and(|e| matches!(e.kind, ExprKind::Name(_) | ExprKind::Str(_)));
        let lines = || {
            let mut lines = self.lines(block);
            if let (true, Some((first, _))) = (like_field, lines.first_mut()) {
                *first = concat(vec![first.clone(), text(";")]);
            }
            lines
        };
        self.body(block.span, lines).group()
    }

    fn lines(&self, block: &Block) -> Vec<(Doc, bool)> {
        let mut lines = vec![];
        for statement in &block.statements {
            lines.push(self.element(offsets(statement.span), || self.statement(statement)));
        }
        if let Some(value) = &block.value {
            lines.push(self.element(offsets(value.span), || self.expr_statement(value)));
        }
        lines
    }

    /// Lines between the braces that end with `span`; each with whether a blank line precedes it.
    pub(super) fn body(&self, span: Span, lines: impl FnOnce() -> Vec<(Doc, bool)>) -> Body {
        let end = (span.end as usize).saturating_sub(1);
        let open = self.opening(end);
        let behind = open.map_or_else(Doc::empty, |open| self.behind_open(open));
        let lines = lines();
        let last = self.closing(end, lines.is_empty());
        if lines.is_empty() && last.is_empty() {
            return Body { docs: vec![text("{}"), behind], tall: false };
        }
        let mut inner = vec![behind, Doc::Line];
        for (i, (line, blank)) in lines.into_iter().enumerate() {
            match (i, blank) {
                (0, _) => {}
                (_, true) => inner.push(Doc::Blank),
                (_, false) => inner.extend([Doc::Choice("", ";"), Doc::Line]),
            }
            inner.push(line);
        }
        inner.extend(last);
        let docs = vec![text("{"), indent(inner), Doc::Line, text("}")];
        let tall = docs.iter().any(Doc::breaks) || open.is_some_and(|open| self.line_ends_behind(open));
        Body { docs, tall }
    }

    fn statement(&self, statement: &Statement) -> Doc {
        match &statement.kind {
            StatementKind::Let(binding) => self.let_binding(binding),
            StatementKind::Update { target, value } => {
                self.assign("update ", self.at(target, POSTFIX), value)
            }
            StatementKind::Param(var) => self.var("param", var),
            StatementKind::Term { name, value } => self.assign("term ", text(&*name.name), value),
            StatementKind::Minimize { loss, over, by } => {
                self.three(["minimize ", " over ", " by "], [loss, over, by])
            }
            StatementKind::Apply { gradient, to, by } => {
                self.three(["apply ", " to ", " by "], [gradient, to, by])
            }
            StatementKind::Report { name: Some(name), value } => {
                self.assign("report ", text(&*name.name), value)
            }
            StatementKind::Report { name: None, value } => self.reported(value),
            StatementKind::ReportTable { name, columns } => self.report_table(name, columns),
            StatementKind::Collect { name, value } => self.assign("collect ", text(&*name.name), value),
            StatementKind::Finish(block) => concat(vec![text("finish "), self.block(block)]),
            StatementKind::Require(require) => self.require(require),
            StatementKind::For { pattern, iter, body } => {
                let head =
                    vec![text("for "), self.pattern(pattern), text(" in "), self.expr(iter), text(" ")];
                concat(vec![concat(head), self.block(body)])
            }
            StatementKind::Shape { value, expected } => {
                concat(vec![text("shape "), self.at(value, POSTFIX), text(" == "), self.ty(expected)])
            }
            StatementKind::Assert(condition) => concat(vec![text("assert "), self.expr(condition)]),
            StatementKind::Expr(expr) => self.expr_statement(expr),
        }
    }

    fn expr_statement(&self, expr: &Expr) -> Doc {
        if matches!(expr.kind, ExprKind::If { .. }) { self.if_statement(expr) } else { self.expr(expr) }
    }

    /// `word target = value`
    pub(super) fn assign(&self, word: &str, target: Doc, value: &Expr) -> Doc {
        concat(vec![text(word), target, text(" = "), self.expr(value)])
    }

    fn three(&self, words: [&str; 3], parts: [&Expr; 3]) -> Doc {
        concat(words.into_iter().zip(parts).flat_map(|(w, p)| [text(w), self.unsigned(p)]).collect())
    }

    /// A value without a name; a sign in front of it would be read as subtraction.
    fn reported(&self, value: &Expr) -> Doc {
        concat(vec![text("report "), self.unsigned(value)])
    }

    fn report_table(&self, name: &str, columns: &[(Ident, Option<Expr>)]) -> Doc {
        let column = |(name, value): &(Ident, Option<Expr>)| {
            let end = value.as_ref().map_or(name.span, |v| v.span);
            let build = || match value {
                Some(value) => self.assign("", text(&*name.name), value),
                None => text(&*name.name),
            };
            self.element(offsets(name.span.to(end)), build).0
        };
        let columns = columns.iter().map(column).collect();
        concat(vec![text(format!("report table {} ", quoted(name))), braced(columns)])
    }

    pub(super) fn let_binding(&self, binding: &Let) -> Doc {
        let target = vec![self.pattern(&binding.pattern), self.annotation(binding.ty.as_ref())];
        self.assign("let ", concat(target), &binding.value)
    }

    pub(super) fn require(&self, require: &Require) -> Doc {
        let mut docs = vec![text("require "), self.expr(&require.condition)];
        if let Some(message) = &require.message {
            docs.push(indent(vec![text(","), Doc::Line, self.expr(message)]));
        }
        group(docs)
    }

    /// `param weight: f32[n] on stiefel = haar() if bias`
    pub(super) fn var(&self, word: &str, var: &VarDef) -> Doc {
        let mut docs = vec![text(format!("{word} {}", var.name.name)), self.annotation(var.ty.as_ref())];
        if let Some(manifold) = &var.manifold {
            docs.extend([text(" on "), self.at(manifold, super::operators::SIMPLE)]);
        }
        if let Some(init) = &var.init {
            docs.extend([text(" = "), self.expr(init)]);
        }
        if let Some(guard) = &var.guard {
            docs.extend([text(" if "), self.at(guard, super::operators::SIMPLE)]);
        }
        concat(docs)
    }

    pub(super) fn test(&self, test: &TestDef) -> Doc {
        concat(vec![text(format!("test {} ", quoted(&test.name))), self.block(&test.body)])
    }
}
