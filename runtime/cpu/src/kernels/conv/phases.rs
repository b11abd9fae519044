//! Windows of 5 to 8 rows and columns that move by 2.
//!
//! Images are dealt out by the remainders of their rows and columns: a channel becomes four, with windows of half the size that move by 1,
//! for which there are [`winograd`]'s transforms. The weight is dealt out in the same way; taps that it does not have are 0.

use super::{Channels, winograd};
use crate::kernels::deal::every;
use crate::kernels::scratch::Scratch;
use crate::kernels::window::Moves;
use crate::workers::pieces;

/// Channels that one becomes.
const PHASES: usize = 4;

/// What a convolution becomes.
pub(super) struct Phases {
    /// Rows and columns of images, of windows, and of what images become.
    size: [usize; 2],
    kernel: [usize; 2],
    dealt: [usize; 2],
    /// Padding before images.
    low: [usize; 2],
    /// Shapes of images, weight and result.
    shapes: [[usize; 4]; 3],
    channels: Channels,
}

impl Phases {
    /// Of shapes `[N, C, H, W]`, `[O, C / groups, KH, KW]` and `[N, O, ..]`, if those are the windows.
    pub(super) fn new([x, w, y]: [&[usize]; 3], moves: &Moves<'_>, channels: Channels) -> Option<Self> {
        let [kernel, size, count] = [two(w)?, two(x)?, two(y)?];
        let half = kernel[0].div_ceil(2);
        let large = (3..=4).contains(&half) && kernel[1].div_ceil(2) == half;
        if !large || moves.stride != [2, 2] || moves.dilation.iter().any(|dilation| *dilation != 1) {
            return None;
        }
        let dealt = count.map(|count| count + half - 1);
        let own = PHASES * channels.own;
        Some(Phases {
            size,
            kernel,
            dealt,
            low: [0, 1].map(|axis| moves.low(axis) as usize),
            shapes: [
                [x[0], own * channels.groups, dealt[0], dealt[1]],
                [w[0], own, half, half],
                [y[0], y[1], count[0], count[1]],
            ],
            channels: Channels { own, ..channels },
        })
    }

