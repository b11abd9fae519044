//! `sample`: so many rows at random, those with a pair and those without apart.

use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use vspec_ir::{DType, Dim, NodeId, Op};
use vspec_syntax::Span;
use vspec_syntax::ast::{Expr, Ident};

use super::ROWS;
use crate::builtins::random::next_stream;
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::scope::Scope;
use crate::value::Value;

impl Evaluator<'_> {
    /// `sample count a repeating with positives <= p, negatives <= n`. Rows without a pair fill up what those with one leave;
    /// rows that are not drawn are ignored.
    pub(super) fn sample(
        &mut self,
        count: &Expr,
        rows: &Ident,
        repeating: bool,
        shares: [Option<&Expr>; 2],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        self.is_rows(rows, "sample")?;
        if self.pairing()?.sampled.is_some() {
            return self.error(codes::RULE, span, "rows are sampled already");
        }
        let total = self.static_int(count, scope)?;
        if total < 1 {
            return self.error(codes::OUT_OF_RANGE, count.span, format!("{total} rows are no sample"));
        }
        let most = [self.share(total, shares[0], scope)?, self.share(total, shares[1], scope)?];
        let [with, without] = self.populations(span)?;
        let draw = self.draw_rows(span)?;
        let limit = self.full(most[0] as f64, DType::I32, vec![], span)?;
        let (with, drawn) = self.drawn(with, draw, limit, span)?;
        let total_node = self.full(total as f64, DType::I32, vec![], span)?;
        let left = self.emit_unchecked(Op::Sub {}, &[total_node, drawn], span)?;
        let limit = self.full(most[1] as f64, DType::I32, vec![], span)?;
        let limit = self.emit_unchecked(Op::Min {}, &[left, limit], span)?;
        let (without, filled) = self.drawn(without, draw, limit, span)?;
        if repeating {
            let count = self.emit_unchecked(Op::Add {}, &[drawn, filled], span)?;
            self.repeat([with, without], draw, total, count, span)?;
        }
        self.only(with, without, span)
    }

    /// The largest number of rows that a share allows.
    fn share(&mut self, total: i64, share: Option<&Expr>, scope: &Rc<Scope>) -> Eval<i64> {
        let Some(share) = share else { return Ok(total) };
        let value = self.expr(share, scope)?;
        match value.as_float() {
            Some(part) if (0.0..=1.0).contains(&part) => Ok((total as f64 * part + 1e-9).floor() as i64),
            Some(part) => self.error(
                codes::OUT_OF_RANGE,
                share.span,
                format!("a share lies between 0 and 1, not at {part}"),
            ),
            None => {
                let message = format!("a share is a number, not {}", value.kind());
                self.error(codes::WRONG_KIND, share.span, message)
            }
        }
    }

    /// Rows with a pair, and rows without that take part.
    fn populations(&mut self, span: Span) -> Eval<[NodeId; 2]> {
        let with = self.matched_rows(span)?;
        let mut without = self.emit_unchecked(Op::Not {}, &[with], span)?;
        if let Some(ignored) = self.pairing()?.ignored {
            let rest = self.emit_unchecked(Op::Not {}, &[ignored], span)?;
            without = self.emit_unchecked(Op::And {}, &[without, rest], span)?;
        }
        if let Some(valid) = self.pairing()?.sides[ROWS].valid {
            without = self.emit_unchecked(Op::And {}, &[without, valid], span)?;
        }
        Ok([with, without])
    }

    /// A number in [0, 1) for each row.
    fn draw_rows(&mut self, span: Span) -> Eval<NodeId> {
        let shape = self.row_shape()?;
        let stream = next_stream(self);
        self.emit_unchecked(Op::Uniform { shape, stream }, &[], span)
    }

    /// Leading axes without columns.
    fn row_shape(&mut self) -> Eval<Vec<Dim>> {
        let mut shape = self.pairing()?.leading();
        let last = shape.len() - 1;
        shape[last] = super::one();
        Ok(shape)
    }

    /// At most so many of a set of rows, those with the largest draws; and how many that are.
    fn drawn(&mut self, set: NodeId, draw: NodeId, limit: NodeId, span: Span) -> Eval<(NodeId, NodeId)> {
        let axis = self.pairing()?.axis(ROWS) as i64;
        let outside = self.full(-1.0, DType::F32, vec![], span)?;
        let key = self.emit_unchecked(Op::Where {}, &[set, draw, outside], span)?;
        let order = self.emit_unchecked(Op::Argsort { axis, descending: true }, &[key], span)?;
        let place = self.places(ROWS, span)?;
        let first = self.emit_unchecked(Op::Lt {}, &[place, limit], span)?;
        let shape = self.row_shape()?;
        let first = self.spread_over(first, &shape, span)?;
        let chosen = self.marked(order, first, axis, span)?;
        let chosen = self.emit_unchecked(Op::And {}, &[chosen, set], span)?;
        let ones = self.emit_unchecked(Op::Cast { dtype: DType::I32 }, &[chosen], span)?;
        let count = self.emit_unchecked(Op::Sum { axes: vec![axis], keepdims: true }, &[ones], span)?;
        Ok((chosen, count))
    }

    /// All other rows are ignored, and have no pair.
    fn only(&mut self, with: NodeId, without: NodeId, span: Span) -> Eval<()> {
        let drawn = self.emit_unchecked(Op::Or {}, &[with, without], span)?;
        let rest = self.emit_unchecked(Op::Not {}, &[drawn], span)?;
        let picked = self.something_picked(span, "sample")?;
        let picked = self.emit_unchecked(Op::And {}, &[picked, with], span)?;
        let rule = self.pairing()?;
        rule.picked = Some(picked);
        rule.ignored = Some(rest);
        Ok(())
    }

    /// So many rows, one after the other: those with a pair first, and from the beginning again when there are too few.
    fn repeat(
        &mut self,
        [with, without]: [NodeId; 2],
        draw: NodeId,
        total: i64,
        count: NodeId,
        span: Span,
    ) -> Eval<()> {
        let axis = self.pairing()?.axis(ROWS);
        let (two, one, zero) = (
            self.full(2.0, DType::F32, vec![], span)?,
            self.full(1.0, DType::F32, vec![], span)?,
            self.full(0.0, DType::F32, vec![], span)?,
        );
        let group = self.emit_unchecked(Op::Where {}, &[without, one, zero], span)?;
        let group = self.emit_unchecked(Op::Where {}, &[with, two, group], span)?;
        let key = self.emit_unchecked(Op::Add {}, &[group, draw], span)?;
        let sort = Op::Argsort { axis: axis as i64, descending: true };
        let order = self.emit_unchecked(sort, &[key], span)?;
        let mut shape = self.row_shape()?;
        shape[axis] = Dim::from(total);
        let place = self.emit_unchecked(Op::Iota { shape, axis: axis as i64 }, &[], span)?;
        let some = self.full(1.0, DType::I32, vec![], span)?;
        let period = self.emit_unchecked(Op::Max {}, &[count, some], span)?;
        let place = self.emit_unchecked(Op::Rem {}, &[place, period], span)?;
        let row = self.emit_unchecked(Op::TakeAlong { axis: axis as i64 }, &[order, place], span)?;
        let row = self.without_axis(row, axis + 1, span)?;
        // Where no row can be drawn, the list is padding.
        let any = self.emit_unchecked(Op::Cast { dtype: DType::Bool }, &[count], span)?;
        let any = self.without_axis(any, axis + 1, span)?;
        let shape = self.graph.ty(row).shape.clone();
        let any = self.emit_unchecked(Op::Broadcast { shape }, &[any], span)?;
        let size = self.masked_size(Dim::from(total), any, span)?;
        self.pairing()?.sampled = Some((row, size));
        Ok(())
    }

    fn without_axis(&mut self, node: NodeId, axis: usize, span: Span) -> Eval<NodeId> {
        let mut shape = self.graph.ty(node).shape.clone();
        shape.remove(axis);
        self.emit_unchecked(Op::Reshape { shape }, &[node], span)
    }

    /// The sampled rows of a value of `[batch, rows, own]`; all of them unless the rule samples with repetition.
    pub(super) fn sampled_rows(&mut self, value: NodeId, span: Span) -> Eval<NodeId> {
        let Some((row, size)) = self.pairing()?.sampled.clone() else { return Ok(value) };
        let axis = self.pairing()?.axis(ROWS);
        let value = self.unmasked(value, axis, span)?;
        let own = self.graph.ty(value).shape[axis + 1..].to_vec();
        let front = self.graph.ty(row).shape.clone();
        let shape = front.iter().cloned().chain(own.iter().map(|_| super::one())).collect();
        let index = self.emit_unchecked(Op::Reshape { shape }, &[row], span)?;
        let shape = front.iter().chain(&own).cloned().collect();
        let index = self.emit_unchecked(Op::Broadcast { shape }, &[index], span)?;
        let taken = self.emit_unchecked(Op::TakeAlong { axis: axis as i64 }, &[value, index], span)?;
        self.resized(taken, axis, size, span)
    }

    /// `row`: which row each entry of a sample with repetition is.
    pub(super) fn row_of_sample(&mut self, record: &mut IndexMap<Arc<str>, Value>, span: Span) -> Eval<()> {
        let Some((row, size)) = self.pairing()?.sampled.clone() else { return Ok(()) };
        let axis = self.pairing()?.axis(ROWS);
        let row = self.resized(row, axis, size, span)?;
        record.insert("row".into(), Value::Tensor(row));
        Ok(())
    }
}
