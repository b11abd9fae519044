//! `run`: from the written order of things to phases.

use std::rc::Rc;

use vspec_ir::{Every, Expect, KeepBest, Metric, Phase, Step, Steps, StopWhen, Unit, Until};
use vspec_syntax::ast::{
    BinaryOp, ExperimentDef, ExperimentPart, Expr, ExprKind, Ident, RunClause, RunKind, RunPhase,
};
use vspec_syntax::{Diagnostic, Span};

use super::Parts;
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::scope::Scope;

impl Evaluator<'_> {
    /// The phases of all `run` parts; an experiment without one cannot be run.
    pub(super) fn schedule(
        &mut self,
        def: &ExperimentDef,
        scope: &Rc<Scope>,
        parts: &Parts,
    ) -> Eval<Vec<Phase>> {
        let mut phases = vec![];
        for part in &def.parts {
            let ExperimentPart::Run(run) = part else { continue };
            if let Some(per) = &run.per {
                phases.push(self.sequences(run, per, scope, parts)?);
                continue;
            }
            for phase in &run.phases {
                phases.push(self.phase(phase, scope, &parts.steps)?);
            }
        }
        if phases.is_empty() {
            let message = format!("experiment `{}` has no `run`", def.name.name);
            return self.fail(
                Diagnostic::error(codes::UNKNOWN_PART, def.name.span, message)
                    .hint("add `run 10 epochs of train`"),
            );
        }
        Ok(phases)
    }

    fn phase(&mut self, phase: &RunPhase, scope: &Rc<Scope>, steps: &[Step]) -> Eval<Phase> {
        match &phase.kind {
            RunKind::Steps { count, epochs, step } => {
                let count = self.count(count.as_ref(), scope)?;
                let index = self.step_index(step, steps)?;
                self.whole_passes(&steps[index], *epochs, step.span)?;
                let step = index;
                let mut phase_steps = Steps::new(step, count, unit(*epochs));
                for clause in &phase.clauses {
                    self.clause(clause, &mut phase_steps, scope, steps)?;
                }
                Ok(Phase::Steps(phase_steps))
            }
            RunKind::Repeat { count, until, phases } => {
                let count = self.count(Some(count), scope)?;
                let phases: Eval<Vec<Phase>> = phases.iter().map(|p| self.phase(p, scope, steps)).collect();
                let phases = phases?;
                let until =
                    until.as_ref().map(|until| self.until(until, &phases, scope, steps)).transpose()?;
                Ok(Phase::Repeat { count, until, phases })
            }
            RunKind::On { step, .. } => self.part_without_sequences(step),
        }
    }

    /// A step that collects runs whole passes; single iterations would never finish.
    fn whole_passes(&mut self, step: &Step, epochs: bool, span: Span) -> Eval<()> {
        if epochs || step.finish.is_empty() || step.batches.is_empty() {
            return Ok(());
        }
        let error = Diagnostic::error(
            codes::WRONG_PLACE,
            span,
            format!("step `{}` has a `finish`, so that it runs over all its data", step.name),
        );
        self.fail(error.hint(format!("`1 epoch of {}`", step.name)))
    }

    /// `change(refine.total) < 1e-3`, `evaluate.accuracy >= 0.9`
    fn until(&mut self, condition: &Expr, round: &[Phase], scope: &Rc<Scope>, steps: &[Step]) -> Eval<Until> {
        let ExprKind::Binary(op, measured, bound) = &condition.kind else {
            return self.until_form(condition.span);
        };
        let (at_least, strict) = match op {
            BinaryOp::Ge => (true, false),
            BinaryOp::Gt => (true, true),
            BinaryOp::Le => (false, false),
            BinaryOp::Lt => (false, true),
            _ => return self.until_form(condition.span),
        };
        let inner = change_of(measured);
        let metric = self.metric(inner.unwrap_or(measured), steps)?;
        if !round.iter().any(|phase| runs(phase, metric.step)) {
            let step = &steps[metric.step].name;
            let message = format!("no round runs `{step}`, so that its reports never change");
            let error = Diagnostic::error(codes::WRONG_PLACE, measured.span, message);
            return self.fail(error.hint(format!("run it in the repetition: `1 epoch of {step}`")));
        }
        let bound = self.metric_bound(bound, scope)?;
        Ok(Until { metric, change: inner.is_some(), at_least, strict, bound })
    }

    fn until_form<T>(&mut self, span: Span) -> Eval<T> {
        self.fail(
            Diagnostic::error(codes::WRONG_KIND, span, "what ends a repetition is a bound on a metric")
                .hint("`until change(refine.total) < 1e-3`, `until evaluate.accuracy >= 0.9`"),
        )
    }

    fn metric_bound(&mut self, bound: &Expr, scope: &Rc<Scope>) -> Eval<f64> {
        let value = self.expr(bound, scope)?;
        let message = || format!("a bound is a number, not {}", value.kind());
        value.as_float().map_or_else(|| self.error(codes::WRONG_KIND, bound.span, message()), Ok)
    }

    fn count(&mut self, count: Option<&Expr>, scope: &Rc<Scope>) -> Eval<u64> {
        let Some(expr) = count else { return Ok(1) };
        let value = self.static_int(expr, scope)?;
        match u64::try_from(value) {
            Ok(count) if count > 0 => Ok(count),
            _ => self.error(codes::OUT_OF_RANGE, expr.span, format!("{value} times is not possible")),
        }
    }

    pub(super) fn step_index(&mut self, name: &Ident, steps: &[Step]) -> Eval<usize> {
        match steps.iter().position(|s| s.name == *name.name) {
            Some(index) => Ok(index),
            None => {
                let known: Vec<&str> = steps.iter().map(|s| &*s.name).collect();
                self.unknown_part("step", name, &known)
            }
        }
    }

    fn clause(
        &mut self,
        clause: &RunClause,
        phase: &mut Steps,
        scope: &Rc<Scope>,
        steps: &[Step],
    ) -> Eval<()> {
        match clause {
            RunClause::Every { step, count, epochs } => {
                let count = self.count(count.as_ref(), scope)?;
                let step = self.step_index(step, steps)?;
                phase.every.push(Every { step, count, unit: unit(*epochs) });
            }
            RunClause::KeepLast(count) => phase.keep_last = self.count(Some(count), scope)?,
            RunClause::KeepBest { count, lowest, metric } => {
                let count = self.count(count.as_ref(), scope)?;
                let metric = self.metric(metric, steps)?;
                phase.keep_best = Some(KeepBest { count, metric, lowest: *lowest });
            }
            RunClause::StopWhen { lowest, metric, by, count, epochs } => {
                let (lowest, unit) = (*lowest, unit(*epochs));
                let metric = self.metric(metric, steps)?;
                let by = self.margin(by.as_ref(), scope)?;
                let count = self.count(Some(count), scope)?;
                phase.stop_when = Some(StopWhen { metric, lowest, by, count, unit });
            }
            RunClause::Expect(condition) => {
                phase.expect.push(self.expectation(condition, scope, steps)?);
            }
        }
        Ok(())
    }

    /// By how much a metric has to improve; by anything if nothing is said.
    fn margin(&mut self, by: Option<&Expr>, scope: &Rc<Scope>) -> Eval<f64> {
        let Some(expr) = by else { return Ok(0.0) };
        let value = self.expr(expr, scope)?;
        match value.as_float() {
            Some(margin) if margin >= 0.0 && margin.is_finite() => Ok(margin),
            Some(margin) => {
                self.error(codes::OUT_OF_RANGE, expr.span, format!("an improvement by {margin} is not one"))
            }
            None => self.error(
                codes::WRONG_KIND,
                expr.span,
                format!("an improvement is a number, not {}", value.kind()),
            ),
        }
    }

    /// `evaluate.accuracy`
    fn metric(&mut self, expr: &Expr, steps: &[Step]) -> Eval<Metric> {
        let Some((step, name, span)) = metric_path(expr) else {
            return self.metric_form(expr.span);
        };
        let index = self.step_index(&step, steps)?;
        let known = steps[index].reports();
        match known.contains(&name.as_str()) {
            true => Ok(Metric { step: index, name }),
            false => {
                let ident = Ident { name: name.into(), span };
                self.unknown_part(&format!("report of step `{}` called", step.name), &ident, &known)
            }
        }
    }

    fn metric_form<T>(&mut self, span: Span) -> Eval<T> {
        self.fail(
            Diagnostic::error(codes::WRONG_KIND, span, "a metric is named by its step and its report")
                .hint("`evaluate.accuracy`"),
        )
    }

    /// `evaluate.accuracy >= 0.9`
    pub(super) fn expectation(
        &mut self,
        condition: &Expr,
        scope: &Rc<Scope>,
        steps: &[Step],
    ) -> Eval<Expect> {
        let ExprKind::Binary(op @ (BinaryOp::Ge | BinaryOp::Le), metric, bound) = &condition.kind else {
            return self.fail(
                Diagnostic::error(codes::WRONG_KIND, condition.span, "an expectation is a bound on a metric")
                    .hint("`expect evaluate.accuracy >= 0.9`"),
            );
        };
        let metric = self.metric(metric, steps)?;
        let bound = self.metric_bound(bound, scope)?;
        Ok(Expect { metric, at_least: *op == BinaryOp::Ge, bound })
    }
}

