//! Windows over planes as they lie, some rows of them side by side: a band. A vector is neighbouring windows of one row; what lies outside
//! of the plane is left out by masks, so that nothing is copied. Each vector of a plane that is read is used for all rows of windows that
//! have it under a tap, while their sums stay in registers.
//!
//! Where windows move along rows by more than 1, rows are dealt out first ([`Layout`]).

mod fold;
mod sums;

pub(crate) use fold::Fold;

use std::marker::PhantomData;
use std::ops::Range;

use super::deal::every;
use super::simd::{LANES, Simd};
use super::window::Axis;

/// Most rows of windows of a band.
const ROWS: usize = 8;
/// Most taps of a run.
const TAPS: usize = 5;

/// How the rows of planes lie: as they are, or the elements of each remainder by the step of windows together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    height: usize,
    width: usize,
    step: usize,
    /// Places of the elements of a remainder.
    pitch: usize,
}

impl Layout {
    /// For windows over rows and along them.
    pub(crate) fn new([rows, columns]: [&Axis; 2]) -> Self {
        let (width, step) = (columns.size, columns.step);
        Layout { height: rows.size, width, step, pitch: width.div_ceil(step) }
    }

    /// Whether rows are what they are anyway.
    pub(crate) fn is_plain(&self) -> bool {
        self.step == 1
    }

    /// Elements of a plane, with those that stand for none.
    pub(crate) fn len(&self) -> usize {
        self.height * self.row()
    }

    /// Elements of a row.
    fn row(&self) -> usize {
        self.step * self.pitch
    }

    /// Deals the rows of a plane out.
    #[inline(always)]
    pub(crate) fn copy(&self, plane: &[f32], room: &mut [f32]) {
        let rows = plane.chunks_exact(self.width.max(1)).zip(room.chunks_exact_mut(self.row().max(1)));
        for (row, room) in rows {
            for (remainder, room) in room.chunks_exact_mut(self.pitch).enumerate().take(self.width) {
                every(self.step, &row[remainder..], room);
            }
        }
    }
}

/// Where windows have their taps.
#[derive(Debug)]
pub(crate) struct Bands {
    /// Elements of what is read, its rows, and elements of a row.
    len: usize,
    height: usize,
    row: usize,
    /// Windows of a row.
    width: usize,
    /// By how many rows windows move.
    step: usize,
    /// The first row of windows of each band, and how many there are: up to [`ROWS`], `apart` from each other.
    bands: Vec<[usize; 2]>,
    apart: usize,
    runs: Vec<Run>,
    /// How far behind the window the taps of each column lie.
    columns: Vec<isize>,
    /// For each vector of windows in a row and each column a bit for each lane that has its taps.
    masks: Vec<u16>,
    order: Vec<usize>,
}

/// Taps one below the other. Each covers the row that the next one covers in the row of windows of a band before.
#[derive(Debug, Clone)]
struct Run {
    /// The row that the first one covers in the first row of windows.
    first: isize,
    /// How far the rows that they cover are apart.
    apart: isize,
    /// Their numbers among the taps of a column, up to [`TAPS`].
    taps: Vec<usize>,
}

impl Bands {
    /// Of windows over rows and along them, over planes that lie as a layout says which was made for them. With `ordered` each window has
    /// its taps in their order.
    pub(crate) fn new([rows, columns]: [&Axis; 2], layout: &Layout, ordered: bool) -> Self {
        assert!(rows.size == layout.height && columns.size == layout.width, "the layout was made for them");
        assert!(columns.step == layout.step, "the layout was made for them");
        let step = layout.step as isize;
        let distance = |x: &isize| x.rem_euclid(step) * layout.pitch as isize + x.div_euclid(step);
        let covered: Vec<_> = columns.offsets.iter().map(|offset| columns.covered(*offset)).collect();
        let mask = |first: usize, covered: &Range<usize>| {
            let lanes = (0..LANES).filter(|lane| covered.contains(&(first + lane)));
            lanes.fold(0, |mask, lane| mask | 1 << lane)
        };
        let firsts = (0..columns.count).step_by(LANES);
        let (apart, runs) = runs(rows, ordered);
        let wide = columns.offsets.len();
        let of = |run: &Run| {
            (0..wide).flat_map(|x| run.taps.iter().map(move |y| y * wide + x)).collect::<Vec<_>>()
        };
        Bands {
            len: layout.len(),
            height: layout.height,
            row: layout.row(),
            width: columns.count,
            step: rows.step,
            bands: bands(rows.count, apart),
            apart,
            order: runs.iter().flat_map(of).collect(),
            runs,
            columns: columns.offsets.iter().map(distance).collect(),
            masks: firsts.flat_map(|first| covered.iter().map(move |covered| mask(first, covered))).collect(),
        }
    }

