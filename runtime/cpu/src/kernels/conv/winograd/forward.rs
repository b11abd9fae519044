//! The convolution itself, and its transpose in the input.

use std::array::from_fn;
use std::ops::Range;

use rayon::prelude::*;

use super::transform::{OfSum, OfTile, OfWeight, transform};
use super::{GAP, Images, PLACES, Tiles};
use crate::element::Element;
use crate::kernels::conv::Channels;
use crate::kernels::micro::{Block, COLUMNS, ROWS};
use crate::kernels::product::part;
use crate::kernels::scratch::Scratch;
use crate::kernels::vector::{isa, widest};
use crate::kernels::window::Moves;
use crate::memory::Shared;

/// Panels of tiles that are enough tasks.
const MANY: usize = 8;
/// Parts that inputs are cut into where there are fewer.
const PARTS: usize = 8;
/// Inputs whose weight is transformed at a time: it stays in the second cache.
const CHUNK: usize = 64;
/// Inputs whose windows are copied at a time.
const SOME: usize = 16;

/// A convolution, or its transpose in the input: `x` with `shared * groups` channels of `own` inputs each to `y`.
struct Forward<'a, T> {
    x: Images<'a, T>,
    /// The weight of the group, in row-major order as the op has it.
    weight: &'a [T],
    /// Whether this is the transpose: the weight is turned by 180 degrees, and its channels are exchanged.
    transpose: bool,
    /// Channels that are summed over, and those of the result.
    inputs: usize,
    outputs: usize,
    low: [isize; 2],
    tiles: Tiles,
}

/// `[N, C, ..] * [O, C / groups, 3, 3] -> [N, O, ..]`
pub(in crate::kernels::conv) fn forward<T: Element>(
    [(x, x_shape), (w, _)]: [(&[T], &[usize]); 2],
    (y, y_shape): (&mut [T], &[usize]),
    moves: &Moves<'_>,
    channels: Channels,
) {
    let low = [moves.low(0), moves.low(1)];
    both([(x, x_shape), (w, &[channels.own, channels.shared])], (y, y_shape), low, channels, false);
}

/// `[N, O, ..] * [O, C / groups, 3, 3] -> [N, C, ..]`
pub(in crate::kernels::conv) fn input<T: Element>(
    [(y, y_shape), (w, _)]: [(&[T], &[usize]); 2],
    (x, x_shape): (&mut [T], &[usize]),
    moves: &Moves<'_>,
    channels: Channels,
) {
    let low = [2 - moves.low(0), 2 - moves.low(1)];
    both([(y, y_shape), (w, &[channels.shared, channels.own])], (x, x_shape), low, channels, true);
}

fn both<T: Element>(
    [(x, x_shape), (w, sides)]: [(&[T], &[usize]); 2],
    (y, y_shape): (&mut [T], &[usize]),
    low: [isize; 2],
    channels: Channels,
    transpose: bool,
) {
    let [inputs, outputs] = [sides[0], sides[1]];
    let size = [y_shape[2], y_shape[3]];
    let area = size[0] * size[1];
    let elements = &Shared::new(y);
    for group in 0..channels.groups {
        let weight = &w[group * inputs * outputs * 9..][..inputs * outputs * 9];
        let x = Images {
            elements: x,
            channels: x_shape[1],
            first: group * inputs,
            size: [x_shape[2], x_shape[3]],
        };
        let tiles = Tiles::new(x_shape[0], size);
        let forward = Forward { x, weight, transpose, inputs, outputs, low, tiles };
        let plane = |image: usize, output: usize| (image * y_shape[1] + group * outputs + output) * area;
        // Blocks are wider than high: the longer side goes along them.
        match tiles.count() <= COLUMNS * 3 / 4 {
            true => forward.run::<ROWS, COLUMNS>(elements, size, plane, true),
            false => forward.run::<COLUMNS, ROWS>(elements, size, plane, false),
        }
    }
}

