//! Random tensors. Each site draws from a stream of its own, so that adding one changes no other.

use std::sync::Arc;

use vspec_ir::{Dim, Op};

use super::{Builtin, Call};
use crate::eval::{Eval, Evaluator, Place};
use crate::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("uniform", "shape", |e, c| draw(e, c, |shape, stream| Op::Uniform { shape, stream })),
    Builtin::new("normal", "shape", |e, c| draw(e, c, |shape, stream| Op::Normal { shape, stream })),
];

fn draw(e: &mut Evaluator<'_>, call: &Call, op: fn(Vec<Dim>, Arc<str>) -> Op) -> Eval<Value> {
    let shape = call.shape(e, "shape")?;
    let stream = next_stream(e);
    e.emit(op(shape, stream), &[], call.span).map(Value::Tensor)
}

/// The variable that is being initialised, or the module or step that draws; a number for every further site.
pub(crate) fn next_stream(e: &mut Evaluator<'_>) -> Arc<str> {
    let owner = match e.place {
        Place::Init => e.stream.clone(),
        _ => e.module_path.clone().unwrap_or_else(|| e.stream.clone()),
    };
    let site = e.streams;
    e.streams += 1;
    match (e.place, site) {
        (Place::Init, 0) => owner,
        _ => format!("{owner}#{site}").into(),
    }
}
