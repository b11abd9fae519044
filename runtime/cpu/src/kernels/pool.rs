//! Pooling over windows of images in row-major order; each plane is a task.

use rayon::prelude::*;

use super::vector::widest;
use super::window::{Reach, Windows};
use crate::element::{self, Element};

/// The largest element of each window; NaN wins, and padding never does.
pub(crate) fn max_pool<T: Element>(windows: &Windows, x: &[T], y: &mut [T]) {
    let reaches = windows.reaches();
    over_planes(windows, x, y, |x, y| {
        y.fill(T::of(f64::NEG_INFINITY));
        fold(&reaches, windows.step(), x, y, element::max);
    });
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
    over_planes(windows, x, y, |x, y| {
        y.fill(T::default());
        fold(&reaches, windows.step(), x, y, T::add);
        y.iter_mut().zip(&divisors).for_each(|(y, by)| *y = y.div(*by));
    });
}

/// The place in its plane of the first largest element of each window; the first NaN wins.
pub(crate) fn max_pool_index<T: Element>(windows: &Windows, x: &[T], y: &mut [i32]) {
    let (step, reaches) = (windows.step(), windows.reaches());
    over_planes(windows, x, y, |x, y| {
        y.fill(-1);
        let mut best = vec![T::default(); y.len()];
        for Reach { window, place: from, len, .. } in reaches.iter().copied() {
            let known = y[window..window + len].iter_mut().zip(&mut best[window..window + len]);
            for (k, ((place, best), x)) in known.zip(x[from..].iter().step_by(step)).enumerate() {
                let above = *x > *best || x.is_nan() && !best.is_nan();
                if *place < 0 || above {
                    (*place, *best) = ((from + k * step) as i32, *x);
                }
            }
        }
        y.iter_mut().for_each(|place| *place = (*place).max(0));
    });
}

fn over_planes<T: Element, E: Send>(
    windows: &Windows,
    x: &[T],
    y: &mut [E],
    f: impl Fn(&[T], &mut [E]) + Sync,
) {
    let (count, size) = (windows.count(), windows.size());
    if y.is_empty() {
        return;
    }
    y.par_chunks_exact_mut(count).enumerate().for_each(|(plane, y)| {
        let x = &x[plane * size..(plane + 1) * size];
        widest(
            #[inline(always)]
            || f(x, y),
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
