//! Prints experiments: data, steps and runs.

use super::Printer;
use super::doc::{Doc, concat, group, indent, join, text};
use super::operators::SIMPLE;
use super::types::{offsets, pattern_span};
use crate::Span;
use crate::ast::{
    ExperimentDef, ExperimentPart, ExprKind, Ident, RunClause, RunDef, RunKind, RunPhase, StepDef,
};

impl Printer<'_> {
    pub(super) fn experiment(&self, experiment: &ExperimentDef, span: Span) -> Doc {
        let part = |p: &ExperimentPart| self.element(offsets(part_span(p)), || self.part(p));
        let body = self.body(span, || experiment.parts.iter().map(part).collect());
        concat(vec![text(format!("experiment {} ", experiment.name.name)), body.broken()])
    }

    fn part(&self, part: &ExperimentPart) -> Doc {
        match part {
            ExperimentPart::Data { name, value } => self.assign("data ", text(&*name.name), value),
            ExperimentPart::Let(binding) => self.let_binding(binding),
            ExperimentPart::Step(step) => self.step(step),
            ExperimentPart::Run(run) => self.run(run),
        }
    }

    fn step(&self, step: &StepDef) -> Doc {
        let batch = |(name, data): &(Ident, Ident)| text(format!("{} from {}", name.name, data.name));
        let batches = join(step.batches.iter().map(batch), &[text(", ")]);
        let head = vec![text(format!("step {}(", step.name.name)), concat(batches), text(") ")];
        concat(vec![concat(head), self.block(&step.body)])
    }

    fn run(&self, run: &RunDef) -> Doc {
        let mut docs = vec![text("run ")];
        if let Some(per) = &run.per {
            docs.push(text(format!("per {} of {}", per.unit.name, per.data.name)));
            if !per.reset.is_empty() {
                docs.extend([text(", reset "), self.names(&per.reset)]);
            }
            docs.push(text(" "));
        }
        match run.phases.as_slice() {
            [only] if run.per.is_none() && !self.has_braces(run.span) => docs.push(self.phase(only)),
            several => docs.push(self.phases(several, run.span)),
        }
        concat(docs)
    }

    /// Whether braces follow the word `run` directly.
    fn has_braces(&self, span: Span) -> bool {
        let after = self.slice(span).and_then(|s| s.strip_prefix("run"));
        after.is_some_and(|s| s.trim_start().starts_with('{'))
    }

    /// `span` ends with the closing brace.
    fn phases(&self, phases: &[RunPhase], span: Span) -> Doc {
        let phase = |p: &RunPhase| self.element(offsets(p.span), || self.phase(p));
        self.body(span, || phases.iter().map(phase).collect()).group()
    }

    fn phase(&self, phase: &RunPhase) -> Doc {
        let clauses = phase.clauses.iter().flat_map(|c| [text(","), Doc::Line, self.clause(c)]).collect();
        group(vec![self.phase_kind(phase), indent(clauses)])
    }

    fn phase_kind(&self, phase: &RunPhase) -> Doc {
        match &phase.kind {
            RunKind::Steps { count: None, step, .. } => text(&*step.name),
            RunKind::Steps { count: Some(count), epochs, step } => {
                let unit = match (*epochs, &count.kind) {
                    (true, ExprKind::Int(1)) => " epoch of ",
                    (true, _) => " epochs of ",
                    (false, _) => " of ",
                };
                concat(vec![self.at(count, SIMPLE), text(unit), text(&*step.name)])
            }
            RunKind::Repeat { count, until, phases } => {
                let mut docs = vec![text("repeat "), self.at(count, SIMPLE)];
                if let Some(until) = until {
                    docs.extend([text(" or until "), self.at(until, SIMPLE)]);
                }
                docs.extend([text(" "), self.phases(phases, self.repeat_span(phase))]);
                concat(docs)
            }
            RunKind::On { step, part } => text(format!("{} on {}", step.name, part.name)),
        }
    }

    /// The part of a `repeat` phase before its clauses.
    fn repeat_span(&self, phase: &RunPhase) -> Span {
        let RunKind::Repeat { count, until, .. } = &phase.kind else { return phase.span };
        let head = until.as_ref().unwrap_or(count).span.end as usize;
        let brackets = self.source.as_ref().map_or(&[][..], |s| &s.brackets);
        let after = brackets.partition_point(|(open, _)| *open < head);
        brackets.get(after).map_or(phase.span, |(_, close)| Span { end: *close as u32 + 1, ..phase.span })
    }

    fn clause(&self, clause: &RunClause) -> Doc {
        match clause {
            RunClause::Every { step, count: None, epochs } => {
                text(format!("{} every {}", step.name, if *epochs { "epoch" } else { "iteration" }))
            }
            RunClause::Every { step, count: Some(count), epochs } => {
                let unit = if *epochs { " epochs" } else { " iterations" };
                concat(vec![text(format!("{} every ", step.name)), self.at(count, SIMPLE), text(unit)])
            }
            RunClause::KeepLast(count) => concat(vec![text("keep last "), self.at(count, SIMPLE)]),
            RunClause::KeepBest { count: None, lowest, metric } => {
                concat(vec![text(format!("keep best by {}", order(*lowest))), self.at(metric, SIMPLE)])
            }
            RunClause::KeepBest { count: Some(count), lowest, metric } => concat(vec![
                text("keep "),
                self.at(count, SIMPLE),
                text(format!(" best by {}", order(*lowest))),
                self.at(metric, SIMPLE),
            ]),
            RunClause::StopWhen { lowest, metric, by, count, epochs } => {
                let head = text(format!("stop when {}", order(*lowest)));
                let mut docs = vec![head, self.at(metric, SIMPLE), text(" has not improved")];
                if let Some(by) = by {
                    docs.extend([text(" by "), self.at(by, SIMPLE)]);
                }
                let unit = if *epochs { " epochs" } else { " iterations" };
                docs.extend([text(" for "), self.at(count, SIMPLE), text(unit)]);
                concat(docs)
            }
            RunClause::Expect(condition) => concat(vec![text("expect "), self.at(condition, SIMPLE)]),
        }
    }
}

fn order(lowest: bool) -> &'static str {
    if lowest { "lowest " } else { "" }
}

fn part_span(part: &ExperimentPart) -> Span {
    match part {
        ExperimentPart::Data { name, value } => name.span.to(value.span),
        ExperimentPart::Let(binding) => pattern_span(&binding.pattern).to(binding.value.span),
        ExperimentPart::Step(step) => step.span,
        ExperimentPart::Run(run) => run.span,
    }
}
