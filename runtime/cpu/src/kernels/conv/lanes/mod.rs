//! Convolutions whose groups have one input channel, sixteen planes at a time: each lane of a vector is a plane.
//!
//! Planes are numbered through all images, and the lanes of a block are sixteen neighbours: where channels are no multiple of sixteen, a
//! block belongs to two images, and no lane is idle. A task turns a strip of the rows of its planes into vectors, with the padding around
//! them ([`grid`]), adds up taps times weights ([`sums`]), and turns the vectors back. However narrow planes are, all loops are over whole
//! vectors, and windows that move by more than 1 cost nothing more.

mod gather;
mod grid;
mod sums;
mod weight;

pub(super) use gather::{forward, input};
pub(super) use weight::weight;

use crate::kernels::simd::LANES;
use crate::kernels::window::{Axis, Moves};

/// One number of each of sixteen planes.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Lanes([f32; LANES]);

impl Lanes {
    const ZERO: Lanes = Lanes([0.0; LANES]);
}

/// Bytes of a strip: together with its result it stays in the second cache.
const STRIP: usize = 160 << 10;
/// Products that a part is at least worth: smaller tasks are done together.
const WORTH: usize = 1 << 17;

/// Windows over rows and along them, if there are one or two axes.
fn axes(moves: &Moves<'_>, kernel: &[usize], [count, size]: [&[usize]; 2]) -> Option<[Axis; 2]> {
    let axis = |i: usize| Axis {
        count: count[i],
        size: size[i],
        step: moves.stride(i),
        offsets: (0..kernel[i] as isize).map(|tap| tap * moves.dilation(i) - moves.low(i)).collect(),
    };
    match kernel.len() {
        1 => Some([single(), axis(0)]),
        2 => Some([axis(0), axis(1)]),
        _ => None,
    }
}

/// The rows of windows over one row.
fn single() -> Axis {
    Axis { count: 1, size: 1, step: 1, offsets: vec![0] }
}

/// Into how many strips some rows are cut, given the bytes of one row and of what the first row needs besides.
fn strips(rows: usize, row: usize, besides: usize) -> usize {
    // No lower than twice what the next strip has to turn again.
    let most = STRIP.saturating_sub(besides).max(2 * besides) / row.max(1);
    rows.div_ceil(most.max(1)).max(1)
}
