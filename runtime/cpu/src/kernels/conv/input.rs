//! The transpose of a convolution in its input.

use std::ops::Range;

use super::apart::{Apart, with_sizes};
use super::columns::Columns;
use super::phases::Phases;
use super::{
    Channels, Given, Method, Pass, Problem, bands, direct, floats, lanes, phases, pointwise, thin, winograd,
};
use crate::element::Element;
use crate::kernels::kept::{self, Kept};
use crate::kernels::product::{Panels, Piece, Size, Target, multiply};
use crate::kernels::scratch::Scratch;
use crate::kernels::view::unravel;
use crate::kernels::window::{Axis, Moves, Windows};
use crate::memory::Shared;
use crate::workers::each;

/// `[N, O, ..] * [O, C / groups, ..] -> [N, C, ..]`, all in row-major order.
pub(crate) fn conv_input<T: Element>(
    [(y, y_shape), (w, w_shape)]: [(&[T], &[usize]); 2],
    (x, x_shape): (&mut [T], &[usize]),
    moves: &Moves<'_>,
    groups: i64,
    kept: Option<&Kept<T>>,
) {
    let shapes = [x_shape, w_shape, y_shape];
    if let Some(apart) = Apart::new(shapes, moves) {
        let taken_shape = with_sizes(x_shape, y_shape);
        let mut taken = Scratch::of(taken_shape.iter().product());
        conv_input([(y, y_shape), (w, w_shape)], (&mut taken, &taken_shape), &apart.moves(), groups, kept);
        return apart.put(&taken, x);
    }
    let channels = Channels::new(x_shape, y_shape, groups);
    let given = Given { single: T::floats(y).is_some(), kept: kept.is_some() };
    match Problem::new(Pass::Input, shapes, moves, groups, given).method() {
        Method::Planes => {
            let windows = Windows::new(moves, &w_shape[2..], [&y_shape[2..], &x_shape[2..]]);
            return thin::input(&windows, channels, [y, w], x);
        }
        Method::Bands => {
            if let (Some([y, w]), Some(x)) = (floats([y, w]), T::floats_mut(x))
                && bands::input([(y, y_shape), (w, w_shape)], (x, x_shape), moves, channels)
            {
                return;
            }
        }
        Method::Lanes => {
            if let (Some([y, w]), Some(x)) = (floats([y, w]), T::floats_mut(x))
                && lanes::input([(y, y_shape), (w, w_shape)], (x, x_shape), moves, channels)
            {
                return;
            }
        }
        Method::Pointwise => {
            if let (Some([y, w]), Some(x)) = (floats([y, w]), T::floats_mut(x)) {
                return pointwise::input([y, w], x, channels);
            }
        }
        Method::Winograd => {
            if let (Some([y, w]), Some(x)) = (floats([y, w]), T::floats_mut(x)) {
                let kept = kept::of_floats(kept);
                return winograd::input([(y, y_shape), (w, w_shape)], (x, x_shape), moves, channels, kept);
            }
        }
        Method::Phases => {
            if let (Some([y, w]), Some(x)) = (floats([y, w]), T::floats_mut(x))
                && let Some(phases) = Phases::new(shapes, moves, channels)
            {
                return phases::input(&phases, [y, w], x);
            }
        }
        Method::Direct => {
            let way = direct::Way::input(w_shape, x_shape, moves, channels);
            return direct::run(&way, (y, y_shape), w, (x, x_shape), kept);
        }
        Method::Windows => {}
    }
    by_windows([(y, y_shape), (w, w_shape)], (x, x_shape), moves, channels);
}

