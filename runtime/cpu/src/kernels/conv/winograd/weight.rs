//! The transpose in the weight: sums over tiles.

use std::ops::Range;

use super::transform::{OfGradient, OfTile, OfWeightSum, Transform, transform};
use super::{GAP, Images, PLACES, Strips};
use crate::kernels::conv::Channels;
use crate::kernels::micro::{COLUMNS, Left, ROWS};
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{LANES, Parts, Simd, in_parts, rows};
use crate::kernels::window::Moves;
use crate::memory::Shared;

/// Elements of transformed tiles of both operands that are held, at least, before their products are added up: half of the second cache.
const HELD: usize = 1 << 18;
/// Vectors of inputs that a block of the product has.
const VECTORS: usize = COLUMNS / LANES;

/// Products of 16 outputs with a panel of inputs, for each place.
type Sums = [[[f32; COLUMNS]; LANES]; PLACES];

/// `[N, C, ..] * [N, O, ..] -> [O, C / groups, 3, 3]`
pub(in crate::kernels::conv) fn weight(
    [(x, x_shape), (y, y_shape)]: [(&[f32], &[usize]); 2],
    w: &mut [f32],
    moves: &Moves<'_>,
    channels: Channels,
) {
    let strips = Strips::new(channels.images, [y_shape[2], y_shape[3]]);
    let low = [moves.low(0), moves.low(1)];
    let images = |elements, shape: &[usize], first: usize, own: usize| Images {
        elements,
        channels: shape[1],
        first,
        own,
        size: [shape[2], shape[3]],
    };
    for (group, w) in w.chunks_exact_mut(channels.own * channels.shared * 9).enumerate() {
        let x = images(x, x_shape, group * channels.own, channels.own);
        let y = images(y, y_shape, group * channels.shared, channels.shared);
        of_group([x, y], strips, low, w);
    }
}

fn of_group([x, y]: [Images<'_>; 2], strips: Strips, low: [isize; 2], w: &mut [f32]) {
    let (wide, tall) = (x.vectors().div_ceil(VECTORS), y.vectors());
    let strip = PLACES * (wide * COLUMNS + tall * LANES) * strips.across;
    // To add up is to go through all sums: not more often than through as many tiles.
    let some = (HELD.max(PLACES * x.own * y.own) / strip).clamp(1, strips.count());
    let [mut a, mut b] = [tall * LANES, wide * COLUMNS].map(|width| {
        let apart = some * strips.across * width + GAP;
        Scratch::of(PLACES * apart)
    });
    let whole = some == strips.count();
    let mut sums = if whole { vec![] } else { vec![[[[0.0; COLUMNS]; LANES]; PLACES]; wide * tall] };
    let (sums, w) = (Shared::new(&mut sums), Shared::new(w));
    for start in (0..strips.count()).step_by(some) {
        let own = start..(start + some).min(strips.count());
        let tiles = own.len() * strips.across;
        let pitch = [tiles * tall * LANES + GAP, tiles * wide * COLUMNS + GAP];
        let (out_a, out_b) = (Shared::new(&mut a), Shared::new(&mut b));
        let across = Across { images: [y, x], strips, own: own.clone(), low, pitch, out: [&out_a, &out_b] };
        in_parts(own.len() * (tall + x.vectors()), &across);
        let products = Products { a: &a, b: &b, pitch, tiles, size: [tall, wide], x, y, sums: &sums, w: &w };
        let products = Blocks { products, first: start == 0, last: own.end == strips.count() };
        in_parts(tall * wide, &products);
    }
}

/// Vectors of strips of both operands, transformed: for each place and panel the panel's lanes for each tile.
struct Across<'a> {
    /// The gradient, whose panels are of [`LANES`] channels, and the input, whose panels are of [`COLUMNS`].
    images: [Images<'a>; 2],
    strips: Strips,
    own: Range<usize>,
    low: [isize; 2],
    /// How far places are apart.
    pitch: [usize; 2],
    out: [&'a Shared<'a, f32>; 2],
}

impl Across<'_> {
    #[inline(always)]
    fn strip<F: Transform<I, 6>, S: Simd, const I: usize>(
        &self,
        simd: S,
        operand: usize,
        [number, vector]: [usize; 2],
        low: [isize; 2],
        near: &mut [f32],
    ) {
        let width = [LANES, COLUMNS][operand];
        let (image, top) = self.strips.place(self.own.start + number);
        let tiles = self.own.len() * self.strips.across;
        let (panel, lane) = (vector * LANES / width, vector * LANES % width);
        let at = (panel * tiles + number * self.strips.across) * width + lane;
        self.images[operand].strip::<F, S, I>(
            simd,
            [image, vector, self.strips.across],
            [top as isize - low[0], low[1]],
            near,
            #[inline(always)]
            |tile, place, v| {
                let at = place * self.pitch[operand] + at + tile * width;
                simd.store_some(v, self.out[operand].run(at, LANES));
            },
        );
    }
}

