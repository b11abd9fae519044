//! The convolution itself, and its transpose in the input.

use std::marker::PhantomData;
use std::ops::Range;

use super::filter::{Dense, Dense4, Filter, Kind, Small, Spread, Strided};
use super::kernel::{Weight, room};
use super::transform::Planar;
use super::{GAP, Images, Strips};
use crate::kernels::conv::Channels;
use crate::kernels::kept::{self, Kept};
use crate::kernels::micro::{COLUMNS, Left, ROWS};
use crate::kernels::product::part;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{LANES, Parts, Simd, in_parts, rows};
use crate::kernels::window::Moves;
use crate::memory::Shared;

/// Input channels up to which it pays to keep tiles near and to read the whole weight for each task.
const NARROW: usize = 128;
/// Elements of transformed tiles that the second cache holds beside a part of the weight.
const HELD: usize = 150_000;
/// Tasks that are enough for any machine.
const TASKS: usize = 8;
/// Tiles up to which sums over some inputs are kept while the weight of the next inputs is transformed.
const FEW: usize = 64;
/// Inputs whose weight is transformed at a time then: it stays in the second cache.
const CHUNK: usize = 64;
/// Groups of tiles that are multiplied by one place of a kept weight after the other, so that it comes from memory once.
const GROUPS: usize = 8;

/// A convolution, or its transpose in the input, of one group.
struct Forward<'a, F> {
    filter: PhantomData<F>,
    x: Images<'a>,
    weight: Weight<'a>,
    /// The same, transformed, if that is kept.
    kept: Option<&'a [f32]>,
    low: [isize; 2],
    /// Those of the result.
    strips: Strips,
    y: &'a Shared<'a, f32>,
    /// Channels of the result, and the first one of the group.
    channels: usize,
    first: usize,
}

/// `[N, C, ..] * [O, C / groups, ..] -> [N, O, ..]`
pub(in crate::kernels::conv) fn forward(
    [x, (w, w_shape)]: [(&[f32], &[usize]); 2],
    y: (&mut [f32], &[usize]),
    moves: &Moves<'_>,
    channels: Channels,
    kept: Option<&Kept<f32>>,
) {
    let low = [moves.low(0), moves.low(1)];
    let way = Way { low, channels, transpose: false, kept };
    let operands = [x, (w, &[channels.own, channels.shared])];
    match way.kind(&w_shape[2..], moves, y.1) {
        Kind::Dense => way.take::<Dense>(operands, y),
        Kind::Small => way.take::<Small>(operands, y),
        Kind::Dense4 => way.take::<Dense4>(operands, y),
        Kind::Strided => way.take::<Strided>(operands, y),
    }
}

/// `[N, O, ..] * [O, C / groups, ..] -> [N, C, ..]`
pub(in crate::kernels::conv) fn input(
    [y, (w, w_shape)]: [(&[f32], &[usize]); 2],
    x: (&mut [f32], &[usize]),
    moves: &Moves<'_>,
    channels: Channels,
    kept: Option<&Kept<f32>>,
) {
    let low = [moves.low(0), moves.low(1)];
    let way = |low: [isize; 2]| Way { low, channels, transpose: true, kept };
    let windows = y.1;
    let operands = [y, (w, &[channels.shared, channels.own][..])];
    match (way(low).kind(&w_shape[2..], moves, windows), low[0] % 2 == 0) {
        (Kind::Dense, _) => way(low.map(|low| 2 - low)).take::<Dense>(operands, x),
        (Kind::Small, _) => way(low.map(|low| 2 - low)).take::<Small>(operands, x),
        (Kind::Dense4, _) => way(low.map(|low| 3 - low)).take::<Dense4>(operands, x),
        (Kind::Strided, true) => way(low.map(|low| 1 - low / 2)).take::<Spread<false>>(operands, x),
        (Kind::Strided, false) => way(low.map(|low| (1 - low) / 2)).take::<Spread<true>>(operands, x),
    }
}

