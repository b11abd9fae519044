//! Arrangements of elements as custom operations: a list of the places that are read, or blocks where that is faster.

use crate::backend::Backend;
use crate::element::Element;
use crate::record::{Float, Recorder};

/// Distance between neighbours along each axis.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i];
    }
    strides
}

/// For each element of `shape` in row-major order: `offset` plus its coordinates times `steps`.
pub(crate) fn walk(shape: &[usize], steps: &[usize], offset: usize) -> Vec<usize> {
    let total: usize = shape.iter().product();
    let mut places = Vec::with_capacity(total);
    if total == 0 {
        return places;
    }
    places.push(offset);
    for (size, step) in shape.iter().zip(steps) {
        // Each place so far becomes a row of places along this axis.
        let mut next = Vec::with_capacity(places.len() * size);
        for place in &places {
            next.extend((0..*size).map(|i| place + i * step));
        }
        places = next;
    }
    places
}

/// Places that a broadcast reads.
pub(crate) fn broadcast_places(own: &[usize], shape: &[usize]) -> Vec<usize> {
    let missing = shape.len() - own.len();
    let own_strides = strides(own);
    let steps: Vec<usize> = (0..shape.len())
        .map(|i| match i.checked_sub(missing) {
            Some(i) if own[i] != 1 => own_strides[i],
            _ => 0,
        })
        .collect();
    walk(shape, &steps, 0)
}

/// A value that reads each element from a place of `x`.
pub(crate) fn take<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    places: Vec<usize>,
    shape: Vec<usize>,
) -> Float<E, D> {
    let source = x.read();
    let values = places.iter().map(|p| source[*p]).collect();
    r.custom(&[x], values, shape, move |dy, dx| {
        for (g, place) in dy.iter().zip(&places) {
            dx[0][*place] += *g;
        }
    })
}

/// Repeats along axes. Never a view of dfdx: reshaping one of its broadcast tensors gives wrong gradients on CUDA.
pub(crate) fn broadcast<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    shape: &[usize],
) -> Float<E, D> {
    if x.shape == shape {
        return x.clone();
    }
    match repeated_rows(&x.shape, shape) {
        Some((outer, inner)) => broadcast_rows(r, x, shape, [outer, inner]),
        None if x.len() == shape.iter().product() => x.with_shape(shape.to_vec()),
        None => take(r, x, broadcast_places(&x.shape, shape), shape.to_vec()),
    }
}

/// `(outer, inner)` when a broadcast repeats all of `x` `outer` times and each element of it `inner` times in a row.
pub(crate) fn repeated_rows(own: &[usize], shape: &[usize]) -> Option<(usize, usize)> {
    let missing = shape.len() - own.len();
    let padded: Vec<usize> = vec![1; missing].into_iter().chain(own.iter().copied()).collect();
    let stretched = |i: &usize| padded[*i] == 1;
    let first = (0..shape.len()).take_while(stretched).count();
    let last = (0..shape.len()).rev().take_while(stretched).count().min(shape.len() - first);
    let middle = first..shape.len() - last;
    let kept = padded[middle.clone()] == shape[middle.clone()];
    let outer = shape[..first].iter().product();
    let inner = shape[middle.end..].iter().product();
    kept.then_some((outer, inner))
}

fn broadcast_rows<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    shape: &[usize],
    [outer, inner]: [usize; 2],
) -> Float<E, D> {
    let source = x.read();
    let mut values = Vec::with_capacity(outer * source.len() * inner);
    for _ in 0..outer {
        for v in source.iter() {
            values.extend(std::iter::repeat_n(*v, inner));
        }
    }
    r.custom(&[x], values, shape.to_vec(), move |dy, dx| {
        let n = dx[0].len();
        for (i, row) in dy.chunks_exact(inner.max(1)).enumerate() {
            dx[0][i % n] += row_sum(row);
        }
    })
}

/// Elements that are summed up before their sum is added to one of double precision: the error of a sum grows with its length.
const RUN: usize = 512;

/// The sum of a row.
pub(crate) fn row_sum<E: Element>(row: &[E]) -> E {
    E::of(row.chunks(RUN).map(|run| run_sum(run).wide()).sum())
}

