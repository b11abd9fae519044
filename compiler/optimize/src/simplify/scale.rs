//! Products with constants: several become one, and they go to the smaller operand.

use vspec_ir::{DType, Dim, Node, NodeId, Op};

use super::functions::inverse;
use crate::pass::Numerics::{Exact, Reassociating};
use crate::rewrite::{Rule, Scope, Term};

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "div-power-of-two",
        algebra: "x / c = x * (1 / c)",
        when: "floats; c a power of two, up to its sign",
        on: &["div"],
        numerics: Exact,
        rewrite: |s, n| div_constant(s, n, true),
    },
    Rule {
        name: "div-constant",
        algebra: "x / c = x * (1 / c)",
        when: "floats; c a constant whose reciprocal is a normal number of single precision",
        on: &["div"],
        numerics: Reassociating,
        rewrite: |s, n| div_constant(s, n, false),
    },
    Rule {
        name: "div-root",
        algebra: "x / sqrt(y) = x * (1 / sqrt(y))",
        when: "the root is the same all along the last axis of x; the reciprocal of a root is a normal number",
        on: &["div"],
        numerics: Reassociating,
        rewrite: div_root,
    },
    Rule {
        name: "scale-twice",
        algebra: "(x * a) * b = x * (a * b), (a / x) * b = (a * b) / x",
        when: "floats; a, b constants whose product is a normal number of single precision; the scaled value has no other use",
        on: &["mul"],
        numerics: Reassociating,
        rewrite: scale_twice,
    },
    Rule {
        name: "scale-twice-integers",
        algebra: "(x * a) * b = x * (a * b)",
        when: "integers; a, b constants; the scaled value has no other use",
        on: &["mul"],
        numerics: Exact,
        rewrite: scale_twice_integers,
    },
    Rule {
        name: "add-twice",
        algebra: "(x + a) + b = x + (a + b)",
        when: "a, b constants; the first sum has no other use",
        on: &["add"],
        numerics: Reassociating,
        rewrite: add_twice,
    },
    Rule {
        name: "scale-smaller",
        algebra: "(x * y) * c = x * (y * c), (y / x) * c = (y * c) / x, reshape(y) * c = reshape(y * c)",
        when: "floats; c a constant; y has fewer elements than the result or is scaled by a constant; no other use of the value",
        on: &["mul"],
        numerics: Reassociating,
        rewrite: scale_smaller,
    },
    Rule {
        name: "add-same",
        algebra: "(x + y) + y = x + 2 * y",
        when: "floats; y a product with an operand of fewer elements, which takes the 2; the first sum has no other use",
        on: &["add"],
        numerics: Reassociating,
        rewrite: add_same,
    },
    Rule {
        name: "factor",
        algebra: "a * x + b * x = (a + b) * x, and with -",
        when: "floats; both products are of the type of the result, and neither has another use",
        on: &["add", "sub"],
        numerics: Reassociating,
        rewrite: factor,
    },
];

/// Whether a number has full precision when it is rounded to single precision.
pub(super) fn is_normal(value: f64) -> bool {
    (f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX)).contains(&value.abs())
}

fn is_power_of_two(value: f64) -> bool {
    // No bit of the fraction is set.
    value.is_normal() && value.to_bits() & ((1 << 52) - 1) == 0
}

fn div_constant(s: &Scope<'_>, n: &Node, exactly: bool) -> Option<Term> {
    let c = s.uniform(n.inputs[1]).filter(|_| n.ty.dtype == DType::F32)?;
    let allowed = is_normal(c) && is_normal(1.0 / c) && is_power_of_two(c) == exactly;
    // A constant quotient is folded, not turned into a product.
    let allowed = allowed && s.uniform(n.inputs[0]).is_none();
    allowed.then(|| Term::mul(n.inputs[0], Term::full(1.0 / c, s.ty(n.inputs[1]))))
}

/// Processors divide some ten times more slowly than they multiply.
fn div_root(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let [x, divisor] = [n.inputs[0], n.inputs[1]];
    let root = match &s.node(divisor).op {
        Op::Reshape { .. } => s.node(s.node(divisor).inputs[0]),
        _ => s.node(divisor),
    };
    let one = Dim::from(1usize);
    let last = |id: NodeId| s.ty(id).shape.last().unwrap_or(&one);
    let fewer = s.ty(x) == &n.ty && last(divisor) == &one && last(x) != &one;
    (root.op == Op::Sqrt {} && fewer).then(|| Term::mul(x, inverse(divisor.into())))
}

/// `x` and `c` of a product with a constant.
fn scaled(s: &Scope<'_>, n: &Node, dtype: DType) -> Option<(NodeId, f64)> {
    let product = n.op == Op::Mul {} && n.ty.dtype == dtype;
    s.with_constant(n).filter(|_| product)
}

/// `x` that gets the constant: what is scaled, and has no other use.
fn inner<'a>(s: &Scope<'a>, n: &Node) -> Option<(&'a Node, f64)> {
    let (x, c) = scaled(s, n, DType::F32)?;
    s.is_single(x).then(|| (s.node(x), c))
}

