//! The weight of a convolution, transformed.

use std::ops::Range;

use super::transform::{OfWeight, transform};
use crate::kernels::micro::COLUMNS;
use crate::kernels::simd::{LANES, Simd, columns};

/// Taps of a window.
const TAPS: usize = 9;
/// Inputs whose windows are turned into vectors at a time.
const SOME: usize = 16;

/// The weight of a group in row-major order, `[outputs, inputs, 3, 3]`; that of a transpose is `[inputs, outputs, 3, 3]` and its windows
/// are turned by 180 degrees.
#[derive(Clone, Copy)]
pub(super) struct Weight<'a> {
    pub(super) elements: &'a [f32],
    pub(super) transpose: bool,
    /// Channels that are summed over, and those of the result.
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

/// Vectors to turn windows in.
pub(super) type Near = [f32; SOME * TAPS * LANES];

impl Weight<'_> {
    /// The weight of a panel of [`COLUMNS`] outputs, transformed: for each place, `pitch` elements apart, the panel's lanes for each of
    /// some inputs. Outputs that there are not are 0.
    #[inline(always)]
    pub(super) fn panel<S: Simd>(
        &self,
        simd: S,
        panel: usize,
        inputs: Range<usize>,
        pitch: usize,
        near: &mut Near,
        out: &mut [f32],
    ) {
        let lanes = |first: usize, count: usize| first..(first + count).min(self.outputs).max(first);
        for start in inputs.clone().step_by(SOME) {
            let some = start..(start + SOME).min(inputs.end);
            let next = some.end..(some.end + SOME).min(self.inputs);
            self.fetch(simd, next, lanes(panel * COLUMNS, COLUMNS));
            for half in 0..COLUMNS / LANES {
                let outputs = lanes(panel * COLUMNS + half * LANES, LANES);
                self.windows(simd, some.clone(), outputs, near);
                let some = some.clone();
                for input in some {
                    let windows = &near[(input - start) * TAPS * LANES..];
                    let at = (input - inputs.start) * COLUMNS + half * LANES;
                    let tap = |i: usize, j: usize| if self.transpose { 8 - i * 3 - j } else { i * 3 + j };
                    transform::<OfWeight, S, 3, 6>(
                        simd,
                        #[inline(always)]
                        |i, j| simd.load_some(&windows[tap(i, j) * LANES..][..LANES]),
                        #[inline(always)]
                        |i, j, v| simd.store_some(v, &mut out[(i * 6 + j) * pitch + at..][..LANES]),
                    );
                }
            }
        }
    }

    /// Has the windows of some inputs brought near: their pieces lie so far apart that no core guesses where the next one is.
    #[inline(always)]
    fn fetch<S: Simd>(&self, simd: S, inputs: Range<usize>, outputs: Range<usize>) {
        let (lines, line, row, own) = match self.transpose {
            true => (inputs, self.outputs, outputs.start, outputs.len()),
            false => (outputs, self.inputs, inputs.start, inputs.len()),
        };
        for number in lines {
            simd.fetch(&self.elements[(number * line + row) * TAPS..][..own * TAPS]);
        }
    }

    /// The windows of some inputs, a vector of outputs for each tap.
    #[inline(always)]
    fn windows<S: Simd>(&self, simd: S, inputs: Range<usize>, outputs: Range<usize>, near: &mut Near) {
        if outputs.is_empty() {
            return near.fill(0.0);
        }
        if !self.transpose {
            let from = &self.elements[(outputs.start * self.inputs + inputs.start) * TAPS..];
            return columns(simd, from, self.inputs * TAPS, outputs.len(), inputs.len() * TAPS, near);
        }
        for (input, near) in inputs.zip(near.chunks_exact_mut(TAPS * LANES)) {
            let from = &self.elements[(input * self.outputs + outputs.start) * TAPS..];
            columns(simd, from, TAPS, outputs.len(), TAPS, near);
        }
    }
}
