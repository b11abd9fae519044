//! Convolutions as they stand, and their transposes in the input: the lanes of vectors are output channels.
//!
//! For each of 9 places of the result what a term covers (a tap of a channel) is multiplied by the weights of 32 outputs. Nothing is put
//! together from windows: whatever the stride, a term is a distance in the image. The transpose in the input has a list of terms for each
//! remainder of places by the stride, those of the taps that reach them. Results are turned from vectors to rows when they are written.

mod pack;

use std::ops::Range;

use super::frame::Frame;
use super::{Channels, floats};
use crate::element::Element;
use crate::kernels::kept::{self, Kept};
use crate::kernels::micro::COLUMNS;
use crate::kernels::product::part;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{LANES, PLACES, Parts, Simd, in_parts, rows};
use crate::kernels::window::Moves;
use crate::memory::Shared;
use pack::Pack;

/// Most terms whose weights are gone through at a time: they stay in the first cache.
const TERMS: usize = 160;
/// Places of the result that a task has, about.
const SOME: usize = 72;
/// Floats of results that a task keeps in the second cache.
const HELD: usize = 1 << 15;
/// Vectors of a panel.
const VECTORS: usize = COLUMNS / LANES;

/// Places of the result with the same terms: `count` of them along each axis, `step` apart from `start` on.
struct Class {
    count: [usize; 2],
    start: [usize; 2],
    step: [usize; 2],
    /// How far neighbours' windows are apart in the framed image.
    stride: [usize; 2],
    /// The taps that reach these places, and where the first place has them in the framed image.
    taps: Vec<(usize, usize)>,
}

/// A convolution, or its transpose in the input, that is computed so.
pub(super) struct Way {
    frame: Frame,
    classes: Vec<Class>,
    sides: Sides,
    groups: usize,
}

impl Way {
    /// `[N, C, H, W] * [O, C / groups, KH, KW] -> [N, O, ..]`, for the shapes of weight and result.
    pub(super) fn forward(w: &[usize], y: &[usize], moves: &Moves<'_>, channels: Channels) -> Self {
        let (kernel, count) = ([w[2], w[3]], [y[2], y[3]]);
        let frame = Frame::of_windows(moves, kernel, count);
        let taps = frame.places(moves, kernel).into_iter().enumerate().collect();
        let stride = [moves.stride(0), moves.stride(1)];
        let classes = vec![Class { count, start: [0, 0], step: [1, 1], stride, taps }];
        let (inputs, outputs) = (channels.own, channels.shared);
        let sides = Sides { inputs, outputs, taps: kernel[0] * kernel[1], transpose: false };
        Way { frame, classes, sides, groups: channels.groups }
    }

    /// `[N, O, ..] * [O, C / groups, KH, KW] -> [N, C, H, W]`, for the shapes of weight and result.
    pub(super) fn input(w: &[usize], x: &[usize], moves: &Moves<'_>, channels: Channels) -> Self {
        let (kernel, size) = ([w[2], w[3]], [x[2], x[3]]);
        let axes: [Vec<Reached>; 2] = [0, 1].map(|axis| reached(moves, axis, kernel[axis], size[axis]));
        let frame = Frame::of_reach([0, 1].map(|axis: usize| extent(&axes[axis])));
        let mut classes = vec![];
        for down in &axes[0] {
            for across in &axes[1] {
                let pairs = down.taps.iter().flat_map(|a| across.taps.iter().map(move |b| (*a, *b)));
                let tap = |((i, top), (j, left))| (i * kernel[1] + j, frame.place([top, left]));
                classes.push(Class {
                    count: [down.count, across.count],
                    start: [down.start, across.start],
                    step: [moves.stride(0), moves.stride(1)],
                    stride: [1, 1],
                    taps: pairs.map(tap).collect(),
                });
            }
        }
        let (inputs, outputs) = (channels.shared, channels.own);
        let sides = Sides { inputs, outputs, taps: kernel[0] * kernel[1], transpose: true };
        Way { frame, classes, sides, groups: channels.groups }
    }

    fn panels(&self) -> usize {
        self.sides.outputs.div_ceil(COLUMNS)
    }

    /// Elements of a panel of the weight.
    fn panel(&self) -> usize {
        let taps: usize = self.classes.iter().map(|class| class.taps.len()).sum();
        taps * self.sides.inputs * COLUMNS
    }

    /// Elements of the weight in panels.
    pub(super) fn packed(&self) -> usize {
        self.groups * self.panels() * self.panel()
    }

    /// Copies the weight into panels.
    pub(super) fn pack(&self, w: &[f32], out: &mut [f32]) {
        let shared = Shared::new(out);
        in_parts(self.groups * self.panels(), &Pack { w, way: self, out: &shared });
    }

