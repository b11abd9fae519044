//! The reference interpreter: it defines what each op means by computing it in the most obvious way.
//!
//! Every op is a few lines over whole arrays. In single precision each result is computed in double precision from the
//! operands and rounded once, sums and products included: it is the most accurate result that another engine can be
//! compared with. Functions such as `exp` come from a software library and are the same on every machine.
//!
//! Where the op table leaves a choice: integers wrap around, an integer divided by 0 is 0, floats turned into integers
//! saturate (NaN gives 0), NaN wins in maxima and minima, and an index outside its axis is an error.

pub(crate) mod array;
mod contract;
mod elementwise;
pub(crate) mod reduce;
mod scan;
mod scatter;
mod session;
mod source;
#[cfg(test)]
mod tests;
pub(crate) mod value;
mod view;
mod window;

use vspec_ir::{Node, Op};

use crate::bind::Sizes;
use crate::{Engine, EngineError, HostTensor, RunKey, Session};
use reduce::Over;
use value::{Real, Value};
use window::Moves;

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

    /// The value of one node from the values of its operands: for engines that leave an op to the reference.
    ///
    /// # Errors
    /// When the node is an input, a variable or a gradient, or an index lies outside its axis.
    pub fn evaluate(
        &self,
        node: &Node,
        operands: &[HostTensor],
        sizes: &Sizes,
        key: RunKey,
    ) -> Result<HostTensor, EngineError> {
        let shape = sizes.shape(&node.ty.shape)?;
        let context = Context { sizes, key, shape: &shape };
        match self.precision {
            Precision::F32 => evaluate::<f32>(node, operands, &context),
            Precision::F64 => evaluate::<f64>(node, operands, &context),
        }
    }
}

fn evaluate<T: Real>(
    node: &Node,
    operands: &[HostTensor],
    cx: &Context<'_>,
) -> Result<HostTensor, EngineError> {
    let values: Vec<Value<T>> = operands.iter().map(Value::from_host).collect();
    compute(node, &values.iter().collect::<Vec<_>>(), cx)?.into_host()
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
pub(crate) struct Context<'a> {
    pub(crate) sizes: &'a Sizes,
    pub(crate) key: RunKey,
    /// The shape of the node's value.
    pub(crate) shape: &'a [usize],
}

