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

/// One number of each of sixteen planes.
type Lanes = [f32; LANES];

/// Bytes of a strip: together with its result it stays in the second cache.
const STRIP: usize = 160 << 10;
/// Products that a part is at least worth: smaller tasks are done together.
const WORTH: usize = 1 << 17;

/// Into how many strips some rows are cut, given the bytes of one row and of what the first row needs besides.
fn strips(rows: usize, row: usize, besides: usize) -> usize {
    // No lower than twice what the next strip has to turn again.
    let most = STRIP.saturating_sub(besides).max(2 * besides) / row.max(1);
    rows.div_ceil(most.max(1)).max(1)
}
