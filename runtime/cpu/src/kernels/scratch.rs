//! Memory that kernels work in. Large pieces are kept for the next kernel: fresh ones cost a page fault for each page.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

use crate::element::Element;
use crate::fence::Fenced;
use crate::memory::{numbers, numbers_mut};
use crate::mode::Mode;
use crate::pages::Pages;

/// Bytes below which memory is not kept.
const SMALL: usize = 1 << 14;
/// Most pieces that are kept; the smallest one goes first.
const KEPT: usize = 16;

static SPARE: Mutex<Vec<Pages>> = Mutex::new(vec![]);

/// Some elements with anything in them, given back at the end.
pub(crate) struct Scratch<T: Element> {
    held: Held<T>,
    len: usize,
}

enum Held<T> {
    Few(Vec<T>),
    /// At least as many as are needed; none once they were given back.
    Many(Option<Pages>),
    /// Exactly as many, in a mode that asks for fences.
    Fenced(Pages),
}

impl<T: Element> Scratch<T> {
    /// So many elements; what they are is left from earlier uses.
    pub(crate) fn of(len: usize) -> Self {
        let bytes = len * size_of::<T>();
        let fenced = || Fenced::new(bytes, Mode::now().fence?);
        let held = match (fenced(), bytes < SMALL) {
            (Some(fenced), _) => Held::Fenced(Pages::fenced(fenced)),
            (None, true) => Held::Few(vec![T::default(); len]),
            (None, false) => Held::Many(Some(spare(bytes).unwrap_or_else(|| Pages::new(bytes)))),
        };
        Scratch { held, len }
    }

    /// So many elements in memory that is no larger, for what is held for long.
    pub(crate) fn own(len: usize) -> Self {
        Scratch { held: Held::Many(Some(Pages::new(len * size_of::<T>()))), len }
    }

    /// So many elements that are 0.
    pub(crate) fn zeros(len: usize) -> Self {
        let mut scratch = Scratch::of(len);
        scratch.fill(T::default());
        scratch
    }
}

/// The smallest piece that is large enough. Where none is, the largest one goes: the one that is made now will do for both.
fn spare(bytes: usize) -> Option<Pages> {
    let mut spare = SPARE.lock().ok()?;
    let place = |(i, piece): (usize, &Pages)| (piece.len(), i);
    let fitting = spare.iter().enumerate().filter(|(_, piece)| piece.len() >= bytes);
    match fitting.map(place).min() {
        Some((_, i)) => Some(spare.swap_remove(i)),
        None => {
            let largest = spare.iter().enumerate().map(place).max();
            largest.map(|(_, i)| spare.swap_remove(i));
            None
        }
    }
}

impl<T: Element> Drop for Scratch<T> {
    fn drop(&mut self) {
        let Held::Many(pages) = &mut self.held else { return };
        let (Some(pages), Ok(mut spare)) = (pages.take(), SPARE.lock()) else { return };
        spare.push(pages);
        if spare.len() > KEPT {
            let smallest = (0..spare.len()).min_by_key(|i| spare[*i].len());
            smallest.map(|i| spare.swap_remove(i));
        }
    }
}

impl<T: Element> Deref for Scratch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let all = match &self.held {
            Held::Few(elements) => elements,
            Held::Many(pages) => pages.as_ref().map_or(&[][..], numbers),
            Held::Fenced(pages) => numbers(pages),
        };
        &all[..self.len]
    }
}

impl<T: Element> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        let all = match &mut self.held {
            Held::Few(elements) => elements,
            Held::Many(pages) => pages.as_mut().map_or(&mut [][..], numbers_mut),
            Held::Fenced(pages) => numbers_mut(pages),
        };
        &mut all[..self.len]
    }
}
