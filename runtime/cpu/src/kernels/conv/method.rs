//! Which way a convolution is computed: the one that is estimated to be fastest.
//!
//! An estimate adds up products and elements that are moved, each with a time of its own. The times were measured on one core with
//! AVX-512, as `taskset -c 0 cargo bench -p vspec-tests --bench kernels -- convolution` measures them; on another machine all of them
//! change, and the order of the ways rarely does.

use std::fmt;

use vspec_ir::Op;
use vspec_ir::plan::{Anchor, Plan};

use super::Channels;
use super::apart::{Apart, with_sizes};
use super::phases::Phases;
use super::winograd::{self, Tiling};
use crate::kernels::micro::{COLUMNS, ROWS};
use crate::kernels::simd::LANES;
use crate::kernels::window::Moves;
use crate::mode::Mode;
use crate::still::keep_weights;

/// A way to compute a convolution or one of its transposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Row by row, for groups of one input channel.
    Planes,
    /// Sixteen planes at a time, each a lane of vectors, for groups of one input channel.
    Lanes,
    /// Plane by plane as it lies, some rows of windows at a time, for groups of one input channel.
    Bands,
    /// A product of matrices, one of which is made of windows, panel by panel.
    Windows,
    /// As it stands, with output channels in the lanes of vectors, for windows of several taps.
    Direct,
    /// Products with planes as they lie, for windows of one element that move by 1.
    Pointwise,
    /// Winograd's transforms, for windows of 3x3 that move by 1 or 2, and for those of 4x4 that move by 1.
    Winograd,
    /// The same after images are dealt out into four, for windows of 5 to 8 rows and columns that move by 2.
    Phases,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Planes => "planes",
            Method::Lanes => "lanes",
            Method::Bands => "bands",
            Method::Windows => "windows",
            Method::Direct => "direct",
            Method::Pointwise => "pointwise",
            Method::Winograd => "Winograd",
            Method::Phases => "Winograd in four phases",
        })
    }
}

/// What a way is expected to take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The way.
    pub method: Method,
    /// Milliseconds on one core.
    pub milliseconds: f64,
}

/// A convolution, or which transpose of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    Forward,
    Input,
    Weight,
}

/// What the choice depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Problem {
    pass: Pass,
    channels: Channels,
    taps: usize,
    /// Rows of a plane of images and elements of a row, and the same of windows.
    image: [usize; 2],
    windows: [usize; 2],
    /// Spatial axes.
    rank: usize,
    /// Whether neighbours along a row of windows are more than 1 apart.
    strided: bool,
    /// Whether windows are the elements of images.
    pointwise: bool,
    given: Given,
    /// How windows are cut into tiles, if there are transforms for them.
    tiles: Option<Tiling>,
    /// The same for what images become when they are dealt out, and how many elements that are.
    phases: Option<(Tiling, usize)>,
}

/// What is known of a convolution besides its shapes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given {
    /// Whether it is computed in single precision.
    pub(crate) single: bool,
    /// Whether what the weight becomes is kept from run to run.
    pub(crate) kept: bool,
}

/// Nanoseconds of an addition and a multiplication in a product of matrices.
const PRODUCT: f64 = 2.0 / 145.0;
/// The same where it is no loop over vectors, in sums along the rows of planes.
const PLANE: f64 = 0.2;
/// Nanoseconds of an addition and a multiplication in vectors of sixteen planes, and to turn an element into a lane or back, besides those
/// for each plane.
const LANE: f64 = 0.016;
const TURNED: f64 = 0.15;
const TURNED_PLANE: f64 = 3.5;
/// Nanoseconds of an addition and a multiplication in vectors of windows of a row, in sums over windows and in those for the weight, and
/// of an element of the result, besides those for each plane and for elements that are dealt out.
const BAND: f64 = 0.0076;
const BAND_WEIGHT: f64 = 0.012;
const BAND_ELEMENT: f64 = 0.17;
const BAND_PLANE: f64 = 10.0;
const DEALT: f64 = 0.18;
/// Nanoseconds of an addition and a multiplication with planes as they lie, and to read or write an element.
const POINT: f64 = 2.0 / 136.0;
const READ: f64 = 0.05;
/// Nanoseconds to write an element of a product that was computed in a block.
const WRITTEN: f64 = 0.15;
/// Nanoseconds to move an element of a window to a panel.
const PACKED: f64 = 0.15;
/// Nanoseconds to transform an element of a tile, and one of a weight.
const TILE: f64 = 0.2;
const TAP: f64 = 0.14;
/// The same for products of transformed tiles, whose panels are not moved.
const TRANSFORMED: f64 = 2.0 / 150.0;

