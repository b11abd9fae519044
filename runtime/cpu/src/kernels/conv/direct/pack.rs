//! The weight of a direct convolution, in panels.

use super::{Sides, VECTORS, Way};
use crate::kernels::micro::COLUMNS;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{LANES, Parts, Simd, columns};
use crate::memory::Shared;

/// Elements of each output that are turned at a time while the next ones are on their way.
const SOME: usize = 256;
/// Inputs whose elements are on their way.
const AHEAD: usize = 8;

/// The weight in panels of [`COLUMNS`] outputs: class by class, for each vector of a panel, its lanes for each tap of each input. Outputs
/// that there are not are 0.
pub(super) struct Pack<'a> {
    pub(super) w: &'a [f32],
    pub(super) way: &'a Way,
    pub(super) out: &'a Shared<'a, f32>,
}

impl Parts for Pack<'_> {
    type Memory = Scratch<f32>;

    fn memory(&self) -> Scratch<f32> {
        Scratch::zeros(self.way.sides.taps * LANES)
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, near: &mut Scratch<f32>) {
        let Sides { inputs, outputs, taps, transpose } = self.way.sides;
        let (panels, panel) = (self.way.panels(), self.way.panel());
        let w = &self.w[number / panels * inputs * outputs * taps..][..inputs * outputs * taps];
        let out = self.out.run(number * panel, panel);
        let first = number % panels * COLUMNS;
        match transpose {
            true => self.inputs(simd, w, first, near, out),
            false => self.outputs(simd, w, first, out),
        }
    }
}

impl Pack<'_> {
    /// Outputs of a vector of a panel, and the first one.
    fn lanes(&self, first: usize, vector: usize) -> (usize, usize) {
        let first = first + vector * LANES;
        (first, self.way.sides.outputs.saturating_sub(first).min(LANES))
    }

    /// A panel of a weight whose rows are outputs, each with all taps of all inputs in order.
    #[inline(always)]
    fn outputs<S: Simd>(&self, simd: S, w: &[f32], first: usize, out: &mut [f32]) {
        let len = self.way.sides.inputs * self.way.sides.taps;
        // Without inputs there is nothing to turn.
        for (vector, out) in out.chunks_exact_mut((len * LANES).max(1)).enumerate() {
            let (first, count) = self.lanes(first, vector);
            if count == 0 {
                out.fill(0.0);
                continue;
            }
            let w = &w[first * len..][..count * len];
            for (number, out) in out.chunks_mut(SOME * LANES).enumerate() {
                let at = number * SOME;
                for row in w.chunks_exact(len) {
                    simd.fetch(&row[(at + SOME).min(len)..(at + 2 * SOME).min(len)]);
                }
                columns(simd, &w[at..], len, count, out.len() / LANES, out);
            }
        }
    }

    /// A panel of a weight whose rows are inputs, each with all taps of all outputs in order. Of a row there is little to read, and the
    /// next one is far from it.
    #[inline(always)]
    fn inputs<S: Simd>(&self, simd: S, w: &[f32], first: usize, near: &mut [f32], out: &mut [f32]) {
        let Sides { inputs, outputs, taps, .. } = self.way.sides;
        let own = first * taps..(first + COLUMNS).min(outputs) * taps;
        for (input, row) in w.chunks_exact(outputs * taps).enumerate() {
            if input + AHEAD < inputs {
                simd.fetch(&w[(input + AHEAD) * outputs * taps..][own.clone()]);
            }
            for vector in 0..VECTORS {
                let (first, count) = self.lanes(first, vector);
                match count {
                    0 => near.fill(0.0),
                    _ => columns(simd, &row[first * taps..], taps, count, taps, near),
                }
                self.deal(input, vector, near, out);
            }
        }
    }

    /// Gives the taps of an input to the classes that have them.
    #[inline(always)]
    fn deal(&self, input: usize, vector: usize, near: &[f32], mut out: &mut [f32]) {
        for class in &self.way.classes {
            let len = class.taps.len() * LANES;
            let (own, rest) = std::mem::take(&mut out).split_at_mut(VECTORS * self.way.sides.inputs * len);
            let own = &mut own[(vector * self.way.sides.inputs + input) * len..][..len];
            for (to, (tap, _)) in own.chunks_exact_mut(LANES).zip(&class.taps) {
                to.copy_from_slice(&near[tap * LANES..][..LANES]);
            }
            out = rest;
        }
    }
}
