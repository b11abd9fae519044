//! Where windows lie over an image of 1 to 4 spatial axes.

use std::ops::Range;

/// Windows along one axis: a tap of window `i` lies at `i * step + offset`, unless that is outside of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Number of windows.
    pub(crate) count: usize,
    /// Elements of the image.
    pub(crate) size: usize,
    /// How far neighbouring windows are apart.
    pub(crate) step: usize,
    /// Where each tap lies in the first window.
    pub(crate) offsets: Vec<isize>,
}

/// All windows over an image, row by row; the last axis runs along a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Windows {
    axes: Vec<Axis>,
}

/// How rows are dealt out by the remainders of their places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deal {
    /// How many remainders there are.
    pub(crate) step: usize,
    /// Elements of a row.
    pub(crate) size: usize,
    /// Places of padding before a row.
    pub(crate) low: usize,
    /// Elements of one remainder.
    pub(crate) pitch: usize,
}

/// What an op says of its windows, with an entry for each spatial axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moves<'a> {
    pub(crate) stride: &'a [i64],
    /// Before and after.
    pub(crate) padding: &'a [[i64; 2]],
    /// Empty: 1 everywhere.
    pub(crate) dilation: &'a [i64],
}

impl Moves<'_> {
    pub(crate) fn stride(&self, axis: usize) -> usize {
        self.stride[axis] as usize
    }

    pub(crate) fn low(&self, axis: usize) -> isize {
        self.padding[axis][0] as isize
    }

    pub(crate) fn dilation(&self, axis: usize) -> isize {
        self.dilation.get(axis).map_or(1, |d| *d as isize)
    }
}

/// Places of an image that neighbouring windows cover with one tap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// The first window.
    pub(crate) window: usize,
    pub(crate) len: usize,
    /// Where it is covered.
    pub(crate) place: usize,
    /// Number of the image.
    pub(crate) image: usize,
}

/// Places of one image that neighbouring windows of a row cover with one tap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    /// The first window.
    pub(crate) window: usize,
    /// Where it is covered.
    pub(crate) place: usize,
    pub(crate) len: usize,
    pub(crate) tap: usize,
}

/// Runs of each tap.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs {
    runs: Vec<Run>,
    /// Where the runs of each tap end.
    ends: Vec<usize>,
}

impl Runs {
    /// Those of a tap, in order.
    #[inline]
    pub(crate) fn of(&self, tap: usize) -> &[Run] {
        let start = tap.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.runs[start..self.ends[tap]]
    }
}

/// Windows of one row.
struct Row {
    window: usize,
    len: usize,
    image: usize,
    /// Windows before them in their row.
    first: usize,
    /// Number of the row in its image.
    row: usize,
}

impl Axis {
    /// The rows of windows over one row.
    pub(crate) fn single() -> Self {
        Axis { count: 1, size: 1, step: 1, offsets: vec![0] }
    }

    /// The windows that have a tap with an offset in the image.
    pub(crate) fn covered(&self, offset: isize) -> Range<usize> {
        // The first window whose tap is not before the image, and the first one whose tap is behind it.
        let from = usize::try_from(-offset).map_or(0, |before| before.div_ceil(self.step));
        let to = usize::try_from(self.size as isize - offset).map_or(0, |room| room.div_ceil(self.step));
        from..to.min(self.count)
    }

    /// How many taps of each window lie in the image.
    pub(crate) fn taps_inside(&self) -> Vec<usize> {
        let mut counts = vec![0; self.count];
        for offset in &self.offsets {
            self.covered(*offset).for_each(|window| counts[window] += 1);
        }
        counts
    }
}

impl Windows {
    /// Windows of `kernel` taps that move as an op says, `count` of them over `size` elements along each axis.
    pub(crate) fn new(moves: &Moves<'_>, kernel: &[usize], [count, size]: [&[usize]; 2]) -> Self {
        let axis = |i: usize| Axis {
            count: count[i],
            size: size[i],
            step: moves.stride(i),
            offsets: (0..kernel[i] as isize).map(|tap| tap * moves.dilation(i) - moves.low(i)).collect(),
        };
        Windows::of((0..kernel.len()).map(axis).collect())
    }

    /// Windows along each axis; axes that can be one become one, so that rows are long.
    pub(crate) fn of(mut axes: Vec<Axis>) -> Self {
        let mut at = axes.len().saturating_sub(1);
        while at > 0 {
            at -= 1;
            let inner = &axes[at + 1];
            let whole = inner.step == 1 && inner.offsets == [0] && inner.count == inner.size;
            if whole && axes[at].step == 1 {
                let width = axes.remove(at + 1).size;
                let outer = &mut axes[at];
                outer.count *= width;
                outer.size *= width;
                outer.offsets.iter_mut().for_each(|offset| *offset *= width as isize);
            }
        }
        Windows { axes }
    }

    /// Windows over one image.
    pub(crate) fn count(&self) -> usize {
        self.axes.iter().map(|axis| axis.count).product()
    }

