//! Reductions. `max(a, b)` is elementwise; `max(x, axis = 1)` reduces.

use vspec_ir::{NodeId, Op};

use super::{Builtin, Call};
use crate::codes;
use crate::einops::Reduction;
use crate::eval::mask::extreme_of;
use crate::eval::reduce::Fold;
use crate::eval::{Eval, Evaluator};
use crate::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("sum", "x, axis?, keepdims?, where?", |e, c| fold(e, c, Reduction::Sum)),
    Builtin::new("mean", "x, axis?, keepdims?, where?", |e, c| fold(e, c, Reduction::Mean)),
    Builtin::new("max", "x, y?, axis?, keepdims?, where?", |e, c| {
        extreme(e, c, (Op::Max {}, f64::max), Reduction::Max)
    }),
    Builtin::new("min", "x, y?, axis?, keepdims?, where?", |e, c| {
        extreme(e, c, (Op::Min {}, f64::min), Reduction::Min)
    }),
    Builtin::new("argmax", "x, axis?", argmax),
];

/// A reduction over the named axes, or over all; `where` narrows what takes part.
fn fold(e: &mut Evaluator<'_>, call: &Call, kind: Reduction) -> Eval<Value> {
    let x = call.tensor(e, "x")?;
    let axes = call.axes(e, "axis", e.graph.ty(x).rank())?;
    let keepdims = call.bool_or(e, "keepdims", false)?;
    let narrowed = match call.get("where") {
        None => None,
        Some(_) => Some(call.tensor(e, "where")?),
    };
    e.fold(x, &Fold { kind, axes, keepdims, narrowed }, call.span).map(Value::Tensor)
}

fn extreme(
    e: &mut Evaluator<'_>,
    call: &Call,
    (two, number): (Op, fn(f64, f64) -> f64),
    kind: Reduction,
) -> Eval<Value> {
    if call.get("y").is_none() {
        return fold(e, call, kind);
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
    let lowest = extreme_of(e.graph.ty(x).dtype, false);
    let x = e.filled(x, &[axis as usize], lowest, call.span)?;
    e.emit(Op::Argmax { axis }, &[x], call.span).map(Value::Tensor)
}
