//! The transpose in the weight: sums over tiles.

use std::marker::PhantomData;
use std::ops::Range;

use super::filter::{Dense, Dense4, Kind, Strided, Transpose};
use super::transform::Planar;
use super::{GAP, Images, Strips};
use crate::kernels::conv::Channels;
use crate::kernels::micro::{COLUMNS, Left, ROWS};
use crate::kernels::product::part;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{LANES, Parts, Simd, in_parts, rows};
use crate::kernels::window::Moves;
use crate::memory::Shared;
use crate::workers::pieces;

/// Products, about, of a pair of channels that are added up before they are transformed back: that costs as much as 180 of them.
const PRODUCTS: usize = 32 * 81;
/// Elements of transformed inputs that are held at a time where all tiles are transformed first: more is memory that nothing else needs.
const HELD: usize = 600_000;
/// Most tasks with tiles of their own: each has a gradient of its own.
const TASKS: usize = 16;
/// Fewer such tasks would leave cores without work.
const FEW: usize = 4;

/// Products of 16 outputs with a panel of inputs, for a place.
type Sums<const W: usize> = [[f32; W]; LANES];

/// `[N, C, ..] * [N, O, ..] -> [O, C / groups, ..]`
pub(in crate::kernels::conv) fn weight(
    operands: [(&[f32], &[usize]); 2],
    (w, w_shape): (&mut [f32], &[usize]),
    moves: &Moves<'_>,
    channels: Channels,
) {
    match Kind::new(&w_shape[2..], moves) {
        Some(Kind::Strided) => of_groups::<Strided>(operands, w, moves, channels),
        Some(Kind::Dense4) => of_groups::<Dense4>(operands, w, moves, channels),
        _ => of_groups::<Dense>(operands, w, moves, channels),
    }
}

fn of_groups<F: Transpose>(
    [(x, x_shape), (y, y_shape)]: [(&[f32], &[usize]); 2],
    w: &mut [f32],
    moves: &Moves<'_>,
    channels: Channels,
) {
    let strips = Strips::new(channels.images, [y_shape[2], y_shape[3]], F::RESULTS);
    let low = [moves.low(0), moves.low(1)];
    let images = |elements, shape: &[usize], first: usize, own: usize| Images {
        elements,
        channels: shape[1],
        first,
        own,
        size: [shape[2], shape[3]],
    };
    for (group, w) in w.chunks_exact_mut(channels.own * channels.shared * F::Window::FROM.pow(2)).enumerate()
    {
        let x = images(x, x_shape, group * channels.own, channels.own);
        let y = images(y, y_shape, group * channels.shared, channels.shared);
        // Half a panel is enough for few inputs.
        match channels.own {
            ..=LANES => Gradient::<F, LANES> { filter: PhantomData, x, y, strips, low, before: 0 }.compute(w),
            _ => Gradient::<F, COLUMNS> { filter: PhantomData, x, y, strips, low, before: 0 }.compute(w),
        }
    }
}

/// The gradient of one group's weight.
struct Gradient<'a, F, const W: usize> {
    filter: PhantomData<F>,
    x: Images<'a>,
    y: Images<'a>,
    strips: Strips,
    low: [isize; 2],
    /// Inputs of the group before those of `x`.
    before: usize,
}

/// Some strips of both operands to be transformed: for each place and panel the panel's lanes for each tile. Panels of the output's gradient
/// have [`LANES`] channels, those of the input `W`.
struct Transforming<'a, F, const W: usize> {
    gradient: &'a Gradient<'a, F, W>,
    strips: Range<usize>,
    out: [&'a Shared<'a, f32>; 2],
}

/// What has become of them.
struct Transformed<'a, F, const W: usize> {
    gradient: &'a Gradient<'a, F, W>,
    tiles: usize,
    out: [&'a [f32]; 2],
}

