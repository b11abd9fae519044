//! Elementwise ops with several operands, and those whose NaNs dfdx drops.

use dfdx::prelude::{ChooseFrom, TryGt};

use super::read::filled;
use super::view::broadcast;
use crate::backend::Backend;
use crate::element::Element;
use crate::elementwise::{common_shape, own};
use crate::record::{Flat, Float, Recorder, Taped};
use crate::view::broadcast_places;

/// Two operands of one shape, distinct to the tape.
fn aligned<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    a: &Float<E, D>,
    b: &Float<E, D>,
) -> [Float<E, D>; 2] {
    let shape = common_shape(&[&a.shape, &b.shape]);
    let (x, y) = (broadcast(r, a, &shape), broadcast(r, b, &shape));
    let y = r.distinct(&y, &x);
    [x, y]
}

/// One of dfdx's operators on two operands that broadcast.
pub(super) fn binary<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    a: &Float<E, D>,
    b: &Float<E, D>,
    f: impl FnOnce(Taped<E, D>, Flat<E, D>) -> Taped<E, D>,
) -> Float<E, D> {
    let [x, y] = aligned(r, a, b);
    r.op(&x, x.shape.clone(), |t| f(t, y.tensor.clone()))
}

/// `a` where the mask holds, `b` elsewhere, all of one shape.
pub(super) fn choose<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    mask: &[bool],
    a: &Float<E, D>,
    b: &Float<E, D>,
) -> Float<E, D> {
    if mask.iter().all(|holds| *holds) {
        return a.clone();
    }
    if mask.iter().all(|holds| !holds) {
        return b.clone();
    }
    let b = r.distinct(b, a);
    let numbers = mask.iter().map(|holds| E::of(f64::from(u8::from(*holds)))).collect();
    let numbers: Flat<E, D> = r.device().tensor_from_vec(numbers, (mask.len(),));
    let mask = numbers.gt(E::of(0.5));
    r.op(a, a.shape.clone(), |t| mask.choose(t, b.tensor.clone()))
}

/// `a` where the mask holds, `b` elsewhere; all three broadcast.
pub(super) fn select<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    (mask, mask_shape): (Vec<bool>, &[usize]),
    a: &Float<E, D>,
    b: &Float<E, D>,
) -> Float<E, D> {
    let shape = common_shape(&[mask_shape, &a.shape, &b.shape]);
    let mask: Vec<bool> = broadcast_places(mask_shape, &shape).into_iter().map(|place| mask[place]).collect();
    let (a, b) = (broadcast(r, a, &shape), broadcast(r, b, &shape));
    choose(r, &mask, &a, &b)
}

/// `y`, but the first value wherever that is not a number: dfdx's maxima take the number instead.
fn keep_nan<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    broken: &Float<E, D>,
    y: &Float<E, D>,
) -> Float<E, D> {
    let mask: Vec<bool> = broken.to_vec().iter().map(|v| v.is_nan()).collect();
    choose(r, &mask, broken, y)
}

/// `max(x, 0)`
pub(super) fn relu<E: Element, D: Backend<E>>(r: &mut Recorder<E, D>, x: &Float<E, D>) -> Float<E, D> {
    let y = own(r, x, |t| t.relu());
    keep_nan(r, x, &y)
}

/// The larger one of two.
pub(super) fn maximum<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    a: &Float<E, D>,
    b: &Float<E, D>,
) -> Float<E, D> {
    let [x, y] = aligned(r, a, b);
    let best = r.op(&x, x.shape.clone(), |t| t.maximum(y.tensor.clone()));
    unless_nan(r, [&x, &y], &best)
}

/// The smaller one of two.
pub(super) fn minimum<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    a: &Float<E, D>,
    b: &Float<E, D>,
) -> Float<E, D> {
    let [x, y] = aligned(r, a, b);
    let best = r.op(&x, x.shape.clone(), |t| t.minimum(y.tensor.clone()));
    unless_nan(r, [&x, &y], &best)
}

fn unless_nan<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    operands: [&Float<E, D>; 2],
    best: &Float<E, D>,
) -> Float<E, D> {
    operands.into_iter().fold(best.clone(), |best, operand| keep_nan(r, operand, &best))
}

/// `a` to the power `b`: `e^(b ln a)` where the base is positive, and elsewhere dfdx's power, which takes its exponent as a number and
/// so gives it no gradient.
pub(super) fn pow<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    a: &Float<E, D>,
    b: &Float<E, D>,
) -> Float<E, D> {
    let [x, y] = aligned(r, a, b);
    let (bases, exponents) = (x.to_vec(), y.to_vec());
    let one = filled(r, 1.0, x.shape.clone());
    let plain = |a: E, b: E| a > E::default() && a.wide().is_finite() && b.wide().is_finite();
    let positive: Vec<bool> = bases.iter().zip(&exponents).map(|(a, b)| plain(*a, *b)).collect();
    // What a mask leaves out is replaced before as well: 0 times an infinite slope is not a number.
    let base = choose(r, &positive, &x, &one);
    let logarithm = own(r, &base, |t| t.ln());
    let product = binary(r, &logarithm, &y, |t, u| t * u);
    let mut result = own(r, &product, |t| t.exp());
    let mut left: Vec<E> = exponents.iter().zip(&positive).filter(|(_, p)| !**p).map(|(b, _)| *b).collect();
    while let Some(exponent) = left.pop() {
        left.retain(|b| !same(*b, exponent));
        let each = exponents.iter().zip(&positive);
        let own_places: Vec<bool> = each.map(|(b, positive)| !positive && same(*b, exponent)).collect();
        let power = match exponent == E::default() {
            true => one.clone(),
            false => {
                let base = choose(r, &own_places, &x, &one);
                own(r, &base, |t| t.powf(exponent.wide()))
            }
        };
        result = choose(r, &own_places, &power, &result);
    }
    result
}

/// Whether two exponents are one number, or neither is a number.
fn same<E: Element>(a: E, b: E) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}
