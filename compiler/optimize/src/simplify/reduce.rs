//! Reductions over axes of size 1, over what was repeated, and over other reductions.

use vspec_ir::{DType, Dim, Node, NodeId, Op};

use super::arithmetic::negated;
use super::stretch::stretched;
use crate::pass::Numerics::{Exact, Reassociating};
use crate::rewrite::{Rule, Scope, Term};

const FOLDS: &[&str] = &["sum", "mean", "reduce_max", "reduce_min"];

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "reduce-ones",
        algebra: "sum(x) = reshape(x), and mean, max, min",
        when: "every axis has size 1; of several axes those that have are left out",
        on: FOLDS,
        numerics: Exact,
        rewrite: reduce_ones,
    },
    Rule {
        name: "arg-of-one",
        algebra: "argmax(x) = 0, argsort(x) = 0, topk(x) = 0, iota = 0",
        when: "along an axis of size 1",
        on: &["argmax", "argsort", "topk", "iota"],
        numerics: Exact,
        rewrite: arg_of_one,
    },
    Rule {
        name: "keep-axes",
        algebra: "reshape(sum(x)) = sum(x)",
        when: "the reshape keeps or drops the axes of size 1; the reduction has no other use",
        on: &["reshape"],
        numerics: Exact,
        rewrite: keep_axes,
    },
    Rule {
        name: "extreme-extreme",
        algebra: "max(max(x)) = max(x), and min",
        when: "over axes; the inner one has no other use",
        on: &["reduce_max", "reduce_min"],
        numerics: Exact,
        rewrite: reduce_reduce,
    },
    Rule {
        name: "sum-sum",
        algebra: "sum(sum(x)) = sum(x), mean(mean(x)) = mean(x)",
        when: "over axes; the inner one has no other use; a mean is of something",
        on: &["sum", "mean"],
        numerics: Reassociating,
        rewrite: reduce_reduce,
    },
    Rule {
        name: "sum-neg",
        algebra: "sum(-x) = -sum(x), and mean",
        when: "floats, or a sum of integers; -x has no other use",
        on: &["sum", "mean"],
        numerics: Exact,
        rewrite: sum_neg,
    },
    Rule {
        name: "sum-repeated",
        algebra: "sum(broadcast(x)) = sum(x) * n, mean(broadcast(x)) = mean(x)",
        when: "floats; over axes along which x is repeated, n times in all, which is not 0",
        on: &["sum", "mean"],
        numerics: Reassociating,
        rewrite: reduce_repeated,
    },
    Rule {
        name: "extreme-repeated",
        algebra: "max(broadcast(x)) = max(x), and min",
        when: "over axes along which x is repeated, not 0 times",
        on: &["reduce_max", "reduce_min"],
        numerics: Exact,
        rewrite: reduce_repeated,
    },
    Rule {
        name: "sum-zero",
        algebra: "sum(0) = 0, mean(0) = 0",
        when: "",
        on: &["sum", "mean"],
        numerics: Exact,
        rewrite: |s, n| (s.uniform(n.inputs[0]) == Some(0.0)).then(|| Term::full(0.0, &n.ty)),
    },
];

/// Over what a reduction goes.
pub(super) struct Over<'a> {
    pub(super) axes: &'a [i64],
    pub(super) keepdims: bool,
}

/// That of a reduction.
pub(super) fn over(op: &Op) -> Option<Over<'_>> {
    match op {
        Op::Sum { axes, keepdims }
        | Op::Mean { axes, keepdims }
        | Op::ReduceMax { axes, keepdims }
        | Op::ReduceMin { axes, keepdims } => Some(Over { axes, keepdims: *keepdims }),
        _ => None,
    }
}

/// The same reduction over other axes.
pub(super) fn with_axes(op: &Op, new: Vec<i64>, keep: bool) -> Option<Op> {
    let mut op = op.clone();
    match &mut op {
        Op::Sum { axes, keepdims }
        | Op::Mean { axes, keepdims }
        | Op::ReduceMax { axes, keepdims }
        | Op::ReduceMin { axes, keepdims } => {
            (*axes, *keepdims) = (new, keep);
            Some(op)
        }
        _ => None,
    }
}

fn reduce_ones(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let Over { axes, keepdims } = over(&n.op)?;
    let shape = &s.ty(n.inputs[0]).shape;
    let long: Vec<i64> = axes.iter().copied().filter(|axis| !shape[*axis as usize].is_one()).collect();
    match long.len() {
        0 => Some(Term::reshape(n.inputs[0], &n.ty.shape)),
        some if some < axes.len() => {
            let op = with_axes(&n.op, long, keepdims)?;
            // Where axes go away, what is left has axes of size 1 too many.
            Some(Term::reshape(Term::unary(op, n.inputs[0]), &n.ty.shape))
        }
        _ => None,
    }
}

