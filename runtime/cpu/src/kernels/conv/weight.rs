//! The transpose of a convolution in its weight.

use std::ops::Range;

use super::columns::{Across, Columns, Lines, Planes};
use super::dealt::dealt;
use super::{Channels, Method, Pass, Problem, floats, thin, winograd};
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
/// Terms of a sum that are copied at a time.
const TERMS: usize = 1024;
/// Rows of the gradient that are copied at a time.
const OUTPUTS: usize = 64;
/// Rows of windows that are copied at a time, at most.
const INPUTS: usize = 128;
/// Tasks that are enough for any machine.
const TASKS: usize = 16;

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
        Method::Winograd => {
            if let (Some([x, y]), Some(w)) = (floats([x, y]), T::floats_mut(w)) {
                return winograd::weight([(x, x_shape), (y, y_shape)], w, moves, channels);
            }
        }
        Method::Windows => {}
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
        if terms >= LONG {
            along(&outputs, &inputs, w, size);
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
fn along<T: Element>(a: &impl Lines<T>, b: &impl Lines<T>, w: &mut [T], size: Size) {
    let wide = size.columns.div_ceil(INPUTS).max(size.columns.div_ceil(2 * RIGHT).min(TASKS / 2));
    let deep = (TASKS / wide).clamp(1, size.terms.div_ceil(4 * TERMS));
    let parts: Vec<Scratch<T>> = map(wide * deep, |task| {
        let columns = part(size.columns, wide, task % wide);
        let terms = part(size.terms.div_ceil(STEP), deep, task / wide);
        sums(a, b, size.rows, columns, terms.start * STEP..(terms.end * STEP).min(size.terms))
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

/// The sums of some columns over some terms, row by row.
fn sums<T: Element>(
    a: &impl Lines<T>,
    b: &impl Lines<T>,
    rows: usize,
    columns: Range<usize>,
    terms: Range<usize>,
) -> Scratch<T> {
    let (isa, width) = (isa(), columns.len());
    let depth = TERMS.min(terms.len().next_multiple_of(STEP));
    // Rows a power of two apart would fall into the same lines of the first cache.
    let pitch = depth + STEP;
    let mut result = Scratch::<T>::zeros(rows * width);
    // There are rows behind the last one, so that the innermost loop always has as many; their sums are not used.
    let mut right = Scratch::of(width.next_multiple_of(RIGHT) * pitch);
    let mut left = Scratch::of(OUTPUTS.min(rows.next_multiple_of(LEFT)) * pitch);
    for start in terms.clone().step_by(TERMS) {
        let own = start..(start + TERMS).min(terms.end);
        b.fill(columns.clone(), own.clone(), pitch, &mut right);
        for top in (0..rows).step_by(OUTPUTS) {
            let some = top..(top + OUTPUTS).min(rows);
            a.fill(some.clone(), own.clone(), pitch, &mut left);
            for j in (0..width).step_by(RIGHT) {
                let b = std::array::from_fn(|k| &right[(j + k) * pitch..][..depth]);
                for i in (0..some.len()).step_by(LEFT) {
                    let a = std::array::from_fn(|k| &left[(i + k) * pitch..][..depth]);
                    let sums = T::dots(isa, a, b);
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
