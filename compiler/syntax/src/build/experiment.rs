//! Builds experiments: data, steps and runs.

use pest::iterators::Pair;

use super::{Builder, Built, Children, internal};
use crate::ast::{
    ExperimentDef, ExperimentPart, Expr, Ident, RunClause, RunDef, RunKind, RunPer, RunPhase, StepDef,
};
use crate::grammar::Rule;

impl Builder<'_> {
    pub(super) fn experiment(&self, pair: Pair<'_, Rule>) -> Built<ExperimentDef> {
        let mut children = self.children(pair);
        let name = self.ident(children.one()?);
        let parts = self.children(children.one()?).map(|p| self.part(p)).collect::<Built<_>>()?;
        Ok(ExperimentDef { name, parts })
    }

    fn part(&self, pair: Pair<'_, Rule>) -> Built<ExperimentPart> {
        self.docs.accept(self.span(&pair));
        Ok(match pair.as_rule() {
            Rule::let_def => ExperimentPart::Let(self.let_def(pair)?),
            Rule::data_def => self.data(pair)?,
            Rule::step_def => ExperimentPart::Step(self.step(pair)?),
            _ => ExperimentPart::Run(self.run(pair)?),
        })
    }

    fn data(&self, pair: Pair<'_, Rule>) -> Built<ExperimentPart> {
        let mut children = self.children(pair);
        Ok(ExperimentPart::Data { name: self.ident(children.one()?), value: self.expr(children.one()?)? })
    }

    fn step(&self, pair: Pair<'_, Rule>) -> Built<StepDef> {
        let span = self.span(&pair);
        let mut children = self.children(pair);
        let name = self.ident(children.one()?);
        let batches = children.all(Rule::batch).into_iter().map(|b| self.batch(b)).collect::<Built<_>>()?;
        Ok(StepDef { name, batches, body: self.block(children.one()?)?, span })
    }

    fn batch(&self, pair: Pair<'_, Rule>) -> Built<(Ident, Ident)> {
        let mut children = self.children(pair);
        Ok((self.ident(children.one()?), self.ident(children.one()?)))
    }

    fn run(&self, pair: Pair<'_, Rule>) -> Built<RunDef> {
        let span = self.span(&pair);
        let mut children = self.children(pair);
        let per = children.maybe(Rule::run_per).map(|p| self.per(p)).transpose()?;
        let body = children.one()?;
        let phases = match body.as_rule() {
            Rule::phases => self.phases(body)?,
            _ => vec![self.phase(body)?],
        };
        Ok(RunDef { phases, per, span })
    }

    fn per(&self, pair: Pair<'_, Rule>) -> Built<RunPer> {
        let mut children = self.children(pair);
        let unit = self.ident(children.one()?);
        let data = self.ident(children.one()?);
        Ok(RunPer { unit, data, reset: children.map(|n| self.ident(n)).collect() })
    }

    fn phases(&self, pair: Pair<'_, Rule>) -> Built<Vec<RunPhase>> {
        let span = self.span(&pair);
        self.deeper(1, span, || self.children(pair).map(|p| self.phase(p)).collect())
    }

    fn phase(&self, pair: Pair<'_, Rule>) -> Built<RunPhase> {
        let span = self.span(&pair);
        let mut children = self.children(pair);
        let kind = self.phase_kind(children.one()?)?;
        Ok(RunPhase { kind, clauses: children.map(|c| self.clause(c)).collect::<Built<_>>()?, span })
    }

    fn phase_kind(&self, pair: Pair<'_, Rule>) -> Built<RunKind> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut children = self.children(pair);
        match rule {
            Rule::repeat => self.repeat(children),
            Rule::on_part => {
                Ok(RunKind::On { step: self.ident(children.one()?), part: self.ident(children.one()?) })
            }
            Rule::counted => {
                let count = Some(self.simple(children.one()?)?);
                let epochs = is_epochs(&mut children);
                Ok(RunKind::Steps { count, epochs, step: self.ident(children.one()?) })
            }
            Rule::once => {
                Ok(RunKind::Steps { count: None, epochs: false, step: self.ident(children.one()?) })
            }
            _ => Err(Box::new(internal(span))),
        }
    }

    fn repeat(&self, mut children: Children<'_>) -> Built<RunKind> {
        let count = self.simple(children.one()?)?;
        let until = self.maybe_simple(&mut children)?;
        Ok(RunKind::Repeat { count, until, phases: self.phases(children.one()?)? })
    }

    fn maybe_simple(&self, children: &mut Children<'_>) -> Built<Option<Expr>> {
        children.maybe(Rule::simple).map(|e| self.simple(e)).transpose()
    }

    fn clause(&self, pair: Pair<'_, Rule>) -> Built<RunClause> {
        let (rule, span) = (pair.as_rule(), self.span(&pair));
        let mut children = self.children(pair);
        Ok(match rule {
            Rule::every => {
                let step = self.ident(children.one()?);
                let count = self.maybe_simple(&mut children)?;
                RunClause::Every { step, count, epochs: is_epochs(&mut children) }
            }
            Rule::keep_last => RunClause::KeepLast(self.simple(children.one()?)?),
            Rule::keep_best => {
                let (first, lowest) = (self.maybe_simple(&mut children)?, is_lowest(&mut children));
                match (first, self.maybe_simple(&mut children)?) {
                    (count, Some(metric)) => RunClause::KeepBest { count, lowest, metric },
                    (Some(metric), None) => RunClause::KeepBest { count: None, lowest, metric },
                    (None, None) => return Err(Box::new(internal(span))),
                }
            }
            Rule::stop_when => self.stop_when(children)?,
            _ => RunClause::Expect(self.simple(children.one()?)?),
        })
    }

    fn stop_when(&self, mut children: Children<'_>) -> Built<RunClause> {
        let lowest = is_lowest(&mut children);
        let metric = self.simple(children.one()?)?;
        let first = self.simple(children.one()?)?;
        let (by, count) = match self.maybe_simple(&mut children)? {
            Some(count) => (Some(first), count),
            None => (None, first),
        };
        Ok(RunClause::StopWhen { lowest, metric, by, count, epochs: is_epochs(&mut children) })
    }
}

fn is_lowest(children: &mut Children<'_>) -> bool {
    children.maybe(Rule::kw_lowest).is_some()
}

/// Reads the unit of a count; without one it counts iterations.
fn is_epochs(children: &mut Children<'_>) -> bool {
    let epochs = children.maybe(Rule::kw_epochs).is_some();
    if !epochs {
        children.maybe(Rule::kw_iterations);
    }
    epochs
}
