//! The operands of a node, and what each kind of op takes out of them.

use vspec_engine::{EngineError, HostTensor, Sizes};
use vspec_ir::Dim;

use crate::backend::Backend;
use crate::element::Element;
use crate::execute::Value;
use crate::fold::Axes;
use crate::im2col::Window;
use crate::record::{Float, Recorder};
use crate::scatter::named_places;
use crate::view::gathered_places;

type Result<T> = std::result::Result<T, EngineError>;

/// Operands of a node, and what binds its sizes.
pub(crate) struct Operands<'a, E: Element, D: Backend<E>> {
    pub(crate) values: Vec<&'a Value<E, D>>,
    pub(crate) sizes: &'a Sizes,
}

impl<'a, E: Element, D: Backend<E>> Operands<'a, E, D> {
    pub(crate) fn float(&self, i: usize) -> Result<&'a Float<E, D>> {
        match self.values.get(i) {
            Some(Value::Float(f)) => Ok(f),
            _ => Err(EngineError::Unsupported(format!("operand {i} is not a float"))),
        }
    }

    pub(crate) fn host(&self, i: usize) -> Result<&'a HostTensor> {
        match self.values.get(i) {
            Some(Value::Host(h)) => Ok(h),
            _ => Err(EngineError::Unsupported(format!("operand {i} is not an index or a mask"))),
        }
    }

    pub(crate) fn floats(&self) -> Result<Vec<&'a Float<E, D>>> {
        (0..self.values.len()).map(|i| self.float(i)).collect()
    }
}

/// How a window moves: strides, padding, dilation.
pub(crate) type Moves<'a> = (&'a [i64], &'a [[i64; 2]], &'a [i64]);

/// A transpose of a convolution, of a size that is bound now.
pub(crate) fn transposed<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Operands<'_, E, D>,
    moves: Moves<'_>,
    (groups, size): (i64, &[Dim]),
    f: impl FnOnce(&mut Recorder<E, D>, [&Float<E, D>; 2], Moves<'_>, usize, &[usize]) -> Float<E, D>,
) -> Result<Float<E, D>> {
    let size = x.sizes.shape(size)?;
    Ok(f(r, [x.float(0)?, x.float(1)?], moves, groups as usize, &size))
}

pub(crate) fn unary<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Operands<'_, E, D>,
    f: impl FnOnce(&mut Recorder<E, D>, &Float<E, D>) -> Float<E, D>,
) -> Result<Float<E, D>> {
    Ok(f(r, x.float(0)?))
}

pub(crate) fn two<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Operands<'_, E, D>,
    f: impl FnOnce(&mut Recorder<E, D>, &Float<E, D>, &Float<E, D>) -> Float<E, D>,
) -> Result<Float<E, D>> {
    Ok(f(r, x.float(0)?, x.float(1)?))
}

pub(crate) fn fold<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Operands<'_, E, D>,
    axes: &[i64],
    keepdims: bool,
    f: impl FnOnce(&mut Recorder<E, D>, &Float<E, D>, &Axes<'_>) -> Float<E, D>,
) -> Result<Float<E, D>> {
    Ok(f(r, x.float(0)?, &Axes { axes, keepdims }))
}

pub(crate) fn pooled<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Operands<'_, E, D>,
    kernel: &[i64],
    (stride, padding, dilation): Moves<'_>,
    f: impl FnOnce(&mut Recorder<E, D>, &Float<E, D>, &Window<'_>) -> Float<E, D>,
) -> Result<Float<E, D>> {
    let kernel: Vec<usize> = kernel.iter().map(|k| *k as usize).collect();
    Ok(f(r, x.float(0)?, &Window { kernel: &kernel, stride, padding, dilation }))
}

pub(crate) fn bounds<E: Element, D: Backend<E>>(
    x: &Operands<'_, E, D>,
    dims: [&Dim; 2],
) -> Result<[usize; 2]> {
    Ok([x.sizes.dim(dims[0])?, x.sizes.dim(dims[1])?])
}

/// The mask of a choice, operand 0, and its shape.
pub(crate) fn mask<'a, E: Element, D: Backend<E>>(
    x: &Operands<'a, E, D>,
) -> Result<(Vec<bool>, &'a [usize])> {
    let mask = x.host(0)?;
    Ok((mask.to_f64().iter().map(|v| *v != 0.0).collect(), mask.shape()))
}

/// For each element of a gather, the place in operand 0 that it reads; and the shape of the result.
pub(crate) fn gathered<E: Element, D: Backend<E>>(
    x: &Operands<'_, E, D>,
    axis: usize,
) -> Result<(Vec<usize>, Vec<usize>)> {
    let (source, index) = (x.float(0)?, x.host(1)?);
    let n = source.shape[axis];
    let along: Result<Vec<usize>> = index
        .to_f64()
        .iter()
        .map(|i| {
            let place = if *i >= 0.0 { Some(*i as usize).filter(|i| *i < n) } else { None };
            place.ok_or_else(|| EngineError::Unsupported(format!("index {i} is outside an axis of {n}")))
        })
        .collect();
    Ok(gathered_places(&source.shape, axis, (&along?, index.shape())))
}

/// The places in operand 0 that the index, operand 1, names along an axis; and the shape of the index.
pub(crate) fn indexed<E: Element, D: Backend<E>>(
    x: &Operands<'_, E, D>,
    axis: usize,
    f: impl FnOnce(&Operands<'_, E, D>, Vec<usize>, &[usize]) -> Result<Float<E, D>>,
) -> Result<Float<E, D>> {
    let (source, index) = (x.float(0)?, x.host(1)?);
    let places = named_places(&source.shape, (&index.to_f64(), index.shape()), axis)
        .map_err(|(i, n)| EngineError::Unsupported(format!("index {i} is outside an axis of {n}")))?;
    f(x, places, index.shape())
}