impl Parts for Across<'_> {
    type Memory = Scratch<f32>;

    fn memory(&self) -> Scratch<f32> {
        Scratch::of(self.images[0].room(4).max(self.images[1].room(6)))
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, near: &mut Scratch<f32>) {
        let (strip, vector) = (number % self.own.len(), number / self.own.len());
        match vector.checked_sub(self.images[0].vectors()) {
            None => self.strip::<OfGradient, S, 4>(simd, 0, [strip, vector], [0, 0], near),
            Some(vector) => self.strip::<OfTile, S, 6>(simd, 1, [strip, vector], self.low, near),
        }
    }
}

/// Transformed tiles to be multiplied.
struct Products<'a> {
    a: &'a [f32],
    b: &'a [f32],
    pitch: [usize; 2],
    tiles: usize,
    /// Panels of outputs and of inputs.
    size: [usize; 2],
    x: Images<'a>,
    y: Images<'a>,
    /// Sums of earlier tiles, if there are any.
    sums: &'a Shared<'a, Sums>,
    w: &'a Shared<'a, f32>,
}

/// Blocks of the product: [`LANES`] outputs by [`COLUMNS`] inputs.
struct Blocks<'a> {
    products: Products<'a>,
    /// Whether these are the first tiles, and the last ones.
    first: bool,
    last: bool,
}

impl Parts for Blocks<'_> {
    type Memory = (Box<Sums>, [f32; 9 * LANES]);

    fn memory(&self) -> Self::Memory {
        (Box::new([[[0.0; COLUMNS]; LANES]; PLACES]), [0.0; 9 * LANES])
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, (own, near): &mut Self::Memory) {
        let products = &self.products;
        let [row, column] = [number / products.size[1], number % products.size[1]];
        let sums = match self.first && self.last {
            true => &mut **own,
            false => &mut products.sums.run(number, 1)[0],
        };
        products.add_up(simd, [row, column], !self.first, sums);
        if self.last {
            products.back(simd, [row, column], sums, near);
        }
    }
}

impl Products<'_> {
    /// The products of a block, place by place.
    #[inline(always)]
    fn add_up<S: Simd>(&self, simd: S, [row, column]: [usize; 2], add: bool, sums: &mut Sums) {
        for (place, sums) in sums.iter_mut().enumerate() {
            let a = &self.a[place * self.pitch[0] + row * self.tiles * LANES..][..self.tiles * LANES];
            let b = &self.b[place * self.pitch[1] + column * self.tiles * COLUMNS..][..self.tiles * COLUMNS];
            for (top, sums) in sums.chunks_exact_mut(ROWS).enumerate() {
                let left = Left { elements: &a[top * ROWS..], row: 1, term: LANES };
                simd.product(left, b, sums, add);
            }
        }
    }

    /// Transforms a block back.
    #[inline(always)]
    fn back<S: Simd>(&self, simd: S, [row, column]: [usize; 2], sums: &Sums, near: &mut [f32; 9 * LANES]) {
        for (own, output) in (row * LANES..self.y.own.min((row + 1) * LANES)).enumerate() {
            for half in 0..VECTORS {
                let first = column * COLUMNS + half * LANES;
                let count = self.x.own.saturating_sub(first).min(LANES);
                transform::<OfWeightSum, S, 6, 3>(
                    simd,
                    #[inline(always)]
                    |i, j| simd.load_some(&sums[i * 6 + j][own][half * LANES..][..LANES]),
                    #[inline(always)]
                    |i, j, v| simd.store_some(v, &mut near[(i * 3 + j) * LANES..][..LANES]),
                );
                rows(
                    simd,
                    near,
                    count,
                    #[inline(always)]
                    |input, _, taps, v| {
                        let at = (output * self.x.own + first + input) * taps;
                        simd.store_some(v, self.w.run(at, taps));
                    },
                );
            }
        }
    }
}
