//! Writing at places along an axis that data names.

use vspec_engine::EngineError;

use super::axis::Around;
use crate::workers::pieces;

/// Updates below which other cores are not worth waking.
const SMALL: usize = 1 << 14;

/// `x` with `f` of what is there and of each value put at the place that its index names, in order. `n` is the number of indices along
/// the axis.
///
/// # Errors
/// When an index lies outside the axis.
pub(crate) fn scatter<E: Copy + Send + Sync>(
    around: Around,
    [x, values]: [&[E]; 2],
    (index, n): (&[i32], usize),
    y: &mut [E],
    f: impl Fn(E, E) -> E + Sync,
) -> Result<(), EngineError> {
    let outside = |i: &&i32| usize::try_from(**i).map_or(true, |i| i >= around.n);
    if let Some(bad) = index.iter().find(outside) {
        let detail = format!("index {bad} is outside an axis of {}", around.n);
        return Err(EngineError::Unsupported(detail));
    }
    y.copy_from_slice(x);
    if index.is_empty() {
        return Ok(());
    }
    let own = n * around.inner;
    let block = |(o, y): (usize, &mut [E])| {
        let (index, values) = (&index[o * own..(o + 1) * own], &values[o * own..(o + 1) * own]);
        if around.outer > 1 || index.len() < SMALL {
            return put(around, 0, index, values, y, &f);
        }
        // One block: each task owns some places of the axis and looks for what goes there.
        let rows = around.n.div_ceil(PARTS);
        pieces(y, rows * around.inner, |part, y| put(around, part * rows, index, values, y, &f));
    };
    match index.len() < SMALL {
        true => y.chunks_exact_mut(around.block()).enumerate().for_each(block),
        false => pieces(y, around.block(), |o, y| block((o, y))),
    }
    Ok(())
}

/// Parts that the places of an axis are cut into.
const PARTS: usize = 8;

/// Values whose places lie among those of `y`, which begin with `first`.
fn put<E: Copy>(
    around: Around,
    first: usize,
    index: &[i32],
    values: &[E],
    y: &mut [E],
    f: &impl Fn(E, E) -> E,
) {
    let own = y.len() / around.inner;
    let rows = index.chunks_exact(around.inner).zip(values.chunks_exact(around.inner));
    for (index, values) in rows {
        for (i, (place, value)) in index.iter().zip(values).enumerate() {
            // A place before the first one wraps around to one that is not there.
            let row = (*place as usize).wrapping_sub(first);
            if row < own {
                let to = &mut y[row * around.inner + i];
                *to = f(*to, *value);
            }
        }
    }
}
