//! Slices, paddings and concatenations.

use vspec_ir::{Dim, Node, NodeId, Op};

use crate::pass::Numerics::Exact;
use crate::rewrite::{Rule, Scope, Term};

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "slice-all",
        algebra: "x[0:n] = x",
        when: "the step is 1 and n the size of the axis",
        on: &["slice"],
        numerics: Exact,
        rewrite: slice_all,
    },
    Rule {
        name: "slice-slice",
        algebra: "x[a:b][c:d] = x[a + c:a + d]",
        when: "both along one axis, with step 1",
        on: &["slice"],
        numerics: Exact,
        rewrite: slice_slice,
    },
    Rule {
        name: "slice-sorted",
        algebra: "argsort(x)[0:k] = topk(x), topk(x)[0:k] = topk(x)",
        when: "along the axis that is sorted, with step 1; the order has no other use",
        on: &["slice"],
        numerics: Exact,
        rewrite: slice_sorted,
    },
    Rule {
        name: "slice-concat",
        algebra: "concat(.., x, ..)[a:b] = x[a - begin:b - begin]",
        when: "along one axis with step 1; the slice lies within one operand for all sizes",
        on: &["slice"],
        numerics: Exact,
        rewrite: slice_concat,
    },
    Rule {
        name: "slice-pad",
        algebra: "pad(x)[low:low + n] = x[..]",
        when: "along one axis with step 1; the slice takes no padding for any sizes",
        on: &["slice"],
        numerics: Exact,
        rewrite: slice_pad,
    },
    Rule {
        name: "pad-nothing",
        algebra: "pad(x) = x",
        when: "both amounts are 0",
        on: &["pad"],
        numerics: Exact,
        rewrite: |_, n| match n.op {
            Op::Pad { low: 0, high: 0, .. } => Some(n.inputs[0].into()),
            _ => None,
        },
    },
    Rule {
        name: "pad-pad",
        algebra: "pad(pad(x)) = pad(x)",
        when: "both along one axis, with one value",
        on: &["pad"],
        numerics: Exact,
        rewrite: pad_pad,
    },
    Rule {
        name: "pad-full",
        algebra: "pad(full) = full",
        when: "the value is that of the constant",
        on: &["pad"],
        numerics: Exact,
        rewrite: |s, n| match &n.op {
            Op::Pad { value, .. } if s.uniform(n.inputs[0]) == Some(*value) => {
                Some(Term::full(*value, &n.ty))
            }
            _ => None,
        },
    },
    Rule {
        name: "pads-beside",
        algebra: "pad(x) + pad(y) = pad(concat(x, y))",
        when: "padded with 0 along one axis to places beside each other; neither has another use",
        on: &["add"],
        numerics: Exact,
        rewrite: pads_beside,
    },
    Rule {
        name: "pads-meet",
        algebra: "(x + pad(y)) + pad(z) = x + (pad(y) + pad(z))",
        when: "padded with 0 along one axis to places beside each other; neither y nor the first sum has another use",
        on: &["add"],
        numerics: Exact,
        rewrite: pads_meet,
    },
    Rule {
        name: "concat-one",
        algebra: "concat(x) = x",
        when: "",
        on: &["concat"],
        numerics: Exact,
        rewrite: |_, n| Some(n.inputs[0].into()).filter(|_| n.inputs.len() == 1),
    },
    Rule {
        name: "concat-nothing",
        algebra: "concat(.., x, ..) = concat(.., ..)",
        when: "x has no elements along the axis",
        on: &["concat"],
        numerics: Exact,
        rewrite: concat_nothing,
    },
    Rule {
        name: "concat-concat",
        algebra: "concat(.., concat(x, y), ..) = concat(.., x, y, ..)",
        when: "along one axis; the inner one has no other use",
        on: &["concat"],
        numerics: Exact,
        rewrite: concat_concat,
    },
    Rule {
        name: "concat-full",
        algebra: "concat(full, full) = full",
        when: "all of one value",
        on: &["concat"],
        numerics: Exact,
        rewrite: concat_full,
    },
    Rule {
        name: "concat-slices",
        algebra: "concat(x[a:b], x[b:c]) = x[a:c]",
        when: "neighbours along one axis with step 1",
        on: &["concat"],
        numerics: Exact,
        rewrite: concat_slices,
    },
];

