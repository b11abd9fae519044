//! Elementwise functions. On static numbers they are evaluated now.

use std::rc::Rc;

use vspec_ir::{DType, Op};

use super::{Builtin, Call};
use crate::eval::{Eval, Evaluator};
use crate::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[
    unary("abs", |e, c| apply(e, c, Op::Abs {}, f64::abs)),
    unary("sign", |e, c| apply(e, c, Op::Sign {}, |x| if x == 0.0 { 0.0 } else { x.signum() })),
    unary("exp", |e, c| apply(e, c, Op::Exp {}, f64::exp)),
    unary("log", |e, c| apply(e, c, Op::Log {}, f64::ln)),
    unary("log1p", |e, c| apply(e, c, Op::Log1p {}, f64::ln_1p)),
    unary("sqrt", |e, c| apply(e, c, Op::Sqrt {}, f64::sqrt)),
    unary("sin", |e, c| apply(e, c, Op::Sin {}, f64::sin)),
    unary("cos", |e, c| apply(e, c, Op::Cos {}, f64::cos)),
    unary("atan", |e, c| apply(e, c, Op::Atan {}, f64::atan)),
    unary("tanh", |e, c| apply(e, c, Op::Tanh {}, f64::tanh)),
    unary("sigmoid", |e, c| apply(e, c, Op::Sigmoid {}, |x| 1.0 / (1.0 + (-x).exp()))),
    unary("erf", |e, c| tensor_only(e, c, Op::Erf {})),
    unary("relu", |e, c| apply(e, c, Op::Relu {}, |x| x.max(0.0))),
    unary("floor", |e, c| apply(e, c, Op::Floor {}, f64::floor)),
    unary("stop_gradient", |e, c| tensor_only(e, c, Op::StopGradient {})),
    unary("f32", |e, c| cast(e, c, DType::F32)),
    unary("i32", |e, c| cast(e, c, DType::I32)),
    unary("bool", |e, c| cast(e, c, DType::Bool)),
    Builtin::new("where", "mask, a, b", select),
    Builtin::new("add", "x, y", |e, c| binary(e, c, Op::Add {})),
    Builtin::new("sub", "x, y", |e, c| binary(e, c, Op::Sub {})),
    Builtin::new("mul", "x, y", |e, c| binary(e, c, Op::Mul {})),
    Builtin::new("div", "x, y", |e, c| binary(e, c, Op::Div {})),
    Builtin::new("atan2", "y, x", |e, c| {
        let (y, x) = (c.tensor(e, "y")?, c.tensor(e, "x")?);
        e.emit(Op::Atan2 {}, &[y, x], c.span).map(Value::Tensor)
    }),
    Builtin::new("clamp", "x, low?, high?", clamp),
];

const fn unary(name: &'static str, run: super::Run) -> Builtin {
    Builtin { name, params: "x", open: false, transform: true, run }
}

/// One function on static numbers and on tensors.
fn apply(e: &mut Evaluator<'_>, call: &Call, op: Op, number: fn(f64) -> f64) -> Eval<Value> {
    match (call.value("x"), &op) {
        (Value::Int(i), Op::Abs {} | Op::Sign {} | Op::Relu {}) => Ok(Value::Int(number(i as f64) as i64)),
        (value, _) => match value.as_float() {
            Some(x) => Ok(Value::Float(number(x))),
            None => tensor_only(e, call, op),
        },
    }
}

fn tensor_only(e: &mut Evaluator<'_>, call: &Call, op: Op) -> Eval<Value> {
    if let Value::Tree(tree) = call.value("x") {
        // Leaf by leaf, as operators apply to sets of parameters.
        let result = e.map_tree(&tree, call.span, |e, _, node| e.emit(op.clone(), &[node], call.span));
        return result.map(|tree| Value::Tree(Rc::new(tree)));
    }
    let x = call.tensor(e, "x")?;
    e.emit(op, &[x], call.span).map(Value::Tensor)
}

fn cast(e: &mut Evaluator<'_>, call: &Call, dtype: DType) -> Eval<Value> {
    let x = match call.value("x") {
        Value::Dim(value) if dtype != DType::Bool => {
            return e.emit(Op::Size { value, dtype }, &[], call.span).map(Value::Tensor);
        }
        Value::Int(i) => return e.full(i as f64, dtype, vec![], call.span).map(Value::Tensor),
        _ => call.tensor(e, "x")?,
    };
    if e.graph.ty(x).dtype == dtype {
        return Ok(Value::Tensor(x));
    }
    e.emit(Op::Cast { dtype }, &[x], call.span).map(Value::Tensor)
}

fn select(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let mask = call.tensor(e, "mask")?;
    let (a, b) = call.pair(e, "a", "b")?;
    e.emit(Op::Where {}, &[mask, a, b], call.span).map(Value::Tensor)
}

fn binary(e: &mut Evaluator<'_>, call: &Call, op: Op) -> Eval<Value> {
    let (x, y) = call.pair(e, "x", "y")?;
    e.emit(op, &[x, y], call.span).map(Value::Tensor)
}

/// `min(max(x, low), high)`
fn clamp(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let mut x = call.tensor(e, "x")?;
    let dtype = e.graph.ty(x).dtype;
    for (name, op) in [("low", Op::Max {}), ("high", Op::Min {})] {
        if call.get(name).is_some() {
            let bound = e.number(&call.value(name), dtype, call.span_of(name))?;
            x = e.emit(op, &[x, bound], call.span)?;
        }
    }
    Ok(Value::Tensor(x))
}