impl<T: Element> Forward<'_, T> {
    /// Tiles in panels of `A`, outputs in panels of `B`; `swapped` if tiles are the rows of blocks.
    fn run<const A: usize, const B: usize>(
        &self,
        y: &Shared<'_, T>,
        size: [usize; 2],
        plane: impl Fn(usize, usize) -> usize + Sync,
        swapped: bool,
    ) {
        let (tall, wide) = (self.outputs.div_ceil(B), self.tiles.count().div_ceil(A));
        if tall * wide == 0 {
            return;
        }
        let back = |product: &[Block<T>], panel: usize, output: usize| {
            self.back::<A, B>(product, [panel, output], y, size, &plane, swapped);
        };
        match wide >= MANY {
            true => self.many::<A, B>([wide, tall], swapped, back),
            false => self.few::<A, B>([wide, tall], swapped, back),
        }
    }

    /// Many panels of tiles: each is a task, and the weight is transformed before.
    fn many<const A: usize, const B: usize>(
        &self,
        [wide, tall]: [usize; 2],
        swapped: bool,
        back: impl Fn(&[Block<T>], usize, usize) + Sync,
    ) {
        let (a, b) = (self.inputs * A + GAP, self.inputs * B + GAP);
        let mut weight = Scratch::of(tall * PLACES * b);
        weight.par_chunks_exact_mut(PLACES * b).enumerate().for_each(|(panel, out)| {
            self.weights::<B>(panel, 0..self.inputs, b, out);
        });
        (0..wide).into_par_iter().for_each_init(
            || (Scratch::of(PLACES * a), vec![[T::default(); ROWS * COLUMNS]; PLACES]),
            |(x, product), panel| {
                self.tiles_of::<A>(panel, 0..self.inputs, a, &Shared::new(x));
                for output in 0..tall {
                    let w = &weight[output * PLACES * b..];
                    for (place, block) in product.iter_mut().enumerate() {
                        let x = &x[place * a..][..self.inputs * A];
                        let w = &w[place * b..][..self.inputs * B];
                        let (a, b) = if swapped { (x, w) } else { (w, x) };
                        T::block(isa(), a, b, block);
                    }
                    back(product, panel, output);
                }
            },
        );
    }

    /// Few panels of tiles: all of them are transformed before, each panel of outputs is a task, and the weight never lies in memory as a
    /// whole: it would be larger than everything else.
    fn few<const A: usize, const B: usize>(
        &self,
        [wide, tall]: [usize; 2],
        swapped: bool,
        back: impl Fn(&[Block<T>], usize, usize) + Sync,
    ) {
        let pitch = self.inputs * A + GAP;
        let own = PLACES * pitch;
        let mut tiles = Scratch::of(own * wide);
        for (panel, x) in tiles.chunks_exact_mut(own).enumerate() {
            let x = &Shared::new(x);
            let task = |number| self.tiles_of::<A>(panel, part(self.inputs, PARTS, number), pitch, x);
            (0..PARTS).into_par_iter().for_each(task);
        }
        let some = CHUNK.min(self.inputs);
        let apart = some * B + GAP;
        (0..tall).into_par_iter().for_each_init(
            || (Scratch::of(PLACES * apart), vec![[T::default(); ROWS * COLUMNS]; wide * PLACES]),
            |(weight, product), output| {
                product.iter_mut().flatten().for_each(|sum| *sum = T::default());
                let mut block = [T::default(); ROWS * COLUMNS];
                for start in (0..self.inputs).step_by(some) {
                    let inputs = start..(start + some).min(self.inputs);
                    self.weights::<B>(output, inputs.clone(), apart, weight);
                    for (number, sums) in product.iter_mut().enumerate() {
                        let (panel, place) = (number / PLACES, number % PLACES);
                        let x = &tiles[panel * own + place * pitch + start * A..][..inputs.len() * A];
                        let w = &weight[place * apart..][..inputs.len() * B];
                        let (a, b) = if swapped { (x, w) } else { (w, x) };
                        T::block(isa(), a, b, &mut block);
                        sums.iter_mut().zip(&block).for_each(|(sum, own)| *sum = sum.add(*own));
                    }
                }
                let panels = product.chunks_exact(PLACES).enumerate();
                panels.for_each(|(panel, product)| back(product, panel, output));
            },
        );
    }

    /// The weight of a panel of outputs, transformed: for each place the panel's lanes for each of some inputs.
    fn weights<const B: usize>(&self, panel: usize, inputs: Range<usize>, pitch: usize, out: &mut [T]) {
        let outputs = panel * B..((panel + 1) * B).min(self.outputs);
        let mut near = [[T::default(); SOME * 9]; B];
        let mut given = [[[T::default(); B]; 3]; 3];
        let mut done = [[[T::default(); B]; 6]; 6];
        widest(
            #[inline(always)]
            || {
                for start in inputs.clone().step_by(SOME) {
                    let some = start..(start + SOME).min(inputs.end);
                    self.windows(some.clone(), outputs.clone(), &mut near);
                    for (own, input) in some.enumerate() {
                        for (lane, near) in near.iter().enumerate() {
                            let window = &near[own * 9..(own + 1) * 9];
                            given.iter_mut().flatten().zip(window).for_each(|(to, tap)| to[lane] = *tap);
                        }
                        transform::<OfWeight, _, _, _, _>(&given, &mut done);
                        for (place, lanes) in done.iter().flatten().enumerate() {
                            let at = place * pitch + (input - inputs.start) * B;
                            out[at..at + B].copy_from_slice(lanes);
                        }
                    }
                }
            },
        );
    }

    /// Copies the windows of some inputs of each output; those of a transpose are turned. They lie so far apart that many of them share
    /// lines of a cache.
    #[inline(always)]
    fn windows(&self, inputs: Range<usize>, outputs: Range<usize>, near: &mut [[T; SOME * 9]]) {
        for (near, output) in near.iter_mut().zip(outputs) {
            if !self.transpose {
                let start = (output * self.inputs + inputs.start) * 9;
                let from = &self.weight[start..start + inputs.len() * 9];
                near[..from.len()].copy_from_slice(from);
                continue;
            }
            for (input, near) in inputs.clone().zip(near.chunks_exact_mut(9)) {
                let start = (input * self.outputs + output) * 9;
                let from = self.weight[start..start + 9].iter().rev();
                near.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        }
    }

    /// A panel of tiles, transformed: for each place the panel's lanes for each of some inputs.
    fn tiles_of<const A: usize>(
        &self,
        panel: usize,
        inputs: Range<usize>,
        pitch: usize,
        out: &Shared<'_, T>,
    ) {
        let tiles = panel * A..((panel + 1) * A).min(self.tiles.count());
        let mut given = [[[T::default(); A]; 6]; 6];
        let mut done = [[[T::default(); A]; 6]; 6];
        widest(
            #[inline(always)]
            || {
                for input in inputs {
                    for (lane, tile) in tiles.clone().enumerate() {
                        let [image, row, column] = self.tiles.place(tile);
                        let corner = [(row * 4) as isize - self.low[0], (column * 4) as isize - self.low[1]];
                        self.x.square(self.x.plane(image, input), corner, lane, &mut given);
                    }
                    transform::<OfTile, _, _, _, _>(&given, &mut done);
                    for (place, lanes) in done.iter().flatten().enumerate() {
                        out.run(place * pitch + input * A, A).copy_from_slice(lanes);
                    }
                }
            },
        );
    }

    /// Transforms a block of sums back and writes its tiles.
    fn back<const A: usize, const B: usize>(
        &self,
        product: &[Block<T>],
        [panel, output]: [usize; 2],
        y: &Shared<'_, T>,
        size: [usize; 2],
        plane: &impl Fn(usize, usize) -> usize,
        swapped: bool,
    ) {
        let mut done = [[[T::default(); COLUMNS]; 4]; 4];
        let mut given = [[[T::default(); COLUMNS]; 6]; 6];
        for row in 0..ROWS {
            widest(
                #[inline(always)]
                || {
                    for (place, lanes) in given.iter_mut().flatten().enumerate() {
                        lanes.copy_from_slice(&product[place][row * COLUMNS..(row + 1) * COLUMNS]);
                    }
                    transform::<OfSum, _, _, _, _>(&given, &mut done);
                },
            );
            for lane in 0..COLUMNS {
                let (tile, output) = match swapped {
                    true => (panel * A + row, output * B + lane),
                    false => (panel * A + lane, output * B + row),
                };
                if tile >= self.tiles.count() || output >= self.outputs {
                    continue;
                }
                let [image, down, across] = self.tiles.place(tile);
                let (top, left) = (down * 4, across * 4);
                let width = (size[1] - left).min(4);
                for (i, done) in done.iter().enumerate().take((size[0] - top).min(4)) {
                    let line: [T; 4] = from_fn(|j| done[j][lane]);
                    let at = plane(image, output) + (top + i) * size[1] + left;
                    y.run(at, width).copy_from_slice(&line[..width]);
                }
            }
        }
    }
}
