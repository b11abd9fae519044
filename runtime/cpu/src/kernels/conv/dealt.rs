//! Rows of images dealt out like cards: what neighbouring windows that move by more than 1 have under one tap lies side by side.

use std::ops::Deref;

use crate::element::Element;
use crate::kernels::deal::every;
use crate::kernels::scratch::Scratch;
use crate::kernels::window::Windows;
use crate::workers::pieces;

/// Rows that are dealt out by one thread at a time.
const ROWS: usize = 64;

/// Images as they lie, or dealt out.
pub(super) enum Images<'a, T: Element> {
    Whole(&'a [T]),
    Dealt(Scratch<T>),
}

impl<T: Element> Deref for Images<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Images::Whole(images) => images,
            Images::Dealt(images) => images,
        }
    }
}

/// Images and their windows, dealt out where that saves work: where windows move along rows by more than 1 and have several taps there.
pub(super) fn dealt<T: Element>(windows: Windows, x: &[T]) -> (Images<'_, T>, Windows) {
    let Some((dealt, deal)) = windows.dealt() else {
        return (Images::Whole(x), windows);
    };
    let width = deal.step * deal.pitch;
    let mut images = Scratch::zeros(x.len() / deal.size * width);
    pieces(&mut images, ROWS * width, |number, images| {
        let rows = images.chunks_exact_mut(width).zip(x[number * ROWS * deal.size..].chunks_exact(deal.size));
        for (to, from) in rows {
            for (remainder, to) in to.chunks_exact_mut(deal.pitch).enumerate() {
                // The first place of the row that has this remainder, counted with the padding before it.
                let before = deal.low.saturating_sub(remainder).div_ceil(deal.step);
                let first = before * deal.step + remainder - deal.low;
                every(deal.step, from.get(first..).unwrap_or_default(), &mut to[before..]);
            }
        }
    });
    (Images::Dealt(images), dealt)
}
