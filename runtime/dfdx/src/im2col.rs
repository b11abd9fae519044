//! Where the windows of a convolution or a pooling lie, over any number of spatial axes.

/// How a window moves over the spatial axes.
pub(crate) struct Window<'a> {
    pub(crate) kernel: &'a [usize],
    pub(crate) stride: &'a [i64],
    pub(crate) padding: &'a [[i64; 2]],
    pub(crate) dilation: &'a [i64],
}

/// Marks a place that lies on padding.
pub(crate) const OUTSIDE: u32 = u32::MAX;

/// For each tap of the kernel and each position of the window, the place in the plane that it covers.
#[derive(Clone)]
pub(crate) struct Places {
    /// Number of windows along each spatial axis.
    pub(crate) count: Vec<usize>,
    /// Number of windows.
    pub(crate) positions: usize,
    /// Number of places of a window.
    pub(crate) taps: usize,
    /// Elements of one plane of the input.
    pub(crate) plane: usize,
    /// `taps` rows of `positions` places.
    table: Vec<u32>,
    /// For each tap, stretches of positions that cover neighbouring places; padding is in none.
    runs: Vec<Vec<Run>>,
}

/// Neighbouring positions of a window whose tap covers neighbouring places.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) position: usize,
    pub(crate) place: usize,
    pub(crate) len: usize,
}

impl Run {
    /// The part of the run that lies in a range of positions.
    fn within(self, range: &std::ops::Range<usize>) -> Option<Run> {
        let start = self.position.max(range.start);
        let end = (self.position + self.len).min(range.end);
        (start < end).then(|| Run {
            position: start,
            place: self.place + start - self.position,
            len: end - start,
        })
    }
}

impl Places {
    pub(crate) fn new(window: &Window<'_>, spatial: &[usize]) -> Self {
        let count: Vec<usize> = (0..spatial.len()).map(|i| window.count(i, spatial[i])).collect();
        let (positions, taps) = (count.iter().product(), window.kernel.iter().product());
        let mut table = Vec::with_capacity(positions * taps);
        for tap in 0..taps {
            let tap = coordinates(tap, window.kernel);
            for position in 0..positions {
                table.push(window.place(&coordinates(position, &count), &tap, spatial));
            }
        }
        let runs = table.chunks(positions.max(1)).map(runs_of).collect();
        Places { count, positions, taps, plane: spatial.iter().product(), table, runs }
    }

    /// The runs of a tap within a range of positions, in order.
    pub(crate) fn runs(&self, tap: usize, positions: std::ops::Range<usize>) -> impl Iterator<Item = Run> {
        let runs = self.runs.get(tap).map(Vec::as_slice).unwrap_or_default();
        let first = runs.partition_point(|r| r.position + r.len <= positions.start);
        let end = positions.end;
        runs.iter()
            .skip(first)
            .take_while(move |r| r.position < end)
            .filter_map(move |r| r.within(&positions))
    }

    /// The places that a tap covers, for a range of positions.
    pub(crate) fn row(&self, tap: usize, positions: std::ops::Range<usize>) -> &[u32] {
        let start = tap * self.positions;
        &self.table[start + positions.start..start + positions.end]
    }
}

impl Window<'_> {
    fn count(&self, axis: usize, size: usize) -> usize {
        let padded = size as i64 + self.padding[axis][0] + self.padding[axis][1];
        let extent = self.dilation[axis] * (self.kernel[axis] as i64 - 1) + 1;
        ((padded - extent).div_euclid(self.stride[axis]) + 1).max(0) as usize
    }

    fn place(&self, position: &[usize], tap: &[usize], spatial: &[usize]) -> u32 {
        let mut flat = 0;
        for i in 0..spatial.len() {
            let at =
                position[i] as i64 * self.stride[i] + tap[i] as i64 * self.dilation[i] - self.padding[i][0];
            match usize::try_from(at) {
                Ok(at) if at < spatial[i] => flat = flat * spatial[i] + at,
                _ => return OUTSIDE,
            }
        }
        flat as u32
    }
}

/// Joins neighbouring places of one tap.
fn runs_of(row: &[u32]) -> Vec<Run> {
    let mut runs: Vec<Run> = vec![];
    for (position, place) in row.iter().enumerate().filter(|(_, p)| **p != OUTSIDE) {
        let place = *place as usize;
        match runs.last_mut() {
            Some(run) if run.position + run.len == position && run.place + run.len == place => run.len += 1,
            _ => runs.push(Run { position, place, len: 1 }),
        }
    }
    runs
}

fn coordinates(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut at = vec![0; shape.len()];
    for i in (0..shape.len()).rev() {
        at[i] = flat % shape[i];
        flat /= shape[i];
    }
    at
}
