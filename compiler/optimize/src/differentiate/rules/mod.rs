//! The chain rule of each op.

mod contract;
mod elementwise;
mod gather;
mod reduce;
mod scan;
mod view;
mod window;

use vspec_ir::{NodeId, Op};

use super::back::{Back, Built};

/// For each operand what a node adds to its gradient, given its own, `g`. Only what `wanted` asks for has to be there.
pub(super) fn parts(b: &mut Back<'_>, id: NodeId, g: NodeId, wanted: &[bool]) -> Built<Vec<Option<NodeId>>> {
    let node = b.graph().node(id).clone();
    let x = node.inputs.as_slice();
    let one = |part: Built| part.map(|part| vec![Some(part)]);
    match &node.op {
        Op::Neg {} => one(b.neg(g)),
        Op::Abs {} => one(elementwise::abs(b, x[0], g)),
        Op::Exp {} => one(b.mul(g, id)),
        Op::Log {} => one(b.div(g, x[0])),
        Op::Log1p {} => one(elementwise::log1p(b, x[0], g)),
        Op::Sqrt {} => one(elementwise::sqrt(b, id, g)),
        Op::Sin {} => one(elementwise::sin(b, x[0], g)),
        Op::Cos {} => one(elementwise::cos(b, x[0], g)),
        Op::Atan {} => one(elementwise::atan(b, x[0], g)),
        Op::Tanh {} => one(elementwise::tanh(b, id, g)),
        Op::Sigmoid {} => one(elementwise::sigmoid(b, id, g)),
        Op::Erf {} => one(elementwise::erf(b, x[0], g)),
        Op::Relu {} => one(elementwise::relu(b, x[0], g)),
        // Only between floats; other types are on no way back.
        Op::Cast { .. } => one(Ok(g)),
        Op::Add {} => elementwise::add(b, x, g),
        Op::Sub {} => elementwise::sub(b, x, g),
        Op::Mul {} => elementwise::mul(b, x, g, wanted),
        Op::Div {} => elementwise::div(b, x, id, g, wanted),
        Op::Rem {} => elementwise::rem(b, x, id, g, wanted),
        Op::Pow {} => elementwise::pow(b, x, id, g, wanted),
        Op::Atan2 {} => elementwise::atan2(b, x, g),
        Op::Max {} => elementwise::max(b, [x[0], x[1]], [x[1], x[0]], g),
        Op::Min {} => elementwise::max(b, [x[0], x[1]], [x[0], x[1]], g),
        Op::Where {} => elementwise::select(b, x, g),
        Op::Sum { axes, .. } => one(reduce::sum(b, x[0], axes, g)),
        Op::Mean { axes, .. } => one(reduce::mean(b, x[0], axes, g)),
        Op::ReduceMax { axes, .. } => one(reduce::largest(b, x[0], axes, g, false)),
        Op::ReduceMin { axes, .. } => one(reduce::largest(b, x[0], axes, g, true)),
        Op::Cumsum { axis, reverse } => one(b.unary(Op::Cumsum { axis: *axis, reverse: !reverse }, g)),
        Op::Cumprod { axis } => one(scan::cumprod(b, x[0], *axis as usize, g)),
        Op::Matmul {} => contract::matmul(b, x, g, wanted),
        Op::Conv { .. } => contract::conv(b, &node, g, wanted),
        Op::ConvInput { .. } => contract::conv_input(b, &node, g, wanted),
        Op::ConvWeight { .. } => contract::conv_weight(b, &node, g, wanted),
        Op::MaxPool { .. } => one(window::max_pool(b, &node, g)),
        Op::AvgPool { .. } => one(window::avg_pool(b, &node, g)),
        Op::Reshape { .. } => one(b.reshape(g, b.shape(x[0]))),
        Op::Permute { axes } => one(view::permute(b, axes, g)),
        Op::Broadcast { .. } => one(b.unbroadcast(g, &b.shape(x[0]))),
        Op::Slice { axis, start, end, step } => one(view::slice(b, x[0], *axis, [start, end], *step, g)),
        Op::Concat { axis } => view::concat(b, x, *axis, g),
        Op::Pad { axis, low, .. } => one(view::pad(b, x[0], *axis, *low, g)),
        Op::Gather { axis } => gather::gather(b, x, *axis as usize, g),
        Op::TakeAlong { axis } => gather::take_along(b, x, *axis, g),
        Op::Scatter { axis } => gather::scatter(b, x, *axis, g),
        Op::ScatterAdd { axis } => gather::scatter_add(b, x, *axis, g),
        // The sweep's own.
        Op::CustomGradient {} => nothing(x),
        Op::Input { .. }
        | Op::Param { .. }
        | Op::State { .. }
        | Op::Constant { .. }
        | Op::Full { .. }
        | Op::Size { .. }
        | Op::Iota { .. }
        | Op::Uniform { .. }
        | Op::Normal { .. }
        | Op::Sign {}
        | Op::Floor {}
        | Op::Not {}
        | Op::Eq {}
        | Op::Lt {}
        | Op::Le {}
        | Op::And {}
        | Op::Or {}
        | Op::Argmax { .. }
        | Op::Argsort { .. }
        | Op::TopK { .. }
        | Op::MaxPoolIndex { .. }
        | Op::HostCall { .. }
        | Op::StopGradient {}
        | Op::Cotangent {}
        | Op::Gradient {} => nothing(x),
    }
}

/// No gradient flows: for a new op the compiler asks whether that is so.
fn nothing(x: &[NodeId]) -> Built<Vec<Option<NodeId>>> {
    Ok(vec![None; x.len()])
}
