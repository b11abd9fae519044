//! Pooling over windows of images in row-major order, plane by plane.

mod bands;

use super::vector::widest;
use super::window::{Axis, Reach, Windows};
use crate::element::{self, Element};
use crate::workers::pieces;
use bands::{First, Mean, Most};

/// The largest element of each window; NaN wins, and padding never does.
pub(crate) fn max_pool<T: Element>(windows: &Windows, x: &[T], y: &mut [T]) {
    let lowest = T::of(f64::NEG_INFINITY);
    if let (Some(axes), Some(x), Some(y)) = (windows.in_plane(), T::floats(x), T::floats_mut(y)) {
        return bands::pool(&Most, &axes, x, y);
    }
    let reaches = windows.reaches();
    over_planes(
        windows,
        x,
        y,
        #[inline(always)]
        |x, y| {
            y.fill(lowest);
            fold(&reaches, windows.step(), x, y, element::max);
        },
    );
}

/// The mean of each window; padding counts as zeros where `all` says how many places a window has, and is left out elsewhere.
pub(crate) fn avg_pool<T: Element>(windows: &Windows, x: &[T], y: &mut [T], all: Option<usize>) {
    let divisor = |count: usize| T::of(all.unwrap_or(count.max(1)) as f64);
    if let (Some(axes), Some(x), Some(y)) = (windows.in_plane(), T::floats(x), T::floats_mut(y)) {
        let [down, across] = axes.each_ref().map(Axis::taps_inside);
        let counts = down.iter().flat_map(|y| across.iter().map(move |x| y * x));
        let divisors: Vec<T> = counts.map(divisor).collect();
        let divisors = T::floats(&divisors).unwrap_or_default();
        return bands::pool(&Mean { divisors }, &axes, x, y);
    }
    let mut counts = vec![0; windows.count()];
    let reaches = windows.reaches();
    for reach in &reaches {
        counts[reach.window..reach.window + reach.len].iter_mut().for_each(|count| *count += 1);
    }
    let divisors: Vec<T> = counts.into_iter().map(divisor).collect();
    over_planes(
        windows,
        x,
        y,
        #[inline(always)]
        |x, y| {
            y.fill(T::default());
            fold(&reaches, windows.step(), x, y, T::add);
            y.iter_mut().zip(&divisors).for_each(|(y, by)| *y = y.div(*by));
        },
    );
}

/// The place in its plane of the first largest element of each window; the first NaN wins.
pub(crate) fn max_pool_index<T: Element>(windows: &Windows, x: &[T], y: &mut [i32]) {
    if let Some((axes, x)) = windows.in_plane().zip(T::floats(x)) {
        return bands::pool(&First::new(&axes), &axes, x, y);
    }
    let (step, reaches) = (windows.step(), windows.reaches());
    over_planes(
        windows,
        x,
        y,
        #[inline(always)]
        |x, y| {
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

/// Does something with each plane.
fn over_planes<T: Element, E: Send>(
    windows: &Windows,
    x: &[T],
    y: &mut [E],
    f: impl Fn(&[T], &mut [E]) + Sync,
) {
    let size = windows.size();
    pieces(y, windows.count(), |plane, y| {
        widest(
            #[inline(always)]
            || f(&x[plane * size..(plane + 1) * size], y),
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
