//! Shapes: asking for them, and arranging elements.

use vspec_ir::{DType, Dim, NodeId, Op};
use vspec_syntax::Span;

use super::{Builtin, Call};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("shape", "x", |e, c| {
        let x = c.tensor(e, "x")?;
        Ok(Value::list(e.graph.ty(x).shape.iter().map(Value::dim).collect()))
    }),
    Builtin::new("rank", "x", |e, c| {
        let x = c.tensor(e, "x")?;
        Ok(Value::Int(e.graph.ty(x).rank() as i64))
    }),
    Builtin::new("reshape", "x, shape", |e, c| {
        let (x, shape) = (c.tensor(e, "x")?, c.shape(e, "shape")?);
        e.emit(Op::Reshape { shape }, &[x], c.span).map(Value::Tensor)
    }),
    Builtin::new("permute", "x, axes", permute),
    Builtin { name: "transpose", params: "x", open: false, transform: true, run: transpose },
    Builtin { name: "flatten", params: "x, start?", open: false, transform: true, run: flatten },
    Builtin::new("broadcast", "x, shape", |e, c| {
        let (x, shape) = (c.tensor(e, "x")?, c.shape(e, "shape")?);
        e.emit(Op::Broadcast { shape }, &[x], c.span).map(Value::Tensor)
    }),
    Builtin::new("concat", "tensors, axis?", concat),
    Builtin::new("stack", "tensors, axis?", stack),
    Builtin::new("pad", "x, axis, low, high, value?", pad),
    Builtin::new("gather", "x, index, axis?", |e, c| {
        let (x, index) = (c.tensor(e, "x")?, c.tensor(e, "index")?);
        let axis = axis_or_first(e, c, e.graph.ty(x).rank())?;
        e.emit(Op::Gather { axis }, &[x, index], c.span).map(Value::Tensor)
    }),
    Builtin::new("matmul", "a, b", |e, c| {
        let (a, b) = (c.tensor(e, "a")?, c.tensor(e, "b")?);
        let (a, b) = (e.zero_padding(a, c.span)?, e.zero_padding(b, c.span)?);
        e.emit(Op::Matmul {}, &[a, b], c.span).map(Value::Tensor)
    }),
    Builtin::new("full", "shape, value", |e, c| {
        let (shape, value) = (c.shape(e, "shape")?, c.float(e, "value")?);
        e.full(value, DType::F32, shape, c.span).map(Value::Tensor)
    }),
    Builtin::new("zeros", "shape", |e, c| {
        let shape = c.shape(e, "shape")?;
        e.full(0.0, DType::F32, shape, c.span).map(Value::Tensor)
    }),
    Builtin::new("ones", "shape", |e, c| {
        let shape = c.shape(e, "shape")?;
        e.full(1.0, DType::F32, shape, c.span).map(Value::Tensor)
    }),
    Builtin { name: "zeros_like", params: "x", open: false, transform: true, run: |e, c| like(e, c, 0.0) },
    Builtin { name: "ones_like", params: "x", open: false, transform: true, run: |e, c| like(e, c, 1.0) },
    Builtin::new("iota", "n", |e, c| {
        let shape = c.shape(e, "n")?;
        e.emit(Op::Iota { shape, axis: 0 }, &[], c.span).map(Value::Tensor)
    }),
];

fn axis_or_first(e: &mut Evaluator<'_>, call: &Call, rank: usize) -> Eval<i64> {
    if call.get("axis").is_some() { call.axis(e, "axis", rank) } else { Ok(0) }
}

fn permute(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (x, axes) = (call.tensor(e, "x")?, call.ints(e, "axes")?);
    e.emit(Op::Permute { axes }, &[x], call.span).map(Value::Tensor)
}

/// Swaps the last two axes.
fn transpose(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let x = call.tensor(e, "x")?;
    let rank = e.graph.ty(x).rank();
    if rank < 2 {
        let message = format!("cannot transpose {}", e.graph.ty(x));
        return e.error(codes::OP_CONSTRAINT, call.span, message);
    }
    let mut axes: Vec<i64> = (0..rank as i64).collect();
    axes.swap(rank - 2, rank - 1);
    e.emit(Op::Permute { axes }, &[x], call.span).map(Value::Tensor)
}