impl Problem {
    /// Of shapes `[N, C, ..]`, `[O, C / groups, ..]` and `[N, O, ..]`.
    pub(crate) fn new(
        pass: Pass,
        [x, w, y]: [&[usize]; 3],
        moves: &Moves<'_>,
        groups: i64,
        given: Given,
    ) -> Self {
        if let Some(apart) = Apart::new([x, w, y], moves) {
            let x = with_sizes(x, y);
            return Problem::new(pass, [&x, w, y], &apart.moves(), groups, given);
        }
        let dense = moves.stride.iter().all(|stride| *stride == 1);
        let channels = Channels::new(x, y, groups);
        let kind = |kernel: &[usize], moves: &Moves<'_>| {
            winograd::Kind::new(kernel, moves).filter(|_| given.single && !Mode::now().exact)
        };
        let own = kind(&w[2..], moves).map(|kind| if given.kept { kind.kept(y) } else { kind });
        let phases = Phases::new([x, w, y], moves, channels).and_then(|phases| {
            let kind = kind(&phases.shapes()[1][2..], &phases.moves())?;
            Some((kind.tiling(y), phases.moved()))
        });
        let taps = w[2..].iter().product();
        Problem {
            pass,
            channels,
            taps,
            image: rows(x),
            windows: rows(y),
            rank: w.len() - 2,
            strided: moves.stride.last().is_some_and(|stride| *stride > 1),
            pointwise: taps == 1 && dense && x[2..] == y[2..] && moves.padding.iter().all(|p| *p == [0, 0]),
            given,
            tiles: own.map(|kind| kind.tiling(y)),
            phases,
        }
    }

    /// Windows of an image.
    fn count(&self) -> usize {
        self.windows[0] * self.windows[1]
    }

    /// The fastest way.
    pub(crate) fn method(&self) -> Method {
        self.estimates()[0].method
    }

    /// All ways there are, the fastest first.
    fn estimates(&self) -> Vec<Estimate> {
        let ways = [
            Some((if self.is_direct() { Method::Direct } else { Method::Windows }, self.by_windows())),
            self.by_planes(),
            self.by_lanes(),
            self.by_bands(),
            self.by_points(),
            self.tiles.map(|tiling| (Method::Winograd, self.by_tiles(tiling, 1, self.given.kept))),
            self.phases.map(|(tiling, moved)| {
                (Method::Phases, self.by_tiles(tiling, 4, false) + moved as f64 * DEALT)
            }),
        ];
        let estimate = |(method, nanoseconds)| Estimate { method, milliseconds: nanoseconds / 1e6 };
        let mut estimates: Vec<Estimate> = ways.into_iter().flatten().map(estimate).collect();
        estimates.sort_by(|a, b| a.milliseconds.total_cmp(&b.milliseconds));
        estimates
    }

    /// Whether what would be put together from windows is computed as it stands, which was faster wherever it was measured: forward and in
    /// the input where panels of outputs are nearly full, in the weight where neighbouring windows have nothing side by side under a tap.
    /// Windows of one tap are matrices as they lie.
    fn is_direct(&self) -> bool {
        let full = |outputs: usize| 4 * outputs >= 3 * outputs.next_multiple_of(COLUMNS);
        let fits = match self.pass {
            Pass::Forward => full(self.channels.shared),
            Pass::Input => full(self.channels.own),
            Pass::Weight => self.strided,
        };
        self.rank == 2 && self.taps > 1 && self.given.single && fits
    }

    /// Elements of all windows of a group, which are moved to panels, and products with rows of whole blocks.
    fn by_windows(&self) -> f64 {
        let channels = &self.channels;
        let (own, shared) = match self.pass {
            Pass::Input => (channels.shared, channels.own),
            Pass::Forward | Pass::Weight => (channels.own, channels.shared),
        };
        let windows = (channels.images * self.count() * channels.groups) as f64;
        let element = PACKED + PRODUCT * shared.next_multiple_of(ROWS) as f64;
        let written = if self.pass == Pass::Weight { 0.0 } else { WRITTEN * shared as f64 };
        windows * ((own * self.taps) as f64 * element + written)
    }

    fn by_planes(&self) -> Option<(Method, f64)> {
        let planes = (self.channels.images * self.channels.outputs()) as f64;
        let products = (self.count() * self.taps) as f64;
        (self.channels.own == 1).then_some((Method::Planes, planes * products * PLANE))
    }

    fn by_lanes(&self) -> Option<(Method, f64)> {
        let planes = (self.channels.images * self.channels.outputs()).next_multiple_of(LANES) as f64;
        let elements = (self.count() + self.image[0] * self.image[1]) as f64;
        let products = (self.count() * self.taps) as f64;
        let time = planes * (products * LANE + elements * TURNED + TURNED_PLANE);
        (self.channels.own == 1 && self.rank <= 2 && self.given.single).then_some((Method::Lanes, time))
    }

    /// Vectors run along rows, whose last one is often not full.
    fn by_bands(&self) -> Option<(Method, f64)> {
        let planes = (self.channels.images * self.channels.outputs()) as f64;
        let [rows, columns] = self.windows;
        let whole = (rows * columns.next_multiple_of(LANES)) as f64;
        let (product, results) = match self.pass {
            Pass::Weight => (BAND_WEIGHT, 1.0),
            Pass::Forward => (BAND, 1.0),
            Pass::Input => (BAND, (self.image[0] * self.image[1]) as f64 / self.count().max(1) as f64),
        };
        let dealt = if self.strided { (self.image[0] * self.image[1]) as f64 * DEALT } else { 0.0 };
        let plane = BAND_PLANE + whole * (product * self.taps as f64 + BAND_ELEMENT * results) + dealt;
        (self.channels.own == 1 && self.rank <= 2 && self.given.single)
            .then_some((Method::Bands, planes * plane))
    }

    /// Vectors run along planes, whose last one is often not full.
    fn by_points(&self) -> Option<(Method, f64)> {
        let Channels { images, own, shared, groups } = self.channels;
        let products = (images * groups * own) as f64 * self.count().next_multiple_of(LANES) as f64;
        let read = (images * groups * (own + shared) * self.count()) as f64 * READ;
        let time = match self.pass {
            Pass::Forward => products * shared.next_multiple_of(ROWS) as f64 * POINT + read,
            Pass::Input => {
                products / own as f64 * (own.next_multiple_of(ROWS) * shared) as f64 * POINT + read
            }
            // Rows of both operands are read as they lie without any other way.
            Pass::Weight => return None,
        };
        (self.pointwise && self.given.single).then_some((Method::Pointwise, time))
    }

    /// Tiles of images of which each channel has become several, with a weight that is transformed or comes from memory as it was kept.
    fn by_tiles(&self, tiling: Tiling, phases: usize, kept: bool) -> f64 {
        let (own, shared) = ((phases * self.channels.own) as f64, self.channels.shared as f64);
        let weight = if kept { winograd::READ } else { TAP / TRANSFORMED };
        let places = (tiling.tiles * tiling.places) as f64;
        let group = own * shared * TRANSFORMED * tiling.products(weight) + places * (own + shared) * TILE;
        let vectors = |channels: f64| (channels / 16.0).ceil() * 16.0 / channels;
        // Channels fill whole vectors.
        let waste = vectors(own).max(vectors(shared));
        group * waste * self.channels.groups as f64
    }
}

