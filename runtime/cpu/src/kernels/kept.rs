//! What a kernel makes of an operand that is the same in each run.

use std::cell::OnceCell;

use super::scratch::Scratch;
use crate::element::Element;

/// What a convolution makes of its weight before it multiplies by it, once it has made it.
pub(crate) type Kept<T> = OnceCell<Scratch<T>>;

/// Does something with so many elements that were filled now, or earlier where they may be kept.
pub(crate) fn with<T: Element>(
    kept: Option<&Kept<T>>,
    len: usize,
    fill: impl FnOnce(&mut [T]),
    f: impl FnOnce(&[T]),
) {
    let filled = |mut all: Scratch<T>| {
        fill(&mut all);
        all
    };
    match kept {
        Some(kept) => f(kept.get_or_init(|| filled(Scratch::own(len)))),
        None => f(&filled(Scratch::of(len))),
    }
}
