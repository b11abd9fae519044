//! `pick`: which pairs to begin with.

use std::rc::Rc;

use vspec_ir::{DType, Dim, HostFn, NodeId, Op, Relation};
use vspec_syntax::ast::{Expr, Ident};
use vspec_syntax::{Diagnostic, Span};

use super::{COLS, ROWS, one};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::scope::Scope;
use crate::value::Value;

/// How many pairs a row or a column picks.
enum Count {
    Static(i64),
    /// A number for each: a real of ints.
    Each(NodeId),
}

impl Evaluator<'_> {
    /// `pick where condition`
    pub(super) fn pick_where(&mut self, condition: &Expr, scope: &Rc<Scope>) -> Eval<()> {
        let real = self.pair_condition(condition, scope)?;
        self.pick(real, false, condition.span)
    }

    /// Adds pairs, of those that can be picked. `single` says that they have different rows.
    fn pick(&mut self, pairs: NodeId, single: bool, span: Span) -> Eval<()> {
        let rule = self.pairing()?;
        let (candidates, before) = (rule.candidates, rule.picked);
        let pairs = self.both(candidates, Some(pairs), span)?.unwrap_or(pairs);
        let picked = match before {
            Some(before) => self.emit_unchecked(Op::Or {}, &[before, pairs], span)?,
            None => pairs,
        };
        let rule = self.pairing()?;
        rule.single = single && before.is_none();
        rule.picked = Some(picked);
        Ok(())
    }

    /// What can be picked, where a clause looks at less than that.
    fn among(&mut self, narrowed: Option<&Expr>, scope: &Rc<Scope>) -> Eval<Option<NodeId>> {
        let candidates = self.pairing()?.candidates;
        match narrowed {
            None => Ok(candidates),
            Some(condition) => {
                let real = self.pair_condition(condition, scope)?;
                self.both(candidates, Some(real), condition.span)
            }
        }
    }

    /// A key in full: pairs that are not meant come after all others.
    pub(super) fn ranked(&mut self, pairs: Option<NodeId>, key: NodeId, span: Span) -> Eval<NodeId> {
        let Some(pairs) = pairs else { return self.in_full(key, span) };
        let lowest = self.full(f64::from(f32::MIN), DType::F32, vec![], span)?;
        let none = self.full(f64::NEG_INFINITY, DType::F32, vec![], span)?;
        let key = self.emit_unchecked(Op::Max {}, &[key, lowest], span)?;
        let key = self.emit_unchecked(Op::Where {}, &[pairs, key, none], span)?;
        self.in_full(key, span)
    }

    /// `pick count of by per t, group where narrowed`
    pub(super) fn pick_best(
        &mut self,
        [count, by]: [&Expr; 2],
        per: &Ident,
        [group, narrowed]: [Option<&Expr>; 2],
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        let side = self.side_named(per)?;
        let along = 1 - side;
        let span = by.span;
        let count_value = self.count_of(count, along, scope)?;
        let key = self.pair_number(by, scope)?;
        let among = self.among(narrowed, scope)?;
        let key = self.ranked(among, key, span)?;
        let best = match group {
            Some(group) => self.best_of_groups(key, along, &count_value, group, scope)?,
            None => self.best_of(key, along, &count_value, span)?,
        };
        let pairs = self.both(Some(best), among, span)?.unwrap_or(best);
        let single = side == ROWS && matches!(count_value, Count::Static(1)) && group.is_none();
        self.pick(pairs, single, span)
    }

    fn count_of(&mut self, count: &Expr, along: usize, scope: &Rc<Scope>) -> Eval<Count> {
        let value = self.expr(count, scope)?;
        if let Value::Int(n) = value {
            if n > 0 {
                return Ok(Count::Static(n));
            }
            return self.error(codes::OUT_OF_RANGE, count.span, format!("{n} pairs are no choice"));
        }
        let node = self.number(&value, DType::I32, count.span)?;
        let found = self.graph.ty(node).clone();
        if found.dtype != DType::I32 || found.rank() != 0 {
            let message = format!("how many to pick is one int, not {found}");
            let error = Diagnostic::error(codes::RULE, count.span, message);
            return self.fail(error.hint("`i32(x)` makes a whole number of a float"));
        }
        let real = self.with_leads(node, count.span)?;
        self.independent_of(real, along, count.span, "how many to pick")?;
        Ok(Count::Each(real))
    }

    /// The pairs with the largest keys along an axis; of equal ones the first.
    fn best_of(&mut self, key: NodeId, along: usize, count: &Count, span: Span) -> Eval<NodeId> {
        let axis = self.pairing()?.axis(along) as i64;
        let order = self.emit_unchecked(Op::Argsort { axis, descending: true }, &[key], span)?;
        let size = self.pairing()?.sides[along].size.clone();
        if let Some(first) = self.first_of(count, &size) {
            let slice = Op::Slice { axis, start: Dim::from(0i64), end: Dim::from(first), step: 1 };
            let order = self.emit_unchecked(slice, &[order], span)?;
            let shape = self.graph.ty(order).shape.clone();
            let yes = self.emit_unchecked(Op::Full { value: 1.0, dtype: DType::Bool, shape }, &[], span)?;
            return self.marked(order, yes, axis, span);
        }
        let place = self.places(along, span)?;
        self.within(order, place, along, count, span)
    }

    /// How many to slice off an axis that is known to be long enough.
    fn first_of(&self, count: &Count, size: &Dim) -> Option<i64> {
        let Count::Static(count) = count else { return None };
        if let Some(size) = size.as_const() {
            return Some(size.min(*count));
        }
        let enough = Relation::AtMost.decide(&Dim::from(*count), size, self.graph.facts());
        (enough == Some(true)).then_some(*count)
    }

    /// True at the places that `order` names, where the place in the order is below the count.
    fn within(
        &mut self,
        order: NodeId,
        place: NodeId,
        along: usize,
        count: &Count,
        span: Span,
    ) -> Eval<NodeId> {
        let axis = self.pairing()?.axis(along) as i64;
        let count = match count {
            Count::Static(count) => self.full(*count as f64, DType::I32, vec![], span)?,
            Count::Each(real) => *real,
        };
        let first = self.emit_unchecked(Op::Lt {}, &[place, count], span)?;
        let first = self.in_full(first, span)?;
        self.marked(order, first, axis, span)
    }

    /// Bools put at the places that `order` names.
    pub(super) fn marked(&mut self, order: NodeId, values: NodeId, axis: i64, span: Span) -> Eval<NodeId> {
        let shape = self.pairing()?.leading();
        let mut shape: Vec<Dim> = shape;
        // A list of rows alone has no axis of columns.
        let own = self.graph.ty(order).shape.clone();
        for (i, dim) in own.iter().enumerate() {
            if i as i64 != axis {
                shape[i] = dim.clone();
            }
        }
        let no = self.emit_unchecked(Op::Full { value: 0.0, dtype: DType::Bool, shape }, &[], span)?;
        self.emit_unchecked(Op::Scatter { axis }, &[no, order, values], span)
    }

    /// The same within each group: in the order of groups, and of keys within them, the place of a pair counts from where its
    /// group begins.
    fn best_of_groups(
        &mut self,
        key: NodeId,
        along: usize,
        count: &Count,
        group: &Expr,
        scope: &Rc<Scope>,
    ) -> Eval<NodeId> {
        let span = group.span;
        let axis = self.pairing()?.axis(along) as i64;
        let group = self.group_of(group, along, scope)?;
        let by_key = self.emit_unchecked(Op::Argsort { axis, descending: true }, &[key], span)?;
        let groups = self.emit_unchecked(Op::TakeAlong { axis }, &[group, by_key], span)?;
        let by_group = self.emit_unchecked(Op::Argsort { axis, descending: false }, &[groups], span)?;
        let order = self.emit_unchecked(Op::TakeAlong { axis }, &[by_key, by_group], span)?;
        let groups = self.emit_unchecked(Op::TakeAlong { axis }, &[groups, by_group], span)?;
        let start = self.group_starts(groups, along, span)?;
        let place = self.places(along, span)?;
        let place = self.emit_unchecked(Op::Sub {}, &[place, start], span)?;
        self.within(order, place, along, count, span)
    }

    /// The group of each pair: a real of ints in full.
    fn group_of(&mut self, group: &Expr, along: usize, scope: &Rc<Scope>) -> Eval<NodeId> {
        let value = self.expr(group, scope)?;
        let node = self.number(&value, DType::I32, group.span)?;
        let found = self.graph.ty(node).clone();
        if found.dtype != DType::I32 || found.rank() != 0 {
            let name = self.pairing()?.sides[along].name.clone();
            let message = format!("a group is one int, not {found}");
            let error = Diagnostic::error(codes::RULE, group.span, message);
            return self.fail(
                error.hint(format!("such as the number of a level: a field `level: i32` of `{name}`")),
            );
        }
        let real = self.with_leads(node, group.span)?;
        self.in_full(real, group.span)
    }

    /// Where, in groups that follow each other, the group of each element begins. Groups are numbered in that order; of the
    /// places that are written to the number of a group, its last one stays, and the next group begins behind it.
    fn group_starts(&mut self, groups: NodeId, along: usize, span: Span) -> Eval<NodeId> {
        let axis = self.pairing()?.axis(along);
        let last = axis as i64;
        let size = self.graph.ty(groups).shape[axis].clone();
        let from = |start: Dim, end: Dim| Op::Slice { axis: last, start, end, step: 1 };
        let same = match size == Dim::from(0i64) {
            true => return Ok(groups),
            false => {
                // Before the first element there is a place, so that an empty axis has nothing to cut off.
                let before = self.emit_unchecked(
                    Op::Pad { axis: last, low: 1, high: 0, value: 0.0 },
                    &[groups],
                    span,
                )?;
                let before = self.emit_unchecked(from(Dim::from(0i64), size.clone()), &[before], span)?;
                self.emit_unchecked(Op::Eq {}, &[groups, before], span)?
            }
        };
        let changes = self.emit_unchecked(Op::Not {}, &[same], span)?;
        let changes = self.emit_unchecked(Op::Cast { dtype: DType::I32 }, &[changes], span)?;
        let place = self.places(along, span)?;
        let zero = self.full(0.0, DType::I32, vec![], span)?;
        // The first element begins the group with number 0, whatever its group is called.
        let later = self.emit_unchecked(Op::Lt {}, &[zero, place], span)?;
        let changes = self.emit_unchecked(Op::Where {}, &[later, changes, zero], span)?;
        let number = self.emit_unchecked(Op::Cumsum { axis: last, reverse: false }, &[changes], span)?;
        // `ends[g]` is where group `g` begins: one behind the last place of group `g - 1`.
        let shape = self.graph.ty(groups).shape.clone();
        let mut longer = shape.clone();
        longer[axis] = &size + &one();
        let starts =
            self.emit_unchecked(Op::Full { value: 0.0, dtype: DType::I32, shape: longer }, &[], span)?;
        let one_more = self.full(1.0, DType::I32, vec![], span)?;
        let next = self.emit_unchecked(Op::Add {}, &[number, one_more], span)?;
        let behind = self.emit_unchecked(Op::Add {}, &[place, one_more], span)?;
        let behind = self.emit_unchecked(Op::Broadcast { shape }, &[behind], span)?;
        let starts = self.emit_unchecked(Op::Scatter { axis: last }, &[starts, next, behind], span)?;
        self.emit_unchecked(Op::TakeAlong { axis: last }, &[starts, number], span)
    }

    /// `pick one to one minimizing cost where narrowed`
    pub(super) fn pick_one_to_one(
        &mut self,
        cost: &Expr,
        narrowed: Option<&Expr>,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        let span = cost.span;
        let real = self.pair_number(cost, scope)?;
        let real = self.in_full(real, span)?;
        let allowed = match self.among(narrowed, scope)? {
            Some(pairs) => self.in_full(pairs, span)?,
            None => {
                let shape = self.pairing()?.leading();
                self.emit_unchecked(Op::Full { value: 1.0, dtype: DType::Bool, shape }, &[], span)?
            }
        };
        let function = HostFn::LinearAssignment.name().into();
        let column = self.emit_unchecked(Op::HostCall { function }, &[real, allowed], span)?;
        let mut shape = self.graph.ty(column).shape.clone();
        shape.push(one());
        let column = self.emit_unchecked(Op::Reshape { shape }, &[column], span)?;
        let places = self.places(COLS, span)?;
        let pairs = self.emit_unchecked(Op::Eq {}, &[places, column], span)?;
        self.pick(pairs, true, span)
    }
}
