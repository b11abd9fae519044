//! Memory that kernels work in. Large pieces are cut from memory that is kept: fresh one costs a page fault for each page.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use crate::fence::Fenced;
use crate::memory::{Plain, numbers, numbers_mut};
use crate::mode::Mode;
use crate::pages::Pages;
use crate::slabs::{Piece, Slabs};

/// Bytes below which memory is the heap's: it has so few at hand, and asks the system for more.
const SMALL: usize = 1 << 10;

static SLABS: Mutex<Slabs> = Mutex::new(Slabs::new());

/// Some elements with anything in them, given back at the end.
pub(crate) struct Scratch<T: Plain> {
    held: Held<T>,
    len: usize,
}

enum Held<T> {
    Few(Vec<T>),
    Cut(Piece),
    /// At least as many as are needed, or exactly as many, in a mode that asks for fences.
    Own(Pages),
}

impl<T: Plain> Scratch<T> {
    /// So many elements; what they are is left from earlier uses.
    pub(crate) fn of(len: usize) -> Self {
        let bytes = len * size_of::<T>();
        let fenced = || Fenced::new(bytes, Mode::now().fence?);
        let held = match (fenced(), bytes < SMALL) {
            (Some(fenced), _) => Held::Own(Pages::fenced(fenced)),
            (None, true) => Held::Few(vec![T::zero(); len]),
            (None, false) => Held::Cut(SLABS.lock().unwrap_or_else(PoisonError::into_inner).take(bytes)),
        };
        Scratch { held, len }
    }

    /// So many elements in memory that is no larger, for what is held for long.
    pub(crate) fn own(len: usize) -> Self {
        Scratch { held: Held::Own(Pages::new(len * size_of::<T>())), len }
    }

    /// So many elements that are 0.
    pub(crate) fn zeros(len: usize) -> Self {
        let mut scratch = Scratch::of(len);
        scratch.fill(T::zero());
        scratch
    }
}

impl<T: Plain> Drop for Scratch<T> {
    fn drop(&mut self) {
        if let Held::Cut(piece) = &self.held {
            SLABS.lock().unwrap_or_else(PoisonError::into_inner).give_back(piece);
        }
    }
}

impl<T: Plain> Deref for Scratch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let all = match &self.held {
            Held::Few(elements) => elements,
            Held::Cut(piece) => piece.memory.numbers(),
            Held::Own(pages) => numbers(pages),
        };
        &all[..self.len]
    }
}

impl<T: Plain> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        let all = match &mut self.held {
            Held::Few(elements) => elements,
            Held::Cut(piece) => piece.memory.numbers_mut(),
            Held::Own(pages) => numbers_mut(pages),
        };
        &mut all[..self.len]
    }
}
