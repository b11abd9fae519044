//! The transpose of a convolution in its weight.

use std::ops::Range;

use super::apart::{Apart, with_sizes};
use super::columns::{Across, Columns, Lines, Planes};
use super::dealt::dealt;
use super::phases::Phases;
use super::{
    Channels, Given, Method, Pass, Problem, bands, floats, lanes, long, outer, phases, thin, winograd,
};
use crate::element::Element;
use crate::kernels::product::{Piece, Size, Target, multiply};
use crate::kernels::window::{Moves, Windows};
use crate::memory::Shared;
use crate::workers::pieces;

/// Sums at least so long are added up by tasks with terms of their own, each of which has a gradient of its own.
const LONG: usize = 768;
/// Those of a gradient with more sums than so many for each term are not: there is work enough for copies of both operands.
const BROAD: usize = 16;

/// `[N, C, ..] * [N, O, ..] -> [O, C / groups, ..]`, all in row-major order.
pub(crate) fn conv_weight<T: Element>(
    [(x, x_shape), (y, y_shape)]: [(&[T], &[usize]); 2],
    (w, w_shape): (&mut [T], &[usize]),
    moves: &Moves<'_>,
    groups: i64,
) {
    let shapes = [x_shape, w_shape, y_shape];
    if let Some(apart) = Apart::new(shapes, moves) {
        let (x, x_shape) = (apart.taken(x), with_sizes(x_shape, y_shape));
        return conv_weight([(&x, &x_shape), (y, y_shape)], (w, w_shape), &apart.moves(), groups);
    }
    let channels = Channels::new(x_shape, y_shape, groups);
    let windows = Windows::new(moves, &w_shape[2..], [&y_shape[2..], &x_shape[2..]]);
    if w.is_empty() {
        return;
    }
    let given = Given { single: T::floats(x).is_some(), kept: false };
    match Problem::new(Pass::Weight, shapes, moves, groups, given).method() {
        Method::Planes => return thin::weight(&windows, channels, [x, y], w),
        Method::Bands => {
            if let (Some([x, y]), Some(w)) = (floats([x, y]), T::floats_mut(w))
                && bands::weight([(x, x_shape), (y, y_shape)], (w, w_shape), moves, channels)
            {
                return;
            }
        }
        Method::Lanes => {
            if let (Some([x, y]), Some(w)) = (floats([x, y]), T::floats_mut(w))
                && lanes::weight([(x, x_shape), (y, y_shape)], (w, w_shape), moves, channels)
            {
                return;
            }
        }
        Method::Winograd => {
            if let (Some([x, y]), Some(w)) = (floats([x, y]), T::floats_mut(w)) {
                return winograd::weight([(x, x_shape), (y, y_shape)], (w, w_shape), moves, channels);
            }
        }
        Method::Phases => {
            if let (Some([x, y]), Some(w)) = (floats([x, y]), T::floats_mut(w))
                && let Some(phases) = Phases::new(shapes, moves, channels)
            {
                return phases::weight(&phases, [x, y], w);
            }
        }
        Method::Direct => {
            if let (Some([x, y]), Some(w)) = (floats([x, y]), T::floats_mut(w)) {
                return outer::weight([(x, x_shape), (y, y_shape)], (w, w_shape), moves, channels);
            }
        }
        Method::Windows | Method::Pointwise => {}
    }
    let (x, windows) = dealt(windows, x);
    let terms = channels.images * windows.count();
    let long = terms >= LONG.max(channels.shared * channels.own * windows.taps() / BROAD);
    if let (true, Some([x, y]), Some(w)) = (long, floats([&x, y]), T::floats_mut(w)) {
        return of_groups([x, y], w, &windows, channels, |outputs, inputs, w, size| {
            long::multiply(outputs, inputs, w, size, windows.count());
        });
    }
    of_groups([&x, y], w, &windows, channels, |outputs, inputs, w, size| by_panels(outputs, inputs, w, size));
}

/// Has a function make the gradient of each group's weight, row by row, of the group's outputs and inputs.
fn of_groups<T: Element>(
    [x, y]: [&[T]; 2],
    w: &mut [T],
    windows: &Windows,
    channels: Channels,
    f: impl Fn(&Planes<'_, T>, &Columns<'_, T>, &mut [T], Size) + Sync,
) {
    let (columns, count) = (channels.own * windows.taps(), windows.count());
    let lines = &windows.lines();
    pieces(w, channels.shared * columns, |group, w| {
        let (inputs, outputs) = (group * channels.own, group * channels.shared);
        let inputs = Columns { windows, lines, elements: x, channels: channels.inputs(), first: inputs };
        let outputs = Planes { elements: y, plane: count, channels: channels.outputs(), first: outputs };
        let size = Size { rows: channels.shared, columns, terms: channels.images * count };
        f(&outputs, &inputs, w, size);
    });
}

/// A product of panels.
fn by_panels<T: Element>(a: &impl Lines<T>, b: &impl Lines<T>, w: &mut [T], size: Size) {
    let elements = &Shared::new(w);
    let pieces = |part: Range<usize>| vec![Piece { column: 0, len: part.len(), place: part.start, step: 1 }];
    let target = Target { elements, row: size.columns, add: false, pieces };
    multiply(
        &Across { lines: a, count: size.rows },
        &Across { lines: b, count: size.columns },
        &target,
        size,
    );
}
