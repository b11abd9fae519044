//! The transpose in the weight of a convolution whose windows move by more than 1: outer products of what taps cover and of the gradient.
//!
//! Taps of neighbouring windows do not lie side by side there, so that vectors of them have to be put together. Here the lanes of vectors
//! are output channels instead: for each window, what each of 9 taps covers is multiplied by the gradient of 32 outputs.

use std::ops::Range;

use super::Channels;
use super::frame::Frame;
use crate::kernels::micro::COLUMNS;
use crate::kernels::product::part;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{LANES, PLACES, Parts, Simd, columns, in_parts, rows};
use crate::kernels::window::Moves;
use crate::memory::Shared;
use crate::workers::threads;

/// Windows whose gradient is turned at a time: it stays in the first cache.
const WINDOWS: usize = 128;

/// `[N, C, H, W] * [N, O, ..] -> [O, C / groups, KH, KW]`
pub(super) fn weight(
    [(x, x_shape), (y, y_shape)]: [(&[f32], &[usize]); 2],
    (w, w_shape): (&mut [f32], &[usize]),
    moves: &Moves<'_>,
    channels: Channels,
) {
    let (kernel, count) = ([w_shape[2], w_shape[3]], [y_shape[2], y_shape[3]]);
    if x.is_empty() || y.is_empty() {
        return w.fill(0.0);
    }
    let frame = Frame::of_windows(moves, kernel, count);
    let framed = frame.around(x, [x_shape[2], x_shape[3]]);
    let taps = frame.places(moves, kernel);
    let area = frame.area();
    let of = |channel: usize| taps.iter().map(move |tap| channel * area + tap);
    let places: Vec<usize> = (0..channels.own).flat_map(of).collect();
    let [down, across] = [moves.stride(0) * frame.size[1], moves.stride(1)];
    let windows: Vec<usize> =
        (0..count[0]).flat_map(|i| (0..count[1]).map(move |j| i * down + j * across)).collect();
    let (columns, w) = (places.len(), Shared::new(w));
    for group in 0..channels.groups {
        let panels = channels.shared.div_ceil(COLUMNS);
        let parts = (2 * threads()).div_ceil(panels).clamp(1, columns.div_ceil(PLACES));
        let outer = Outer {
            x: &framed[group * channels.own * area..],
            y: &y[group * channels.shared * windows.len()..],
            image: [channels.inputs() * area, channels.outputs() * windows.len()],
            windows: &windows,
            images: channels.images,
            outputs: channels.shared,
            places: &places,
            parts,
            w: &w,
            first: group * channels.shared * columns,
        };
        in_parts(panels * parts, &outer);
    }
}

/// Sums of one group: a task has a panel of outputs and some of the taps of all channels. Which ones makes no difference to their sums.
struct Outer<'a> {
    /// Images with their padding, and gradients, from the group's first channel on.
    x: &'a [f32],
    y: &'a [f32],
    /// Elements of a framed image, and of its gradient, in all channels.
    image: [usize; 2],
    /// Where the windows of an image are in it.
    windows: &'a [usize],
    images: usize,
    /// Output channels of the group.
    outputs: usize,
    /// Where the first window has each tap of each channel.
    places: &'a [usize],
    parts: usize,
    w: &'a Shared<'a, f32>,
    first: usize,
}

/// What a task works in: where some windows are, their gradient in vectors, and sums for each tap.
pub(super) struct Room {
    windows: Vec<usize>,
    gradient: [Scratch<f32>; COLUMNS / LANES],
    sums: [Scratch<f32>; COLUMNS / LANES],
}

impl Outer<'_> {
    /// Groups of taps of a task.
    fn groups(&self, number: usize) -> Range<usize> {
        part(self.places.len().div_ceil(PLACES), self.parts, number % self.parts)
    }

    /// Outputs of a vector of a panel, and the first one.
    fn lanes(&self, panel: usize, half: usize) -> (usize, usize) {
        let first = panel * COLUMNS + half * LANES;
        (first, self.outputs.saturating_sub(first).min(LANES))
    }

    /// Some windows, counted over one image after the other, and their gradient, a vector of outputs for each.
    #[inline(always)]
    fn turn<S: Simd>(&self, simd: S, panel: usize, some: Range<usize>, room: &mut Room) {
        let area = self.windows.len();
        room.windows.clear();
        let mut at = some.start;
        while at < some.end {
            let (image, first, done) = (at / area, at % area, at - some.start);
            let len = (area - first).min(some.end - at);
            room.windows
                .extend(self.windows[first..first + len].iter().map(|window| image * self.image[0] + window));
            for (half, to) in room.gradient.iter_mut().enumerate() {
                let to = &mut to[done * LANES..][..len * LANES];
                let (output, count) = self.lanes(panel, half);
                match count {
                    0 => to.fill(0.0),
                    _ => {
                        let from = &self.y[image * self.image[1] + output * area + first..];
                        columns(simd, from, area, count, len, to);
                    }
                }
            }
            at += len;
        }
    }

    /// Writes sums, which lie tap by tap, as rows of taps.
    #[inline(always)]
    fn write<S: Simd>(&self, simd: S, panel: usize, groups: Range<usize>, sums: &[Scratch<f32>]) {
        let taps = groups.start * PLACES..(groups.end * PLACES).min(self.places.len());
        for (half, sums) in sums.iter().enumerate() {
            let (output, count) = self.lanes(panel, half);
            rows(
                simd,
                &sums[..taps.len() * LANES],
                count,
                #[inline(always)]
                |row, at, len, v| {
                    let start = self.first + (output + row) * self.places.len() + taps.start + at;
                    simd.store_some(v, self.w.run(start, len));
                },
            );
        }
    }
}

impl Parts for Outer<'_> {
    type Memory = Room;

    fn memory(&self) -> Room {
        let groups = self.places.len().div_ceil(PLACES).div_ceil(self.parts);
        Room {
            windows: vec![],
            gradient: std::array::from_fn(|_| Scratch::of(WINDOWS * LANES)),
            sums: std::array::from_fn(|_| Scratch::of(groups * PLACES * LANES)),
        }
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, room: &mut Room) {
        let (panel, groups) = (number / self.parts, self.groups(number));
        room.sums.iter_mut().for_each(|sums| sums.fill(0.0));
        let (count, last) = (self.images * self.windows.len(), self.places.len() - 1);
        for start in (0..count).step_by(WINDOWS) {
            self.turn(simd, panel, start..(start + WINDOWS).min(count), room);
            let gradient = room.gradient.each_ref().map(|half| &half[..room.windows.len() * LANES]);
            for (own, group) in groups.clone().enumerate() {
                // Behind the last tap it comes again; its sums are not written.
                let places = std::array::from_fn(|tap| self.places[(group * PLACES + tap).min(last)]);
                let sums =
                    room.sums.each_mut().map(|half| &mut half[own * PLACES * LANES..][..PLACES * LANES]);
                simd.outer(self.x, &places, &room.windows, gradient, sums);
            }
        }
        self.write(simd, panel, groups, &room.sums);
    }
}
