//! Arithmetic between a value and one that is repeated along it: a bias, a scale for each channel, a number.
//!
//! Spreading the smaller operand out first would read and write the larger one's memory once more for each of them, forwards
//! and backwards. These ops are custom operations for that reason alone; operands of one shape go to dfdx.

use rayon::prelude::*;

use crate::backend::Backend;
use crate::dense::GRAIN;
use crate::element::Element;
use crate::record::{Float, Recorder};
use crate::view::{repeated_rows, row_sum};

/// One of the four operators, and which side is the repeated one.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
}

/// How the smaller operand lies along the larger one: all of it `outer` times, each element `inner` times in a row.
#[derive(Clone, Copy)]
struct Layout {
    small: usize,
    inner: usize,
    /// Whether the smaller operand is the left one.
    flipped: bool,
}

/// The result, when exactly one operand is repeated in rows along the other; `None` leaves the op to others.
pub(crate) fn arithmetic<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    op: Arithmetic,
    a: &Float<E, D>,
    b: &Float<E, D>,
) -> Option<Float<E, D>> {
    let flipped = a.len() < b.len();
    let (large, small) = if flipped { (b, a) } else { (a, b) };
    let fits = large.shape.len() >= small.shape.len() && large.len() > small.len() && small.len() > 0;
    if !fits {
        return None;
    }
    let (_, inner) = repeated_rows(&small.shape, &large.shape)?;
    let layout = Layout { small: small.len(), inner, flipped };
    let values = forward(op, layout, &large.read(), &small.read());
    // Sums do not need the larger operand for the way back.
    let kept = matches!(op, Arithmetic::Mul | Arithmetic::Div).then(|| large.tensor.clone());
    let (small_kept, shape) = (small.tensor.clone(), large.shape.clone());
    Some(r.custom(&[large, small], values, shape, move |dy, gradients| {
        let x = kept.as_ref().map(D::read).unwrap_or_default();
        if let [dx, ds] = gradients {
            backward(op, layout, (&x, &D::read(&small_kept)), dy, (dx, ds));
        }
    }))
}

/// Rows of the larger operand for one task: a whole number of repetitions where rows are single elements.
fn chunk(layout: Layout) -> usize {
    let unit = if layout.inner == 1 { layout.small } else { layout.inner };
    unit * (GRAIN / unit.max(1)).max(1)
}

fn forward<E: Element>(op: Arithmetic, layout: Layout, x: &[E], y: &[E]) -> Vec<E> {
    let mut out = vec![E::default(); x.len()];
    let step = chunk(layout);
    out.par_chunks_mut(step).zip(x.par_chunks(step)).enumerate().for_each(|(i, (out, x))| {
        let first = i * step / layout.inner;
        match (op, layout.flipped) {
            (Arithmetic::Add, _) => each_row(layout, first, (out, x), y, |x, y| x + y),
            (Arithmetic::Mul, _) => each_row(layout, first, (out, x), y, |x, y| x * y),
            (Arithmetic::Sub, false) => each_row(layout, first, (out, x), y, |x, y| x - y),
            (Arithmetic::Sub, true) => each_row(layout, first, (out, x), y, |x, y| y - x),
            (Arithmetic::Div, false) => each_row(layout, first, (out, x), y, |x, y| x / y),
            (Arithmetic::Div, true) => each_row(layout, first, (out, x), y, |x, y| y / x),
        }
    });
    out
}

/// `out = f(x, y)` for rows from number `first` on.
fn each_row<E: Element>(
    layout: Layout,
    first: usize,
    (out, x): (&mut [E], &[E]),
    y: &[E],
    f: impl Fn(E, E) -> E,
) {
    if layout.inner == 1 {
        for (out, x) in out.chunks_mut(layout.small).zip(x.chunks(layout.small)) {
            out.iter_mut().zip(x).zip(y).for_each(|((o, x), y)| *o = f(*x, *y));
        }
        return;
    }
    for (i, (out, x)) in out.chunks_mut(layout.inner).zip(x.chunks(layout.inner)).enumerate() {
        let y = y[(first + i) % layout.small];
        out.iter_mut().zip(x).for_each(|(o, x)| *o = f(*x, y));
    }
}