/// Axes from `start` (1 when left out) on as one.
fn flatten(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let x = call.tensor(e, "x")?;
    let shape = e.graph.ty(x).shape.clone();
    let start = call.int_or(e, "start", 1)?;
    let Some(start) = usize::try_from(start).ok().filter(|s| *s < shape.len()) else {
        let message = format!("cannot flatten {} from axis {start}", e.graph.ty(x));
        return e.error(codes::OUT_OF_RANGE, call.span, message);
    };
    let merged = shape[start..].iter().try_fold(Dim::from(1i64), |n, d| n.checked_mul(d));
    let merged = match merged {
        Ok(merged) => merged,
        Err(error) => return e.error(codes::ARITHMETIC, call.span, error.to_string()),
    };
    let shape = shape[..start].iter().cloned().chain([merged]).collect();
    e.emit(Op::Reshape { shape }, &[x], call.span).map(Value::Tensor)
}

/// Joins tensors of one shape along a new axis.
fn concat(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let parts = call.tensors(e, "tensors")?;
    let axis = axis_or_first(e, call, e.graph.ty(parts[0]).rank())?;
    let padded = |e: &Evaluator<'_>, x: &NodeId| e.masked_axes(*x).contains(&(axis as usize));
    if parts.iter().any(|x| padded(e, x)) {
        return concat_padded(e, &parts, axis as usize, call.span).map(Value::Tensor);
    }
    e.emit(Op::Concat { axis }, &parts, call.span).map(Value::Tensor)
}

/// Rows of which some are padding, one tensor after the other: the masks follow one another, too.
fn concat_padded(e: &mut Evaluator<'_>, parts: &[NodeId], axis: usize, span: Span) -> Eval<NodeId> {
    let (mut rows, mut masks) = (vec![], vec![]);
    for part in parts {
        let shape = e.graph.ty(*part).shape.clone();
        let size = e.plain_size(&shape[axis]);
        let lead = shape[..axis].to_vec();
        let everywhere: Vec<Dim> = lead.iter().chain([&size]).cloned().collect();
        masks.push(match e.mask_of(&shape[axis]) {
            None => e.full(1.0, DType::Bool, everywhere, span)?,
            Some(mask) => {
                let last = e.graph.ty(mask).rank() - 1;
                let mask = e.resized(mask, last, size.clone(), span)?;
                e.emit_unchecked(Op::Broadcast { shape: everywhere }, &[mask], span)?
            }
        });
        rows.push(e.resized(*part, axis, size, span)?);
    }
    let mask = e.emit_unchecked(Op::Concat { axis: axis as i64 }, &masks, span)?;
    let whole = e.emit_unchecked(Op::Concat { axis: axis as i64 }, &rows, span)?;
    let size = e.masked_size(e.graph.ty(whole).shape[axis].clone(), mask, span)?;
    e.resized(whole, axis, size, span)
}

fn stack(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let parts = call.tensors(e, "tensors")?;
    let axis = axis_or_first(e, call, e.graph.ty(parts[0]).rank() + 1)?;
    let parts: Eval<Vec<NodeId>> = parts
        .iter()
        .map(|part| {
            let mut shape = e.graph.ty(*part).shape.clone();
            shape.insert((axis as usize).min(shape.len()), Dim::from(1i64));
            e.emit(Op::Reshape { shape }, &[*part], call.span)
        })
        .collect();
    e.emit(Op::Concat { axis }, &parts?, call.span).map(Value::Tensor)
}

fn pad(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let x = call.tensor(e, "x")?;
    let axis = call.axis(e, "axis", e.graph.ty(x).rank())?;
    let (low, high) = (call.int(e, "low")?, call.int(e, "high")?);
    let value = call.float_or(e, "value", 0.0)?;
    e.emit(Op::Pad { axis, low, high, value }, &[x], call.span).map(Value::Tensor)
}

fn like(e: &mut Evaluator<'_>, call: &Call, value: f64) -> Eval<Value> {
    let x = call.tensor(e, "x")?;
    let ty = e.graph.ty(x).clone();
    e.full(value, ty.dtype, ty.shape, call.span).map(Value::Tensor)
}
