//! What random graphs are run with: values for their inputs, and a number to differentiate. How many there are.

use std::fmt;

use proptest::test_runner::Config;
use vspec_engine::rng::Stream;
use vspec_engine::{Buffer, Engine, HostTensor, Inputs, Interpreter, Precision, RunKey};
use vspec_ir::{DType, Dim, Graph, Literal, NodeId, Op, Origin, Output, OutputKind, Type};

/// A graph that failures show as a person writes it.
pub struct Shown(pub Graph);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// So many cases, unless `PROPTEST_CASES` says how many. Which ones `.cargo/config.toml` says.
pub fn config(cases: u32) -> Config {
    let asked = Config { failure_persistence: None, ..Config::default() };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { cases };
    Config { cases, ..asked }
}

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

/// Which numbers a graph is run with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Normal ones: no two are equal.
    Normal,
    /// Of a few short ones, with zero among them: many are equal, and sums and products of them are not rounded.
    Few,
}

/// Numbers for every input, different ones for each name.
pub fn values(graph: &Graph, numbers: Numbers) -> Inputs {
    let inputs = float_inputs(graph).into_iter();
    inputs.map(|(name, id)| (name.clone(), drawn(&name, graph.ty(id), numbers))).collect()
}

fn drawn(name: &str, ty: &Type, numbers: Numbers) -> HostTensor {
    const FEW: [f32; 7] = [0.0, 1.0, -1.0, 0.5, 2.0, -0.5, 1.0];
    let shape: Vec<usize> = ty.shape.iter().map(size).collect();
    let stream = Stream::new(name, 3, 0);
    let number = |i: u64| match numbers {
        // Rounded, so that both precisions begin with the same numbers.
        Numbers::Normal => stream.normal(i) as f32,
        Numbers::Few => FEW[stream.bits(i) as usize % FEW.len()],
    };
    let drawn = (0..shape.iter().product::<usize>()).map(|i| number(i as u64));
    HostTensor::new(shape, Buffer::F32(drawn.collect())).expect("as many elements as the shape says")
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
pub fn loss(graph: &mut Graph, weights: Numbers) -> Option<NodeId> {
    let outputs: Vec<NodeId> = graph.outputs().iter().map(|o| o.node).collect();
    let floats = outputs.into_iter().filter(|id| graph.ty(*id).dtype == DType::F32).collect::<Vec<_>>();
    let parts: Vec<NodeId> = floats.into_iter().map(|id| weighted_sum(graph, id, weights)).collect();
    parts.into_iter().reduce(|a, b| add(graph, Op::Add {}, &[a, b]))
}

fn weighted_sum(graph: &mut Graph, value: NodeId, weights: Numbers) -> NodeId {
    let shape = graph.ty(value).shape.clone();
    let weights = match weights {
        Numbers::Normal => Op::Normal { shape: shape.clone(), stream: format!("cotangent{value}").into() },
        Numbers::Few => Op::Constant { value: short_weights(graph.ty(value)) },
    };
    let weights = add(graph, weights, &[]);
    let product = add(graph, Op::Mul {}, &[value, weights]);
    match shape.len() {
        0 => product,
        rank => add(graph, Op::Sum { axes: (0..rank as i64).collect(), keepdims: false }, &[product]),
    }
}

/// Different numbers with few digits, none of them 0.
fn short_weights(ty: &Type) -> Literal {
    let shape = ty.const_shape().expect("a graph with few numbers has constant sizes");
    let values = (0..shape.iter().product::<usize>()).map(|i| (i * 5 % 7) as f64 - 2.5);
    Literal { dtype: DType::F32, values: values.collect(), shape }
}

/// Whether a graph rounds nothing: the reference has the same values in single as in double precision, in every node.
pub fn is_exact(graph: &Graph, inputs: &Inputs, key: RunKey) -> bool {
    let nodes = graph.nodes().filter(|(_, node)| node.ty.dtype == DType::F32);
    let output =
        |(id, _): (NodeId, &_)| Output { name: format!("{id}").into(), kind: OutputKind::Value, node: id };
    let all = graph.extract("all", &nodes.map(output).collect::<Vec<_>>());
    let values = |precision| {
        let results = Interpreter::new(precision).session().run(&all, inputs, key).ok()?;
        Some(results.iter().map(HostTensor::to_f64).collect::<Vec<_>>())
    };
    let (single, double) = (values(Precision::F32), values(Precision::F64));
    let finite = |rows: &Vec<Vec<f64>>| rows.iter().flatten().all(|v| v.is_finite());
    single.as_ref().is_some_and(finite) && single == double
}

fn add(graph: &mut Graph, op: Op, operands: &[NodeId]) -> NodeId {
    graph.add(op, operands, Origin::default()).expect("well typed")
}
