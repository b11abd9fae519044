//! Experiments: data sets, values, steps and the run.

use std::sync::Arc;

use vspec_syntax::ast::{
    ExperimentDef, ExperimentPart, Expr, ExprKind, Ident, RunClause, RunDef, RunKind, RunPhase, StepDef,
};
use vspec_syntax::{Diagnostic, Span, did_you_mean};

use super::scope::{Kind, pattern_names};
use super::{Checker, Use, codes};
use crate::codes::UNKNOWN_PART;

/// A step of the experiment around. Steps have a scope of their own: `step train(b from train)` is customary.
pub(super) struct StepName {
    span: Span,
    read: bool,
}

impl Checker<'_> {
    pub(super) fn experiment(&mut self, def: &ExperimentDef) {
        self.define_steps(def);
        self.later = def.parts.iter().flat_map(part_names).map(|name| name.name.clone()).collect();
        self.scoped(|c| {
            def.parts.iter().for_each(|part| c.value_part(part));
            c.later.clear();
            for part in &def.parts {
                match part {
                    ExperimentPart::Step(step) => c.step(step),
                    ExperimentPart::Run(run) => c.run(run),
                    ExperimentPart::Data { .. } | ExperimentPart::Let(_) => {}
                }
            }
        });
        let runs = def.parts.iter().any(|part| matches!(part, ExperimentPart::Run(_)));
        for (name, step) in std::mem::take(&mut self.steps) {
            if runs && !step.read && !name.starts_with('_') && *name != *vspec_ir::PREDICT {
                let message = format!("step `{name}` is not part of the run");
                let warning = Diagnostic::warning(codes::UNUSED_PART, step.span, message);
                self.found.push(warning.hint(format!("name it there, such as `{name} every epoch`")));
            }
        }
    }

    fn define_steps(&mut self, def: &ExperimentDef) {
        for part in &def.parts {
            let ExperimentPart::Step(StepDef { name, .. }) = part else { continue };
            match self.steps.get(&name.name).map(|step| step.span) {
                Some(first) => self.duplicate(name, first),
                None => drop(self.steps.insert(name.name.clone(), StepName { span: name.span, read: false })),
            }
        }
    }

    /// Data sets and values in written order.
    fn value_part(&mut self, part: &ExperimentPart) {
        match part {
            ExperimentPart::Data { name, value } => {
                self.expr(value);
                self.define(name, Kind::Data);
            }
            ExperimentPart::Let(def) => {
                self.expr(&def.value);
                def.ty.iter().for_each(|ty| self.binding_type(ty));
                for name in pattern_names(&def.pattern).into_iter().filter(|name| &*name.name != "_") {
                    self.warn_hiding(name);
                    self.define(name, Kind::Variable);
                }
            }
            ExperimentPart::Step(_) | ExperimentPart::Run(_) => {}
        }
        part_names(part).into_iter().for_each(|name| {
            self.later.remove(&name.name);
        });
    }

    fn step(&mut self, def: &StepDef) {
        def.batches.iter().for_each(|(_, data)| self.read_data(data));
        self.scoped(|c| {
            def.batches.iter().for_each(|(name, _)| c.define(name, Kind::Variable));
            c.block(&def.body);
            c.collected.clear();
        });
    }

    /// A use of a step, where the name is one.
    pub(super) fn read_step(&mut self, name: &str) -> Option<Span> {
        let step = self.steps.get_mut(name)?;
        step.read = true;
        Some(step.span)
    }

    fn use_step(&mut self, name: &Arc<str>, span: Span) {
        if let Some(step) = self.read_step(name) {
            self.uses.push(Use { name: name.clone(), span, binding: Some(step) });
        }
    }

    fn run(&mut self, run: &RunDef) {
        run.phases.iter().for_each(|phase| self.phase(phase));
        if let Some(per) = &run.per {
            self.read_data(&per.data);
            per.reset.iter().for_each(|name| self.read(&name.name, name.span));
        }
    }

    fn phase(&mut self, phase: &RunPhase) {
        match &phase.kind {
            RunKind::Steps { count, step, .. } => {
                count.iter().for_each(|count| self.expr(count));
                self.named_step(step);
            }
            RunKind::Repeat { count, until, phases } => {
                self.expr(count);
                until.iter().for_each(|until| self.metric(until));
                phases.iter().for_each(|phase| self.phase(phase));
            }
            RunKind::On { step, .. } => self.named_step(step),
        }
        phase.clauses.iter().for_each(|clause| self.clause(clause));
    }

    fn clause(&mut self, clause: &RunClause) {
        match clause {
            RunClause::Every { step, count, .. } => {
                self.named_step(step);
                count.iter().for_each(|count| self.expr(count));
            }
            RunClause::KeepLast(count) => self.expr(count),
            RunClause::KeepBest { count, metric, .. } => {
                count.iter().for_each(|count| self.expr(count));
                self.metric(metric);
            }
            RunClause::StopWhen { metric, by, count, .. } => {
                self.metric(metric);
                by.iter().chain([count]).for_each(|expr| self.expr(expr));
            }
            RunClause::Expect(condition) => self.metric(condition),
        }
    }

    /// An expression over metrics: `evaluate.accuracy >= 0.9` names a step first, even where a data set has its name.
    fn metric(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Field(base, _) => self.metric(base),
            ExprKind::Name(name) if self.steps.contains_key(name) => self.use_step(name, expr.span),
            ExprKind::Name(name) if !self.in_scope(name) && !(self.surroundings.builtin)(name) => {
                self.named_step(&Ident { name: name.clone(), span: expr.span });
            }
            ExprKind::Binary(_, a, b) => {
                self.metric(a);
                self.metric(b);
            }
            ExprKind::Unary(_, e) => self.metric(e),
            ExprKind::Call(callee, args) => {
                // `change(refine.total)` is part of the run's own language.
                if !matches!(&callee.kind, ExprKind::Name(name) if &**name == "change") {
                    self.expr(callee);
                }
                args.iter().for_each(|arg| self.metric(&arg.value));
            }
            _ => self.expr(expr),
        }
    }

    fn named_step(&mut self, name: &Ident) {
        self.use_step(&name.name, name.span);
        if !self.steps.contains_key(&name.name) {
            let hint =
                if self.suggests() { one_of(name, self.steps.keys().map(|n| &**n).collect()) } else { None };
            self.unknown_part("step", name, hint);
        }
    }

    fn read_data(&mut self, name: &Ident) {
        if self.is_data(&name.name) {
            return self.read(&name.name, name.span);
        }
        let later = self.later.contains(&name.name);
        let hint = match self.suggests() {
            true if later => {
                Some(format!("`{}` is defined further down; `data` parts are read in order", name.name))
            }
            true => one_of(name, self.data_names()),
            false => None,
        };
        self.unknown_part("data set", name, hint);
    }

    /// `{ coco: 1, lasot: 2 }` in `mix(..)`: its keys are data sets.
    pub(super) fn mixed(&mut self, weights: &Expr) {
        let ExprKind::Record(fields) = &weights.kind else { return };
        fields.iter().for_each(|field| self.read_data(&field.key));
    }

    fn unknown_part(&mut self, what: &str, name: &Ident, hint: Option<String>) {
        let message = format!("there is no {what} `{}`", name.name);
        self.push_unknown(Diagnostic::error(UNKNOWN_PART, name.span, message), hint);
    }
}

/// What a part's name could have been meant to be.
fn one_of(name: &Ident, known: Vec<&str>) -> Option<String> {
    match did_you_mean(&name.name, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => None,
        None => Some(format!("there is {}", known.join(", "))),
    }
}

/// Names that a part of an experiment binds for the parts after it.
fn part_names(part: &ExperimentPart) -> Vec<&Ident> {
    match part {
        ExperimentPart::Data { name, .. } => vec![name],
        ExperimentPart::Let(def) => pattern_names(&def.pattern),
        ExperimentPart::Step(_) | ExperimentPart::Run(_) => vec![],
    }
}
