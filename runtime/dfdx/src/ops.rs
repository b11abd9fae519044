//! One call for each op on floats.

use vspec_engine::EngineError;
use vspec_ir::{DType, Op, scalar};

use crate::backend::Backend;
use crate::contract::{conv, conv_input, conv_weight, matmul};
use crate::element::{Element, above, below};
use crate::elementwise::{arithmetic, custom, custom_binary, own, relu, select};
use crate::fold::{extreme, sum};
use crate::operands::{Operands, bounds, fold, gathered, indexed, mask, pooled, transposed, two, unary};
use crate::pool::{avg_pool, max_pool};
use crate::record::{Float, Recorder, float};
use crate::rows::Arithmetic;
use crate::scan::{cumprod, cumsum};
use crate::scatter::{scatter, scatter_add};
use crate::view::{broadcast, concat, pad, permute, slice, take};

type Result<T> = std::result::Result<T, EngineError>;

/// Computes an op whose result is a float that gradients may flow through; `None` for every other op.
pub(crate) fn differentiable<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    op: &Op,
    x: &Operands<'_, E, D>,
) -> Option<Result<Float<E, D>>> {
    Some(match op {
        Op::Neg {} => unary(r, x, |r, x| own(r, x, |t| -t)),
        Op::Exp {} => unary(r, x, |r, x| own(r, x, |t| t.exp())),
        Op::Log {} => unary(r, x, |r, x| own(r, x, |t| t.ln())),
        Op::Sqrt {} => unary(r, x, |r, x| own(r, x, |t| t.sqrt())),
        Op::Sin {} => unary(r, x, |r, x| own(r, x, |t| t.sin())),
        Op::Cos {} => unary(r, x, |r, x| own(r, x, |t| t.cos())),
        Op::Atan {} => unary(r, x, |r, x| custom(r, x, libm::atan, |x, _| 1.0 / (1.0 + x * x))),
        Op::Tanh {} => unary(r, x, |r, x| own(r, x, |t| t.tanh())),
        Op::Sigmoid {} => unary(r, x, |r, x| own(r, x, |t| t.sigmoid())),
        Op::Relu {} => unary(r, x, relu),
        Op::Abs {} => unary(r, x, |r, x| custom(r, x, f64::abs, |x, _| sign(x))),
        Op::Log1p {} => unary(r, x, |r, x| custom(r, x, f64::ln_1p, |x, _| 1.0 / (1.0 + x))),
        Op::Erf {} => unary(r, x, |r, x| custom(r, x, libm::erf, erf_derivative)),
        Op::Add {} => two(r, x, |r, a, b| arithmetic(r, Arithmetic::Add, a, b, |t, u| t + u)),
        Op::Sub {} => two(r, x, |r, a, b| arithmetic(r, Arithmetic::Sub, a, b, |t, u| t - u)),
        Op::Mul {} => two(r, x, |r, a, b| arithmetic(r, Arithmetic::Mul, a, b, |t, u| t * u)),
        Op::Div {} => two(r, x, |r, a, b| arithmetic(r, Arithmetic::Div, a, b, |t, u| t / u)),
        Op::Rem {} => two(r, x, |r, a, b| custom_binary(r, a, b, remainder, remainder_derivatives)),
        Op::Pow {} => two(r, x, |r, a, b| custom_binary(r, a, b, E::powf, pow_derivatives)),
        Op::Atan2 {} => two(r, x, |r, a, b| custom_binary(r, a, b, E::atan2, atan2_derivatives)),
        Op::Max {} => two(r, x, |r, a, b| {
            custom_binary(r, a, b, |p, q| if above(q, p) { q } else { p }, |p, q| swap(share(p, q)))
        }),
        Op::Min {} => {
            two(r, x, |r, a, b| custom_binary(r, a, b, |p, q| if below(q, p) { q } else { p }, share))
        }
        Op::Where {} => mask(x).and_then(|mask| Ok(select(r, mask, x.float(1)?, x.float(2)?))),
        Op::Sum { axes, keepdims } => fold(r, x, axes, *keepdims, |r, x, axes| sum(r, x, axes, false)),
        Op::Mean { axes, keepdims } => fold(r, x, axes, *keepdims, |r, x, axes| sum(r, x, axes, true)),
        Op::ReduceMax { axes, keepdims } => {
            fold(r, x, axes, *keepdims, |r, x, axes| extreme(r, x, axes, above))
        }
        Op::ReduceMin { axes, keepdims } => {
            fold(r, x, axes, *keepdims, |r, x, axes| extreme(r, x, axes, below))
        }
        Op::Cumsum { axis, reverse } => unary(r, x, |r, x| cumsum(r, x, *axis as usize, *reverse)),
        Op::Cumprod { axis } => unary(r, x, |r, x| cumprod(r, x, *axis as usize)),
        Op::Matmul {} => two(r, x, matmul),
        Op::Conv { stride, padding, dilation, groups } => {
            two(r, x, |r, x, w| conv(r, x, w, (stride, padding, dilation), *groups as usize))
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
        Op::Reshape { shape } => x.sizes.shape(shape).and_then(|shape| Ok(x.float(0)?.with_shape(shape))),
        Op::Permute { axes } => unary(r, x, |r, x| permute(r, x, axes)),
        Op::Broadcast { shape } => {
            x.sizes.shape(shape).and_then(|shape| Ok(broadcast(r, x.float(0)?, &shape)))
        }
        Op::Slice { axis, start, end, step } => bounds(x, [start, end])
            .and_then(|[start, end]| Ok(slice(r, x.float(0)?, *axis as usize, [start, end, *step as usize]))),
        Op::Concat { axis } => x.floats().map(|parts| concat(r, &parts, *axis as usize)),
        Op::Pad { axis, low, high, value } => {
            unary(r, x, |r, x| pad(r, x, *axis as usize, ([*low as usize, *high as usize], *value)))
        }
        Op::Gather { axis } => {
            gathered(x, *axis as usize).and_then(|(places, shape)| Ok(take(r, x.float(0)?, places, shape)))
        }
        Op::TakeAlong { axis } => {
            indexed(x, *axis as usize, |x, places, index| Ok(take(r, x.float(0)?, places, index.to_vec())))
        }
        Op::Scatter { axis } => {
            indexed(x, *axis as usize, |x, places, _| Ok(scatter(r, x.float(0)?, x.float(2)?, places)))
        }
        Op::ScatterAdd { axis } => {
            indexed(x, *axis as usize, |x, places, _| Ok(scatter_add(r, x.float(0)?, x.float(2)?, places)))
        }
        Op::Cast { dtype: DType::F32 } => return x.float(0).ok().map(|x| Ok(x.clone())),
        Op::StopGradient {} => x.float(0).map(|x| float(&r.device(), x.to_vec(), x.shape.clone())),
        _ => return None,
    })
}

fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }
}

