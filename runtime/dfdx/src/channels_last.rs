//! Convolution of one group in channels-last order: windows are read as long runs of channels, and several images share one
//! matrix product, so that small maps are as fast as large ones.
//!
//! Images are spread over threads in a fixed number of groups whose weight gradients are added in order, so that results do not
//! depend on the number of threads.

use std::sync::Arc;

use rayon::prelude::*;

use crate::contract::product;
use crate::dense::GRAIN;
use crate::element::Element;
use crate::im2col::{OUTSIDE, Places};

/// Groups of images that are worked on independently.
const GROUPS: usize = 8;
/// Elements of the columns of one block: they stay in a core's cache.
const BLOCK: usize = 128 * 1024;

/// A stretch of a window that covers neighbouring pixels.
#[derive(Clone, Copy)]
struct Stretch {
    /// First tap of the stretch.
    tap: usize,
    /// The pixel that it covers.
    pixel: usize,
    taps: usize,
}

/// Sizes of one convolution, and what each window covers.
#[derive(Clone)]
pub(crate) struct ChannelsLast {
    images: usize,
    inputs: usize,
    outputs: usize,
    places: Arc<Places>,
    /// For each position the stretches of its window; taps on padding are in none.
    windows: Arc<Vec<Vec<Stretch>>>,
}

impl ChannelsLast {
    pub(crate) fn new([images, inputs, outputs]: [usize; 3], places: Arc<Places>) -> Self {
        let windows = (0..places.positions).map(|position| stretches(&places, position)).collect();
        ChannelsLast { images, inputs, outputs, places, windows: Arc::new(windows) }
    }

    /// Elements of a window: taps times channels.
    fn depth(&self) -> usize {
        self.places.taps * self.inputs
    }

    fn input_len(&self) -> usize {
        self.inputs * self.places.plane
    }

    fn output_len(&self) -> usize {
        self.outputs * self.places.positions
    }

    /// Images of one group.
    fn share(&self) -> usize {
        self.images.div_ceil(GROUPS).max(1)
    }

