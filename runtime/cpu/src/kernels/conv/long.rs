//! The transpose in the weight where sums are long: rows of two operands multiplied with each other along their terms.
//!
//! The rows of one operand become the lanes of vectors: a few hundred of their terms are turned into panels, which is little work beside the
//! products with all rows of the other operand, and those are read as they lie. Each task has terms and sums of its own.

use std::ops::Range;

use super::columns::{Across, Lines};
use crate::kernels::micro::{COLUMNS, Left, ROWS};
use crate::kernels::product::{Panels, Size, part};
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{LANES, Parts, Simd, in_parts};
use crate::kernels::vector::widest;
use crate::memory::Shared;
use crate::workers::each;

/// Most terms that are turned at a time: their panel and the rows of a block stay in the first cache.
const TERMS: usize = 256;
/// Terms that a task is at least worth, and most tasks.
const WORTH: usize = TERMS;
const TASKS: usize = 16;
/// What it costs to turn an element, beside a product of vectors.
const TURNED: usize = 10;
/// Rows of sums that are put together at a time.
const TOGETHER: usize = 32;

/// Writes `a b'`, row by row. `plane` terms belong to an image.
pub(super) fn multiply(a: &impl Lines<f32>, b: &impl Lines<f32>, w: &mut [f32], size: Size, plane: usize) {
    let cost = |lanes: usize, rows: usize| wide(lanes).min(narrow(lanes)) * (rows + TURNED);
    let pieces = pieces(size.terms, plane);
    match cost(size.columns, size.rows) <= cost(size.rows, size.columns) {
        true => Long { lanes: b, rows: a, size: [size.columns, size.rows], pieces }.compute(w, false),
        false => Long { lanes: a, rows: b, size: [size.rows, size.columns], pieces }.compute(w, true),
    }
}

/// What products with some lanes cost, in panels of two vectors and of one. Each row's element is loaded for every panel: one vector
/// makes less of that than two.
fn wide(lanes: usize) -> usize {
    8 * lanes.next_multiple_of(COLUMNS)
}

fn narrow(lanes: usize) -> usize {
    9 * lanes.next_multiple_of(LANES)
}

/// Terms in pieces of about equal length that are turned at a time. Where planes are long enough no piece belongs to two images.
fn pieces(terms: usize, plane: usize) -> Vec<Range<usize>> {
    let whole = if plane >= TERMS / 2 { plane } else { terms.max(1) };
    let starts = (0..terms).step_by(whole);
    let cut = |start: usize| {
        let len = whole.min(terms - start);
        let count = len.div_ceil(TERMS);
        (0..count)
            .map(move |number| part(len, count, number))
            .map(move |own| start + own.start..start + own.end)
    };
    starts.flat_map(cut).collect()
}

struct Long<'a, L, R> {
    /// Lines that become lanes, and those that are read as they lie.
    lanes: &'a L,
    rows: &'a R,
    /// How many there are of each.
    size: [usize; 2],
    pieces: Vec<Range<usize>>,
}

impl<L: Lines<f32>, R: Lines<f32>> Long<'_, L, R> {
    /// `turned` says that lanes are the rows of the result.
    fn compute(&self, w: &mut [f32], turned: bool) {
        match narrow(self.size[0]) < wide(self.size[0]) {
            true => self.in_panels::<LANES>(w, turned),
            false => self.in_panels::<COLUMNS>(w, turned),
        }
    }

    /// In panels of `W` lanes.
    fn in_panels<const W: usize>(&self, w: &mut [f32], turned: bool) {
        let [lanes, rows] = self.size;
        let panels = lanes.div_ceil(W);
        let terms = self.pieces.last().map_or(0, |piece| piece.end);
        let tasks = (terms / WORTH).clamp(1, TASKS.min(self.pieces.len().max(1)));
        let len = panels * rows * W;
        let mut sums = Scratch::of(tasks * len);
        in_parts(tasks, &Tasks::<_, _, W> { long: self, tasks, len, sums: &Shared::new(&mut sums) });
        let sums = Sums::<W> { of_tasks: sums.as_chunks().0, tasks, size: self.size, turned };
        let (count, w) = (panels * rows, Shared::new(w));
        each(count.div_ceil(TOGETHER), |number| {
            let some = number * TOGETHER..((number + 1) * TOGETHER).min(count);
            widest(
                #[inline(always)]
                || some.for_each(|at| sums.put(at, &w)),
            );
        });
    }
}