/// A convolution or its transpose in the input, of all groups; tile `t` begins at `step * t - low` along each axis.
struct Way<'a> {
    low: [isize; 2],
    channels: Channels,
    transpose: bool,
    /// For a weight that is the same each time: what it becomes.
    kept: Option<&'a Kept<f32>>,
}

impl Way<'_> {
    /// The filter for some windows.
    fn kind(&self, kernel: &[usize], moves: &Moves<'_>, windows: &[usize]) -> Kind {
        let kind = Kind::new(kernel, moves).unwrap_or(Kind::Dense);
        if self.kept.is_some() { kind.kept(windows) } else { kind }
    }

    /// Computes, by the transforms of a filter.
    fn take<F: Filter>(
        &self,
        [(x, x_shape), (w, sides)]: [(&[f32], &[usize]); 2],
        (y, y_shape): (&mut [f32], &[usize]),
    ) {
        let [inputs, outputs] = [sides[0], sides[1]];
        let strips = Strips::new(x_shape[0], [y_shape[2], y_shape[3]], F::RESULTS);
        let len = inputs * outputs * F::Window::FROM.pow(2);
        if strips.tiles() == 0 || len == 0 {
            return y.fill(0.0);
        }
        let groups = self.channels.groups;
        let weight = |elements| Weight { elements, transpose: self.transpose, inputs, outputs };
        let kept = self.kept.map(|kept| transformed::<F>(kept, w.chunks_exact(len).take(groups).map(weight)));
        let y = &Shared::new(y);
        for (group, elements) in w.chunks_exact(len).enumerate().take(groups) {
            let first = group * inputs;
            let size = [x_shape[2], x_shape[3]];
            let x = Images { elements: x, channels: x_shape[1], first, own: inputs, size };
            let kept = kept.map(|kept| &kept[group * kept.len() / groups..][..kept.len() / groups]);
            let forward = Forward::<F> {
                filter: PhantomData,
                x,
                weight: weight(elements),
                kept,
                low: self.low,
                strips,
                y,
                channels: y_shape[1],
                first: group * outputs,
            };
            match inputs <= NARROW && strips.count() >= TASKS {
                true => forward.by_tiles(),
                false => forward.by_outputs(),
            }
        }
    }
}

/// The weights of all groups, transformed now or earlier.
fn transformed<'a, F: Filter>(
    kept: &'a Kept<f32>,
    weights: impl ExactSizeIterator<Item = Weight<'a>> + Clone,
) -> &'a [f32] {
    let len = |weight: Weight<'_>| weight.panels() * weight.panel_len::<F::Window>();
    kept::filled(kept, weights.clone().map(len).sum(), |out| {
        let mut rest = out;
        for weight in weights {
            let (own, others) = rest.split_at_mut(len(weight));
            weight.transform::<F::Window>(own);
            rest = others;
        }
    })
}

