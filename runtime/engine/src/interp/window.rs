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

/// Sizes of a convolution and the channels that belong together.
struct Channels {
    inputs: usize,
    outputs: usize,
    /// Input channels of a group.
    own: usize,
    /// Output channels of a group.
    shared: usize,
}

impl Channels {
    fn new(inputs: usize, outputs: usize, groups: i64) -> Self {
        let groups = groups as usize;
        Channels { inputs, outputs, own: inputs / groups, shared: outputs / groups }
    }

    /// Calls `f` with a place of the output, one of the input and one of the weight that a product of the convolution is made of,
    /// for all products; planes are `[N * C]` areas of elements.
    fn products(&self, images: usize, windows: &Windows, areas: [usize; 2], mut f: impl FnMut([usize; 3])) {
        let [area, kernel_area] = areas;
        let places = windows.taps.len();
        for flat in 0..images * self.outputs * self.own {
            let (n, o, c) = (flat / self.own / self.outputs, flat / self.own % self.outputs, flat % self.own);
            let channel = o / self.shared * self.own + c;
            for (at, taps) in windows.taps.iter().enumerate() {
                for tap in taps {
                    let y = (n * self.outputs + o) * places + at;
                    let x = (n * self.inputs + channel) * area + tap.input;
                    f([y, x, (o * self.own + c) * kernel_area + tap.kernel]);
                }
            }
        }
    }
}

/// The transpose of a convolution in its input.
pub(super) fn conv_input<T: Real>(
    [y, weight]: [&Value<T>; 2],
    shape: &[usize],
    moves: Moves<'_>,
    groups: i64,
) -> Result<T> {
    let (y, weight) = (y.float()?, weight.float()?);
    let (spatial, kernel) = (&shape[2..], &weight.shape[2..]);
    let mut sums = vec![0.0; shape.iter().product()];
    let areas = [spatial.iter().product(), kernel.iter().product()];
    let channels = Channels::new(shape[1], weight.shape[0], groups);
    channels.products(shape[0], &moves.windows(kernel, spatial), areas, |[from, to, w]| {
        sums[to] += y.data[from].to_f64() * weight.data[w].to_f64();
    });
    Ok(Value::Float(Array::from_fn(shape.to_vec(), |flat| T::from_f64(sums[flat]))))
}

/// The transpose of a convolution in its weight.
pub(super) fn conv_weight<T: Real>(
    [x, y]: [&Value<T>; 2],
    shape: &[usize],
    moves: Moves<'_>,
    groups: i64,
) -> Result<T> {
    let (x, y) = (x.float()?, y.float()?);
    let (spatial, kernel) = (&x.shape[2..], &shape[2..]);
    let mut sums = vec![0.0; shape.iter().product()];
    let areas = [spatial.iter().product(), kernel.iter().product()];
    let channels = Channels::new(x.shape[1], shape[0], groups);
    channels.products(x.shape[0], &moves.windows(kernel, spatial), areas, |[from, at, w]| {
        sums[w] += y.data[from].to_f64() * x.data[at].to_f64();
    });
    Ok(Value::Float(Array::from_fn(shape.to_vec(), |flat| T::from_f64(sums[flat]))))
}

/// The place of the first largest element of each window.
pub(super) fn max_pool_index<T: Real>(x: &Value<T>, kernel: &[i64], moves: Moves<'_>) -> Result<T> {
    let x = x.float()?;
    let windows = moves.windows(&sizes(kernel), &x.shape[2..]);
    let area: usize = x.shape[2..].iter().product();
    let mut shape = x.shape[..2].to_vec();
    shape.extend(&windows.count);
    let places = windows.taps.len();
    Ok(Value::Int(Array::from_fn(shape, |flat| {
        let plane = &x.data[flat / places * area..][..area];
        let mut best: Option<usize> = None;
        for tap in &windows.taps[flat % places] {
            if best.is_none_or(|b| above(plane[tap.input].to_f64(), plane[b].to_f64())) {
                best = Some(tap.input);
            }
        }
        best.unwrap_or(0) as i32
    })))
}

/// Whether `a` and not `b` is the maximum of both: NaN is, as in `reduce::max`.
fn above(a: f64, b: f64) -> bool {
    a > b || (a.is_nan() && !b.is_nan())
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
