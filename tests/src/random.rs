//! What random graphs are run with: values for their inputs, and a number to differentiate.

use vspec_engine::rng::Stream;
use vspec_engine::{Buffer, HostTensor, Inputs};
use vspec_ir::{DType, Dim, Graph, NodeId, Op, Origin, Type};

/// Values of the named sizes of random graphs; `H` is a multiple of 4.
fn size(dim: &Dim) -> usize {
    let value = dim.eval(&|name| match name {
        "B" => Some(2),
        "H" => Some(4),
        _ => None,
    });
    usize::try_from(value.expect("random graphs name no other sizes")).expect("sizes are not negative")
}

/// The float inputs of a graph: what they are called, and their nodes.
pub fn float_inputs(graph: &Graph) -> Vec<(String, NodeId)> {
    let floats = graph.nodes().filter(|(_, node)| node.ty.dtype == DType::F32);
    let named = floats.filter_map(|(id, node)| match &node.op {
        Op::Input { name, .. } => Some((name.to_string(), id)),
        _ => None,
    });
    named.collect()
}

/// Normal numbers for every input, different ones for each name.
pub fn values(graph: &Graph) -> Inputs {
    let inputs = float_inputs(graph).into_iter();
    inputs.map(|(name, id)| (name.clone(), drawn(&name, graph.ty(id)))).collect()
}

fn drawn(name: &str, ty: &Type) -> HostTensor {
    let shape: Vec<usize> = ty.shape.iter().map(size).collect();
    let stream = Stream::new(name, 3, 0);
    // Rounded, so that both precisions begin with the same numbers.
    let numbers = (0..shape.iter().product::<usize>()).map(|i| stream.normal(i as u64) as f32);
    HostTensor::new(shape, Buffer::F32(numbers.collect())).expect("as many elements as the shape says")
}

/// The same values, each changed by about a share of what it is; each round changes them differently.
pub fn nudged(inputs: &Inputs, share: f64, round: u64) -> Inputs {
    let moved = |(name, tensor): (&String, &HostTensor)| {
        let stream = Stream::new(name, 4, round);
        let numbers = tensor.to_f64().into_iter().enumerate();
        let numbers = numbers.map(|(i, v)| v * (1.0 + share * stream.normal(i as u64)));
        let tensor = HostTensor::new(tensor.shape().to_vec(), Buffer::F64(numbers.collect()));
        (name.clone(), tensor.expect("the same shape"))
    };
    inputs.iter().map(moved).collect()
}

/// A sum over every float output, in which each of their elements has a weight of its own. `None` where no output is a float.
pub fn loss(graph: &mut Graph) -> Option<NodeId> {
    let outputs: Vec<NodeId> = graph.outputs().iter().map(|o| o.node).collect();
    let floats = outputs.into_iter().filter(|id| graph.ty(*id).dtype == DType::F32).collect::<Vec<_>>();
    let parts: Vec<NodeId> = floats.into_iter().map(|id| weighted_sum(graph, id)).collect();
    parts.into_iter().reduce(|a, b| add(graph, Op::Add {}, &[a, b]))
}

fn weighted_sum(graph: &mut Graph, value: NodeId) -> NodeId {
    let shape = graph.ty(value).shape.clone();
    let stream = format!("cotangent{value}").into();
    let weights = add(graph, Op::Normal { shape: shape.clone(), stream }, &[]);
    let product = add(graph, Op::Mul {}, &[value, weights]);
    match shape.len() {
        0 => product,
        rank => add(graph, Op::Sum { axes: (0..rank as i64).collect(), keepdims: false }, &[product]),
    }
}

fn add(graph: &mut Graph, op: Op, operands: &[NodeId]) -> NodeId {
    graph.add(op, operands, Origin::default()).expect("well typed")
}
