//! The transpose in the weight: a sum over windows for each tap.

use std::ops::Range;
use std::slice::from_ref;

use super::grid::{Grid, reach, turn};
use super::sums::of_taps;
use super::{Lanes, strips};
use crate::kernels::conv::Channels;
use crate::kernels::product::part;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{LANES, Parts, Simd, in_parts};
use crate::kernels::window::{Moves, Windows};
use crate::memory::Shared;

/// Tasks that are enough for any machine.
const TASKS: usize = 16;

/// `[N, C, ..] * [N, O, ..] -> [O, 1, ..]`; false where there are more than two spatial axes.
pub(in crate::kernels::conv) fn weight(
    [(x, x_shape), (y, y_shape)]: [(&[f32], &[usize]); 2],
    (w, w_shape): (&mut [f32], &[usize]),
    moves: &Moves<'_>,
    channels: Channels,
) -> bool {
    let windows = Windows::new(moves, &w_shape[2..], [&y_shape[2..], &x_shape[2..]]);
    let Some([rows, columns]) = windows.in_plane() else {
        return false;
    };
    let grid = Grid::new([from_ref(&rows), from_ref(&columns)]);
    let taps = grid.taps([&rows, &columns], reach(from_ref(&columns)).0);
    let row = size_of::<Lanes>() * (rows.step * grid.width + columns.count);
    let strips = strips(rows.count, row, size_of::<Lanes>() * grid.tall * grid.width);
    let (down, outputs) = (rows.step * grid.width, channels.outputs());
    let first = |window: usize| window / columns.count * down + window % columns.count * columns.step;
    let firsts = (0..rows.count.div_ceil(strips) * columns.count).map(first).collect();
    // Blocks of sixteen planes whose lanes have the same channels are so many apart.
    let period = outputs >> outputs.trailing_zeros().min(LANES.trailing_zeros());
    let blocks = (channels.images * outputs).div_ceil(LANES);
    let parts = TASKS.div_ceil(period).min(blocks.div_ceil(period)).max(1);
    let mut sums = Scratch::<Lanes>::zeros(period * parts * taps.len());
    in_parts(
        period * parts,
        &Tasks {
            rows: rows.count,
            columns: columns.count,
            step: rows.step,
            strips,
            firsts,
            x: (x, x_shape[2..].iter().product()),
            y: (y, y_shape[2..].iter().product()),
            shared: channels.shared,
            planes: channels.images * outputs,
            blocks,
            period,
            parts,
            sums: &Shared::new(&mut sums),
            taps: &taps,
            grid: &grid,
        },
    );
    w.fill(0.0);
    for (number, sums) in sums.chunks_exact(taps.len().max(1)).enumerate() {
        for lane in 0..LANES {
            let channel = (number / parts * LANES + lane) % outputs;
            let to = &mut w[channel * taps.len()..][..taps.len()];
            to.iter_mut().zip(sums).for_each(|(to, sum)| *to += sum[lane]);
        }
    }
    true
}

/// Sums over every `period`-th block of planes, or over a part of those.
struct Tasks<'a> {
    grid: &'a Grid,
    taps: &'a [usize],
    /// Rows of windows, windows of a row, and how far rows of windows are apart in the grid.
    rows: usize,
    columns: usize,
    step: usize,
    strips: usize,
    /// Where the windows of a strip begin in the grid.
    firsts: Vec<usize>,
    /// The images and the gradient, with the elements of a plane.
    x: (&'a [f32], usize),
    y: (&'a [f32], usize),
    /// Planes of the gradient for one of an image, and all of them.
    shared: usize,
    planes: usize,
    blocks: usize,
    period: usize,
    parts: usize,
    sums: &'a Shared<'a, Lanes>,
}

impl Parts for Tasks<'_> {
    /// Vectors of a strip of the images, and of the gradient.
    type Memory = [Scratch<Lanes>; 2];

    fn memory(&self) -> [Scratch<Lanes>; 2] {
        let rows = self.rows.div_ceil(self.strips).max(1);
        let height = (rows - 1) * self.step + self.grid.tall;
        [height * self.grid.width, rows * self.columns].map(Scratch::zeros)
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, room: &mut [Scratch<Lanes>; 2]) {
        let sums = self.sums.run(number * self.taps.len(), self.taps.len());
        let own = number / self.parts;
        let repeats = self.blocks.saturating_sub(own).div_ceil(self.period);
        for repeat in part(repeats, self.parts, number % self.parts) {
            let first = (repeat * self.period + own) * LANES;
            for strip in 0..self.strips {
                self.strip(simd, first, part(self.rows, self.strips, strip), room, sums);
            }
        }
    }
}

impl Tasks<'_> {
    /// Some rows of windows of sixteen planes.
    #[inline(always)]
    fn strip<S: Simd>(
        &self,
        simd: S,
        first: usize,
        rows: Range<usize>,
        [grid, numbers]: &mut [Scratch<Lanes>; 2],
        sums: &mut [Lanes],
    ) {
        if rows.is_empty() {
            return;
        }
        let lanes = LANES.min(self.planes - first);
        let starts = |of: usize, plane: usize| {
            let mut starts = [0; LANES];
            starts[..lanes].iter_mut().enumerate().for_each(|(lane, s)| *s = (first + lane) / of * plane);
            starts
        };
        let covered = rows.start * self.step..(rows.end - 1) * self.step + self.grid.tall;
        self.grid.fill(simd, self.x.0, &starts(self.shared, self.x.1)[..lanes], covered, grid);
        let windows = rows.start * self.columns..rows.end * self.columns;
        let (before, count) = (windows.start, windows.len());
        turn(
            simd,
            self.y.0,
            &starts(1, self.y.1)[..lanes],
            windows,
            #[inline(always)]
            |at, v| simd.store(v, &mut numbers[at - before]),
        );
        of_taps(simd, self.taps, &self.firsts[..count], [grid, &numbers[..count]], sums);
    }
}
