//! The ways that only some convolutions take, each called by itself, against sums of products one by one.

use proptest::prelude::*;

use super::phases::{self, Phases};
use super::{Channels, bands, conv, conv_input, conv_weight, lanes, pointwise, thin};
use crate::kernels::vector::Isa;
use crate::kernels::window::{Moves, Windows};
use crate::mode::Mode;
use crate::workers::with_threads;

/// A convolution over rows and columns.
#[derive(Debug, Clone)]
struct Problem {
    channels: Channels,
    /// `[size, kernel, stride, low, high, dilation]` of each.
    axes: [[usize; 6]; 2],
}

/// Elements of images, weight and result.
type Elements = [Vec<f32>; 3];

impl Problem {
    fn new(images: usize, groups: usize, [own, shared]: [usize; 2], axes: [[usize; 6]; 2]) -> Option<Self> {
        let fits =
            |[size, kernel, _, low, high, dilation]: [usize; 6]| size + low + high > (kernel - 1) * dilation;
        let channels = Channels { images, own, shared, groups };
        axes.into_iter().all(fits).then_some(Problem { channels, axes })
    }

    /// Windows along each axis.
    fn count(&self) -> [usize; 2] {
        self.axes.map(|[size, kernel, stride, low, high, dilation]| {
            (size + low + high - (kernel - 1) * dilation - 1) / stride + 1
        })
    }

    fn shapes(&self) -> [[usize; 4]; 3] {
        let (channels, count) = (&self.channels, self.count());
        let of = |i: usize| self.axes.map(|axis| axis[i]);
        let ([height, width], [tall, wide]) = (of(0), of(1));
        [
            [channels.images, channels.inputs(), height, width],
            [channels.outputs(), channels.own, tall, wide],
            [channels.images, channels.outputs(), count[0], count[1]],
        ]
    }

    /// Numbers in [-1, 1), the same ones each time.
    fn elements(&self) -> Elements {
        let mut state = 0x9E37_79B9_7F4A_7C15u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        self.shapes().map(|shape| (0..shape.iter().product::<usize>()).map(|_| next()).collect())
    }

    /// The places of images, weight and result that are multiplied.
    fn each_product(&self, mut f: impl FnMut([usize; 3])) {
        let (channels, [height, width]) = (&self.channels, self.count());
        let [rows, columns] = self.axes;
        let at = |[size, _, stride, low, _, dilation]: [usize; 6], window: usize, tap: usize| {
            (window * stride + tap * dilation).checked_sub(low).filter(|at| *at < size)
        };
        for plane in 0..channels.images * channels.outputs() {
            let (image, output) = (plane / channels.outputs(), plane % channels.outputs());
            for (own, window) in (0..channels.own).flat_map(|own| (0..height * width).map(move |w| (own, w)))
            {
                let input = image * channels.inputs() + output / channels.shared * channels.own + own;
                for tap in 0..rows[1] * columns[1] {
                    let y = at(rows, window / width, tap / columns[1]);
                    let x = at(columns, window % width, tap % columns[1]);
                    if let Some((y, x)) = y.zip(x) {
                        let weight = (output * channels.own + own) * rows[1] * columns[1] + tap;
                        f([(input * rows[0] + y) * columns[0] + x, weight, plane * height * width + window]);
                    }
                }
            }
        }
    }

    /// One of the three made of the other two, each element with the sum of its products' sizes.
    fn known(&self, elements: &Elements, made: usize) -> Vec<[f64; 2]> {
        let mut result = vec![[0.0; 2]; elements[made].len()];
        let [a, b] = [[1, 2], [0, 2], [0, 1]][made];
        self.each_product(|at| {
            let product = f64::from(elements[a][at[a]]) * f64::from(elements[b][at[b]]);
            result[at[made]][0] += product;
            result[at[made]][1] += product.abs();
        });
        result
    }

    /// Compares what a way makes of the other two with what is known, for all sets of instructions, whose threads give the same bits.
    fn check(
        &self,
        passes: &[usize],
        way: impl Fn(&Problem, &mut Elements, usize),
    ) -> Result<(), TestCaseError> {
        self.check_within(1e-6, passes, way)
    }

    /// The same for a way that rounds more: errors in units of the sums of products' sizes.
    fn check_within(
        &self,
        error: f64,
        passes: &[usize],
        way: impl Fn(&Problem, &mut Elements, usize),
    ) -> Result<(), TestCaseError> {
        for made in passes.iter().copied() {
            let elements = self.elements();
            let known = self.known(&elements, made);
            for isa in [Isa::Baseline, Isa::Avx2, Isa::Avx512] {
                let on = |threads: usize| {
                    let mut elements = elements.clone();
                    // Nothing of it may be left.
                    elements[made].fill(f32::NAN);
                    Mode::only(isa).within(|| with_threads(threads, || way(self, &mut elements, made)));
                    elements[made].clone()
                };
                let (one, two) = (on(1), on(2));
                let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                prop_assert_eq!(bits(&one), bits(&two), "{:?}, result {}", isa, made);
                for (at, (got, [known, sizes])) in one.iter().zip(&known).enumerate() {
                    let off = (f64::from(*got) - known).abs();
                    prop_assert!(
                        off <= error * (sizes + 1.0),
                        "{isa:?}, result {made}: {got} for {known} at {at}"
                    );
                }
            }
        }
        Ok(())
    }
}

