//! Pooling over windows of images in row-major order; each plane is a task.

use super::plane::{LANES, Padded};
use super::simd::run;
use super::taps::{Largest, Most};
use super::vector::widest;
use super::window::{Reach, Windows};
use crate::element::{self, Element};
use crate::workers::pieces_with;

/// The largest element of each window; NaN wins, and padding never does.
pub(crate) fn max_pool<T: Element>(windows: &Windows, x: &[T], y: &mut [T]) {
    let lowest = T::of(f64::NEG_INFINITY);
    if let Some(padded) = windows.in_plane().map(Padded::new) {
        return over_planes(
            windows,
            x,
            y,
            || padded.room(lowest),
            #[inline(always)]
            |x, y, room| {
                padded.copy(x, room);
                if let (Some(room), Some(out)) = (T::floats(room), T::floats_mut(y)) {
                    return run(Most { padded: &padded, room, out });
                }
                padded.sweep(
                    y,
                    #[inline(always)]
                    |_, start, y| {
                        let mut best = [lowest; LANES];
                        for x in padded.taps(room, start) {
                            let x = *x;
                            (0..LANES).for_each(|lane| best[lane] = element::max(best[lane], x[lane]));
                        }
                        y.copy_from_slice(&best[..y.len()]);
                    },
                );
            },
        );
    }
    let reaches = windows.reaches();
    over_planes(
        windows,
        x,
        y,
        || (),
        #[inline(always)]
        |x, y, ()| {
            y.fill(lowest);
            fold(&reaches, windows.step(), x, y, element::max);
        },
    );
}

/// The mean of each window; padding counts as zeros where `all` says how many places a window has, and is left out elsewhere.
pub(crate) fn avg_pool<T: Element>(windows: &Windows, x: &[T], y: &mut [T], all: Option<usize>) {
    let mut counts = vec![0.0f64; windows.count()];
    let reaches = windows.reaches();
    for reach in &reaches {
        counts[reach.window..reach.window + reach.len].iter_mut().for_each(|count| *count += 1.0);
    }
    let divisor = |count: &f64| T::of(all.map_or(count.max(1.0), |all| all as f64));
    let divisors: Vec<T> = counts.iter().map(divisor).collect();
    over_planes(
        windows,
        x,
        y,
        || (),
        #[inline(always)]
        |x, y, ()| {
            y.fill(T::default());
            fold(&reaches, windows.step(), x, y, T::add);
            y.iter_mut().zip(&divisors).for_each(|(y, by)| *y = y.div(*by));
        },
    );
}

/// The place in its plane of the first largest element of each window; the first NaN wins.
pub(crate) fn max_pool_index<T: Element>(windows: &Windows, x: &[T], y: &mut [i32]) {
    if let Some(padded) = windows.in_plane().map(Padded::new) {
        return index_in_plane(&padded, windows, x, y);
    }
    let (step, reaches) = (windows.step(), windows.reaches());
    over_planes(
        windows,
        x,
        y,
        || (),
        #[inline(always)]
        |x, y, ()| {
            y.fill(-1);
            let mut best = vec![T::default(); y.len()];
            for Reach { window, place: from, len, .. } in reaches.iter().copied() {
                let known = y[window..window + len].iter_mut().zip(&mut best[window..window + len]);
                for (k, ((place, best), x)) in known.zip(x[from..].iter().step_by(step)).enumerate() {
                    if *place < 0 || is_above(*x, *best) {
                        (*place, *best) = ((from + k * step) as i32, *x);
                    }
                }
            }
            y.iter_mut().for_each(|place| *place = (*place).max(0));
        },
    );
}

/// Whether an element is taken in place of an earlier one.
#[inline(always)]
fn is_above<T: Element>(x: T, best: T) -> bool {
    x > best || x.is_nan() && !best.is_nan()
}

/// The same over one or two axes. Padding is minus infinity, which is above nothing; where all is, the first place stays.
fn index_in_plane<T: Element>(padded: &Padded, windows: &Windows, x: &[T], y: &mut [i32]) {
    let lowest = T::of(f64::NEG_INFINITY);
    let (places, [down, across]) = (padded.places(), padded.strides());
    let mut firsts = vec![0; windows.count()];
    padded.sweep(&mut firsts, |[row, column], _, firsts| {
        for (lane, first) in firsts.iter_mut().enumerate() {
            *first = padded.first([row, column + lane]).unwrap_or(0) as i32;
        }
    });
    over_planes(
        windows,
        x,
        y,
        || padded.room(lowest),
        #[inline(always)]
        |x, y, room| {
            padded.copy(x, room);
            y.copy_from_slice(&firsts);
            if let Some(room) = T::floats(room) {
                return run(Largest { padded, room, places: &places, strides: [down, across], out: y });
            }
            padded.sweep(
                y,
                #[inline(always)]
                |[row, column], start, y| {
                    let (mut best, mut place) = ([lowest; LANES], [0; LANES]);
                    place[..y.len()].copy_from_slice(y);
                    let corner = row as i32 * down + column as i32 * across;
                    for (x, tap) in padded.taps(room, start).zip(&places) {
                        let (x, at) = (*x, corner + tap);
                        for lane in 0..LANES {
                            let above = is_above(x[lane], best[lane]);
                            best[lane] = if above { x[lane] } else { best[lane] };
                            place[lane] = if above { at + lane as i32 * across } else { place[lane] };
                        }
                    }
                    y.copy_from_slice(&place[..y.len()]);
                },
            );
        },
    );
}

/// Does something with each plane, given memory of one core.
fn over_planes<T: Element, E: Send, M>(
    windows: &Windows,
    x: &[T],
    y: &mut [E],
    memory: impl Fn() -> M + Sync,
    f: impl Fn(&[T], &mut [E], &mut M) + Sync,
) {
    let (count, size) = (windows.count(), windows.size());
    if y.is_empty() {
        return;
    }
    pieces_with(y, count, memory, |memory, plane, y| {
        let x = &x[plane * size..(plane + 1) * size];
        widest(
            #[inline(always)]
            || f(x, y, memory),
        );
    });
}

/// Puts what each tap covers into its window's element.
#[inline(always)]
fn fold<T: Element>(reaches: &[Reach], step: usize, x: &[T], y: &mut [T], f: impl Fn(T, T) -> T) {
    for Reach { window, place: from, len, .. } in reaches.iter().copied() {
        let y = &mut y[window..window + len];
        match step {
            1 => y.iter_mut().zip(&x[from..from + len]).for_each(|(y, x)| *y = f(*y, *x)),
            _ => y.iter_mut().zip(x[from..].iter().step_by(step)).for_each(|(y, x)| *y = f(*y, *x)),
        }
    }
}
