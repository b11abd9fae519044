//! Running sums and products by doubling: after `k` rounds each element is the fold of the `2^k` up to it.

use super::read::read;
use crate::backend::Backend;
use crate::element::Element;
use crate::record::{Flat, Float, Recorder, Taped};
use crate::view::around;

/// Folds along an axis up to each element, or from it on. `neutral` changes nothing.
pub(super) fn scan<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    (axis, reverse): (usize, bool),
    neutral: f64,
    f: impl Fn(Taped<E, D>, Flat<E, D>) -> Taped<E, D>,
) -> Float<E, D> {
    let (_, n, inner) = around(&x.shape, axis);
    let (mut folded, mut step) = (x.clone(), 1);
    while step < n {
        let other = |flat: usize| {
            let along = flat / inner % n;
            match reverse {
                true => (along + step < n).then(|| flat + step * inner),
                false => (along >= step).then(|| flat - step * inner),
            }
        };
        let shifted = read(r, &folded, (0..x.len()).map(other), neutral, x.shape.clone());
        folded = r.op(&folded, x.shape.clone(), |t| f(t, shifted.tensor.clone()));
        step *= 2;
    }
    folded
}