    /// Elements of an image.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        self.axes.iter().map(|axis| axis.size).product()
    }

    /// Whether each window is one element, in order.
    pub(crate) fn are_elements(&self) -> bool {
        let whole = |axis: &Axis| axis.step == 1 && axis.offsets == [0] && axis.count == axis.size;
        self.axes.iter().all(whole)
    }

    /// Taps of a window.
    pub(crate) fn taps(&self) -> usize {
        self.axes.iter().map(|axis| axis.offsets.len()).product()
    }

    /// How far the places of neighbouring windows of a row are apart.
    #[inline]
    pub(crate) fn step(&self) -> usize {
        self.last().step
    }

    #[inline]
    fn last(&self) -> &Axis {
        &self.axes[self.axes.len() - 1]
    }

    /// Where the windows of each row have each tap: row by row, and of a row tap by tap.
    pub(crate) fn lines(&self) -> Vec<Option<Line>> {
        let (rows, taps) = (self.count() / self.last().count.max(1), self.taps());
        (0..rows * taps).map(|at| self.line(at / taps, at % taps)).collect()
    }

    /// For each tap what some windows cover, counted over all windows of one image after the other, given all [`Windows::lines`].
    pub(crate) fn runs(&self, lines: &[Option<Line>], windows: Range<usize>) -> Runs {
        let (rows, taps) = (self.rows(windows), self.taps());
        let mut found = Runs::default();
        for tap in 0..taps {
            let runs = rows.iter().filter_map(|row| self.run(row, lines[row.row * taps + tap].as_ref()?));
            found.runs.extend(runs);
            found.ends.push(found.runs.len());
        }
        found
    }

    fn rows(&self, windows: Range<usize>) -> Vec<Row> {
        let (width, all) = (self.last().count.max(1), self.count().max(1));
        let (mut rows, mut at) = (vec![], windows.start);
        while at < windows.end {
            let first = at % width;
            let len = (width - first).min(windows.end - at);
            rows.push(Row { window: at, len, image: at / all, first, row: at % all / width });
            at += len;
        }
        rows
    }

    /// What a tap covers in a part of a row, if anything.
    fn run(&self, row: &Row, line: &Line) -> Option<Run> {
        let first = row.first.max(line.from);
        let end = (row.first + row.len).min(line.to);
        (first < end).then(|| Run {
            window: row.window + first - row.first,
            len: end - first,
            place: line.place + (first - line.from) * self.step(),
            image: row.image,
        })
    }

    /// Where the windows of a row have a tap.
    fn line(&self, row: usize, tap: usize) -> Option<Line> {
        let inner = self.last();
        let (mut rest, mut tap_rest) = (row, tap / inner.offsets.len());
        let (mut place, mut stride) = (0, inner.size);
        for axis in self.axes[..self.axes.len() - 1].iter().rev() {
            let (window, tap) = (rest % axis.count, tap_rest % axis.offsets.len());
            (rest, tap_rest) = (rest / axis.count, tap_rest / axis.offsets.len());
            let at = (window * axis.step) as isize + axis.offsets[tap];
            let at = usize::try_from(at).ok().filter(|at| *at < axis.size)?;
            place += at * stride;
            stride *= axis.size;
        }
        let offset = inner.offsets[tap % inner.offsets.len()];
        let Range { start: from, end: to } = inner.covered(offset);
        let first = (from * inner.step) as isize + offset;
        (from < to).then(|| Line { from, to, place: place + first as usize })
    }

    /// The same windows over rows with their padding, dealt out by remainders by the step, so that the step is 1; none if it is already or
    /// if windows have only one tap along a row.
    pub(crate) fn dealt(&self) -> Option<(Windows, Deal)> {
        let last = self.last();
        let (first, end) = (last.offsets.iter().min()?, last.offsets.iter().max()?);
        if last.step == 1 || last.offsets.len() == 1 || last.size == 0 {
            return None;
        }
        let low = usize::try_from(-first).unwrap_or(0);
        let place = |offset: isize| (offset + low as isize) as usize;
        let reach = (last.count.max(1) + place(*end) / last.step).max((last.size + low).div_ceil(last.step));
        let deal = Deal { step: last.step, size: last.size, low, pitch: reach };
        let offset =
            |offset: &isize| (place(*offset) % last.step * reach + place(*offset) / last.step) as isize;
        let offsets = last.offsets.iter().map(offset).collect();
        let own = Axis { count: last.count, size: last.step * reach, step: 1, offsets };
        let mut axes = self.axes.clone();
        *axes.last_mut()? = own;
        Some((Windows { axes }, deal))
    }

    /// The axes, if there are one or two: rows, and places of a row.
    pub(crate) fn in_plane(&self) -> Option<[Axis; 2]> {
        match self.axes.as_slice() {
            [columns] => Some([Axis::single(), columns.clone()]),
            [rows, columns] => Some([rows.clone(), columns.clone()]),
            _ => None,
        }
    }

    /// What each tap covers in each row of an image: row by row, and of a row tap by tap.
    pub(crate) fn reaches(&self) -> Vec<Reach> {
        let (width, taps) = (self.last().count, self.taps());
        let rows: usize = self.axes[..self.axes.len() - 1].iter().map(|axis| axis.count).product();
        let reach = |at: usize| {
            let (row, tap) = (at / taps, at % taps);
            let line = self.line(row, tap)?;
            let window = row * width + line.from;
            Some(Reach { window, place: line.place, len: line.to - line.from, tap })
        };
        (0..rows * taps).filter_map(reach).collect()
    }
}

/// Windows of a row that have a tap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    from: usize,
    to: usize,
    /// Where the first of them has it.
    place: usize,
}
