//! Conditions that nobody can answer yet: on sizes that are not bound, on the run clock. What depends on one is elaborated once
//! for each answer, and every answer gets a graph of its own.
//!
//! An elaboration takes its answers from a list. It begins empty; a condition that is met beyond its end is taken to hold and
//! added. After each elaboration the last answer that was not turned round yet is turned round, and what came after it is
//! forgotten, until nothing is left: the leaves of the tree of answers, one after the other. An answer is a fact while its graph
//! is built, so that a condition that follows from earlier ones, or contradicts them, chooses nothing.

use vspec_ir::{ClockCondition, Comparison, Condition, NodeId, Obligation, Op};
use vspec_syntax::{Diagnostic, Label, Span};

use super::{Eval, Evaluator, Place, Stop};
use crate::codes;
use crate::value::Formula;

/// How many graphs one step, entry or test may become.
const MAX_VARIANTS: usize = 16;

/// A condition that was met, and the answer that is looked at.
#[derive(Debug, Clone)]
struct Answer {
    condition: Condition,
    span: Span,
    holds: bool,
    /// Whether it was met at the end of a pass.
    in_finish: bool,
}

impl Answer {
    /// What is taken to hold.
    fn assumed(&self) -> Option<Condition> {
        if self.holds { Some(self.condition.clone()) } else { self.condition.negated() }
    }
}

/// The answers of one elaboration.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    list: Vec<Answer>,
    /// How many of them this elaboration has asked for.
    taken: usize,
}

impl Answers {
    fn asked(&self) -> &[Answer] {
        &self.list[..self.taken]
    }

    /// What was taken to hold, in the order in which it was asked.
    pub(crate) fn assumed(&self, in_finish: bool) -> Vec<Condition> {
        self.asked().iter().filter(|a| a.in_finish == in_finish).filter_map(Answer::assumed).collect()
    }

    /// Lines for messages.
    pub(crate) fn notes(&self) -> impl Iterator<Item = Label> {
        let note = |a: &Answer| Some(Label { span: a.span, text: format!("the graph for {}", a.assumed()?) });
        self.asked().iter().filter_map(note)
    }

    /// Goes on to the next leaf; where the condition stands that is turned round.
    fn turn(&mut self) -> Option<Span> {
        self.list.truncate(self.taken);
        self.taken = 0;
        while let Some(last) = self.list.last_mut() {
            if last.holds {
                last.holds = false;
                return Some(last.span);
            }
            self.list.pop();
        }
        None
    }
}

/// What an elaboration made, and when that is what counts.
pub(crate) struct Leaf<T> {
    /// What was taken to hold.
    pub(crate) when: Vec<Condition>,
    /// The same at the end of a pass.
    pub(crate) when_finishing: Vec<Condition>,
    pub(crate) made: T,
}

