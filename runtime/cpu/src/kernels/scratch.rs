//! Memory that kernels work in. Large pieces are kept for the next kernel: fresh ones cost a page fault for each page.

use std::any::Any;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

use crate::element::Element;

/// Elements below which memory is not kept.
const SMALL: usize = 1 << 12;
/// Most pieces that are kept; the smallest one goes first.
const KEPT: usize = 16;

static SPARE: Mutex<Vec<Box<dyn Any + Send>>> = Mutex::new(vec![]);

/// Some elements with anything in them, given back at the end.
pub(crate) struct Scratch<T: Element> {
    /// At least `len` of them.
    elements: Vec<T>,
    len: usize,
}

impl<T: Element> Scratch<T> {
    /// So many elements; what they are is left from earlier uses.
    pub(crate) fn of(len: usize) -> Self {
        let spare = if len < SMALL { None } else { spare(len) };
        Scratch { elements: spare.unwrap_or_else(|| vec![T::default(); len]), len }
    }

    /// So many elements that are 0.
    pub(crate) fn zeros(len: usize) -> Self {
        let mut scratch = Scratch::of(len);
        scratch.fill(T::default());
        scratch
    }
}

/// The smallest piece that is large enough.
fn spare<T: Element>(len: usize) -> Option<Vec<T>> {
    let mut spare = SPARE.lock().ok()?;
    let fitting = spare.iter().enumerate().filter_map(|(i, piece)| {
        let piece = piece.downcast_ref::<Vec<T>>()?;
        (piece.len() >= len).then_some((piece.len(), i))
    });
    let (_, i) = fitting.min()?;
    spare.swap_remove(i).downcast::<Vec<T>>().ok().map(|piece| *piece)
}

impl<T: Element> Drop for Scratch<T> {
    fn drop(&mut self) {
        let elements = std::mem::take(&mut self.elements);
        if elements.len() < SMALL {
            return;
        }
        let Ok(mut spare) = SPARE.lock() else { return };
        spare.push(Box::new(elements));
        if spare.len() > KEPT {
            let size = |piece: &Box<dyn Any + Send>| piece.downcast_ref::<Vec<T>>().map_or(0, Vec::len);
            let smallest = (0..spare.len()).min_by_key(|i| size(&spare[*i]));
            smallest.map(|i| spare.swap_remove(i));
        }
    }
}

impl<T: Element> Deref for Scratch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.elements[..self.len]
    }
}

impl<T: Element> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.elements[..self.len]
    }
}
