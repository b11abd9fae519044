//! The reference interpreter: it defines what each op means by computing it in the most obvious way.
//!
//! Every op is a few lines over whole arrays. Sums and products are accumulated in double precision and rounded once, so
//! that in single precision its results are the most accurate ones an engine can be compared with.

mod array;
mod elementwise;
mod random;
mod reduce;
mod session;
mod value;
mod view;
mod window;

use vspec_ir::{DType, Literal, Node, Op};

use crate::bind::Sizes;
use crate::{Engine, EngineError, RunKey, Session};
use array::Array;
use elementwise as ew;
use value::{Real, Value, for_any};
use window::Window;

/// The precision that the interpreter computes `f32` values in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Single: what the graph says.
    #[default]
    F32,
    /// Double: for checking other engines.
    F64,
}

/// The reference interpreter as an engine. It has no gradients of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interpreter {
    /// What it computes in.
    pub precision: Precision,
}

impl Interpreter {
    /// An interpreter of a precision.
    pub fn new(precision: Precision) -> Self {
        Interpreter { precision }
    }
}

impl Engine for Interpreter {
    fn name(&self) -> &'static str {
        "interp"
    }

    fn session(&self) -> Box<dyn Session> {
        match self.precision {
            Precision::F32 => Box::new(session::InterpSession::<f32>::default()),
            Precision::F64 => Box::new(session::InterpSession::<f64>::default()),
        }
    }
}

/// What a node may need beyond its operands.
struct Context<'a> {
    sizes: &'a Sizes,
    key: RunKey,
}

