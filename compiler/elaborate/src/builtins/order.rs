//! Running sums, sorting, and reading and writing places that an index names. PyTorch's `cumsum`, `sort`, `topk`, `gather`,
//! `scatter`; an index takes part with the rank of the tensor, unlike that of `gather(x, rows)`.

use std::rc::Rc;

use indexmap::IndexMap;
use vspec_ir::{Dim, NodeId, Op};

use super::{Builtin, Call};
use crate::codes;
use crate::eval::mask::extreme_of;
use crate::eval::{Eval, Evaluator};
use crate::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("cumsum", "x, axis?, reverse?", cumsum),
    Builtin::new("cumprod", "x, axis?", cumprod),
    Builtin::new("argsort", "x, axis?, descending?", |e, c| {
        let (x, axis) = ordered(e, c)?;
        let descending = c.bool_or(e, "descending", false)?;
        order(e, c, x, (axis, descending)).map(Value::Tensor)
    }),
    Builtin::new("sort", "x, axis?, descending?", sort),
    Builtin::new("topk", "x, k, axis?, largest?", topk),
    Builtin::new("take_along", "x, index, axis?", take_along),
    Builtin::new("scatter", "x, index, values, axis?", |e, c| scattered(e, c, |axis| Op::Scatter { axis })),
    Builtin::new("scatter_add", "x, index, values, axis?", |e, c| {
        scattered(e, c, |axis| Op::ScatterAdd { axis })
    }),
    Builtin::new("select", "x, where, at_most, by?", select),
];

/// A tensor and an axis of it, the last one unless another is named.
fn ordered(e: &mut Evaluator<'_>, call: &Call) -> Eval<(NodeId, i64)> {
    let x = call.tensor(e, "x")?;
    let rank = e.graph.ty(x).rank();
    if rank == 0 {
        let message = format!("`{}` needs an axis, which a scalar has not", call.builtin.name);
        return e.error(codes::SHAPE_MISMATCH, call.span_of("x"), message);
    }
    let axis = match call.get("axis") {
        Some(_) => call.axis(e, "axis", rank)?,
        None => rank as i64 - 1,
    };
    Ok((x, axis))
}

/// Padding adds nothing to a sum.
fn cumsum(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (x, axis) = ordered(e, call)?;
    let reverse = call.bool_or(e, "reverse", false)?;
    let x = e.filled(x, &[axis as usize], 0.0, call.span)?;
    e.emit(Op::Cumsum { axis, reverse }, &[x], call.span).map(Value::Tensor)
}

fn cumprod(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (x, axis) = ordered(e, call)?;
    let x = e.filled(x, &[axis as usize], 1.0, call.span)?;
    e.emit(Op::Cumprod { axis }, &[x], call.span).map(Value::Tensor)
}

/// The order of an axis; padding comes last.
fn order(e: &mut Evaluator<'_>, call: &Call, x: NodeId, (axis, descending): (i64, bool)) -> Eval<NodeId> {
    let last = extreme_of(e.graph.ty(x).dtype, !descending);
    let x = e.filled(x, &[axis as usize], last, call.span)?;
    e.emit(Op::Argsort { axis, descending }, &[x], call.span)
}

fn pair(values: NodeId, indices: NodeId) -> Value {
    let fields = [("values".into(), Value::Tensor(values)), ("indices".into(), Value::Tensor(indices))];
    Value::Record(Rc::new(IndexMap::from_iter(fields)))
}

/// `{ values, indices }` of an axis in order; equal elements keep theirs.
fn sort(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (x, axis) = ordered(e, call)?;
    let descending = call.bool_or(e, "descending", false)?;
    let indices = order(e, call, x, (axis, descending))?;
    let values = e.emit(Op::TakeAlong { axis }, &[x, indices], call.span)?;
    Ok(pair(values, indices))
}

/// `{ values, indices }` of the `k` largest or smallest along an axis, in order; of equal elements the first come first.
fn topk(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (x, axis) = ordered(e, call)?;
    let (k, largest) = (call.count(e, "k")?, call.bool_or(e, "largest", true)?);
    let order = order(e, call, x, (axis, largest))?;
    let end = Dim::from(k as i64);
    let first = Op::Slice { axis, start: Dim::from(0i64), end, step: 1 };
    let indices = e.emit(first, &[order], call.span)?;
    let values = e.emit(Op::TakeAlong { axis }, &[x, indices], call.span)?;
    Ok(pair(values, indices))
}

fn take_along(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (x, axis) = ordered(e, call)?;
    let index = call.tensor(e, "index")?;
    e.emit(Op::TakeAlong { axis }, &[x, index], call.span).map(Value::Tensor)
}

