//! Arrangements of elements, and elements written to places, as reads.

use dfdx::prelude::{Axis, TryConcatAlong};

use super::elementwise::binary;
use super::read::{filled, read, read_all, sum_rows};
use crate::backend::Backend;
use crate::element::Element;
use crate::record::{Float, Recorder};
use crate::view::{around, broadcast_places};

/// Repeats along axes.
pub(super) fn broadcast<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    shape: &[usize],
) -> Float<E, D> {
    match x.shape == shape {
        true => x.clone(),
        false => read_all(r, x, (broadcast_places(&x.shape, shape), shape.to_vec())),
    }
}

/// Flat values one after the other.
fn joined<E: Element, D: Backend<E>>(r: &mut Recorder<E, D>, parts: &[&Float<E, D>]) -> Float<E, D> {
    let mut parts = parts.iter().filter(|part| part.len() > 0);
    let Some(first) = parts.next() else { return filled(r, 0.0, vec![0]) };
    parts.fold((*first).clone(), |all, part| {
        let part = r.distinct(part, &all);
        let n = all.len() + part.len();
        r.op(&all, vec![n], |t| (t, part.tensor.clone()).concat_along(Axis::<0>))
    })
}

pub(super) fn concat<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    parts: &[&Float<E, D>],
    axis: usize,
) -> Float<E, D> {
    let mut shape = parts[0].shape.clone();
    shape[axis] = parts.iter().map(|p| p.shape[axis]).sum();
    let outer = around(&shape, axis).0;
    let all = joined(r, parts);
    let mut places = Vec::with_capacity(all.len());
    for o in 0..outer {
        let mut start = 0;
        for part in parts {
            let row = part.len() / outer;
            places.extend(start + o * row..start + (o + 1) * row);
            start += part.len();
        }
    }
    read_all(r, &all, (places, shape))
}

pub(super) fn pad<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    axis: usize,
    ([low, high], value): ([usize; 2], f64),
) -> Float<E, D> {
    let (_, n, inner) = around(&x.shape, axis);
    let mut shape = x.shape.clone();
    shape[axis] += low + high;
    let padded = shape[axis];
    let place = |flat: usize| {
        let (outer, along) = (flat / inner / padded, flat / inner % padded);
        let along = along.checked_sub(low).filter(|along| *along < n)?;
        Some((outer * n + along) * inner + flat % inner)
    };
    let total = shape.iter().product::<usize>();
    read(r, x, (0..total).map(place), value, shape)
}

/// `x` with values in the place of others; of several the last one stays.
pub(super) fn scatter<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    values: &Float<E, D>,
    places: &[usize],
) -> Float<E, D> {
    let mut from: Vec<usize> = (0..x.len()).collect();
    places.iter().enumerate().for_each(|(i, place)| from[*place] = x.len() + i);
    let both = joined(r, &[x, values]);
    read_all(r, &both, (from, x.shape.clone()))
}

/// `x` with values added: a row of what belongs to each place is read, and summed.
pub(super) fn scatter_add<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    values: &Float<E, D>,
    places: &[usize],
) -> Float<E, D> {
    let mut rows: Vec<Vec<usize>> = vec![vec![]; x.len()];
    places.iter().enumerate().for_each(|(i, place)| rows[*place].push(i));
    let Some(width) = rows.iter().map(Vec::len).max().filter(|width| *width > 0) else { return x.clone() };
    let padded = rows.iter().flat_map(|row| (0..width).map(|i| row.get(i).copied()));
    let read = read(r, values, padded, 0.0, vec![x.len(), width]);
    let sums = sum_rows(r, &read, width, x.shape.clone());
    binary(r, x, &sums, |t, u| t + u)
}