    /// How its windows move.
    pub(super) fn moves(&self) -> Moves<'static> {
        Moves { stride: &[1, 1], padding: &[[0, 0]; 2], dilation: &[1, 1] }
    }

    /// Its channels.
    pub(super) fn channels(&self) -> Channels {
        self.channels
    }

    /// Its shapes of images, weight and result.
    pub(super) fn shapes(&self) -> [&[usize]; 3] {
        self.shapes.each_ref().map(|shape| shape.as_slice())
    }

    /// Elements that are moved.
    pub(super) fn moved(&self) -> usize {
        self.shapes[0].iter().product()
    }

    /// Rows or columns of an image with a remainder: where in the image the first one lies, and where in what it becomes.
    fn first(&self, axis: usize, remainder: usize) -> [usize; 2] {
        let before = self.low[axis].saturating_sub(remainder).div_ceil(2);
        [2 * before + remainder - self.low[axis], before]
    }

    /// Images dealt out.
    fn images(&self, x: &[f32]) -> Scratch<f32> {
        let ([height, width], [tall, wide]) = (self.size, self.dealt);
        let mut images = Scratch::of(self.moved());
        pieces(&mut images, PHASES * tall * wide, |plane, out| {
            let x = &x[plane * height * width..][..height * width];
            for (phase, out) in out.chunks_exact_mut(tall * wide).enumerate() {
                let (rows, columns) = (self.first(0, phase / 2), self.first(1, phase % 2));
                out.fill(0.0);
                let from = x.chunks_exact(width).skip(rows[0]).step_by(2);
                for (to, from) in out.chunks_exact_mut(wide).skip(rows[1]).zip(from) {
                    let to = to.get_mut(columns[1]..).unwrap_or_default();
                    every(2, from.get(columns[0]..).unwrap_or_default(), to);
                }
            }
        });
        images
    }

    /// The opposite; what no window covers is 0.
    fn put(&self, images: &[f32], x: &mut [f32]) {
        let ([height, width], [tall, wide]) = (self.size, self.dealt);
        pieces(x, height * width, |plane, x| {
            x.fill(0.0);
            let images = images[plane * PHASES * tall * wide..].chunks_exact(tall * wide).take(PHASES);
            for (phase, from) in images.enumerate() {
                let (rows, columns) = (self.first(0, phase / 2), self.first(1, phase % 2));
                let to = x.chunks_exact_mut(width).skip(rows[0]).step_by(2);
                for (to, from) in to.zip(from.chunks_exact(wide).skip(rows[1])) {
                    let to = to.iter_mut().skip(columns[0]).step_by(2);
                    to.zip(from.iter().skip(columns[1])).for_each(|(to, from)| *to = *from);
                }
            }
        });
    }

    /// Where a tap of a window lies in the four that it becomes.
    fn tap(&self, tap: usize) -> usize {
        let half = self.shapes[1][2];
        let (row, column) = (tap / self.kernel[1], tap % self.kernel[1]);
        ((row % 2 * 2 + column % 2) * half + row / 2) * half + column / 2
    }

    /// Taps of a window, and of the four that it becomes.
    fn taps(&self) -> [usize; 2] {
        [self.kernel.iter().product(), PHASES * self.shapes[1][2..].iter().product::<usize>()]
    }

    /// The weight dealt out.
    fn weight(&self, w: &[f32]) -> Scratch<f32> {
        let [taps, dealt] = self.taps();
        let mut weight = Scratch::zeros(w.len() / taps * dealt);
        for (from, to) in w.chunks_exact(taps).zip(weight.chunks_exact_mut(dealt)) {
            from.iter().enumerate().for_each(|(tap, from)| to[self.tap(tap)] = *from);
        }
        weight
    }

    /// The opposite.
    fn put_weight(&self, weight: &[f32], w: &mut [f32]) {
        let [taps, dealt] = self.taps();
        for (to, from) in w.chunks_exact_mut(taps).zip(weight.chunks_exact(dealt)) {
            to.iter_mut().enumerate().for_each(|(tap, to)| *to = from[self.tap(tap)]);
        }
    }
}

/// Two spatial sizes.
fn two(shape: &[usize]) -> Option<[usize; 2]> {
    shape.get(2..)?.try_into().ok()
}

/// `[N, C, H, W] * [O, C / groups, KH, KW] -> [N, O, ..]`
pub(super) fn forward(phases: &Phases, [x, w]: [&[f32]; 2], y: &mut [f32]) {
    let [xs, ws, ys] = phases.shapes();
    let operands = [(&*phases.images(x), xs), (&*phases.weight(w), ws)];
    winograd::forward(operands, (y, ys), &phases.moves(), phases.channels(), None);
}

/// `[N, O, ..] * [O, C / groups, KH, KW] -> [N, C, H, W]`
pub(super) fn input(phases: &Phases, [y, w]: [&[f32]; 2], x: &mut [f32]) {
    let [xs, ws, ys] = phases.shapes();
    let mut images = Scratch::of(phases.moved());
    let operands = [(y, ys), (&*phases.weight(w), ws)];
    winograd::input(operands, (&mut images, xs), &phases.moves(), phases.channels(), None);
    phases.put(&images, x);
}

/// `[N, C, H, W] * [N, O, ..] -> [O, C / groups, KH, KW]`
pub(super) fn weight(phases: &Phases, [x, y]: [&[f32]; 2], w: &mut [f32]) {
    let [xs, ws, ys] = phases.shapes();
    let mut weight = Scratch::of(ws.iter().product());
    let operands = [(&*phases.images(x), xs), (y, ys)];
    winograd::weight(operands, (&mut weight, ws), &phases.moves(), phases.channels());
    phases.put_weight(&weight, w);
}
