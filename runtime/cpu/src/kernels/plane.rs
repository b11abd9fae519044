//! Windows over one plane that was copied with its padding, so that every tap of every window is there.

use super::deal::every;
use super::simd::run;
use super::taps::{Correlate, Sums};
use super::window::Axis;
use crate::element::Element;

/// Windows that are computed side by side.
pub(crate) const LANES: usize = 16;

/// Neighbours from a place on. Taken by value they are known not to be what is written meanwhile, so that loops over them become vector
/// instructions.
#[inline(always)]
fn lanes<T>(from: &[T], at: usize) -> &[T; LANES] {
    from[at..at + LANES].first_chunk().expect("as many")
}

/// Where the elements of a padded plane lie. What every `step`-th window of a row has under one tap lies side by side.
pub(crate) struct Padded {
    rows: Axis,
    columns: Axis,
    /// The least offsets: where the padded plane begins.
    low: [isize; 2],
    /// Elements of a row whose remainder by the step is the same, with room for whole lanes.
    pitch: usize,
    height: usize,
    /// Where the first window has each tap.
    taps: Vec<usize>,
}

impl Padded {
    pub(crate) fn new([rows, columns]: [Axis; 2]) -> Self {
        let extreme = |axis: &Axis| {
            let low = axis.offsets.iter().copied().min().unwrap_or(0);
            (low, axis.offsets.iter().copied().max().unwrap_or(0) - low)
        };
        let ((top, tall), (left, wide)) = (extreme(&rows), extreme(&columns));
        let pitch = columns.count.next_multiple_of(LANES) + wide as usize / columns.step + 1;
        let height = rows.count.saturating_sub(1) * rows.step + tall as usize + 1;
        let width = pitch * columns.step;
        let place = |y: isize, x: isize| {
            let (y, x) = ((y - top) as usize, (x - left) as usize);
            y * width + x % columns.step * pitch + x / columns.step
        };
        let taps = rows.offsets.iter().flat_map(|y| columns.offsets.iter().map(|x| place(*y, *x))).collect();
        Padded { rows, columns, low: [top, left], pitch, height, taps }
    }

    /// Memory for a plane, with `padding` in all of it.
    pub(crate) fn room<T: Element>(&self, padding: T) -> Vec<T> {
        vec![padding; self.height * self.width()]
    }

    /// Windows of a row.
    pub(super) fn columns(&self) -> usize {
        self.columns.count
    }

    /// How far rows of windows are apart.
    pub(super) fn down(&self) -> usize {
        self.rows.step * self.width()
    }

    /// Where the first window has each tap.
    pub(super) fn starts(&self) -> &[usize] {
        &self.taps
    }

    fn width(&self) -> usize {
        self.pitch * self.columns.step
    }

    /// Copies a plane to where it is not padding. What lies around it stays.
    #[inline(always)]
    pub(crate) fn copy<T: Element>(&self, plane: &[T], room: &mut [T]) {
        let (width, step) = (self.width(), self.columns.step);
        for (y, row) in plane.chunks_exact(self.columns.size.max(1)).enumerate() {
            let Some(y) = usize::try_from(y as isize - self.low[0]).ok().filter(|y| *y < self.height) else {
                continue;
            };
            let to = &mut room[y * width..(y + 1) * width];
            let first = usize::try_from(self.low[1]).unwrap_or(0);
            let start = (first as isize - self.low[1]) as usize;
            let row = row.get(first..).unwrap_or_default();
            let row = &row[..row.len().min(width - start)];
            for (skipped, x) in (start..start + step.min(row.len())).enumerate() {
                let own = &mut to[x % step * self.pitch..][..self.pitch];
                every(step, &row[skipped..], &mut own[x / step..]);
            }
        }
    }

