//! A sum for each tap over all windows.

use super::{Bands, Lines};
use crate::kernels::simd::{LANES, Simd};

impl Bands {
    /// Adds to the sums of each tap, in [`Bands::order`] and one for each lane, what it covers times the windows' numbers.
    #[inline(always)]
    pub(crate) fn sums<S: Simd>(&self, simd: S, plane: &[f32], numbers: &[f32], sums: &mut [[f32; LANES]]) {
        for [first, rows] in self.bands.iter().copied() {
            for vector in 0..self.vectors() {
                let at = [first, vector];
                match rows {
                    1 => self.sums_of::<S, 1>(simd, [plane, numbers], at, sums),
                    2 => self.sums_of::<S, 2>(simd, [plane, numbers], at, sums),
                    3 => self.sums_of::<S, 3>(simd, [plane, numbers], at, sums),
                    4 => self.sums_of::<S, 4>(simd, [plane, numbers], at, sums),
                    5 => self.sums_of::<S, 5>(simd, [plane, numbers], at, sums),
                    6 => self.sums_of::<S, 6>(simd, [plane, numbers], at, sums),
                    7 => self.sums_of::<S, 7>(simd, [plane, numbers], at, sums),
                    _ => self.sums_of::<S, 8>(simd, [plane, numbers], at, sums),
                }
            }
        }
    }

    /// Adds what a vector of windows in each of `R` rows gives.
    #[inline(always)]
    fn sums_of<S: Simd, const R: usize>(
        &self,
        simd: S,
        [plane, numbers]: [&[f32]; 2],
        [row, vector]: [usize; 2],
        mut sums: &mut [[f32; LANES]],
    ) {
        let (first, count) = (vector * LANES, self.windows(vector));
        let mut own = [simd.splat(0.0); R];
        for (line, own) in own.iter_mut().enumerate() {
            let from = &numbers[(row + line * self.apart) * self.width + first..];
            *own = simd.load_some(&from[..count]);
        }
        for run in &self.runs {
            for column in 0..self.columns.len() {
                let lines = self.lines(plane, run, column, [row, vector]);
                let (now, later) = sums.split_at_mut(run.taps.len());
                match run.taps.len() {
                    1 => lines.sums::<S, R, 1>(simd, &own, now),
                    2 => lines.sums::<S, R, 2>(simd, &own, now),
                    3 => lines.sums::<S, R, 3>(simd, &own, now),
                    4 => lines.sums::<S, R, 4>(simd, &own, now),
                    _ => lines.sums::<S, R, 5>(simd, &own, now),
                }
                sums = later;
            }
        }
    }
}

impl Lines<'_> {
    /// Adds to the sums of `K` taps what they cover times the numbers of windows.
    #[inline(always)]
    fn sums<S: Simd, const R: usize, const K: usize>(
        &self,
        simd: S,
        numbers: &[S::V; R],
        sums: &mut [[f32; LANES]],
    ) {
        let zero = simd.splat(0.0);
        let Some(sums) = sums.first_chunk_mut::<K>() else { return };
        let mut own = [zero; K];
        for tap in 0..K {
            own[tap] = simd.load(&sums[tap]);
        }
        for line in 0..R + K - 1 {
            let Some(x) = self.line(simd, line, zero) else { continue };
            for tap in 0..K {
                if line >= tap && line - tap < R {
                    own[tap] = simd.mul_add(x, numbers[line - tap], own[tap]);
                }
            }
        }
        for tap in 0..K {
            simd.store(own[tap], &mut sums[tap]);
        }
    }
}
