//! Values of one row and column of an assignment rule.
//!
//! The clauses of a rule are written for one pair: there, the field of a row is `f32[4]`. Such a value is a node of that type, so that
//! every function means what it means elsewhere and messages speak of one pair. Beside it stands a second node with *leading axes*
//! in front: batch axes, rows, columns, each of size 1 where the value does not depend on it. An op on the first kind of node is also
//! applied to the second kind, with its axes behind the leading ones. Nodes of the first kind are read by nothing in the end.

use vspec_ir::ops::OpClass;
use vspec_ir::{Dim, NodeId, Op};
use vspec_syntax::{Diagnostic, Span};

use super::one;
use crate::codes;
use crate::eval::{Eval, Evaluator};

/// Whether a leading axis is one that a value depends on.
pub(super) fn spread(dim: &Dim) -> bool {
    dim.as_const() != Some(1)
}

impl Evaluator<'_> {
    /// How many leading axes values of the rule have.
    pub(super) fn leads(&self) -> usize {
        self.rule.as_ref().map_or(0, |rule| rule.batch.len() + 2)
    }

    /// The node with leading axes of a value of the rule; any other value gets them with size 1.
    pub(super) fn with_leads(&mut self, node: NodeId, span: Span) -> Eval<NodeId> {
        if let Some(real) = self.lifted.get(&node).copied() {
            let giving = self.rule.as_ref().is_some_and(|rule| rule.giving);
            return if giving { self.at_row(node, real, span) } else { Ok(real) };
        }
        let mut shape = vec![one(); self.leads()];
        shape.extend(self.graph.ty(node).shape.iter().cloned());
        self.emit_unchecked(Op::Reshape { shape }, &[node], span)
    }

    /// A node for one pair whose values with leading axes are `real`.
    pub(super) fn one_of(&mut self, real: NodeId, span: Span) -> Eval<NodeId> {
        let ty = self.graph.ty(real);
        let (dtype, shape) = (ty.dtype, ty.shape[self.leads()..].to_vec());
        let node = self.emit_unchecked(Op::Input { name: "pair".into(), dtype, shape }, &[], span)?;
        self.lifted.insert(node, real);
        Ok(node)
    }

    /// Applies an op, which has just been applied to values of one pair, to their nodes with leading axes.
    pub(crate) fn lift(
        &mut self,
        op: &Option<Op>,
        inputs: &[NodeId],
        result: NodeId,
        span: Span,
    ) -> Eval<()> {
        let Some(op) = op else { return Ok(()) };
        if !inputs.iter().any(|i| self.lifted.contains_key(i)) {
            return Ok(());
        }
        let real = self.lifted_op(op, inputs, result, span)?;
        self.lifted.insert(result, real);
        Ok(())
    }

    /// The op on nodes with leading axes.
    pub(super) fn lifted_op(
        &mut self,
        op: &Op,
        inputs: &[NodeId],
        result: NodeId,
        span: Span,
    ) -> Eval<NodeId> {
        let shifted = |axis: &i64, leads: usize| axis + leads as i64;
        let leads = self.leads();
        let behind = |axes: &[i64]| axes.iter().map(|a| shifted(a, leads)).collect::<Vec<i64>>();
        let own = self.graph.ty(result).shape.clone();
        let op = match op.clone() {
            op if op.decl().class == OpClass::Elementwise || matches!(op, Op::StopGradient {}) => {
                return self.lift_elementwise(op, inputs, own.len(), span);
            }
            Op::Sum { axes, keepdims } => Op::Sum { axes: behind(&axes), keepdims },
            Op::Mean { axes, keepdims } => Op::Mean { axes: behind(&axes), keepdims },
            Op::ReduceMax { axes, keepdims } => Op::ReduceMax { axes: behind(&axes), keepdims },
            Op::ReduceMin { axes, keepdims } => Op::ReduceMin { axes: behind(&axes), keepdims },
            Op::Argmax { axis } => Op::Argmax { axis: shifted(&axis, leads) },
            Op::Cumsum { axis, reverse } => Op::Cumsum { axis: shifted(&axis, leads), reverse },
            Op::Cumprod { axis } => Op::Cumprod { axis: shifted(&axis, leads) },
            Op::Argsort { axis, descending } => Op::Argsort { axis: shifted(&axis, leads), descending },
            Op::Permute { axes } => Op::Permute { axes: (0..leads as i64).chain(behind(&axes)).collect() },
            Op::Slice { axis, start, end, step } => {
                Op::Slice { axis: shifted(&axis, leads), start, end, step }
            }
            Op::Pad { axis, low, high, value } => Op::Pad { axis: shifted(&axis, leads), low, high, value },
            Op::Reshape { .. } => {
                let real = self.with_leads(inputs[0], span)?;
                return self.own_shape(real, own, span);
            }
            Op::Broadcast { .. } => {
                let real = self.padded(inputs[0], own.len(), span)?;
                let shape = self.leading(&[real]).into_iter().chain(own).collect();
                return self.emit_unchecked(Op::Broadcast { shape }, &[real], span);
            }
            Op::Concat { axis } => Op::Concat { axis: shifted(&axis, leads) },
            Op::TakeAlong { axis } => Op::TakeAlong { axis: shifted(&axis, leads) },
            Op::Scatter { axis } => Op::Scatter { axis: shifted(&axis, leads) },
            Op::ScatterAdd { axis } => Op::ScatterAdd { axis: shifted(&axis, leads) },
            Op::Matmul {} => Op::Matmul {},
            // Nothing flows back out of a rule.
            Op::CustomGradient {} | Op::Cotangent {} => return self.with_leads(inputs[0], span),
            Op::Gather { axis } => return self.lift_gather(inputs, axis as usize, own, span),
            other => return self.no_lift(&other, span),
        };
        let reals = self.spread_alike(inputs, span)?;
        self.emit_unchecked(op, &reals, span)
    }

    fn no_lift<T>(&mut self, op: &Op, span: Span) -> Eval<T> {
        let message = format!("`{}` cannot be applied to a row or a column of a rule", op.decl().name);
        self.fail(
            Diagnostic::error(codes::RULE, span, message)
                .hint("compute it before, and give it to the rule as a field of its rows"),
        )
    }

    /// The same leading axes with other axes behind.
    pub(super) fn own_shape(&mut self, real: NodeId, own: Vec<Dim>, span: Span) -> Eval<NodeId> {
        let mut shape = self.graph.ty(real).shape[..self.leads()].to_vec();
        shape.extend(own);
        self.emit_unchecked(Op::Reshape { shape }, &[real], span)
    }

    /// With axes of size 1 between the leading ones and its own, until it has so many of its own.
    fn padded(&mut self, node: NodeId, rank: usize, span: Span) -> Eval<NodeId> {
        let real = self.with_leads(node, span)?;
        let own = self.graph.ty(real).shape[self.leads()..].to_vec();
        match rank.saturating_sub(own.len()) {
            0 => Ok(real),
            missing => self.own_shape(real, vec![one(); missing].into_iter().chain(own).collect(), span),
        }
    }

    fn lift_elementwise(&mut self, op: Op, inputs: &[NodeId], rank: usize, span: Span) -> Eval<NodeId> {
        let mut reals = vec![];
        for input in inputs {
            // What has no leading axes broadcasts by itself.
            reals.push(match self.lifted.contains_key(input) {
                true => self.padded(*input, rank, span)?,
                false => *input,
            });
        }
        self.emit_unchecked(op, &reals, span)
    }

    /// The leading axes of values together.
    fn leading(&self, reals: &[NodeId]) -> Vec<Dim> {
        let axis = |i: usize| {
            let mut sizes = reals.iter().map(|r| &self.graph.ty(*r).shape[i]);
            sizes.find(|d| spread(d)).cloned().unwrap_or_else(one)
        };
        (0..self.leads()).map(axis).collect()
    }

    /// Operands with the same leading axes.
    fn spread_alike(&mut self, inputs: &[NodeId], span: Span) -> Eval<Vec<NodeId>> {
        let reals = inputs.iter().map(|i| self.with_leads(*i, span)).collect::<Eval<Vec<NodeId>>>()?;
        let leading = self.leading(&reals);
        reals.into_iter().map(|real| self.spread_over(real, &leading, span)).collect()
    }

    /// A value repeated along leading axes that it does not depend on.
    pub(super) fn spread_over(&mut self, real: NodeId, leading: &[Dim], span: Span) -> Eval<NodeId> {
        let shape = &self.graph.ty(real).shape;
        if shape[..leading.len()] == *leading {
            return Ok(real);
        }
        let shape = leading.iter().chain(&shape[leading.len()..]).cloned().collect();
        self.emit_unchecked(Op::Broadcast { shape }, &[real], span)
    }

    /// `x[index]`: along leading axes that only the index depends on there is nothing to repeat `x` for.
    fn lift_gather(&mut self, inputs: &[NodeId], axis: usize, own: Vec<Dim>, span: Span) -> Eval<NodeId> {
        let leads = self.leads();
        let (x, index) = (self.with_leads(inputs[0], span)?, self.with_leads(inputs[1], span)?);
        let leading = self.leading(&[x, index]);
        let of_x = self.graph.ty(x).shape.clone();
        let index = self.spread_over(index, &leading, span)?;
        let of_index = self.graph.ty(index).shape[leads..].to_vec();
        // Leading axes of the index alone move behind the others, where they are part of its own axes.
        let (shared, extra): (Vec<usize>, Vec<usize>) =
            (0..leads).partition(|i| spread(&of_x[*i]) || !spread(&leading[*i]));
        let axes: Vec<i64> = shared
            .iter()
            .chain(&extra)
            .copied()
            .chain(leads..leads + of_index.len())
            .map(|a| a as i64)
            .collect();
        let index = self.emit_unchecked(Op::Permute { axes }, &[index], span)?;
        let extent = extra.iter().map(|i| &leading[*i]).chain(&of_index).fold(one(), |n, d| &n * d);
        let places = |before: Vec<Dim>, middle: Vec<Dim>, after: Vec<Dim>| -> Vec<Dim> {
            of_x[..leads].iter().cloned().chain(before).chain(middle).chain(after).collect()
        };
        let (before, after) = (of_x[leads..leads + axis].to_vec(), of_x[leads + axis + 1..].to_vec());
        let flat = places(vec![one(); before.len()], vec![extent.clone()], vec![one(); after.len()]);
        let index = self.emit_unchecked(Op::Reshape { shape: flat }, &[index], span)?;
        let everywhere = places(before.clone(), vec![extent], after.clone());
        let index = self.emit_unchecked(Op::Broadcast { shape: everywhere }, &[index], span)?;
        let taken = self.emit_unchecked(Op::TakeAlong { axis: (leads + axis) as i64 }, &[x, index], span)?;
        // Back: [leading of x, before, extra, own of the index, after] to [leading, before, own of the index, after].
        let moved: Vec<Dim> = extra.iter().map(|i| leading[*i].clone()).chain(of_index).collect();
        let shape = places(before.clone(), moved, after);
        let taken = self.emit_unchecked(Op::Reshape { shape: shape.clone() }, &[taken], span)?;
        let from = leads + before.len();
        let lead = |i: usize| extra.iter().position(|e| *e == i).map_or(i, |at| from + at);
        let kept = (leads..shape.len()).filter(|i| !(from..from + extra.len()).contains(i));
        let dropped = extra.iter().copied();
        let axes: Vec<i64> = (0..leads).map(lead).chain(kept).chain(dropped).map(|a| a as i64).collect();
        let taken = self.emit_unchecked(Op::Permute { axes }, &[taken], span)?;
        // The axes of size 1 that the moved ones have left are last now.
        let shape = leading.into_iter().chain(own).collect();
        self.emit_unchecked(Op::Reshape { shape }, &[taken], span)
    }
}
