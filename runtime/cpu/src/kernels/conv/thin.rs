//! Convolutions whose groups have one input channel, over any axes and in any precision: planes are tasks, and rows are multiplied by
//! numbers as they lie.

use super::Channels;
use crate::element::Element;
use crate::kernels::window::{Reach, Windows};
use crate::workers::pieces;

/// For each window the sum of its taps times the weight.
pub(super) fn forward<T: Element>(windows: &Windows, channels: Channels, [x, w]: [&[T]; 2], y: &mut [T]) {
    let (size, taps) = (windows.size(), windows.taps());
    if y.is_empty() {
        return;
    }
    let input = |number: usize| {
        let (image, output) = (number / channels.outputs(), number % channels.outputs());
        let plane = image * channels.inputs() + output / channels.shared;
        (&x[plane * size..(plane + 1) * size], &w[output * taps..(output + 1) * taps])
    };
    let (step, reaches) = (windows.step(), windows.reaches());
    pieces(y, windows.count(), |number, y| {
        let (x, w) = input(number);
        y.fill(T::default());
        for Reach { window, place, len, tap } in reaches.iter().copied() {
            let pairs = y[window..window + len].iter_mut().zip(x[place..].iter().step_by(step));
            pairs.for_each(|(y, x)| *y = y.add(w[tap].mul(*x)));
        }
    });
}

/// For each element the sum of the windows that cover it, times the weight of the tap that does.
pub(super) fn input<T: Element>(windows: &Windows, channels: Channels, [y, w]: [&[T]; 2], x: &mut [T]) {
    let (count, taps) = (windows.count(), windows.taps());
    if x.is_empty() {
        return;
    }
    let outputs = |number: usize| {
        let (image, group) = (number / channels.inputs(), number % channels.inputs());
        (group * channels.shared..(group + 1) * channels.shared).map(move |output| {
            let plane = image * channels.outputs() + output;
            (&y[plane * count..(plane + 1) * count], &w[output * taps..(output + 1) * taps])
        })
    };
    let (step, reaches) = (windows.step(), windows.reaches());
    pieces(x, windows.size(), |number, x| {
        x.fill(T::default());
        for (y, w) in outputs(number) {
            for Reach { window, place, len, tap } in reaches.iter().copied() {
                let pairs = x[place..].iter_mut().step_by(step).zip(&y[window..window + len]);
                pairs.for_each(|(x, y)| *x = x.add(w[tap].mul(*y)));
            }
        }
    });
}

/// For each tap the sum over all windows of what it covers times the window's number.
pub(super) fn weight<T: Element>(windows: &Windows, channels: Channels, [x, y]: [&[T]; 2], w: &mut [T]) {
    let (count, size) = (windows.count(), windows.size());
    if w.is_empty() {
        return;
    }
    w.fill(T::default());
    let planes = |image: usize, output: usize| {
        let input = image * channels.inputs() + output / channels.shared;
        let output = image * channels.outputs() + output;
        (&x[input * size..(input + 1) * size], &y[output * count..(output + 1) * count])
    };
    let (step, reaches) = (windows.step(), windows.reaches());
    pieces(w, windows.taps(), |output, w| {
        for image in 0..channels.images {
            let (x, y) = planes(image, output);
            for Reach { window, place, len, tap } in reaches.iter().copied() {
                let pairs = x[place..].iter().step_by(step).zip(&y[window..window + len]);
                w[tap] = w[tap].add(pairs.fold(T::default(), |sum, (x, y)| sum.add(x.mul(*y))));
            }
        }
    });
}
