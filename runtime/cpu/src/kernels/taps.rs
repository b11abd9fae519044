//! Sums over the taps of windows in a padded plane, and the largest of them, in vectors.

use super::plane::Padded;
use super::simd::{LANES, Simd, Task};

/// Rows of windows that are computed side by side, where registers are many and where they are few.
const ROWS: usize = 8;
const FEW: usize = 4;

/// For each window the sum of its taps times their weights.
pub(super) struct Correlate<'a> {
    pub(super) padded: &'a Padded,
    pub(super) room: &'a [f32],
    pub(super) weight: &'a [f32],
    pub(super) out: &'a mut [f32],
    /// Whether it is added to what is there.
    pub(super) add: bool,
}

impl Task for Correlate<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let rows = self.out.len() / self.padded.columns();
        let mut top = 0;
        while top < rows {
            top += match rows - top {
                ROWS.. if S::SUMS >= 2 * ROWS => self.rows::<S, ROWS>(simd, top),
                FEW.. => self.rows::<S, FEW>(simd, top),
                _ => self.rows::<S, 1>(simd, top),
            };
        }
    }
}

impl Correlate<'_> {
    /// Some rows of windows, and how many those are.
    #[inline(always)]
    fn rows<S: Simd, const R: usize>(&mut self, simd: S, top: usize) -> usize {
        let count = self.padded.columns();
        let out = &mut self.out[top * count..(top + R) * count];
        for left in (0..count).step_by(LANES) {
            let width = LANES.min(count - left);
            let mut sums = [simd.splat(0.0); R];
            let from = &self.room[top * self.padded.down() + left..];
            rows(simd, self.padded, from, self.weight, &mut sums);
            for (out, sum) in out.chunks_exact_mut(count).zip(&sums) {
                let out = &mut out[left..left + width];
                let known = if self.add { simd.add(simd.load_some(out), *sum) } else { *sum };
                simd.store_some(known, out);
            }
        }
        R
    }
}

/// The sums of a vector of windows in each of some rows.
#[inline(always)]
fn rows<S: Simd, const R: usize>(
    simd: S,
    padded: &Padded,
    from: &[f32],
    weight: &[f32],
    sums: &mut [S::V; R],
) {
    for (tap, weight) in padded.starts().iter().zip(weight) {
        let weight = simd.splat(*weight);
        for (row, sum) in sums.iter_mut().enumerate() {
            let from = &from[tap + row * padded.down()..][..LANES];
            *sum = simd.mul_add(weight, simd.load_some(from), *sum);
        }
    }
}

/// For each tap the sum over all windows of what it covers times the window's number, added to what is there.
pub(super) struct Sums<'a> {
    pub(super) padded: &'a Padded,
    pub(super) room: &'a [f32],
    /// Numbers of the windows, rows of whole vectors.
    pub(super) lines: &'a [f32],
    pub(super) sums: &'a mut [f32],
}

impl Task for Sums<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (taps, sums) = (self.padded.starts(), self.sums);
        // As many taps at a time as there are often, or a divisor of that.
        match taps.len() {
            n if n % 9 == 0 => groups::<S, 9>(simd, self.padded, [self.room, self.lines], sums),
            n if n % 7 == 0 => groups::<S, 7>(simd, self.padded, [self.room, self.lines], sums),
            n if n % 5 == 0 => groups::<S, 5>(simd, self.padded, [self.room, self.lines], sums),
            n if n % 3 == 0 => groups::<S, 3>(simd, self.padded, [self.room, self.lines], sums),
            n if n % 2 == 0 => groups::<S, 2>(simd, self.padded, [self.room, self.lines], sums),
            _ => groups::<S, 1>(simd, self.padded, [self.room, self.lines], sums),
        }
    }
}

#[inline(always)]
fn groups<S: Simd, const N: usize>(simd: S, padded: &Padded, [room, lines]: [&[f32]; 2], sums: &mut [f32]) {
    let pitch = padded.columns().next_multiple_of(LANES);
    let (taps, _) = padded.starts().as_chunks::<N>();
    let (sums, _) = sums.as_chunks_mut::<N>();
    for (taps, sums) in taps.iter().zip(sums) {
        let mut own = [simd.splat(0.0); N];
        for (row, line) in lines.chunks_exact(pitch).enumerate() {
            for left in (0..pitch).step_by(LANES) {
                let from = &room[row * padded.down() + left..];
                let number = simd.load_some(&line[left..left + LANES]);
                for (own, tap) in own.iter_mut().zip(taps) {
                    *own = simd.mul_add(number, simd.load_some(&from[*tap..tap + LANES]), *own);
                }
            }
        }
        for (sum, own) in sums.iter_mut().zip(&own) {
            let mut lanes = [0.0; LANES];
            simd.store(*own, &mut lanes);
            *sum += lanes.iter().sum::<f32>();
        }
    }
}

/// For each window its largest tap.
pub(super) struct Most<'a> {
    pub(super) padded: &'a Padded,
    pub(super) room: &'a [f32],
    pub(super) out: &'a mut [f32],
}

impl Task for Most<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.padded.sweep(
            self.out,
            #[inline(always)]
            |_, start, out| {
                let mut best = simd.splat(f32::NEG_INFINITY);
                for x in self.padded.taps(self.room, start) {
                    // Of equal ones the last, as the maximum of two numbers is the second one then.
                    best = simd.larger([simd.load(x); 2], [best; 2])[0];
                }
                simd.store_some(best, out);
            },
        );
    }
}

/// For each window the place of its first largest tap.
pub(super) struct Largest<'a> {
    pub(super) padded: &'a Padded,
    pub(super) room: &'a [f32],
    /// Places of the taps of the first window, and how much further they are for the next row and the next column.
    pub(super) places: &'a [i32],
    pub(super) strides: [i32; 2],
    /// What stays where no tap is above minus infinity.
    pub(super) out: &'a mut [i32],
}

/// The number of a tap that is none.
const NONE: u32 = u32::MAX;

impl Task for Largest<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (padded, [down, across]) = (self.padded, self.strides);
        padded.sweep(
            self.out,
            #[inline(always)]
            |[row, column], start, out| {
                // Numbers are carried as the bits of floats: they are only moved.
                let mut best = [f32::NEG_INFINITY, f32::from_bits(NONE)].map(|x| simd.splat(x));
                for (tap, x) in padded.taps(self.room, start).enumerate() {
                    best = simd.larger(best, [simd.load(x), simd.splat(f32::from_bits(tap as u32))]);
                }
                let mut taps = [0.0; LANES];
                simd.store(best[1], &mut taps);
                let corner = row as i32 * down + column as i32 * across;
                for (lane, out) in out.iter_mut().enumerate() {
                    if let Some(place) = self.places.get(taps[lane].to_bits() as usize) {
                        *out = corner + place + lane as i32 * across;
                    }
                }
            },
        );
    }
}