fn arg_of_one(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let size = match &n.op {
        Op::Argmax { axis } | Op::Argsort { axis, .. } | Op::TopK { axis, .. } => {
            s.ty(n.inputs[0]).shape.get(*axis as usize)?
        }
        Op::Iota { shape, axis } => shape.get(*axis as usize)?,
        _ => return None,
    };
    size.is_one().then(|| Term::full(0.0, &n.ty))
}

fn keep_axes(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let x = s.node(n.inputs[0]);
    let Over { axes, keepdims } = over(&x.op).filter(|_| s.is_single(n.inputs[0]))?;
    let other = with_axes(&x.op, axes.to_vec(), !keepdims)?;
    Some(Term::unary(other, x.inputs[0]))
}

fn reduce_reduce(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let (outer, x) = (over(&n.op)?, s.node(n.inputs[0]));
    let same = std::mem::discriminant(&x.op) == std::mem::discriminant(&n.op) && s.is_single(n.inputs[0]);
    let inner = over(&x.op).filter(|_| same)?;
    let shape = &s.ty(x.inputs[0]).shape;
    let axes = axes_of_both(&inner, &outer, shape.len());
    let filled = axes.iter().all(|axis| Scope::is_positive(&shape[*axis as usize]));
    let keeps = inner.keepdims && outer.keepdims;
    let op = with_axes(&n.op, axes, keeps)?;
    let merged = Term::unary(op, x.inputs[0]);
    let is_sum = matches!(n.op, Op::Sum { .. });
    (filled || is_sum).then(|| if keeps { merged } else { Term::reshape(merged, &n.ty.shape) })
}

/// The axes of the first operand that two reductions, one after the other, fold.
fn axes_of_both(inner: &Over<'_>, outer: &Over<'_>, rank: usize) -> Vec<i64> {
    let folded = |axis: &i64| inner.axes.contains(axis);
    let left: Vec<i64> = (0..rank as i64).filter(|axis| inner.keepdims || !folded(axis)).collect();
    let outer = outer.axes.iter().filter_map(|axis| left.get(*axis as usize));
    let mut axes: Vec<i64> = inner.axes.iter().chain(outer).copied().collect();
    axes.sort_unstable();
    axes.dedup();
    axes
}

fn sum_neg(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let x = negated(s, n.inputs[0]).filter(|_| s.is_single(n.inputs[0]))?;
    Some(Term::neg(Term::unary(n.op.clone(), x)))
}

fn reduce_repeated(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let Over { axes, .. } = over(&n.op)?;
    let x = stretched(s, n.inputs[0])?;
    let (wide, own) = (&s.ty(n.inputs[0]).shape, &s.ty(x).shape);
    let new = wide.len() - own.len();
    let repeated = |axis: usize| axis < new || own[axis - new].is_one() && !wide[axis].is_one();
    let (over_copies, over_own): (Vec<usize>, Vec<usize>) =
        axes.iter().map(|axis| *axis as usize).partition(|axis| repeated(*axis));
    let filled = over_copies.iter().all(|axis| Scope::is_positive(&wide[*axis]));
    if over_copies.is_empty() || !filled || (n.ty.dtype != DType::F32 && matches!(n.op, Op::Sum { .. })) {
        return None;
    }
    let count = Scope::product(over_copies.iter().map(|axis| &wide[*axis]))?;
    let folded = folded(n, x, own, new, &over_own)?;
    let whole = match n.op {
        Op::Sum { .. } => Term::mul(folded, Term::Of(Op::Size { value: count, dtype: DType::F32 }, vec![])),
        _ => folded,
    };
    // Axes along which it is repeated and that are not folded are still to be stretched.
    Some(Term::broadcast(Term::reshape(whole, &kept_shape(n, own, new, axes)?), &n.ty.shape))
}

/// The reduction of what is repeated, over its own axes, each of which stays with size 1.
fn folded(n: &Node, x: NodeId, own: &[Dim], new: usize, axes: &[usize]) -> Option<Term> {
    let own_axes: Vec<i64> = axes.iter().map(|axis| (axis - new) as i64).collect();
    debug_assert!(own_axes.len() <= own.len());
    match own_axes.is_empty() {
        true => Some(x.into()),
        false => Some(Term::unary(with_axes(&n.op, own_axes, true)?, x)),
    }
}

/// The shape of the result before what is still repeated is stretched.
fn kept_shape(n: &Node, own: &[Dim], new: usize, axes: &[i64]) -> Option<Vec<Dim>> {
    let keeps = over(&n.op)?.keepdims;
    let one = Dim::from(1i64);
    let kept = (0..new + own.len()).filter_map(|axis| match axes.contains(&(axis as i64)) {
        true => keeps.then(|| one.clone()),
        false => Some(if axis < new { one.clone() } else { own[axis - new].clone() }),
    });
    Some(kept.collect())
}
