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
use crate::kernels::simd::{LANES, PLACES, Parts, Simd, columns, in_parts};
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
    let (columns, w) = (places.len(), Shared::new(w));
    for group in 0..channels.groups {
        let panels = channels.shared.div_ceil(COLUMNS);
        let parts = (2 * threads()).div_ceil(panels).clamp(1, columns.div_ceil(PLACES));
        let outer = Outer {
            x: &framed[group * channels.own * frame.area()..],
            y: &y[group * channels.shared * count[0] * count[1]..],
            frame: &frame,
            count,
            stride: [moves.stride(0), moves.stride(1)],
            channels,
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
    frame: &'a Frame,
    /// Windows down and across, and how far they are apart.
    count: [usize; 2],
    stride: [usize; 2],
    channels: Channels,
    /// Where the first window has each tap of each channel.
    places: &'a [usize],
    parts: usize,
    w: &'a Shared<'a, f32>,
    first: usize,
}

/// What a task works in: the gradient of some windows, in vectors, and sums for each tap.
pub(super) struct Room {
    gradient: [Scratch<f32>; COLUMNS / LANES],
    sums: Scratch<f32>,
}

impl Outer<'_> {
    /// Groups of taps of a task.
    fn groups(&self, number: usize) -> Range<usize> {
        part(self.places.len().div_ceil(PLACES), self.parts, number % self.parts)
    }

    /// The gradient of some rows of windows, a vector of outputs for each window.
    #[inline(always)]
    fn turn<S: Simd>(&self, simd: S, image: usize, panel: usize, rows: Range<usize>, room: &mut Room) {
        let [down, across] = self.count;
        for (half, to) in room.gradient.iter_mut().enumerate() {
            let output = panel * COLUMNS + half * LANES;
            let count = self.channels.shared.saturating_sub(output).min(LANES);
            let len = rows.len() * across;
            if count == 0 {
                to[..len * LANES].fill(0.0);
                continue;
            }
            let plane = image * self.channels.outputs() + output;
            let from = &self.y[plane * down * across + rows.start * across..];
            columns(simd, from, down * across, count, len, to);
        }
    }

    /// Writes sums, which lie tap by tap, as rows of taps.
    fn write(&self, panel: usize, groups: Range<usize>, sums: &[f32]) {
        let taps = groups.start * PLACES..(groups.end * PLACES).min(self.places.len());
        let outputs = panel * COLUMNS..((panel + 1) * COLUMNS).min(self.channels.shared);
        for (lane, output) in outputs.enumerate() {
            let to = self.w.run(self.first + output * self.places.len() + taps.start, taps.len());
            to.iter_mut().zip(sums[lane..].iter().step_by(COLUMNS)).for_each(|(to, sum)| *to = *sum);
        }
    }
}

impl Parts for Outer<'_> {
    type Memory = Room;

    fn memory(&self) -> Room {
        let windows = WINDOWS.max(self.count[1]);
        let groups = self.places.len().div_ceil(PLACES).div_ceil(self.parts);
        Room {
            gradient: std::array::from_fn(|_| Scratch::of(windows * LANES)),
            sums: Scratch::of(groups * PLACES * COLUMNS),
        }
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, room: &mut Room) {
        let (panel, groups) = (number / self.parts, self.groups(number));
        let frame = self.frame;
        let some = (WINDOWS / self.count[1]).clamp(1, self.count[0]);
        room.sums.fill(0.0);
        for image in 0..self.channels.images {
            let x = &self.x[image * self.channels.inputs() * frame.area()..];
            for top in (0..self.count[0]).step_by(some) {
                let rows = top..(top + some).min(self.count[0]);
                self.turn(simd, image, panel, rows.clone(), room);
                let [low, high] = &room.gradient;
                let count = rows.len() * self.count[1];
                let gradient = [&low[..count * LANES], &high[..count * LANES]];
                let x = &x[top * self.stride[0] * frame.size[1]..];
                let steps = [self.count[1], self.stride[0] * frame.size[1], self.stride[1]];
                for (own, group) in groups.clone().enumerate() {
                    // Behind the last tap it comes again; its sums are not written.
                    let last = self.places.len() - 1;
                    let places = std::array::from_fn(|tap| self.places[(group * PLACES + tap).min(last)]);
                    let sums = &mut room.sums[own * PLACES * COLUMNS..][..PLACES * COLUMNS];
                    simd.outer(x, &places, steps, gradient, sums);
                }
            }
        }
        self.write(panel, groups, &room.sums);
    }
}
