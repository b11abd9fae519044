//! Connected regions of a mask.

/// The number of each pixel's region, from 1 in the order of their first pixels; 0 outside. `diagonal` says whether pixels that
/// touch at a corner are connected.
pub(super) fn label(mask: &[bool], columns: usize, diagonal: bool) -> Vec<i32> {
    let mut labels = vec![0; mask.len()];
    let mut count = 0;
    let mut open = vec![];
    for first in 0..mask.len() {
        if !mask[first] || labels[first] != 0 {
            continue;
        }
        count += 1;
        labels[first] = count;
        open.push(first);
        while let Some(pixel) = open.pop() {
            for next in neighbours(pixel, columns, mask.len() / columns.max(1), diagonal) {
                if mask[next] && labels[next] == 0 {
                    labels[next] = count;
                    open.push(next);
                }
            }
        }
    }
    labels
}

/// The pixels around one that lie within the image.
fn neighbours(pixel: usize, columns: usize, rows: usize, diagonal: bool) -> impl Iterator<Item = usize> {
    const AROUND: [(isize, isize); 8] =
        [(-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)];
    let (row, column) = (pixel / columns, pixel % columns);
    AROUND.into_iter().take(if diagonal { 8 } else { 4 }).filter_map(move |(down, right)| {
        let (row, column) = (row.checked_add_signed(down)?, column.checked_add_signed(right)?);
        (row < rows && column < columns).then(|| row * columns + column)
    })
}
