//! Convolutions with windows of one element that move by 1, between few channels.
//!
//! What a plane holds lies side by side, as a product of matrices wants it, so that nothing is copied to panels: for each image the result
//! is `weight x planes`, and so is the transpose in the input. A task has a tile of the places of an image, so narrow that the first cache
//! holds all planes that are read, and goes through all channels of the result with it.

use super::Channels;
use crate::kernels::product::part;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{LANES, Parts, Simd, in_parts};
use crate::memory::Shared;
use crate::workers::pieces_where;

/// Channels of the result that are computed side by side.
const ROWS: usize = 8;
/// Vectors of places that are computed side by side.
const WIDE: usize = 2;
/// Elements of a tile that the first cache holds.
const TILE: usize = 8192;
/// The fewest places of a tile.
const PLACES: usize = 64;
/// Products that a task is at least worth.
const WORTH: usize = 1 << 18;
/// Columns of panels that are worth to be made by several cores.
const PANELS: usize = 1 << 10;

/// `[N, C, ..] * [O, C / groups, 1, ..] -> [N, O, ..]`
pub(super) fn forward([x, w]: [&[f32]; 2], y: &mut [f32], channels: Channels) {
    let Channels { own, shared, .. } = channels;
    let at = |group: usize, row: usize, term: usize| w[(group * shared + row) * own + term];
    product(x, at, y, channels, [shared, own]);
}

/// `[N, O, ..] * [O, C / groups, 1, ..] -> [N, C, ..]`
pub(super) fn input([y, w]: [&[f32]; 2], x: &mut [f32], channels: Channels) {
    let Channels { own, shared, .. } = channels;
    let at = |group: usize, row: usize, term: usize| w[(group * shared + term) * own + row];
    product(y, at, x, channels, [own, shared]);
}

/// `rows` planes of each group of an image, each a sum over `terms` planes.
fn product(
    from: &[f32],
    weight: impl Fn(usize, usize, usize) -> f32 + Sync,
    to: &mut [f32],
    channels: Channels,
    [rows, terms]: [usize; 2],
) {
    let products = channels.images * channels.groups;
    // Sums of nothing are written too.
    if to.is_empty() || terms == 0 {
        return to.fill(0.0);
    }
    let plane = to.len() / (products * rows);
    let panels = rows.div_ceil(ROWS);
    let mut left = Scratch::<[f32; ROWS]>::of(channels.groups * panels * terms);
    let fill = |panel: usize, left: &mut [[f32; ROWS]]| {
        let first = panel % panels * ROWS;
        for (term, to) in left.iter_mut().enumerate() {
            to.fill(0.0);
            for (own, to) in to.iter_mut().enumerate().take(rows - first) {
                *to = weight(panel / panels, first + own, term);
            }
        }
    };
    pieces_where(left.len() >= PANELS, &mut left, terms, fill);
    let tiles = (plane / (TILE / terms.max(1)).max(PLACES)).max(1);
    let tasks = products * tiles;
    let parts = tasks.div_ceil((WORTH / (rows * terms * plane / tiles).max(1)).max(1));
    let size = [rows, terms, plane];
    let groups = channels.groups;
    in_parts(parts, &Product { from, left: &left, to: &Shared::new(to), size, groups, tiles, tasks, parts });
}

/// One of several parts of the places of a plane, whole vectors but for the last one.
fn tile(plane: usize, tiles: usize, number: usize) -> std::ops::Range<usize> {
    let cut = |number: usize| match number == tiles {
        true => plane,
        false => plane * number / tiles / LANES * LANES,
    };
    cut(number)..cut(number + 1)
}

struct Product<'a> {
    from: &'a [f32],
    /// The weight: for each panel of [`ROWS`] rows those of each term, 0 behind the last row.
    left: &'a [[f32; ROWS]],
    to: &'a Shared<'a, f32>,
    /// Rows, terms, and the places of a plane.
    size: [usize; 3],
    groups: usize,
    tiles: usize,
    tasks: usize,
    parts: usize,
}

impl Parts for Product<'_> {
    type Memory = ();

    fn memory(&self) {}

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, (): &mut ()) {
        for task in part(self.tasks, self.parts, number) {
            self.tile(simd, task / self.tiles, task % self.tiles);
        }
    }
}

impl Product<'_> {
    /// All rows of some places of an image's group.
    #[inline(always)]
    fn tile<S: Simd>(&self, simd: S, product: usize, number: usize) {
        let [rows, terms, plane] = self.size;
        let panels = rows.div_ceil(ROWS);
        let left = &self.left[product % self.groups * panels * terms..][..panels * terms];
        let from = &self.from[product * terms * plane..][..terms * plane];
        let places = tile(plane, self.tiles, number);
        for (panel, left) in left.chunks_exact(terms).enumerate() {
            let to = (product * rows + panel * ROWS) * plane;
            let block =
                Block { left, from, plane, to: self.to, first: to, rows: ROWS.min(rows - panel * ROWS) };
            block.places(simd, places.clone());
        }
    }
}

/// Up to [`ROWS`] rows.
struct Block<'a> {
    left: &'a [[f32; ROWS]],
    from: &'a [f32],
    plane: usize,
    to: &'a Shared<'a, f32>,
    /// Where the first row goes.
    first: usize,
    rows: usize,
}

impl Block<'_> {
    #[inline(always)]
    fn places<S: Simd>(&self, simd: S, places: std::ops::Range<usize>) {
        const STEP: usize = WIDE * LANES;
        let mut at = places.start;
        while at + STEP <= places.end {
            self.some::<S, WIDE>(simd, at, STEP);
            at += STEP;
        }
        let rest = places.end - at;
        if rest == 0 {
            return;
        }
        // The last vectors overlap those before them, where there are any: what they have in common is the same.
        match places.len() {
            STEP.. if rest > LANES => self.some::<S, WIDE>(simd, places.end - STEP, STEP),
            LANES.. => {
                if rest > LANES {
                    self.some::<S, 1>(simd, at, LANES);
                }
                self.some::<S, 1>(simd, places.end - LANES, LANES);
            }
            len => self.some::<S, 1>(simd, at, len),
        }
    }

    /// `N` vectors, with `len` places in all, in parts that the registers hold.
    #[inline(always)]
    fn some<S: Simd, const N: usize>(&self, simd: S, at: usize, len: usize) {
        match S::SUMS {
            16.. => self.sums::<S, ROWS, N>(simd, 0, at, len),
            _ => {
                for top in (0..self.rows).step_by(2) {
                    self.sums::<S, 2, N>(simd, top, at, len);
                }
            }
        }
    }

    #[inline(always)]
    fn sums<S: Simd, const R: usize, const N: usize>(&self, simd: S, top: usize, at: usize, len: usize) {
        let mut sums = [[simd.splat(0.0); N]; R];
        let rows = self.from.chunks_exact(self.plane);
        for (left, from) in self.left.iter().zip(rows) {
            let from = &from[at..at + len];
            let mut right = [simd.splat(0.0); N];
            for (n, right) in right.iter_mut().enumerate() {
                *right = simd.load_some(&from[n * LANES..]);
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let weight = simd.splat(left[top + row]);
                for n in 0..N {
                    sums[n] = simd.mul_add(weight, right[n], sums[n]);
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            if top + row < self.rows {
                let to = self.to.run(self.first + (top + row) * self.plane + at, len);
                for (n, sum) in sums.iter().enumerate() {
                    simd.store_some(*sum, &mut to[n * LANES..]);
                }
            }
        }
    }
}
