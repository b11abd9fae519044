//! Convolutions with windows of 3x3 and 4x4 by Winograd's minimal filtering (Lavin and Gray 2016, "Fast algorithms for convolutional neural
//! networks").
//!
//! A tile of outputs is computed from a tile of inputs: both operands are transformed, multiplied place by place, summed over channels,
//! which is a product of matrices for each place, and transformed back. Windows of 3x3 that move by 1 take 36 products for 4x4 outputs instead
//! of 144, those of 4x4 36 for 3x3 instead of 144 ([`dense`]), those of 3x3 that move by 2 take 81 instead of 144 ([`strided`]). It loses one to
//! three bits: errors are 2 to 8 times those of a direct sum.
//!
//! The lanes of vectors are channels: rows of 16 planes are turned into vectors when a strip of tiles is read, and vectors into rows when
//! it is written, which costs little because both stay in the first cache.
//!
//! The convolution itself and its transpose in the input are the same function with the weight read differently; the transpose in the
//! weight sums over tiles instead of channels. What differs between windows is a [`filter`].

mod dense;
mod filter;
mod forward;
mod images;
mod kernel;
mod strided;
#[cfg(test)]
mod tests;
mod transform;
mod weight;

pub(super) use filter::{Kind, READ, Tiling};
pub(super) use forward::{forward, input};
use images::{Images, Strips};
pub(super) use weight::weight;

/// Elements that panels of different places are apart beyond their size, so that they do not fall into the same lines of a cache.
const GAP: usize = 16;