/// A slice with step 1.
struct Part<'a> {
    axis: i64,
    start: &'a Dim,
    end: &'a Dim,
}

fn part(op: &Op) -> Option<Part<'_>> {
    match op {
        Op::Slice { axis, start, end, step: 1 } => Some(Part { axis: *axis, start, end }),
        _ => None,
    }
}

fn slice(x: NodeId, axis: i64, start: Dim, end: Dim) -> Term {
    Term::unary(Op::Slice { axis, start, end, step: 1 }, x)
}

fn size<'a>(s: &Scope<'a>, id: NodeId, axis: i64) -> Option<&'a Dim> {
    s.ty(id).shape.get(axis as usize)
}

fn slice_all(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let Part { axis, start, end } = part(&n.op)?;
    let all = start.as_const() == Some(0) && size(s, n.inputs[0], axis) == Some(end);
    all.then(|| n.inputs[0].into())
}

fn slice_slice(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let outer = part(&n.op)?;
    let below = s.node(n.inputs[0]);
    let inner = part(&below.op).filter(|inner| inner.axis == outer.axis)?;
    let from = |d: &Dim| inner.start.checked_add(d).ok();
    Some(slice(below.inputs[0], outer.axis, from(outer.start)?, from(outer.end)?))
}

fn slice_sorted(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let Part { axis: along, start, end } = part(&n.op)?;
    let order = s.node(n.inputs[0]);
    let (axis, descending) = match order.op {
        Op::Argsort { axis, descending } | Op::TopK { axis, descending, .. } => (axis, descending),
        _ => return None,
    };
    let first = axis == along && start.as_const() == Some(0) && s.is_single(n.inputs[0]);
    first.then(|| Term::unary(Op::TopK { axis, k: end.clone(), descending }, order.inputs[0]))
}

fn slice_concat(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let outer = part(&n.op)?;
    let joined = s.node(n.inputs[0]);
    joined.inputs.first().filter(|_| joined.op == Op::Concat { axis: outer.axis })?;
    let mut begin = Dim::from(0i64);
    for operand in &joined.inputs {
        let end = begin.checked_add(size(s, *operand, outer.axis)?).ok()?;
        if begin.at_most(outer.start) == Some(true) && outer.end.at_most(&end) == Some(true) {
            let within = |d: &Dim| d.checked_sub(&begin).ok();
            return Some(slice(*operand, outer.axis, within(outer.start)?, within(outer.end)?));
        }
        begin = end;
    }
    None
}

fn slice_pad(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let outer = part(&n.op)?;
    let padded = s.node(n.inputs[0]);
    let Op::Pad { axis, low, .. } = padded.op else { return None };
    let low = Dim::from(low);
    let end = low.checked_add(size(s, padded.inputs[0], axis)?).ok()?;
    let within = low.at_most(outer.start) == Some(true) && outer.end.at_most(&end) == Some(true);
    let from = |d: &Dim| d.checked_sub(&low).ok();
    (axis == outer.axis && within)
        .then(|| Some(slice(padded.inputs[0], axis, from(outer.start)?, from(outer.end)?)))?
}

fn pad_pad(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let Op::Pad { axis, low, high, value } = n.op else { return None };
    let below = s.node(n.inputs[0]);
    match below.op {
        Op::Pad { axis: a, low: l, high: h, value: v } if a == axis && v.to_bits() == value.to_bits() => {
            let (low, high) = (low.checked_add(l)?, high.checked_add(h)?);
            Some(Term::unary(Op::Pad { axis, low, high, value }, below.inputs[0]))
        }
        _ => None,
    }
}

/// What zeros surround along an axis.
struct Padded {
    x: NodeId,
    axis: i64,
    low: i64,
    high: i64,
}