fn unit(epochs: bool) -> Unit {
    if epochs { Unit::Epochs } else { Unit::Iterations }
}

/// Whether a phase runs a step, by itself or now and then.
fn runs(phase: &Phase, step: usize) -> bool {
    match phase {
        Phase::Steps(steps) => steps.step == step || steps.every.iter().any(|every| every.step == step),
        Phase::Repeat { phases, .. } => phases.iter().any(|phase| runs(phase, step)),
        Phase::Sequences(sequences) => sequences.parts.iter().any(|part| part.step == step),
    }
}

/// The metric in `change(metric)`.
pub(super) fn change_of(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Call(callee, args) if matches!(&callee.kind, ExprKind::Name(name) if &**name == "change") => {
            args.first().filter(|_| args.len() == 1).map(|arg| &arg.value)
        }
        _ => None,
    }
}

/// Step and report of `evaluate.accuracy` or `evaluate.loss.box`.
pub(super) fn metric_path(expr: &Expr) -> Option<(Ident, String, Span)> {
    let ExprKind::Field(base, field) = &expr.kind else { return None };
    match &base.kind {
        ExprKind::Name(step) => {
            let step = Ident { name: step.clone(), span: base.span };
            Some((step, field.name.to_string(), field.span))
        }
        _ => {
            let (step, report, _) = metric_path(base)?;
            Some((step, format!("{report}.{}", field.name), expr.span))
        }
    }
}