    /// The numbers of the taps in the order in which they are taken.
    pub(crate) fn order(&self) -> &[usize] {
        &self.order
    }

    /// The vectors of windows of a row, of which the last one may have fewer.
    fn vectors(&self) -> usize {
        self.width.div_ceil(LANES)
    }

    /// Windows of a vector.
    #[inline(always)]
    fn windows(&self, vector: usize) -> usize {
        LANES.min(self.width - vector * LANES)
    }

    /// Where the taps of a run in some column lie in a plane, for a vector of windows of some row.
    #[inline(always)]
    fn lines<'a>(
        &'a self,
        plane: &'a [f32],
        run: &Run,
        column: usize,
        [row, vector]: [usize; 2],
    ) -> Lines<'a> {
        assert!(plane.len() == self.len, "as large as planned");
        let row = (row * self.step) as isize + run.first;
        let first = row * self.row as isize + (vector * LANES) as isize + self.columns[column];
        Lines {
            start: plane.as_ptr().wrapping_offset(first),
            stride: run.apart * self.row as isize,
            mask: self.masks[vector * self.columns.len() + column],
            row,
            apart: run.apart,
            height: self.height,
            plane: PhantomData,
        }
    }
}

/// What the taps of a column cover, row by row.
struct Lines<'a> {
    /// Where the first line would be, in the plane or not, and how far lines are apart.
    start: *const f32,
    stride: isize,
    /// Lanes that have the tap.
    mask: u16,
    /// The row of the first line, how far their rows are apart, and rows of the plane.
    row: isize,
    apart: isize,
    height: usize,
    plane: PhantomData<&'a [f32]>,
}

impl Lines<'_> {
    /// A line, if it is a row of the plane; lanes without the tap are `outside`.
    #[inline(always)]
    fn line<S: Simd>(&self, simd: S, number: usize, outside: S::V) -> Option<S::V> {
        let row = self.row + number as isize * self.apart;
        if row as usize >= self.height {
            return None;
        }
        // In bounds: the row is there, masks name lanes whose tap lies in the row, and the plane was as large as planned.
        let start = self.start.wrapping_offset(number as isize * self.stride);
        Some(unsafe { simd.load_masked(start, self.mask, outside) })
    }
}

/// The first row of each band, and how many rows it has, about as many each.
fn bands(rows: usize, apart: usize) -> Vec<[usize; 2]> {
    let of = |class: usize| {
        let rows = (rows - class).div_ceil(apart);
        let count = rows.div_ceil(ROWS);
        let cut = move |band: usize| rows * band / count;
        (0..count).map(move |band| [class + cut(band) * apart, cut(band + 1) - cut(band)])
    };
    (0..apart.min(rows)).flat_map(of).collect()
}

/// How far rows of windows of a band are apart, and the runs of taps.
fn runs(rows: &Axis, ordered: bool) -> (usize, Vec<Run>) {
    let mut taps: Vec<(isize, usize)> = rows.offsets.iter().copied().zip(0..).collect();
    taps.sort_unstable();
    let gap = taps.windows(2).map(|two| two[1].0 - two[0].0).reduce(|a, b| if a == b { a } else { 0 });
    let single =
        |(first, tap): &(isize, usize)| Run { first: *first, apart: rows.step as isize, taps: vec![*tap] };
    // Runs of more are taken column by column.
    let Some(gap) = gap.and_then(|gap| usize::try_from(gap).ok()).filter(|gap| *gap > 0 && !ordered) else {
        return (1, taps.iter().map(single).collect());
    };
    // Rows of windows that are `gap / common` apart have every `every`-th tap in common.
    let common = gcd(gap, rows.step);
    let every = rows.step / common;
    let apart = gap / common;
    let mut runs = vec![];
    for first in 0..every.min(taps.len()) {
        let own: Vec<_> = taps.iter().skip(first).step_by(every).collect();
        let parts = own.len().div_ceil(TAPS);
        for part in 0..parts {
            let own = &own[own.len() * part / parts..own.len() * (part + 1) / parts];
            let apart = (apart * rows.step) as isize;
            runs.push(Run { first: own[0].0, apart, taps: own.iter().map(|(_, tap)| *tap).collect() });
        }
    }
    (apart, runs)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
