//! Random well-typed graphs: every engine, on what every pipeline of passes makes of them, has the values and the gradients of the
//! reference interpreter, and these are its slopes. `vspec_tests::judges` lists both; a line there is a column here.
//!
//! `PROPTEST_RNG_SEED=$RANDOM PROPTEST_CASES=5000 cargo test -p vspec-tests --test random_graphs` looks at others, and at more of them
//! than usual.

use std::fmt;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use vspec_engine::{Buffer, EngineError, HostTensor, Inputs, Precision, RunKey};
use vspec_ir::arbitrary::{GraphOptions, graphs};
use vspec_ir::{DType, Graph, NodeId, Op, Origin, Output, OutputKind};
use vspec_tests::judges::{Column, columns};
use vspec_tests::random::{Numbers, Shown, config, float_inputs, is_exact, loss, nudged, values};

/// Cases when `PROPTEST_CASES` does not say how many.
const CASES: u32 = 2000;

const SMOOTH: GraphOptions = GraphOptions { recipes: 12, symbolic: false, jumps: false, exact: false };
const EXACT: GraphOptions = GraphOptions { recipes: 12, symbolic: false, jumps: true, exact: true };
const KEY: RunKey = RunKey { seed: 5, step: 9 };

fn shown(options: GraphOptions) -> impl Strategy<Value = Shown> {
    graphs(options).prop_map(Shown)
}

proptest! {
    #![proptest_config(config(CASES))]

    // In double precision what differs is a mistake, not an error of rounding, nearly always; so there may be jumps.
    #[test]
    fn values_are_those_of_the_reference(graph in shown(GraphOptions::default())) {
        let inputs = values(&graph.0, Numbers::Normal);
        same_results(&graph.0, &inputs, Precision::F64, 1e-9)?;
    }

    #[test]
    fn values_agree_in_single_precision(
        graph in shown(GraphOptions { jumps: false, ..GraphOptions::default() })
    ) {
        let inputs = values(&graph.0, Numbers::Normal);
        same_results(&graph.0, &inputs, Precision::F32, 1e-4)?;
    }

    #[test]
    fn gradients_agree_and_are_slopes_of_the_reference(graph in shown(SMOOTH)) {
        let inputs = values(&graph.0, Numbers::Normal);
        let by = float_inputs(&graph.0);
        if let Some((value, gradients)) = differentiated(graph.0, Numbers::Normal, by) {
            same_results(&gradients, &inputs, Precision::F64, 1e-9)?;
            same_slopes(&value, &gradients, &inputs)?;
        }
    }

    // Slopes say nothing at a kink, so here engines are compared with each other alone, at numbers of which many are equal. Where
    // nothing is rounded there is nothing to allow for.
    #[test]
    fn values_and_gradients_agree_at_ties_and_kinks(graph in shown(EXACT)) {
        let inputs = values(&graph.0, Numbers::Few);
        same_results(&graph.0, &inputs, Precision::F64, 1e-9)?;
        let by = float_inputs(&graph.0);
        if let Some((_, gradients)) = differentiated(graph.0, Numbers::Few, by) {
            same_results(&gradients, &inputs, Precision::F64, 1e-9)?;
        }
    }

    // A value on the way is computed and read by the same kernels, which have to leave room for its gradient between the two.
    #[test]
    fn gradients_by_values_on_the_way_agree(graph in shown(EXACT)) {
        let inputs = values(&graph.0, Numbers::Few);
        let by = floats_on_the_way(&graph.0);
        if let Some((_, gradients)) = differentiated(graph.0, Numbers::Few, by) {
            same_results(&gradients, &inputs, Precision::F64, 1e-9)?;
        }
    }
}

