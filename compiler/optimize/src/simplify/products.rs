//! Sums of products: a factor that is the same all along an axis need not be multiplied at each of its places, and what is left is a sum
//! that others may want, too. The way back of a weighted sum of norms sums a gradient times each normed map, once for the weight and once
//! for the norm: both become sums of the gradient times the centred map.

use vspec_ir::{DType, Dim, Node, NodeId, Op, Type};

use super::reduce::{Over, over, with_axes};
use crate::pass::Numerics::Reassociating;
use crate::rewrite::{Rule, Scope, Term};

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "sum-scaled",
        algebra: "sum(x * c) = sum(x) * c, and mean",
        when: "floats; c is the same all along the axes; not more products of this size than before",
        on: &["sum", "mean"],
        numerics: Reassociating,
        rewrite: sum_scaled,
    },
    Rule {
        name: "sum-split",
        algebra: "sum(x * c) = sum(sum(x) * c), and mean",
        when: "floats; the inner sum is over those axes, and not all, along which c is the same; the product has no other use",
        on: &["sum", "mean"],
        numerics: Reassociating,
        rewrite: sum_split,
    },
];

/// Products within products that are looked at.
const DEPTH: usize = 3;

/// What a sum is over: a product, taken apart.
struct Product<'a> {
    over: Over<'a>,
    whole: &'a Type,
    /// In order, so that equal products are.
    factors: Vec<NodeId>,
    /// Products that nothing else uses.
    single: usize,
}

impl<'a> Product<'a> {
    fn of(s: &Scope<'a>, n: &'a Node) -> Option<Self> {
        let (over, whole) = (over(&n.op)?, s.ty(n.inputs[0]));
        let mut product = Product { over, whole, factors: vec![], single: 0 };
        product.take_apart(s, n.inputs[0], true, DEPTH);
        product.factors.sort_unstable();
        (product.factors.len() > 1 && n.ty.dtype == DType::F32).then_some(product)
    }

    /// `goes` says that nothing uses what the value is a factor of.
    fn take_apart(&mut self, s: &Scope<'a>, id: NodeId, goes: bool, depth: usize) {
        let operands = s.operands_of(id, &Op::Mul {}).filter(|_| depth > 0 && s.ty(id) == self.whole);
        let Some(operands) = operands else { return self.factors.push(id) };
        let goes = goes && s.is_single(id);
        self.single += usize::from(goes);
        operands.into_iter().for_each(|operand| self.take_apart(s, operand, goes, depth - 1));
    }

    /// The axes of a factor, counted as those of the product, along which it is the same.
    fn same_along(&self, s: &Scope<'_>, factor: NodeId) -> Vec<i64> {
        let own = &s.ty(factor).shape;
        let new = self.whole.rank() - own.len();
        let same = |axis: &&i64| (**axis as usize) < new || own[**axis as usize - new].is_one();
        self.over.axes.iter().filter(same).copied().collect()
    }

    /// Factors, and those of them that are the same along some axes, if it pays to take these out of the sum.
    fn apart(&self, s: &Scope<'_>, is_out: impl Fn(&NodeId) -> bool) -> Option<(Vec<NodeId>, Vec<NodeId>)> {
        let (out, within): (Vec<NodeId>, Vec<NodeId>) =
            self.factors.iter().partition(|factor| is_out(factor));
        let fills = within.iter().any(|factor| s.ty(*factor) == self.whole);
        let pays = !out.is_empty() && fills && within.len() <= self.single + 1;
        pays.then_some((within, out))
    }
}

fn product(factors: &[NodeId]) -> Option<Term> {
    let (first, others) = factors.split_first()?;
    Some(others.iter().fold(Term::Is(*first), |product, factor| Term::mul(product, *factor)))
}

/// A shape after a sum over some axes that go away.
fn left(shape: &[Dim], axes: &[i64]) -> Vec<Dim> {
    let stays = |(axis, _): &(usize, &Dim)| !axes.contains(&(*axis as i64));
    shape.iter().enumerate().filter(stays).map(|(_, size)| size.clone()).collect()
}

/// A factor after axes have gone along which it is the same.
fn without(s: &Scope<'_>, factor: NodeId, rank: usize, axes: &[i64]) -> Term {
    let own = &s.ty(factor).shape;
    let new = rank - own.len();
    let axes: Vec<i64> = axes.iter().map(|axis| axis - new as i64).collect();
    let shape = left(own, &axes);
    if shape.len() == own.len() { factor.into() } else { Term::reshape(factor, &shape) }
}

/// A sum over some axes of factors, times others that are the same along these.
fn scaled(s: &Scope<'_>, op: &Op, axes: &[i64], rank: usize, [within, out]: [&[NodeId]; 2]) -> Option<Term> {
    let sum = Term::unary(with_axes(op, axes.to_vec(), false)?, product(within)?);
    let factors = out.iter().map(|factor| without(s, *factor, rank, axes));
    let scale = factors.reduce(Term::mul)?;
    Some(Term::mul(sum, scale))
}

fn sum_scaled(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let product = Product::of(s, n)?;
    let is_same = |factor: &NodeId| product.same_along(s, *factor).len() == product.over.axes.len();
    let (within, out) = product.apart(s, is_same)?;
    let scaled = scaled(s, &n.op, product.over.axes, product.whole.rank(), [&within, &out])?;
    Some(if product.over.keepdims { Term::reshape(scaled, &n.ty.shape) } else { scaled })
}

fn sum_split(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let product = Product::of(s, n).filter(|_| s.is_single(n.inputs[0]))?;
    let same: Vec<Vec<i64>> = product.factors.iter().map(|factor| product.same_along(s, *factor)).collect();
    let inner = same.iter().find(|axes| !axes.is_empty())?;
    // Those that are the same along other axes stay.
    if inner.len() == product.over.axes.len() {
        return None;
    }
    let (within, out) = product.apart(s, |factor| product.same_along(s, *factor) == *inner)?;
    let scaled = scaled(s, &n.op, inner, product.whole.rank(), [&within, &out])?;
    let gone_before = |axis: i64| inner.iter().filter(|gone| **gone < axis).count() as i64;
    let outer =
        product.over.axes.iter().filter(|axis| !inner.contains(axis)).map(|axis| axis - gone_before(*axis));
    let sum = Term::unary(with_axes(&n.op, outer.collect(), false)?, scaled);
    Some(if product.over.keepdims { Term::reshape(sum, &n.ty.shape) } else { sum })
}
