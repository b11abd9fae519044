//! Reading places of a value with dfdx's gather, whose gradient adds what arrives at the places.

use dfdx::prelude::{Axis, GatherTo, ReshapeTo, SumTo, TryConcatAlong};

use crate::backend::Backend;
use crate::element::Element;
use crate::record::{Flat, Float, Recorder, float};

/// The same number everywhere. No gradient flows.
pub(super) fn filled<E: Element, D: Backend<E>>(
    r: &Recorder<E, D>,
    value: f64,
    shape: Vec<usize>,
) -> Float<E, D> {
    float(&r.device(), vec![E::of(value); shape.iter().product()], shape)
}

/// A value that reads each element from a place of `x`, or is `fill` where there is none: an element more of `x` that no other op sees.
pub(super) fn read<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    places: impl Iterator<Item = Option<usize>>,
    fill: f64,
    shape: Vec<usize>,
) -> Float<E, D> {
    let slot = x.len();
    let places: Vec<usize> = places.map(|place| place.unwrap_or(slot)).collect();
    // dfdx cannot do without elements.
    if places.is_empty() || slot == 0 {
        return filled(r, fill, shape);
    }
    let (n, holes) = (places.len(), places.contains(&slot));
    let index = r.device().tensor_from_vec(places, (n,));
    let slot: Flat<E, D> = r.device().tensor_from_vec(vec![E::of(fill)], (1,));
    r.op(x, shape, |t| if holes { (t, slot).concat_along(Axis::<0>).gather(index) } else { t.gather(index) })
}

/// The same without holes: places, and the shape of the result.
pub(super) fn read_all<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    (places, shape): (Vec<usize>, Vec<usize>),
) -> Float<E, D> {
    read(r, x, places.into_iter().map(Some), 0.0, shape)
}

/// The sums of rows of `width` elements each.
pub(super) fn sum_rows<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    width: usize,
    shape: Vec<usize>,
) -> Float<E, D> {
    if x.len() == 0 {
        return filled(r, 0.0, shape);
    }
    let rows = x.len() / width;
    r.op(x, shape, |t| t.reshape_like(&(rows, width)).sum::<(usize,), Axis<1>>())
}