/// The value of a node from the values of its operands. Inputs and variables are the session's.
fn compute<T: Real>(node: &Node, x: &[&Value<T>], cx: &Context<'_>) -> Result<Value<T>, EngineError> {
    match &node.op {
        Op::Input { .. } | Op::Param { .. } | Op::State { .. } => unread(node),
        Op::Constant { value } => Ok(literal(value)),
        Op::Full { value, dtype, shape } => Ok(Value::full(*dtype, cx.sizes.shape(shape)?, *value)),
        Op::Size { value, dtype } => Ok(Value::full(*dtype, vec![], cx.sizes.signed(value)? as f64)),
        Op::Iota { shape, axis } => Ok(Value::Int(random::iota(cx.sizes.shape(shape)?, *axis as usize))),
        Op::Uniform { shape, stream } => Ok(random::uniform(cx.sizes.shape(shape)?, stream, cx.key)),
        Op::Normal { shape, stream } => Ok(random::normal(cx.sizes.shape(shape)?, stream, cx.key)),
        Op::Neg {} => ew::number(x[0], |v| -v, i32::wrapping_neg),
        Op::Abs {} => ew::number(x[0], f64::abs, i32::wrapping_abs),
        Op::Sign {} => ew::number(x[0], ew::sign, i32::signum),
        Op::Exp {} => ew::float(x[0], libm::exp),
        Op::Log {} => ew::float(x[0], libm::log),
        Op::Log1p {} => ew::float(x[0], libm::log1p),
        Op::Sqrt {} => ew::float(x[0], libm::sqrt),
        Op::Sin {} => ew::float(x[0], libm::sin),
        Op::Cos {} => ew::float(x[0], libm::cos),
        Op::Tanh {} => ew::float(x[0], libm::tanh),
        Op::Sigmoid {} => ew::float(x[0], ew::sigmoid),
        Op::Erf {} => ew::float(x[0], libm::erf),
        Op::Relu {} => ew::float(x[0], ew::relu),
        Op::Floor {} => ew::float(x[0], libm::floor),
        Op::Not {} => ew::not(x[0]),
        Op::Cast { dtype } => Ok(ew::cast(x[0], *dtype)),
        Op::Add {} => ew::arithmetic([x[0], x[1]], |a, b| a + b, i32::wrapping_add),
        Op::Sub {} => ew::arithmetic([x[0], x[1]], |a, b| a - b, i32::wrapping_sub),
        Op::Mul {} => ew::arithmetic([x[0], x[1]], |a, b| a * b, i32::wrapping_mul),
        Op::Div {} => ew::arithmetic([x[0], x[1]], |a, b| a / b, ew::floor_div),
        Op::Rem {} => ew::arithmetic([x[0], x[1]], |a, b| a - b * libm::floor(a / b), ew::rem),
        Op::Pow {} => ew::arithmetic([x[0], x[1]], libm::pow, |a, _| a),
        Op::Max {} => ew::arithmetic([x[0], x[1]], |a, b| reduce::max(&[a, b]), i32::max),
        Op::Min {} => ew::arithmetic([x[0], x[1]], |a, b| reduce::min(&[a, b]), i32::min),
        Op::Eq {} => ew::compare([x[0], x[1]], |a, b| a == b),
        Op::Lt {} => ew::compare([x[0], x[1]], |a, b| a < b),
        Op::Le {} => ew::compare([x[0], x[1]], |a, b| a <= b),
        Op::And {} => ew::logic([x[0], x[1]], |a, b| a && b),
        Op::Or {} => ew::logic([x[0], x[1]], |a, b| a || b),
        Op::Where {} => ew::select([x[0], x[1], x[2]]),
        Op::Sum { axes, keepdims } => reduce::fold(x[0], axes, *keepdims, reduce::sum, |g| g.iter().sum()),
        Op::Mean { axes, keepdims } => reduce::fold(x[0], axes, *keepdims, reduce::mean, |_| 0),
        Op::ReduceMax { axes, keepdims } => {
            reduce::fold(x[0], axes, *keepdims, reduce::max, |g| g.iter().copied().max().unwrap_or(i32::MIN))
        }
        Op::ReduceMin { axes, keepdims } => {
            reduce::fold(x[0], axes, *keepdims, reduce::min, |g| g.iter().copied().min().unwrap_or(i32::MAX))
        }
        Op::Argmax { axis } => reduce::argmax(x[0], *axis as usize),
        Op::Matmul {} => {
            let (a, b) = (x[0].float()?.map(T::to_f64), x[1].float()?.map(T::to_f64));
            Ok(Value::Float(view::matmul(&a, &b).map(T::from_f64)))
        }
        Op::Conv { stride, padding, dilation, groups } => {
            let (input, weight) = (x[0].float()?, x[1].float()?);
            let window = Window { kernel: weight.shape[2..].to_vec(), stride, padding, dilation };
            Ok(Value::Float(window::conv(input, weight, &window, *groups as usize)))
        }
        Op::MaxPool { kernel, stride, padding, dilation } => {
            let window = Window { kernel: sizes(kernel), stride, padding, dilation };
            Ok(Value::Float(window::pool(x[0].float()?, &window, |inside, _| reduce::max(inside))))
        }
        Op::AvgPool { kernel, stride, padding, count_padding } => {
            let window = Window { kernel: sizes(kernel), stride, padding, dilation: &vec![1; kernel.len()] };
            let count = |inside: &[f64], all: usize| if *count_padding { all } else { inside.len().max(1) };
            let mean = |inside: &[f64], all: usize| reduce::sum(inside) / count(inside, all) as f64;
            Ok(Value::Float(window::pool(x[0].float()?, &window, mean)))
        }
        Op::Reshape { shape } => {
            let shape = cx.sizes.shape(shape)?;
            Ok(for_any!(x[0], a => a.with_shape(shape)))
        }
        Op::Permute { axes } => Ok(for_any!(x[0], a => view::permute(a, axes))),
        Op::Broadcast { shape } => {
            let shape = cx.sizes.shape(shape)?;
            Ok(for_any!(x[0], a => view::broadcast(a, shape)))
        }
        Op::Slice { axis, start, end, step } => {
            let range = [cx.sizes.dim(start)?, cx.sizes.dim(end)?, *step as usize];
            Ok(for_any!(x[0], a => view::slice(a, *axis as usize, range)))
        }
        Op::Concat { axis } => concat(x, *axis as usize),
        Op::Pad { axis, low, high, value } => {
            let amounts = [*low as usize, *high as usize];
            match x[0] {
                Value::Int(a) => Ok(Value::Int(view::pad(a, *axis as usize, amounts, *value as i32))),
                other => {
                    Ok(Value::Float(view::pad(other.float()?, *axis as usize, amounts, T::from_f64(*value))))
                }
            }
        }
        Op::Gather { axis } => {
            let index = x[1].int()?;
            Ok(for_any!(x[0], a => view::gather(a, index, *axis as usize)?))
        }
        Op::StopGradient {} => Ok(x[0].clone()),
        Op::Gradient {} => Err(EngineError::Unsupported(
            "the interpreter has no gradients: train on another engine, such as dfdx".to_string(),
        )),
    }
}

fn sizes(values: &[i64]) -> Vec<usize> {
    values.iter().map(|v| *v as usize).collect()
}

fn unread<T>(node: &Node) -> Result<Value<T>, EngineError> {
    Err(EngineError::Unsupported(format!("`{}` is not given", node.op.decl().name)))
}

fn literal<T: Real>(literal: &Literal) -> Value<T> {
    let values = Array { shape: literal.shape.clone(), data: literal.values.to_vec() };
    match literal.dtype {
        DType::F32 => Value::Float(values.map(T::from_f64)),
        DType::I32 => Value::Int(values.map(|v| v as i32)),
        DType::Bool => Value::Bool(values.map(|v| v != 0.0)),
    }
}

fn concat<T: Real>(parts: &[&Value<T>], axis: usize) -> Result<Value<T>, EngineError> {
    match parts[0] {
        Value::Float(_) => {
            let parts: Result<Vec<_>, _> = parts.iter().map(|p| p.float()).collect();
            Ok(Value::Float(view::concat(&parts?, axis)))
        }
        Value::Int(_) => {
            let parts: Result<Vec<_>, _> = parts.iter().map(|p| p.int()).collect();
            Ok(Value::Int(view::concat(&parts?, axis)))
        }
        Value::Bool(_) => {
            let parts: Result<Vec<_>, _> = parts.iter().map(|p| p.mask()).collect();
            Ok(Value::Bool(view::concat(&parts?, axis)))
        }
    }
}
