//! What a kernel makes of an operand that is the same in each run.

use std::any::Any;
use std::cell::OnceCell;

use super::scratch::Scratch;
use crate::element::Element;

/// What a convolution makes of its weight before it multiplies by it, once it has made it.
pub(crate) type Kept<T> = OnceCell<Scratch<T>>;

/// So many elements that are filled now, unless they were filled earlier.
pub(crate) fn filled<T: Element>(kept: &Kept<T>, len: usize, fill: impl FnOnce(&mut [T])) -> &[T] {
    kept.get_or_init(|| {
        let mut all = Scratch::own(len);
        fill(&mut all);
        all
    })
}

/// The same of floats, where they are of that type.
pub(crate) fn of_floats<T: Element>(kept: Option<&Kept<T>>) -> Option<&Kept<f32>> {
    (kept? as &dyn Any).downcast_ref()
}

/// Does something with so many elements that were filled now, or earlier where they may be kept.
pub(crate) fn with<T: Element>(
    kept: Option<&Kept<T>>,
    len: usize,
    fill: impl FnOnce(&mut [T]),
    f: impl FnOnce(&[T]),
) {
    match kept {
        Some(kept) => f(filled(kept, len, fill)),
        None => {
            let mut all = Scratch::of(len);
            fill(&mut all);
            f(&all);
        }
    }
}