impl<F: Transpose, const W: usize> Gradient<'_, F, W> {
    fn compute(&self, w: &mut [f32]) {
        let strips = PRODUCTS / F::PLACES / self.strips.across;
        let chunks = self.strips.count().div_ceil(strips.max(1));
        match chunks {
            FEW.. => self.by_tiles(chunks, w),
            _ => self.by_blocks(w),
        }
    }

    /// Each task transforms tiles of its own and adds up its own gradient: no core reads what another one has just written.
    fn by_tiles(&self, chunks: usize, w: &mut [f32]) {
        let (tasks, len) = (chunks.min(TASKS), w.len());
        let mut parts = Scratch::of(tasks * len);
        in_parts(tasks, &ByTiles { gradient: self, chunks, tasks, len, parts: &Shared::new(&mut parts) });
        pieces(w, 1 << 12, |number, w| {
            let of = |task: usize| &parts[task * len + (number << 12)..];
            w.copy_from_slice(&of(0)[..w.len()]);
            (1..tasks).for_each(|task| w.iter_mut().zip(of(task)).for_each(|(w, part)| *w += part));
        });
    }

    /// All tiles are transformed before, those of some inputs at a time; each task has a block of the gradient.
    fn by_blocks(&self, w: &mut [f32]) {
        let (strips, tiles) = (0..self.strips.count(), self.strips.tiles());
        let some = (HELD / (F::PLACES * tiles.max(1) * W)).max(1) * W;
        let slab = |before: usize| {
            let x = Images { first: self.x.first + before, own: some.min(self.x.own - before), ..self.x };
            Gradient::<F, W> { filter: PhantomData, x, before, ..*self }
        };
        let [mut a, mut b] = slab(0).room(strips.len());
        let (inputs, w) = (self.x.own, &Shared::new(w));
        for before in (0..inputs).step_by(some) {
            let gradient = &slab(before);
            let out = [&Shared::new(&mut a), &Shared::new(&mut b)];
            let strip = Strip {
                transforming: &Transforming { gradient, strips: strips.clone(), out },
                first: before == 0,
            };
            let vectors = if strip.first { gradient.vectors() } else { gradient.x.vectors() };
            in_parts(vectors * strips.len(), &strip);
            let tiles = &Transformed { gradient, tiles, out: [&a, &b] };
            in_parts(gradient.tall() * gradient.wide(), &Block { tiles, inputs, w });
        }
    }

    /// Panels of outputs, and of inputs.
    fn tall(&self) -> usize {
        self.y.vectors()
    }

    fn wide(&self) -> usize {
        self.x.vectors().div_ceil(W / LANES)
    }

    /// Vectors of both operands.
    fn vectors(&self) -> usize {
        self.y.vectors() + self.x.vectors()
    }

    /// How far places of some tiles are apart.
    fn pitch(&self, tiles: usize) -> [usize; 2] {
        [tiles * self.tall() * LANES + GAP, tiles * self.wide() * W + GAP]
    }

    /// Memory for some strips of both operands.
    fn room(&self, strips: usize) -> [Scratch<f32>; 2] {
        self.pitch(strips * self.strips.across).map(|pitch| Scratch::of(F::PLACES * pitch))
    }

    /// Memory to transform a strip in.
    fn near(&self) -> Scratch<f32> {
        Scratch::of(self.y.room(F::RESULTS).max(self.x.room(F::Tile::FROM)))
    }
}

