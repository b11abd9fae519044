//! Convolutions with windows of 3x3 that move by 1, by Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016, "Fast algorithms for
//! convolutional neural networks").
//!
//! A tile of 4x4 outputs is computed from 6x6 inputs: both operands are transformed, multiplied place by place, summed over channels, which
//! is a product of matrices for each of the 36 places, and transformed back. It takes 36 products for each tile instead of 144, and loses
//! two to three bits: errors are about 5 times those of a direct sum.
//!
//! The lanes of vectors are channels: rows of 16 planes are turned into vectors when a strip of tiles is read, and vectors into rows when
//! it is written, which costs little because both stay in the first cache.
//!
//! The convolution itself and its transpose in the input are the same function with the weight read differently; the transpose in the
//! weight sums over tiles instead of channels.

mod forward;
mod images;
mod kernel;
#[cfg(test)]
mod tests;
mod transform;
mod weight;

pub(super) use forward::{forward, input};
use images::{Images, Strips};
pub(super) use weight::weight;

/// Places of a transformed tile.
const PLACES: usize = 36;
/// Elements that panels of different places are apart beyond their size, so that they do not fall into the same lines of a cache.
const GAP: usize = 16;
