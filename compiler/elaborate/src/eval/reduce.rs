//! Reductions that leave padding out.

use vspec_ir::{DType, NodeId, Op};
use vspec_syntax::Span;

use super::mask::extreme_of;
use super::{Eval, Evaluator};
use crate::einops::Reduction;

/// A reduction over axes of a tensor.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    pub(crate) kind: Reduction,
    /// In increasing order.
    pub(crate) axes: Vec<i64>,
    pub(crate) keepdims: bool,
    /// What `where` lets through, beside what is no padding.
    pub(crate) narrowed: Option<NodeId>,
}

impl Fold {
    fn op(&self, kind: Reduction) -> Op {
        let (axes, keepdims) = (self.axes.clone(), self.keepdims);
        match kind {
            Reduction::Sum => Op::Sum { axes, keepdims },
            Reduction::Mean => Op::Mean { axes, keepdims },
            Reduction::Max => Op::ReduceMax { axes, keepdims },
            Reduction::Min => Op::ReduceMin { axes, keepdims },
        }
    }
}

impl Evaluator<'_> {
    /// Reduces what is no padding. Of nothing the sum and the mean are 0, the largest -inf and the smallest +inf.
    pub(crate) fn fold(&mut self, x: NodeId, fold: &Fold, span: Span) -> Eval<NodeId> {
        let over: Vec<usize> = fold.axes.iter().map(|a| *a as usize).collect();
        let takes = match (self.valid(x, &over, span)?, fold.narrowed) {
            (Some(a), Some(b)) => Some(self.emit(Op::And {}, &[a, b], span)?),
            (a, b) => a.or(b),
        };
        match (takes, fold.kind) {
            (None, _) if fold.axes.is_empty() => Ok(x),
            (None, kind) => self.emit(fold.op(kind), &[x], span),
            (Some(mask), Reduction::Mean) => self.masked_mean(x, mask, fold, span),
            (Some(mask), kind) => {
                let dtype = self.graph.ty(x).dtype;
                let ignored = match kind {
                    Reduction::Sum | Reduction::Mean => 0.0,
                    Reduction::Max => extreme_of(dtype, false),
                    Reduction::Min => extreme_of(dtype, true),
                };
                let taken = self.where_else(mask, x, ignored, span)?;
                self.emit(fold.op(kind), &[taken], span)
            }
        }
    }

    fn masked_mean(&mut self, x: NodeId, mask: NodeId, fold: &Fold, span: Span) -> Eval<NodeId> {
        let shape = self.graph.ty(x).shape.clone();
        let everywhere = self.emit(Op::Broadcast { shape }, &[mask], span)?;
        let ones = self.emit(Op::Cast { dtype: DType::F32 }, &[everywhere], span)?;
        let count = self.emit(fold.op(Reduction::Sum), &[ones], span)?;
        let one = self.full(1.0, DType::F32, vec![], span)?;
        let count = self.emit(Op::Max {}, &[count, one], span)?;
        let taken = self.where_else(mask, x, 0.0, span)?;
        let sum = self.emit(fold.op(Reduction::Sum), &[taken], span)?;
        self.emit(Op::Div {}, &[sum, count], span)
    }
}