/// Most graphs of [`EXACT`] have to be exact indeed, or the test above would say little.
#[test]
fn most_exact_graphs_round_nothing() {
    let mut runner =
        TestRunner::new_with_rng(ProptestConfig::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (mut exact, mut all) = (0, 0);
    for _ in 0..200 {
        let graph = graphs(EXACT).new_tree(&mut runner).expect("no rejection").current();
        let inputs = values(&graph, Numbers::Few);
        let by = float_inputs(&graph);
        if let Some((_, gradients)) = differentiated(graph, Numbers::Few, by) {
            let columns = columns(&gradients).expect("has gradients");
            (exact, all) = (exact + usize::from(is_exact(&columns[0].graph, &inputs, KEY)), all + 1);
        }
    }
    assert!(exact * 4 > all * 3, "only {exact} of {all} round nothing");
}

/// Every column gives the results of the reference; bit for bit where a graph rounds nothing.
fn same_results(
    graph: &Graph,
    inputs: &Inputs,
    precision: Precision,
    tolerance: f64,
) -> Result<(), TestCaseError> {
    let columns = columns(graph).map_err(failed)?;
    let Some((reference, others)) = columns.split_first() else { return Ok(()) };
    let is_gradient = graph.nodes().any(|(_, node)| matches!(node.op, Op::Gradient {}));
    let run = |column: &Column| {
        let results = column.run(precision, inputs, KEY);
        if is_gradient { results.map(broken_alike) } else { results }
    };
    let want = run(reference);
    for column in others {
        let name = column.name();
        match (&want, run(column)) {
            (Ok(want), Ok(got)) => {
                same_outputs(reference, (&got, want), inputs, (precision, tolerance))
                    .map_err(|difference| TestCaseError::fail(format!("{name}: {difference}")))?;
            }
            // Named sizes may break an obligation: then all have to say so.
            (Err(want), Err(got)) if column.has_the_graph_of(reference) => prop_assert_eq!(&got, want),
            (Err(_), Err(_)) => {}
            (want, got) => {
                let either = want.as_ref().err().map(ToString::to_string).or(got.err().map(failed_to));
                return Err(TestCaseError::fail(format!("{name}: one of both fails: {either:?}")));
            }
        }
    }
    Ok(())
}

/// A slope that is not finite is infinite or no number as the order of products with 0 has it: those are taken for one.
fn broken_alike(mut results: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    results.iter_mut().flatten().filter(|v| !v.is_finite()).for_each(|v| *v = f64::NAN);
    results
}

fn failed_to(error: EngineError) -> String {
    error.to_string()
}

fn same_outputs(
    reference: &Column,
    (got, want): (&[Vec<f64>], &[Vec<f64>]),
    inputs: &Inputs,
    (precision, tolerance): (Precision, f64),
) -> Result<(), String> {
    if got.len() != want.len() {
        return Err(format!("{} outputs, not {}", got.len(), want.len()));
    }
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let Err(difference) = agree(got, want, 0.0) else { continue };
        // In single precision the order of additions shows, even if no result of one is rounded.
        if precision == Precision::F64 && is_exact(&reference.graph, inputs, KEY) {
            return Err(format!(
                "{}{difference}, though nothing is rounded",
                reference.graph.outputs()[i].name
            ));
        }
        if let Err(difference) = agree(got, want, tolerance)
            && is_steady(reference, inputs, precision, (i, tolerance))
        {
            return Err(format!("{}{difference}", reference.graph.outputs()[i].name));
        }
    }
    Ok(())
}

fn agree(got: &[f64], want: &[f64], tolerance: f64) -> Result<(), String> {
    if got.len() != want.len() {
        return Err(format!(" has {} elements, not {}", got.len(), want.len()));
    }
    let allowed = tolerance * largest(want);
    match got.iter().zip(want).position(|(g, w)| !near(*g, *w, allowed)) {
        Some(i) => Err(format!("[{i}] is {}, not {}", got[i], want[i])),
        None => Ok(()),
    }
}

/// Whether an output stays the same to the reference when its inputs hardly change. Others are decided by errors of rounding,
/// which are different in every engine: `x == x + 0.5 - 0.5`.
fn is_steady(
    reference: &Column,
    inputs: &Inputs,
    precision: Precision,
    (output, tolerance): (usize, f64),
) -> bool {
    let Ok(want) = reference.run(precision, inputs, KEY) else { return true };
    (0..8).all(|round| {
        let moved = reference.run(precision, &nudged(inputs, tolerance / 100.0, round), KEY);
        moved.is_ok_and(|moved| agree(&moved[output], &want[output], tolerance).is_ok())
    })
}

/// Both not a number, the same infinity, or close.
fn near(got: f64, want: f64, tolerance: f64) -> bool {
    got == want || (got.is_nan() && want.is_nan()) || (got - want).abs() <= tolerance
}

