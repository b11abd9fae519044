//! Writing at places along an axis that data names.

use vspec_engine::EngineError;

use super::axis::Around;
use super::vector::widest;
use crate::workers::pieces;

/// Updates below which other cores are not worth waking.
const SMALL: usize = 1 << 14;

/// What values are scattered into.
#[derive(Clone, Copy)]
pub(crate) enum Before<'a, E> {
    /// One number everywhere.
    Same(E),
    /// A number for each place.
    Each(&'a [E]),
}

impl<E: Copy> Before<'_, E> {
    /// Puts what is there from a place on into `y`.
    fn copy(self, start: usize, y: &mut [E]) {
        match self {
            Before::Same(x) => y.fill(x),
            Before::Each(x) => y.copy_from_slice(&x[start..start + y.len()]),
        }
    }
}

/// `x` with `f` of what is there and of each value put at the place that its index names, in order. `n` is the number of indices along
/// the axis.
///
/// # Errors
/// When an index lies outside the axis.
pub(crate) fn scatter<E: Copy + Send + Sync>(
    around: Around,
    (x, values): (Before<'_, E>, &[E]),
    (index, n): (&[i32], usize),
    y: &mut [E],
    f: impl Fn(E, E) -> E + Sync,
) -> Result<(), EngineError> {
    if let Some(bad) = outside(index, around.n) {
        let detail = format!("index {bad} is outside an axis of {}", around.n);
        return Err(EngineError::Unsupported(detail));
    }
    if index.is_empty() {
        x.copy(0, y);
        return Ok(());
    }
    let own = n * around.inner;
    if around.inner == 1 && around.outer > 1 && index.len() >= SMALL {
        pieces(y, TOGETHER * around.n, |number, y| {
            let first = number * TOGETHER;
            x.copy(first * around.n, y);
            let updates = first * own..(first * own + y.len() / around.n * own);
            several(around, &index[updates.clone()], &values[updates], y, &f);
        });
        return Ok(());
    }
    x.copy(0, y);
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

/// An index outside of an axis, if there is one.
fn outside(index: &[i32], n: usize) -> Option<i32> {
    // Least and largest of all are a loop over vectors, which a search is not.
    let (low, high) = widest(
        #[inline(always)]
        || range(index),
    );
    let is = |i: &i32| usize::try_from(*i).map_or(true, |i| i >= n);
    if is(&low) || is(&high) { index.iter().copied().find(is) } else { None }
}

/// The least and the largest index.
#[inline(always)]
fn range(index: &[i32]) -> (i32, i32) {
    let (mut low, mut high) = (i32::MAX, i32::MIN);
    for place in index {
        (low, high) = (low.min(*place), high.max(*place));
    }
    (low, high)
}

/// Blocks of one place each whose updates are made side by side.
const TOGETHER: usize = 4;

/// Up to [`TOGETHER`] blocks. Updates of a place wait for each other, as those of neighbouring windows often do; those of other blocks
/// are made meanwhile.
fn several<E: Copy>(around: Around, index: &[i32], values: &[E], y: &mut [E], f: &impl Fn(E, E) -> E) {
    let own = index.len() / (y.len() / around.n);
    if y.len() < TOGETHER * around.n {
        let blocks = y.chunks_exact_mut(around.n).zip(index.chunks_exact(own).zip(values.chunks_exact(own)));
        return blocks.for_each(|(y, (index, values))| put(around, 0, index, values, y, f));
    }
    for at in 0..own {
        for block in 0..TOGETHER {
            let (update, first) = (block * own + at, block * around.n);
            let to = &mut y[first + index[update] as usize];
            *to = f(*to, values[update]);
        }
    }
}

/// Parts that the places of an axis are cut into.
const PARTS: usize = 8;

/// Indices of one row of values from which on it is looked at as a whole first: whether any of them lies here, and whether all are one,
/// as those that choose rows of a matrix are.
const LONG: usize = 16;

/// Values whose places lie among those of `y`, which begin with `first`.
fn put<E: Copy>(
    around: Around,
    first: usize,
    index: &[i32],
    values: &[E],
    y: &mut [E],
    f: &impl Fn(E, E) -> E,
) {
    widest(
        #[inline(always)]
        || {
            let rows = index.chunks_exact(around.inner).zip(values.chunks_exact(around.inner));
            for (index, values) in rows {
                match around.inner {
                    LONG.. => put_row(first, index, values, y, f),
                    _ => put_each(first, index, values, y, f),
                }
            }
        },
    );
}

/// One row of values.
#[inline(always)]
fn put_row<E: Copy>(first: usize, index: &[i32], values: &[E], y: &mut [E], f: &impl Fn(E, E) -> E) {
    let (low, high) = range(index);
    let own = y.len() / index.len();
    if (high as usize) < first || low as usize >= first + own {
        return;
    }
    if low < high {
        return put_each(first, index, values, y, f);
    }
    let to = &mut y[(low as usize - first) * index.len()..][..index.len()];
    for (to, value) in to.iter_mut().zip(values) {
        *to = f(*to, *value);
    }
}

/// The same value by value.
#[inline(always)]
fn put_each<E: Copy>(first: usize, index: &[i32], values: &[E], y: &mut [E], f: &impl Fn(E, E) -> E) {
    let own = y.len() / index.len();
    for (i, (place, value)) in index.iter().zip(values).enumerate() {
        // A place before the first one wraps around to one that is not there.
        let row = (*place as usize).wrapping_sub(first);
        if row < own {
            let to = &mut y[row * index.len() + i];
            *to = f(*to, *value);
        }
    }
}