fn scattered(e: &mut Evaluator<'_>, call: &Call, op: fn(i64) -> Op) -> Eval<Value> {
    let (x, axis) = ordered(e, call)?;
    let index = call.tensor(e, "index")?;
    let dtype = e.graph.ty(x).dtype;
    let values = e.number(&call.value("values"), dtype, call.span_of("values"))?;
    // One number is written to every place.
    let shape = e.graph.ty(index).shape.clone();
    let values = match e.graph.ty(values).rank() {
        0 => e.emit(Op::Broadcast { shape }, &[values], call.span)?,
        _ => values,
    };
    e.emit(op(axis), &[x, index, values], call.span).map(Value::Tensor)
}

/// At most so many of the rows for which a condition holds, those with the largest `by` first (else the first ones): a masked
/// axis of that size. The condition is `bool[.., n]`; `x` is a tensor, or a record of them, with its axes in front.
fn select(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (condition, at_most) = (call.tensor(e, "where")?, call.count(e, "at_most")?);
    let rank = e.graph.ty(condition).rank();
    let Some(axis) = rank.checked_sub(1) else {
        return e.error(
            codes::SHAPE_MISMATCH,
            call.span_of("where"),
            "the condition has one bool for each row",
        );
    };
    let condition = match e.valid(condition, &[axis], call.span)? {
        Some(valid) => e.emit(Op::And {}, &[condition, valid], call.span)?,
        None => condition,
    };
    let size = e.graph.ty(condition).shape[axis].clone();
    // There are no more rows to choose than there are.
    let rows = e.plain_size(&size).as_const().and_then(|n| usize::try_from(n).ok());
    let at_most = rows.map_or(at_most, |n| n.min(at_most));
    let plain = e.plain_size(&size);
    let condition = e.resized(condition, axis, plain, call.span)?;
    let rank_by = match call.get("by") {
        Some(_) => {
            let by = call.tensor(e, "by")?;
            e.unmasked(by, axis, call.span)?
        }
        None => e.full(0.0, vspec_ir::DType::F32, e.graph.ty(condition).shape.clone(), call.span)?,
    };
    let key = e.where_else(condition, rank_by, f64::NEG_INFINITY, call.span)?;
    let order = e.emit(Op::Argsort { axis: axis as i64, descending: true }, &[key], call.span)?;
    let first =
        Op::Slice { axis: axis as i64, start: Dim::from(0i64), end: Dim::from(at_most as i64), step: 1 };
    let chosen = e.emit(first, &[order], call.span)?;
    let mask = e.emit(Op::TakeAlong { axis: axis as i64 }, &[condition, chosen], call.span)?;
    let rows = e.masked_size(Dim::from(at_most as i64), mask, call.span)?;
    chosen_rows(e, call, &call.value("x"), (chosen, &rows))
}

/// The chosen rows of a tensor, or of every tensor of a record.
fn chosen_rows(
    e: &mut Evaluator<'_>,
    call: &Call,
    value: &Value,
    (chosen, rows): (NodeId, &Dim),
) -> Eval<Value> {
    if let Value::Record(fields) = value {
        let parts: Eval<IndexMap<_, _>> = fields
            .iter()
            .map(|(name, part)| Ok((name.clone(), chosen_rows(e, call, part, (chosen, rows))?)))
            .collect();
        return parts.map(|parts| Value::Record(Rc::new(parts)));
    }
    let x = e.tensor(value, call.span_of("x"))?;
    let axis = e.graph.ty(chosen).rank() - 1;
    let Some(tail) = e.graph.ty(x).shape.get(axis + 1..).map(<[Dim]>::to_vec) else {
        let message = format!("{} has no axis {axis} to select rows of", e.graph.ty(x));
        return e.error(codes::SHAPE_MISMATCH, call.span_of("x"), message);
    };
    let x = e.unmasked(x, axis, call.span)?;
    // The index takes part in the axes behind the rows as well.
    let mut shape = e.graph.ty(chosen).shape.clone();
    shape.extend(tail.iter().map(|_| Dim::from(1i64)));
    let index = e.emit(Op::Reshape { shape: shape.clone() }, &[chosen], call.span)?;
    shape.truncate(axis + 1);
    shape.extend(tail);
    let index = e.emit(Op::Broadcast { shape }, &[index], call.span)?;
    let taken = e.emit(Op::TakeAlong { axis: axis as i64 }, &[x, index], call.span)?;
    e.resized(taken, axis, rows.clone(), call.span).map(Value::Tensor)
}
