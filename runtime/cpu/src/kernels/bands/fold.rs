//! A number for each window, made of its taps one by one.

use super::{Bands, Lines};
use crate::kernels::simd::{LANES, Simd};

/// What is made of the taps of each window.
pub(crate) trait Fold<S: Simd> {
    /// What is known of some windows.
    type Known: Copy;
    /// What belongs to a tap.
    type Tap: Copy;
    /// What is known before the first tap.
    fn start(&self, simd: S) -> Self::Known;
    /// What stands for a tap outside of the plane.
    fn outside(&self, simd: S) -> S::V;
    /// What belongs to `K` taps, from one on, counted in [`Bands::order`].
    fn taps<const K: usize>(&self, simd: S, first: usize) -> [Self::Tap; K];
    /// What is known after one more tap.
    fn add(&self, simd: S, known: Self::Known, x: S::V, tap: Self::Tap) -> Self::Known;
}

impl Bands {
    /// Folds the taps of all windows of a plane; `put` is given a row of windows, the first window of a vector in it, how many windows of
    /// the vector there are, and what is known of them.
    #[inline(always)]
    pub(crate) fn fold<S: Simd, F: Fold<S>>(
        &self,
        simd: S,
        plane: &[f32],
        fold: &F,
        mut put: impl FnMut(usize, usize, usize, F::Known),
    ) {
        for [first, rows] in self.bands.iter().copied() {
            for vector in 0..self.vectors() {
                let at = [first, vector];
                match rows {
                    1 => self.band::<S, F, 1>(simd, plane, fold, at, &mut put),
                    2 => self.band::<S, F, 2>(simd, plane, fold, at, &mut put),
                    3 => self.band::<S, F, 3>(simd, plane, fold, at, &mut put),
                    4 => self.band::<S, F, 4>(simd, plane, fold, at, &mut put),
                    5 => self.band::<S, F, 5>(simd, plane, fold, at, &mut put),
                    6 => self.band::<S, F, 6>(simd, plane, fold, at, &mut put),
                    7 => self.band::<S, F, 7>(simd, plane, fold, at, &mut put),
                    _ => self.band::<S, F, 8>(simd, plane, fold, at, &mut put),
                }
            }
        }
    }

    /// A vector of windows in each of `R` rows.
    #[inline(always)]
    fn band<S: Simd, F: Fold<S>, const R: usize>(
        &self,
        simd: S,
        plane: &[f32],
        fold: &F,
        at: [usize; 2],
        put: &mut impl FnMut(usize, usize, usize, F::Known),
    ) {
        let mut known = [fold.start(simd); R];
        let mut tap = 0;
        for run in &self.runs {
            for column in 0..self.columns.len() {
                let lines = self.lines(plane, run, column, at);
                match run.taps.len() {
                    1 => lines.fold::<S, F, R, 1>(simd, fold, tap, &mut known),
                    2 => lines.fold::<S, F, R, 2>(simd, fold, tap, &mut known),
                    3 => lines.fold::<S, F, R, 3>(simd, fold, tap, &mut known),
                    4 => lines.fold::<S, F, R, 4>(simd, fold, tap, &mut known),
                    _ => lines.fold::<S, F, R, 5>(simd, fold, tap, &mut known),
                }
                tap += run.taps.len();
            }
        }
        let (first, count) = (at[1] * LANES, self.windows(at[1]));
        for (row, known) in known.into_iter().enumerate() {
            put(at[0] + row * self.apart, first, count, known);
        }
    }
}

impl Lines<'_> {
    /// Adds the `K` taps of a run, the first of which is given, to `R` rows of windows.
    #[inline(always)]
    fn fold<S: Simd, F: Fold<S>, const R: usize, const K: usize>(
        &self,
        simd: S,
        fold: &F,
        first: usize,
        known: &mut [F::Known; R],
    ) {
        let (outside, taps) = (fold.outside(simd), fold.taps::<K>(simd, first));
        for line in 0..R + K - 1 {
            let Some(x) = self.line(simd, line, outside) else { continue };
            for tap in 0..K {
                if line >= tap && line - tap < R {
                    known[line - tap] = fold.add(simd, known[line - tap], x, taps[tap]);
                }
            }
        }
    }
}
