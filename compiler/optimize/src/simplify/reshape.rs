//! Reshapes and permutations: several become one, and those that change nothing go away.

use vspec_ir::ops::OpClass;
use vspec_ir::{Dim, Node, NodeId, Op};

use crate::pass::Numerics::Exact;
use crate::rewrite::{Rule, Scope, Term};

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "view-itself",
        algebra: "reshape(x) = x, permute(x) = x, broadcast(x) = x",
        when: "the shape stays; a permutation moves no axis",
        on: &["reshape", "permute", "broadcast"],
        numerics: Exact,
        rewrite: view_itself,
    },
    Rule {
        name: "reshape-reshape",
        algebra: "reshape(reshape(x)) = reshape(x)",
        when: "",
        on: &["reshape"],
        numerics: Exact,
        rewrite: |s, n| Some(Term::reshape(reshaped(s, n.inputs[0])?, &n.ty.shape)),
    },
    Rule {
        name: "permute-permute",
        algebra: "permute(permute(x)) = permute(x)",
        when: "",
        on: &["permute"],
        numerics: Exact,
        rewrite: permute_permute,
    },
    Rule {
        name: "permute-ones",
        algebra: "permute(x) = reshape(x)",
        when: "no two axes change places that are both not 1",
        on: &["permute"],
        numerics: Exact,
        rewrite: permute_ones,
    },
    Rule {
        name: "reshape-through",
        algebra: "reshape(f(reshape(x), c)) = f(reshape(x), c)",
        when: "f elementwise; its other operands have no axes; its value has no other use",
        on: &["reshape"],
        numerics: Exact,
        rewrite: reshape_through,
    },
    Rule {
        name: "along-ones",
        algebra: "take_along(reshape(x), i) = reshape(take_along(reshape(x), reshape(i)))",
        when: "without axes that have size 1 in both, and along which nothing is taken",
        on: &["take_along"],
        numerics: Exact,
        rewrite: along_ones,
    },
    Rule {
        name: "view-full",
        algebra: "view(full) = full",
        when: "reshape, permute, broadcast or slice of a constant all of whose elements are equal",
        on: &["reshape", "permute", "broadcast", "slice"],
        numerics: Exact,
        rewrite: |s, n| Some(Term::full(s.uniform(n.inputs[0])?, &n.ty)),
    },
];

/// `x` of `reshape(x)`.
pub(super) fn reshaped(s: &Scope<'_>, id: NodeId) -> Option<NodeId> {
    let node = s.node(id);
    matches!(node.op, Op::Reshape { .. }).then(|| node.inputs[0])
}

/// The operand and the axes of a permutation.
pub(super) fn permuted<'a>(s: &Scope<'a>, id: NodeId) -> Option<(NodeId, &'a [i64])> {
    let node = s.node(id);
    match &node.op {
        Op::Permute { axes } => Some((node.inputs[0], axes)),
        _ => None,
    }
}

fn view_itself(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let moves = match &n.op {
        Op::Permute { axes } => axes.iter().enumerate().any(|(i, axis)| *axis != i as i64),
        _ => false,
    };
    (!moves && s.ty(n.inputs[0]) == &n.ty).then(|| n.inputs[0].into())
}

fn permute_permute(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let Op::Permute { axes } = &n.op else { return None };
    let (x, inner) = permuted(s, n.inputs[0])?;
    let axes = axes.iter().map(|axis| inner.get(*axis as usize).copied()).collect::<Option<_>>()?;
    Some(Term::unary(Op::Permute { axes }, x))
}

fn permute_ones(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let Op::Permute { axes } = &n.op else { return None };
    let shape = &s.ty(n.inputs[0]).shape;
    let long: Vec<i64> = axes.iter().copied().filter(|axis| !shape[*axis as usize].is_one()).collect();
    long.is_sorted().then(|| Term::reshape(n.inputs[0], &n.ty.shape))
}

fn reshape_through(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let inner = s.node(n.inputs[0]);
    let elementwise = inner.op.decl().class == OpClass::Elementwise && s.is_single(n.inputs[0]);
    let with_axes: Vec<NodeId> = inner.inputs.iter().copied().filter(|x| s.ty(*x).rank() > 0).collect();
    let [only] = *with_axes.as_slice() else { return None };
    let x = reshaped(s, only).filter(|_| elementwise)?;
    let part = |id: &NodeId| if *id == only { Term::reshape(x, &n.ty.shape) } else { Term::Is(*id) };
    Some(Term::Of(inner.op.clone(), inner.inputs.iter().map(part).collect()))
}

/// What was reshaped for the sake of broadcasting need not be copied to be read where data says.
fn along_ones(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let Op::TakeAlong { axis } = n.op else { return None };
    let (x, index) = (n.inputs[0], n.inputs[1]);
    let (of_x, of_index) = (&s.ty(x).shape, &s.ty(index).shape);
    let axis = axis as usize;
    let is_left_out = |i: usize| i != axis && of_x[i].is_one() && of_index[i].is_one();
    let before = (0..axis).filter(|i| is_left_out(*i)).count();
    let some = reshaped(s, x).is_some() && (0..of_x.len()).any(is_left_out);
    let shape = |of: &[Dim]| -> Vec<Dim> {
        of.iter().enumerate().filter(|(i, _)| !is_left_out(*i)).map(|(_, d)| d.clone()).collect()
    };
    let along = Op::TakeAlong { axis: (axis - before) as i64 };
    let taken = Term::binary(along, Term::reshape(x, &shape(of_x)), Term::reshape(index, &shape(of_index)));
    some.then(|| Term::reshape(taken, &n.ty.shape))
}

/// A shape without the axes of size 1 that it begins with.
pub(super) fn without_leading_ones(shape: &[Dim]) -> &[Dim] {
    let ones = shape.iter().take_while(|d| d.is_one()).count();
    &shape[ones..]
}