fn erf_derivative(x: f64, _: f64) -> f64 {
    std::f64::consts::FRAC_2_SQRT_PI * libm::exp(-x * x)
}

fn remainder<E: Element>(a: E, b: E) -> E {
    E::of(scalar::rem(a.wide(), b.wide()))
}

/// By the divisor: minus the whole number of times that it was taken, read off the remainder as our own differentiation does.
fn remainder_derivatives<E: Element>(a: E, b: E) -> (E, E) {
    let (a, b) = (a.wide(), b.wide());
    let times = ((a - scalar::rem(a, b)) / b).round();
    (E::of(1.0), E::of(-times))
}

/// The exponent gets no gradient where the base is not positive.
fn pow_derivatives<E: Element>(a: E, b: E) -> (E, E) {
    let zero = E::default();
    let by_base = if b == zero { zero } else { b * a.powf(b - E::of(1.0)) };
    (by_base, if a > zero { a.powf(b) * a.ln() } else { zero })
}

fn atan2_derivatives<E: Element>(a: E, b: E) -> (E, E) {
    let squared = a * a + b * b;
    (b / squared, -a / squared)
}

fn swap<E>((a, b): (E, E)) -> (E, E) {
    (b, a)
}

/// The whole gradient to the smaller of two, half to each of equal ones.
fn share<E: Element>(p: E, q: E) -> (E, E) {
    let (zero, half, one) = (E::default(), E::of(0.5), E::of(1.0));
    if p < q {
        (one, zero)
    } else if q < p {
        (zero, one)
    } else {
        (half, half)
    }
}
