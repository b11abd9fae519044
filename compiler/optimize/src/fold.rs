//! Constant folding: what is computed from constants is a constant.
//!
//! ```text
//! %1 = full(1), %2 = full(0.5)
//! %3 = sub(%1, %2)                ->    %1 = full(0.5) : f32[B, 4]
//! %4 = broadcast(%3) : f32[B, 4]
//! ```
//!
//! Legal because single elements are computed by the functions that the interpreter uses, [`vspec_ir::scalar`]. An `f32` is computed in
//! double precision and rounded: in a run in single precision after each op, in one in double precision never. A folded number is one
//! number for both, so that folding is exact only if the rounded operands give what the rounded result is; where they do not, one
//! rounding is left out, which counts as reassociating. Declines for results that are NaN, which are not equal to themselves and so
//! would hide that two constants are the same, for constants of more than [`MAX_ELEMENTS`] elements, and for sizes that do not fit.

use vspec_ir::scalar::Scalar;
use vspec_ir::{DType, Graph, Literal, Node, NodeId, Op, Type};

use crate::pass::Numerics::{Exact, Reassociating};
use crate::pass::{Context, Error, Pass};
use crate::rewrite::{Rule, Scope, Term, rewrite};

/// The pass.
pub static PASS: Pass = Pass { name: "fold", summary: "computes what follows from constants", run };

/// The most elements of a constant that is folded: a graph should not get large by computing less.
pub const MAX_ELEMENTS: usize = 64;

/// Its rules.
pub static RULES: &[Rule] = &[
    Rule {
        name: "fold",
        algebra: "f(1, 2) = 3",
        when: "f elementwise; floats: the result is the same in single precision",
        on: crate::simplify::ELEMENTWISE,
        numerics: Exact,
        rewrite: |s, n| elementwise(s, n, true),
    },
    Rule {
        name: "fold-rounded",
        algebra: "f(1, 2) = 3",
        when: "f elementwise; floats: what is folded is rounded once, not after each op",
        on: crate::simplify::ELEMENTWISE,
        numerics: Reassociating,
        rewrite: |s, n| elementwise(s, n, false),
    },
    Rule {
        name: "fold-size",
        algebra: "size 7 = 7",
        when: "the size depends on no named one and fits the element type",
        on: &["size"],
        numerics: Exact,
        rewrite: size,
    },
    Rule {
        name: "fold-constant",
        algebra: "constant {2, 2} = full 2",
        when: "all elements are equal",
        on: &["constant"],
        numerics: Exact,
        rewrite: constant,
    },
    Rule {
        name: "fold-view",
        algebra: "reshape {1, 2} = {1, 2}",
        when: "reshape, permute, broadcast or slice of a small constant",
        on: &["reshape", "permute", "broadcast", "slice"],
        numerics: Exact,
        rewrite: view,
    },
];

fn run(graph: &Graph, cx: &mut Context) -> Result<Graph, Error> {
    rewrite(graph, cx, &[RULES])
}

/// Constant elements in row-major order, or one number for all.
enum Known {
    Same(f64),
    Each(Vec<f64>),
}

impl Known {
    fn at(&self, flat: usize) -> f64 {
        match self {
            Known::Same(value) => *value,
            Known::Each(values) => values.get(flat).copied().unwrap_or(f64::NAN),
        }
    }
}

fn known(s: &Scope<'_>, id: NodeId) -> Option<Known> {
    match &s.node(id).op {
        Op::Full { value, .. } => Some(Known::Same(*value)),
        Op::Constant { value } if value.values.len() <= MAX_ELEMENTS => {
            Some(Known::Each(value.values.to_vec()))
        }
        _ => None,
    }
}

/// A number as a run in single precision holds it.
fn single(value: f64) -> f64 {
    f64::from(value as f32)
}

/// One element of the result; nothing if it is NaN, or differs in single precision although it must not.
fn element(f: &Scalar, x: &[f64], [from, to]: [DType; 2], exactly: bool) -> Option<f64> {
    let value = f.apply(x, from)?;
    let rounded = |value: f64| if to == DType::F32 { single(value) } else { value };
    let narrow: Vec<f64> = match from {
        DType::F32 => x.iter().copied().map(single).collect(),
        DType::I32 | DType::Bool => x.to_vec(),
    };
    let same = rounded(f.apply(&narrow, from)?).to_bits() == rounded(value).to_bits();
    // A truth value or an integer that single precision changes is another result, not another rounding.
    (!value.is_nan() && (same || !exactly && to == DType::F32)).then_some(value)
}

