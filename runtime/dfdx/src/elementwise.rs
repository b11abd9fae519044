//! Elementwise ops: dfdx's own where it has them, custom operations where it does not or where its gradient differs.

use crate::backend::Backend;
use crate::dense;
use crate::element::Element;
use crate::record::{Float, Recorder, Taped};
use crate::rows::{self, Arithmetic};
use crate::view::broadcast;

/// One of dfdx's own functions.
pub(crate) fn own<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    f: impl FnOnce(Taped<E, D>) -> Taped<E, D>,
) -> Float<E, D> {
    r.op(x, x.shape.clone(), f)
}

/// `max(x, 0)`
pub(crate) fn relu<E: Element, D: Backend<E>>(r: &mut Recorder<E, D>, x: &Float<E, D>) -> Float<E, D> {
    if D::HOST { dense::relu(r, x) } else { own(r, x, |t| t.relu()) }
}

/// A function that dfdx lacks: its value and its derivative, given `x` and `f(x)`.
pub(crate) fn custom<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    f: impl Fn(f64) -> f64,
    derivative: impl Fn(f64, f64) -> f64 + 'static,
) -> Float<E, D> {
    let values = x.to_vec();
    let result: Vec<E> = values.iter().map(|v| E::of(f(v.wide()))).collect();
    let saved = if r.is_recording() { (values, result.clone()) } else { Default::default() };
    r.custom(&[x], result, x.shape.clone(), move |dy, dx| {
        for (i, g) in dy.iter().enumerate() {
            dx[0][i] += *g * E::of(derivative(saved.0[i].wide(), saved.1[i].wide()));
        }
    })
}

/// The common shape of operands whose trailing axes align; 1 stretches.
pub(crate) fn common_shape(shapes: &[&[usize]]) -> Vec<usize> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let size = |from_right: usize| {
        let own = shapes.iter().filter_map(|s| s.len().checked_sub(from_right + 1).map(|i| s[i]));
        own.fold(1, |known, d| if d == 1 { known } else { d })
    };
    (0..rank).rev().map(size).collect()
}

/// Two operands of one shape, distinct to the tape.
fn aligned<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    a: &Float<E, D>,
    b: &Float<E, D>,
) -> (Float<E, D>, Float<E, D>) {
    let shape = common_shape(&[&a.shape, &b.shape]);
    let (x, y) = (broadcast(r, a, &shape), broadcast(r, b, &shape));
    let y = r.distinct(&y, &x);
    (x, y)
}

/// One of dfdx's own operators on two operands, unless one is repeated along the other or both lie on the host.
pub(crate) fn arithmetic<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    op: Arithmetic,
    a: &Float<E, D>,
    b: &Float<E, D>,
    f: impl FnOnce(Taped<E, D>, crate::record::Flat<E, D>) -> Taped<E, D>,
) -> Float<E, D> {
    if let Some(result) = rows::arithmetic(r, op, a, b) {
        return result;
    }
    if D::HOST && a.shape == b.shape {
        return dense::arithmetic(r, op, a, b);
    }
    let (x, y) = aligned(r, a, b);
    r.op(&x, x.shape.clone(), |t| f(t, y.tensor.clone()))
}

/// An operator on two operands that dfdx lacks: its value, and its derivatives by both.
pub(crate) fn custom_binary<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    a: &Float<E, D>,
    b: &Float<E, D>,
    f: impl Fn(E, E) -> E,
    derivatives: impl Fn(E, E) -> (E, E) + 'static,
) -> Float<E, D> {
    let (x, y) = aligned(r, a, b);
    let (p, q) = (x.to_vec(), y.to_vec());
    let values = p.iter().zip(&q).map(|(p, q)| f(*p, *q)).collect();
    r.custom(&[&x, &y], values, x.shape.clone(), move |dy, dx| {
        for (i, g) in dy.iter().enumerate() {
            let (da, db) = derivatives(p[i], q[i]);
            dx[0][i] += *g * da;
            dx[1][i] += *g * db;
        }
    })
}

/// `a` where the mask holds, `b` elsewhere.
pub(crate) fn select<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    (mask, mask_shape): (Vec<bool>, &[usize]),
    a: &Float<E, D>,
    b: &Float<E, D>,
) -> Float<E, D> {
    let shape = common_shape(&[mask_shape, &a.shape, &b.shape]);
    let places = crate::view::broadcast_places(mask_shape, &shape);
    let mask: Vec<bool> = places.iter().map(|p| mask[*p]).collect();
    let (x, y) = (broadcast(r, a, &shape), broadcast(r, b, &shape));
    let (p, q) = (x.to_vec(), y.to_vec());
    let values = mask.iter().enumerate().map(|(i, m)| if *m { p[i] } else { q[i] }).collect();
    r.custom(&[&x, &y], values, shape, move |dy, dx| {
        for (i, g) in dy.iter().enumerate() {
            dx[usize::from(!mask[i])][i] += *g;
        }
    })
}
