//! Convolution and pooling over any number of spatial axes.

use super::array::{Array, ravel, strides, unravel};
use super::value::Real;

/// How a window moves over the spatial axes.
pub(super) struct Window<'a> {
    pub(super) kernel: Vec<usize>,
    pub(super) stride: &'a [i64],
    pub(super) padding: &'a [[i64; 2]],
    pub(super) dilation: &'a [i64],
}

impl Window<'_> {
    /// Number of windows along each spatial axis of an input.
    pub(super) fn count(&self, spatial: &[usize]) -> Vec<usize> {
        spatial
            .iter()
            .enumerate()
            .map(|(i, size)| {
                let padded = *size as i64 + self.padding[i][0] + self.padding[i][1];
                let extent = self.dilation[i] * (self.kernel[i] as i64 - 1) + 1;
                ((padded - extent) / self.stride[i] + 1).max(0) as usize
            })
            .collect()
    }

    /// For each place of the kernel, in row-major order: the flat position in the input's spatial axes that it covers when the
    /// window is at `at`, or nothing where it lies on padding.
    fn places(&self, at: &[usize], spatial: &[usize]) -> Vec<Option<usize>> {
        let steps = strides(spatial);
        let mut k = vec![0; self.kernel.len()];
        (0..self.kernel.iter().product())
            .map(|flat| {
                unravel(flat, &self.kernel, &mut k);
                let mut position = vec![0; k.len()];
                for i in 0..k.len() {
                    let p = (at[i] as i64) * self.stride[i] + (k[i] as i64) * self.dilation[i] - self.padding[i][0];
                    position[i] = usize::try_from(p).ok().filter(|p| *p < spatial[i])?;
                }
                Some(ravel(&position, &steps))
            })
            .collect()
    }

    /// The places of every window, in row-major order.
    fn all_places(&self, spatial: &[usize]) -> Vec<Vec<Option<usize>>> {
        let count = self.count(spatial);
        let mut at = vec![0; count.len()];
        (0..count.iter().product())
            .map(|flat| {
                unravel(flat, &count, &mut at);
                self.places(&at, spatial)
            })
            .collect()
    }
}

/// Cross-correlation: `[N, C, ..] * [O, C / groups, ..] -> [N, O, ..]`.
pub(super) fn conv<T: Real>(x: &Array<T>, weight: &Array<T>, window: &Window<'_>, groups: usize) -> Array<T> {
    let (spatial, places) = (&x.shape[2..], window.all_places(&x.shape[2..]));
    let [n, channels] = [x.shape[0], x.shape[1]];
    let [outputs, own] = [weight.shape[0], weight.shape[1]];
    let (plane, taps) = (spatial.iter().product::<usize>(), window.kernel.iter().product::<usize>());
    let mut shape = vec![n, outputs];
    shape.extend(window.count(spatial));
    Array::from_fn(shape, |flat| {
        let (at, o, b) = (flat % places.len(), flat / places.len() % outputs, flat / places.len() / outputs);
        let first = o / (outputs / groups) * own;
        let mut sum = 0.0;
        for c in 0..own {
            let input = (b * channels + first + c) * plane;
            let kernel = (o * own + c) * taps;
            for (k, place) in places[at].iter().enumerate() {
                if let Some(place) = place {
                    sum += x.data[input + place].to_f64() * weight.data[kernel + k].to_f64();
                }
            }
        }
        T::from_f64(sum)
    })
}

/// Folds the elements of each window that are not padding; the fold gets them and the number of places of the window.
pub(super) fn pool<T: Real>(x: &Array<T>, window: &Window<'_>, f: impl Fn(&[f64], usize) -> f64) -> Array<T> {
    let (spatial, places) = (&x.shape[2..], window.all_places(&x.shape[2..]));
    let plane: usize = spatial.iter().product();
    let mut shape = x.shape[..2].to_vec();
    shape.extend(window.count(spatial));
    Array::from_fn(shape, |flat| {
        let (at, map) = (flat % places.len(), flat / places.len());
        let inside: Vec<f64> = places[at].iter().flatten().map(|p| x.data[map * plane + p].to_f64()).collect();
        T::from_f64(f(&inside, places[at].len()))
    })
}
