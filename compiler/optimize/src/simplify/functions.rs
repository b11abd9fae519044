//! Functions of one number, powers, maxima, and casts.

use vspec_ir::{DType, Node, NodeId, Op};

use crate::pass::Numerics::{Exact, Reassociating};
use crate::rewrite::{Rule, Scope, Term};

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "idempotent",
        algebra: "f(f(x)) = f(x)",
        when: "f one of relu, abs, sign, floor; the smallest integer is its own absolute value",
        on: &["relu", "abs", "sign", "floor"],
        numerics: Exact,
        rewrite: |s, n| Some(n.inputs[0].into()).filter(|_| s.node(n.inputs[0]).op == n.op),
    },
    Rule {
        name: "not-negative",
        algebra: "relu(x) = x, abs(x) = x",
        when: "floats; x is known not to be negative: it is an exp, sqrt, sigmoid, abs, relu, square, or made of these",
        on: &["relu", "abs"],
        numerics: Exact,
        rewrite: |s, n| {
            Some(n.inputs[0].into())
                .filter(|_| n.ty.dtype == DType::F32 && is_not_negative(s, n.inputs[0], 4))
        },
    },
    Rule {
        name: "abs-neg",
        algebra: "|-x| = |x|",
        when: "",
        on: &["abs"],
        numerics: Exact,
        rewrite: |s, n| Some(Term::unary(Op::Abs {}, s.operand_of(n.inputs[0], &Op::Neg {})?)),
    },
    Rule {
        name: "extreme-itself",
        algebra: "max(x, x) = x, min(x, x) = x",
        when: "",
        on: &["max", "min"],
        numerics: Exact,
        rewrite: |_, n| Some(n.inputs[0].into()).filter(|_| n.inputs[0] == n.inputs[1]),
    },
    Rule {
        name: "extreme-twice",
        algebra: "max(max(x, a), b) = max(x, max(a, b)), and min",
        when: "a, b constants that are numbers; the inner value has no other use",
        on: &["max", "min"],
        numerics: Exact,
        rewrite: extreme_twice,
    },
    Rule {
        name: "pow-zero-one",
        algebra: "x ^ 0 = 1, x ^ 1 = x",
        when: "",
        on: &["pow"],
        numerics: Exact,
        rewrite: pow_zero_one,
    },
    Rule {
        name: "pow-small",
        algebra: "x ^ 2 = x * x, x ^ 3 = x * x * x, .., x ^ -1 = 1 / x",
        when: "the exponent is a whole number from 2 to 8, or -1",
        on: &["pow"],
        numerics: Reassociating,
        rewrite: pow_small,
    },
    Rule {
        name: "pow-half",
        algebra: "x ^ 0.5 = sqrt(x), x ^ -0.5 = 1 / sqrt(x)",
        when: "x is known not to be negative: of minus infinity there is a power, but no root",
        on: &["pow"],
        numerics: Reassociating,
        rewrite: pow_half,
    },
    Rule {
        name: "stop-gradient",
        algebra: "stop_gradient(x) = x",
        when: "the graph has no gradients any more",
        on: &["stop_gradient"],
        numerics: Exact,
        rewrite: |_, n| Some(n.inputs[0].into()),
    },
    Rule {
        name: "cast-same",
        algebra: "x as its own element type = x",
        when: "",
        on: &["cast"],
        numerics: Exact,
        rewrite: |s, n| Some(n.inputs[0].into()).filter(|_| s.ty(n.inputs[0]).dtype == n.ty.dtype),
    },
    Rule {
        name: "cast-twice",
        algebra: "(x as a) as b = x as b",
        when: "x a mask; integers do not all fit single precision, and floats are cut off",
        on: &["cast"],
        numerics: Exact,
        rewrite: cast_twice,
    },
];

/// Whether no element of a value is below zero; each may be NaN. `depth` bounds how far back is looked.
fn is_not_negative(s: &Scope<'_>, id: NodeId, depth: usize) -> bool {
    let n = s.node(id);
    let all = |s: &Scope<'_>| depth > 0 && n.inputs.iter().all(|x| is_not_negative(s, *x, depth - 1));
    let any = |s: &Scope<'_>| depth > 0 && n.inputs.iter().any(|x| is_not_negative(s, *x, depth - 1));
    match &n.op {
        Op::Exp {} | Op::Sqrt {} | Op::Abs {} | Op::Relu {} | Op::Sigmoid {} | Op::Uniform { .. } => true,
        Op::Full { value, .. } => *value >= 0.0,
        Op::Constant { value } => value.values.iter().all(|v| *v >= 0.0),
        Op::Cast { .. } => s.ty(n.inputs[0]).dtype == DType::Bool,
        Op::Mul {} if n.inputs[0] == n.inputs[1] => true,
        // Not quotients: zero has a sign.
        Op::Add {} | Op::Mul {} | Op::Min {} => all(s),
        // NaN wins, and is neither.
        Op::Max {} => any(s),
        Op::Sum { .. } | Op::Mean { .. } | Op::Reshape { .. } | Op::Permute { .. } | Op::Broadcast { .. } => {
            all(s)
        }
        _ => false,
    }
}

fn extreme_twice(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let (id, b) = s.with_constant(n)?;
    let inner = Some(s.node(id)).filter(|x| x.op == n.op && s.is_single(id))?;
    let (x, a) = s.with_constant(inner).filter(|(_, a)| !a.is_nan() && !b.is_nan())?;
    let both = if n.op == (Op::Max {}) { a.max(b) } else { a.min(b) };
    Some(Term::binary(n.op.clone(), x, Term::number(both, n.ty.dtype)))
}

fn exponent(s: &Scope<'_>, n: &Node) -> Option<(NodeId, f64)> {
    Some((n.inputs[0], s.uniform(n.inputs[1])?))
}

fn pow_zero_one(s: &Scope<'_>, n: &Node) -> Option<Term> {
    match exponent(s, n)? {
        (x, 1.0) => Some(s.stretched(x, &n.ty)),
        (_, 0.0) => Some(Term::full(1.0, &n.ty)),
        _ => None,
    }
}

/// The reciprocal of a term.
pub(super) fn inverse(x: Term) -> Term {
    Term::binary(Op::Div {}, Term::number(1.0, DType::F32), x)
}

/// A power from 1 on: the square of half of it, and once more where that is left.
fn power(x: NodeId, exponent: u32) -> Term {
    let half = || power(x, exponent / 2);
    match exponent {
        0 | 1 => x.into(),
        _ if exponent.is_multiple_of(2) => Term::mul(half(), half()),
        _ => Term::mul(Term::mul(half(), half()), x),
    }
}

fn pow_small(s: &Scope<'_>, n: &Node) -> Option<Term> {
    match exponent(s, n)? {
        (x, whole) if (2.0..=8.0).contains(&whole) && whole.fract() == 0.0 => Some(power(x, whole as u32)),
        (x, -1.0) => Some(inverse(x.into())),
        _ => None,
    }
}

fn pow_half(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let (x, exponent) = exponent(s, n).filter(|(x, _)| is_not_negative(s, *x, 4))?;
    let root = Term::unary(Op::Sqrt {}, x);
    match exponent {
        0.5 => Some(root),
        -0.5 => Some(inverse(root)),
        _ => None,
    }
}

fn cast_twice(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let inner = s.node(n.inputs[0]);
    let x = *inner.inputs.first().filter(|_| matches!(inner.op, Op::Cast { .. }))?;
    (s.ty(x).dtype == DType::Bool).then(|| Term::unary(n.op.clone(), x))
}
