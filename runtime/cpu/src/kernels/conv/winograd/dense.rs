//! The transforms of F(4, 3) and F(3, 4), for windows that move by 1, at the points 0, 1, -1, 2, -2 and infinity. Tiles of both have six
//! elements and become the same. Those of F(2, 3) have four, at the points 0, 1, -1 and infinity.

use super::transform::{Transform, plus, times};
use crate::kernels::simd::Simd;

/// `B'`: a row of a tile of inputs.
pub(super) struct OfTile;

impl Transform<6, 6> for OfTile {
    #[inline(always)]
    fn of<S: Simd>(simd: S, d: &[S::V; 6]) -> [S::V; 6] {
        let (even, odd) = (plus(simd, d[4], -4.0, d[2]), plus(simd, d[3], -4.0, d[1]));
        let (near, far) = (simd.sub(d[4], d[2]), simd.sub(d[3], d[1]));
        [
            plus(simd, plus(simd, d[4], -5.0, d[2]), 4.0, d[0]),
            simd.add(even, odd),
            simd.sub(even, odd),
            plus(simd, near, 2.0, far),
            plus(simd, near, -2.0, far),
            plus(simd, plus(simd, d[5], -5.0, d[3]), 4.0, d[1]),
        ]
    }
}

/// `A'`: a row of sums as a row of outputs.
pub(super) struct OfSum;

impl Transform<6, 4> for OfSum {
    #[inline(always)]
    fn of<S: Simd>(simd: S, m: &[S::V; 6]) -> [S::V; 4] {
        let (s, t) = (simd.add(m[1], m[2]), simd.add(m[3], m[4]));
        let (d, e) = (simd.sub(m[1], m[2]), simd.sub(m[3], m[4]));
        [
            simd.add(simd.add(m[0], s), t),
            plus(simd, d, 2.0, e),
            plus(simd, s, 4.0, t),
            simd.add(plus(simd, d, 8.0, e), m[5]),
        ]
    }
}

/// `A`: a row of a tile of gradients, the transpose of [`OfSum`].
pub(super) struct OfGradient;

impl Transform<4, 6> for OfGradient {
    #[inline(always)]
    fn of<S: Simd>(simd: S, y: &[S::V; 4]) -> [S::V; 6] {
        let (even, odd) = (simd.add(y[0], y[2]), simd.add(y[1], y[3]));
        let far_even = plus(simd, y[0], 4.0, y[2]);
        let far_odd = plus(simd, times(simd, 2.0, y[1]), 8.0, y[3]);
        [
            y[0],
            simd.add(even, odd),
            simd.sub(even, odd),
            simd.add(far_even, far_odd),
            simd.sub(far_even, far_odd),
            y[3],
        ]
    }
}

/// `G`: a row of a window.
pub(super) struct OfWeight;

impl Transform<3, 6> for OfWeight {
    #[inline(always)]
    fn of<S: Simd>(simd: S, g: &[S::V; 3]) -> [S::V; 6] {
        let (near, own) = (times(simd, -1.0 / 6.0, simd.add(g[0], g[2])), times(simd, -1.0 / 6.0, g[1]));
        let far = plus(simd, times(simd, 1.0 / 24.0, g[0]), 1.0 / 6.0, g[2]);
        let far_own = times(simd, 1.0 / 12.0, g[1]);
        [
            times(simd, 0.25, g[0]),
            simd.add(near, own),
            simd.sub(near, own),
            simd.add(far, far_own),
            simd.sub(far, far_own),
            g[2],
        ]
    }
}

/// `G'`: a row of sums as a row of the gradient of a window, the transpose of [`OfWeight`].
pub(super) struct OfWeightSum;

impl Transform<6, 3> for OfWeightSum {
    #[inline(always)]
    fn of<S: Simd>(simd: S, u: &[S::V; 6]) -> [S::V; 3] {
        let (s, t) = (simd.add(u[1], u[2]), simd.add(u[3], u[4]));
        let (d, e) = (simd.sub(u[1], u[2]), simd.sub(u[3], u[4]));
        [
            plus(simd, plus(simd, times(simd, 0.25, u[0]), -1.0 / 6.0, s), 1.0 / 24.0, t),
            plus(simd, times(simd, 1.0 / 12.0, e), -1.0 / 6.0, d),
            plus(simd, plus(simd, u[5], 1.0 / 6.0, t), -1.0 / 6.0, s),
        ]
    }
}