/// Products of the weight and of windows over the gradient, for one class of places after the other.
fn by_windows<T: Element>(
    [(y, y_shape), (w, w_shape)]: [(&[T], &[usize]); 2],
    (x, x_shape): (&mut [T], &[usize]),
    moves: &Moves<'_>,
    channels: Channels,
) {
    let kernel = &w_shape[2..];
    let classes = classes(moves, kernel, [&y_shape[2..], &x_shape[2..]]);
    if classes.iter().any(|class| class.taps.is_empty()) {
        x.fill(T::default());
    }
    let taps = kernel.iter().product();
    let elements = &Shared::new(x);
    let plane: usize = x_shape[2..].iter().product();
    for class in classes.iter().filter(|class| !class.taps.is_empty()) {
        let lines = class.windows.lines();
        each(channels.groups, |group| {
            let first = group * channels.shared;
            let columns = Columns {
                windows: &class.windows,
                lines: &lines,
                elements: y,
                channels: channels.outputs(),
                first,
            };
            let weight = &w[first * channels.own * taps..][..channels.shared * channels.own * taps];
            let turned = Turned { weight, own: channels.own, taps, chosen: &class.taps };
            let (base, image) = (group * channels.own * plane, channels.inputs() * plane);
            let pieces = |part: Range<usize>| class.places.pieces(part, base, image);
            let target = Target { elements, row: plane, add: false, pieces };
            let count = class.windows.count();
            let terms = channels.shared * class.taps.len();
            multiply(
                &turned,
                &columns,
                &target,
                Size { rows: channels.own, columns: channels.images * count, terms },
            );
        });
    }
}

/// Places of the input that have the same remainders by the strides. Windows over the output reach each of them with the same taps.
struct Class {
    windows: Windows,
    /// Numbers of the taps.
    taps: Vec<usize>,
    places: Places,
}

/// Places that are apart by steps, along each axis from a start on.
struct Places {
    count: Vec<usize>,
    start: Vec<usize>,
    step: Vec<usize>,
    size: Vec<usize>,
}

impl Places {
    /// The places of some columns, counted over one image after the other.
    fn pieces(&self, part: Range<usize>, base: usize, image: usize) -> Vec<Piece> {
        let rank = self.count.len();
        let all: usize = self.count.iter().product();
        // Rows that lie next to each other are one.
        let whole = (0..rank).all(|axis| self.step[axis] == 1);
        let width = if whole { all } else { self.count[rank - 1] };
        let (mut pieces, mut at, mut place) = (vec![], part.start, vec![0; rank]);
        while at < part.end {
            let len = (width - at % width).min(part.end - at);
            unravel(at % all, &self.count, &mut place);
            let start = (0..rank).fold(0, |flat, axis| {
                flat * self.size[axis] + self.start[axis] + place[axis] * self.step[axis]
            });
            let place = base + at / all * image + start;
            pieces.push(Piece { column: at - part.start, len, place, step: self.step[rank - 1] });
            at += len;
        }
        pieces
    }
}

/// One class for each remainder along each axis.
fn classes(moves: &Moves<'_>, kernel: &[usize], [count, size]: [&[usize]; 2]) -> Vec<Class> {
    let rank = kernel.len();
    let along: Vec<usize> = (0..rank).map(|axis| moves.stride(axis).min(size[axis])).collect();
    let mut remainder = vec![0; rank];
    let class = |number: usize| {
        unravel(number, &along, &mut remainder);
        let axes = (0..rank).map(|i| axis(moves, i, remainder[i], kernel[i], [count[i], size[i]]));
        let (axes, chosen): (Vec<Axis>, Vec<Vec<usize>>) = axes.unzip();
        let places = Places {
            count: axes.iter().map(|axis| axis.count).collect(),
            start: remainder.clone(),
            step: (0..rank).map(|axis| moves.stride(axis)).collect(),
            size: size.to_vec(),
        };
        Class { windows: Windows::of(axes), taps: all(&chosen, kernel), places }
    };
    (0..along.iter().product()).map(class).collect()
}

