//! Sums, differences and products with 0, 1 and -1, and signs that cancel.

use vspec_ir::{DType, Node, NodeId, Op};

use crate::pass::Numerics::Exact;
use crate::rewrite::{Rule, Scope, Term};

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "mul-one",
        algebra: "x * 1 = x",
        when: "",
        on: &["mul"],
        numerics: Exact,
        rewrite: |s, n| neutral(s, n, 1.0),
    },
    Rule {
        name: "add-zero",
        algebra: "x + 0 = x",
        when: "",
        on: &["add"],
        numerics: Exact,
        rewrite: |s, n| neutral(s, n, 0.0),
    },
    Rule {
        name: "div-one",
        algebra: "x / 1 = x",
        when: "",
        on: &["div"],
        numerics: Exact,
        rewrite: |s, n| neutral_right(s, n, 1.0),
    },
    Rule {
        name: "sub-zero",
        algebra: "x - 0 = x",
        when: "",
        on: &["sub"],
        numerics: Exact,
        rewrite: |s, n| neutral_right(s, n, 0.0),
    },
    Rule {
        name: "sub-from-zero",
        algebra: "0 - x = -x",
        when: "",
        on: &["sub"],
        numerics: Exact,
        rewrite: sub_from_zero,
    },
    Rule {
        name: "sub-itself",
        algebra: "x - x = 0",
        when: "integers",
        on: &["sub"],
        numerics: Exact,
        rewrite: sub_itself,
    },
    Rule {
        name: "mul-minus-one",
        algebra: "x * -1 = -x, x / -1 = -x",
        when: "",
        on: &["mul", "div"],
        numerics: Exact,
        rewrite: mul_minus_one,
    },
    Rule {
        name: "neg-neg",
        algebra: "--x = x",
        when: "",
        on: &["neg"],
        numerics: Exact,
        rewrite: |s, n| Some(negated(s, n.inputs[0])?.into()),
    },
    Rule {
        name: "neg-sub",
        algebra: "-(a - b) = b - a",
        when: "the difference has no other use",
        on: &["neg"],
        numerics: Exact,
        rewrite: neg_sub,
    },
    Rule {
        name: "neg-scaled",
        algebra: "-(x * c) = x * -c, -(x / c) = x / -c, -(c / x) = -c / x",
        when: "c a constant; floats; the scaled value has no other use",
        on: &["neg"],
        numerics: Exact,
        rewrite: neg_scaled,
    },
    Rule {
        name: "scaled-neg",
        algebra: "-x * c = x * -c, -x / c = x / -c, c / -x = -c / x",
        when: "c a constant; floats",
        on: &["mul", "div"],
        numerics: Exact,
        rewrite: scaled_neg,
    },
    Rule {
        name: "add-neg",
        algebra: "a + -b = a - b, -a + b = b - a",
        when: "",
        on: &["add"],
        numerics: Exact,
        rewrite: add_neg,
    },
    Rule {
        name: "sub-neg",
        algebra: "a - -b = a + b",
        when: "",
        on: &["sub"],
        numerics: Exact,
        rewrite: |s, n| Some(Term::binary(Op::Add {}, n.inputs[0], negated(s, n.inputs[1])?)),
    },
    Rule {
        name: "signs-cancel",
        algebra: "-a * -b = a * b, -a / -b = a / b",
        when: "floats, or a product of integers",
        on: &["mul", "div"],
        numerics: Exact,
        rewrite: signs_cancel,
    },
];

/// `x` of `-x`.
pub(super) fn negated(s: &Scope<'_>, id: NodeId) -> Option<NodeId> {
    s.operand_of(id, &Op::Neg {})
}

fn neutral(s: &Scope<'_>, n: &Node, element: f64) -> Option<Term> {
    let is = |id: NodeId| s.uniform(id) == Some(element);
    let [a, b] = [n.inputs[0], n.inputs[1]];
    let other = if is(b) { a } else { Some(b).filter(|_| is(a))? };
    Some(s.stretched(other, &n.ty))
}

fn neutral_right(s: &Scope<'_>, n: &Node, element: f64) -> Option<Term> {
    (s.uniform(n.inputs[1]) == Some(element)).then(|| s.stretched(n.inputs[0], &n.ty))
}

fn sub_from_zero(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let zero = s.uniform(n.inputs[0]) == Some(0.0);
    zero.then(|| Term::neg(s.stretched(n.inputs[1], &n.ty)))
}

fn sub_itself(_: &Scope<'_>, n: &Node) -> Option<Term> {
    (n.inputs[0] == n.inputs[1] && n.ty.dtype == DType::I32).then(|| Term::full(0.0, &n.ty))
}

fn mul_minus_one(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let x = match n.op {
        Op::Mul {} => s.with_constant(n).filter(|(_, c)| *c == -1.0)?.0,
        _ => Some(n.inputs[0]).filter(|_| s.uniform(n.inputs[1]) == Some(-1.0))?,
    };
    Some(Term::neg(s.stretched(x, &n.ty)))
}

fn neg_sub(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let x = n.inputs[0];
    let [a, b] = s.operands_of(x, &Op::Sub {}).filter(|_| s.is_single(x))?;
    Some(Term::binary(Op::Sub {}, b, a))
}

/// The same product or quotient with the other sign in its constant, given the operands.
fn with_other_sign(s: &Scope<'_>, op: &Op, [a, b]: [NodeId; 2]) -> Option<Term> {
    let other = |id: NodeId| Some(Term::full(-s.uniform(id)?, s.ty(id)));
    match (op, other(a), other(b)) {
        (Op::Mul {} | Op::Div {}, _, Some(c)) => Some(Term::Of(op.clone(), vec![a.into(), c])),
        (Op::Mul {} | Op::Div {}, Some(c), _) => Some(Term::Of(op.clone(), vec![c, b.into()])),
        _ => None,
    }
}

fn neg_scaled(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let x = s.node(n.inputs[0]);
    let [a, b] = *x.inputs.as_slice() else { return None };
    (n.ty.dtype == DType::F32 && s.is_single(n.inputs[0])).then(|| with_other_sign(s, &x.op, [a, b]))?
}

fn scaled_neg(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let [a, b] = [n.inputs[0], n.inputs[1]];
    let operands = match (negated(s, a), negated(s, b)) {
        (Some(x), None) => [x, b],
        (None, Some(x)) => [a, x],
        _ => return None,
    };
    (n.ty.dtype == DType::F32).then(|| with_other_sign(s, &n.op, operands))?
}

fn add_neg(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let [a, b] = [n.inputs[0], n.inputs[1]];
    match (negated(s, a), negated(s, b)) {
        (_, Some(x)) => Some(Term::binary(Op::Sub {}, a, x)),
        (Some(x), None) => Some(Term::binary(Op::Sub {}, b, x)),
        (None, None) => None,
    }
}

fn signs_cancel(s: &Scope<'_>, n: &Node) -> Option<Term> {
    // Integers divided are rounded, and the smallest one has no negative.
    let allowed = n.ty.dtype == DType::F32 || n.op == Op::Mul {};
    let operands = [negated(s, n.inputs[0])?, negated(s, n.inputs[1])?];
    allowed.then(|| Term::Of(n.op.clone(), operands.map(Term::Is).into()))
}
