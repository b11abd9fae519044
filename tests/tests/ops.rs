//! Every op on dfdx against the reference interpreter, and its gradients: by dfdx's tape through this project's kernels, by dfdx
//! alone, and by our own differentiation, against each other and against finite differences.

use vspec_dfdx::DfdxEngine;
use vspec_engine::{Buffer, Engine, HostTensor, Inputs, Interpreter, Precision, RunKey};
use vspec_ir::ops::Gradient;
use vspec_ir::{DType, Graph, NodeId, Op, Origin, OutputKind, text};
use vspec_optimize::differentiate;
use vspec_tests::judges::columns;
use vspec_tests::samples::{Instance, assert_close, differences, instances, run, weighted_sum, with_ties};

#[test]
fn every_op_has_the_reference_value() {
    for (_, mut instance) in instances() {
        instance.graph.output("y", OutputKind::Value, instance.result);
        for (precision, tolerance) in [(Precision::F64, 1e-12), (Precision::F32, 2e-6)] {
            let want = run(&Interpreter::new(precision), &instance.graph, &instance.inputs);
            for engine in [DfdxEngine::new(precision), DfdxEngine::new(precision).composed()] {
                let got = run(&engine, &instance.graph, &instance.inputs);
                assert_close(
                    &got[0],
                    &want[0],
                    tolerance,
                    &format!("{} on {}", instance.what, engine.name()),
                );
            }
        }
    }
}

#[test]
fn every_gradient_is_the_slope_of_the_reference() {
    let mut checked = 0;
    for (mut instance, loss) in differentiable() {
        let value = with_output(&instance.graph, loss);
        let floats = add_gradients(&mut instance, loss);
        for engine in [DfdxEngine::new(Precision::F64), DfdxEngine::new(Precision::F64).composed()] {
            let got = run(&engine, &instance.graph, &instance.inputs);
            checked += assert_slopes(&got, &floats, &value, &instance, 1e-6);
        }
    }
    assert!(checked > 100, "only {checked} gradients were checked");
}

/// dfdx's own gradients are a judge that shares no kernel with the others: what differs is a mistake, at kinks as well.
#[test]
fn every_gradient_is_that_of_dfdx_alone() {
    for (mut instance, loss) in differentiable() {
        let floats = add_gradients(&mut instance, loss);
        let expanded =
            differentiate::expand(&instance.graph).unwrap_or_else(|e| panic!("{}: {e}", instance.what));
        for (kind, inputs) in [("distinct", instance.inputs.clone()), ("equal", with_ties(&instance))] {
            let alone = run(&DfdxEngine::new(Precision::F64).composed(), &instance.graph, &inputs);
            let tape = run(&DfdxEngine::new(Precision::F64), &instance.graph, &inputs);
            let written = run(&Interpreter::new(Precision::F64), &expanded, &inputs);
            for (who, got) in [("this project's kernels", tape), ("the written out graph", written)] {
                for ((got, want), operand) in got.iter().zip(&alone).zip(&floats) {
                    let what = format!(
                        "{}: gradient by operand {operand} of {kind} numbers by {who}",
                        instance.what
                    );
                    assert_close(got, want, 1e-12, &what);
                }
            }
        }
    }
}

/// Compares gradients with the slopes of a value; how many there are.
fn assert_slopes(
    got: &[Vec<f64>],
    floats: &[usize],
    value: &Graph,
    instance: &Instance,
    tolerance: f64,
) -> usize {
    for (got, i) in got.iter().zip(floats) {
        let want = differences(value, &instance.inputs, &format!("x{i}"));
        assert_close(got, &want, tolerance, &format!("gradient of {} by operand {i}", instance.what));
    }
    got.len()
}

