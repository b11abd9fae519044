//! Convolutions with windows of 3x3 that move by 1, by Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016, "Fast algorithms for
//! convolutional neural networks").
//!
//! A tile of 4x4 outputs is computed from 6x6 inputs: both operands are transformed, multiplied place by place, summed over channels, which
//! is a product of matrices for each of the 36 places, and transformed back. It takes 36 products for each tile instead of 144, and loses
//! two to three bits: errors are about 5 times those of a direct sum.
//!
//! The convolution itself and its transpose in the input are the same function with the weight read differently; the transpose in the
//! weight sums over tiles instead of channels.

use std::array::from_fn;
use std::ops::Range;

use rayon::prelude::*;

use super::Channels;
use crate::element::Element;
use crate::kernels::micro::{Block, COLUMNS, ROWS};
use crate::kernels::product::part;
use crate::kernels::scratch::Scratch;
use crate::kernels::vector::{isa, widest};
use crate::kernels::window::Moves;
use crate::memory::Shared;

/// Places of a transformed tile.
const PLACES: usize = 36;
/// Channels below which transforms cost more than they save.
const FEWEST: usize = 16;
/// Elements that panels of different places are apart beyond their size, so that they do not fall into the same lines of a cache.
const GAP: usize = 16;

/// Panels of tiles that are enough tasks.
const MANY: usize = 8;
/// Parts that inputs are cut into where there are fewer.
const PARTS: usize = 8;
/// Inputs whose weight is transformed at a time: it stays in the second cache.
const CHUNK: usize = 64;
/// Inputs whose windows are copied at a time.
const SOME: usize = 16;
/// Tiles below which the transpose in the weight costs more to transform back than it saves.
const FEWEST_TILES: usize = 16;

/// Whether the transpose in the weight can be done this way and gains by it.
pub(super) fn fits_weight<T: Element>(
    channels: Channels,
    moves: &Moves<'_>,
    kernel: &[usize],
    y: &[usize],
) -> bool {
    fits::<T>(channels, moves, kernel) && Tiles::new(channels.images, [y[2], y[3]]).count() >= FEWEST_TILES
}

/// Whether a convolution can be done this way and gains by it.
pub(super) fn fits<T: Element>(channels: Channels, moves: &Moves<'_>, kernel: &[usize]) -> bool {
    let plain = kernel == [3, 3] && moves.stride == [1, 1] && moves.dilation == [1, 1];
    let wide = channels.own >= FEWEST && channels.shared >= FEWEST;
    size_of::<T>() == 4 && plain && wide && !super::is_exact()
}

/// Images that are cut into tiles of 4x4.
#[derive(Debug, Clone, Copy)]
struct Tiles {
    images: usize,
    /// Tiles in a column and in a row of an image.
    down: usize,
    across: usize,
}

impl Tiles {
    fn new(images: usize, [height, width]: [usize; 2]) -> Self {
        Tiles { images, down: height.div_ceil(4), across: width.div_ceil(4) }
    }

    fn count(&self) -> usize {
        self.images * self.down * self.across
    }

    /// Image, row and column of a tile.
    fn place(&self, tile: usize) -> [usize; 3] {
        let rest = tile % (self.down * self.across);
        [tile / (self.down * self.across), rest / self.across, rest % self.across]
    }
}

/// Some channels of images in row-major order.
#[derive(Clone, Copy)]
struct Images<'a, T> {
    elements: &'a [T],
    channels: usize,
    /// The first channel of the group.
    first: usize,
    size: [usize; 2],
}

