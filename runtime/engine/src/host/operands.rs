//! Reading the operands of functions on boxes: types were checked when the graph was made, so what is missing reads as empty.

use crate::{Buffer, HostTensor};

/// A box as left, top, right and bottom.
pub(super) type Corners = [f64; 4];

pub(super) fn boxes(operands: &[HostTensor], at: usize) -> Vec<Corners> {
    numbers(operands, at).chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]).collect()
}

pub(super) fn numbers(operands: &[HostTensor], at: usize) -> Vec<f64> {
    operands.get(at).map(HostTensor::to_f64).unwrap_or_default()
}

pub(super) fn integers(operands: &[HostTensor], at: usize) -> Vec<i32> {
    match operands.get(at).map(HostTensor::buffer) {
        Some(Buffer::I32(values)) => values.clone(),
        _ => vec![],
    }
}

pub(super) fn flags(operands: &[HostTensor], at: usize) -> Vec<bool> {
    match operands.get(at).map(HostTensor::buffer) {
        Some(Buffer::Bool(values)) => values.clone(),
        _ => vec![],
    }
}

/// A scalar.
pub(super) fn number(operands: &[HostTensor], at: usize) -> Result<f64, String> {
    operands.get(at).and_then(HostTensor::item).ok_or_else(|| format!("operand {at} is one number"))
}

/// Area of a box; one that is turned inside out has none.
pub(super) fn area(b: &Corners) -> f64 {
    (b[2] - b[0]).max(0.0) * (b[3] - b[1]).max(0.0)
}

/// Area that two boxes share.
pub(super) fn shared(a: &Corners, b: &Corners) -> f64 {
    area(&[a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])])
}

/// Intersection over union; 0 where both have no area.
pub(super) fn iou(a: &Corners, b: &Corners) -> f64 {
    let inner = shared(a, b);
    if inner > 0.0 { inner / (area(a) + area(b) - inner) } else { 0.0 }
}

/// Indices in falling order of a key; equal ones, and those that are no numbers, keep their order at the end.
pub(super) fn falling(keys: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|a, b| match (keys[*a].is_nan(), keys[*b].is_nan()) {
        (false, false) => keys[*b].total_cmp(&keys[*a]),
        (a, b) => a.cmp(&b),
    });
    order
}
