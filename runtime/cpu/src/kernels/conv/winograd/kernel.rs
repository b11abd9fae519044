//! The weight of a convolution, transformed.

use std::marker::PhantomData;
use std::ops::Range;

use super::GAP;
use super::transform::Planar;
use crate::kernels::micro::COLUMNS;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{LANES, Parts, Simd, columns, in_parts};
use crate::memory::Shared;

/// Inputs whose windows are turned into vectors at a time.
const SOME: usize = 16;

/// The weight of a group in row-major order, `[outputs, inputs, ..]`; that of a transpose is `[inputs, outputs, ..]` and its windows are
/// turned by 180 degrees.
#[derive(Clone, Copy)]
pub(super) struct Weight<'a> {
    pub(super) elements: &'a [f32],
    pub(super) transpose: bool,
    /// Channels that are summed over, and those of the result.
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

/// Taps of a window.
const fn taps<W: Planar>() -> usize {
    W::FROM * W::FROM
}

/// Elements that [`Weight::panel`] needs to work in.
pub(super) const fn room<W: Planar>() -> usize {
    SOME * taps::<W>() * LANES
}

impl Weight<'_> {
    /// Panels of outputs.
    pub(super) fn panels(&self) -> usize {
        self.outputs.div_ceil(COLUMNS)
    }

    /// How far places of a panel are apart where all inputs are there.
    pub(super) fn pitch(&self) -> usize {
        self.inputs * COLUMNS + GAP
    }

    /// Elements of a panel where all inputs are there.
    pub(super) fn panel_len<W: Planar>(&self) -> usize {
        W::TO * W::TO * self.pitch()
    }

    /// Transforms all of it, panel by panel.
    pub(super) fn transform<W: Planar>(&self, out: &mut [f32]) {
        let out = Shared::new(out);
        in_parts(self.panels(), &Panels::<W> { weight: *self, out: &out, planar: PhantomData });
    }

    /// The weight of a panel of [`COLUMNS`] outputs, transformed: for each place, `pitch` elements apart, the panel's lanes for each of
    /// some inputs. Outputs that there are not are 0.
    #[inline(always)]
    pub(super) fn panel<W: Planar, S: Simd>(
        &self,
        simd: S,
        panel: usize,
        inputs: Range<usize>,
        pitch: usize,
        near: &mut [f32],
        out: &mut [f32],
    ) {
        let lanes = |first: usize, count: usize| first..(first + count).min(self.outputs).max(first);
        for start in inputs.clone().step_by(SOME) {
            let some = start..(start + SOME).min(inputs.end);
            let next = some.end..(some.end + SOME).min(self.inputs);
            self.fetch::<W, S>(simd, next, lanes(panel * COLUMNS, COLUMNS));
            for half in 0..COLUMNS / LANES {
                let outputs = lanes(panel * COLUMNS + half * LANES, LANES);
                self.windows::<W, S>(simd, some.clone(), outputs, near);
                let some = some.clone();
                for input in some {
                    let windows = &near[(input - start) * taps::<W>() * LANES..];
                    let at = (input - inputs.start) * COLUMNS + half * LANES;
                    let tap = |i: usize, j: usize| {
                        let tap = i * W::FROM + j;
                        if self.transpose { taps::<W>() - 1 - tap } else { tap }
                    };
                    W::of(
                        simd,
                        #[inline(always)]
                        |i, j| simd.load_some(&windows[tap(i, j) * LANES..][..LANES]),
                        #[inline(always)]
                        |i, j, v| simd.store_some(v, &mut out[(i * W::TO + j) * pitch + at..][..LANES]),
                    );
                }
            }
        }
    }

    /// Has the windows of some inputs brought near: their pieces lie so far apart that no core guesses where the next one is.
    #[inline(always)]
    fn fetch<W: Planar, S: Simd>(&self, simd: S, inputs: Range<usize>, outputs: Range<usize>) {
        let (lines, line, row, own) = match self.transpose {
            true => (inputs, self.outputs, outputs.start, outputs.len()),
            false => (outputs, self.inputs, inputs.start, inputs.len()),
        };
        let taps = taps::<W>();
        for number in lines {
            simd.fetch(&self.elements[(number * line + row) * taps..][..own * taps]);
        }
    }

    /// The windows of some inputs, a vector of outputs for each tap.
    #[inline(always)]
    fn windows<W: Planar, S: Simd>(
        &self,
        simd: S,
        inputs: Range<usize>,
        outputs: Range<usize>,
        near: &mut [f32],
    ) {
        let taps = taps::<W>();
        if outputs.is_empty() {
            return near.fill(0.0);
        }
        if !self.transpose {
            let from = &self.elements[(outputs.start * self.inputs + inputs.start) * taps..];
            return columns(simd, from, self.inputs * taps, outputs.len(), inputs.len() * taps, near);
        }
        for (input, near) in inputs.zip(near.chunks_exact_mut(taps * LANES)) {
            let from = &self.elements[(input * self.outputs + outputs.start) * taps..];
            columns(simd, from, taps, outputs.len(), taps, near);
        }
    }
}

/// Panels of a weight.
struct Panels<'a, W> {
    weight: Weight<'a>,
    out: &'a Shared<'a, f32>,
    planar: PhantomData<W>,
}

impl<W: Planar> Parts for Panels<'_, W> {
    type Memory = Scratch<f32>;

    fn memory(&self) -> Scratch<f32> {
        Scratch::of(room::<W>())
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, panel: usize, near: &mut Scratch<f32>) {
        let len = self.weight.panel_len::<W>();
        let out = self.out.run(panel * len, len);
        self.weight.panel::<W, S>(simd, panel, 0..self.weight.inputs, self.weight.pitch(), near, out);
    }
}