    /// The result from a weight in panels.
    pub(super) fn run(
        &self,
        (x, x_shape): (&[f32], &[usize]),
        weight: &[f32],
        (y, y_shape): (&mut [f32], &[usize]),
    ) {
        if y.is_empty() || x.is_empty() || weight.is_empty() {
            return y.fill(0.0);
        }
        let framed = self.frame.around(x, [x_shape[2], x_shape[3]]);
        let most = self.classes.iter().map(|class| class.count[0] * class.count[1]).max();
        let step = self.classes[0].step[0];
        let down = y_shape[2].div_ceil(step);
        let rows = (HELD / (step * y_shape[3] * COLUMNS)).clamp(1, down);
        let whole = (SOME / most.unwrap_or(1).max(1)).clamp(1, x_shape[0]);
        let shared = Shared::new(y);
        for group in 0..self.groups {
            let direct = Direct {
                x: &framed,
                inputs: [x_shape[1], group * self.sides.inputs],
                outputs: [y_shape[1], group * self.sides.outputs],
                weight: &weight[group * self.panels() * self.panel()..],
                way: self,
                size: [y_shape[2], y_shape[3]],
                images: [x_shape[0], if rows < down { 1 } else { whole }],
                rows: rows * step,
                y: &shared,
            };
            in_parts(self.panels() * direct.units(), &direct);
        }
    }
}

/// Computes so, in single precision, with the weight that was kept if one may be.
pub(super) fn run<T: Element>(
    way: &Way,
    (x, x_shape): (&[T], &[usize]),
    w: &[T],
    (y, y_shape): (&mut [T], &[usize]),
    kept: Option<&Kept<T>>,
) {
    let (Some([x, w]), true) = (floats([x, w]), T::floats_mut(y).is_some()) else { return };
    let fill = |out: &mut [T]| {
        if let Some(out) = T::floats_mut(out) {
            way.pack(w, out);
        }
    };
    kept::with(kept, way.packed(), fill, |weight| {
        if let (Some(weight), Some(y)) = (T::floats(weight), T::floats_mut(y)) {
            way.run((x, x_shape), weight, (y, y_shape));
        }
    });
}

/// Columns before the image, and in all, that windows reach along an axis.
fn extent(axis: &[Reached]) -> (isize, usize) {
    let offsets = axis.iter().flat_map(|own| own.taps.iter().map(move |(_, at)| (*at, own.count as isize)));
    let low = offsets.clone().map(|(at, _)| -at).max().unwrap_or(0).max(0);
    let high = offsets.map(|(at, count)| at + count).max().unwrap_or(0).max(1);
    (low, (low + high) as usize)
}

/// Places of an axis with a remainder by the stride.
struct Reached {
    start: usize,
    count: usize,
    /// The taps that reach them, and the window whose tap reaches the first place.
    taps: Vec<(usize, isize)>,
}

fn reached(moves: &Moves<'_>, axis: usize, kernel: usize, size: usize) -> Vec<Reached> {
    let stride = moves.stride(axis);
    let class = |start: usize| {
        let from = |tap: usize| start as isize + moves.low(axis) - tap as isize * moves.dilation(axis);
        let reaches = |tap: &usize| from(*tap).rem_euclid(stride as isize) == 0;
        let taps = (0..kernel).filter(reaches).map(|tap| (tap, from(tap).div_euclid(stride as isize)));
        Reached { start, count: (size - start).div_ceil(stride), taps: taps.collect() }
    };
    (0..stride.min(size)).map(class).collect()
}

/// Channels of a group on both sides of a weight, and its taps.
#[derive(Clone, Copy)]
struct Sides {
    inputs: usize,
    outputs: usize,
    taps: usize,
    /// Whether inputs are the weight's first axis.
    transpose: bool,
}

/// A group. A task has a panel of outputs and some rows of an image, or some whole images.
struct Direct<'a> {
    /// All images with their frames.
    x: &'a [f32],
    /// Channels of an image, and the first one of the group.
    inputs: [usize; 2],
    outputs: [usize; 2],
    weight: &'a [f32],
    way: &'a Way,
    /// Height and width of the result.
    size: [usize; 2],
    /// How many images there are, and how many a task has.
    images: [usize; 2],
    /// Rows of the result that a task has.
    rows: usize,
    y: &'a Shared<'a, f32>,
}

/// What a task works in.
pub(super) struct Room {
    /// Sums of a panel, vectors of outputs for each place of some rows.
    sums: Scratch<f32>,
    /// Places of the result: where their windows are in the image, and which sums are theirs.
    places: Vec<(usize, usize)>,
    /// Distances of terms.
    terms: Vec<usize>,
}

