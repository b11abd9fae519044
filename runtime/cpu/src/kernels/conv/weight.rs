//! The transpose of a convolution in its weight.

use std::ops::Range;

use super::columns::{Across, Columns, Lines, Planes};
use super::dealt::dealt;
use super::{Channels, Method, Pass, Problem, floats, lanes, outer, thin, winograd};
use crate::element::Element;
use crate::kernels::micro::{LEFT, RIGHT, STEP};
use crate::kernels::product::{Piece, Size, Target, multiply, part};
use crate::kernels::scratch::Scratch;
use crate::kernels::vector::isa;
use crate::kernels::window::{Moves, Windows};
use crate::memory::Shared;
use crate::workers::{map, pieces};

/// Sums at least so long are added up along rows as they lie in memory; shorter ones are not worth adding up vectors at their ends.
const LONG: usize = 768;
/// Nor are those of a gradient with more sums than so many for each term: there is work enough for every copy into panels.
const BROAD: usize = 16;
/// Terms of a sum that are copied at a time.
const TERMS: usize = 1024;
/// Rows of the gradient that are copied at a time.
const OUTPUTS: usize = 64;
/// Rows of windows that are copied at a time, at most.
const INPUTS: usize = 128;
/// Tasks that are enough for any machine, and for a small one.
const TASKS: usize = 16;
const ENOUGH: usize = 6;

/// `[N, C, ..] * [N, O, ..] -> [O, C / groups, ..]`, all in row-major order.
pub(crate) fn conv_weight<T: Element>(
    [(x, x_shape), (y, y_shape)]: [(&[T], &[usize]); 2],
    (w, w_shape): (&mut [T], &[usize]),
    moves: &Moves<'_>,
    groups: i64,
) {
    let channels = Channels::new(x_shape, y_shape, groups);
    let windows = Windows::new(moves, &w_shape[2..], [&y_shape[2..], &x_shape[2..]]);
    if w.is_empty() {
        return;
    }
    let shapes = [x_shape, w_shape, y_shape];
    match Problem::new(Pass::Weight, shapes, moves, groups, T::floats(x).is_some()).method() {
        Method::Planes => return thin::weight(&windows, channels, [x, y], w),
        Method::Lanes => {
            if let (Some([x, y]), Some(w)) = (floats([x, y]), T::floats_mut(w))
                && lanes::weight([(x, x_shape), (y, y_shape)], (w, w_shape), moves, channels)
            {
                return;
            }
        }
        Method::Winograd => {
            if let (Some([x, y]), Some(w)) = (floats([x, y]), T::floats_mut(w)) {
                return winograd::weight([(x, x_shape), (y, y_shape)], w, moves, channels);
            }
        }
        Method::Direct => {
            if let (Some([x, y]), Some(w)) = (floats([x, y]), T::floats_mut(w)) {
                return outer::weight([(x, x_shape), (y, y_shape)], (w, w_shape), moves, channels);
            }
        }
        Method::Windows | Method::Pointwise => {}
    }
    let (columns, terms) = (channels.own * windows.taps(), channels.images * windows.count());
    let (x, windows) = dealt(windows, x);
    let lines = windows.lines();
    pieces(w, channels.shared * columns, |group, w| {
        let first = group * channels.own;
        let inputs =
            Columns { windows: &windows, lines: &lines, elements: &x, channels: channels.inputs(), first };
        let outputs = Planes {
            elements: y,
            plane: windows.count(),
            channels: channels.outputs(),
            first: group * channels.shared,
        };
        let size = Size { rows: channels.shared, columns, terms };
        if terms >= LONG.max(channels.shared * columns / BROAD) {
            along(&outputs, &inputs, w, size, windows.count());
        } else {
            let elements = &Shared::new(w);
            let pieces =
                |part: Range<usize>| vec![Piece { column: 0, len: part.len(), place: part.start, step: 1 }];
            let target = Target { elements, row: columns, add: false, pieces };
            let (rows, columns) = (size.rows, size.columns);
            multiply(
                &Across { lines: &outputs, count: rows },
                &Across { lines: &inputs, count: columns },
                &target,
                size,
            );
        }
    });
}