fn elementwise(s: &Scope<'_>, n: &Node, exactly: bool) -> Option<Term> {
    let f = Scalar::of(&n.op)?;
    let operands: Vec<Known> = n.inputs.iter().map(|id| known(s, *id)).collect::<Option<_>>()?;
    let dtypes = [s.ty(*n.inputs.last()?).dtype, n.ty.dtype];
    let at = |places: &[usize]| {
        let x: Vec<f64> = operands.iter().zip(places).map(|(known, flat)| known.at(*flat)).collect();
        element(&f, &x, dtypes, exactly)
    };
    if operands.iter().all(|known| matches!(known, Known::Same(_))) {
        return Some(Term::full(at(&vec![0; operands.len()])?, &n.ty));
    }
    let shape = small(&n.ty)?;
    let strides: Vec<Vec<usize>> =
        n.inputs.iter().map(|id| Some(strides(&s.ty(*id).const_shape()?, &shape))).collect::<Option<_>>()?;
    let places = |at: &[usize]| strides.iter().map(|steps| ravel(at, steps)).collect::<Vec<_>>();
    literal(&n.ty, indices(&shape).map(|index| at(&places(&index))))
}

fn size(_: &Scope<'_>, n: &Node) -> Option<Term> {
    let Op::Size { value, dtype } = &n.op else { return None };
    let value = value.as_const()?;
    let fits = match dtype {
        DType::I32 => i32::try_from(value).is_ok(),
        // Both precisions hold these.
        _ => value.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS,
    };
    fits.then(|| Term::full(value as f64, &n.ty))
}

fn constant(_: &Scope<'_>, n: &Node) -> Option<Term> {
    let Op::Constant { value } = &n.op else { return None };
    let first = *value.values.first()?;
    let same = !first.is_nan() && value.values.iter().all(|v| v.to_bits() == first.to_bits());
    same.then(|| Term::full(first, &n.ty))
}

fn view(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let Op::Constant { value } = &s.node(n.inputs[0]).op else { return None };
    let (shape, own) = (small(&n.ty)?, &value.shape);
    let rows = strides(own, own);
    let place = |at: Vec<usize>| match &n.op {
        Op::Permute { axes } => axes.iter().zip(&at).map(|(axis, i)| i * rows[*axis as usize]).sum(),
        Op::Broadcast { .. } => ravel(&at, &strides(own, &shape)),
        Op::Slice { axis, start, step, .. } => {
            let first = start.as_const().unwrap_or(0) as usize;
            let moved = |(i, at): (usize, &usize)| match i == *axis as usize {
                true => (first + at * *step as usize) * rows[i],
                false => at * rows[i],
            };
            at.iter().enumerate().map(moved).sum()
        }
        _ => ravel(&at, &strides(&shape, &shape)),
    };
    let known = !matches!(&n.op, Op::Slice { start, .. } if start.as_const().is_none());
    known.then(|| literal(&n.ty, indices(&shape).map(|at| value.values.get(place(at)).copied())))?
}

/// The sizes of a type of few elements.
fn small(ty: &Type) -> Option<Vec<usize>> {
    let shape = ty.const_shape()?;
    let elements = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))?;
    (elements <= MAX_ELEMENTS).then_some(shape)
}

fn literal(ty: &Type, values: impl Iterator<Item = Option<f64>>) -> Option<Term> {
    let values = values.collect::<Option<Vec<f64>>>()?;
    let value = Literal { dtype: ty.dtype, shape: ty.const_shape()?, values: values.into() };
    Some(Term::Of(Op::Constant { value }, vec![]))
}

/// Every index of a shape, in row-major order.
fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let steps = strides(shape, shape);
    let count = shape.iter().product();
    (0..count)
        .map(move |flat: usize| steps.iter().zip(shape).map(|(step, d)| flat / (*step).max(1) % d).collect())
}

/// Distance between neighbours along each axis of a shape that an operand is stretched to: 0 where it repeats.
fn strides(own: &[usize], shape: &[usize]) -> Vec<usize> {
    let mut steps = vec![0; shape.len()];
    let mut step = 1;
    for (i, d) in own.iter().enumerate().rev() {
        let stretches = *d == 1 && shape[shape.len() - own.len() + i] != 1;
        steps[shape.len() - own.len() + i] = if stretches { 0 } else { step };
        step *= d;
    }
    steps
}

fn ravel(at: &[usize], steps: &[usize]) -> usize {
    at.iter().zip(steps).map(|(i, step)| i * step).sum()
}
