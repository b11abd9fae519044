//! Planes as vectors, with the padding around them.

use std::ops::Range;

use super::Lanes;
use crate::kernels::simd::{LANES, Simd};
use crate::kernels::window::Axis;

/// Where the elements of a plane lie among its padding.
pub(super) struct Grid {
    /// Rows and columns of a plane.
    size: [usize; 2],
    /// The first row that is covered.
    top: isize,
    /// Vectors of a row.
    pub(super) width: usize,
    /// Rows that the windows of one row cover.
    pub(super) tall: usize,
    /// Where each element goes, counted from the first row that is covered; [`NOWHERE`] for those that no window covers.
    places: Vec<usize>,
}

/// The place of an element that no window covers.
const NOWHERE: usize = usize::MAX;

impl Grid {
    /// What windows over rows and along them cover; of each axis there may be several kinds, which move alike.
    pub(super) fn new([rows, columns]: [&[Axis]; 2]) -> Self {
        let size = [rows, columns].map(|kinds| kinds.first().map_or(0, |axis| axis.size));
        let [(top, tall), (left, wide)] = [rows, columns].map(reach);
        let columns = columns.iter().map(|axis| axis.count.saturating_sub(1) * axis.step).max();
        let width = columns.unwrap_or(0) + wide;
        let place = |at: usize| {
            let (y, x) = (at / size[1], at % size[1]);
            let x = usize::try_from(x as isize - left).ok().filter(|x| *x < width);
            let y = usize::try_from(y as isize - top).ok();
            x.zip(y).map_or(NOWHERE, |(x, y)| y * width + x)
        };
        Grid { size, top, width, tall, places: (0..size[0] * size[1]).map(place).collect() }
    }

    /// Where the first window of a kind has each tap, row by row.
    pub(super) fn taps(&self, [rows, columns]: [&Axis; 2], left: isize) -> Vec<usize> {
        let place = |y: &isize, x: &isize| (y - self.top) as usize * self.width + (x - left) as usize;
        rows.offsets.iter().flat_map(|y| columns.offsets.iter().map(move |x| place(y, x))).collect()
    }

    /// Turns what lies in some rows of the grid of up to sixteen planes, which begin at `starts`, into vectors. `room` is as it was left,
    /// or 0.
    #[inline(always)]
    pub(super) fn fill<S: Simd>(
        &self,
        simd: S,
        from: &[f32],
        starts: &[usize],
        rows: Range<usize>,
        room: &mut [Lanes],
    ) {
        let inside = |row: usize| {
            let y = row as isize + self.top;
            y.clamp(0, self.size[0] as isize) as usize
        };
        let (first, end) = (inside(rows.start), inside(rows.end));
        // Of another strip there may be something where this one has padding.
        let place = |y: usize| ((y as isize - self.top) as usize).clamp(rows.start, rows.end) - rows.start;
        let (above, below) = match first < end {
            true => (place(first), place(end)),
            false => (rows.len(), rows.len()),
        };
        room[..above * self.width].fill([0.0; LANES]);
        room[below * self.width..rows.len() * self.width].fill([0.0; LANES]);
        let (elements, before) = (first * self.size[1]..end * self.size[1], rows.start * self.width);
        let room = &mut room[..rows.len() * self.width];
        turn(
            simd,
            from,
            starts,
            elements,
            #[inline(always)]
            |at, v| {
                if let Some(to) = room.get_mut(self.places[at].wrapping_sub(before)) {
                    simd.store(v, to);
                }
            },
        );
    }
}

/// The least offset of an axis, and how many places its taps cover from there on.
pub(super) fn reach(kinds: &[Axis]) -> (isize, usize) {
    let offsets = || kinds.iter().flat_map(|axis| axis.offsets.iter().copied());
    let low = offsets().min().unwrap_or(0);
    (low, (offsets().max().unwrap_or(0) - low) as usize + 1)
}

/// Gives places `elements` of up to sixteen planes, which begin at `starts`, as vectors; lanes without a plane are 0.
#[inline(always)]
pub(super) fn turn<S: Simd>(
    simd: S,
    from: &[f32],
    starts: &[usize],
    elements: Range<usize>,
    mut put: impl FnMut(usize, S::V),
) {
    let mut at = elements.start;
    while at < elements.end {
        let len = LANES.min(elements.end - at);
        let mut block = [simd.splat(0.0); LANES];
        // Whole squares are loops of known length: they stay in registers.
        match starts.first_chunk::<LANES>() {
            Some(starts) if len == LANES => {
                for (block, start) in block.iter_mut().zip(starts) {
                    *block = simd.load_some(&from[start + at..][..LANES]);
                }
                simd.transpose(&mut block);
                for (i, v) in block.iter().enumerate() {
                    put(at + i, *v);
                }
            }
            _ => {
                for (block, start) in block.iter_mut().zip(starts) {
                    *block = simd.load_some(&from[start + at..][..len]);
                }
                simd.transpose(&mut block);
                for (i, v) in block.iter().enumerate().take(len) {
                    put(at + i, *v);
                }
            }
        }
        at += len;
    }
}

/// The opposite: `put` is given the number of a lane, where a piece of its plane begins, the length of the piece, and the piece.
#[inline(always)]
pub(super) fn turn_back<S: Simd>(
    simd: S,
    from: &[Lanes],
    lanes: usize,
    mut put: impl FnMut(usize, usize, usize, S::V),
) {
    for (number, from) in from.chunks(LANES).enumerate() {
        let (at, mut block) = (number * LANES, [simd.splat(0.0); LANES]);
        match from.first_chunk::<LANES>() {
            Some(from) => {
                for i in 0..LANES {
                    block[i] = simd.load(&from[i]);
                }
            }
            None => {
                for (v, from) in block.iter_mut().zip(from) {
                    *v = simd.load(from);
                }
            }
        }
        simd.transpose(&mut block);
        if lanes == LANES && from.len() == LANES {
            for (lane, v) in block.iter().enumerate() {
                put(lane, at, LANES, *v);
            }
        } else {
            for (lane, v) in block.iter().enumerate().take(lanes) {
                put(lane, at, from.len(), *v);
            }
        }
    }
}
