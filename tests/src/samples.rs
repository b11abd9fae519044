//! Instances of every op with values for their operands, and what their gradients should be.

use vspec_engine::rng::Stream;
use vspec_engine::{Buffer, Engine, HostTensor, Inputs, Interpreter, Precision, RunKey};
use vspec_ir::ops::{Domain, OpDecl, TABLE};
use vspec_ir::{DType, Graph, NodeId, Op, Origin, Type, text};

/// An instance of an op with values for its operands.
pub struct Instance {
    /// The op and its operands, for messages.
    pub what: String,
    /// Inputs and the op.
    pub graph: Graph,
    /// Values of the inputs `x0`, `x1`, ..
    pub inputs: Inputs,
    /// The nodes of the inputs.
    pub operands: Vec<NodeId>,
    /// The node of the op.
    pub result: NodeId,
}

/// Distinct values in the domain of an operand: a shuffled ladder, so that no two are equal and none lies at a kink.
fn sample(domain: Domain, ty: &Type, bound: usize, operand: usize) -> HostTensor {
    let stream = Stream::new(&format!("x{operand}"), 7, 0);
    // Two operands have no value in common either: where they are equal, maxima have a kink.
    let shift = 0.013 * operand as f64;
    let shape = ty.const_shape().expect("samples have constant shapes");
    let n: usize = shape.iter().product();
    let order = stream.shuffle(n.max(1) as u32);
    let ladder = |i: usize| (f64::from(order[i]) + 0.5) / n as f64;
    let value = |i: usize| match domain {
        Domain::Positive => 0.3 + 2.0 * ladder(i),
        Domain::NonZero => {
            if i.is_multiple_of(2) {
                0.3 + ladder(i)
            } else {
                -0.3 - ladder(i)
            }
        }
        _ => {
            let v = 3.0 * ladder(i) - 1.5 + shift;
            if v.abs() < 0.05 { v + 0.1 } else { v }
        }
    };
    let buffer = match (ty.dtype, domain) {
        (DType::F32, _) => Buffer::F64((0..n).map(value).collect()),
        (DType::I32, Domain::Index) => Buffer::I32((0..n).map(|i| (i * 7 % bound) as i32).collect()),
        (DType::I32, _) => Buffer::I32(
            (0..n).map(|i| if i.is_multiple_of(2) { i as i32 + 1 } else { -(i as i32) }).collect(),
        ),
        (DType::Bool, _) => Buffer::Bool((0..n).map(|i| stream.bits(i as u64).is_multiple_of(2)).collect()),
    };
    HostTensor::new(shape, buffer).expect("as many elements as the shape says")
}

fn instance(decl: &OpDecl, sample_text: &str) -> Instance {
    let (op, types) = text::parse_instance(decl.name, sample_text).expect("samples parse");
    let mut graph = Graph::new(decl.name);
    let (mut inputs, mut operands) = (Inputs::new(), vec![]);
    let bound = types.first().and_then(|t| t.const_shape()).and_then(|s| s.into_iter().min()).unwrap_or(1);
    for (i, ty) in types.iter().enumerate() {
        let name = format!("x{i}");
        let domain = decl.operands[i.min(decl.operands.len() - 1)].domain;
        inputs.insert(name.clone(), sample(domain, ty, bound, i));
        let input = Op::Input { name: name.into(), dtype: ty.dtype, shape: ty.shape.clone() };
        operands.push(graph.add(input, &[], Origin::default()).expect("an input"));
    }
    let result = graph.add(op, &operands, Origin::default()).expect("samples are well typed");
    Instance { what: format!("{} {sample_text}", decl.name), graph, inputs, operands, result }
}

/// The values of an instance with equal ones in place of different ones: floats are rounded to a few numbers of their domain.
pub fn with_ties(instance: &Instance) -> Inputs {
    let rounded = |v: f64| if v.abs() < 0.3 { 0.0 } else { v.signum() * v.abs().ceil() };
    let tied = |(name, tensor): (&String, &HostTensor)| {
        let tensor = match tensor.dtype() {
            DType::F32 => {
                let values = tensor.to_f64().into_iter().map(rounded).collect();
                HostTensor::new(tensor.shape().to_vec(), Buffer::F64(values)).expect("the same shape")
            }
            DType::I32 | DType::Bool => tensor.clone(),
        };
        (name.clone(), tensor)
    };
    instance.inputs.iter().map(tied).collect()
}

/// An instance for each sample of the op table.
pub fn instances() -> Vec<(&'static OpDecl, Instance)> {
    TABLE.iter().flat_map(|decl| decl.samples.iter().map(move |s| (decl, instance(decl, s)))).collect()
}

/// What an engine makes of a graph.
pub fn run(engine: &dyn Engine, graph: &Graph, inputs: &Inputs) -> Vec<Vec<f64>> {
    let results = engine.session().run(graph, inputs, RunKey { seed: 1, step: 2 }).expect("runs");
    results.iter().map(HostTensor::to_f64).collect()
}

/// Fails where two rows of numbers differ by more than a share of what they are.
pub fn assert_close(got: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!(
            (g - w).abs() <= tolerance * (1.0 + w.abs()) || g == w,
            "{what}: element {i} is {g}, not {w}"
        );
    }
}

/// `sum(y * c)` for a fixed `c`, so that every element of `y` matters differently.
pub fn weighted_sum(instance: &mut Instance) -> NodeId {
    let graph = &mut instance.graph;
    let shape = graph.ty(instance.result).shape.clone();
    let mut add = |op: Op, inputs: &[NodeId]| graph.add(op, inputs, Origin::default()).expect("well typed");
    let weights = add(Op::Normal { shape: shape.clone(), stream: "cotangent".into() }, &[]);
    let product = add(Op::Mul {}, &[instance.result, weights]);
    match shape.len() {
        0 => product,
        rank => add(Op::Sum { axes: (0..rank as i64).collect(), keepdims: false }, &[product]),
    }
}

/// Central differences of the first output in every element of one input.
pub fn differences(graph: &Graph, inputs: &Inputs, name: &str) -> Vec<f64> {
    let engine = Interpreter::new(Precision::F64);
    let tensor = &inputs[name];
    let values = tensor.to_f64();
    let at = |i: usize, step: f64| {
        let mut moved = values.clone();
        moved[i] += step;
        let mut inputs = inputs.clone();
        let tensor = HostTensor::new(tensor.shape().to_vec(), Buffer::F64(moved)).expect("the same shape");
        inputs.insert(name.to_string(), tensor);
        run(&engine, graph, &inputs)[0][0]
    };
    let step = 1e-5;
    (0..values.len()).map(|i| (at(i, step) - at(i, -step)) / (2.0 * step)).collect()
}