/// The same in eight lanes, which the compiler vectorises.
fn run_sum<E: Element>(run: &[E]) -> E {
    let mut lanes = [E::default(); 8];
    let chunks = run.chunks_exact(8);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane += *v;
        }
    }
    rest.iter().chain(&lanes).fold(E::default(), |sum, v| sum + *v)
}

pub(crate) fn permute<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    axes: &[i64],
) -> Float<E, D> {
    let axes: Vec<usize> = axes.iter().map(|a| *a as usize).collect();
    let (places, shape) = permuted_places(&x.shape, &axes);
    take(r, x, places, shape)
}

/// Places that axes in another order read, and the shape of the result.
pub(crate) fn permuted_places(own: &[usize], axes: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let own_strides = strides(own);
    let steps: Vec<usize> = axes.iter().map(|a| own_strides[*a]).collect();
    let shape: Vec<usize> = axes.iter().map(|a| own[*a]).collect();
    (walk(&shape, &steps, 0), shape)
}

pub(crate) fn slice<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    axis: usize,
    bounds: [usize; 3],
) -> Float<E, D> {
    let (places, shape) = sliced_places(&x.shape, axis, bounds);
    take(r, x, places, shape)
}

/// Places that a slice reads, and the shape of the result.
pub(crate) fn sliced_places(
    own: &[usize],
    axis: usize,
    [start, end, step]: [usize; 3],
) -> (Vec<usize>, Vec<usize>) {
    let mut steps = strides(own);
    let offset = start * steps[axis];
    let mut shape = own.to_vec();
    shape[axis] = (end - start).div_ceil(step);
    steps[axis] *= step;
    (walk(&shape, &steps, offset), shape)
}

/// Places that a gather reads, and the shape of the result: the axis is replaced by the axes of the index.
pub(crate) fn gathered_places(
    own: &[usize],
    axis: usize,
    (index, index_shape): (&[usize], &[usize]),
) -> (Vec<usize>, Vec<usize>) {
    let (outer, n, inner) = around(own, axis);
    let mut shape = own.to_vec();
    shape.splice(axis..=axis, index_shape.iter().copied());
    let mut places = Vec::with_capacity(outer * index.len() * inner);
    for o in 0..outer {
        for k in index {
            places.extend((0..inner).map(|i| (o * n + k) * inner + i));
        }
    }
    (places, shape)
}

/// `(outer, axis, inner)`: the sizes before, at and after an axis.
pub(crate) fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}

pub(crate) fn concat<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    parts: &[&Float<E, D>],
    axis: usize,
) -> Float<E, D> {
    let mut shape = parts[0].shape.clone();
    shape[axis] = parts.iter().map(|p| p.shape[axis]).sum();
    let outer = around(&shape, axis).0;
    let rows: Vec<usize> = parts.iter().map(|p| p.len() / outer.max(1)).collect();
    let sources: Vec<_> = parts.iter().map(|p| p.read()).collect();
    let mut values = vec![];
    for o in 0..outer {
        for (source, row) in sources.iter().zip(&rows) {
            values.extend_from_slice(&source[o * row..(o + 1) * row]);
        }
    }
    r.custom(parts, values, shape, move |dy, dx| {
        let mut from = 0;
        for o in 0..outer {
            for (part, row) in rows.iter().enumerate() {
                for i in 0..*row {
                    dx[part][o * row + i] += dy[from + i];
                }
                from += row;
            }
        }
    })
}

pub(crate) fn pad<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    axis: usize,
    ([low, high], value): ([usize; 2], f64),
) -> Float<E, D> {
    let (outer, n, inner) = around(&x.shape, axis);
    let mut shape = x.shape.clone();
    shape[axis] += low + high;
    let (row, source) = (shape[axis] * inner, x.read());
    let mut values = vec![E::of(value); outer * row];
    let start = move |o: usize| o * row + low * inner;
    for o in 0..outer {
        values[start(o)..start(o) + n * inner].copy_from_slice(&source[o * n * inner..(o + 1) * n * inner]);
    }
    r.custom(&[x], values, shape, move |dy, dx| {
        for o in 0..outer {
            for i in 0..n * inner {
                dx[0][o * n * inner + i] += dy[start(o) + i];
            }
        }
    })
}
