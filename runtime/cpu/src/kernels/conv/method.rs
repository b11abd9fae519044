//! Which way a convolution is computed: the one that is estimated to be fastest.
//!
//! An estimate adds up products and elements that are moved, each with a time of its own. The times were measured on one core with
//! AVX-512, by `examples/anchors.rs`; on another machine all of them change, and the order of the ways rarely does.

use std::fmt;

use vspec_ir::Op;
use vspec_ir::plan::Anchor;

use super::Channels;
use crate::kernels::micro::ROWS;
use crate::kernels::window::Moves;
use crate::mode::Mode;

/// A way to compute a convolution or one of its transposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Plane by plane, for groups of one input channel.
    Planes,
    /// A product of matrices, one of which is made of windows, panel by panel.
    Windows,
    /// Winograd's transforms of tiles of 4x4, for windows of 3x3 that move by 1.
    Winograd,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Planes => "planes",
            Method::Windows => "windows",
            Method::Winograd => "Winograd",
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
    /// Windows of an image.
    windows: usize,
    /// Tiles of 4x4 of all images, if windows are those of Winograd's transforms.
    tiles: Option<usize>,
}

/// Nanoseconds of an addition and a multiplication in a product of matrices, and in sums over planes.
const PRODUCT: f64 = 2.0 / 145.0;
const PLANE: f64 = 2.0 / 40.0;
/// Nanoseconds to move an element of a window to a panel.
const PACKED: f64 = 0.15;
/// Nanoseconds to transform an element of a tile, and one of a weight.
const TILE: f64 = 0.2;
const TAP: f64 = 0.14;
/// Places of a transformed tile.
const PLACES: f64 = 36.0;
/// The same for products of transformed tiles, whose panels are not moved.
const TRANSFORMED: f64 = 2.0 / 150.0;

impl Problem {
    /// Of shapes `[N, C, ..]`, `[O, C / groups, ..]` and `[N, O, ..]`.
    pub(crate) fn new(
        pass: Pass,
        [x, w, y]: [&[usize]; 3],
        moves: &Moves<'_>,
        groups: i64,
        single: bool,
    ) -> Self {
        let plain = w[2..] == [3, 3] && moves.stride == [1, 1] && moves.dilation.iter().all(|d| *d == 1);
        let tiles = plain && single && !Mode::now().exact;
        Problem {
            pass,
            channels: Channels::new(x, y, groups),
            taps: w[2..].iter().product(),
            windows: y[2..].iter().product(),
            tiles: tiles.then(|| x[0] * y[2].div_ceil(4) * y[3].div_ceil(4)),
        }
    }

    /// The fastest way.
    pub(crate) fn method(&self) -> Method {
        self.estimates()[0].method
    }

    /// All ways there are, the fastest first.
    fn estimates(&self) -> Vec<Estimate> {
        let ways = [Some((Method::Windows, self.by_windows())), self.by_planes(), self.by_tiles()];
        let estimate = |(method, nanoseconds)| Estimate { method, milliseconds: nanoseconds / 1e6 };
        let mut estimates: Vec<Estimate> = ways.into_iter().flatten().map(estimate).collect();
        estimates.sort_by(|a, b| a.milliseconds.total_cmp(&b.milliseconds));
        estimates
    }

    /// Elements of all windows of a group, which are moved to panels, and products with rows of whole blocks.
    fn by_windows(&self) -> f64 {
        let channels = &self.channels;
        let (own, shared) = match self.pass {
            Pass::Input => (channels.shared, channels.own),
            Pass::Forward | Pass::Weight => (channels.own, channels.shared),
        };
        let elements = (channels.images * self.windows * channels.groups * own * self.taps) as f64;
        elements * (PACKED + PRODUCT * shared.next_multiple_of(ROWS) as f64)
    }

    fn by_planes(&self) -> Option<(Method, f64)> {
        let channels = &self.channels;
        let products = channels.images * self.windows * channels.outputs() * self.taps;
        (channels.own == 1).then_some((Method::Planes, products as f64 * PLANE))
    }

    fn by_tiles(&self) -> Option<(Method, f64)> {
        let (own, shared) = (self.channels.own as f64, self.channels.shared as f64);
        let tiles = self.tiles? as f64;
        let group = tiles * own * shared * TRANSFORMED + tiles * (own + shared) * TILE + own * shared * TAP;
        let vectors = |channels: f64| (channels / 16.0).ceil() * 16.0 / channels;
        // Channels fill whole vectors.
        let waste = vectors(own).max(vectors(shared));
        Some((Method::Winograd, PLACES * group * waste * self.channels.groups as f64))
    }
}

/// The ways to compute an anchor in single precision, the fastest first; none if it is no convolution.
pub fn estimates(anchor: &Anchor) -> Option<Vec<Estimate>> {
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
    Some(Problem::new(pass, shapes, &Moves { stride, padding, dilation }, *groups, true).estimates())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(pass: Pass, [images, own, shared, size, kernel, groups]: [usize; 6]) -> Method {
        let (x, y) = ([images, own, size, size], [images, shared, size, size]);
        let w = [shared, own / groups, kernel, kernel];
        let (stride, padding, dilation) = ([1, 1], [[kernel as i64 / 2; 2]; 2], [1, 1]);
        let moves = Moves { stride: &stride, padding: &padding, dilation: &dilation };
        Problem::new(pass, [&x, &w, &y], &moves, groups as i64, true).method()
    }

    #[test]
    fn each_way_is_taken_where_it_was_measured_to_be_fastest() {
        for pass in [Pass::Forward, Pass::Input, Pass::Weight] {
            assert_eq!(method(pass, [8, 64, 64, 32, 3, 1]), Method::Winograd, "{pass:?}");
            assert_eq!(method(pass, [8, 512, 512, 4, 3, 1]), Method::Winograd, "{pass:?}");
            assert_eq!(method(pass, [8, 64, 64, 32, 1, 1]), Method::Windows, "{pass:?}");
            assert_eq!(method(pass, [16, 96, 96, 32, 3, 96]), Method::Planes, "{pass:?}");
            // One tile does not pay for the transform of a large weight, nor few channels for those of many tiles.
            assert_eq!(method(pass, [1, 512, 512, 2, 3, 1]), Method::Windows, "{pass:?}");
            assert_eq!(method(pass, [8, 3, 4, 64, 3, 1]), Method::Windows, "{pass:?}");
        }
    }
}
