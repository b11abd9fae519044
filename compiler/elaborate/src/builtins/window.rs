//! Convolution and pooling. The number of spatial axes is the operand's.

use vspec_ir::Op;

use super::{Builtin, Call};
use crate::eval::{Eval, Evaluator};
use crate::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("conv", "x, weight, stride?, padding?, dilation?, groups?", conv),
    Builtin::new("conv_transpose", "x, weight, size, stride?, padding?, dilation?, groups?", conv_transpose),
    Builtin::new("max_pool", "x, kernel, stride?, padding?, dilation?", max_pool),
    Builtin::new("avg_pool", "x, kernel, stride?, padding?, count_padding?", avg_pool),
];

fn conv(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (x, weight) = (call.tensor(e, "x")?, call.tensor(e, "weight")?);
    let n = e.graph.ty(x).rank().saturating_sub(2);
    let op = Op::Conv {
        stride: call.per_axis(e, "stride", n, 1)?,
        padding: call.padding(e, "padding", n)?,
        dilation: call.per_axis(e, "dilation", n, 1)?,
        groups: call.int_or(e, "groups", 1)?,
    };
    e.emit(op, &[x, weight], call.span).map(Value::Tensor)
}

/// The transpose of the convolution that brings `size` to the size of `x`.
fn conv_transpose(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (x, weight) = (call.tensor(e, "x")?, call.tensor(e, "weight")?);
    let n = e.graph.ty(x).rank().saturating_sub(2);
    let op = Op::ConvInput {
        stride: call.per_axis(e, "stride", n, 1)?,
        padding: call.padding(e, "padding", n)?,
        dilation: call.per_axis(e, "dilation", n, 1)?,
        groups: call.int_or(e, "groups", 1)?,
        size: call.shape(e, "size")?,
    };
    e.emit(op, &[x, weight], call.span).map(Value::Tensor)
}

/// Kernel and stride of a pooling; windows do not overlap unless a stride is given.
fn window(e: &mut Evaluator<'_>, call: &Call, n: usize) -> Eval<(Vec<i64>, Vec<i64>)> {
    let kernel = call.per_axis(e, "kernel", n, 1)?;
    match call.get("stride") {
        Some(_) => Ok((kernel, call.per_axis(e, "stride", n, 1)?)),
        None => Ok((kernel.clone(), kernel)),
    }
}

fn max_pool(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let x = call.tensor(e, "x")?;
    let n = e.graph.ty(x).rank().saturating_sub(2);
    let (kernel, stride) = window(e, call, n)?;
    let padding = call.padding(e, "padding", n)?;
    let dilation = call.per_axis(e, "dilation", n, 1)?;
    e.emit(Op::MaxPool { kernel, stride, padding, dilation }, &[x], call.span).map(Value::Tensor)
}

fn avg_pool(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let x = call.tensor(e, "x")?;
    let n = e.graph.ty(x).rank().saturating_sub(2);
    let (kernel, stride) = window(e, call, n)?;
    let padding = call.padding(e, "padding", n)?;
    let count_padding = call.bool_or(e, "count_padding", true)?;
    e.emit(Op::AvgPool { kernel, stride, padding, count_padding }, &[x], call.span).map(Value::Tensor)
}
