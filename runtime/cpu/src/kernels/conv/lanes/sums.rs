//! The innermost loops: sums over the taps of windows, and over the windows of a tap, sixteen planes at a time.

use std::ops::Range;

use super::Lanes;
use crate::kernels::simd::Simd;

/// Windows that have the same taps.
#[derive(Debug)]
pub(super) struct Kind {
    /// Rows of windows, and windows of a row.
    pub(super) count: [usize; 2],
    /// How far rows of windows and windows of a row are apart in the grid, in vectors.
    pub(super) step: [usize; 2],
    /// Where the first window has each tap.
    pub(super) taps: Vec<usize>,
    /// Numbers of the taps.
    pub(super) numbers: Vec<usize>,
    /// Where the first window's result goes, and how far those of rows and of windows of a row are apart.
    pub(super) to: usize,
    pub(super) apart: [usize; 2],
}

/// A strip of the rows of windows of a kind.
pub(super) struct Sweep<'a> {
    pub(super) kind: &'a Kind,
    pub(super) rows: Range<usize>,
    /// What lies in the grid from the first tap of the first row on.
    pub(super) from: &'a [Lanes],
    /// The weight of each tap.
    pub(super) weight: &'a [Lanes],
    /// Whether the sums are added to what is there.
    pub(super) add: bool,
}

impl Sweep<'_> {
    /// For each window the sum of its taps times their weights. `to` begins where the first row of the strip does.
    #[inline(always)]
    pub(super) fn run<S: Simd>(&self, simd: S, to: &mut [Lanes]) {
        let count = self.kind.count[1];
        // Windows that are added up side by side, about as many each time.
        let parts = count.div_ceil(S::SUMS.min(8)).max(1);
        let each = count.div_ceil(parts);
        for row in 0..self.rows.len() {
            let mut column = 0;
            while column < count {
                let len = each.min(count - column);
                match len {
                    1 => self.some::<S, 1>(simd, [row, column], to),
                    2 => self.some::<S, 2>(simd, [row, column], to),
                    3 => self.some::<S, 3>(simd, [row, column], to),
                    4 => self.some::<S, 4>(simd, [row, column], to),
                    5 => self.some::<S, 5>(simd, [row, column], to),
                    6 => self.some::<S, 6>(simd, [row, column], to),
                    7 => self.some::<S, 7>(simd, [row, column], to),
                    _ => self.some::<S, 8>(simd, [row, column], to),
                }
                column += len;
            }
        }
    }

    /// Distances known before make one comparison with the length do for all windows.
    #[inline(always)]
    fn some<S: Simd, const N: usize>(&self, simd: S, at: [usize; 2], to: &mut [Lanes]) {
        match self.kind.step[1] {
            1 => self.windows::<S, N>(simd, at, 1, to),
            2 => self.windows::<S, N>(simd, at, 2, to),
            step => self.windows::<S, N>(simd, at, step, to),
        }
    }

    #[inline(always)]
    fn windows<S: Simd, const N: usize>(
        &self,
        simd: S,
        [row, column]: [usize; 2],
        step: usize,
        to: &mut [Lanes],
    ) {
        let Kind { taps, numbers, to: first, apart, .. } = self.kind;
        let to = &mut to[first + row * apart[0] + column * apart[1]..][..(N - 1) * apart[1] + 1];
        let mut sums = [simd.splat(0.0); N];
        if self.add {
            for n in 0..N {
                sums[n] = simd.load(&to[n * apart[1]]);
            }
        }
        let from = &self.from[row * self.kind.step[0] + column * step..];
        for (tap, number) in taps.iter().zip(numbers) {
            let (weight, from) = (simd.load(&self.weight[*number]), &from[*tap..][..(N - 1) * step + 1]);
            for n in 0..N {
                sums[n] = simd.mul_add(weight, simd.load(&from[n * step]), sums[n]);
            }
        }
        for n in 0..N {
            simd.store(sums[n], &mut to[n * apart[1]]);
        }
    }
}

/// For each tap the sum over windows of what it covers times the window's number, added to what is there. `firsts` says where each window
/// begins in the grid.
#[inline(always)]
pub(super) fn of_taps<S: Simd>(
    simd: S,
    taps: &[usize],
    firsts: &[usize],
    [grid, numbers]: [&[Lanes]; 2],
    sums: &mut [Lanes],
) {
    let mut at = 0;
    while at < taps.len() {
        let rest = taps.len() - at;
        // As many taps at a time as there are often.
        let len = match S::SUMS {
            8.. if rest == 9 || rest == 18 || rest > 24 => 9,
            8.. => rest.min(8),
            most => rest.min(most),
        };
        let (taps, sums) = (&taps[at..at + len], &mut sums[at..at + len]);
        match len {
            1 => some_taps::<S, 1>(simd, taps, firsts, [grid, numbers], sums),
            2 => some_taps::<S, 2>(simd, taps, firsts, [grid, numbers], sums),
            3 => some_taps::<S, 3>(simd, taps, firsts, [grid, numbers], sums),
            4 => some_taps::<S, 4>(simd, taps, firsts, [grid, numbers], sums),
            5 => some_taps::<S, 5>(simd, taps, firsts, [grid, numbers], sums),
            6 => some_taps::<S, 6>(simd, taps, firsts, [grid, numbers], sums),
            7 => some_taps::<S, 7>(simd, taps, firsts, [grid, numbers], sums),
            8 => some_taps::<S, 8>(simd, taps, firsts, [grid, numbers], sums),
            _ => some_taps::<S, 9>(simd, taps, firsts, [grid, numbers], sums),
        }
        at += len;
    }
}

#[inline(always)]
fn some_taps<S: Simd, const N: usize>(
    simd: S,
    taps: &[usize],
    firsts: &[usize],
    [grid, numbers]: [&[Lanes]; 2],
    sums: &mut [Lanes],
) {
    let (mut own, mut at) = ([simd.splat(0.0); N], [0; N]);
    at.copy_from_slice(taps);
    for (own, sum) in own.iter_mut().zip(&*sums) {
        *own = simd.load(sum);
    }
    // All taps of a window lie within what one comparison looks at.
    let reach = at.iter().max().map_or(0, |last| last + 1);
    for tap in at {
        assert!(tap < reach, "the last tap is the last");
    }
    for (first, number) in firsts.iter().zip(numbers) {
        let (from, number) = (&grid[*first..][..reach], simd.load(number));
        for n in 0..N {
            own[n] = simd.mul_add(number, simd.load(&from[at[n]]), own[n]);
        }
    }
    for (own, sum) in own.iter().zip(sums) {
        simd.store(*own, sum);
    }
}
