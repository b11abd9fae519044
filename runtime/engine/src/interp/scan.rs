//! Running sums and products, and sorting, along an axis.

use std::cmp::Ordering;

use super::array::{Array, around};
use super::value::{Real, Value};

/// Rows of an array along an axis: the flat positions of each, in order.
fn rows(shape: &[usize], axis: usize) -> impl Iterator<Item = Vec<usize>> {
    let (outer, n, inner) = around(shape, axis);
    (0..outer * inner).map(move |row| {
        let start = row / inner * n * inner + row % inner;
        (0..n).map(|k| start + k * inner).collect()
    })
}

fn scanned<E: Copy>(x: &Array<E>, axis: i64, reverse: bool, mut f: impl FnMut(&[E]) -> Vec<E>) -> Array<E> {
    let mut result = x.clone();
    for mut row in rows(&x.shape, axis as usize) {
        if reverse {
            row.reverse();
        }
        let values: Vec<E> = row.iter().map(|i| x.data[*i]).collect();
        row.iter().zip(f(&values)).for_each(|(i, v)| result.data[*i] = v);
    }
    result
}

/// Partial results of a fold in double precision, each rounded once.
fn partial<T: Real>(values: &[T], first: f64, f: fn(f64, f64) -> f64) -> Vec<T> {
    let steps = values.iter().scan(first, |state, v| {
        *state = f(*state, v.to_f64());
        Some(T::from_f64(*state))
    });
    steps.collect()
}

fn partial_i32(values: &[i32], first: i32, f: fn(i32, i32) -> i32) -> Vec<i32> {
    let steps = values.iter().scan(first, |state, v| {
        *state = f(*state, *v);
        Some(*state)
    });
    steps.collect()
}

pub(super) fn cumsum<T: Real>(x: &Value<T>, axis: i64, reverse: bool) -> Value<T> {
    match x {
        Value::Float(a) => Value::Float(scanned(a, axis, reverse, |row| partial(row, 0.0, |a, b| a + b))),
        Value::Int(a) => Value::Int(scanned(a, axis, reverse, |row| partial_i32(row, 0, i32::wrapping_add))),
        Value::Bool(a) => Value::Bool(a.clone()),
    }
}

pub(super) fn cumprod<T: Real>(x: &Value<T>, axis: i64) -> Value<T> {
    match x {
        Value::Float(a) => Value::Float(scanned(a, axis, false, |row| partial(row, 1.0, |a, b| a * b))),
        Value::Int(a) => Value::Int(scanned(a, axis, false, |row| partial_i32(row, 1, i32::wrapping_mul))),
        Value::Bool(a) => Value::Bool(a.clone()),
    }
}

/// The order of a row; NaN comes after every number, and equal elements keep their order.
pub(super) fn argsort<T: Real>(x: &Value<T>, axis: i64, descending: bool) -> Value<T> {
    let Array { shape, data: wide } = x.wide();
    let mut order = vec![0; wide.len()];
    for row in rows(&shape, axis as usize) {
        let mut places: Vec<usize> = (0..row.len()).collect();
        places.sort_by(|a, b| compare(wide[row[*a]], wide[row[*b]], descending));
        row.iter().zip(places).for_each(|(at, place)| order[*at] = place as i32);
    }
    Value::Int(Array { shape, data: order })
}

fn compare(a: f64, b: f64, descending: bool) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ if descending => b.partial_cmp(&a).unwrap_or(Ordering::Equal),
        _ => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    }
}