impl<F: Filter> Forward<'_, F> {
    /// Inputs of a transformed tile, in whole vectors.
    fn depth(&self) -> usize {
        self.x.vectors() * LANES
    }

    /// Elements that the places of `tiles` transformed tiles are apart.
    fn apart(&self, tiles: usize) -> usize {
        tiles * self.depth() + GAP
    }

    /// The weight is transformed before; each task transforms some tiles and multiplies them by all of it.
    fn by_tiles(&self) {
        let mut own;
        let weight = match self.kept {
            Some(kept) => kept,
            None => {
                own = Scratch::of(self.weight.panels() * self.weight.panel_len::<F::Window>());
                self.weight.transform::<F::Window>(&mut own);
                &own
            }
        };
        let tile = F::PLACES * self.depth() * self.strips.across;
        let some = (HELD / tile).clamp(1, self.strips.count().div_ceil(TASKS));
        let tasks = self.strips.count().div_ceil(some);
        in_parts(tasks, &ByTiles { forward: self, weight, tasks });
    }

    /// All tiles are transformed before; each task transforms the weight of some outputs, which lies in memory as a whole only where it is
    /// kept: it is larger than everything else.
    fn by_outputs(&self) {
        let apart = self.apart(self.strips.tiles());
        let mut tiles = Scratch::of(F::PLACES * apart);
        let shared = Shared::new(&mut tiles);
        let parts = self.strips.count() * self.x.vectors();
        in_parts(parts, &Tiles { forward: self, out: &shared });
        in_parts(self.weight.panels(), &ByOutputs { forward: self, tiles: &tiles });
    }

    /// One strip, transformed, for one vector of channels. `tile` is the number of its first tile in `out`, where places are `apart`.
    #[inline(always)]
    fn strip<S: Simd>(
        &self,
        simd: S,
        [strip, vector]: [usize; 2],
        [tile, apart]: [usize; 2],
        near: &mut [f32],
        out: &Shared<'_, f32>,
    ) {
        let (image, number) = self.strips.place(strip);
        let corner = [(number * F::STEP) as isize - self.low[0], self.low[1]];
        let at = tile * self.depth() + vector * LANES;
        self.x.strip::<F::Tile, S>(
            simd,
            [image, vector, self.strips.across],
            (F::STEP, corner),
            near,
            #[inline(always)]
            |tile, place, v| {
                simd.store_some(v, out.run(place * apart + at + tile * self.depth(), LANES));
            },
        );
    }

    /// Multiplies some tiles by the weight of some inputs for a panel of outputs.
    #[inline(always)]
    fn multiply<S: Simd>(
        &self,
        simd: S,
        (tiles, apart): (&[f32], usize),
        (weight, pitch, inputs): (&[f32], usize, Range<usize>),
        own: Range<usize>,
        product: &mut [f32],
    ) {
        for place in 0..F::PLACES {
            let weight = &weight[F::window(place) * pitch..][..inputs.len() * COLUMNS];
            self.multiply_at(simd, place, (tiles, apart), (weight, inputs.start), own.clone(), product);
        }
    }

    /// The same for one place.
    #[inline(always)]
    fn multiply_at<S: Simd>(
        &self,
        simd: S,
        place: usize,
        (tiles, apart): (&[f32], usize),
        (weight, input): (&[f32], usize),
        own: Range<usize>,
        product: &mut [f32],
    ) {
        let product = &mut product.as_chunks_mut::<COLUMNS>().0[place * ROWS..][..own.len()];
        let elements = &tiles[place * apart + own.start * self.depth() + input..];
        let left = Left { elements, row: self.depth(), term: 1 };
        simd.product(left, weight, product, input > 0);
    }

    /// Transforms the products of some tiles back, as vectors of outputs. Tiles are counted from the first strip of `far` on.
    #[inline(always)]
    fn back<S: Simd>(&self, simd: S, product: &[f32], own: Range<usize>, far: &mut [f32]) {
        let (area, width) = (self.strips.area(), self.strips.size[1]);
        let half_far = far.len() / 2;
        for (row, tile) in own.enumerate() {
            let (strip, left) = (tile / self.strips.across, tile % self.strips.across * F::RESULTS);
            for half in 0..COLUMNS / LANES {
                let far = &mut far[half * half_far + strip * area * LANES..][..area * LANES];
                F::Sum::of(
                    simd,
                    #[inline(always)]
                    |i, j| {
                        let at = ((i * F::Sum::FROM + j) * ROWS + row) * COLUMNS + half * LANES;
                        simd.load_some(&product[at..][..LANES])
                    },
                    #[inline(always)]
                    |i, j, v| {
                        if left + j < width {
                            simd.store_some(v, &mut far[(i * width + left + j) * LANES..][..LANES]);
                        }
                    },
                );
            }
        }
    }

    /// Writes strips of a panel of outputs.
    #[inline(always)]
    fn write<S: Simd>(&self, simd: S, panel: usize, strips: Range<usize>, far: &[f32]) {
        let (area, [height, width]) = (self.strips.area(), self.strips.size);
        let half_far = far.len() / 2;
        for (number, strip) in strips.enumerate() {
            let (image, number_of_image) = self.strips.place(strip);
            let top = number_of_image * F::RESULTS;
            for half in 0..COLUMNS / LANES {
                let output = panel * COLUMNS + half * LANES;
                let count = self.weight.outputs.saturating_sub(output).min(LANES);
                let plane = image * self.channels + self.first + output;
                let own = self.strips.rows(top) * width * LANES;
                let from = &far[half * half_far + number * area * LANES..][..own];
                rows(
                    simd,
                    from,
                    count,
                    #[inline(always)]
                    |row, at, len, v| {
                        let start = (plane + row) * height * width + top * width + at;
                        simd.store_some(v, self.y.run(start, len));
                    },
                );
            }
        }
    }
}