/// A convolution as its op says it.
struct Said {
    shapes: [Vec<usize>; 3],
    stride: Vec<i64>,
    padding: Vec<[i64; 2]>,
    dilation: Vec<i64>,
}

impl Said {
    /// Over rows and columns, after a number of axes of one element; over columns alone where that is negative.
    fn new(problem: &Problem, more: isize) -> Self {
        let skipped = usize::from(more < 0);
        let ones = vec![ROW; usize::try_from(more).unwrap_or(0)];
        let axes: Vec<[usize; 6]> = ones.iter().chain(&problem.axes[skipped..]).copied().collect();
        let of = |i: usize| axes.iter().map(|axis| axis[i] as i64).collect::<Vec<_>>();
        let shapes = problem
            .shapes()
            .map(|shape| [&shape[..2], vec![1; ones.len()].as_slice(), &shape[2 + skipped..]].concat());
        let padding = of(3).into_iter().zip(of(4)).map(|(low, high)| [low, high]).collect();
        Said { shapes, stride: of(2), padding, dilation: of(5) }
    }

    fn moves(&self) -> Moves<'_> {
        Moves { stride: &self.stride, padding: &self.padding, dilation: &self.dilation }
    }
}

/// Sixteen planes at a time; one axis where there is only one row.
fn by_lanes(problem: &Problem, [x, w, y]: &mut Elements, made: usize) {
    let said = Said::new(problem, if problem.axes[0] == ROW { -1 } else { 0 });
    let ([xs, ws, ys], moves, channels) = (&said.shapes, said.moves(), problem.channels);
    let done = match made {
        0 => lanes::input([(y, ys), (w, ws)], (x, xs), &moves, channels),
        1 => lanes::weight([(x, xs), (y, ys)], (w, ws), &moves, channels),
        _ => lanes::forward([(x, xs), (w, ws)], (y, ys), &moves, channels),
    };
    assert!(done, "there are one or two axes");
}

/// Some rows of windows at a time; one axis where there is only one row.
fn by_bands(problem: &Problem, [x, w, y]: &mut Elements, made: usize) {
    let said = Said::new(problem, if problem.axes[0] == ROW { -1 } else { 0 });
    let ([xs, ws, ys], moves, channels) = (&said.shapes, said.moves(), problem.channels);
    let done = match made {
        0 => bands::input([(y, ys), (w, ws)], (x, xs), &moves, channels),
        1 => bands::weight([(x, xs), (y, ys)], (w, ws), &moves, channels),
        _ => bands::forward([(x, xs), (w, ws)], (y, ys), &moves, channels),
    };
    assert!(done, "there are one or two axes");
}

/// One plane after the other, with more axes than two or not.
fn by_planes(more: isize) -> impl Fn(&Problem, &mut Elements, usize) {
    move |problem, [x, w, y], made| {
        let said = Said::new(problem, more);
        let [xs, ws, ys] = &said.shapes;
        let windows = Windows::new(&said.moves(), &ws[2..], [&ys[2..], &xs[2..]]);
        match made {
            0 => thin::input(&windows, problem.channels, [y, w], x),
            1 => thin::weight(&windows, problem.channels, [x, y], w),
            _ => thin::forward(&windows, problem.channels, [x, w], y),
        }
    }
}

/// The only row of a convolution over one axis.
const ROW: [usize; 6] = [1, 1, 1, 0, 0, 1];

/// Planes as they lie.
fn by_points(problem: &Problem, [x, w, y]: &mut Elements, made: usize) {
    match made {
        0 => pointwise::input([y, w], x, problem.channels),
        _ => pointwise::forward([x, w], y, problem.channels),
    }
}

/// Images dealt out into four.
fn by_phases(problem: &Problem, [x, w, y]: &mut Elements, made: usize) {
    let said = Said::new(problem, 0);
    let [xs, ws, ys] = &said.shapes;
    let phases = Phases::new([xs, ws, ys], &said.moves(), problem.channels).expect("windows are large");
    match made {
        0 => phases::input(&phases, [y, w], x),
        1 => phases::weight(&phases, [x, y], w),
        _ => phases::forward(&phases, [x, w], y),
    }
}

/// However it is estimated to be fastest.
fn by_estimate(problem: &Problem, [x, w, y]: &mut Elements, made: usize) {
    let said = Said::new(problem, 0);
    let ([xs, ws, ys], moves, groups) = (&said.shapes, said.moves(), problem.channels.groups as i64);
    match made {
        0 => conv_input([(&**y, ys), (&**w, ws)], (&mut **x, xs), &moves, groups, None),
        1 => conv_weight([(&**x, xs), (&**y, ys)], (&mut **w, ws), &moves, groups),
        _ => conv([(&**x, xs), (&**w, ws)], (&mut **y, ys), &moves, groups, None),
    }
}