fn backward<E: Element>(
    op: Arithmetic,
    layout: Layout,
    (x, y): (&[E], &[E]),
    dy: &[E],
    (dx, ds): (&mut [E], &mut [E]),
) {
    let one = |g: E| g;
    match (op, layout.flipped) {
        (Arithmetic::Add, _) => {
            spread(layout, dy, y, dx, |g, _, _| g, x);
            fold(layout, dy, ds, one);
        }
        (Arithmetic::Sub, false) => {
            spread(layout, dy, y, dx, |g, _, _| g, x);
            fold(layout, dy, ds, |g| -g);
        }
        (Arithmetic::Sub, true) => {
            spread(layout, dy, y, dx, |g, _, _| -g, x);
            fold(layout, dy, ds, one);
        }
        (Arithmetic::Mul, _) => {
            spread(layout, dy, y, dx, |g, y, _| g * y, x);
            fold(layout, &products(dy, x, |g, x| g * x), ds, one);
        }
        (Arithmetic::Div, false) => {
            spread(layout, dy, y, dx, |g, y, _| g / y, x);
            let mut sums = vec![E::default(); ds.len()];
            fold(layout, &products(dy, x, |g, x| g * x), &mut sums, one);
            ds.iter_mut().zip(&sums).zip(y).for_each(|((d, s), y)| *d += -*s / (*y * *y));
        }
        (Arithmetic::Div, true) => {
            spread(layout, dy, y, dx, |g, y, x| -g * y / (x * x), x);
            fold(layout, &products(dy, x, |g, x| g / x), ds, one);
        }
    }
}

/// Adds to the gradient of the larger operand; `f` gets the incoming gradient and both operands.
fn spread<E: Element>(
    layout: Layout,
    dy: &[E],
    y: &[E],
    dx: &mut [E],
    f: impl Fn(E, E, E) -> E + Sync,
    x: &[E],
) {
    let step = chunk(layout);
    dx.par_chunks_mut(step).zip(dy.par_chunks(step)).enumerate().for_each(|(i, (dx, dy))| {
        let (start, first) = (i * step, i * step / layout.inner);
        // Sums have not kept `x`, and do not look at it.
        let x = x.get(start..start + dx.len()).unwrap_or(dy);
        let width = if layout.inner == 1 { layout.small } else { layout.inner };
        let rows = dx.chunks_mut(width).zip(dy.chunks(width)).zip(x.chunks(width)).enumerate();
        for (row, ((dx, dy), x)) in rows {
            let each = dx.iter_mut().zip(dy).zip(x);
            if layout.inner == 1 {
                each.zip(y).for_each(|(((d, g), x), y)| *d += f(*g, *y, *x));
            } else {
                let y = y[(first + row) % layout.small];
                each.for_each(|((d, g), x)| *d += f(*g, y, *x));
            }
        }
    });
}

fn products<E: Element>(dy: &[E], x: &[E], f: impl Fn(E, E) -> E + Sync) -> Vec<E> {
    let mut out = vec![E::default(); dy.len()];
    out.par_chunks_mut(GRAIN).zip(dy.par_chunks(GRAIN)).zip(x.par_chunks(GRAIN)).for_each(
        |((out, dy), x)| {
            out.iter_mut().zip(dy).zip(x).for_each(|((o, g), x)| *o = f(*g, *x));
        },
    );
    out
}

/// Adds the sums over repetitions to the gradient of the smaller operand; rows are summed first, so that the order of
/// additions is always the same.
fn fold<E: Element>(layout: Layout, values: &[E], ds: &mut [E], f: impl Fn(E) -> E) {
    if layout.inner == 1 {
        for row in values.chunks(layout.small) {
            ds.iter_mut().zip(row).for_each(|(d, v)| *d += f(*v));
        }
        return;
    }
    let sums: Vec<E> = values.par_chunks(layout.inner).with_min_len(64).map(row_sum).collect();
    for row in sums.chunks(layout.small) {
        ds.iter_mut().zip(row).for_each(|(d, v)| *d += f(*v));
    }
}