/// The places of an axis with a remainder as windows over the output, and the taps that reach them.
fn axis(
    moves: &Moves<'_>,
    i: usize,
    remainder: usize,
    kernel: usize,
    [count, size]: [usize; 2],
) -> (Axis, Vec<usize>) {
    let stride = moves.stride(i) as isize;
    let from = |tap: usize| remainder as isize + moves.low(i) - tap as isize * moves.dilation(i);
    let chosen: Vec<usize> = (0..kernel).filter(|tap| from(*tap).rem_euclid(stride) == 0).collect();
    let offsets = chosen.iter().map(|tap| from(*tap).div_euclid(stride)).collect();
    let own = (size - remainder).div_ceil(moves.stride(i));
    (Axis { count: own, size: count, step: 1, offsets }, chosen)
}

/// The places of a plane, rows and columns, dealt out by their remainders by the strides: for each remainder along an axis windows over the
/// gradient, and the numbers of the taps that they have along this axis.
pub(super) struct Remainders {
    pub(super) axes: [Vec<(Axis, Vec<usize>)>; 2],
    /// How far places with the same remainder are apart.
    pub(super) apart: [usize; 2],
    /// Rows and columns of the plane.
    pub(super) size: [usize; 2],
    /// Taps along a row.
    wide: usize,
}

impl Remainders {
    /// Given one or two spatial axes of the images and of the gradient.
    pub(super) fn new(moves: &Moves<'_>, kernel: &[usize], [count, size]: [&[usize]; 2]) -> Option<Self> {
        let along = |i: usize| -> Vec<(Axis, Vec<usize>)> {
            let remainders = 0..moves.stride(i).min(size[i]);
            remainders.map(|remainder| axis(moves, i, remainder, kernel[i], [count[i], size[i]])).collect()
        };
        let (axes, apart, size) = match *size {
            [width] => ([vec![(Axis::single(), vec![0])], along(0)], [1, moves.stride(0)], [1, width]),
            [height, width] => ([along(0), along(1)], [moves.stride(0), moves.stride(1)], [height, width]),
            _ => return None,
        };
        Some(Remainders { axes, apart, size, wide: kernel[kernel.len() - 1] })
    }

    /// Gives the remainders of rows and columns, windows over both, and the numbers of their taps.
    pub(super) fn each(&self, mut f: impl FnMut([usize; 2], [&Axis; 2], Vec<usize>)) {
        for (first, (row, down)) in self.axes[0].iter().enumerate() {
            for (second, (column, across)) in self.axes[1].iter().enumerate() {
                let numbers = down.iter().flat_map(|y| across.iter().map(move |x| y * self.wide + x));
                f([first, second], [row, column], numbers.collect());
            }
        }
    }
}

/// Numbers of the taps that are among those chosen along every axis, in row-major order.
fn all(chosen: &[Vec<usize>], kernel: &[usize]) -> Vec<usize> {
    chosen.iter().zip(kernel).fold(vec![0], |taps, (own, size)| {
        taps.iter().flat_map(|tap| own.iter().map(move |own| tap * size + own)).collect()
    })
}

/// The weight of a group with its channels exchanged: a term for each chosen tap of each output channel, a line for each input channel.
struct Turned<'a, T> {
    weight: &'a [T],
    own: usize,
    taps: usize,
    chosen: &'a [usize],
}

impl<T: Element> Panels<T> for Turned<'_, T> {
    fn has_lines_together(&self) -> bool {
        true
    }

    fn pack<const W: usize>(&self, terms: Range<usize>, first: usize, out: &mut [T]) {
        let width = W.min(self.own - first);
        for (term, out) in terms.zip(out.chunks_exact_mut(W)) {
            let (output, tap) = (term / self.chosen.len(), self.chosen[term % self.chosen.len()]);
            let from = &self.weight[(output * self.own + first) * self.taps + tap..];
            match from.first_chunk::<W>() {
                Some(from) if self.taps == 1 && width == W => out.copy_from_slice(from),
                _ => {
                    let from = from.iter().step_by(self.taps);
                    out[..width].iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                    out[width..].fill(T::default());
                }
            }
        }
    }
}
