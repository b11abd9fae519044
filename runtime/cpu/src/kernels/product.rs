//! Products of matrices that are copied into panels piece by piece.
//!
//! The left operand is copied once, in panels of [`ROWS`] rows. The columns of the right one are cut into panels of [`COLUMNS`]: a task
//! copies a part of a panel that the first caches hold, and multiplies it by all panels of the left one. Where there are few columns they
//! are copied once, and a task copies and multiplies some of the rows. What an operand is (a strided matrix, the windows of an image) and
//! where the product goes are the caller's. The order of each sum is the same whatever the number of threads.

use std::ops::Range;

use super::copy::copy_few;
use super::matrix::Matrix;
use super::micro::{COLUMNS, ROWS};
use super::scratch::Scratch;
use super::vector::{Isa, isa, widest};
use crate::element::Element;
use crate::memory::Shared;
use crate::workers::{each, pieces_where, threads};

/// Terms of a sum that a panel holds at a time.
const DEPTH: usize = 512;
/// Most rows of the left operand that a task goes through with one panel: their part stays in the second cache.
const TALL: usize = 1024;
/// Tasks that are enough for any machine.
const TASKS: usize = 32;
/// Panels, and terms of them, that are copied together.
const GROUP: usize = 8;
const TOGETHER: usize = 8;
/// Panels that are too few to be dealt out.
const FEW: usize = 16;
/// Panels of rows that a task has at least where there are few columns, all of which it reads.
const TALL_ENOUGH: usize = 4;
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

/// A block of a product whose columns lie in several places, before they are put there.
type Block<T> = [[T; COLUMNS]; ROWS];

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
    if has_few_columns(size) {
        return by_rows(&Left::Lines(a), b, target, size);
    }
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
    let len = (GROUP * ROWS * size.terms).max(1);
    pieces_where(!is_small(size), out, len, |number, out| pack_some(a, number * GROUP, size.terms, out));
}

/// Copies panels from one on.
fn pack_some<T: Element>(a: &impl Panels<T>, first: usize, terms: usize, out: &mut [T]) {
    // Where a term of several panels lies in one place of memory a few terms of these are copied at a time.
    let together = if a.has_lines_together() { TOGETHER } else { terms.max(1) };
    for start in (0..terms).step_by(together) {
        let some = start..(start + together).min(terms);
        for (panel, out) in out.chunks_mut(ROWS * terms).enumerate() {
            let out = &mut out[some.start * ROWS..some.end * ROWS];
            a.pack::<ROWS>(some.clone(), (first + panel) * ROWS, out);
        }
    }
}

/// Whether tasks have some of the rows and all columns.
fn has_few_columns(size: Size) -> bool {
    let (high, wide) = (size.rows.div_ceil(ROWS), size.columns.div_ceil(COLUMNS));
    !is_small(size) && wide > 0 && wide < high.min(FEW)
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
    if has_few_columns(size) {
        return by_rows(&Left::<T, Matrix<'_, T>>::Packed(left), b, target, size);
    }
    let (high, wide) = (rows.div_ceil(ROWS), columns.div_ceil(COLUMNS));
    let (across, down) = (wide.min(TASKS), rows.div_ceil(TALL));
    let task = |task: usize| {
        let parts = [part(high, down, task / across), part(wide, across, task % across)];
        let left = &left[parts[0].start * ROWS * size.terms..];
        widest(
            #[inline(always)]
            || strip(left, b, None, target, size, parts),
        );
    };
    match is_small(size) {
        true => (0..across * down).for_each(task),
        false => each(across * down, task),
    }
}

/// A left operand in panels, or as it lies.
enum Left<'a, T, A> {
    Packed(&'a [T]),
    Lines(&'a A),
}

/// Where there are few columns: they are copied once, and each task has some of the rows, which it copies near itself.
fn by_rows<T: Element, F: Fn(Range<usize>) -> Vec<Piece> + Sync>(
    left: &Left<'_, T, impl Panels<T>>,
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
    // As many for each thread: which rows belong together makes no difference to their sums.
    let most = high.div_ceil(TALL_ENOUGH).min(TASKS);
    let tasks = if most > threads() { most - most % threads() } else { most };
    each(tasks, |task| {
        let rows = part(high, tasks, task);
        let mut own;
        let left = match left {
            Left::Packed(all) => &all[rows.start * ROWS * size.terms..],
            Left::Lines(a) => {
                own = Scratch::of(rows.len() * ROWS * size.terms);
                pack_some(*a, rows.start, size.terms, &mut own);
                &own[..]
            }
        };
        widest(
            #[inline(always)]
            || strip(left, b, Some(&right), target, size, [rows, 0..wide]),
        )
    });
}

/// One of several parts, all about equally large.
pub(crate) fn part(of: usize, parts: usize, number: usize) -> Range<usize> {
    of * number / parts..of * (number + 1) / parts
}

/// Some panels of rows, of which the left operand has no others before, by some panels of columns, which may have been copied before.
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
    let mut apart: Block<T> = [[T::default(); COLUMNS]; ROWS];
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
            let pieces = (target.pieces)(columns.clone());
            for row in down.clone() {
                let left =
                    &left[((row - down.start) * size.terms + terms.start) * ROWS..][..terms.len() * ROWS];
                let rows = row * ROWS..((row + 1) * ROWS).min(size.rows);
                target.block(isa, [left, panel], (rows, &pieces), add, &mut apart);
            }
        }
    }
}

impl<T: Element, F> Target<'_, T, F> {
    /// A block of the product: some rows and the columns of some pieces, each of which begins where the one before ends.
    #[inline(always)]
    fn block(
        &self,
        isa: Isa,
        [left, panel]: [&[T]; 2],
        (rows, pieces): (Range<usize>, &[Piece]),
        add: bool,
        apart: &mut Block<T>,
    ) {
        // Rows lie far apart: they are on their way while their sums are made.
        for row in rows.clone() {
            pieces.iter().for_each(|piece| self.elements.fetch(row * self.row + piece.place, piece.len));
        }
        if let [Piece { len, place, step: 1, .. }] = *pieces {
            let mut at = rows.clone();
            let mut to: [&mut [T]; ROWS] = std::array::from_fn(|_| match at.next() {
                Some(row) => self.elements.run(row * self.row + place, len),
                None => &mut [],
            });
            return T::block(isa, left, panel, &mut to[..rows.len()], add);
        }
        let columns = pieces.iter().map(|piece| piece.len).sum();
        let mut to = apart.each_mut().map(|row| &mut row[..columns]);
        T::block(isa, left, panel, &mut to[..rows.len()], false);
        for (row, from) in rows.zip(&*apart) {
            pieces.iter().for_each(|piece| put(self.elements, from, *piece, row * self.row, add));
        }
    }
}

/// Writes a piece of a row.
#[inline(always)]
fn put<T: Element>(into: &Shared<'_, T>, from: &[T], piece: Piece, row: usize, add: bool) {
    let (from, at) = (&from[piece.column..piece.column + piece.len], row + piece.place);
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
        false => copy_few(from, to),
        true => to.iter_mut().zip(from).for_each(|(to, from)| *to = to.add(*from)),
    }
}
