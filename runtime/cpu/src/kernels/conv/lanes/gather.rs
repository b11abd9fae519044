//! The convolution itself, and its transpose in the input: a sum over taps for each element of the result.

use std::ops::Range;
use std::slice::from_ref;

use super::grid::{Grid, reach, turn_back};
use super::sums::{Kind, Sweep};
use super::{Lanes, WORTH, strips};
use crate::kernels::conv::Channels;
use crate::kernels::conv::input::Remainders;
use crate::kernels::product::part;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{LANES, Parts, Simd, in_parts};
use crate::kernels::window::{Axis, Moves, Windows};
use crate::memory::Shared;

/// `[N, C, ..] * [O, 1, ..] -> [N, O, ..]`; false where there are more than two spatial axes.
pub(in crate::kernels::conv) fn forward(
    [(x, x_shape), (w, w_shape)]: [(&[f32], &[usize]); 2],
    (y, y_shape): (&mut [f32], &[usize]),
    moves: &Moves<'_>,
    channels: Channels,
) -> bool {
    let windows = Windows::new(moves, &w_shape[2..], [&y_shape[2..], &x_shape[2..]]);
    let Some([rows, columns]) = windows.in_plane() else {
        return false;
    };
    let grid = Grid::new([from_ref(&rows), from_ref(&columns)]);
    let taps = grid.taps([&rows, &columns], reach(from_ref(&columns)).0);
    let kinds = vec![Kind {
        count: [rows.count, columns.count],
        step: [rows.step * grid.width, columns.step],
        numbers: (0..taps.len()).collect(),
        taps,
        to: 0,
        apart: [columns.count, 1],
    }];
    let (outputs, shared) = (channels.outputs(), channels.shared);
    let gather = Gather {
        grid,
        kinds,
        step: rows.step,
        size: [rows.count, columns.count],
        apart: 1,
        from: (x, x_shape[2..].iter().product()),
        planes: channels.images * outputs,
        sources: 1,
        source: |plane| plane / shared,
        weights: Weights::new(w, outputs, [1, w_shape[2..].iter().product()]),
    };
    gather.run(y);
    true
}

/// `[N, O, ..] * [O, 1, ..] -> [N, C, ..]`; false where there are more than two spatial axes.
pub(in crate::kernels::conv) fn input(
    [(y, y_shape), (w, w_shape)]: [(&[f32], &[usize]); 2],
    (x, x_shape): (&mut [f32], &[usize]),
    moves: &Moves<'_>,
    channels: Channels,
) -> bool {
    let kernel = &w_shape[2..];
    let Some(remainders) = Remainders::new(moves, kernel, [&y_shape[2..], &x_shape[2..]]) else {
        return false;
    };
    let only = |kinds: &[(Axis, Vec<usize>)]| kinds.iter().map(|(axis, _)| axis.clone()).collect::<Vec<_>>();
    let [rows, columns] = [only(&remainders.axes[0]), only(&remainders.axes[1])];
    let (grid, left) = (Grid::new([&rows, &columns]), reach(&columns).0);
    let ([down, across], size) = (remainders.apart, remainders.size);
    let mut kinds = vec![];
    remainders.each(|[first, second], [row, column], numbers| {
        kinds.push(Kind {
            count: [row.count, column.count],
            step: [grid.width, 1],
            taps: grid.taps([row, column], left),
            numbers,
            to: first * size[1] + second,
            apart: [down * size[1], across],
        });
    });
    let (inputs, shared) = (channels.inputs(), channels.shared);
    let gather = Gather {
        grid,
        kinds,
        step: 1,
        size,
        apart: down,
        from: (y, y_shape[2..].iter().product()),
        planes: channels.images * inputs,
        sources: shared,
        source: |plane| plane * shared,
        weights: Weights::new(w, inputs, [shared, kernel.iter().product()]),
    };
    gather.run(x);
    true
}

/// The weights of lanes: for each source of a plane and each tap a row over planes, the last of which the first ones follow again, so
/// that sixteen neighbours lie side by side whichever plane they begin with.
struct Weights {
    elements: Vec<f32>,
    planes: usize,
    /// Sources and taps.
    rows: usize,
}

impl Weights {
    /// Of a weight that has `sources` times `taps` numbers for each plane.
    fn new(w: &[f32], planes: usize, [sources, taps]: [usize; 2]) -> Self {
        let (rows, pitch) = (sources * taps, planes + LANES - 1);
        let mut elements = vec![0.0; rows * pitch];
        for (row, to) in elements.chunks_exact_mut(pitch.max(1)).enumerate() {
            let (own, more) = to.split_at_mut(planes);
            own.iter_mut().zip(w[row..].iter().step_by(rows)).for_each(|(to, from)| *to = *from);
            (0..more.len()).for_each(|i| more[i] = own[i % planes]);
        }
        Weights { elements, planes, rows }
    }