/// Rows of a plane, and elements of a row.
fn rows(shape: &[usize]) -> [usize; 2] {
    let (columns, rows) = shape[2..].split_last().map_or((1, &[][..]), |(columns, rows)| (*columns, rows));
    [rows.iter().product(), columns]
}

/// For each kernel of a plan the ways to compute its anchor in single precision, the fastest first; none if it is no convolution.
pub fn estimates(plan: &Plan) -> Vec<Option<Vec<Estimate>>> {
    let still = plan.still();
    let kernels = plan.kernels.iter().zip(keep_weights(plan, &still));
    kernels.map(|(kernel, kept)| of_anchor(kernel.anchor.as_ref()?, kept)).collect()
}

fn of_anchor(anchor: &Anchor, kept: bool) -> Option<Vec<Estimate>> {
    let [a, b] = anchor.operands.as_slice() else { return None };
    let (a, b, result) = (a.shape.as_slice(), b.shape.as_slice(), anchor.shape.as_slice());
    let (pass, shapes, stride, padding, dilation, groups) = match &anchor.op {
        Op::Conv { stride, padding, dilation, groups } => {
            (Pass::Forward, [a, b, result], stride, padding, dilation, groups)
        }
        Op::ConvInput { stride, padding, dilation, groups, .. } => {
            (Pass::Input, [result, b, a], stride, padding, dilation, groups)
        }
        Op::ConvWeight { stride, padding, dilation, groups, .. } => {
            (Pass::Weight, [a, result, b], stride, padding, dilation, groups)
        }
        _ => return None,
    };
    let given = Given { single: true, kept };
    Some(Problem::new(pass, shapes, &Moves { stride, padding, dilation }, *groups, given).estimates())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(pass: Pass, sizes: [usize; 6]) -> Method {
        moving_by(1, pass, sizes)
    }

    fn moving_by(step: usize, pass: Pass, [images, own, shared, size, kernel, groups]: [usize; 6]) -> Method {
        let (x, y) = ([images, own, size, size], [images, shared, size / step, size / step]);
        let w = [shared, own / groups, kernel, kernel];
        let (stride, padding, dilation) = ([step as i64; 2], [[kernel as i64 / 2; 2]; 2], [1, 1]);
        let moves = Moves { stride: &stride, padding: &padding, dilation: &dilation };
        Problem::new(pass, [&x, &w, &y], &moves, groups as i64, Given { single: true, kept: false }).method()
    }

    #[test]
    fn each_way_is_taken_where_it_was_measured_to_be_fastest() {
        for pass in [Pass::Forward, Pass::Input, Pass::Weight] {
            assert_eq!(method(pass, [8, 64, 64, 32, 3, 1]), Method::Winograd, "{pass:?}");
            assert_eq!(method(pass, [8, 512, 512, 4, 3, 1]), Method::Winograd, "{pass:?}");
            let points = if pass == Pass::Weight { Method::Windows } else { Method::Pointwise };
            assert_eq!(method(pass, [16, 16, 96, 48, 1, 1]), points, "{pass:?}");
            // The copies for panels are little beside many products, and a vector is more than a plane of 9.
            assert_eq!(method(pass, [16, 160, 960, 3, 1, 1]), Method::Windows, "{pass:?}");
            assert_eq!(method(pass, [8, 512, 512, 14, 1, 1]), Method::Windows, "{pass:?}");
            assert_eq!(moving_by(2, pass, [8, 64, 128, 32, 3, 1]), Method::Winograd, "{pass:?}");
            assert_eq!(moving_by(2, pass, [8, 3, 64, 128, 7, 1]), Method::Phases, "{pass:?}");
            assert_eq!(moving_by(2, pass, [8, 64, 64, 32, 5, 1]), Method::Phases, "{pass:?}");
            // Rows of nearly whole vectors stay rows.
            assert_eq!(method(pass, [16, 96, 96, 32, 3, 96]), Method::Bands, "{pass:?}");
            assert_eq!(method(pass, [16, 16, 16, 32, 5, 16]), Method::Bands, "{pass:?}");
            assert_eq!(method(pass, [16, 24, 24, 24, 3, 24]), Method::Bands, "{pass:?}");
            assert_eq!(method(pass, [16, 576, 576, 6, 3, 576]), Method::Lanes, "{pass:?}");
            assert_eq!(method(pass, [16, 960, 960, 3, 3, 960]), Method::Lanes, "{pass:?}");
            // One tile does not pay for the transform of a large weight, nor few channels for those of many tiles.
            let many = if pass == Pass::Weight { Method::Windows } else { Method::Direct };
            assert_eq!(method(pass, [1, 512, 512, 2, 3, 1]), many, "{pass:?}");
            assert_eq!(method(pass, [8, 3, 4, 64, 3, 1]), Method::Windows, "{pass:?}");
        }
    }
}