impl Evaluator<'_> {
    /// Elaborates something once for each combination of answers. All are looked at, even after one failed.
    pub(crate) fn each_answer<T>(
        &mut self,
        mut make: impl FnMut(&mut Self) -> Eval<T>,
    ) -> Eval<Vec<Leaf<T>>> {
        let facts = self.graph.facts().clone();
        let (mut leaves, mut failed) = (vec![], false);
        loop {
            let made = make(self);
            self.graph.facts_mut().go_back_to(&facts);
            failed |= made.is_err();
            let (when, when_finishing) = (self.answers.assumed(false), self.answers.assumed(true));
            leaves.extend(made.map(|made| Leaf { when, when_finishing, made }));
            match self.answers.turn().filter(|_| !self.saturated()) {
                None => break,
                Some(span) if leaves.len() >= MAX_VARIANTS => {
                    self.answers = Answers::default();
                    return self.too_many_variants(span);
                }
                Some(_) => {}
            }
        }
        self.answers = Answers::default();
        if failed { Err(Stop) } else { Ok(leaves) }
    }

    fn too_many_variants<T>(&mut self, span: Span) -> Eval<T> {
        let message =
            format!("conditions that are not decided choose between more than {MAX_VARIANTS} graphs");
        self.fail(
            Diagnostic::error(codes::LIMIT, span, message)
                .hint("`require W < 20` decides one; so does an input of a known size"),
        )
    }

    /// The answer to a condition that is not decided by itself.
    pub(crate) fn decide(&mut self, formula: &Formula, span: Span) -> Eval<bool> {
        match formula {
            Formula::Is(condition) => self.answer(condition, span),
            Formula::Both(sides) => Ok(self.decide(&sides.0, span)? && self.decide(&sides.1, span)?),
            Formula::Either(sides) => Ok(self.decide(&sides.0, span)? || self.decide(&sides.1, span)?),
        }
    }

    fn answer(&mut self, condition: &Condition, span: Span) -> Eval<bool> {
        if let Some(known) = self.known_answer(condition) {
            return Ok(known);
        }
        if !matches!(self.place, Place::Entry | Place::Test | Place::Step) {
            return self.not_static(span, &format!("whether {condition}"));
        }
        let (at, in_finish) = (self.answers.taken, self.step.finish.is_inside());
        if at == self.answers.list.len() {
            self.answers.list.push(Answer { condition: condition.clone(), span, holds: true, in_finish });
        }
        self.answers.taken += 1;
        let answer = &self.answers.list[at];
        let (holds, assumed) = (answer.holds, answer.assumed());
        match assumed {
            Some(Condition::Sizes(relation)) => self.graph.facts_mut().assume(relation),
            Some(Condition::Clock(_)) => {}
            None => return self.error(codes::ARITHMETIC, span, "a size is too large to be compared"),
        }
        Ok(holds)
    }

    /// The answer that follows from what is known, required or was answered before.
    fn known_answer(&self, condition: &Condition) -> Option<bool> {
        match condition {
            Condition::Sizes(Obligation { relation, left, right }) => {
                let mut facts = self.graph.facts().clone();
                self.step.obligations.iter().for_each(|required| facts.assume(required.clone()));
                relation.decide(left, right, &facts)
            }
            Condition::Clock(asked) => {
                let assumed: Vec<Condition> =
                    self.answers.asked().iter().filter_map(Answer::assumed).collect();
                let clock = assumed.iter().filter_map(|c| match c {
                    Condition::Clock(c) => Some(c),
                    Condition::Sizes(_) => None,
                });
                asked.follows_from(&clock.collect::<Vec<_>>())
            }
        }
    }

    /// The graph cut down to what outputs need, under the conditions that hold for every batch or at the end of a pass.
    pub(crate) fn cut(
        &mut self,
        name: String,
        outputs: &[vspec_ir::Output],
        finish: bool,
    ) -> vspec_ir::Graph {
        let all = self.graph.facts().clone();
        let elsewhere = self.answers.assumed(!finish);
        let is_elsewhere =
            |o: &Obligation| elsewhere.iter().any(|c| matches!(c, Condition::Sizes(c) if c == o));
        self.graph.facts_mut().retain_conditions(|o| !is_elsewhere(o));
        let graph = self.graph.extract(name, outputs);
        self.graph.facts_mut().go_back_to(&all);
        graph
    }

    /// The condition of a step on the run clock that a tensor stands for, if it is one.
    pub(crate) fn clock_formula(&self, node: NodeId) -> Option<Formula> {
        if self.place != Place::Step || self.depth() > 0 {
            return None;
        }
        let op = &self.graph.node(node).op;
        let inputs = self.graph.node(node).inputs.as_slice();
        match (op, inputs) {
            (Op::Not {}, [of]) => self.clock_formula(*of)?.negated(),
            (Op::And {}, [a, b]) => Some(Formula::both(self.clock_formula(*a)?, self.clock_formula(*b)?)),
            (Op::Or {}, [a, b]) => Some(Formula::either(self.clock_formula(*a)?, self.clock_formula(*b)?)),
            (Op::Lt {}, [a, b]) => self.clock_comparison(Comparison::Less, *a, *b),
            (Op::Le {}, [a, b]) => self.clock_comparison(Comparison::AtMost, *a, *b),
            (Op::Eq {}, [a, b]) => self.clock_comparison(Comparison::Equal, *a, *b),
            _ => None,
        }
    }

    fn clock_comparison(&self, comparison: Comparison, a: NodeId, b: NodeId) -> Option<Formula> {
        let clock = |id: NodeId| match &self.graph.node(id).op {
            Op::Input { name, .. } if name.starts_with("clock.") => Some(name.clone()),
            _ => None,
        };
        let number = |id: NodeId| match &self.graph.node(id).op {
            Op::Full { value, shape, .. } if shape.is_empty() => Some(*value),
            _ => None,
        };
        let (comparison, clock, bound) = match (clock(a), number(b)) {
            (Some(clock), Some(bound)) => (comparison, clock, bound),
            _ => (comparison.mirrored(), clock(b)?, number(a)?),
        };
        Some(Formula::Is(Condition::Clock(ClockCondition { clock, comparison, bound })))
    }
}