    /// Those of sixteen planes.
    fn of(&self, first: usize, to: &mut [Lanes]) {
        let first = first % self.planes;
        let rows = self.elements.chunks_exact(self.planes + LANES - 1);
        to.iter_mut().zip(rows).for_each(|(to, row)| to.copy_from_slice(&row[first..first + LANES]));
    }
}

/// A result whose elements are sums over taps.
struct Gather<'a, F> {
    grid: Grid,
    kinds: Vec<Kind>,
    /// How far in the grid rows of windows are apart.
    step: usize,
    /// Rows and columns of the result, and how many of its rows belong to a row of windows.
    size: [usize; 2],
    apart: usize,
    /// What is summed, and the elements of a plane of it.
    from: (&'a [f32], usize),
    /// Planes of the result.
    planes: usize,
    /// Planes that a plane of the result is a sum over, and the number of the first of them.
    sources: usize,
    source: F,
    weights: Weights,
}

impl<F: Fn(usize) -> usize + Sync> Gather<'_, F> {
    fn run(&self, to: &mut [f32]) {
        if to.is_empty() {
            return;
        }
        let row = size_of::<Lanes>() * (self.step * self.grid.width + self.apart * self.size[1]);
        let strips = strips(self.rows(), row, size_of::<Lanes>() * self.grid.tall * self.grid.width);
        let tasks = self.planes.div_ceil(LANES) * strips;
        let products = self.kinds.iter().map(|kind| kind.count[0] * kind.count[1] * kind.taps.len());
        let own = products.sum::<usize>() * self.sources * LANES / strips;
        let parts = tasks.div_ceil((WORTH / own.max(1)).max(1));
        in_parts(parts, &Tasks { gather: self, to: &Shared::new(to), strips, tasks, parts });
    }

    /// Rows of windows of the kind that has most.
    fn rows(&self) -> usize {
        self.size[0].div_ceil(self.apart)
    }
}

/// The tasks: a strip of sixteen planes each.
struct Tasks<'a, F> {
    gather: &'a Gather<'a, F>,
    to: &'a Shared<'a, f32>,
    strips: usize,
    tasks: usize,
    parts: usize,
}

/// Memory of one core.
struct Room {
    grid: Scratch<Lanes>,
    result: Scratch<Lanes>,
    weight: Scratch<Lanes>,
}

impl<F: Fn(usize) -> usize + Sync> Parts for Tasks<'_, F> {
    type Memory = Room;

    fn memory(&self) -> Room {
        let gather = self.gather;
        let rows = gather.rows().div_ceil(self.strips);
        let height = (rows - 1) * gather.step + gather.grid.tall;
        Room {
            grid: Scratch::zeros(height * gather.grid.width),
            result: Scratch::zeros(rows * gather.apart * gather.size[1]),
            weight: Scratch::zeros(gather.weights.rows),
        }
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, room: &mut Room) {
        for task in part(self.tasks, self.parts, number) {
            let rows = part(self.gather.rows(), self.strips, task % self.strips);
            self.strip(simd, task / self.strips * LANES, rows, room);
        }
    }
}

impl<F: Fn(usize) -> usize + Sync> Tasks<'_, F> {
    /// Some rows of windows of sixteen planes.
    #[inline(always)]
    fn strip<S: Simd>(&self, simd: S, first: usize, rows: Range<usize>, room: &mut Room) {
        let gather = self.gather;
        let (grid, size, lanes) = (&gather.grid, gather.size, LANES.min(gather.planes - first));
        gather.weights.of(first, &mut room.weight);
        let covered = rows.start * gather.step..(rows.end - 1) * gather.step + grid.tall;
        let result = rows.start * gather.apart * size[1]..(rows.end * gather.apart).min(size[0]) * size[1];
        let taps = room.weight.len() / gather.sources;
        for (source, weight) in room.weight.chunks_exact(taps).enumerate() {
            let mut starts = [0; LANES];
            for (lane, start) in starts[..lanes].iter_mut().enumerate() {
                *start = ((gather.source)(first + lane) + source) * gather.from.1;
            }
            grid.fill(simd, gather.from.0, &starts[..lanes], covered.clone(), &mut room.grid);
            for kind in &gather.kinds {
                let rows = rows.start..rows.end.min(kind.count[0]);
                let sweep = Sweep { kind, rows, from: &room.grid, weight, add: source > 0 };
                sweep.run(simd, &mut room.result);
            }
        }
        let plane = size[0] * size[1];
        turn_back(
            simd,
            &room.result[..result.len()],
            lanes,
            #[inline(always)]
            |lane, at, len, v| {
                let to = self.to.run((first + lane) * plane + result.start + at, len);
                simd.store_some(v, to);
            },
        );
    }
}
