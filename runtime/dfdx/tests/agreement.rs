//! Every op on dfdx against the reference interpreter: values, and gradients against finite differences.

use vspec_dfdx::DfdxEngine;
use vspec_engine::rng::Stream;
use vspec_engine::{Buffer, Engine, HostTensor, Inputs, Interpreter, Precision, RunKey};
use vspec_ir::ops::{Domain, Gradient, OpDecl, TABLE};
use vspec_ir::{DType, Graph, NodeId, Op, Origin, OutputKind, Type, text};

/// An instance of an op with values for its operands.
struct Instance {
    what: String,
    graph: Graph,
    inputs: Inputs,
    operands: Vec<NodeId>,
    result: NodeId,
}

/// Distinct values in the domain of an operand: a shuffled ladder, so that no two are equal and none lies at a kink.
fn sample(domain: Domain, ty: &Type, bound: usize, stream: &Stream) -> HostTensor {
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
            let v = 3.0 * ladder(i) - 1.5;
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
        inputs.insert(name.clone(), sample(domain, ty, bound, &Stream::new(&name, 7, 0)));
        let input = Op::Input { name: name.into(), dtype: ty.dtype, shape: ty.shape.clone() };
        operands.push(graph.add(input, &[], Origin::default()).expect("an input"));
    }
    let result = graph.add(op, &operands, Origin::default()).expect("samples are well typed");
    Instance { what: format!("{} {sample_text}", decl.name), graph, inputs, operands, result }
}

fn instances() -> Vec<(&'static OpDecl, Instance)> {
    TABLE.iter().flat_map(|decl| decl.samples.iter().map(move |s| (decl, instance(decl, s)))).collect()
}

fn run(engine: &dyn Engine, graph: &Graph, inputs: &Inputs) -> Vec<Vec<f64>> {
    let results = engine.session().run(graph, inputs, RunKey { seed: 1, step: 2 }).expect("runs");
    results.iter().map(HostTensor::to_f64).collect()
}

fn assert_close(got: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!(
            (g - w).abs() <= tolerance * (1.0 + w.abs()) || g == w,
            "{what}: element {i} is {g}, not {w}"
        );
    }
}

#[test]
fn every_op_has_the_reference_value() {
    for (_, mut instance) in instances() {
        instance.graph.output("y", OutputKind::Value, instance.result);
        for (precision, tolerance) in [(Precision::F64, 1e-12), (Precision::F32, 2e-6)] {
            let want = run(&Interpreter::new(precision), &instance.graph, &instance.inputs);
            let got = run(&DfdxEngine::new(precision), &instance.graph, &instance.inputs);
            assert_close(&got[0], &want[0], tolerance, &instance.what);
        }
    }
}

/// `sum(y * c)` for a fixed `c`, so that every element of `y` matters differently.
fn weighted_sum(instance: &mut Instance) -> NodeId {
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
fn differences(graph: &Graph, inputs: &Inputs, name: &str) -> Vec<f64> {
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

#[test]
fn every_gradient_is_the_slope_of_the_reference() {
    let mut checked = 0;
    for (decl, mut instance) in instances().into_iter().filter(|(d, _)| d.gradient == Gradient::Yes) {
        if instance.graph.ty(instance.result).dtype != DType::F32 {
            continue;
        }
        let loss = weighted_sum(&mut instance);
        let mut value = instance.graph.clone();
        value.output("loss", OutputKind::Value, loss);
        let floats: Vec<usize> = (0..instance.operands.len())
            .filter(|i| value.ty(instance.operands[*i]).dtype == DType::F32)
            .collect();
        for i in &floats {
            let op = Op::Gradient {};
            let node =
                instance.graph.add(op, &[loss, instance.operands[*i]], Origin::default()).expect("a scalar");
            instance.graph.output(format!("g{i}"), OutputKind::Value, node);
        }
        let got = run(&DfdxEngine::new(Precision::F64), &instance.graph, &instance.inputs);
        for (got, i) in got.iter().zip(&floats) {
            let want = differences(&value, &instance.inputs, &format!("x{i}"));
            assert_close(got, &want, 1e-6, &format!("gradient of {} by operand {i}", instance.what));
            checked += 1;
        }
        let _ = decl;
    }
    assert!(checked > 50, "only {checked} gradients were checked");
}
