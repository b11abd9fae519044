//! Reductions. `max(a, b)` is elementwise; `max(x, axis = 1)` reduces.

use vspec_ir::{NodeId, Op};

use super::{Builtin, Call};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("sum", "x, axis?, keepdims?", |e, c| {
        fold(e, c, |axes, keepdims| Op::Sum { axes, keepdims })
    }),
    Builtin::new("mean", "x, axis?, keepdims?", |e, c| {
        fold(e, c, |axes, keepdims| Op::Mean { axes, keepdims })
    }),
    Builtin::new("max", "x, y?, axis?, keepdims?", |e, c| {
        extreme(e, c, Op::Max {}, f64::max, |axes, keepdims| Op::ReduceMax { axes, keepdims })
    }),
    Builtin::new("min", "x, y?, axis?, keepdims?", |e, c| {
        extreme(e, c, Op::Min {}, f64::min, |axes, keepdims| Op::ReduceMin { axes, keepdims })
    }),
    Builtin::new("argmax", "x, axis?", argmax),
];

fn fold(e: &mut Evaluator<'_>, call: &Call, op: fn(Vec<i64>, bool) -> Op) -> Eval<Value> {
    let x = call.tensor(e, "x")?;
    let axes = call.axes(e, "axis", e.graph.ty(x).rank())?;
    let keepdims = call.bool_or(e, "keepdims", false)?;
    if axes.is_empty() {
        return Ok(Value::Tensor(x));
    }
    e.emit(op(axes, keepdims), &[x], call.span).map(Value::Tensor)
}

fn extreme(
    e: &mut Evaluator<'_>,
    call: &Call,
    two: Op,
    number: fn(f64, f64) -> f64,
    fold_op: fn(Vec<i64>, bool) -> Op,
) -> Eval<Value> {
    if call.get("y").is_none() {
        return fold(e, call, fold_op);
    }
    if call.get("axis").is_some() {
        return e.error(
            codes::UNKNOWN_ARGUMENT,
            call.span_of("axis"),
            format!("`{}` of two values has no axis", call.builtin.name),
        );
    }
    match (call.value("x"), call.value("y")) {
        (Value::Int(a), Value::Int(b)) => Ok(Value::Int(number(a as f64, b as f64) as i64)),
        (a, b) => match (a.as_float(), b.as_float()) {
            (Some(a), Some(b)) => Ok(Value::Float(number(a, b))),
            _ => {
                let (x, y) = call.pair(e, "x", "y")?;
                e.emit(two, &[x, y], call.span).map(Value::Tensor)
            }
        },
    }
}

fn argmax(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let x: NodeId = call.tensor(e, "x")?;
    let rank = e.graph.ty(x).rank();
    let axis = match call.get("axis") {
        Some(_) => call.axis(e, "axis", rank)?,
        None => rank as i64 - 1,
    };
    e.emit(Op::Argmax { axis }, &[x], call.span).map(Value::Tensor)
}
