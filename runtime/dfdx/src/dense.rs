//! Arithmetic between values of one shape, and relu, for tensors on the host: the passes over large maps that training
//! spends its time on.
//!
//! dfdx's own versions run on one thread and step through an index for each element. These are custom operations on its tape,
//! in chunks over threads; every element is computed alone, so that results do not depend on the number of threads.

use rayon::prelude::*;

use crate::backend::Backend;
use crate::element::Element;
use crate::record::{Float, Recorder};
use crate::rows::Arithmetic;

/// Elements that one task works on at least.
pub(crate) const GRAIN: usize = 16 * 1024;

/// The four operators on two operands of one shape.
pub(crate) fn arithmetic<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    op: Arithmetic,
    a: &Float<E, D>,
    b: &Float<E, D>,
) -> Float<E, D> {
    let values = {
        let (x, y) = (a.read(), b.read());
        match op {
            Arithmetic::Add => map(&x, &y, |x, y| x + y),
            Arithmetic::Sub => map(&x, &y, |x, y| x - y),
            Arithmetic::Mul => map(&x, &y, |x, y| x * y),
            Arithmetic::Div => map(&x, &y, |x, y| x / y),
        }
    };
    // Sums do not need their operands for the way back.
    let linear = matches!(op, Arithmetic::Add | Arithmetic::Sub);
    let kept = (!linear).then(|| (a.tensor.clone(), b.tensor.clone()));
    r.custom(&[a, b], values, a.shape.clone(), move |dy, gradients| {
        let [da, db] = gradients else { return };
        let (x, y) = match &kept {
            Some((x, y)) => (D::read(x), D::read(y)),
            None => (dy.into(), dy.into()),
        };
        match op {
            Arithmetic::Add => {
                add(da, dy, &x, |g, _| g);
                add(db, dy, &y, |g, _| g);
            }
            Arithmetic::Sub => {
                add(da, dy, &x, |g, _| g);
                add(db, dy, &y, |g, _| -g);
            }
            Arithmetic::Mul => {
                add(da, dy, &y, |g, y| g * y);
                add(db, dy, &x, |g, x| g * x);
            }
            Arithmetic::Div => {
                add(da, dy, &y, |g, y| g / y);
                add(db, dy, &map(&x, &y, |x, y| x / (y * y)), |g, slope| -g * slope);
            }
        }
    })
}

/// `max(x, 0)`, where NaN stays; the gradient at 0 is 0.
pub(crate) fn relu<E: Element, D: Backend<E>>(r: &mut Recorder<E, D>, x: &Float<E, D>) -> Float<E, D> {
    let zero = E::default();
    let values = {
        let x = x.read();
        map(&x, &x, |x, _| if x <= zero { zero } else { x })
    };
    let kept = x.tensor.clone();
    r.custom(&[x], values, x.shape.clone(), move |dy, dx| {
        add(&mut dx[0], dy, &D::read(&kept), |g, x| if x > zero { g } else { zero });
    })
}

/// `f` of each pair of elements.
fn map<E: Element>(x: &[E], y: &[E], f: impl Fn(E, E) -> E + Sync) -> Vec<E> {
    // Small values are not worth the way to another thread and back.
    if x.len() <= GRAIN {
        return x.iter().zip(y).map(|(x, y)| f(*x, *y)).collect();
    }
    let mut out = vec![E::default(); x.len()];
    let chunks = out.par_chunks_mut(GRAIN).zip(x.par_chunks(GRAIN)).zip(y.par_chunks(GRAIN));
    chunks.for_each(|((out, x), y)| {
        out.iter_mut().zip(x).zip(y).for_each(|((o, x), y)| *o = f(*x, *y));
    });
    out
}

/// Adds to a gradient; `f` gets the incoming gradient and an operand.
fn add<E: Element>(dx: &mut [E], dy: &[E], x: &[E], f: impl Fn(E, E) -> E + Sync) {
    let each = |dx: &mut [E], dy: &[E], x: &[E]| {
        dx.iter_mut().zip(dy).zip(x).for_each(|((d, g), x)| *d += f(*g, *x));
    };
    if dx.len() <= GRAIN {
        return each(dx, dy, x);
    }
    let chunks = dx.par_chunks_mut(GRAIN).zip(dy.par_chunks(GRAIN)).zip(x.par_chunks(GRAIN));
    chunks.for_each(|((dx, dy), x)| each(dx, dy, x));
}
