//! The transforms of Winograd's F(4x4, 3x3): each is applied to the columns and then to the rows of a square.

use crate::element::Element;

/// A transform of rows of `I` numbers to rows of `O`.
pub(super) trait Transform<const I: usize, const O: usize> {
    fn of<T: Element>(row: [T; I]) -> [T; O];
}

/// Applies a transform to the columns and then to the rows of squares, one for each lane.
#[inline(always)]
pub(super) fn transform<F: Transform<I, O>, T: Element, const L: usize, const I: usize, const O: usize>(
    given: &[[[T; L]; I]; I],
    done: &mut [[[T; L]; O]; O],
) {
    let mut half = [[[T::default(); L]; I]; O];
    for j in 0..I {
        for lane in 0..L {
            let mut column = [T::default(); I];
            for i in 0..I {
                column[i] = given[i][j][lane];
            }
            let column = F::of(column);
            for i in 0..O {
                half[i][j][lane] = column[i];
            }
        }
    }
    for i in 0..O {
        for lane in 0..L {
            let mut row = [T::default(); I];
            for j in 0..I {
                row[j] = half[i][j][lane];
            }
            let row = F::of(row);
            for j in 0..O {
                done[i][j][lane] = row[j];
            }
        }
    }
}

/// A multiple.
#[inline(always)]
fn times<T: Element>(x: T, by: f64) -> T {
    x.mul(T::of(by))
}

/// `B'`: a row of a tile of inputs, at the points 0, 1, -1, 2, -2 and infinity.
pub(super) struct OfTile;

impl Transform<6, 6> for OfTile {
    #[inline(always)]
    fn of<T: Element>(d: [T; 6]) -> [T; 6] {
        let (even, odd) = (d[4].sub(times(d[2], 4.0)), d[3].sub(times(d[1], 4.0)));
        let (near, far) = (d[4].sub(d[2]), times(d[3].sub(d[1]), 2.0));
        [
            times(d[0], 4.0).sub(times(d[2], 5.0)).add(d[4]),
            even.add(odd),
            even.sub(odd),
            near.add(far),
            near.sub(far),
            times(d[1], 4.0).sub(times(d[3], 5.0)).add(d[5]),
        ]
    }
}

/// `A'`: a row of sums as a row of outputs.
pub(super) struct OfSum;

impl Transform<6, 4> for OfSum {
    #[inline(always)]
    fn of<T: Element>(m: [T; 6]) -> [T; 4] {
        let (s, t) = (m[1].add(m[2]), m[3].add(m[4]));
        let (d, e) = (m[1].sub(m[2]), m[3].sub(m[4]));
        [m[0].add(s).add(t), d.add(times(e, 2.0)), s.add(times(t, 4.0)), d.add(times(e, 8.0)).add(m[5])]
    }
}

/// `A`: a row of a tile of gradients, the transpose of [`OfSum`].
pub(super) struct OfGradient;

impl Transform<4, 6> for OfGradient {
    #[inline(always)]
    fn of<T: Element>(y: [T; 4]) -> [T; 6] {
        let (even, odd) = (y[0].add(y[2]), y[1].add(y[3]));
        let (far_even, far_odd) = (y[0].add(times(y[2], 4.0)), times(y[1], 2.0).add(times(y[3], 8.0)));
        [y[0], even.add(odd), even.sub(odd), far_even.add(far_odd), far_even.sub(far_odd), y[3]]
    }
}

/// `G`: a row of a window.
pub(super) struct OfWeight;

impl Transform<3, 6> for OfWeight {
    #[inline(always)]
    fn of<T: Element>(g: [T; 3]) -> [T; 6] {
        let (near, own) = (times(g[0].add(g[2]), -1.0 / 6.0), times(g[1], -1.0 / 6.0));
        let far = times(g[0], 1.0 / 24.0).add(times(g[2], 1.0 / 6.0));
        let far_own = times(g[1], 1.0 / 12.0);
        [times(g[0], 0.25), near.add(own), near.sub(own), far.add(far_own), far.sub(far_own), g[2]]
    }
}

/// `G'`: a row of sums as a row of the gradient of a window, the transpose of [`OfWeight`].
pub(super) struct OfWeightSum;

impl Transform<6, 3> for OfWeightSum {
    #[inline(always)]
    fn of<T: Element>(u: [T; 6]) -> [T; 3] {
        let (s, t) = (u[1].add(u[2]), u[3].add(u[4]));
        let (d, e) = (u[1].sub(u[2]), u[3].sub(u[4]));
        [
            times(u[0], 0.25).sub(times(s, 1.0 / 6.0)).add(times(t, 1.0 / 24.0)),
            times(e, 1.0 / 12.0).sub(times(d, 1.0 / 6.0)),
            times(t, 1.0 / 6.0).sub(times(s, 1.0 / 6.0)).add(u[5]),
        ]
    }
}
