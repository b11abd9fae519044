//! Convolutions whose groups have one input channel, depthwise ones above all: rows of windows times numbers.

use rayon::prelude::*;

use super::Channels;
use crate::element::Element;
use crate::kernels::vector::widest;
use crate::kernels::window::Windows;

/// `y += w * x` along rows.
pub(super) fn forward<T: Element>(windows: &Windows, channels: Channels, [x, w]: [&[T]; 2], y: &mut [T]) {
    let (size, taps) = (windows.size(), windows.taps());
    if y.is_empty() {
        return;
    }
    y.par_chunks_exact_mut(windows.count()).enumerate().for_each(|(number, y)| {
        let (image, output) = (number / channels.outputs(), number % channels.outputs());
        let plane = image * channels.inputs() + output / channels.shared;
        let x = x.get(plane * size..(plane + 1) * size).unwrap_or_default();
        let w = &w[output * taps..(output + 1) * taps];
        y.fill(T::default());
        let step = windows.step();
        widest(
            #[inline(always)]
            || {
                windows.each(0..windows.row_count(), |[to, from], len, tap| {
                    let weight = w[tap];
                    let y = &mut y[to..to + len];
                    match step {
                        1 => {
                            let x = &x[from..from + len];
                            y.iter_mut().zip(x).for_each(|(y, x)| *y = y.add(weight.mul(*x)));
                        }
                        _ => {
                            let x = x[from..].iter().step_by(step);
                            y.iter_mut().zip(x).for_each(|(y, x)| *y = y.add(weight.mul(*x)));
                        }
                    }
                });
            },
        );
    });
}

/// `x += w * y` along rows.
pub(super) fn input<T: Element>(windows: &Windows, channels: Channels, [y, w]: [&[T]; 2], x: &mut [T]) {
    let (count, taps) = (windows.count(), windows.taps());
    if x.is_empty() {
        return;
    }
    x.par_chunks_exact_mut(windows.size()).enumerate().for_each(|(number, x)| {
        let (image, group) = (number / channels.inputs(), number % channels.inputs());
        x.fill(T::default());
        for output in group * channels.shared..(group + 1) * channels.shared {
            let plane = image * channels.outputs() + output;
            let y = &y[plane * count..(plane + 1) * count];
            let w = &w[output * taps..(output + 1) * taps];
            let step = windows.step();
            widest(
                #[inline(always)]
                || {
                    windows.each(0..windows.row_count(), |[from, to], len, tap| {
                        let weight = w[tap];
                        let y = &y[from..from + len];
                        match step {
                            1 => {
                                let x = &mut x[to..to + len];
                                x.iter_mut().zip(y).for_each(|(x, y)| *x = x.add(weight.mul(*y)));
                            }
                            _ => {
                                let x = x[to..].iter_mut().step_by(step);
                                x.zip(y).for_each(|(x, y)| *x = x.add(weight.mul(*y)));
                            }
                        }
                    });
                },
            );
        }
    });
}

/// `w += sum of x * y` along rows.
pub(super) fn weight<T: Element>(windows: &Windows, channels: Channels, [x, y]: [&[T]; 2], w: &mut [T]) {
    let (count, size) = (windows.count(), windows.size());
    if w.is_empty() {
        return;
    }
    w.par_chunks_exact_mut(windows.taps()).enumerate().for_each(|(output, w)| {
        w.fill(T::default());
        for image in 0..channels.images {
            let plane = image * channels.inputs() + output / channels.shared;
            let x = x.get(plane * size..(plane + 1) * size).unwrap_or_default();
            let plane = image * channels.outputs() + output;
            let y = &y[plane * count..(plane + 1) * count];
            let step = windows.step();
            widest(
                #[inline(always)]
                || {
                    windows.each(0..windows.row_count(), |[at, from], len, tap| {
                        let y = &y[at..at + len];
                        let sum = match step {
                            1 => dot(&x[from..from + len], y),
                            _ => {
                                let pairs = x[from..].iter().step_by(step).zip(y);
                                pairs.fold(T::default(), |sum, (x, y)| sum.add(x.mul(*y)))
                            }
                        };
                        w[tap] = w[tap].add(sum);
                    });
                },
            );
        }
    });
}

/// A sum of products, in a few sums side by side.
#[inline(always)]
fn dot<T: Element>(x: &[T], y: &[T]) -> T {
    const WIDTH: usize = 16;
    let mut sums = [T::default(); WIDTH];
    let (mut x, mut y) = (x.chunks_exact(WIDTH), y.chunks_exact(WIDTH));
    for (x, y) in (&mut x).zip(&mut y) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum = sum.add(x.mul(*y));
        }
    }
    let rest = x.remainder().iter().zip(y.remainder());
    let rest = rest.fold(T::default(), |sum, (x, y)| sum.add(x.mul(*y)));
    sums.into_iter().fold(rest, T::add)
}