impl<F: Transpose, const W: usize> Transforming<'_, F, W> {
    /// Transforms a vector of one strip. Vectors of the two operands alternate, so that a core has the same part of both.
    #[inline(always)]
    fn strip<S: Simd>(&self, simd: S, vector: usize, strip: usize, near: &mut [f32]) {
        let gradient = self.gradient;
        let before = |vector: usize| vector * gradient.tall() / gradient.vectors();
        let (own, next) = (before(vector), before(vector + 1));
        match next > own {
            true => {
                self.one::<F::Gradient, S>(simd, (&gradient.y, 0), [strip, own], (F::RESULTS, [0, 0]), near)
            }
            false => self.input(simd, vector - own, strip, near),
        }
    }

    /// Transforms a vector of one strip of the input.
    #[inline(always)]
    fn input<S: Simd>(&self, simd: S, vector: usize, strip: usize, near: &mut [f32]) {
        let (gradient, cut) = (self.gradient, (F::STEP, self.gradient.low));
        self.one::<F::Tile, S>(simd, (&gradient.x, 1), [strip, vector], cut, near);
    }

    #[inline(always)]
    fn one<T: Planar, S: Simd>(
        &self,
        simd: S,
        (images, operand): (&Images<'_>, usize),
        [strip, vector]: [usize; 2],
        (step, low): (usize, [isize; 2]),
        near: &mut [f32],
    ) {
        let strips = self.gradient.strips;
        let (width, out) = ([LANES, W][operand], self.out[operand]);
        let tiles = self.strips.len() * strips.across;
        let pitch = self.gradient.pitch(tiles)[operand];
        let (image, number) = strips.place(self.strips.start + strip);
        let top = (number * step) as isize;
        let (panel, lane) = (vector * LANES / width, vector * LANES % width);
        let at = (panel * tiles + strip * strips.across) * width + lane;
        images.strip::<T, S>(
            simd,
            [image, vector, strips.across],
            (step, [top - low[0], low[1]]),
            near,
            #[inline(always)]
            |tile, place, v| simd.store_some(v, out.run(place * pitch + at + tile * width, LANES)),
        );
    }
}

impl<F: Transpose, const W: usize> Transformed<'_, F, W> {
    /// The products of a block, place by place.
    #[inline(always)]
    fn add_up<S: Simd>(&self, simd: S, [row, column]: [usize; 2], sums: &mut [Sums<W>]) {
        let (tiles, pitch) = (self.tiles, self.gradient.pitch(self.tiles));
        let mut begun = 0;
        for place in 0..F::PLACES {
            // The first place of each window is found in the order of windows.
            let window = F::window(place);
            let add = window < begun;
            begun = begun.max(window + 1);
            let sums = &mut sums[window];
            let a = &self.out[0][place * pitch[0] + row * tiles * LANES..][..tiles * LANES];
            let b = &self.out[1][place * pitch[1] + column * tiles * W..][..tiles * W];
            for (top, sums) in sums.chunks_exact_mut(ROWS).enumerate() {
                simd.product(Left { elements: &a[top * ROWS..], row: 1, term: LANES }, b, sums, add);
            }
        }
    }

    /// Transforms a block back, and gives each window: its place in the weight of so many inputs, and its taps.
    #[inline(always)]
    fn back<S: Simd>(
        &self,
        simd: S,
        ([row, column], all): ([usize; 2], usize),
        sums: &[Sums<W>],
        near: &mut [f32],
        mut put: impl FnMut(usize, usize, S::V),
    ) {
        let Gradient { x, y, before, .. } = self.gradient;
        let (inputs, outputs) = (x.own, y.own);
        for (own, output) in (row * LANES..outputs.min((row + 1) * LANES)).enumerate() {
            for half in 0..W / LANES {
                let first = column * W + half * LANES;
                let count = inputs.saturating_sub(first).min(LANES);
                F::WindowSum::of(
                    simd,
                    #[inline(always)]
                    |i, j| simd.load_some(&sums[i * F::Window::TO + j][own][half * LANES..][..LANES]),
                    #[inline(always)]
                    |i, j, v| simd.store_some(v, &mut near[(i * F::Window::FROM + j) * LANES..][..LANES]),
                );
                rows(
                    simd,
                    near,
                    count,
                    #[inline(always)]
                    |input, _, taps, v| put((output * all + before + first + input) * taps, taps, v),
                );
            }
        }
    }
}

/// Sums of a block, and memory to transform it back in.
type Near<const W: usize> = (Scratch<Sums<W>>, Scratch<f32>);

