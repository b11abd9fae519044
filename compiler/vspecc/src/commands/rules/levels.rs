//! Levels of a pyramid, seen from where its points lie.

/// A run of rows whose points form a grid.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Level {
    /// Number of the first row.
    pub(super) first: usize,
    /// Pixels between points; none for a single point.
    pub(super) stride: Option<f64>,
    /// Different points of the grid, down and across; none for rows that form no grid, such as proposals.
    pub(super) size: Option<[usize; 2]>,
}

impl Level {
    /// `stride 8 (12x12)`
    pub(super) fn name(&self) -> String {
        match (self.size, self.stride) {
            (Some([rows, columns]), Some(stride)) => {
                format!("stride {} ({rows}x{columns})", (stride * 100.0).round() / 100.0)
            }
            (Some([rows, columns]), None) => format!("{rows}x{columns}"),
            (None, _) => "positives".to_string(),
        }
    }
}

/// Splits rows into grids: points of a level go line by line, so that a point above the one before begins the next level. Rows that are
/// in no such order are one level.
pub(super) fn levels(points: &[[f64; 2]]) -> Vec<Level> {
    let higher =
        |pair: &[[f64; 2]]| pair[1][1] < pair[0][1] || pair[1] == [0.0, 0.0] && pair[0] != [0.0, 0.0];
    let mut starts = vec![0];
    starts.extend((1..points.len()).filter(|i| higher(&points[i - 1..=*i])));
    // A pyramid has few levels; more starts mean that the order is another one.
    if starts.len() > 10 {
        starts = vec![0];
    }
    let ends = starts[1..].iter().copied().chain([points.len()]);
    starts.iter().zip(ends).map(|(first, end)| level(*first, &points[*first..end])).collect()
}

fn level(first: usize, points: &[[f64; 2]]) -> Level {
    let distinct = |axis: usize| {
        let mut values: Vec<f64> = points.iter().map(|p| p[axis]).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    };
    let (across, down) = (distinct(0), distinct(1));
    let gap = |values: &[f64]| Some(values.get(1)? - values.first()?);
    let cells = down.len() * across.len();
    // Several anchors may share a point, as many as at any other.
    let grid = cells > 0 && points.len().is_multiple_of(cells);
    let stride = gap(&across).or_else(|| gap(&down)).filter(|_| grid);
    Level { first, stride, size: grid.then_some([down.len(), across.len()]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: usize, columns: usize, stride: f64, anchors: usize) -> Vec<[f64; 2]> {
        let place = |i: usize| [(i % columns) as f64 * stride, (i / columns) as f64 * stride];
        (0..rows * columns).flat_map(|i| std::iter::repeat_n(place(i), anchors)).collect()
    }

    #[test]
    fn a_pyramid_has_its_strides() {
        let points = [grid(3, 4, 8.0, 2), grid(2, 2, 16.0, 2), grid(1, 1, 32.0, 2)].concat();
        let found = levels(&points);
        assert_eq!(found.iter().map(|l| l.first).collect::<Vec<_>>(), [0, 24, 32]);
        let names: Vec<String> = found.iter().map(Level::name).collect();
        assert_eq!(names, ["stride 8 (3x4)", "stride 16 (2x2)", "1x1"]);
    }

    #[test]
    fn points_in_disorder_are_one_level() {
        let points: Vec<[f64; 2]> = (0..40).map(|i| [f64::from(i), f64::from(i * 7 % 11)]).collect();
        let found = levels(&points);
        assert_eq!((found.len(), found[0].size, found[0].stride), (1, None, None));
        assert_eq!(levels(&[]).len(), 1);
    }
}
