//! What can be said about the run of an experiment when a step has errors: a metric that no statement of its step could report.

use std::sync::Arc;

use vspec_syntax::ast::{
    Block, ExperimentDef, ExperimentPart, Expr, ExprKind, Ident, RunClause, RunKind, RunPhase, StatementKind,
};

use super::Parts;
use super::run::{change_of, metric_path};
use crate::eval::Evaluator;

impl Evaluator<'_> {
    /// Looks at the metrics of a run that is not made because a step or what it needs has failed.
    pub(super) fn foresee(&mut self, def: &ExperimentDef, parts: &Parts) {
        let runs = def.parts.iter().filter_map(|part| match part {
            ExperimentPart::Run(run) => Some(run),
            _ => None,
        });
        let mut metrics = vec![];
        runs.flat_map(|run| &run.phases).for_each(|phase| metrics_of(phase, &mut metrics));
        for metric in metrics {
            let Some((step, name, span)) = metric_path(metric) else { continue };
            let Some(known) = reports(def, parts, &step.name) else { continue };
            if known.iter().any(|report| is_part(&name, report)) {
                continue;
            }
            let known: Vec<&str> = known.iter().map(|report| &**report).collect();
            let name = Ident { name: name.into(), span };
            // That it is reported is all that is wanted.
            let _ = self.unknown_part::<()>(&format!("report of step `{}` called", step.name), &name, &known);
        }
    }
}

/// `loss.box` is a part of `loss`, as `loss` is.
fn is_part(name: &str, report: &str) -> bool {
    name.strip_prefix(report).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn metrics_of<'a>(phase: &'a RunPhase, out: &mut Vec<&'a Expr>) {
    for clause in &phase.clauses {
        match clause {
            RunClause::KeepBest { metric, .. } | RunClause::StopWhen { metric, .. } => out.push(metric),
            RunClause::Expect(condition) => out.extend(measured(condition)),
            RunClause::Every { .. } | RunClause::KeepLast(_) => {}
        }
    }
    if let RunKind::Repeat { until, phases, .. } = &phase.kind {
        let until = until.as_ref().and_then(measured);
        out.extend(until.map(|metric| change_of(metric).unwrap_or(metric)));
        phases.iter().for_each(|phase| metrics_of(phase, out));
    }
}

/// The metric in `evaluate.accuracy >= 0.9`.
fn measured(condition: &Expr) -> Option<&Expr> {
    match &condition.kind {
        ExprKind::Binary(_, metric, _) => Some(metric),
        _ => None,
    }
}

/// What a step reports, or, if it has failed, what its statements may report; `None` if that cannot be known.
fn reports(def: &ExperimentDef, parts: &Parts, step: &str) -> Option<Vec<Arc<str>>> {
    if let Some(made) = parts.steps.iter().find(|made| made.name == step) {
        return Some(made.reports().into_iter().map(Arc::from).collect());
    }
    let failed = def.parts.iter().find_map(|part| match part {
        ExperimentPart::Step(failed) if &*failed.name.name == step => Some(failed),
        _ => None,
    })?;
    let mut found = vec![];
    may_report(&failed.body, &mut found)?;
    Some(found)
}

fn may_report(block: &Block, out: &mut Vec<Arc<str>>) -> Option<()> {
    for statement in &block.statements {
        match &statement.kind {
            StatementKind::Term { name, .. } | StatementKind::Report { name: Some(name), .. } => {
                out.push(name.name.clone());
            }
            StatementKind::Minimize { .. } => {
                // The first one is `loss`, the next `loss1`; a single term that is minimized is not reported again.
                let count = out.iter().filter(|name| name.starts_with("loss")).count();
                let name = if count == 0 { "loss".to_string() } else { format!("loss{count}") };
                out.extend([name.into(), "lr".into()]);
            }
            StatementKind::Apply { .. } => out.push("lr".into()),
            // Metrics that a function gives, and columns of a table.
            StatementKind::Report { name: None, .. } | StatementKind::ReportTable { .. } => return None,
            StatementKind::Finish(body) | StatementKind::For { body, .. } => may_report(body, out)?,
            StatementKind::Expr(expr) => may_report_in(expr, out)?,
            _ => {}
        }
    }
    block.value.as_deref().map_or(Some(()), |value| may_report_in(value, out))
}

fn may_report_in(expr: &Expr, out: &mut Vec<Arc<str>>) -> Option<()> {
    match &expr.kind {
        ExprKind::If { then, otherwise, .. } => {
            may_report(then, out)?;
            otherwise.as_ref().map_or(Some(()), |block| may_report(block, out))
        }
        ExprKind::Block(block) => may_report(block, out),
        _ => Some(()),
    }
}
