//! Reductions: the axes that go away are brought to the end, where dfdx folds rows.

use std::collections::BTreeSet;

use dfdx::prelude::{Axis, MaxTo, MeanTo, MinTo, ReshapeTo};

use super::elementwise::choose;
use super::read::{filled, read, read_all, sum_rows};
use crate::backend::Backend;
use crate::element::Element;
use crate::fold::Axes;
use crate::record::{Float, Recorder};
use crate::view::permuted_places;

/// For each element of the result of a reduction the places that are folded into it, one row after the other; and their number.
fn rows(shape: &[usize], axes: &Axes<'_>) -> (Vec<usize>, usize) {
    let (gone, kept): (Vec<usize>, Vec<usize>) = (0..shape.len()).partition(|axis| axes.gone(*axis));
    let width = gone.iter().map(|axis| shape[*axis]).product();
    let order: Vec<usize> = kept.into_iter().chain(gone).collect();
    (permuted_places(shape, &order).0, width)
}

/// The operand with the axes that go away at the end, and the size of a row.
fn arranged<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    axes: &Axes<'_>,
) -> (Float<E, D>, usize) {
    let (places, width) = rows(&x.shape, axes);
    let shape = vec![places.len()];
    (read_all(r, x, (places, shape)), width)
}

pub(super) fn sum<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    axes: &Axes<'_>,
) -> Float<E, D> {
    let (arranged, width) = arranged(r, x, axes);
    sum_rows(r, &arranged, width, axes.result(&x.shape))
}

pub(super) fn mean<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    axes: &Axes<'_>,
) -> Float<E, D> {
    let shape = axes.result(&x.shape);
    let (arranged, width) = arranged(r, x, axes);
    if x.len() == 0 {
        return filled(r, 0.0, shape);
    }
    let rows = x.len() / width;
    r.op(&arranged, shape, |t| t.reshape_like(&(rows, width)).mean::<(usize,), Axis<1>>())
}

/// Which element of a row is wanted.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Extreme {
    Largest,
    Smallest,
}

pub(super) fn extreme<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    axes: &Axes<'_>,
    which: Extreme,
) -> Float<E, D> {
    let (places, width) = rows(&x.shape, axes);
    let places = places.into_iter().map(Some).collect();
    extreme_of_rows(r, x, (places, width), axes.result(&x.shape), which)
}

/// The extreme element of each row of places.
///
/// dfdx gives the whole gradient to every one of equal elements: so all but the first of them are left out, wherever they are equal.
pub(super) fn extreme_of_rows<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    (mut places, width): (Vec<Option<usize>>, usize),
    shape: Vec<usize>,
    which: Extreme,
) -> Float<E, D> {
    let worst = if which == Extreme::Largest { f64::NEG_INFINITY } else { f64::INFINITY };
    if places.is_empty() {
        return filled(r, worst, shape);
    }
    let source = x.to_vec();
    places.chunks_mut(width).for_each(|row| leave_out_repetitions(row, &source));
    let broken: Vec<bool> =
        places.chunks(width).map(|row| row.iter().flatten().any(|place| source[*place].is_nan())).collect();
    let rows = broken.len();
    let values = read(r, x, places.into_iter(), worst, vec![rows, width]);
    let best = r.op(&values, shape.clone(), |t| {
        let rows = t.reshape_like(&(rows, width));
        match which {
            Extreme::Largest => rows.max::<(usize,), Axis<1>>(),
            Extreme::Smallest => rows.min::<(usize,), Axis<1>>(),
        }
    });
    // dfdx's extremes are numbers if any element is one.
    match broken.contains(&true) {
        true => {
            let sums = sum_rows(r, &values, width, shape);
            choose(r, &broken, &sums, &best)
        }
        false => best,
    }
}

fn leave_out_repetitions<E: Element>(row: &mut [Option<usize>], source: &[E]) {
    let mut seen = BTreeSet::new();
    for place in row {
        // The zeros of both signs are equal.
        let first = place.is_none_or(|p| seen.insert((source[p].wide() + 0.0).to_bits()));
        *place = place.filter(|_| first);
    }
}