/// Sums along lines: parts of the columns are tasks of their own, and parts of the terms where those are few.
fn along<T: Element>(a: &impl Lines<T>, b: &impl Lines<T>, w: &mut [T], size: Size, plane: usize) {
    let (mut wide, deepest) = (size.columns.div_ceil(INPUTS), size.terms.div_ceil(2 * TERMS));
    if wide * deepest < ENOUGH {
        // Narrow parts copy the rows of the gradient more often.
        wide = size.columns.div_ceil(2 * RIGHT).min(ENOUGH.div_ceil(deepest));
    }
    let deep = (TASKS / wide).clamp(1, deepest);
    let parts: Vec<Scratch<T>> = map(wide * deep, |task| {
        let columns = part(size.columns, wide, task % wide);
        let terms = part(size.terms.div_ceil(STEP), deep, task / wide);
        let terms = terms.start * STEP..(terms.end * STEP).min(size.terms);
        sums(a, b, size.rows, columns, (terms, plane))
    });
    pieces(w, size.columns, |row, w| {
        for (number, own) in parts.iter().enumerate() {
            let columns = part(size.columns, wide, number % wide);
            let from = &own[row * columns.len()..(row + 1) * columns.len()];
            let to = &mut w[columns];
            match number < wide {
                true => to.copy_from_slice(from),
                false => to.iter_mut().zip(from).for_each(|(to, from)| *to = to.add(*from)),
            }
        }
    });
}

/// The sums of some columns over some terms, row by row. `plane` terms belong to an image.
fn sums<T: Element>(
    a: &impl Lines<T>,
    b: &impl Lines<T>,
    rows: usize,
    columns: Range<usize>,
    (terms, plane): (Range<usize>, usize),
) -> Scratch<T> {
    let width = columns.len();
    let mut result = Scratch::<T>::zeros(rows * width);
    let mut right = Rows::new(b, width.min(INPUTS), terms.len());
    let mut left = Rows::new(a, rows.min(OUTPUTS), terms.len());
    for own in pieces_of(terms, plane) {
        right.take(columns.clone(), own.clone());
        for top in (0..rows).step_by(OUTPUTS) {
            let some = top..(top + OUTPUTS).min(rows);
            left.take(some.clone(), own.clone());
            for j in (0..width).step_by(RIGHT) {
                let b = std::array::from_fn(|k| right.row(j + k));
                for i in (0..some.len()).step_by(LEFT) {
                    let sums = T::dots(isa(), std::array::from_fn(|k| left.row(i + k)), b);
                    let kept = sums.iter().take(some.len() - i).enumerate();
                    for (k, sums) in kept {
                        let to = &mut result[(top + i + k) * width + j..][..RIGHT.min(width - j)];
                        to.iter_mut().zip(sums).for_each(|(to, sum)| *to = to.add(*sum));
                    }
                }
            }
        }
    }
    result
}

/// Terms cut into pieces of about equal length that are read or copied at a time. Where planes allow it no piece belongs to two images.
fn pieces_of(terms: Range<usize>, plane: usize) -> impl Iterator<Item = Range<usize>> {
    let mut at = terms.start;
    std::iter::from_fn(move || {
        let whole = if plane.is_multiple_of(STEP) { (at / plane + 1) * plane } else { terms.end };
        let rest = whole.min(terms.end) - at;
        let len = rest.div_ceil(rest.div_ceil(TERMS).max(1)).next_multiple_of(STEP).min(rest);
        at += len;
        (len > 0).then(|| at - len..at)
    })
}

/// Rows to be multiplied: as they lie in memory where they do so side by side, else copied.
struct Rows<'a, T: Element, L> {
    lines: &'a L,
    copy: Scratch<T>,
    pitch: usize,
    /// What was taken, and whether it was copied.
    own: Range<usize>,
    terms: Range<usize>,
    copied: bool,
}

impl<'a, T: Element, L: Lines<T>> Rows<'a, T, L> {
    /// At most so many at a time, of at most so many terms.
    fn new(lines: &'a L, most: usize, terms: usize) -> Self {
        // Rows a power of two apart would fall into the same lines of the first cache.
        let pitch = TERMS.min(terms).next_multiple_of(STEP) + STEP;
        Rows { lines, copy: Scratch::of(most * pitch), pitch, own: 0..0, terms: 0..0, copied: false }
    }

    fn take(&mut self, own: Range<usize>, terms: Range<usize>) {
        let lies = terms.len().is_multiple_of(STEP) && self.lines.line(own.start, terms.clone()).is_some();
        self.copied = !lies;
        if self.copied {
            self.lines.fill(own.clone(), terms.clone(), self.pitch, &mut self.copy);
        }
        (self.own, self.terms) = (own, terms);
    }

    /// A row of those that were taken. Behind the last one it comes again, so that the innermost loop always has as many.
    #[inline]
    fn row(&self, number: usize) -> &[T] {
        let number = number.min(self.own.len() - 1);
        let len = self.terms.len().next_multiple_of(STEP);
        match self.copied {
            true => &self.copy[number * self.pitch..][..len],
            false => self.lines.line(self.own.start + number, self.terms.clone()).unwrap_or_default(),
        }
    }
}