    /// The windows of some images, as ranges of rows that fit the cache; a row is a position of an image.
    fn blocks(&self, images: usize) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let rows = images * self.places.positions;
        let step = (BLOCK / self.depth().max(1)).max(16);
        (0..rows).step_by(step).map(move |start| start..(start + step).min(rows))
    }

    /// `[O, C, taps]` as `[taps, C, O]`.
    pub(crate) fn weight_last<E: Element>(&self, weight: &[E]) -> Vec<E> {
        let (c, taps, o) = (self.inputs, self.places.taps, self.outputs);
        let mut last = vec![E::default(); weight.len()];
        for (row, to) in last.chunks_exact_mut(o).enumerate() {
            let from = weight[row % c * taps + row / c..].iter().step_by(c * taps);
            to.iter_mut().zip(from).for_each(|(t, v)| *t = *v);
        }
        last
    }

    /// `[N, C, pixels]` as `[N, pixels, C]`.
    pub(crate) fn input_last<E: Element>(&self, x: &[E]) -> Vec<E> {
        let mut last = vec![E::default(); x.len()];
        let images = last.par_chunks_mut(self.input_len().max(1)).zip(x.par_chunks(self.input_len().max(1)));
        images.for_each(|(to, from)| transpose(from, to, [self.inputs, self.places.plane]));
        last
    }

    /// `x` and `weight` in channels-last order; the result is `[N, O, positions]`.
    pub(crate) fn forward<E: Element>(&self, x: &[E], weight: &[E]) -> Vec<E> {
        let mut y = vec![E::default(); self.images * self.output_len()];
        let share = self.share();
        let (inputs, outputs) = (share * self.input_len(), share * self.output_len());
        y.par_chunks_mut(outputs.max(1)).zip(x.par_chunks(inputs.max(1))).for_each(|(y, x)| {
            let (mut columns, mut rows) = (vec![], vec![]);
            for block in self.blocks(x.len() / self.input_len()) {
                self.columns(x, &block, &mut columns);
                rows.resize(block.len() * self.outputs, E::default());
                let size = [block.len(), self.depth(), self.outputs];
                let (a, b) = ((&columns[..], [self.depth(), 1]), (weight, [self.outputs, 1]));
                product(size, a, b, (&mut rows, self.outputs), false);
                self.spread_rows(&rows, &block, y);
            }
        });
        y
    }

    /// Adds to the gradients of `x` (`[N, C, pixels]`), unless there is no room for them, and of the weight (`[O, C, taps]`).
    pub(crate) fn backward<E: Element>(
        &self,
        (x, weight): (&[E], &[E]),
        dy: &[E],
        dx: &mut [E],
        dw: &mut [E],
    ) {
        let share = self.share();
        let (inputs, outputs) = (share * self.input_len(), share * self.output_len());
        let groups = x.par_chunks(inputs.max(1)).zip(dy.par_chunks(outputs.max(1)));
        let mut parts: Vec<Vec<E>> = match dx.is_empty() {
            true => groups.map(|(x, dy)| self.backward_group((x, weight), dy, &mut [])).collect(),
            false => groups
                .zip(dx.par_chunks_mut(inputs.max(1)))
                .map(|((x, dy), dx)| self.backward_group((x, weight), dy, dx))
                .collect(),
        };
        if let Some((sum, rest)) = parts.split_first_mut() {
            sum.par_chunks_mut(GRAIN).enumerate().with_min_len(1).for_each(|(i, sum)| {
                for part in rest.iter() {
                    sum.iter_mut().zip(&part[i * GRAIN..]).for_each(|(s, p)| *s += *p);
                }
            });
            self.add_weight(sum, dw);
        }
    }

    /// The gradients of some images; that of the weight is returned in channels-last order.
    fn backward_group<E: Element>(&self, (x, weight): (&[E], &[E]), dy: &[E], dx: &mut [E]) -> Vec<E> {
        let (depth, o) = (self.depth(), self.outputs);
        let mut dw = vec![E::default(); depth * o];
        let mut last = vec![E::default(); dx.len()];
        let (mut columns, mut rows) = (vec![], vec![]);
        for block in self.blocks(x.len() / self.input_len().max(1)) {
            self.gather_rows(dy, &block, &mut rows);
            self.columns(x, &block, &mut columns);
            product([depth, block.len(), o], (&columns, [1, depth]), (&rows, [o, 1]), (&mut dw, o), true);
            if dx.is_empty() {
                continue;
            }
            // The columns are used up: their gradient takes their place.
            product([block.len(), o, depth], (&rows, [o, 1]), (weight, [1, o]), (&mut columns, depth), false);
            self.scatter(&columns, &block, &mut last);
        }
        for (to, from) in dx.chunks_mut(self.input_len().max(1)).zip(last.chunks(self.input_len().max(1))) {
            add_transposed(from, to, [self.places.plane, self.inputs]);
        }
        dw
    }

    /// Adds `[taps, C, O]` to `[O, C, taps]`.
    fn add_weight<E: Element>(&self, last: &[E], dw: &mut [E]) {
        let (c, taps, o) = (self.inputs, self.places.taps, self.outputs);
        let rows = dw.par_chunks_exact_mut((c * taps).max(1)).with_min_len(8).enumerate();
        rows.for_each(|(row, values)| {
            for (channel, values) in values.chunks_exact_mut(taps).enumerate() {
                let from = last[channel * o + row..].iter().step_by(c * o);
                values.iter_mut().zip(from).for_each(|(v, l)| *v += *l);
            }
        });
    }

    /// For each row of a block, the elements of its window: zero on padding.
    fn columns<E: Element>(&self, x: &[E], block: &std::ops::Range<usize>, columns: &mut Vec<E>) {
        let (depth, c) = (self.depth(), self.inputs);
        columns.clear();
        columns.resize(block.len() * depth, E::default());
        for (row, out) in block.clone().zip(columns.chunks_exact_mut(depth)) {
            let image = &x[row / self.places.positions * self.input_len()..];
            for s in &self.windows[row % self.places.positions] {
                let from = &image[s.pixel * c..(s.pixel + s.taps) * c];
                out[s.tap * c..(s.tap + s.taps) * c].copy_from_slice(from);
            }
        }
    }

    /// Adds the gradients of columns to the pixels that they were read from.
    fn scatter<E: Element>(&self, columns: &[E], block: &std::ops::Range<usize>, x: &mut [E]) {
        let (depth, c) = (self.depth(), self.inputs);
        for (row, values) in block.clone().zip(columns.chunks_exact(depth)) {
            let image = &mut x[row / self.places.positions * self.input_len()..];
            for s in &self.windows[row % self.places.positions] {
                let to = &mut image[s.pixel * c..(s.pixel + s.taps) * c];
                to.iter_mut().zip(&values[s.tap * c..]).for_each(|(t, v)| *t += *v);
            }
        }
    }

    /// Rows `[row, O]` of a block to `[N, O, positions]`.
    fn spread_rows<E: Element>(&self, rows: &[E], block: &std::ops::Range<usize>, y: &mut [E]) {
        self.pieces(block, |image, from, positions| {
            let rows = &rows[from * self.outputs..(from + positions.len()) * self.outputs];
            for o in 0..self.outputs {
                let start = image * self.output_len() + o * self.places.positions;
                let to = &mut y[start + positions.start..start + positions.end];
                to.iter_mut().zip(rows[o..].iter().step_by(self.outputs)).for_each(|(t, v)| *t = *v);
            }
        });
    }

    /// The rows `[row, O]` of a block from `[N, O, positions]`.
    fn gather_rows<E: Element>(&self, dy: &[E], block: &std::ops::Range<usize>, rows: &mut Vec<E>) {
        rows.resize(block.len() * self.outputs, E::default());
        self.pieces(block, |image, from, positions| {
            let rows = &mut rows[from * self.outputs..(from + positions.len()) * self.outputs];
            for o in 0..self.outputs {
                let start = image * self.output_len() + o * self.places.positions;
                let values = &dy[start + positions.start..start + positions.end];
                rows[o..].iter_mut().step_by(self.outputs).zip(values).for_each(|(t, v)| *t = *v);
            }
        });
    }

    /// The parts of a block that lie in one image: its number, the first row in the block, and the positions.
    fn pieces(
        &self,
        block: &std::ops::Range<usize>,
        mut body: impl FnMut(usize, usize, std::ops::Range<usize>),
    ) {
        let positions = self.places.positions;
        let mut row = block.start;
        while row < block.end {
            let (image, first) = (row / positions, row % positions);
            let end = (first + block.end - row).min(positions);
            body(image, row - block.start, first..end);
            row += end - first;
        }
    }
}