impl<'a, T: Element> Images<'a, T> {
    fn plane(&self, image: usize, channel: usize) -> &'a [T] {
        let area = self.size[0] * self.size[1];
        &self.elements[(image * self.channels + self.first + channel) * area..][..area]
    }

    /// Puts a square into a lane; what lies outside of the image is 0.
    #[inline(always)]
    fn square<const S: usize, const L: usize>(
        &self,
        plane: &[T],
        [top, left]: [isize; 2],
        lane: usize,
        into: &mut [[[T; L]; S]; S],
    ) {
        let [height, width] = self.size;
        let inside = |at: isize, size: usize| at >= 0 && at as usize + S <= size;
        if inside(top, height) && inside(left, width) {
            for (i, into) in into.iter_mut().enumerate() {
                let row = &plane[(top as usize + i) * width + left as usize..][..S];
                into.iter_mut().zip(row).for_each(|(into, x)| into[lane] = *x);
            }
            return;
        }
        for (i, into) in into.iter_mut().enumerate() {
            for (j, into) in into.iter_mut().enumerate() {
                let (y, x) = (top + i as isize, left + j as isize);
                let known = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
                into[lane] = if known { plane[y as usize * width + x as usize] } else { T::default() };
            }
        }
    }
}

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
pub(super) fn forward<T: Element>(
    [(x, x_shape), (w, _)]: [(&[T], &[usize]); 2],
    (y, y_shape): (&mut [T], &[usize]),
    moves: &Moves<'_>,
    channels: Channels,
) {
    let low = [moves.low(0), moves.low(1)];
    both([(x, x_shape), (w, &[channels.own, channels.shared])], (y, y_shape), low, channels, false);
}