fn padded(s: &Scope<'_>, id: NodeId) -> Option<Padded> {
    let node = s.node(id);
    match node.op {
        Op::Pad { axis, low, high, value: 0.0 } if s.is_single(id) => {
            Some(Padded { x: node.inputs[0], axis, low, high })
        }
        _ => None,
    }
}

/// Two paddings whose contents lie beside each other, the first one first.
fn beside(s: &Scope<'_>, a: NodeId, b: NodeId) -> Option<(Padded, Padded)> {
    let touch = |left: &Padded, right: &Padded| {
        let end = size(s, left.x, left.axis).and_then(|n| n.checked_add(&Dim::from(left.low)).ok());
        left.axis == right.axis && end == Some(Dim::from(right.low))
    };
    let (a, b) = (padded(s, a)?, padded(s, b)?);
    match (touch(&a, &b), touch(&b, &a)) {
        (true, _) => Some((a, b)),
        (_, true) => Some((b, a)),
        _ => None,
    }
}

fn pads_beside(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let same = s.ty(n.inputs[0]) == s.ty(n.inputs[1]) && n.inputs[0] != n.inputs[1];
    let (left, right) = beside(s, n.inputs[0], n.inputs[1]).filter(|_| same)?;
    let (axis, low, high) = (left.axis, left.low, right.high);
    let joined = Term::binary(Op::Concat { axis }, left.x, right.x);
    Some(Term::unary(Op::Pad { axis, low, high, value: 0.0 }, joined))
}

fn pads_meet(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let meet = |sum: NodeId, z: NodeId| {
        let [a, b] = s.operands_of(sum, &Op::Add {}).filter(|_| s.is_single(sum))?;
        let (x, y) = if beside(s, b, z).is_some() { (a, b) } else { (b, a) };
        let same = s.ty(y) == s.ty(z) && y != z;
        beside(s, y, z).filter(|_| same).map(|_| Term::binary(Op::Add {}, x, Term::binary(Op::Add {}, y, z)))
    };
    meet(n.inputs[0], n.inputs[1]).or_else(|| meet(n.inputs[1], n.inputs[0]))
}

/// A concatenation of other operands; nothing if they are the same.
fn concat(n: &Node, parts: Vec<NodeId>) -> Option<Term> {
    let changed = !parts.is_empty() && parts != n.inputs;
    changed.then(|| Term::Of(n.op.clone(), parts.into_iter().map(Term::Is).collect()))
}

fn concat_nothing(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let Op::Concat { axis } = n.op else { return None };
    let some = |id: &NodeId| size(s, *id, axis).is_none_or(|d| d.as_const() != Some(0));
    concat(n, n.inputs.iter().copied().filter(some).collect())
}

fn concat_concat(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let inner = |id: &NodeId| match s.node(*id) {
        node if node.op == n.op && s.is_single(*id) => node.inputs.clone(),
        _ => vec![*id],
    };
    concat(n, n.inputs.iter().flat_map(inner).collect())
}

fn concat_full(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let value = s.uniform(n.inputs[0])?;
    n.inputs.iter().all(|id| s.uniform(*id) == Some(value)).then(|| Term::full(value, &n.ty))
}

fn concat_slices(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let Op::Concat { axis } = n.op else { return None };
    let of = |id: NodeId| part(&s.node(id).op).filter(|p| p.axis == axis).map(|p| (s.node(id).inputs[0], p));
    let joined = n.inputs.windows(2).position(|pair| match (of(pair[0]), of(pair[1])) {
        (Some((x, left)), Some((y, right))) => x == y && left.end == right.start,
        _ => false,
    })?;
    let ((x, left), (_, right)) = (of(n.inputs[joined])?, of(n.inputs[joined + 1])?);
    let mut parts: Vec<Term> = n.inputs.iter().copied().map(Term::Is).collect();
    parts.splice(joined..joined + 2, [slice(x, axis, left.start.clone(), right.end.clone())]);
    Some(Term::Of(n.op.clone(), parts))
}