fn axis() -> impl Strategy<Value = [usize; 6]> {
    (1usize..20, 1usize..6, 1usize..4, 0usize..4, 0usize..4, 1usize..3)
        .prop_map(|(size, kernel, stride, low, high, dilation)| [size, kernel, stride, low, high, dilation])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sixteen_planes_at_a_time(
        images in 1usize..4,
        groups in 1usize..40,
        shared in 1usize..4,
        rows in axis(),
        columns in axis(),
        row: bool,
    ) {
        let axes = [if row { ROW } else { rows }, columns];
        let Some(problem) = Problem::new(images, groups, [1, shared], axes) else { return Ok(()) };
        problem.check(&[0, 1, 2], by_lanes)?;
    }

    #[test]
    fn rows_of_windows_side_by_side(
        images in 1usize..4,
        groups in 1usize..40,
        shared in 1usize..4,
        rows in axis(),
        columns in axis(),
        row: bool,
    ) {
        let axes = [if row { ROW } else { rows }, columns];
        let Some(problem) = Problem::new(images, groups, [1, shared], axes) else { return Ok(()) };
        problem.check(&[0, 1, 2], by_bands)?;
    }

    #[test]
    fn one_plane_after_the_other(
        images in 1usize..4,
        groups in 1usize..5,
        shared in 1usize..4,
        rows in axis(),
        columns in axis(),
        more in 0isize..2,
    ) {
        let Some(problem) = Problem::new(images, groups, [1, shared], [rows, columns]) else { return Ok(()) };
        problem.check(&[0, 1, 2], by_planes(more))?;
    }

    #[test]
    fn windows_of_one_element(
        images in 1usize..4,
        groups in 1usize..3,
        own in 1usize..24,
        shared in 1usize..24,
        size in prop::array::uniform2(1usize..24),
    ) {
        let axes = size.map(|size| [size, 1, 1, 0, 0, 1]);
        let problem = Problem::new(images, groups, [own, shared], axes).expect("fits");
        problem.check(&[0, 2], by_points)?;
    }

    #[test]
    fn large_windows_that_move_by_two(
        images in 1usize..4,
        groups in 1usize..3,
        own in 1usize..8,
        shared in 1usize..24,
        half in 3usize..5,
        axes in prop::array::uniform2((1usize..24, 0usize..2, 0usize..5, 0usize..5)),
    ) {
        let axes = axes.map(|(size, less, low, high)| [size, 2 * half - less, 2, low, high, 1]);
        let Some(problem) = Problem::new(images, groups, [own, shared], axes) else { return Ok(()) };
        problem.check_within(1e-4, &[0, 1, 2], by_phases)?;
    }

    #[test]
    fn windows_of_one_element_that_are_apart(
        images in 1usize..4,
        groups in 1usize..3,
        own in 1usize..24,
        shared in 1usize..24,
        axes in prop::array::uniform2((1usize..24, 1usize..4)),
    ) {
        let axes = axes.map(|(size, stride)| [size, 1, stride, 0, 0, 1]);
        let problem = Problem::new(images, groups, [own, shared], axes).expect("fits");
        problem.check(&[0, 1, 2], by_estimate)?;
    }
}

/// Planes of several strips or tiles, and more channels than a tile of them holds.
#[test]
fn large_ones() {
    let axes = |size: usize, kernel, stride, pad, dilation| [[size, kernel, stride, pad, pad, dilation]; 2];
    for (images, groups, shared, axes) in [
        (2, 17, 1, axes(75, 3, 1, 1, 1)),
        (1, 32, 1, axes(80, 5, 1, 4, 2)),
        (1, 9, 2, axes(90, 3, 2, 1, 1)),
        (3, 50, 1, axes(6, 7, 1, 3, 1)),
        (1, 16, 1, [[3, 3, 1, 1, 1, 1], [1500, 3, 1, 1, 1, 1]]),
    ] {
        let problem = Problem::new(images, groups, [1, shared], axes).expect("fits");
        problem.check(&[0, 1, 2], by_lanes).expect("agrees");
    }
    for (images, own, shared, size) in [(2, 150, 20, 13), (1, 33, 70, 40), (5, 40, 9, 3)] {
        let problem = Problem::new(images, 1, [own, shared], axes(size, 1, 1, 0, 1)).expect("fits");
        problem.check(&[0, 2], by_points).expect("agrees");
    }
}

/// Sums of a gradient that are long enough for tasks with terms of their own: planes in pieces and planes that are too small for one, with
/// more outputs than inputs and the other way round, and windows that have to be copied.
#[test]
fn long_sums_of_the_weight() {
    let axes = |size: usize, kernel: usize| [[size, kernel, 1, kernel / 2, kernel / 2, 1]; 2];
    for (images, groups, own, shared, axes) in [
        (2, 1, 37, 70, axes(21, 1)),
        (2, 2, 70, 37, axes(23, 1)),
        (20, 1, 40, 9, axes(7, 1)),
        (2, 1, 3, 33, axes(25, 5)),
    ] {
        let problem = Problem::new(images, groups, [own, shared], axes).expect("fits");
        problem.check(&[1], by_estimate).expect("agrees");
    }
}