/// Adds a gradient of `loss` by each float operand as an output; which operands they are.
fn add_gradients(instance: &mut Instance, loss: NodeId) -> Vec<usize> {
    let float = |i: &usize| instance.graph.ty(instance.operands[*i]).dtype == DType::F32;
    let floats: Vec<usize> = (0..instance.operands.len()).filter(float).collect();
    for i in &floats {
        let operands = [loss, instance.operands[*i]];
        let node = instance.graph.add(Op::Gradient {}, &operands, Origin::default()).expect("a scalar");
        instance.graph.output(format!("g{i}"), OutputKind::Value, node);
    }
    floats
}

/// Instances that have gradients, each with a loss.
fn differentiable() -> impl Iterator<Item = (Instance, NodeId)> {
    let smooth = instances().into_iter().filter(|(decl, _)| decl.gradient == Gradient::Yes);
    let float = |i: &Instance| i.graph.ty(i.result).dtype == DType::F32;
    smooth.map(|(_, instance)| instance).filter(float).map(|mut instance| {
        let loss = weighted_sum(&mut instance);
        (instance, loss)
    })
}

fn with_output(graph: &Graph, node: NodeId) -> Graph {
    let mut graph = graph.clone();
    graph.output("loss", OutputKind::Value, node);
    graph
}

#[test]
fn every_gradient_has_a_graph_that_is_the_slope_of_the_reference() {
    for (mut instance, loss) in differentiable() {
        let value = with_output(&instance.graph, loss);
        let floats = add_gradients(&mut instance, loss);
        let expanded =
            differentiate::expand(&instance.graph).unwrap_or_else(|e| panic!("{}: {e}", instance.what));
        let got = run(&Interpreter::new(Precision::F64), &expanded, &instance.inputs);
        assert_slopes(&got, &floats, &value, &instance, 1e-6);
    }
}

#[test]
fn every_gradient_of_a_gradient_is_its_slope() {
    for (mut instance, loss) in differentiable() {
        // The first gradient by the first float operand, weighted, is a loss of its own.
        let by = instance.operands.iter().copied().find(|o| instance.graph.ty(*o).dtype == DType::F32);
        let Some(by) = by else { continue };
        let first = instance.graph.add(Op::Gradient {}, &[loss, by], Origin::default()).expect("a scalar");
        instance.result = first;
        let second = weighted_sum(&mut instance);
        let value = differentiate::expand(&with_output(&instance.graph, second)).expect("has a graph");
        let floats = add_gradients(&mut instance, second);
        let expanded =
            differentiate::expand(&instance.graph).unwrap_or_else(|e| panic!("{}: {e}", instance.what));
        let dfdx = DfdxEngine::new(Precision::F64);
        let engines: [&dyn Engine; 3] = [&Interpreter::new(Precision::F64), &dfdx, &dfdx.clone().composed()];
        for engine in engines {
            let got = run(engine, &expanded, &instance.inputs);
            assert_slopes(&got, &floats, &value, &instance, 1e-5);
        }
    }
}

#[test]
fn a_window_on_padding_alone_has_no_gradient() {
    let graph = "graph @missed() {
  %x = input name=\"x\" : f32[1, 1, 2, 1]
  %0 = max_pool(%x) kernel=[2, 2] stride=[1, 1] padding=[[1, 1], [1, 1]] dilation=[1, 2] : f32[1, 1, 3, 1]
  %1 = sum(%0) axes=[0, 1, 2, 3] : f32[]
  %2 = sum(%x) axes=[0, 1, 2, 3] : f32[]
  %3 = add(%1, %2) : f32[]
  %4 = gradient(%3, %x) : f32[1, 1, 2, 1]
  value g = %4
}";
    let graph = text::parse(graph).expect("the graph parses");
    let x = HostTensor::new(vec![1, 1, 2, 1], Buffer::F64(vec![1.0, 2.0])).expect("two elements");
    let inputs = Inputs::from([("x".to_string(), x)]);
    for column in columns(&graph).expect("has gradients") {
        let got = column.run(Precision::F64, &inputs, RunKey::default()).expect("runs");
        assert_eq!(got, [[1.0, 1.0]], "{}", column.name());
    }
}
