//! The weight of a convolution as the left operand of products: a row for each output channel, along which terms lie side by side.

use std::ops::Range;

use crate::element::Element;
use crate::kernels::Kept;
use crate::kernels::product::{Panels, Size, pack, packed};
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{LANES, Simd, Task, run};
use crate::workers::pieces;

/// Rows of terms.
pub(super) struct Filters<'a, T> {
    elements: &'a [T],
    rows: usize,
    terms: usize,
}

impl<'a, T> Filters<'a, T> {
    /// The first rows of some elements, each of so many terms.
    pub(super) fn new(elements: &'a [T], [rows, terms]: [usize; 2]) -> Self {
        Filters { elements: &elements[..rows * terms], rows, terms }
    }
}

/// Does something with the left operands of all groups in panels, one group after the other: those that were kept, if any may be.
pub(super) fn with<T: Element, P: Panels<T>>(
    kept: Option<&Kept<T>>,
    groups: usize,
    size: Size,
    of: impl Fn(usize) -> P + Sync,
    f: impl FnOnce(&[T]),
) {
    let fill = |mut all: Scratch<T>| {
        pieces(&mut all, packed(size), |group, left| pack(&of(group), size, left));
        all
    };
    let len = groups * packed(size);
    match kept {
        Some(kept) => f(kept.get_or_init(|| fill(Scratch::own(len)))),
        None => f(&fill(Scratch::of(len))),
    }
}

impl<T: Element> Panels<T> for Filters<'_, T> {
    fn pack<const W: usize>(&self, terms: Range<usize>, first: usize, out: &mut [T]) {
        let (width, len) = (W.min(self.rows - first), terms.len());
        let from = &self.elements[first * self.terms + terms.start..];
        if let (Some(from), Some(out), true) = (T::floats(from), T::floats_mut(out), W <= LANES) {
            return run(Turn::<W> { from, apart: self.terms, rows: width, len, out });
        }
        for line in 0..W {
            let from = from.get(line * self.terms..).filter(|_| line < width);
            for (term, out) in out.chunks_exact_mut(W).take(len).enumerate() {
                out[line] = from.map_or(T::default(), |from| from[term]);
            }
        }
    }
}

/// Turns rows into columns of `W`; rows from `rows` on are 0.
struct Turn<'a, const W: usize> {
    from: &'a [f32],
    apart: usize,
    rows: usize,
    len: usize,
    out: &'a mut [f32],
}

impl<const W: usize> Task for Turn<'_, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (columns, _) = self.out.as_chunks_mut::<W>();
        for (start, columns) in (0..self.len).step_by(LANES).zip(columns[..self.len].chunks_mut(LANES)) {
            let mut block = [simd.splat(0.0); LANES];
            let from = &self.from[start..];
            // Whole blocks are loops of known length: they stay in registers.
            match columns.first_chunk_mut::<LANES>() {
                Some(columns) if self.rows == W => {
                    for (row, block) in block.iter_mut().enumerate().take(W) {
                        *block = simd.load_some(&from[row * self.apart..][..LANES]);
                    }
                    simd.transpose(&mut block);
                    (0..LANES).for_each(|place| simd.store_some(block[place], &mut columns[place]));
                }
                _ => {
                    for (row, block) in block.iter_mut().enumerate().take(self.rows) {
                        *block = simd.load_some(&from[row * self.apart..][..columns.len()]);
                    }
                    simd.transpose(&mut block);
                    columns.iter_mut().zip(&block).for_each(|(to, v)| simd.store_some(*v, to));
                }
            }
        }
    }
}
