//! Masked axes: making them, asking for them, leaving them.

use std::rc::Rc;

use indexmap::IndexMap;
use vspec_ir::{DType, Dim, NodeId, Op};

use super::{Builtin, Call};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("masked", "x, mask, axis?", masked),
    Builtin::new("valid", "x, axis?", valid),
    Builtin::new("valid_count", "x, axis?", count),
    Builtin::new("filled", "x, value", filled),
];

/// `x` with the rows of an axis marked: true in `mask` (`bool[.., n]`, batch axes in front) is a row, false is padding. The
/// fields of a record are marked together, so that their rows belong to each other.
fn masked(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let mask = call.tensor(e, "mask")?;
    let axis = match call.get("axis") {
        Some(_) => call.int(e, "axis")?,
        None => e.graph.ty(mask).rank() as i64 - 1,
    };
    let mut size = None;
    let marked = each_tensor(&call.value("x"), &mut |value| {
        let x = e.tensor(value, call.span_of("x"))?;
        mark(e, call, (x, mask), axis, &mut size)
    })?;
    Ok(marked)
}

fn each_tensor(value: &Value, body: &mut dyn FnMut(&Value) -> Eval<NodeId>) -> Eval<Value> {
    let Value::Record(fields) = value else { return body(value).map(Value::Tensor) };
    let parts: Eval<IndexMap<_, _>> =
        fields.iter().map(|(name, part)| Ok((name.clone(), each_tensor(part, body)?))).collect();
    parts.map(|parts| Value::Record(Rc::new(parts)))
}

/// Gives an axis the size whose mask is the given one; `known` is that size once it exists.
fn mark(
    e: &mut Evaluator<'_>,
    call: &Call,
    (x, mask): (NodeId, NodeId),
    axis: i64,
    known: &mut Option<Dim>,
) -> Eval<NodeId> {
    let (ty, of) = (e.graph.ty(x).clone(), e.graph.ty(mask).clone());
    let axis = usize::try_from(axis).unwrap_or(usize::MAX);
    let first = axis.saturating_add(1).checked_sub(of.rank());
    let fits = of.dtype == DType::Bool
        && of.rank() > 0
        && first.is_some_and(|first| ty.shape.get(first..=axis) == Some(&of.shape[..]));
    if !fits {
        let message =
            format!("`mask` is {of}; for axis {axis} of {ty} it is bool over that axis, batch axes in front");
        return e.error(codes::SHAPE_MISMATCH, call.span_of("mask"), message);
    }
    if e.mask_of(&ty.shape[axis]).is_some() {
        return e.error(codes::MASKED, call.span_of("x"), format!("axis {axis} has a mask already"));
    }
    let size = match known {
        Some(size) => size.clone(),
        None => e.masked_size(ty.shape[axis].clone(), mask, call.span)?,
    };
    *known = Some(size.clone());
    e.resized(x, axis, size, call.span)
}

/// The masked axis that is meant: the one that is named, or the only one.
fn the_axis(e: &mut Evaluator<'_>, call: &Call, x: NodeId) -> Eval<usize> {
    if call.get("axis").is_some() {
        let rank = e.graph.ty(x).rank();
        return Ok(call.axis(e, "axis", rank)? as usize);
    }
    match e.masked_axes(x)[..] {
        [axis] => Ok(axis),
        [] => e.error(codes::MASKED, call.span_of("x"), format!("{} has no padded axis", e.graph.ty(x))),
        _ => e.error(codes::MASKED, call.span_of("x"), "several axes are padded: name one with `axis`"),
    }
}

/// Which rows are no padding: `bool[.., n]`.
fn valid(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let x = call.tensor(e, "x")?;
    let axis = the_axis(e, call, x)?;
    let size = e.graph.ty(x).shape[axis].clone();
    match e.mask_of(&size) {
        Some(mask) => {
            let last = e.graph.ty(mask).rank() - 1;
            let plain = e.plain_size(&size);
            e.resized(mask, last, plain, call.span).map(Value::Tensor)
        }
        None => {
            let node = e.full(1.0, DType::Bool, vec![size], call.span)?;
            Ok(Value::Tensor(node))
        }
    }
}

/// How many rows are no padding: `i32[..]`, one number for each batch entry.
fn count(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let Value::Tensor(mask) = valid(e, call)? else { return Ok(Value::Unit) };
    let last = e.graph.ty(mask).rank() as i64 - 1;
    let ones = e.emit(Op::Cast { dtype: DType::I32 }, &[mask], call.span)?;
    e.emit(Op::Sum { axes: vec![last], keepdims: false }, &[ones], call.span).map(Value::Tensor)
}

/// `x` with a number in place of padding, and no longer masked.
fn filled(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (x, value) = (call.tensor(e, "x")?, call.float(e, "value")?);
    let axes = e.masked_axes(x);
    let mut y = e.filled(x, &axes, value, call.span)?;
    for axis in axes {
        let plain = e.plain_size(&e.graph.ty(x).shape[axis].clone());
        y = e.resized(y, axis, plain, call.span)?;
    }
    Ok(Value::Tensor(y))
}
