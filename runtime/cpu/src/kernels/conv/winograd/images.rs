//! Images as strips of tiles whose lanes are channels.

use std::ops::Range;

use super::transform::Planar;
use crate::kernels::simd::{LANES, Simd, columns};

/// Images that are cut into square tiles, in strips of one row of tiles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strips {
    images: usize,
    /// Height and width of an image.
    pub(super) size: [usize; 2],
    /// Side of a tile.
    pub(super) side: usize,
    /// Strips of an image.
    down: usize,
    /// Tiles of a strip.
    pub(super) across: usize,
}

impl Strips {
    pub(super) fn new(images: usize, size: [usize; 2], side: usize) -> Self {
        Strips { images, size, side, down: size[0].div_ceil(side), across: size[1].div_ceil(side) }
    }

    pub(super) fn count(&self) -> usize {
        self.images * self.down
    }

    pub(super) fn tiles(&self) -> usize {
        self.count() * self.across
    }

    /// The image of a strip, and the strip's number in it.
    pub(super) fn place(&self, strip: usize) -> (usize, usize) {
        (strip / self.down, strip % self.down)
    }

    /// Rows of a strip from its first one on.
    pub(super) fn rows(&self, top: usize) -> usize {
        (self.size[0] - top).min(self.side)
    }

    /// Places of a whole strip.
    pub(super) fn area(&self) -> usize {
        self.side * self.size[1]
    }
}

/// Some channels of images in row-major order.
#[derive(Clone, Copy)]
pub(super) struct Images<'a> {
    pub(super) elements: &'a [f32],
    /// Channels of an image.
    pub(super) channels: usize,
    /// The first channel of the group, and how many it has.
    pub(super) first: usize,
    pub(super) own: usize,
    pub(super) size: [usize; 2],
}

impl<'a> Images<'a> {
    /// Vectors of channels of a group.
    pub(super) fn vectors(&self) -> usize {
        self.own.div_ceil(LANES)
    }

    /// Elements that [`Images::strip`] needs to work in for squares of `S` places.
    pub(super) fn room(&self, side: usize) -> usize {
        side.min(self.size[0]) * self.size[1] * LANES
    }

    /// Transforms the squares of a strip, for one vector of channels: that of tile `t` begins at row `top` and column `step * t - low`. What
    /// lies outside of the image is 0. `put` is given a tile, a place, and what is there.
    #[inline(always)]
    pub(super) fn strip<T: Planar, S: Simd>(
        &self,
        simd: S,
        [image, vector, across]: [usize; 3],
        (step, [top, low]): (usize, [isize; 2]),
        near: &mut [f32],
        mut put: impl FnMut(usize, usize, S::V),
    ) {
        let [height, width] = self.size;
        let clamp = |row: isize| row.clamp(0, height as isize) as usize;
        let rows = clamp(top)..clamp(top + T::FROM as isize);
        self.turn(simd, [image, vector], rows.clone(), near);
        let (zero, first, count) = (simd.splat(0.0), top - rows.start as isize, rows.len());
        let near = &near[..count * width * LANES];
        for tile in 0..across {
            let left = (tile * step) as isize - low;
            T::of(
                simd,
                #[inline(always)]
                |i, j| {
                    let (row, column) = (first + i as isize, left + j as isize);
                    let known = (0..count as isize).contains(&row) && (0..width as isize).contains(&column);
                    match known {
                        true => {
                            simd.load_some(&near[(row as usize * width + column as usize) * LANES..][..LANES])
                        }
                        false => zero,
                    }
                },
                #[inline(always)]
                |i, j, v| put(tile, i * T::TO + j, v),
            );
        }
    }

    /// Rows of 16 channels as vectors.
    #[inline(always)]
    fn turn<S: Simd>(&self, simd: S, [image, vector]: [usize; 2], rows: Range<usize>, near: &mut [f32]) {
        let (area, width) = (self.size[0] * self.size[1], self.size[1]);
        let count = LANES.min(self.own - vector * LANES);
        let channel = image * self.channels + self.first + vector * LANES;
        let from = &self.elements[channel * area + rows.start * width..];
        columns(simd, from, area, count, rows.len() * width, near);
    }
}
