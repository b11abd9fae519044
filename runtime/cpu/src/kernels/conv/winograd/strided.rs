//! The transforms of windows of three that move by 2.
//!
//! Under the first and the third tap a tile has every other element, under the second one those between: a window of two and a window of
//! one, both of which move by 1. The former goes through F(4, 2), at the points 0, 1, -1, 2 and infinity, the latter stays as it is: 9
//! products make 4 results, instead of 12 (Yepez and Ko 2020, "Stride 2 1-D, 2-D, and 3-D Winograd for convolutional neural networks").
//! Transformed windows have a place for each point and one for the second tap, which four places of a tile share.

use super::transform::{Transform, plus, times};
use crate::kernels::simd::Simd;

/// Places of a pair's tile, and results of a tile.
const PAIR: usize = 5;
const RESULTS: usize = 4;

/// `B'`: what lies under the first and the third tap.
#[inline(always)]
fn pair<S: Simd>(simd: S, d: [S::V; PAIR]) -> [S::V; PAIR] {
    let near = simd.sub(d[3], d[1]);
    let far = simd.sub(d[3], d[2]);
    [
        plus(simd, plus(simd, near, -2.0, d[2]), 2.0, d[0]),
        plus(simd, far, -2.0, d[1]),
        plus(simd, plus(simd, d[3], -3.0, d[2]), 2.0, d[1]),
        near,
        plus(simd, simd.sub(d[4], d[2]), -2.0, near),
    ]
}

/// `A'`: the results of a pair's sums.
#[inline(always)]
fn pair_sum<S: Simd>(simd: S, m: &[S::V]) -> [S::V; RESULTS] {
    let (sum, difference) = (simd.add(m[1], m[2]), simd.sub(m[1], m[2]));
    [
        simd.add(simd.add(m[0], sum), m[3]),
        plus(simd, difference, 2.0, m[3]),
        plus(simd, sum, 4.0, m[3]),
        plus(simd, simd.add(difference, m[4]), 8.0, m[3]),
    ]
}

/// A row of a tile of inputs.
pub(super) struct OfTile;

impl Transform<9, 9> for OfTile {
    #[inline(always)]
    fn of<S: Simd>(simd: S, d: &[S::V; 9]) -> [S::V; 9] {
        let [a, b, c, e, f] = pair(simd, [d[0], d[2], d[4], d[6], d[8]]);
        [a, b, c, e, f, d[1], d[3], d[5], d[7]]
    }
}

/// A row of sums as a row of results.
pub(super) struct OfSum;

impl Transform<9, 4> for OfSum {
    #[inline(always)]
    fn of<S: Simd>(simd: S, m: &[S::V; 9]) -> [S::V; 4] {
        let mut sums = pair_sum(simd, &m[..PAIR]);
        for (sum, single) in sums.iter_mut().zip(&m[PAIR..]) {
            *sum = simd.add(*sum, *single);
        }
        sums
    }
}

/// A row of a tile of gradients, the transpose of [`OfSum`].
pub(super) struct OfGradient;

impl Transform<4, 9> for OfGradient {
    #[inline(always)]
    fn of<S: Simd>(simd: S, y: &[S::V; 4]) -> [S::V; 9] {
        let (even, odd) = (simd.add(y[0], y[2]), simd.add(y[1], y[3]));
        let far = plus(simd, plus(simd, y[0], 4.0, y[2]), 2.0, plus(simd, y[1], 4.0, y[3]));
        [y[0], simd.add(even, odd), simd.sub(even, odd), far, y[3], y[0], y[1], y[2], y[3]]
    }
}

/// A row of a tile of gradients that results of windows between them are made of: the transpose of a convolution in its input. The
/// element between two neighbours has the pair's window over both. `SINGLE` says that the tile begins with one that has a window over one
/// element.
pub(super) struct OfSpreadTile<const SINGLE: bool>;

impl<const SINGLE: bool> Transform<5, 9> for OfSpreadTile<SINGLE> {
    #[inline(always)]
    fn of<S: Simd>(simd: S, d: &[S::V; 5]) -> [S::V; 9] {
        let [a, b, c, e, f] = pair(simd, *d);
        let [g, h, i, j] = if SINGLE { [d[0], d[1], d[2], d[3]] } else { [d[1], d[2], d[3], d[4]] };
        [a, b, c, e, f, g, h, i, j]
    }
}

/// A row of sums as a row of results of both windows in turn.
pub(super) struct OfSpreadSum<const SINGLE: bool>;

impl<const SINGLE: bool> Transform<9, 8> for OfSpreadSum<SINGLE> {
    #[inline(always)]
    fn of<S: Simd>(simd: S, m: &[S::V; 9]) -> [S::V; 8] {
        let sums = pair_sum(simd, &m[..PAIR]);
        let mut all = [sums[0]; 8];
        for i in 0..RESULTS {
            all[2 * i + usize::from(SINGLE)] = sums[i];
            all[2 * i + usize::from(!SINGLE)] = m[PAIR + i];
        }
        all
    }
}

/// `G`: a row of a window.
pub(super) struct OfWeight;

impl Transform<3, 6> for OfWeight {
    #[inline(always)]
    fn of<S: Simd>(simd: S, g: &[S::V; 3]) -> [S::V; 6] {
        [
            times(simd, 0.5, g[0]),
            times(simd, -0.5, simd.add(g[0], g[2])),
            times(simd, 1.0 / 6.0, simd.sub(g[2], g[0])),
            plus(simd, times(simd, 1.0 / 6.0, g[0]), 1.0 / 3.0, g[2]),
            g[2],
            g[1],
        ]
    }
}

/// `G'`: a row of sums as a row of the gradient of a window, the transpose of [`OfWeight`].
pub(super) struct OfWeightSum;

impl Transform<6, 3> for OfWeightSum {
    #[inline(always)]
    fn of<S: Simd>(simd: S, u: &[S::V; 6]) -> [S::V; 3] {
        let near = times(simd, -0.5, u[1]);
        [
            plus(simd, plus(simd, near, 0.5, u[0]), 1.0 / 6.0, simd.sub(u[3], u[2])),
            u[5],
            plus(simd, plus(simd, simd.add(near, u[4]), 1.0 / 6.0, u[2]), 1.0 / 3.0, u[3]),
        ]
    }
}