fn near<F: Transpose, const W: usize>() -> Near<W> {
    (Scratch::zeros(F::WINDOWS), Scratch::of(F::Window::FROM.pow(2) * LANES))
}

/// Vectors of strips.
struct Strip<'a, F, const W: usize> {
    transforming: &'a Transforming<'a, F, W>,
    /// Whether those of the output's gradient are among them.
    first: bool,
}

impl<F: Transpose, const W: usize> Parts for Strip<'_, F, W> {
    type Memory = Scratch<f32>;

    fn memory(&self) -> Scratch<f32> {
        self.transforming.gradient.near()
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, near: &mut Scratch<f32>) {
        let strips = self.transforming.strips.len();
        let (vector, strip) = (number / strips, number % strips);
        match self.first {
            true => self.transforming.strip(simd, vector, strip, near),
            false => self.transforming.input(simd, vector, strip, near),
        }
    }
}

/// Blocks of the gradient: [`LANES`] outputs by `W` inputs.
struct Block<'a, F, const W: usize> {
    tiles: &'a Transformed<'a, F, W>,
    /// Inputs of the weight.
    inputs: usize,
    w: &'a Shared<'a, f32>,
}

impl<F: Transpose, const W: usize> Parts for Block<'_, F, W> {
    type Memory = Near<W>;

    fn memory(&self) -> Near<W> {
        near::<F, W>()
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, (sums, near): &mut Near<W>) {
        let wide = self.tiles.gradient.wide();
        let block = [number / wide, number % wide];
        self.tiles.add_up(simd, block, sums);
        self.tiles.back(
            simd,
            (block, self.inputs),
            sums,
            near,
            #[inline(always)]
            |at, len, v| simd.store_some(v, self.w.run(at, len)),
        );
    }
}

/// Whole gradients of some tiles each.
struct ByTiles<'a, F, const W: usize> {
    gradient: &'a Gradient<'a, F, W>,
    /// Pieces into which the strips are cut, and how many tasks share them.
    chunks: usize,
    tasks: usize,
    /// The gradients of all tasks, and how many elements each has.
    parts: &'a Shared<'a, f32>,
    len: usize,
}

impl<F: Transpose, const W: usize> Parts for ByTiles<'_, F, W> {
    type Memory = ([Scratch<f32>; 2], Scratch<f32>, Near<W>);

    fn memory(&self) -> Self::Memory {
        let strips = self.gradient.strips.count().div_ceil(self.chunks);
        (self.gradient.room(strips), self.gradient.near(), near::<F, W>())
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, (memory, far, (sums, near)): &mut Self::Memory) {
        let gradient = self.gradient;
        let own = self.parts.run(number * self.len, self.len);
        let chunks = part(self.chunks, self.tasks, number);
        for chunk in chunks.clone() {
            let strips = part(gradient.strips.count(), self.chunks, chunk);
            let count = strips.len();
            let [a, b] = memory.each_mut().map(|memory| Shared::new(memory));
            let transforming = Transforming { gradient, strips, out: [&a, &b] };
            for number in 0..gradient.vectors() * count {
                transforming.strip(simd, number / count, number % count, far);
            }
            let [a, b] = memory.each_ref().map(|memory| &**memory);
            let tiles = Transformed { gradient, tiles: count * gradient.strips.across, out: [a, b] };
            for block in 0..gradient.wide() * gradient.tall() {
                let block = [block % gradient.tall(), block / gradient.tall()];
                tiles.add_up(simd, block, sums);
                tiles.back(
                    simd,
                    (block, gradient.x.own),
                    sums,
                    near,
                    #[inline(always)]
                    |at, len, v| {
                        let to = &mut own[at..at + len];
                        let sum = if chunk == chunks.start { v } else { simd.add(simd.load_some(to), v) };
                        simd.store_some(sum, to);
                    },
                );
            }
        }
    }
}
