//! Every differentiable op out of dfdx's own differentiable operations.
//!
//! What an element is read from is a list of places, computed on the host as indices are everywhere; dfdx's gather reads them, and its
//! gradient is dfdx's. On top of that come dfdx's matrix product, its sums and extremes of rows, and its arithmetic. A wrong gradient
//! in one of this crate's kernels is seen by comparing both; [`NOT_COMPOSED`] is what dfdx has nothing for.

mod elementwise;
mod fold;
mod read;
mod scan;
mod view;
mod window;

use vspec_engine::EngineError;
use vspec_ir::Op;

use crate::backend::Backend;
use crate::element::Element;
use crate::elementwise::own;
use crate::operands::{
    Operands, bounds, fold as folded, gathered, indexed, mask, pooled, transposed, two, unary,
};
use crate::ops;
use crate::record::{Float, Recorder};
use crate::view::{permuted_places, sliced_places};

use elementwise::{binary, maximum, minimum, pow, relu, select};
use fold::{Extreme, extreme, mean, sum};
use read::read_all;
use scan::scan;
use view::{broadcast, concat, pad, scatter, scatter_add};
use window::{avg_pool, conv, conv_input, conv_weight, max_pool};

/// Ops with a gradient that the composed engine leaves to a kernel of this crate: dfdx has neither an arcus tangent nor a remainder, and
/// its error function only within an activation that cannot be divided by 0. Central differences judge them.
pub const NOT_COMPOSED: [&str; 4] = ["atan", "atan2", "erf", "rem"];

/// Computes an op whose result is a float that gradients may flow through; `None` for every other op.
pub(crate) fn differentiable<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    op: &Op,
    x: &Operands<'_, E, D>,
) -> Option<Result<Float<E, D>, EngineError>> {
    Some(match op {
        Op::Relu {} => unary(r, x, relu),
        Op::Abs {} => unary(r, x, |r, x| own(r, x, |t| t.abs())),
        Op::Log1p {} => unary(r, x, |r, x| own(r, x, |t| (t + E::of(1.0)).ln())),
        Op::Add {} => two(r, x, |r, a, b| binary(r, a, b, |t, u| t + u)),
        Op::Sub {} => two(r, x, |r, a, b| binary(r, a, b, |t, u| t - u)),
        Op::Mul {} => two(r, x, |r, a, b| binary(r, a, b, |t, u| t * u)),
        Op::Div {} => two(r, x, |r, a, b| binary(r, a, b, |t, u| t / u)),
        Op::Pow {} => two(r, x, pow),
        Op::Max {} => two(r, x, maximum),
        Op::Min {} => two(r, x, minimum),
        Op::Where {} => mask(x).and_then(|mask| Ok(select(r, mask, x.float(1)?, x.float(2)?))),
        Op::Sum { axes, keepdims } => folded(r, x, axes, *keepdims, sum),
        Op::Mean { axes, keepdims } => folded(r, x, axes, *keepdims, mean),
        Op::ReduceMax { axes, keepdims } => {
            folded(r, x, axes, *keepdims, |r, x, axes| extreme(r, x, axes, Extreme::Largest))
        }
        Op::ReduceMin { axes, keepdims } => {
            folded(r, x, axes, *keepdims, |r, x, axes| extreme(r, x, axes, Extreme::Smallest))
        }
        Op::Cumsum { axis, reverse } => {
            unary(r, x, |r, x| scan(r, x, (*axis as usize, *reverse), 0.0, |t, u| t + u))
        }
        Op::Cumprod { axis } => unary(r, x, |r, x| scan(r, x, (*axis as usize, false), 1.0, |t, u| t * u)),
        Op::Conv { stride, padding, dilation, groups } => {
            two(r, x, |r, x, w| conv(r, [x, w], (stride, padding, dilation), *groups as usize))
        }
        Op::ConvInput { stride, padding, dilation, groups, size } => {
            transposed(r, x, (stride, padding, dilation), (*groups, size), conv_input)
        }
        Op::ConvWeight { stride, padding, dilation, groups, kernel } => {
            transposed(r, x, (stride, padding, dilation), (*groups, kernel), conv_weight)
        }
        Op::MaxPool { kernel, stride, padding, dilation } => {
            pooled(r, x, kernel, (stride, padding, dilation), max_pool)
        }
        Op::AvgPool { kernel, stride, padding, count_padding } => {
            let dilation = vec![1; kernel.len()];
            pooled(r, x, kernel, (stride, padding, &dilation), |r, x, w| avg_pool(r, x, w, *count_padding))
        }
        Op::Permute { axes } => unary(r, x, |r, x| {
            let axes: Vec<usize> = axes.iter().map(|a| *a as usize).collect();
            let places = permuted_places(&x.shape, &axes);
            read_all(r, x, places)
        }),
        Op::Broadcast { shape } => {
            x.sizes.shape(shape).and_then(|shape| Ok(broadcast(r, x.float(0)?, &shape)))
        }
        Op::Slice { axis, start, end, step } => bounds(x, [start, end]).and_then(|[start, end]| {
            let x = x.float(0)?;
            let places = sliced_places(&x.shape, *axis as usize, [start, end, *step as usize]);
            Ok(read_all(r, x, places))
        }),
        Op::Concat { axis } => x.floats().map(|parts| concat(r, &parts, *axis as usize)),
        Op::Pad { axis, low, high, value } => {
            unary(r, x, |r, x| pad(r, x, *axis as usize, ([*low as usize, *high as usize], *value)))
        }
        Op::Gather { axis } => {
            gathered(x, *axis as usize).and_then(|places| Ok(read_all(r, x.float(0)?, places)))
        }
        Op::TakeAlong { axis } => indexed(x, *axis as usize, |x, places, index| {
            Ok(read_all(r, x.float(0)?, (places, index.to_vec())))
        }),
        Op::Scatter { axis } => {
            indexed(x, *axis as usize, |x, places, _| Ok(scatter(r, x.float(0)?, x.float(2)?, &places)))
        }
        Op::ScatterAdd { axis } => {
            indexed(x, *axis as usize, |x, places, _| Ok(scatter_add(r, x.float(0)?, x.float(2)?, &places)))
        }
        // dfdx's own there, too, or not composed.
        _ => return ops::differentiable(r, op, x),
    })
}

#[cfg(test)]
mod tests;
