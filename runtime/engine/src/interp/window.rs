//! Convolution and pooling over any number of spatial axes, summed in double precision and rounded once.

use super::array::{Array, ravel, strides, unravel};
use super::reduce;
use super::value::{Real, Value};
use crate::EngineError;

type Result<T> = std::result::Result<Value<T>, EngineError>;

/// How a window moves over the spatial axes; one entry for each of them.
#[derive(Clone, Copy)]
pub(super) struct Moves<'a> {
    pub(super) stride: &'a [i64],
    /// Before and after.
    pub(super) padding: &'a [[i64; 2]],
    /// Empty: 1 everywhere.
    pub(super) dilation: &'a [i64],
}

/// A place of a kernel that covers an element of the input, both as flat positions in their spatial axes.
struct Tap {
    kernel: usize,
    input: usize,
}

/// All windows over an input.
struct Windows {
    /// Number of windows along each spatial axis.
    count: Vec<usize>,
    /// For each window, in row-major order, the places that do not lie on padding.
    taps: Vec<Vec<Tap>>,
}

impl Moves<'_> {
    fn dilation(&self, axis: usize) -> i64 {
        self.dilation.get(axis).copied().unwrap_or(1)
    }

    fn windows(&self, kernel: &[usize], spatial: &[usize]) -> Windows {
        let count: Vec<usize> = (0..spatial.len()).map(|i| self.count(i, kernel[i], spatial[i])).collect();
        let mut window = vec![0; count.len()];
        let taps = |flat: usize| {
            unravel(flat, &count, &mut window);
            self.taps(&window, kernel, spatial)
        };
        Windows { taps: (0..count.iter().product()).map(taps).collect(), count }
    }

    fn count(&self, axis: usize, kernel: usize, size: usize) -> usize {
        let padded = size as i64 + self.padding[axis][0] + self.padding[axis][1];
        let extent = self.dilation(axis) * (kernel as i64 - 1) + 1;
        if extent > padded { 0 } else { ((padded - extent) / self.stride[axis] + 1) as usize }
    }

    fn taps(&self, window: &[usize], kernel: &[usize], spatial: &[usize]) -> Vec<Tap> {
        let steps = strides(spatial);
        let mut k = vec![0; kernel.len()];
        let tap = |flat: usize| {
            unravel(flat, kernel, &mut k);
            let at = (0..k.len()).map(|i| self.position(i, window[i], k[i]).filter(|p| *p < spatial[i]));
            let at: Vec<usize> = at.collect::<Option<_>>()?;
            Some(Tap { kernel: flat, input: ravel(&at, &steps) })
        };
        (0..kernel.iter().product()).filter_map(tap).collect()
    }

    /// Where a place of a window's kernel lies along an axis, unless on the padding before the input.
    fn position(&self, axis: usize, window: usize, k: usize) -> Option<usize> {
        let start = window as i64 * self.stride[axis] - self.padding[axis][0];
        usize::try_from(start + k as i64 * self.dilation(axis)).ok()
    }
}

/// Cross-correlation: `[N, C, ..] * [O, C / groups, ..] -> [N, O, ..]`.
pub(super) fn conv<T: Real>([x, weight]: [&Value<T>; 2], moves: Moves<'_>, groups: i64) -> Result<T> {
    let (x, weight) = (x.float()?, weight.float()?);
    let (spatial, kernel) = (&x.shape[2..], &weight.shape[2..]);
    let windows = moves.windows(kernel, spatial);
    let (area, kernel_area) = (spatial.iter().product::<usize>(), kernel.iter().product::<usize>());
    let (channels, outputs, own) = (x.shape[1], weight.shape[0], weight.shape[1]);
    let mut shape = vec![x.shape[0], outputs];
    shape.extend(&windows.count);
    let places = windows.taps.len();
    Ok(Value::Float(Array::from_fn(shape, |flat| {
        let (n, o, at) = (flat / places / outputs, flat / places % outputs, flat % places);
        let first = o / (outputs / groups as usize) * own;
        let sum = (0..own).map(|c| {
            let plane = &x.data[(n * channels + first + c) * area..][..area];
            let kernel = &weight.data[(o * own + c) * kernel_area..][..kernel_area];
            windows.taps[at].iter().map(|t| plane[t.input].to_f64() * kernel[t.kernel].to_f64()).sum::<f64>()
        });
        T::from_f64(sum.sum())
    })))
}

/// Folds the elements of each window, without padding, in row-major order.
fn pool<T: Real>(x: &Value<T>, windows: &Windows, f: impl Fn(&[f64]) -> f64) -> Result<T> {
    let x = x.float()?;
    let area: usize = x.shape[2..].iter().product();
    let mut shape = x.shape[..2].to_vec();
    shape.extend(&windows.count);
    let places = windows.taps.len();
    Ok(Value::Float(Array::from_fn(shape, |flat| {
        let plane = &x.data[flat / places * area..][..area];
        let covered: Vec<f64> = windows.taps[flat % places].iter().map(|t| plane[t.input].to_f64()).collect();
        T::from_f64(f(&covered))
    })))
}

pub(super) fn max_pool<T: Real>(x: &Value<T>, kernel: &[i64], moves: Moves<'_>) -> Result<T> {
    pool(x, &moves.windows(&sizes(kernel), &x.float()?.shape[2..]), reduce::max)
}

pub(super) fn avg_pool<T: Real>(
    x: &Value<T>,
    kernel: &[i64],
    moves: Moves<'_>,
    count_padding: bool,
) -> Result<T> {
    let kernel = sizes(kernel);
    let all = kernel.iter().product::<usize>();
    let count = |covered: &[f64]| if count_padding { all } else { covered.len().max(1) };
    let mean = |covered: &[f64]| reduce::sum(covered) / count(covered) as f64;
    pool(x, &moves.windows(&kernel, &x.float()?.shape[2..]), mean)
}

fn sizes(kernel: &[i64]) -> Vec<usize> {
    kernel.iter().map(|k| *k as usize).collect()
}