impl Direct<'_> {
    /// Parts that an image is cut into.
    fn cuts(&self) -> usize {
        self.size[0].div_ceil(self.rows)
    }

    fn units(&self) -> usize {
        self.images[0].div_ceil(self.images[1]) * self.cuts()
    }

    /// Images and rows of the result of a unit.
    fn unit(&self, number: usize) -> (Range<usize>, Range<usize>) {
        let first = number / self.cuts() * self.images[1];
        let top = number % self.cuts() * self.rows;
        (first..(first + self.images[1]).min(self.images[0]), top..(top + self.rows).min(self.size[0]))
    }

    /// Elements of the sums of one vector of a panel and one image of a unit.
    fn held(&self) -> usize {
        self.rows.min(self.size[0]) * self.size[1] * LANES
    }

    /// The places of a class in some images and rows.
    fn places(
        &self,
        class: &Class,
        images: Range<usize>,
        rows: Range<usize>,
        places: &mut Vec<(usize, usize)>,
    ) {
        places.clear();
        let area = self.way.frame.area();
        // Rows are cut at multiples of the step.
        let (first, last) =
            (rows.start / class.step[0], rows.end.saturating_sub(class.start[0]).div_ceil(class.step[0]));
        for (number, image) in images.enumerate() {
            let base = (image * self.inputs[0] + self.inputs[1]) * area;
            for i in first..last.min(class.count[0]) {
                let from = base + i * class.stride[0] * self.way.frame.size[1];
                let row = class.start[0] + i * class.step[0] - rows.start;
                let to = number * self.held() + (row * self.size[1] + class.start[1]) * LANES;
                places.extend(
                    (0..class.count[1]).map(|j| (from + j * class.stride[1], to + j * class.step[1] * LANES)),
                );
            }
        }
    }

    /// Adds the products of some terms of a class to the sums of its places. Meanwhile the weights of the next ones are brought near.
    #[inline(always)]
    fn add_up<S: Simd>(
        &self,
        simd: S,
        weight: [&[f32]; VECTORS],
        next: [&[f32]; VECTORS],
        room: &mut Room,
        first: bool,
    ) {
        let half = room.sums.len() / VECTORS;
        let count = room.places.len().div_ceil(PLACES);
        for (number, own) in room.places.chunks(PLACES).enumerate() {
            next.iter().for_each(|next| simd.fetch(&next[part(next.len(), count, number)]));
            // Behind the last place it comes again; that is written as often.
            let place = |n: usize| own[n.min(own.len() - 1)];
            let from = std::array::from_fn(|n| place(n).0);
            let sums = &mut room.sums;
            simd.products(
                self.x,
                &from,
                &room.terms,
                weight,
                #[inline(always)]
                |n, vector, v| {
                    let Some((_, at)) = own.get(n) else { return };
                    let to = &mut sums[vector * half + at..][..LANES];
                    let sum = if first { v } else { simd.add(simd.load_some(to), v) };
                    simd.store_some(sum, to);
                },
            );
        }
    }

    /// Writes the sums of some images and rows.
    #[inline(always)]
    fn write<S: Simd>(&self, simd: S, panel: usize, images: Range<usize>, own: Range<usize>, sums: &[f32]) {
        let (half, [height, width]) = (sums.len() / VECTORS, self.size);
        for (number, image) in images.enumerate() {
            for vector in 0..VECTORS {
                let output = panel * COLUMNS + vector * LANES;
                let count = self.way.sides.outputs.saturating_sub(output).min(LANES);
                let plane = image * self.outputs[0] + self.outputs[1] + output;
                let from = &sums[vector * half + number * self.held()..][..own.len() * width * LANES];
                rows(
                    simd,
                    from,
                    count,
                    #[inline(always)]
                    |row, at, len, v| {
                        let start = (plane + row) * height * width + own.start * width + at;
                        simd.store_some(v, self.y.run(start, len));
                    },
                );
            }
        }
    }
}

impl Parts for Direct<'_> {
    type Memory = Room;

    fn memory(&self) -> Room {
        Room { sums: Scratch::of(VECTORS * self.images[1] * self.held()), places: vec![], terms: vec![] }
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, room: &mut Room) {
        let (panel, (images, own)) = (number / self.units(), self.unit(number % self.units()));
        let mut weight = &self.weight[panel * self.way.panel()..][..self.way.panel()];
        for class in &self.way.classes {
            let count = class.taps.len() * self.way.sides.inputs;
            let (class_weight, rest) = weight.split_at(VECTORS * count * LANES);
            weight = rest;
            self.places(class, images.clone(), own.clone(), &mut room.places);
            if count == 0 {
                let half = room.sums.len() / VECTORS;
                for (_, at) in &room.places {
                    (0..VECTORS).for_each(|vector| room.sums[vector * half + at..][..LANES].fill(0.0));
                }
            }
            let parts = count.div_ceil(TERMS);
            for number in 0..parts {
                let (terms, next) =
                    (part(count, parts, number), part(count, parts, (number + 1).min(parts - 1)));
                room.terms.clear();
                let area = self.way.frame.area();
                let term =
                    |term: usize| term / class.taps.len() * area + class.taps[term % class.taps.len()].1;
                room.terms.extend(terms.clone().map(term));
                let of = |terms: Range<usize>| {
                    [0, 1].map(|vector| {
                        let first = vector * count * LANES;
                        &class_weight[first + terms.start * LANES..first + terms.end * LANES]
                    })
                };
                self.add_up(simd, of(terms), of(next), room, number == 0);
            }
        }
        self.write(simd, panel, images, own, &room.sums);
    }
}