/// Neighbouring taps of a window that cover neighbouring pixels.
fn stretches(places: &Places, position: usize) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = vec![];
    for tap in 0..places.taps {
        let pixel = places.row(tap, position..position + 1)[0];
        if pixel == OUTSIDE {
            continue;
        }
        let pixel = pixel as usize;
        match found.last_mut() {
            Some(s) if s.tap + s.taps == tap && s.pixel + s.taps == pixel => s.taps += 1,
            _ => found.push(Stretch { tap, pixel, taps: 1 }),
        }
    }
    found
}

/// `[rows, columns]` to `[columns, rows]`.
fn transpose<E: Element>(from: &[E], to: &mut [E], [rows, columns]: [usize; 2]) {
    for (c, out) in to.chunks_exact_mut(rows.max(1)).enumerate().take(columns) {
        out.iter_mut().zip(from[c..].iter().step_by(columns)).for_each(|(t, v)| *t = *v);
    }
}

/// Adds `[rows, columns]` to `[columns, rows]`.
fn add_transposed<E: Element>(from: &[E], to: &mut [E], [rows, columns]: [usize; 2]) {
    for (c, out) in to.chunks_exact_mut(rows.max(1)).enumerate().take(columns) {
        out.iter_mut().zip(from[c..].iter().step_by(columns)).for_each(|(t, v)| *t += *v);
    }
}
