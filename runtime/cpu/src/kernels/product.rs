//! Products of matrices that are copied into panels piece by piece.
//!
//! The left operand is copied once, in panels of [`ROWS`] rows. The columns of the right one are cut into panels of [`COLUMNS`]: a task
//! copies a part of a panel that the first cache holds, and multiplies it by all panels of the left one. Where there are few columns they
//! are copied once, too, and a task has some of the rows. What an operand is (a strided matrix, the windows of an image) and where the
//! product goes are the caller's. The order of each sum is the same whatever the number of threads.

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
/// Panels, and terms of them, that are copied together.
const GROUP: usize = 8;
const TOGETHER: usize = 64;
/// Panels that are too few to be dealt out.
const FEW: usize = 16;
/// Products below which other cores are not worth waking.
const SMALL: usize = 1 << 16;

/// An operand; its terms are counted along the axis that is summed over, its lines along the other one.
pub(crate) trait Panels<T>: Sync {
    /// For each term of a range `W` elements: those of as many lines from the first one on, 0 behind the last line.
    fn pack<const W: usize>(&self, terms: Range<usize>, first: usize, out: &mut [T]);

    /// Whether lines lie side by side, rather than terms.
    fn has_lines_together(&self) -> bool;
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
    let len = (ROWS * size.terms).max(1);
    // Where a term of several panels lies in one place of memory a few terms of these are copied at a time.
    let together = if a.has_lines_together() { TOGETHER } else { size.terms.max(1) };
    let pack = |(number, out): (usize, &mut [T])| {
        for start in (0..size.terms).step_by(together) {
            let terms = start..(start + together).min(size.terms);
            for (panel, out) in out.chunks_mut(len).enumerate() {
                let out = &mut out[start * ROWS..terms.end * ROWS];
                a.pack::<ROWS>(terms.clone(), (number * GROUP + panel) * ROWS, out);
            }
        }
    };
    match is_small(size) {
        true => out.chunks_mut(GROUP * len).enumerate().for_each(pack),
        false => pieces(out, GROUP * len, |number, out| pack((number, out))),
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
    let (high, wide) = (rows.div_ceil(ROWS), columns.div_ceil(COLUMNS));
    if !is_small(size) && wide < high.min(FEW) {
        return by_rows(left, b, target, size);
    }
    let (across, down) = (wide.min(TASKS), rows.div_ceil(TALL));
    let task = |task: usize| {
        let parts = [part(high, down, task / across), part(wide, across, task % across)];
        widest(|| strip(left, b, None, target, size, parts));
    };
    match is_small(size) {
        true => (0..across * down).for_each(task),
        false => each(across * down, task),
    }
}

/// Where there are few columns: they are copied once, and each task has some of the rows.
fn by_rows<T: Element, F: Fn(Range<usize>) -> Vec<Piece> + Sync>(
    left: &[T],
    b: &impl Panels<T>,
    target: &Target<'_, T, F>,
    size: Size,
) {
    let (high, wide) = (size.rows.div_ceil(ROWS), size.columns.div_ceil(COLUMNS));
    let mut right = Scratch::of(wide * COLUMNS * size.terms);
    let depths = size.terms.div_ceil(DEPTH);
    let shared = Shared::new(&mut right);
    each(wide * depths, |piece| {
        let (panel, terms) = (piece / depths, part(size.terms, depths, piece % depths));
        let out = shared.run((panel * size.terms + terms.start) * COLUMNS, terms.len() * COLUMNS);
        b.pack::<COLUMNS>(terms, panel * COLUMNS, out);
    });
    let tasks = high.min(TASKS);
    each(tasks, |task| {
        widest(|| strip(left, b, Some(&right), target, size, [part(high, tasks, task), 0..wide]))
    });
}

/// One of several parts, all about equally large.
pub(crate) fn part(of: usize, parts: usize, number: usize) -> Range<usize> {
    of * number / parts..of * (number + 1) / parts
}

/// Some panels of rows by some panels of columns, which may have been copied before.
#[inline(always)]
fn strip<T: Element, F: Fn(Range<usize>) -> Vec<Piece> + Sync>(
    left: &[T],
    b: &impl Panels<T>,
    copied: Option<&[T]>,
    target: &Target<'_, T, F>,
    size: Size,
    [down, across]: [Range<usize>; 2],
) {
    let isa = isa();
    let mut own = Scratch::of(if copied.is_some() { 0 } else { DEPTH.min(size.terms) * COLUMNS });
    let mut block: Block<T> = [T::default(); ROWS * COLUMNS];
    // Without terms there is still a sum of nothing to be written.
    let depths = size.terms.div_ceil(DEPTH).max(1);
    for depth in 0..depths {
        let terms = part(size.terms, depths, depth);
        let add = target.add || depth > 0;
        for column in across.clone() {
            let columns = column * COLUMNS..((column + 1) * COLUMNS).min(size.columns);
            let panel = match copied {
                Some(copied) => &copied[(column * size.terms + terms.start) * COLUMNS..],
                None => {
                    b.pack::<COLUMNS>(terms.clone(), columns.start, &mut own[..terms.len() * COLUMNS]);
                    &own
                }
            };
            let panel = &panel[..terms.len() * COLUMNS];
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