/// `[N, O, ..] * [O, C / groups, 3, 3] -> [N, C, ..]`
pub(super) fn input<T: Element>(
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

/// Tiles that are transformed before their products are added up.
const TOGETHER: usize = 1024;
/// Tiles that a panel holds at a time.
const DEPTH: usize = 256;

/// `[N, C, ..] * [N, O, ..] -> [O, C / groups, 3, 3]`
pub(super) fn weight<T: Element>(
    [(x, x_shape), (y, y_shape)]: [(&[T], &[usize]); 2],
    w: &mut [T],
    moves: &Moves<'_>,
    channels: Channels,
) {
    let area = channels.own * channels.shared * 9;
    for (group, w) in w.chunks_exact_mut(area).enumerate() {
        let size = [y_shape[2], y_shape[3]];
        let images = |elements, shape: &[usize], own: usize| Images {
            elements,
            channels: shape[1],
            first: group * own,
            size: [shape[2], shape[3]],
        };
        let (x, y) = (images(x, x_shape, channels.own), images(y, y_shape, channels.shared));
        let (tiles, low) = (Tiles::new(channels.images, size), [moves.low(0), moves.low(1)]);
        let (tall, wide) = (channels.shared.div_ceil(ROWS), channels.own.div_ceil(COLUMNS));
        let mut sums = Scratch::zeros(PLACES * tall * wide * ROWS * COLUMNS);
        for start in (0..tiles.count()).step_by(TOGETHER) {
            let own = start..(start + TOGETHER).min(tiles.count());
            let a = across::<OfGradient, T, 4, ROWS>(y, channels.shared, tiles, own.clone(), [0, 0]);
            let b = across::<OfTile, T, 6, COLUMNS>(x, channels.own, tiles, own.clone(), low);
            add_up(&a, &b, [tall, wide], own.len(), &mut sums);
        }
        let size = [channels.own, wide];
        w.par_chunks_exact_mut(channels.own * 9).enumerate().for_each(|(output, w)| {
            of_output(&sums, output, tall, size, w);
        });
    }
}

/// Tiles of all channels, transformed: for each place and each panel of `P` channels the panel's lanes for each tile.
fn across<F: Transform<S, 6>, T: Element, const S: usize, const P: usize>(
    images: Images<'_, T>,
    channels: usize,
    tiles: Tiles,
    own: Range<usize>,
    low: [isize; 2],
) -> Scratch<T> {
    let (panels, count) = (channels.div_ceil(P), own.len());
    let mut all = Scratch::of(PLACES * panels * count * P);
    let shared = &Shared::new(&mut all);
    (0..panels)
        .into_par_iter()
        .flat_map(|panel| (0..count.div_ceil(64)).into_par_iter().map(move |k| (panel, k)))
        .for_each(|(panel, part)| {
            let own_channels = panel * P..((panel + 1) * P).min(channels);
            let mut given = [[[T::default(); P]; S]; S];
            let mut done = [[[T::default(); P]; 6]; 6];
            widest(
                #[inline(always)]
                || {
                    for tile in part * 64..((part + 1) * 64).min(count) {
                        let [image, row, column] = tiles.place(own.start + tile);
                        let corner = [(row * 4) as isize - low[0], (column * 4) as isize - low[1]];
                        for (lane, channel) in own_channels.clone().enumerate() {
                            images.square(images.plane(image, channel), corner, lane, &mut given);
                        }
                        transform::<F, _, _, _, _>(&given, &mut done);
                        for (place, lanes) in done.iter().flatten().enumerate() {
                            shared
                                .run(((place * panels + panel) * count + tile) * P, P)
                                .copy_from_slice(lanes);
                        }
                    }
                },
            );
        });
    all
}

/// Adds the products of some tiles to the sums: for each place a block for each panel of outputs and each panel of inputs.
fn add_up<T: Element>(a: &[T], b: &[T], [tall, wide]: [usize; 2], count: usize, sums: &mut [T]) {
    let isa = isa();
    sums.par_chunks_exact_mut(wide * ROWS * COLUMNS).enumerate().for_each(|(number, sums)| {
        let place = number / tall;
        let mut block = [T::default(); ROWS * COLUMNS];
        for (panel, sums) in sums.chunks_exact_mut(ROWS * COLUMNS).enumerate() {
            for start in (0..count).step_by(DEPTH) {
                let own = DEPTH.min(count - start);
                let a = &a[(number * count + start) * ROWS..][..own * ROWS];
                let b = &b[((place * wide + panel) * count + start) * COLUMNS..][..own * COLUMNS];
                T::block(isa, a, b, &mut block);
                sums.iter_mut().zip(&block).for_each(|(sum, own)| *sum = sum.add(*own));
            }
        }
    });
}

/// Transforms the sums of one output channel back.
fn of_output<T: Element>(sums: &[T], output: usize, tall: usize, [own, wide]: [usize; 2], w: &mut [T]) {
    let mut given = [[[T::default(); COLUMNS]; 6]; 6];
    let mut done = [[[T::default(); COLUMNS]; 3]; 3];
    for panel in 0..wide {
        for (place, lanes) in given.iter_mut().flatten().enumerate() {
            let block = (place * tall + output / ROWS) * wide + panel;
            let start = block * ROWS * COLUMNS + output % ROWS * COLUMNS;
            lanes.copy_from_slice(&sums[start..start + COLUMNS]);
        }
        transform::<OfWeightSum, _, _, _, _>(&given, &mut done);
        for (lane, channel) in (panel * COLUMNS..((panel + 1) * COLUMNS).min(own)).enumerate() {
            let to = &mut w[channel * 9..(channel + 1) * 9];
            to.iter_mut().zip(done.iter().flatten()).for_each(|(to, lanes)| *to = lanes[lane]);
        }
    }
}

/// A transform of rows of `I` numbers to rows of `O`.
trait Transform<const I: usize, const O: usize> {
    fn of<T: Element>(row: [T; I]) -> [T; O];
}

/// Applies a transform to the columns and then to the rows of squares, one for each lane.
#[inline(always)]
fn transform<F: Transform<I, O>, T: Element, const L: usize, const I: usize, const O: usize>(
    given: &[[[T; L]; I]; I],
    done: &mut [[[T; L]; O]; O],
) {
    let mut half = [[[T::default(); L]; I]; O];
    for j in 0..I {
        for lane in 0..L {
            let mut column = [T::default(); I];
            for i in 0..I {
                column[i] = given[i][j][lane];
            }
            let column = F::of(column);
            for i in 0..O {
                half[i][j][lane] = column[i];
            }
        }
    }
    for i in 0..O {
        for lane in 0..L {
            let mut row = [T::default(); I];
            for j in 0..I {
                row[j] = half[i][j][lane];
            }
            let row = F::of(row);
            for j in 0..O {
                done[i][j][lane] = row[j];
            }
        }
    }
}

/// A multiple.
#[inline(always)]
fn times<T: Element>(x: T, by: f64) -> T {
    x.mul(T::of(by))
}

/// `B'`: a row of a tile of inputs, at the points 0, 1, -1, 2, -2 and infinity.
struct OfTile;

impl Transform<6, 6> for OfTile {
    #[inline(always)]
    fn of<T: Element>(d: [T; 6]) -> [T; 6] {
        let (even, odd) = (d[4].sub(times(d[2], 4.0)), d[3].sub(times(d[1], 4.0)));
        let (near, far) = (d[4].sub(d[2]), times(d[3].sub(d[1]), 2.0));
        [
            times(d[0], 4.0).sub(times(d[2], 5.0)).add(d[4]),
            even.add(odd),
            even.sub(odd),
            near.add(far),
            near.sub(far),
            times(d[1], 4.0).sub(times(d[3], 5.0)).add(d[5]),
        ]
    }
}

/// `A'`: a row of sums as a row of outputs.
struct OfSum;

impl Transform<6, 4> for OfSum {
    #[inline(always)]
    fn of<T: Element>(m: [T; 6]) -> [T; 4] {
        let (s, t) = (m[1].add(m[2]), m[3].add(m[4]));
        let (d, e) = (m[1].sub(m[2]), m[3].sub(m[4]));
        [m[0].add(s).add(t), d.add(times(e, 2.0)), s.add(times(t, 4.0)), d.add(times(e, 8.0)).add(m[5])]
    }
}

/// `A`: a row of a tile of gradients, the transpose of [`OfSum`].
struct OfGradient;

impl Transform<4, 6> for OfGradient {
    #[inline(always)]
    fn of<T: Element>(y: [T; 4]) -> [T; 6] {
        let (even, odd) = (y[0].add(y[2]), y[1].add(y[3]));
        let (far_even, far_odd) = (y[0].add(times(y[2], 4.0)), times(y[1], 2.0).add(times(y[3], 8.0)));
        [y[0], even.add(odd), even.sub(odd), far_even.add(far_odd), far_even.sub(far_odd), y[3]]
    }
}

/// `G`: a row of a window.
struct OfWeight;

impl Transform<3, 6> for OfWeight {
    #[inline(always)]
    fn of<T: Element>(g: [T; 3]) -> [T; 6] {
        let (near, own) = (times(g[0].add(g[2]), -1.0 / 6.0), times(g[1], -1.0 / 6.0));
        let far = times(g[0], 1.0 / 24.0).add(times(g[2], 1.0 / 6.0));
        let far_own = times(g[1], 1.0 / 12.0);
        [times(g[0], 0.25), near.add(own), near.sub(own), far.add(far_own), far.sub(far_own), g[2]]
    }
}

/// `G'`: a row of sums as a row of the gradient of a window, the transpose of [`OfWeight`].
struct OfWeightSum;

impl Transform<6, 3> for OfWeightSum {
    #[inline(always)]
    fn of<T: Element>(u: [T; 6]) -> [T; 3] {
        let (s, t) = (u[1].add(u[2]), u[3].add(u[4]));
        let (d, e) = (u[1].sub(u[2]), u[3].sub(u[4]));
        [
            times(u[0], 0.25).sub(times(s, 1.0 / 6.0)).add(times(t, 1.0 / 24.0)),
            times(e, 1.0 / 12.0).sub(times(d, 1.0 / 6.0)),
            times(t, 1.0 / 6.0).sub(times(s, 1.0 / 6.0)).add(u[5]),
        ]
    }
}
