//! Convolution, and its transposes in the input and in the weight.
//!
//! Each can be computed in several ways, and [`method`] estimates which one is fastest. Most are products of matrices whose right
//! operand is made of the windows of an image, panel by panel, and never lies in memory as a whole; the transpose in the input is a
//! convolution of the gradient for each remainder of places by the stride, with the taps that reach it. Where windows have several taps and
//! there are enough outputs, those are the lanes of vectors instead, and nothing is put together ([`direct`], [`outer`]). Where a group has
//! one input channel planes are multiplied by numbers: some rows of windows at a time ([`bands`]), where those are short sixteen planes at
//! a time ([`lanes`]), and over more axes as they come ([`thin`]). Windows of one element need no copies ([`pointwise`]), unless they are
//! [`apart`]; those of 3x3 can go through [`winograd`]'s transforms, and larger ones that move by 2 as well, in [`phases`].

mod apart;
mod bands;
mod columns;
mod dealt;
mod direct;
mod frame;
mod input;
mod lanes;
mod long;
mod method;
mod outer;
mod phases;
mod pointwise;
#[cfg(test)]
mod tests;
mod thin;
mod weight;
mod winograd;

use std::ops::Range;

use super::kept::{self, Kept};
use super::matrix::Matrix;
use super::product::{Piece, Size, Target, multiply, multiply_packed, pack, packed};
use super::view::unravel;
use super::window::{Moves, Windows};
use crate::element::Element;
use crate::memory::Shared;
use crate::workers::{each, pieces};
use apart::{Apart, with_sizes};
use columns::Columns;
use dealt::dealt;
pub(crate) use input::conv_input;
pub use method::{Estimate, Method, estimates};
use method::{Given, Pass, Problem};
use phases::Phases;
pub(crate) use weight::conv_weight;

/// Sizes of a convolution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channels {
    pub(crate) images: usize,
    /// Input channels of a group.
    pub(crate) own: usize,
    /// Output channels of a group.
    pub(crate) shared: usize,
    pub(crate) groups: usize,
}

impl Channels {
    /// Those of an input, an output and a number of groups.
    pub(crate) fn new(x: &[usize], y: &[usize], groups: i64) -> Self {
        let groups = groups as usize;
        Channels { images: x[0], own: x[1] / groups, shared: y[1] / groups, groups }
    }

    fn inputs(&self) -> usize {
        self.own * self.groups
    }

    fn outputs(&self) -> usize {
        self.shared * self.groups
    }
}

/// `[N, C, ..] * [O, C / groups, ..] -> [N, O, ..]`, all in row-major order.
pub(crate) fn conv<T: Element>(
    [(x, x_shape), (w, w_shape)]: [(&[T], &[usize]); 2],
    (y, y_shape): (&mut [T], &[usize]),
    moves: &Moves<'_>,
    groups: i64,
    kept: Option<&Kept<T>>,
) {
    let shapes = [x_shape, w_shape, y_shape];
    if let Some(apart) = Apart::new(shapes, moves) {
        let (x, x_shape) = (apart.taken(x), with_sizes(x_shape, y_shape));
        return conv([(&x, &x_shape), (w, w_shape)], (y, y_shape), &apart.moves(), groups, kept);
    }
    let channels = Channels::new(x_shape, y_shape, groups);
    let windows = Windows::new(moves, &w_shape[2..], [&y_shape[2..], &x_shape[2..]]);
    let given = Given { single: T::floats(x).is_some(), kept: kept.is_some() };
    match Problem::new(Pass::Forward, shapes, moves, groups, given).method() {
        Method::Planes => return thin::forward(&windows, channels, [x, w], y),
        Method::Bands => {
            if let (Some([x, w]), Some(y)) = (floats([x, w]), T::floats_mut(y))
                && bands::forward([(x, x_shape), (w, w_shape)], (y, y_shape), moves, channels)
            {
                return;
            }
        }
        Method::Lanes => {
            if let (Some([x, w]), Some(y)) = (floats([x, w]), T::floats_mut(y))
                && lanes::forward([(x, x_shape), (w, w_shape)], (y, y_shape), moves, channels)
            {
                return;
            }
        }
        Method::Pointwise => {
            if let (Some([x, w]), Some(y)) = (floats([x, w]), T::floats_mut(y)) {
                return pointwise::forward([x, w], y, channels);
            }
        }
        Method::Winograd => {
            if let (Some([x, w]), Some(y)) = (floats([x, w]), T::floats_mut(y)) {
                let kept = kept::of_floats(kept);
                return winograd::forward([(x, x_shape), (w, w_shape)], (y, y_shape), moves, channels, kept);
            }
        }
        Method::Phases => {
            if let (Some([x, w]), Some(y)) = (floats([x, w]), T::floats_mut(y))
                && let Some(phases) = Phases::new(shapes, moves, channels)
            {
                return phases::forward(&phases, [x, w], y);
            }
        }
        Method::Direct => {
            let way = direct::Way::forward(w_shape, y_shape, moves, channels);
            return direct::run(&way, (x, x_shape), w, (y, y_shape), kept);
        }
        Method::Windows => {}
    }
    by_windows(windows, channels, [x, w], y, kept);
}

/// Products of the weight and of windows.
fn by_windows<T: Element>(
    windows: Windows,
    channels: Channels,
    [x, w]: [&[T]; 2],
    y: &mut [T],
    kept: Option<&Kept<T>>,
) {
    let (x, windows) = dealt(windows, x);
    let (terms, count, lines) = (channels.own * windows.taps(), windows.count(), windows.lines());
    let elements = &Shared::new(y);
    let size = Size { rows: channels.shared, columns: channels.images * count, terms };
    let matrix = |group: usize| {
        let own = &w[group * channels.shared * terms..][..channels.shared * terms];
        Matrix::dense(own, [channels.shared, terms]).transposed()
    };
    let columns = |group: usize| Columns {
        windows: &windows,
        lines: &lines,
        elements: &x,
        channels: channels.inputs(),
        first: group * channels.own,
    };
    let (row, image) = (count, channels.outputs() * count);
    let pieces_of = |group: usize| {
        let base = group * channels.shared * count;
        move |part: Range<usize>| by_image(part, count, base, image)
    };
    let target = |group: usize| Target { elements, row, add: false, pieces: pieces_of(group) };
    let Some(kept) = kept else {
        return each(channels.groups, |group| {
            multiply(&matrix(group), &columns(group), &target(group), size);
        });
    };
    let len = packed(size);
    let fill = |all: &mut [T]| pieces(all, len, |group, left| pack(&matrix(group), size, left));
    let left = kept::filled(kept, channels.groups * len, fill);
    each(channels.groups, |group| {
        multiply_packed(&left[group * len..][..len], &columns(group), &target(group), size);
    });
}

/// Both operands as floats, where they are of that type.
fn floats<T: Element>([a, b]: [&[T]; 2]) -> Option<[&[f32]; 2]> {
    Some([T::floats(a)?, T::floats(b)?])
}

/// Columns that are counted over one image after the other, where each image has its own place.
fn by_image(part: Range<usize>, count: usize, base: usize, image: usize) -> Vec<Piece> {
    let (mut pieces, mut at) = (vec![], part.start);
    while at < part.end {
        let len = (count - at % count).min(part.end - at);
        pieces.push(Piece {
            column: at - part.start,
            len,
            place: base + at / count * image + at % count,
            step: 1,
        });
        at += len;
    }
    pieces
}
