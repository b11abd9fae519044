//! The clauses of a rule, in the order in which they are written.

use std::rc::Rc;

use vspec_ir::{NodeId, Op};
use vspec_syntax::ast::{Expr, Ident, RuleClause, RuleKind};
use vspec_syntax::{Diagnostic, Span};

use super::{COLS, ROWS};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::scope::Scope;
use crate::value::Value;

/// The pair of each row that is left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolved {
    /// What is picked then.
    pub(super) picked: NodeId,
    /// By what it was chosen, minus infinity for pairs that were not picked.
    pub(super) key: NodeId,
    /// The column of the largest key of each row, also of rows without a pair: a real of ints.
    pub(super) best: NodeId,
}

impl Evaluator<'_> {
    pub(super) fn rule_clause(&mut self, clause: &RuleClause, scope: &Rc<Scope>) -> Eval<()> {
        let span = clause.span;
        let before = (self.pairing()?.picked, self.pairing()?.ignored);
        // A pick chooses among all pairs, whatever is picked already.
        let chooses = matches!(
            clause.kind,
            RuleKind::PickBest { .. }
                | RuleKind::PickWhere(_)
                | RuleKind::PickOneToOne { .. }
                | RuleKind::Ignore { .. }
        );
        self.pairing()?.over_picked = !chooses;
        match &clause.kind {
            RuleKind::Let(binding) => self.let_statement(binding, scope),
            RuleKind::Require(require) => self.require(require, scope),
            RuleKind::PickBest { count, by, per, group, narrowed } => {
                self.pick_best([count, by], per, [group.as_ref(), narrowed.as_ref()], scope)
            }
            RuleKind::PickWhere(condition) => self.pick_where(condition, scope),
            RuleKind::PickOneToOne { cost, narrowed } => self.pick_one_to_one(cost, narrowed.as_ref(), scope),
            RuleKind::Keep(condition) => self.keep(condition, scope),
            RuleKind::Resolve { by, per } => self.resolve(by, per, span, scope),
            RuleKind::Ignore { rows, condition } => self.ignore(rows, condition, scope),
            RuleKind::Sample { count, rows, repeating, positives, negatives } => {
                let shares = [positives.as_ref(), negatives.as_ref()];
                self.sample(count, rows, *repeating, shares, span, scope)
            }
            RuleKind::Give { name, value, otherwise } => {
                self.give(name, value, otherwise.as_ref(), span, scope)
            }
            RuleKind::Pairs { positive, condition } => self.pairs_where(*positive, condition, scope),
            RuleKind::Weight { positive, value } => self.weight(*positive, value, span, scope),
        }?;
        self.rebind(before, scope, span)
    }

    /// `picked` and `ignored` as clauses read them.
    fn rebind(
        &mut self,
        before: (Option<NodeId>, Option<NodeId>),
        scope: &Rc<Scope>,
        span: Span,
    ) -> Eval<()> {
        let now = (self.pairing()?.picked, self.pairing()?.ignored);
        for (name, before, now) in [("picked", before.0, now.0), ("ignored", before.1, now.1)] {
            if let Some(real) = now.filter(|_| before != now) {
                let value = self.one_of(real, span)?;
                scope.bind(name, Value::Tensor(value), span);
            }
        }
        Ok(())
    }

    /// `keep condition`: of what is picked, or of what can be picked.
    fn keep(&mut self, condition: &Expr, scope: &Rc<Scope>) -> Eval<()> {
        let real = self.pair_condition(condition, scope)?;
        let (picked, candidates) = (self.pairing()?.picked, self.pairing()?.candidates);
        let kept = self.both(picked.or(candidates), Some(real), condition.span)?;
        let rule = self.pairing()?;
        match picked {
            Some(_) => rule.picked = kept,
            None => rule.candidates = kept,
        }
        Ok(())
    }

    /// `resolve by x per a`: of the pairs of a row, the one with the largest `x` stays.
    fn resolve(&mut self, by: &Expr, per: &Ident, span: Span, scope: &Rc<Scope>) -> Eval<()> {
        let side = self.side_named(per)?;
        let key = self.pair_number(by, scope)?;
        let picked = self.something_picked(span, "resolve")?;
        let along = 1 - side;
        let axis = self.pairing()?.axis(along);
        let key = self.ranked(Some(picked), key, by.span)?;
        let best = self.emit_unchecked(Op::Argmax { axis: axis as i64 }, &[key], span)?;
        let mut shape = self.graph.ty(best).shape.clone();
        shape.insert(axis, super::one());
        let best = self.emit_unchecked(Op::Reshape { shape }, &[best], span)?;
        let places = self.places(along, span)?;
        let first = self.emit_unchecked(Op::Eq {}, &[places, best], span)?;
        let stays = self.emit_unchecked(Op::And {}, &[picked, first], span)?;
        let rule = self.pairing()?;
        rule.picked = Some(stays);
        if side == ROWS {
            rule.single = true;
            rule.resolved = Some(Resolved { picked: stays, key, best });
        }
        Ok(())
    }

    /// What is picked, in full.
    pub(super) fn something_picked(&mut self, span: Span, what: &str) -> Eval<NodeId> {
        let Some(picked) = self.pairing()?.picked else {
            let message = format!("`{what}` before anything is picked");
            let error = Diagnostic::error(codes::RULE, span, message);
            return self
                .fail(error.hint("clauses run in the order in which they are written: `pick` comes first"));
        };
        self.in_full(picked, span)
    }

    /// `ignore a where condition`: rows that take no part unless they have a pair in the end.
    fn ignore(&mut self, rows: &Ident, condition: &Expr, scope: &Rc<Scope>) -> Eval<()> {
        self.is_rows(rows, "ignore")?;
        let real = self.pair_condition(condition, scope)?;
        self.independent_of(real, COLS, condition.span, "whether a row is ignored")?;
        let ignored = match self.pairing()?.ignored {
            Some(before) => self.emit_unchecked(Op::Or {}, &[before, real], condition.span)?,
            None => real,
        };
        self.pairing()?.ignored = Some(ignored);
        Ok(())
    }

    /// Refuses a clause about rows that names something else.
    pub(super) fn is_rows(&mut self, name: &Ident, what: &str) -> Eval<()> {
        if self.side_named(name)? == ROWS {
            return Ok(());
        }
        let rows = self.pairing()?.sides[ROWS].name.clone();
        let message = format!("`{what}` is about rows, and `{}` is a column", name.name);
        let error = Diagnostic::error(codes::RULE, name.span, message);
        self.fail(error.hint(format!("write `{rows}`")))
    }

    /// `positive where condition`
    fn pairs_where(&mut self, positive: bool, condition: &Expr, scope: &Rc<Scope>) -> Eval<()> {
        let real = self.pair_condition(condition, scope)?;
        let candidates = self.pairing()?.candidates;
        let pairs = self.both(candidates, Some(real), condition.span)?;
        let rule = self.pairing()?;
        let (place, name) = match positive {
            true => (&mut rule.positive, "positive"),
            false => (&mut rule.negative, "negative"),
        };
        *place = pairs;
        let value = self.one_of(pairs.unwrap_or(real), condition.span)?;
        scope.bind(name, Value::Tensor(value), condition.span);
        Ok(())
    }

    /// `weight positive x`: of every positive pair; what is neither has weight 0.
    fn weight(&mut self, positive: bool, value: &Expr, span: Span, scope: &Rc<Scope>) -> Eval<()> {
        let real = self.pair_number(value, scope)?;
        let rule = self.pairing()?;
        let pairs = if positive { rule.positive } else { rule.negative };
        let before = rule.weight;
        let Some(pairs) = pairs else {
            let word = if positive { "positive" } else { "negative" };
            let error = Diagnostic::error(codes::RULE, span, format!("no pair is {word} yet"));
            return self.fail(error.hint(format!("say which are: `{word} where ..`")));
        };
        let otherwise = match before {
            Some(before) => before,
            None => self.full(0.0, vspec_ir::DType::F32, vec![], span)?,
        };
        let weight = self.emit_unchecked(Op::Where {}, &[pairs, real, otherwise], span)?;
        self.pairing()?.weight = Some(weight);
        Ok(())
    }
}
