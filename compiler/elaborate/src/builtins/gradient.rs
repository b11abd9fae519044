//! `grad`: the gradient of a scalar as a value.

use std::rc::Rc;

use indexmap::IndexMap;
use vspec_ir::{DType, NodeId, Op};
use vspec_syntax::Span;

use super::{Builtin, Call};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::experiment::reach::{Blocked, Reach};
use crate::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[Builtin::new("grad", "loss, wrt", grad)];

/// The gradient has the structure of what it is taken with respect to: a tensor, a set of parameters, a list, a record.
fn grad(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let loss = call.tensor(e, "loss")?;
    let rank = e.graph.ty(loss).rank();
    if rank != 0 {
        let message = format!("the gradient of {} is asked for; only a scalar has one", e.graph.ty(loss));
        return e.error(codes::SHAPE_MISMATCH, call.span_of("loss"), message);
    }
    let loss = Loss { reach: Reach::of(&e.graph, loss), span: call.span_of("loss") };
    structured(e, &loss, &call.value("wrt"), call.span_of("wrt"))
}

/// What is differentiated.
struct Loss {
    reach: Reach,
    span: Span,
}

fn structured(e: &mut Evaluator<'_>, loss: &Loss, wrt: &Value, span: Span) -> Eval<Value> {
    match wrt {
        Value::Tensor(node) => one(e, loss, (None, *node), span).map(Value::Tensor),
        Value::Tree(tree) => e
            .map_tree(tree, span, |e, path, node| one(e, loss, (Some(path), node), span))
            .map(|t| Value::Tree(Rc::new(t))),
        Value::List(items) | Value::Tuple(items) => {
            let parts: Eval<Vec<Value>> = items.iter().map(|i| structured(e, loss, i, span)).collect();
            parts.map(Value::list)
        }
        Value::Record(fields) => {
            let parts: Eval<IndexMap<_, _>> =
                fields.iter().map(|(n, v)| Ok((n.clone(), structured(e, loss, v, span)?))).collect();
            parts.map(|p| Value::Record(Rc::new(p)))
        }
        other => {
            let message = format!("a gradient is taken with respect to tensors, not {}", other.kind());
            e.error(codes::WRONG_KIND, span, message)
        }
    }
}

/// What the loss does not depend on has gradient 0. What it depends on through ops without a derivative only has none to ask for.
fn one(e: &mut Evaluator<'_>, loss: &Loss, (path, wrt): (Option<&str>, NodeId), span: Span) -> Eval<NodeId> {
    // That of an int is refused by the op itself.
    if loss.reach.has(wrt) || e.graph.ty(wrt).dtype != DType::F32 {
        return e.emit(Op::Gradient {}, &[loss.reach.loss(), wrt], span);
    }
    if let Some(route) = loss.reach.blocked(&e.graph, wrt) {
        let name = path.map_or_else(|| e.loader.sources.slice(span).to_string(), str::to_string);
        let blocked = Blocked { names: vec![name.into()], route };
        return e.cannot_differentiate(&blocked, [loss.span, span]);
    }
    let ty = e.graph.ty(wrt).clone();
    e.full(0.0, ty.dtype, ty.shape, span)
}