/// The value of a node from the values of its operands. Inputs and variables are the session's.
pub(crate) fn compute<T: Real>(
    node: &Node,
    x: &[&Value<T>],
    cx: &Context<'_>,
) -> Result<Value<T>, EngineError> {
    match &node.op {
        Op::Input { .. } | Op::Param { .. } | Op::State { .. } => {
            Err(unsupported("what is read is not known here"))
        }
        Op::Constant { value } => Ok(source::literal(value)),
        Op::Full { value, dtype, .. } => Ok(source::full(*dtype, cx.shape, *value)),
        Op::Size { value, dtype } => source::size(*dtype, value, cx.sizes),
        Op::Iota { axis, .. } => Ok(source::iota(cx.shape, *axis)),
        Op::Uniform { stream, .. } => Ok(source::uniform(cx.shape, stream, cx.key)),
        Op::Normal { stream, .. } => Ok(source::normal(cx.shape, stream, cx.key)),
        Op::Neg {}
        | Op::Abs {}
        | Op::Sign {}
        | Op::Exp {}
        | Op::Log {}
        | Op::Log1p {}
        | Op::Sqrt {}
        | Op::Sin {}
        | Op::Cos {}
        | Op::Atan {}
        | Op::Tanh {}
        | Op::Sigmoid {}
        | Op::Erf {}
        | Op::Relu {}
        | Op::Floor {}
        | Op::Not {}
        | Op::Cast { .. }
        | Op::Add {}
        | Op::Sub {}
        | Op::Mul {}
        | Op::Div {}
        | Op::Rem {}
        | Op::Pow {}
        | Op::Atan2 {}
        | Op::Max {}
        | Op::Min {}
        | Op::Eq {}
        | Op::Lt {}
        | Op::Le {}
        | Op::And {}
        | Op::Or {}
        | Op::Where {} => elementwise::apply(&node.op, x),
        Op::Sum { axes, keepdims } => over(axes, *keepdims).numbers(x[0], reduce::sum, reduce::sum_i32),
        Op::Mean { axes, keepdims } => over(axes, *keepdims).mean(x[0]),
        Op::ReduceMax { axes, keepdims } => over(axes, *keepdims).numbers(x[0], reduce::max, reduce::max_i32),
        Op::ReduceMin { axes, keepdims } => over(axes, *keepdims).numbers(x[0], reduce::min, reduce::min_i32),
        Op::Argmax { axis } => Ok(reduce::argmax(x[0], *axis)),
        Op::Cumsum { axis, reverse } => Ok(scan::cumsum(x[0], *axis, *reverse)),
        Op::Cumprod { axis } => Ok(scan::cumprod(x[0], *axis)),
        Op::Argsort { axis, descending } => Ok(scan::argsort(x[0], *axis, *descending)),
        Op::TopK { axis, descending, .. } => {
            Ok(view::slice(&scan::argsort(x[0], *axis, *descending), cx.shape, *axis, [0, 1]))
        }
        Op::Matmul {} => contract::matmul(x[0], x[1]),
        Op::Conv { stride, padding, dilation, groups } => {
            window::conv([x[0], x[1]], Moves { stride, padding, dilation }, *groups)
        }
        Op::ConvInput { stride, padding, dilation, groups, .. } => {
            window::conv_input([x[0], x[1]], cx.shape, Moves { stride, padding, dilation }, *groups)
        }
        Op::ConvWeight { stride, padding, dilation, groups, .. } => {
            window::conv_weight([x[0], x[1]], cx.shape, Moves { stride, padding, dilation }, *groups)
        }
        Op::MaxPoolIndex { kernel, stride, padding, dilation } => {
            window::max_pool_index(x[0], kernel, Moves { stride, padding, dilation })
        }
        Op::MaxPool { kernel, stride, padding, dilation } => {
            window::max_pool(x[0], kernel, Moves { stride, padding, dilation })
        }
        Op::AvgPool { kernel, stride, padding, count_padding } => {
            window::avg_pool(x[0], kernel, Moves { stride, padding, dilation: &[] }, *count_padding)
        }
        Op::Reshape { .. } => Ok(view::reshape(x[0], cx.shape)),
        Op::Permute { axes } => Ok(view::permute(x[0], axes)),
        Op::Broadcast { .. } => Ok(view::broadcast(x[0], cx.shape)),
        Op::Slice { axis, start, step, .. } => {
            Ok(view::slice(x[0], cx.shape, *axis, [cx.sizes.dim(start)?, *step as usize]))
        }
        Op::Concat { axis } => view::concat(x, *axis),
        Op::Pad { axis, low, value, .. } => view::pad(x[0], cx.shape, [*axis, *low], *value),
        Op::Gather { axis } => view::gather(x[0], x[1], *axis),
        Op::TakeAlong { axis } => scatter::take_along(x[0], x[1], *axis),
        Op::Scatter { axis } => scatter::scatter([x[0], x[2]], x[1], *axis),
        Op::ScatterAdd { axis } => scatter::scatter_add([x[0], x[2]], x[1], *axis),
        Op::HostCall { function } => host_call(function, x),
        Op::StopGradient {} | Op::CustomGradient {} => Ok(x[0].clone()),
        Op::Cotangent {} => Ok(source::full(vspec_ir::DType::F32, cx.shape, 0.0)),
        Op::Gradient {} => {
            Err(unsupported("the interpreter has no gradients: differentiate the graph first"))
        }
    }
}

/// The operands and the result of a function of the runtime are tensors in host memory.
fn host_call<T: Real>(function: &str, x: &[&Value<T>]) -> Result<Value<T>, EngineError> {
    let operands: Result<Vec<HostTensor>, EngineError> = x.iter().map(|v| (*v).clone().into_host()).collect();
    Ok(Value::from_host(&crate::host::call(function, &operands?)?))
}

fn over(axes: &[i64], keepdims: bool) -> Over<'_> {
    Over { axes, keepdims }
}

fn unsupported(what: &str) -> EngineError {
    EngineError::Unsupported(what.to_string())
}