/// `A'` of F(3, 4).
pub(super) struct OfSum4;

impl Transform<6, 3> for OfSum4 {
    #[inline(always)]
    fn of<S: Simd>(simd: S, m: &[S::V; 6]) -> [S::V; 3] {
        let (s, t) = (simd.add(m[1], m[2]), simd.add(m[3], m[4]));
        let (d, e) = (simd.sub(m[1], m[2]), simd.sub(m[3], m[4]));
        [simd.add(simd.add(m[0], s), t), plus(simd, d, 2.0, e), simd.add(plus(simd, s, 4.0, t), m[5])]
    }
}

/// `A` of F(3, 4), the transpose of [`OfSum4`].
pub(super) struct OfGradient4;

impl Transform<3, 6> for OfGradient4 {
    #[inline(always)]
    fn of<S: Simd>(simd: S, y: &[S::V; 3]) -> [S::V; 6] {
        let (even, far) = (simd.add(y[0], y[2]), plus(simd, y[0], 4.0, y[2]));
        [
            y[0],
            simd.add(even, y[1]),
            simd.sub(even, y[1]),
            plus(simd, far, 2.0, y[1]),
            plus(simd, far, -2.0, y[1]),
            y[2],
        ]
    }
}

/// `G` of F(3, 4).
pub(super) struct OfWeight4;

impl Transform<4, 6> for OfWeight4 {
    #[inline(always)]
    fn of<S: Simd>(simd: S, g: &[S::V; 4]) -> [S::V; 6] {
        let near = times(simd, -1.0 / 6.0, simd.add(g[0], g[2]));
        let near_odd = times(simd, -1.0 / 6.0, simd.add(g[1], g[3]));
        let far = plus(simd, times(simd, 1.0 / 24.0, g[0]), 1.0 / 6.0, g[2]);
        let far_odd = plus(simd, times(simd, 1.0 / 12.0, g[1]), 1.0 / 3.0, g[3]);
        [
            times(simd, 0.25, g[0]),
            simd.add(near, near_odd),
            simd.sub(near, near_odd),
            simd.add(far, far_odd),
            simd.sub(far, far_odd),
            g[3],
        ]
    }
}

/// `G'` of F(3, 4), the transpose of [`OfWeight4`].
pub(super) struct OfWeightSum4;

impl Transform<6, 4> for OfWeightSum4 {
    #[inline(always)]
    fn of<S: Simd>(simd: S, u: &[S::V; 6]) -> [S::V; 4] {
        let (s, t) = (simd.add(u[1], u[2]), simd.add(u[3], u[4]));
        let (d, e) = (simd.sub(u[1], u[2]), simd.sub(u[3], u[4]));
        let near = times(simd, -1.0 / 6.0, d);
        [
            plus(simd, plus(simd, times(simd, 0.25, u[0]), -1.0 / 6.0, s), 1.0 / 24.0, t),
            plus(simd, near, 1.0 / 12.0, e),
            plus(simd, times(simd, -1.0 / 6.0, s), 1.0 / 6.0, t),
            plus(simd, simd.add(near, u[5]), 1.0 / 3.0, e),
        ]
    }
}

/// `B'` of F(2, 3).
pub(super) struct OfSmallTile;

impl Transform<4, 4> for OfSmallTile {
    #[inline(always)]
    fn of<S: Simd>(simd: S, d: &[S::V; 4]) -> [S::V; 4] {
        [simd.sub(d[0], d[2]), simd.add(d[1], d[2]), simd.sub(d[2], d[1]), simd.sub(d[1], d[3])]
    }
}

/// `A'` of F(2, 3).
pub(super) struct OfSmallSum;

impl Transform<4, 2> for OfSmallSum {
    #[inline(always)]
    fn of<S: Simd>(simd: S, m: &[S::V; 4]) -> [S::V; 2] {
        [simd.add(simd.add(m[0], m[1]), m[2]), simd.sub(simd.sub(m[1], m[2]), m[3])]
    }
}

/// `G` of F(2, 3).
pub(super) struct OfSmallWeight;

impl Transform<3, 4> for OfSmallWeight {
    #[inline(always)]
    fn of<S: Simd>(simd: S, g: &[S::V; 3]) -> [S::V; 4] {
        let (ends, own) = (times(simd, 0.5, simd.add(g[0], g[2])), times(simd, 0.5, g[1]));
        [g[0], simd.add(ends, own), simd.sub(ends, own), g[2]]
    }
}