/// Elements of the products of 8 tiles with a panel of outputs, for each place.
const fn product<F: Filter>() -> usize {
    F::PLACES * ROWS * COLUMNS
}

/// Tiles that are multiplied at a time: groups of at most [`ROWS`], all about equally large.
fn groups(tiles: usize) -> impl ExactSizeIterator<Item = Range<usize>> {
    let count = tiles.div_ceil(ROWS);
    (0..count).map(move |group| part(tiles, count, group))
}

/// Vectors of strips.
struct Tiles<'a, F> {
    forward: &'a Forward<'a, F>,
    out: &'a Shared<'a, f32>,
}

impl<F: Filter> Parts for Tiles<'_, F> {
    type Memory = Scratch<f32>;

    fn memory(&self) -> Scratch<f32> {
        Scratch::of(self.forward.x.room(F::Tile::FROM))
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, near: &mut Scratch<f32>) {
        let forward = self.forward;
        // Norms and others that came before go through channels: a core has written whole planes of some.
        let (vector, strip) = (number / forward.strips.count(), number % forward.strips.count());
        let apart = forward.apart(forward.strips.tiles());
        forward.strip(simd, [strip, vector], [strip * forward.strips.across, apart], near, self.out);
    }
}

/// Some strips with all outputs.
struct ByTiles<'a, F> {
    forward: &'a Forward<'a, F>,
    /// The weight, transformed.
    weight: &'a [f32],
    tasks: usize,
}

impl<F: Filter> ByTiles<'_, F> {
    fn most(&self) -> usize {
        self.forward.strips.count().div_ceil(self.tasks)
    }
}

impl<F: Filter> Parts for ByTiles<'_, F> {
    type Memory = (Scratch<f32>, Scratch<f32>, Scratch<f32>, Scratch<f32>);

    fn memory(&self) -> Self::Memory {
        let forward = self.forward;
        let tiles = F::PLACES * forward.apart(self.most() * forward.strips.across);
        let near = forward.x.room(F::Tile::FROM);
        let far = self.most() * forward.strips.area() * COLUMNS;
        (Scratch::of(tiles), Scratch::of(near), Scratch::of(far), Scratch::of(product::<F>()))
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, (tiles, near, far, product): &mut Self::Memory) {
        let forward = self.forward;
        let strips = part(forward.strips.count(), self.tasks, number);
        let count = strips.len() * forward.strips.across;
        let apart = forward.apart(count);
        let shared = Shared::new(tiles);
        for (own, strip) in strips.clone().enumerate() {
            for vector in 0..forward.x.vectors() {
                forward.strip(simd, [strip, vector], [own * forward.strips.across, apart], near, &shared);
            }
        }
        let all = 0..forward.weight.inputs;
        let len = forward.weight.panel_len::<F::Window>();
        for (panel, weight) in self.weight.chunks_exact(len).enumerate() {
            for own in groups(count) {
                let weight = (weight, forward.weight.pitch(), all.clone());
                forward.multiply(simd, (tiles, apart), weight, own.clone(), product);
                forward.back(simd, product, own, far);
            }
            forward.write(simd, panel, strips.clone(), far);
        }
    }
}

