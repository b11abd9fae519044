//! Random attributes that suit an operand.

use crate::ops::{Attr, OpDecl};
use crate::{DType, Dim, Facts, Literal, Op, Type};

/// Numbers of a recipe, used up one by one.
pub(super) struct Draws<'a>(std::slice::Iter<'a, u32>);

impl<'a> Draws<'a> {
    pub(super) fn new(numbers: &'a [u32]) -> Self {
        Draws(numbers.iter())
    }

    /// A number below `n`; 0 when the recipe is used up.
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0.next().map_or(0, |v| *v as usize % n.max(1))
    }
}

/// A shape of a few small axes.
pub(super) fn shape(draws: &mut Draws<'_>, symbolic: bool) -> Vec<Dim> {
    // Images are what most ops are about, so that they are half of all shapes.
    let rank = [4, 2, 4, 0, 4, 3, 1][draws.below(7)];
    (0..rank).map(|axis| size(axis, draws, symbolic)).collect()
}

fn size(axis: usize, draws: &mut Draws<'_>, symbolic: bool) -> Dim {
    let constant = Dim::from([2i64, 4, 3, 1, 5][draws.below(5)]);
    match axis {
        0 if symbolic => Dim::symbol("B"),
        2 if symbolic => Dim::symbol("H"),
        _ => constant,
    }
}

pub(super) fn conv(spatial: usize, groups: i64, draws: &mut Draws<'_>) -> Op {
    Op::Conv {
        stride: (0..spatial).map(|_| 1 + draws.below(2) as i64).collect(),
        padding: (0..spatial).map(|_| [draws.below(3) as i64, draws.below(2) as i64]).collect(),
        dilation: (0..spatial).map(|_| 1 + draws.below(2) as i64).collect(),
        groups,
    }
}

/// An op with random attributes for a first operand of a type; nothing if the op has no use for such an operand.
pub(super) fn op(decl: &OpDecl, operand: Option<&Type>, draws: &mut Draws<'_>, symbolic: bool) -> Option<Op> {
    let scalar = Type::scalar(DType::F32);
    let x = operand.unwrap_or(&scalar);
    let one_axis = draws.below(x.rank().max(1));
    let new = shape(draws, symbolic);
    let mut attrs: Vec<(String, Attr)> = vec![];
    for attr in decl.attrs {
        let value = match (decl.name, attr.name) {
            ("constant", _) => Attr::Literal(literal(draws)),
            ("size", "value") => Attr::Dim(size(0, draws, symbolic)),
            ("size", _) => Attr::DType([DType::F32, DType::I32][draws.below(2)]),
            ("reshape", _) => Attr::Dims(reshaped(x, one_axis, draws)?),
            ("broadcast", _) => Attr::Dims(broadcast(x, draws)),
            ("permute", _) => Attr::Ints(rotation(x.rank(), one_axis)),
            ("slice", "start") => Attr::Dim(Dim::from(start(x.shape.get(one_axis)?, draws))),
            ("slice", "end") => Attr::Dim(x.shape.get(one_axis)?.clone()),
            ("topk", "k") => Attr::Dim(Dim::from(few(x.shape.get(one_axis)?, draws))),
            ("iota", "axis") => Attr::Int(draws.below(new.len().max(1)) as i64),
            ("iota" | "uniform" | "normal" | "full", "shape") => Attr::Dims(new.clone()),
            (_, "value") => Attr::Float([0.0, 1.0, 2.0, -3.0][draws.below(4)]),
            (_, "dtype") => Attr::DType([DType::F32, DType::I32, DType::Bool][draws.below(3)]),
            (_, "stream") => Attr::Str(format!("noise{}", draws.below(100)).into()),
            (_, "axes") => Attr::Ints(some_axes(x.rank(), draws)),
            (_, "axis") => Attr::Int(one_axis as i64),
            (_, "keepdims" | "count_padding" | "reverse" | "descending") => Attr::Bool(draws.below(2) == 1),
            (_, "low" | "high") => Attr::Int(draws.below(3) as i64),
            (_, "step") => Attr::Int(1 + draws.below(3) as i64),
            (_, "padding") => {
                let pair = |_| [draws.below(2) as i64, draws.below(2) as i64];
                Attr::Pairs((2..spatial(x)?).map(pair).collect())
            }
            (_, "kernel") => Attr::Ints((2..spatial(x)?).map(|_| 2 + draws.below(2) as i64).collect()),
            (_, "stride" | "dilation") => {
                Attr::Ints((2..spatial(x)?).map(|_| 1 + draws.below(2) as i64).collect())
            }
            _ => return None,
        };
        attrs.push((attr.name.to_string(), value));
    }
    Op::from_attrs(decl.name, attrs).ok()
}

/// The rank of an operand that has spatial axes behind its first two.
fn spatial(x: &Type) -> Option<usize> {
    Some(x.rank()).filter(|rank| *rank >= 2)
}

/// Where a slice begins: at 0 unless the size is a number.
fn start(size: &Dim, draws: &mut Draws<'_>) -> i64 {
    let size = size.as_const().unwrap_or(1).max(1);
    draws.below(size as usize) as i64
}

/// How many of an axis: at most 1 unless the size is a number.
fn few(size: &Dim, draws: &mut Draws<'_>) -> i64 {
    draws.below(size.as_const().unwrap_or(1).max(0) as usize + 1) as i64
}

fn literal(draws: &mut Draws<'_>) -> Literal {
    let shape = vec![1 + draws.below(3), 1 + draws.below(3)];
    let dtype = [DType::F32, DType::I32, DType::Bool][draws.below(3)];
    let values = (0..shape[0] * shape[1]).map(|i| match dtype {
        DType::F32 => i as f64 * 0.375 - 1.0,
        DType::I32 => i as f64 - 2.0,
        DType::Bool => (i % 2) as f64,
    });
    Literal { dtype, shape, values: values.collect() }
}

/// Joins an axis with the next, splits it in two, or adds a new one.
fn reshaped(x: &Type, axis: usize, draws: &mut Draws<'_>) -> Option<Vec<Dim>> {
    let mut shape = x.shape.clone();
    match draws.below(3) {
        0 if axis + 1 < shape.len() => {
            let next = shape.remove(axis + 1);
            shape[axis] = shape[axis].checked_mul(&next).ok()?;
        }
        1 if axis < shape.len() => {
            let two = Dim::from(2i64);
            shape[axis] = shape[axis].exact_div(&two, &Facts::default()).ok()?;
            shape.insert(axis + 1, two);
        }
        _ => shape.insert(axis.min(shape.len()), Dim::from(1i64)),
    }
    Some(shape)
}

/// Stretches axes of size 1 and adds one in front.
fn broadcast(x: &Type, draws: &mut Draws<'_>) -> Vec<Dim> {
    let stretched =
        x.shape.iter().map(|d| if d.is_one() { Dim::from(1 + draws.below(3)) } else { d.clone() });
    let mut shape: Vec<Dim> = stretched.collect();
    if draws.below(2) == 0 && shape.len() < 5 {
        shape.insert(0, Dim::from(2i64));
    }
    shape
}

fn rotation(rank: usize, by: usize) -> Vec<i64> {
    (0..rank).map(|i| ((i + by) % rank) as i64).collect()
}

fn some_axes(rank: usize, draws: &mut Draws<'_>) -> Vec<i64> {
    (0..rank as i64).filter(|_| draws.below(2) == 1).collect()
}
