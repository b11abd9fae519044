//! Products of matrices that are copied into panels piece by piece.
//!
//! The left operand is copied once, in panels of [`ROWS`] rows. The columns of the right one are cut into panels of [`COLUMNS`]: a task
//! copies a part of a panel that the first cache holds, and multiplies it by all panels of the left one. What an operand is (a strided
//! matrix, the windows of an image) and where the product goes are the caller's. The order of each sum is the same whatever the number of
//! threads.

use std::ops::Range;

use super::micro::{Block, COLUMNS, ROWS};
use super::scratch::Scratch;
use super::vector::{isa, widest};
use crate::element::Element;
use crate::memory::Shared;
use crate::workers::{each, pieces};

/// Terms of a sum that a panel holds at a time.
const DEPTH: usize = 256;
/// Most rows of the left operand that a task goes through with one panel: their part stays in the second cache.
const TALL: usize = 1024;
/// Tasks that are enough for any machine.
const TASKS: usize = 32;
/// Products below which other cores are not worth waking.
const SMALL: usize = 1 << 16;

/// An operand; its terms are counted along the axis that is summed over, its lines along the other one.
pub(crate) trait Panels<T>: Sync {
    /// For each term of a range `W` elements: those of as many lines from the first one on, 0 behind the last line.
    fn pack<const W: usize>(&self, terms: Range<usize>, first: usize, out: &mut [T]);
}

/// Neighbouring columns of a product whose places are at a regular distance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    /// The first column, counted from the panel's.
    pub(crate) column: usize,
    pub(crate) len: usize,
    /// Place of the first column's element in the product's first row.
    pub(crate) place: usize,
    /// How far neighbours are apart.
    pub(crate) step: usize,
}

/// Where a product goes.
pub(crate) struct Target<'a, T, F> {
    pub(crate) elements: &'a Shared<'a, T>,
    /// How far rows are apart.
    pub(crate) row: usize,
    /// Whether the product is added to what is there.
    pub(crate) add: bool,
    /// The places of some columns.
    pub(crate) pieces: F,
}

/// Rows and columns of a product, and terms of each of its sums.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) terms: usize,
}

/// Multiplies.
pub(crate) fn multiply<T: Element, F: Fn(Range<usize>) -> Vec<Piece> + Sync>(
    a: &impl Panels<T>,
    b: &impl Panels<T>,
    target: &Target<'_, T, F>,
    size: Size,
) {
    let mut left = Scratch::of(packed(size));
    pack(a, size, &mut left);
    multiply_packed(&left, b, target, size);
}

/// Elements of a left operand in panels.
pub(crate) fn packed(size: Size) -> usize {
    size.rows.div_ceil(ROWS) * ROWS * size.terms
}

/// Copies a left operand into panels, which [`packed`] counts.
pub(crate) fn pack<T: Element>(a: &impl Panels<T>, size: Size, out: &mut [T]) {
    let pack = |(panel, out): (usize, &mut [T])| a.pack::<ROWS>(0..size.terms, panel * ROWS, out);
    match (ROWS * size.terms).max(1) {
        panel if is_small(size) => out.chunks_mut(panel).enumerate().for_each(pack),
        panel => pieces(out, panel, |number, out| pack((number, out))),
    }
}

fn is_small(size: Size) -> bool {
    size.rows * size.columns * size.terms < SMALL
}

/// Multiplies by a left operand that lies in panels.
pub(crate) fn multiply_packed<T: Element, F: Fn(Range<usize>) -> Vec<Piece> + Sync>(
    left: &[T],
    b: &impl Panels<T>,
    target: &Target<'_, T, F>,
    size: Size,
) {
    let Size { rows, columns, .. } = size;
    if rows == 0 || columns == 0 {
        return;
    }
    let (tasks, across, down) = tasks(size);
    let task = |task: usize| {
        let (across, down) = (
            part(columns.div_ceil(COLUMNS), across, task % across),
            part(rows.div_ceil(ROWS), down, task / across),
        );
        widest(|| strip(left, b, target, size, [down, across]));
    };
    match is_small(size) {
        true => (0..tasks).for_each(task),
        false => each(tasks, task),
    }
}

/// How many tasks there are, and into how many parts columns and rows are cut.
fn tasks(size: Size) -> (usize, usize, usize) {
    let across = size.columns.div_ceil(COLUMNS).min(TASKS);
    // Few columns: the rows are spread, although each of their tasks copies the columns.
    let spread = (8 / across).min(size.rows.div_ceil(8 * ROWS));
    let down = size.rows.div_ceil(TALL).max(spread).max(1);
    (across * down, across, down)
}

/// One of several parts, all about equally large.
pub(crate) fn part(of: usize, parts: usize, number: usize) -> Range<usize> {
    of * number / parts..of * (number + 1) / parts
}

/// Some panels of rows by some panels of columns.
#[inline(always)]
fn strip<T: Element, F: Fn(Range<usize>) -> Vec<Piece> + Sync>(
    left: &[T],
    b: &impl Panels<T>,
    target: &Target<'_, T, F>,
    size: Size,
    [down, across]: [Range<usize>; 2],
) {
    let isa = isa();
    let mut panel = Scratch::of(DEPTH.min(size.terms) * COLUMNS);
    let mut block: Block<T> = [T::default(); ROWS * COLUMNS];
    // Without terms there is still a sum of nothing to be written.
    let depths = size.terms.div_ceil(DEPTH).max(1);
    for depth in 0..depths {
        let terms = part(size.terms, depths, depth);
        let add = target.add || depth > 0;
        for column in across.clone() {
            let columns = column * COLUMNS..((column + 1) * COLUMNS).min(size.columns);
            let panel = &mut panel[..terms.len() * COLUMNS];
            b.pack::<COLUMNS>(terms.clone(), columns.start, panel);
            let pieces = (target.pieces)(columns);
            for row in down.clone() {
                let left = &left[(row * size.terms + terms.start) * ROWS..][..terms.len() * ROWS];
                T::block(isa, left, panel, &mut block);
                let rows = row * ROWS..((row + 1) * ROWS).min(size.rows);
                for (own, row) in rows.enumerate() {
                    let from = &block[own * COLUMNS..(own + 1) * COLUMNS];
                    pieces.iter().for_each(|piece| put(target.elements, from, *piece, row * target.row, add));
                }
            }
        }
    }
}

/// Writes a piece of a row.
#[inline(always)]
fn put<T: Element>(into: &Shared<'_, T>, from: &[T], piece: Piece, row: usize, add: bool) {
    let (from, at) = (&from[piece.column..piece.column + piece.len], row + piece.place);
    // Of known length it is a few instructions, else a call or a loop.
    if let (Ok(from), 1) = (<&[T; COLUMNS]>::try_from(from), piece.step) {
        let Some(to) = into.run(at, COLUMNS).first_chunk_mut::<COLUMNS>() else { return };
        match add {
            false => *to = *from,
            true => *to = std::array::from_fn(|i| to[i].add(from[i])),
        }
        return;
    }
    if piece.step != 1 {
        // What lies between them may be another task's.
        for (i, from) in from.iter().enumerate() {
            let at = at + i * piece.step;
            into.set(at, if add { into.get(at).add(*from) } else { *from });
        }
        return;
    }
    let to = into.run(at, piece.len);
    match add {
        false => to.copy_from_slice(from),
        true => to.iter_mut().zip(from).for_each(|(to, from)| *to = to.add(*from)),
    }
}