/// Some outputs of all tiles.
struct ByOutputs<'a, F> {
    forward: &'a Forward<'a, F>,
    /// All tiles, transformed.
    tiles: &'a [f32],
}

impl<F: Filter> ByOutputs<'_, F> {
    /// Inputs whose weight is transformed at a time.
    fn chunk(&self) -> usize {
        let inputs = self.forward.weight.inputs;
        if self.forward.strips.tiles() <= FEW { CHUNK.min(inputs) } else { inputs }
    }

    fn pitch(&self) -> usize {
        self.chunk() * COLUMNS + GAP
    }

    /// Groups of tiles whose products are there at the same time.
    fn held(&self) -> usize {
        let groups = groups(self.forward.strips.tiles()).len();
        match self.forward.kept {
            Some(_) => groups.min(GROUPS),
            None if self.chunk() == self.forward.weight.inputs => 1,
            None => groups,
        }
    }

    /// Multiplies by a weight that is transformed now.
    #[inline(always)]
    fn transform<S: Simd>(&self, simd: S, panel: usize, (weight, far, products, near): &mut Room) {
        let (forward, pitch, held) = (self.forward, self.pitch(), self.held());
        let (count, inputs) = (forward.strips.tiles(), forward.weight.inputs);
        let tiles = (self.tiles, forward.apart(count));
        for start in (0..inputs).step_by(self.chunk()) {
            let some = start..(start + self.chunk()).min(inputs);
            forward.weight.panel::<F::Window, S>(simd, panel, some.clone(), pitch, near, weight);
            for (group, own) in groups(count).enumerate() {
                let product = &mut products[group % held * product::<F>()..][..product::<F>()];
                forward.multiply(simd, tiles, (weight, pitch, some.clone()), own.clone(), product);
                if some.end == inputs {
                    forward.back(simd, product, own, far);
                }
            }
        }
    }

    /// Multiplies by a weight that was transformed, place by place: what comes from memory is used for several groups.
    #[inline(always)]
    fn go_through<S: Simd>(&self, simd: S, weight: &[f32], (_, far, products, _): &mut Room) {
        let forward = self.forward;
        let (count, inputs) = (forward.strips.tiles(), forward.weight.inputs);
        let tiles = (self.tiles, forward.apart(count));
        let all = groups(count).len();
        for first in (0..all).step_by(self.held()) {
            let some = || groups(count).skip(first).zip(0..self.held());
            for place in 0..F::PLACES {
                let weight = &weight[F::window(place) * forward.weight.pitch()..][..inputs * COLUMNS];
                for (own, number) in some() {
                    let product = &mut products[number * product::<F>()..][..product::<F>()];
                    forward.multiply_at(simd, place, tiles, (weight, 0), own, product);
                }
            }
            for (own, number) in some() {
                forward.back(simd, &products[number * product::<F>()..][..product::<F>()], own, far);
            }
        }
    }
}

/// A weight, results, products, and what a weight is transformed in.
type Room = (Scratch<f32>, Scratch<f32>, Scratch<f32>, Scratch<f32>);

impl<F: Filter> Parts for ByOutputs<'_, F> {
    type Memory = Room;

    fn memory(&self) -> Room {
        let strips = self.forward.strips;
        let far = strips.count() * strips.area() * COLUMNS;
        let (weight, near) = match self.forward.kept {
            Some(_) => (0, 0),
            None => (F::WINDOWS * self.pitch(), room::<F::Window>()),
        };
        let products = self.held() * product::<F>();
        (Scratch::of(weight), Scratch::of(far), Scratch::of(products), Scratch::of(near))
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, panel: usize, room: &mut Room) {
        let forward = self.forward;
        let len = forward.weight.panel_len::<F::Window>();
        match forward.kept {
            Some(kept) => self.go_through(simd, &kept[panel * len..][..len], room),
            None => self.transform(simd, panel, room),
        }
        forward.write(simd, panel, 0..forward.strips.count(), &room.1);
    }
}
