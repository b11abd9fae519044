//! `give`: a value for each row, that of the pair which the row is part of.
//!
//! The value is evaluated for that pair alone: whatever depends on columns is taken at the row's column first. So a value with axes
//! of its own, such as `one_hot(t.label, C)`, is never made for every pair.

use std::collections::BTreeSet;
use std::rc::Rc;

use indexmap::IndexMap;
use vspec_ir::{DType, NodeId, Op};
use vspec_syntax::ast::{Expr, Ident};
use vspec_syntax::{Diagnostic, Span};

use super::clauses::Resolved;
use super::lift::spread;
use super::{COLS, ROWS, one};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::scope::Scope;

/// The pair of each row.
#[derive(Debug)]
pub(super) struct Choice {
    /// What was picked when this was made.
    picked: NodeId,
    /// One more than the column of each row, 0 for rows without: a real of ints.
    pub(super) place: NodeId,
    /// Which rows have a pair: a real of bools.
    pub(super) matched: NodeId,
    /// Values at the column of each row, by the node of one pair.
    taken: IndexMap<NodeId, NodeId>,
}

/// Fields that every result has.
const RESERVED: [&str; 7] = ["picked", "index", "ignored", "row", "positive", "negative", "weight"];

impl Evaluator<'_> {
    pub(super) fn give(
        &mut self,
        name: &Ident,
        value: &Expr,
        otherwise: Option<&Expr>,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        self.can_give(name, span)?;
        let matched = self.chosen(span)?;
        self.pairing()?.giving = true;
        let value = self.given_value(value, otherwise, matched, scope);
        self.pairing()?.giving = false;
        let real = value?;
        self.pairing()?.given.insert(name.name.clone(), real);
        Ok(())
    }

    /// Refuses a name that the result has already, and a rule that leaves several columns to a row.
    fn can_give(&mut self, name: &Ident, span: Span) -> Eval<()> {
        let rule = self.pairing()?;
        let pairs = rule.positive.is_some() || rule.negative.is_some();
        let reserved = RESERVED.contains(&&*name.name) && (pairs || RESERVED[..4].contains(&&*name.name));
        if reserved || rule.given.contains_key(&name.name) {
            let message = format!("the result has a field `{}` already", name.name);
            return self.error(codes::RULE, name.span, message);
        }
        let (single, rows) = (rule.single, rule.sides[ROWS].name.clone());
        self.something_picked(span, "give")?;
        if single {
            return Ok(());
        }
        let message = format!("which column to give is open: a row `{rows}` may have several");
        let error = Diagnostic::error(codes::RULE, span, message);
        self.fail(error.hint(format!("let one stay: `resolve by .. per {rows}`")))
    }

    /// Which rows have a pair. Finds out what that is, unless nothing has changed since the last time.
    pub(super) fn chosen(&mut self, span: Span) -> Eval<NodeId> {
        let picked = self.something_picked(span, "give")?;
        if let Some(choice) = self.pairing()?.choice.as_ref().filter(|c| c.picked == picked) {
            return Ok(choice.matched);
        }
        let (place, matched) = match self.pairing()?.resolved.filter(|resolved| resolved.picked == picked) {
            Some(resolved) => self.place_resolved(resolved, span)?,
            None => self.place_picked(picked, span)?,
        };
        self.pairing()?.choice = Some(Choice { picked, place, matched, taken: IndexMap::new() });
        Ok(matched)
    }

    /// One more than the column of each row's only pair, and whether it has one.
    fn place_picked(&mut self, picked: NodeId, span: Span) -> Eval<(NodeId, NodeId)> {
        let axis = self.pairing()?.axis(COLS) as i64;
        let places = self.places(COLS, span)?;
        let one_more = self.full(1.0, DType::I32, vec![], span)?;
        let zero = self.full(0.0, DType::I32, vec![], span)?;
        let places = self.emit_unchecked(Op::Add {}, &[places, one_more], span)?;
        let own = self.emit_unchecked(Op::Where {}, &[picked, places, zero], span)?;
        let place = self.emit_unchecked(Op::Sum { axes: vec![axis], keepdims: true }, &[own], span)?;
        Ok((place, self.emit_unchecked(Op::Lt {}, &[zero, place], span)?))
    }

    /// The same where `resolve` has found the column: a row without pairs has no key above minus infinity.
    fn place_resolved(&mut self, resolved: Resolved, span: Span) -> Eval<(NodeId, NodeId)> {
        let axes = vec![self.pairing()?.axis(COLS) as i64];
        let most = self.emit_unchecked(Op::ReduceMax { axes, keepdims: true }, &[resolved.key], span)?;
        let none = self.full(f64::NEG_INFINITY, DType::F32, vec![], span)?;
        // As a negation, so that NaN is a key.
        let without = self.emit_unchecked(Op::Le {}, &[most, none], span)?;
        let matched = self.emit_unchecked(Op::Not {}, &[without], span)?;
        let one_more = self.full(1.0, DType::I32, vec![], span)?;
        let zero = self.full(0.0, DType::I32, vec![], span)?;
        let next = self.emit_unchecked(Op::Add {}, &[resolved.best, one_more], span)?;
        Ok((self.emit_unchecked(Op::Where {}, &[matched, next, zero], span)?, matched))
    }

    /// The value for rows with a pair, another one for the rest: a real without columns.
    fn given_value(
        &mut self,
        value: &Expr,
        otherwise: Option<&Expr>,
        matched: NodeId,
        scope: &Rc<Scope>,
    ) -> Eval<NodeId> {
        let span = value.span;
        let own = self.expr(value, scope)?;
        let rest = match otherwise {
            Some(otherwise) => {
                self.pairing()?.giving = false;
                let rest = self.expr(otherwise, scope)?;
                self.pairing()?.giving = true;
                self.without_columns(&rest, otherwise.span)?;
                rest
            }
            None => crate::value::Value::Bool(false),
        };
        let sides = [span, otherwise.map_or(span, |o| o.span)];
        let (own, rest) = match otherwise {
            Some(_) => self.operands(&own, &rest, sides, true)?,
            None => {
                let own = self.tensor(&own, span)?;
                let dtype = self.graph.ty(own).dtype;
                (own, self.full(0.0, dtype, vec![], span)?)
            }
        };
        let matched = self.one_of(matched, span)?;
        let given = self.emit(Op::Where {}, &[matched, own, rest], span)?;
        let list = self.masked_axes(given);
        if !list.is_empty() {
            let error = Diagnostic::error(codes::RULE, span, "a list of pairs is given to each row");
            return self.fail(error.hint("reduce it: `max(x per a)`"));
        }
        self.with_leads(given, span)
    }

    /// Refuses a value for rows without a pair that depends on columns.
    fn without_columns(&mut self, value: &crate::value::Value, span: Span) -> Eval<()> {
        let crate::value::Value::Tensor(node) = value else { return Ok(()) };
        match self.lifted.get(node).copied() {
            Some(real) => self.independent_of(real, COLS, span, "the value of a row without a pair"),
            None => Ok(()),
        }
    }

    /// The value of a node of one pair at the column of each row.
    ///
    /// An op on values of pairs is applied to what its operands are there, so that nothing is taken out of a value for all pairs that
    /// need not be made. Nodes are visited in the order of the graph rather than by recursion: expressions may be deep.
    pub(super) fn at_row(&mut self, node: NodeId, real: NodeId, span: Span) -> Eval<NodeId> {
        if !self.of_columns(real) {
            return Ok(real);
        }
        if let Some(known) = self.taken_before(node)? {
            return Ok(known);
        }
        let mut needed = BTreeSet::new();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            let Some(real) = self.lifted.get(&node).copied() else { continue };
            if !self.of_columns(real) || self.taken_before(node)?.is_some() || !needed.insert(node) {
                continue;
            }
            if self.of_pairs(node, real) {
                open.extend(self.graph.node(node).inputs.iter().copied());
            }
        }
        for node in needed {
            let Some(real) = self.lifted.get(&node).copied() else { continue };
            let taken = match self.of_pairs(node, real) {
                true => {
                    let (op, inputs) =
                        (self.graph.node(node).op.clone(), self.graph.node(node).inputs.clone());
                    self.lifted_op(&op, &inputs, node, span)?
                }
                false => self.take_column(real, span)?,
            };
            if let Some(choice) = &mut self.pairing()?.choice {
                choice.taken.insert(node, taken);
            }
        }
        Ok(self.taken_before(node)?.unwrap_or(real))
    }

    fn taken_before(&mut self, node: NodeId) -> Eval<Option<NodeId>> {
        Ok(self.pairing()?.choice.as_ref().and_then(|choice| choice.taken.get(&node).copied()))
    }

    fn of_columns(&self, real: NodeId) -> bool {
        spread(&self.graph.ty(real).shape[self.leads() - 1])
    }

    /// Whether a node was computed for pairs, rather than for columns or by a clause.
    fn of_pairs(&self, node: NodeId, real: NodeId) -> bool {
        let rows = spread(&self.graph.ty(real).shape[self.leads() - 2]);
        rows && !matches!(self.graph.node(node).op, Op::Input { .. })
    }

    /// A real at the column of each row: zeros where there is none.
    fn take_column(&mut self, real: NodeId, span: Span) -> Eval<NodeId> {
        let dtype = self.graph.ty(real).dtype;
        if dtype == DType::Bool {
            let number = self.emit_unchecked(Op::Cast { dtype: DType::I32 }, &[real], span)?;
            let taken = self.take_column(number, span)?;
            return self.emit_unchecked(Op::Cast { dtype }, &[taken], span);
        }
        let axis = self.pairing()?.axis(COLS);
        let place = self.choice_place()?;
        let rows = self.pairing()?.axis(ROWS);
        let mut leading = self.pairing()?.leading();
        if !spread(&self.graph.ty(real).shape[rows]) {
            leading[rows] = one();
        }
        // The place of a row without a pair is that of a column of zeros, the first.
        let padded =
            self.emit_unchecked(Op::Pad { axis: axis as i64, low: 1, high: 0, value: 0.0 }, &[real], span)?;
        leading[axis] = self.graph.ty(padded).shape[axis].clone();
        let padded = self.spread_over(padded, &leading, span)?;
        let own = self.graph.ty(real).shape[axis + 1..].to_vec();
        let batch = self.pairing()?.batch.clone();
        let size = self.pairing()?.sides[ROWS].size.clone();
        // `[batch, columns, own]` read at `[batch, rows, own]`, or `[batch, rows, columns, own]` at `[batch, rows, 1, own]`.
        let (x, along) = match leading[rows] == one() {
            true => {
                let shape = batch.iter().chain(&leading[axis..]).chain(&own).cloned().collect();
                (self.emit_unchecked(Op::Reshape { shape }, &[padded], span)?, rows)
            }
            false => (padded, axis),
        };
        let tail = if along == axis { vec![one()] } else { vec![] };
        let flat = batch.iter().chain([&size]).chain(&tail).cloned().chain(own.iter().map(|_| one()));
        let index = self.emit_unchecked(Op::Reshape { shape: flat.collect() }, &[place], span)?;
        let shape = batch.iter().chain([&size]).chain(&tail).chain(&own).cloned().collect();
        let index = self.emit_unchecked(Op::Broadcast { shape }, &[index], span)?;
        let taken = self.emit_unchecked(Op::TakeAlong { axis: along as i64 }, &[x, index], span)?;
        let shape = batch.iter().chain([&size, &one()]).chain(&own).cloned().collect();
        self.emit_unchecked(Op::Reshape { shape }, &[taken], span)
    }

    fn choice_place(&mut self) -> Eval<NodeId> {
        let choice = self.pairing()?.choice.as_ref().map(|c| c.place);
        choice.ok_or(crate::eval::Stop)
    }
}