    /// For each window the sum of its taps times their weights; added to what is there, or in its place.
    #[inline(always)]
    pub(crate) fn correlate<T: Element>(&self, room: &[T], weight: &[T], out: &mut [T], add: bool) {
        if let (Some(room), Some(weight), Some(out)) =
            (T::floats(room), T::floats(weight), T::floats_mut(out))
        {
            return run(Correlate { padded: self, room, weight, out, add });
        }
        self.sweep(
            out,
            #[inline(always)]
            |_, start, out| {
                let mut sums = [T::default(); LANES];
                for (from, weight) in self.taps(room, start).zip(weight) {
                    let from = *from;
                    for lane in 0..LANES {
                        sums[lane] = sums[lane].add(weight.mul(from[lane]));
                    }
                }
                match add {
                    true => out.iter_mut().zip(&sums).for_each(|(out, sum)| *out = out.add(*sum)),
                    false => out.copy_from_slice(&sums[..out.len()]),
                }
            },
        );
    }

    /// Goes through windows row by row, up to [`LANES`] neighbours at a time: `f` is given the first one's row and column, where the first
    /// tap's elements lie if it had no offset, and the windows' numbers to be written.
    #[inline(always)]
    pub(crate) fn sweep<E>(&self, out: &mut [E], mut f: impl FnMut([usize; 2], usize, &mut [E])) {
        let down = self.down();
        for (row, out) in out.chunks_exact_mut(self.columns.count).enumerate() {
            for (part, out) in out.chunks_mut(LANES).enumerate() {
                f([row, part * LANES], row * down + part * LANES, out);
            }
        }
    }

    /// What some neighbouring windows have under each tap, from where [`Padded::sweep`] says.
    #[inline(always)]
    pub(crate) fn taps<'a, T>(&'a self, room: &'a [T], start: usize) -> impl Iterator<Item = &'a [T; LANES]> {
        self.taps.iter().map(move |tap| lanes(room, start + tap))
    }

    /// The place in the plane that each tap of a window has; the window of the first row and column may have them outside.
    pub(crate) fn places(&self) -> Vec<i32> {
        let width = self.columns.size as isize;
        let row = |y: isize| self.columns.offsets.iter().map(move |x| (y * width + x) as i32);
        self.rows.offsets.iter().flat_map(|y| row(*y)).collect()
    }

    /// How much further these places are for the next row and for the next column.
    pub(crate) fn strides(&self) -> [i32; 2] {
        [(self.rows.step * self.columns.size) as i32, self.columns.step as i32]
    }

    /// The first place of the plane that a window covers, if it covers any.
    pub(crate) fn first(&self, [row, column]: [usize; 2]) -> Option<usize> {
        let first = |axis: &Axis, window: usize| {
            let at = |offset: &isize| usize::try_from((window * axis.step) as isize + offset).ok();
            axis.offsets.iter().filter_map(at).find(|at| *at < axis.size)
        };
        Some(first(&self.rows, row)? * self.columns.size + first(&self.columns, column)?)
    }

    /// Rows of windows, each with room for whole lanes.
    pub(crate) fn lines<T: Element>(&self) -> Vec<T> {
        vec![T::default(); self.rows.count * self.columns.count.next_multiple_of(LANES)]
    }

    /// Copies numbers of windows to such rows; what lies behind a row stays 0.
    #[inline(always)]
    pub(crate) fn copy_lines<T: Element>(&self, from: &[T], lines: &mut [T]) {
        let (count, pitch) = (self.columns.count, self.columns.count.next_multiple_of(LANES));
        let rows = lines.chunks_exact_mut(pitch).zip(from.chunks_exact(count));
        rows.for_each(|(to, from)| to[..count].copy_from_slice(from));
    }

    /// Adds to the sum of each tap the products of what it covers with numbers of the windows.
    #[inline(always)]
    pub(crate) fn sums<T: Element>(&self, room: &[T], lines: &[T], sums: &mut [T]) {
        if let (Some(room), Some(lines), Some(sums)) =
            (T::floats(room), T::floats(lines), T::floats_mut(sums))
        {
            return run(Sums { padded: self, room, lines, sums });
        }
        let (down, pitch) = (self.down(), self.columns.count.next_multiple_of(LANES));
        for (tap, sum) in self.taps.iter().zip(sums) {
            for (row, line) in lines.chunks_exact(pitch).enumerate() {
                let pairs = line.iter().zip(&room[row * down + tap..]);
                *sum = pairs.fold(*sum, |sum, (x, y)| sum.add(x.mul(*y)));
            }
        }
    }
}