fn scale_twice(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let (x, b) = inner(s, n)?;
    if let (Op::Div {}, [over, under]) = (&x.op, x.inputs.as_slice()) {
        let ab = s.uniform(*over)? * b;
        return is_normal(ab).then(|| Term::binary(Op::Div {}, Term::number(ab, DType::F32), *under));
    }
    let (x, a) = scaled(s, x, DType::F32)?;
    is_normal(a * b).then(|| Term::mul(x, Term::number(a * b, DType::F32)))
}

fn scale_twice_integers(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let (id, b) = scaled(s, n, DType::I32)?;
    let (x, a) = scaled(s, s.node(id), DType::I32).filter(|_| s.is_single(id))?;
    let ab = (a as i32).wrapping_mul(b as i32);
    Some(Term::mul(x, Term::number(f64::from(ab), DType::I32)))
}

fn add_twice(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let (id, b) = s.with_constant(n)?;
    let inner = Some(s.node(id)).filter(|x| x.op == Op::Add {} && s.is_single(id))?;
    let (x, a) = s.with_constant(inner)?;
    let sum = match n.ty.dtype {
        DType::I32 => f64::from((a as i32).wrapping_add(b as i32)),
        _ => Some(a + b).filter(|sum| *sum == 0.0 || is_normal(*sum))?,
    };
    Some(Term::binary(Op::Add {}, x, Term::number(sum, n.ty.dtype)))
}

/// Whether a factor of a value meets a constant on its way back through products and quotients. `depth` bounds the way.
fn meets_constant(s: &Scope<'_>, id: NodeId, depth: usize) -> bool {
    let (node, deeper) = (s.node(id), |x: NodeId| depth > 0 && meets_constant(s, x, depth - 1));
    if !s.is_single(id) || node.ty.dtype != DType::F32 {
        return false;
    }
    match (&node.op, node.inputs.as_slice()) {
        (Op::Mul {}, _) if scaled(s, node, DType::F32).is_some() => true,
        (Op::Mul {}, [a, b]) => deeper(*a) || deeper(*b),
        (Op::Div {}, [a, _]) => s.uniform(*a).is_some() || deeper(*a),
        (Op::Reshape { .. }, [x]) => deeper(*x),
        _ => false,
    }
}

fn scale_smaller(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let (x, c) = inner(s, n)?;
    let scaled = |id: NodeId| Term::mul(id, Term::number(c, DType::F32));
    let meets = |id: NodeId| s.uniform(id).is_none() && meets_constant(s, id, 4);
    let smaller = |id: NodeId| s.uniform(id).is_none() && s.ty(id) != &x.ty;
    match (&x.op, x.inputs.as_slice()) {
        (Op::Mul {}, [a, b]) if s.uniform(*a).is_some() || s.uniform(*b).is_some() => None,
        (Op::Mul {}, [a, b]) if meets(*b) || smaller(*b) && !meets(*a) => Some(Term::mul(*a, scaled(*b))),
        (Op::Mul {} | Op::Div {}, [a, b]) if meets(*a) || smaller(*a) => {
            Some(Term::Of(x.op.clone(), vec![scaled(*a), (*b).into()]))
        }
        (Op::Reshape { shape }, [a]) if meets(*a) => Some(Term::reshape(scaled(*a), shape)),
        _ => None,
    }
}

fn add_same(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let [a, b] = [n.inputs[0], n.inputs[1]];
    let y_of = |sum: NodeId, y: NodeId| {
        let [p, q] = s.operands_of(sum, &Op::Add {}).filter(|_| s.is_single(sum))?;
        let x = if q == y { p } else { Some(q).filter(|_| p == y)? };
        Some((x, y))
    };
    let (x, y) = y_of(a, b).or_else(|| y_of(b, a))?;
    let [p, q] = s.operands_of(y, &Op::Mul {}).filter(|_| n.ty.dtype == DType::F32 && s.ty(y) == &n.ty)?;
    let twice = |id: NodeId| Term::mul(id, Term::number(2.0, DType::F32));
    let smaller = |id: NodeId| s.ty(id) != &n.ty;
    let doubled = match (smaller(p), smaller(q)) {
        (_, true) => Term::mul(p, twice(q)),
        (true, false) => Term::mul(twice(p), q),
        (false, false) => return None,
    };
    Some(Term::binary(Op::Add {}, x, doubled))
}

fn factor(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let [left, right] = [n.inputs[0], n.inputs[1]];
    let ([p, q], [r, t]) = (s.operands_of(left, &Op::Mul {})?, s.operands_of(right, &Op::Mul {})?);
    let whole = s.ty(left) == &n.ty && s.ty(right) == &n.ty && n.ty.dtype == DType::F32;
    let single = s.is_single(left) && s.is_single(right) && left != right;
    let pairs = [(p, q, r, t), (p, q, t, r), (q, p, r, t), (q, p, t, r)];
    let (a, _, b, x) = *pairs.iter().find(|(_, x, _, y)| x == y).filter(|_| whole && single)?;
    Some(Term::mul(Term::binary(n.op.clone(), a, b), x))
}
