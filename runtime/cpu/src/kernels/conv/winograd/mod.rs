//! Convolutions with windows of 3x3 that move by 1, by Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016, "Fast algorithms for
//! convolutional neural networks").
//!
//! A tile of 4x4 outputs is computed from 6x6 inputs: both operands are transformed, multiplied place by place, summed over channels, which
//! is a product of matrices for each of the 36 places, and transformed back. It takes 36 products for each tile instead of 144, and loses
//! two to three bits: errors are about 5 times those of a direct sum.
//!
//! The convolution itself and its transpose in the input are the same function with the weight read differently; the transpose in the
//! weight sums over tiles instead of channels.

mod forward;
mod transform;
mod weight;

use super::Channels;
use crate::element::Element;
use crate::kernels::window::Moves;
pub(super) use forward::{forward, input};
pub(super) use weight::weight;

/// Places of a transformed tile.
const PLACES: usize = 36;
/// Channels below which transforms cost more than they save.
const FEWEST: usize = 16;
/// Elements that panels of different places are apart beyond their size, so that they do not fall into the same lines of a cache.
const GAP: usize = 16;
/// Tiles below which the transpose in the weight costs more to transform back than it saves.
const FEWEST_TILES: usize = 16;

/// Whether the transpose in the weight can be done this way and gains by it.
pub(super) fn fits_weight<T: Element>(
    channels: Channels,
    moves: &Moves<'_>,
    kernel: &[usize],
    y: &[usize],
) -> bool {
    fits::<T>(channels, moves, kernel) && Tiles::new(channels.images, [y[2], y[3]]).count() >= FEWEST_TILES
}

/// Whether a convolution can be done this way and gains by it.
pub(super) fn fits<T: Element>(channels: Channels, moves: &Moves<'_>, kernel: &[usize]) -> bool {
    let plain = kernel == [3, 3] && moves.stride == [1, 1] && moves.dilation == [1, 1];
    let wide = channels.own >= FEWEST && channels.shared >= FEWEST;
    size_of::<T>() == 4 && plain && wide && !super::is_exact()
}

/// Images that are cut into tiles of 4x4.
#[derive(Debug, Clone, Copy)]
struct Tiles {
    images: usize,
    /// Tiles in a column and in a row of an image.
    down: usize,
    across: usize,
}

impl Tiles {
    fn new(images: usize, [height, width]: [usize; 2]) -> Self {
        Tiles { images, down: height.div_ceil(4), across: width.div_ceil(4) }
    }

    fn count(&self) -> usize {
        self.images * self.down * self.across
    }

    /// Image, row and column of a tile.
    fn place(&self, tile: usize) -> [usize; 3] {
        let rest = tile % (self.down * self.across);
        [tile / (self.down * self.across), rest / self.across, rest % self.across]
    }
}

/// Some channels of images in row-major order.
#[derive(Clone, Copy)]
struct Images<'a, T> {
    elements: &'a [T],
    channels: usize,
    /// The first channel of the group.
    first: usize,
    size: [usize; 2],
}

impl<'a, T: Element> Images<'a, T> {
    fn plane(&self, image: usize, channel: usize) -> &'a [T] {
        let area = self.size[0] * self.size[1];
        &self.elements[(image * self.channels + self.first + channel) * area..][..area]
    }

    /// Puts a square into a lane; what lies outside of the image is 0.
    #[inline(always)]
    fn square<const S: usize, const L: usize>(
        &self,
        plane: &[T],
        [top, left]: [isize; 2],
        lane: usize,
        into: &mut [[[T; L]; S]; S],
    ) {
        let [height, width] = self.size;
        let inside = |at: isize, size: usize| at >= 0 && at as usize + S <= size;
        if inside(top, height) && inside(left, width) {
            for (i, into) in into.iter_mut().enumerate() {
                let row = &plane[(top as usize + i) * width + left as usize..][..S];
                into.iter_mut().zip(row).for_each(|(into, x)| into[lane] = *x);
            }
            return;
        }
        for (i, into) in into.iter_mut().enumerate() {
            for (j, into) in into.iter_mut().enumerate() {
                let (y, x) = (top + i as isize, left + j as isize);
                let known = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
                into[lane] = if known { plane[y as usize * width + x as usize] } else { T::default() };
            }
        }
    }
}
