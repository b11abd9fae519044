//! `run per video of vot, reset tracker { start on first; follow on rest }`: passes over sequences.

use std::rc::Rc;
use std::sync::Arc;

use vspec_ir::{DType, Expect, Part, Phase, SequencePart, Sequences, Stage, Step, Type};
use vspec_syntax::ast::{Ident, RunClause, RunDef, RunKind, RunPer, RunPhase};
use vspec_syntax::{Diagnostic, Span, did_you_mean};

use super::Parts;
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::scope::Scope;
use crate::value::{DeclKind, Leaf, Pipeline, Value};

impl Evaluator<'_> {
    /// The phase of a run over sequences.
    pub(super) fn sequences(
        &mut self,
        run: &RunDef,
        per: &RunPer,
        scope: &Rc<Scope>,
        parts: &Parts,
    ) -> Eval<Phase> {
        let named = |p: &Rc<Pipeline>| p.name.as_deref() == Some(&*per.data.name);
        let Some(data) = parts.data.iter().position(named) else {
            let known: Vec<&str> = parts.data.iter().filter_map(|p| p.name.as_deref()).collect();
            return self.unknown_part("data set", &per.data, &known);
        };
        self.in_sequence(&parts.data[data], per)?;
        let reset = self.reset_states(&per.reset, scope)?;
        let (mut steps, mut expect) = (vec![], vec![]);
        for phase in &run.phases {
            let part = self.sequence_part(phase, data, per, &parts.steps)?;
            if steps.iter().any(|known: &SequencePart| known.step == part.step) {
                let error = Diagnostic::error(codes::WRONG_PLACE, phase.span, "this step runs already");
                return self.fail(error.hint("`on all` runs it on every item"));
            }
            steps.push(part);
            expect.extend(self.sequence_clauses(phase, scope, &parts.steps)?);
        }
        if steps.is_empty() {
            let error = Diagnostic::error(codes::UNKNOWN_PART, run.span, "nothing runs over these sequences");
            return self.fail(error.hint("`{ start on first; follow on rest }`"));
        }
        let field = per.unit.name.to_string();
        Ok(Phase::Sequences(Sequences { data, field, reset, parts: steps, expect }))
    }

    /// Items have to come one at a time and in order, and have to say which sequence they are of.
    fn in_sequence(&mut self, set: &Pipeline, per: &RunPer) -> Eval<()> {
        let name = &per.data.name;
        let mut wrong = |message: String, hint: &str| {
            let error = Diagnostic::error(codes::BAD_PIPELINE, per.data.span, message);
            self.fail(error.also(set.span, "declared here").hint(hint))
        };
        if let Some(random) = set.drawn_by() {
            let hint = match random {
                "mix" => "run over each of its data sets instead".to_string(),
                _ => format!("leave `{random}` out"),
            };
            return wrong(format!("the items of `{name}` do not come in order"), &hint);
        }
        if let Some(Stage::Batch { size, .. }) = set.stages.last().filter(|_| !set.holds_one()) {
            let message = format!("a sequence is followed item by item, and `{name}` has batches of {size}");
            return wrong(message, "end its pipeline with `batch(1)`");
        }
        let item = &set.item;
        let numbers: Vec<&str> =
            item.iter().filter(|(_, ty)| *ty == Type::scalar(DType::I32)).map(|(n, _)| n.as_str()).collect();
        if numbers.contains(&&*per.unit.name) {
            return Ok(());
        }
        let message = format!("items of `{name}` have no field `{}: i32[]`", per.unit.name);
        let error =
            Diagnostic::error(codes::UNKNOWN_FIELD, per.unit.span, message).also(set.span, "declared here");
        self.fail(match did_you_mean(&per.unit.name, numbers.iter().copied()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("what tells sequences apart is one of {}", numbers.join(", "))),
        })
    }

    /// Paths of the states of modules.
    fn reset_states(&mut self, modules: &[Ident], scope: &Rc<Scope>) -> Eval<Vec<Arc<str>>> {
        let mut paths: Vec<Arc<str>> = vec![];
        for name in modules {
            let instance = match self.lookup(&name.name, name.span, scope)?.value {
                Value::Instance(instance) => instance,
                Value::View(view) => view.base.clone(),
                other => {
                    let message = format!("`reset` takes a module, not {}", other.kind());
                    return self.error(codes::WRONG_KIND, name.span, message);
                }
            };
            let states = self.variables_of(&instance, DeclKind::State, name.span)?;
            let before = paths.len();
            paths.extend(states.leaves.values().filter_map(|leaf| match leaf {
                Leaf::Variable(path) => Some(path.clone()),
                Leaf::Node(_) => None,
            }));
            if paths.len() == before {
                let message = format!("`{}` has no states", name.name);
                let error = Diagnostic::error(codes::WRONG_KIND, name.span, message);
                return self
                    .fail(error.hint("what a module remembers is a `state`; parameters are not reset"));
            }
        }
        paths.retain(|path| self.variables.contains_key(path));
        Ok(paths)
    }

    /// `start on first`
    fn sequence_part(
        &mut self,
        phase: &RunPhase,
        data: usize,
        per: &RunPer,
        steps: &[Step],
    ) -> Eval<SequencePart> {
        let RunKind::On { step: name, part } = &phase.kind else {
            let error = Diagnostic::error(
                codes::WRONG_PLACE,
                phase.span,
                "a run over sequences says on which of their items a step runs",
            );
            return self.fail(error.hint("`start on first`, `follow on rest`, `embed on all`"));
        };
        let step = self.step_index(name, steps)?;
        let Some(on) = Part::from_name(&part.name) else {
            return self.unknown_part("part of a sequence", part, &Part::NAMES);
        };
        let definition = &steps[step];
        if definition.trains {
            let message = format!("step `{}` trains, and a run over sequences only looks", name.name);
            return self.error(codes::WRONG_PLACE, name.span, message);
        }
        match definition.batches.as_slice() {
            [only] if only.data == data => Ok(SequencePart { step, on }),
            _ => {
                let message = format!("step `{}` does not read `{}` alone", name.name, per.data.name);
                let error = Diagnostic::error(codes::WRONG_PLACE, name.span, message);
                let (step, data) = (&name.name, &per.data.name);
                self.fail(error.hint(format!("`step {step}(b from {data}) {{ .. }}`")))
            }
        }
    }

    /// Only expectations make sense: the phase is a single pass.
    fn sequence_clauses(&mut self, phase: &RunPhase, scope: &Rc<Scope>, steps: &[Step]) -> Eval<Vec<Expect>> {
        let mut expect = vec![];
        for clause in &phase.clauses {
            match clause {
                RunClause::Expect(condition) => expect.push(self.expectation(condition, scope, steps)?),
                RunClause::Every { step, .. } => return self.only_expect(step.span),
                RunClause::KeepLast(at) => return self.only_expect(at.span),
                RunClause::KeepBest { metric, .. } | RunClause::StopWhen { metric, .. } => {
                    return self.only_expect(metric.span);
                }
            }
        }
        Ok(expect)
    }

    fn only_expect<T>(&mut self, span: Span) -> Eval<T> {
        let message =
            "a run over sequences is one pass, during which nothing changes that could be kept or stopped";
        let error = Diagnostic::error(codes::WRONG_PLACE, span, message);
        self.fail(error.hint("`expect follow.overlap >= 0.5` is what it can have"))
    }

    /// `start on first` outside a run over sequences.
    pub(super) fn part_without_sequences<T>(&mut self, step: &Ident) -> Eval<T> {
        let message =
            format!("`{}` runs on part of a sequence, and this is no run over sequences", step.name);
        let error = Diagnostic::error(codes::WRONG_PLACE, step.span, message);
        self.fail(error.hint("`run per video of val { start on first; follow on rest }`"))
    }
}