/// The sums of all tasks, for each panel and row those of the panel's lanes.
struct Sums<'a, const W: usize> {
    of_tasks: &'a [[f32; W]],
    tasks: usize,
    /// Lanes and rows.
    size: [usize; 2],
    turned: bool,
}

impl<const W: usize> Sums<'_, W> {
    /// Adds up those of one row, and writes them.
    #[inline(always)]
    fn put(&self, at: usize, w: &Shared<'_, f32>) {
        let [lanes, rows] = self.size;
        let (lane, row) = (at / rows * W, at % rows);
        let mut sum = self.of_tasks[at];
        for more in self.of_tasks[at..].iter().step_by(self.of_tasks.len() / self.tasks).skip(1) {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
        let own = &sum[..W.min(lanes - lane)];
        if self.turned {
            return own.iter().enumerate().for_each(|(i, sum)| w.set((lane + i) * rows + row, *sum));
        }
        w.run(row * lanes + lane, own.len()).copy_from_slice(own);
    }
}

/// Some pieces each.
struct Tasks<'a, L, R, const W: usize> {
    long: &'a Long<'a, L, R>,
    tasks: usize,
    /// The sums of all tasks, for each panel and row those of the panel's lanes, and how many each task has.
    sums: &'a Shared<'a, f32>,
    len: usize,
}

impl<L: Lines<f32>, R: Lines<f32>, const W: usize> Parts for Tasks<'_, L, R, W> {
    /// A panel, and copies of rows that do not lie one after the other.
    type Memory = (Scratch<f32>, Scratch<f32>);

    fn memory(&self) -> Self::Memory {
        (Scratch::of(TERMS * W), Scratch::of(TERMS * self.long.size[1]))
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, (panel, copy): &mut Self::Memory) {
        let Long { lanes, rows, size: [count, height], pieces } = self.long;
        let sums = self.sums.run(number * self.len, self.len).as_chunks_mut::<W>().0;
        let own = part(pieces.len(), self.tasks, number);
        if own.is_empty() {
            return sums.fill([0.0; W]);
        }
        let lanes = Across { lines: *lanes, count: *count };
        for piece in own.clone() {
            let terms = pieces[piece].clone();
            let (elements, pitch) = match rows.lie(0..*height, terms.clone()) {
                Some(lying) => lying,
                None => {
                    rows.fill(0..*height, terms.clone(), terms.len(), copy);
                    (&copy[..], terms.len())
                }
            };
            for (number, sums) in sums.chunks_exact_mut(*height).enumerate() {
                let panel = &mut panel[..terms.len() * W];
                lanes.pack::<W>(terms.clone(), number * W, panel);
                for (block, sums) in sums.chunks_mut(ROWS).enumerate() {
                    let left = Left { elements: &elements[block * ROWS * pitch..], row: pitch, term: 1 };
                    simd.product(left, panel, sums, piece > own.start);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_each_other_and_belong_to_one_image() {
        for (terms, plane) in [(0, 5), (12544, 3136), (600, 49), (784, 196), (3, 1), (1026, 513), (512, 128)]
        {
            let pieces = pieces(terms, plane);
            let mut end = 0;
            for piece in &pieces {
                assert_eq!(piece.start, end, "{terms} of {plane}");
                assert!((1..=TERMS).contains(&piece.len()), "{piece:?}");
                assert!(
                    plane < TERMS / 2 || piece.start / plane == (piece.end - 1) / plane,
                    "{piece:?} of {plane}"
                );
                end = piece.end;
            }
            assert_eq!(end, terms);
        }
    }
}