/// The largest finite size, at least 1: small elements of a sum of large ones are as exact as those are.
fn largest(values: &[f64]) -> f64 {
    values.iter().map(|v| v.abs()).filter(|v| v.is_finite()).fold(1.0, f64::max)
}

/// How many elements of an input are moved.
const MOVED: usize = 4;
/// How far.
const STEP: f64 = 1e-5;

/// The gradients of a weighted sum of the outputs are slopes of it, by every column.
fn same_slopes(value: &Graph, gradients: &Graph, inputs: &Inputs) -> Result<(), TestCaseError> {
    let value = columns(value).map_err(failed)?.remove(0);
    let columns = columns(gradients).map_err(failed)?;
    let got: Result<Vec<_>, _> = columns.iter().map(|c| c.run(Precision::F64, inputs, KEY)).collect();
    let got = got.map_err(failed)?;
    for (i, output) in gradients.outputs().iter().enumerate() {
        for at in 0..MOVED.min(got[0][i].len()) {
            let name = &*output.name;
            let Some((slope, error)) = slope(&value, inputs, name, at).map_err(failed)? else { continue };
            for (column, got) in columns.iter().zip(&got) {
                let (who, got) = (column.name(), got[i][at]);
                let close = near(got, slope, error + 1e-4 * (1.0 + slope.abs()));
                prop_assert!(close, "by {who} d/d{name}[{at}] is {got}, not {slope}");
            }
        }
    }
    Ok(())
}

fn failed(error: impl fmt::Display) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

/// Some values that are neither inputs nor variables.
fn floats_on_the_way(graph: &Graph) -> Vec<(String, NodeId)> {
    const EACH: usize = 3;
    let computed = graph.nodes().filter(|(_, node)| node.ty.dtype == DType::F32 && !node.inputs.is_empty());
    computed.map(|(id, _)| (id.to_string(), id)).step_by(EACH).collect()
}

/// A weighted sum of the outputs of a graph, and its gradients by some values; each gradient is an output of that name.
fn differentiated(
    mut graph: Graph,
    weights: Numbers,
    operands: Vec<(String, NodeId)>,
) -> Option<(Graph, Graph)> {
    let loss = loss(&mut graph, weights)?;
    let value = with_outputs(&graph, &[("loss".to_string(), loss)]);
    let mut gradient = |of| graph.add(Op::Gradient {}, &[loss, of], Origin::default());
    let gradients: Vec<(String, NodeId)> = operands
        .into_iter()
        .map(|(name, of)| (name, gradient(of).expect("a gradient of a scalar")))
        .collect();
    Some((value, with_outputs(&graph, &gradients)))
}

fn with_outputs(graph: &Graph, nodes: &[(String, NodeId)]) -> Graph {
    let output = |(name, node): &(String, NodeId)| Output {
        name: name.as_str().into(),
        kind: OutputKind::Value,
        node: *node,
    };
    let outputs: Vec<Output> = nodes.iter().map(output).collect();
    graph.extract("random", &outputs)
}

/// The slope of a value in one element of an input, and how wrong rounding of the value may make it; unless it has a kink there.
fn slope(value: &Column, inputs: &Inputs, name: &str, at: usize) -> Result<Option<(f64, f64)>, EngineError> {
    let moved = |step: f64| -> Result<f64, EngineError> {
        let tensor = &inputs[name];
        let mut numbers = tensor.to_f64();
        numbers[at] += step;
        let tensor = HostTensor::new(tensor.shape().to_vec(), Buffer::F64(numbers)).expect("the same shape");
        let mut inputs = inputs.clone();
        inputs.insert(name.to_string(), tensor);
        Ok(value.run(Precision::F64, &inputs, KEY)?[0][0])
    };
    let (here, above, below) = (moved(0.0)?, moved(STEP)?, moved(-STEP)?);
    let (right, left) = ((above - here) / STEP, (here - below) / STEP);
    let has_kink = (right - left).abs() > 1e-2 * (1.0 + right.abs().max(left.abs()));
    let error = 16.0 * f64::EPSILON * here.abs() / STEP;
    Ok((!has_kink && here.is_finite()).then_some(((right + left) / 2.0, error)))
}
