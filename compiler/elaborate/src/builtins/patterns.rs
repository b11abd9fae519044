//! `rearrange`, `reduce`, `repeat` and `einsum`: patterns checked now, lowered to views, reductions and products.

use vspec_ir::{Dim, Facts, NodeId, Obligation, Op, Relation};
use vspec_syntax::{Diagnostic, Span};

use super::arguments::unknown_word;
use super::{Builtin, Call};
use crate::codes;
use crate::einops::{self, EinsumStep, Operand, PatternError, Reduction, Step};
use crate::eval::reduce::Fold;
use crate::eval::{Eval, Evaluator};
use crate::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[
    open("rearrange", "x, pattern", |e, c| arranged(e, c, einops::rearrange)),
    open("repeat", "x, pattern", |e, c| arranged(e, c, einops::repeat)),
    open("reduce", "x, pattern, op", reduce),
    Builtin::new("einsum", "pattern, a, b?, c?, d?", einsum),
];

const fn open(name: &'static str, params: &'static str, run: super::Run) -> Builtin {
    Builtin { name, params, open: true, transform: false, run }
}

type Planner = fn(&str, &Operand<'_>) -> Result<Vec<Step>, PatternError>;

fn arranged(e: &mut Evaluator<'_>, call: &Call, plan: Planner) -> Eval<Value> {
    planned(e, call, plan)
}

fn reduce(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let name = call.string(e, "op")?;
    match Reduction::from_name(&name) {
        Some(op) => planned(e, call, |pattern, operand| einops::reduce(pattern, op, operand)),
        None => unknown_word(e, call.span_of("op"), &name, &Reduction::NAMES),
    }
}

fn planned(
    e: &mut Evaluator<'_>,
    call: &Call,
    plan: impl Fn(&str, &Operand<'_>) -> Result<Vec<Step>, PatternError>,
) -> Eval<Value> {
    let (x, pattern) = (call.tensor(e, "x")?, call.string(e, "pattern")?);
    let sizes = sizes(e, call)?;
    let shape = e.graph.ty(x).shape.clone();
    let facts: Facts = e.graph.facts().clone();
    match plan(&pattern, &Operand { shape: &shape, sizes: &sizes, facts: &facts }) {
        Ok(steps) => steps.into_iter().try_fold(x, |x, step| apply(e, x, step, call.span)).map(Value::Tensor),
        Err(error) => refused(e, call, error),
    }
}

/// Sizes that the call names: `s = 4`.
fn sizes(e: &mut Evaluator<'_>, call: &Call) -> Eval<Vec<(String, Dim)>> {
    let mut sizes = vec![];
    for given in &call.extra {
        let Some(name) = &given.name else { continue };
        match given.value.as_dim() {
            Some(size) => sizes.push((name.name.to_string(), size)),
            None => {
                let message = format!("`{}` is a size, not {}", name.name, given.value.kind());
                return e.error(codes::WRONG_KIND, given.span, message);
            }
        }
    }
    Ok(sizes)
}

fn apply(e: &mut Evaluator<'_>, x: NodeId, step: Step, span: Span) -> Eval<NodeId> {
    let op = match step {
        Step::Reshape(shape) => Op::Reshape { shape },
        Step::Permute(axes) => Op::Permute { axes },
        Step::Broadcast(shape) => Op::Broadcast { shape },
        Step::Reduce { op: kind, axes, keepdims } => {
            return e.fold(x, &Fold { kind, axes, keepdims, narrowed: None }, span);
        }
    };
    e.emit(op, &[x], span)
}

/// `einsum(pattern, a, b, ..)`
fn einsum(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let pattern = call.string(e, "pattern")?;
    let mut values = vec![];
    for name in ["a", "b", "c", "d"] {
        if call.get(name).is_some() {
            let operand = call.tensor(e, name)?;
            values.push(e.zero_padding(operand, call.span)?);
        }
    }
    let types: Vec<Vec<Dim>> = values.iter().map(|v| e.graph.ty(*v).shape.clone()).collect();
    let shapes: Vec<&[Dim]> = types.iter().map(Vec::as_slice).collect();
    let plan = match einops::einsum(&pattern, &shapes) {
        Ok(plan) => plan,
        Err(error) => return refused(e, call, error),
    };
    for (left, right) in plan.requires {
        e.step.obligations.push(Obligation { relation: Relation::Equal, left, right });
    }
    for step in plan.steps {
        let next = match step {
            EinsumStep::Apply(value, step) => apply(e, values[value], step, call.span)?,
            EinsumStep::Matmul(a, b) => e.emit(Op::Matmul {}, &[values[a], values[b]], call.span)?,
            EinsumStep::Mul(a, b) => e.emit(Op::Mul {}, &[values[a], values[b]], call.span)?,
        };
        values.push(next);
    }
    Ok(Value::Tensor(values[plan.result]))
}

/// The message about a pattern, at the part of the text that is wrong.
fn refused<T>(e: &mut Evaluator<'_>, call: &Call, error: PatternError) -> Eval<T> {
    let whole = call.span_of("pattern");
    // One byte for the opening quote. A pattern that is no literal is underlined as a whole.
    let (start, end) =
        (whole.start as usize + 1 + error.range.start, whole.start as usize + 1 + error.range.end);
    let literal = e.loader.sources.slice(whole).starts_with('"') && end <= whole.end as usize;
    let span = if literal { Span::new(whole.file, start, end) } else { whole };
    let diagnostic = Diagnostic::error(codes::BAD_PATTERN, span, error.message);
    e.fail(match error.hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    })
}
