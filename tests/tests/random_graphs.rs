//! Random well-typed graphs: dfdx has the values of the reference interpreter, and gradients are its slopes.
//!
//! `PROPTEST_CASES=5000 cargo test -p vspec-tests --test random_graphs` looks at more of them than usual, and at others each
//! time; a failure says with which `PROPTEST_RNG_SEED` it comes back.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use vspec_dfdx::DfdxEngine;
use vspec_engine::{Buffer, Engine, EngineError, HostTensor, Inputs, Interpreter, Precision, RunKey};
use vspec_ir::arbitrary::{GraphOptions, graphs};
use vspec_ir::{Graph, NodeId, Op, Origin, Output, OutputKind};
use vspec_optimize::differentiate;
use vspec_tests::random::{float_inputs, loss, nudged, values};

/// Cases when `PROPTEST_CASES` does not say how many.
const CASES: u32 = 200;

/// Without variables of the environment, the same graphs in every run.
fn config() -> ProptestConfig {
    let asked = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let many = std::env::var_os("PROPTEST_CASES").is_some();
    let cases = if many { asked.cases } else { CASES };
    let seed = match asked.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random if many => random_seed(),
        RngSeed::Random => 23,
    };
    say_seed(seed);
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(seed), ..asked }
}

/// A seed that nobody chose.
fn random_seed() -> u64 {
    RandomState::new().hash_one("seed")
}

#[expect(clippy::print_stderr, reason = "the harness shows it when the test fails")]
fn say_seed(seed: u64) {
    eprintln!("PROPTEST_RNG_SEED={seed}");
}

const SMOOTH: GraphOptions = GraphOptions { recipes: 12, symbolic: false, jumps: false };
const KEY: RunKey = RunKey { seed: 5, step: 9 };

/// A graph that failures show as a person writes it.
struct Shown(Graph);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

fn shown(options: GraphOptions) -> impl Strategy<Value = Shown> {
    graphs(options).prop_map(Shown)
}

proptest! {
    #![proptest_config(config())]

    // In double precision what differs is a mistake, not an error of rounding, nearly always; so there may be jumps.
    #[test]
    fn values_are_those_of_the_reference(graph in shown(GraphOptions::default())) {
        same_values(&graph.0, Precision::F64, 1e-9)?;
    }

    #[test]
    fn values_agree_in_single_precision(
        graph in shown(GraphOptions { jumps: false, ..GraphOptions::default() })
    ) {
        same_values(&graph.0, Precision::F32, 1e-4)?;
    }

    #[test]
    fn gradients_are_slopes_of_the_reference(graph in shown(SMOOTH)) {
        same_slopes(graph.0)?;
    }
}

fn run(engine: &dyn Engine, graph: &Graph, inputs: &Inputs) -> Result<Vec<Vec<f64>>, EngineError> {
    let results = engine.session().run(graph, inputs, KEY)?;
    Ok(results.iter().map(HostTensor::to_f64).collect())
}

fn same_values(graph: &Graph, precision: Precision, tolerance: f64) -> Result<(), TestCaseError> {
    let inputs = values(graph);
    let want = run(&Interpreter::new(precision), graph, &inputs);
    let got = run(&DfdxEngine::new(precision), graph, &inputs);
    let (want, got) = match (want, got) {
        (Ok(want), Ok(got)) => (want, got),
        // Named sizes may break an obligation: then both have to say so.
        (want, got) => {
            prop_assert_eq!(got, want);
            return Ok(());
        }
    };
    for (i, (got, want)) in got.iter().zip(&want).enumerate() {
        if let Err(difference) = agree(got, want, tolerance)
            && is_steady(graph, &inputs, precision, (i, tolerance))
        {
            return Err(TestCaseError::fail(format!("{}{difference}", graph.outputs()[i].name)));
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
    graph: &Graph,
    inputs: &Inputs,
    precision: Precision,
    (output, tolerance): (usize, f64),
) -> bool {
    let reference = |inputs: &Inputs| run(&Interpreter::new(precision), graph, inputs);
    let Ok(want) = reference(inputs) else { return true };
    (0..8).all(|round| {
        let moved = reference(&nudged(inputs, tolerance / 100.0, round));
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

/// The gradients of a weighted sum of the outputs, by dfdx's tape and as graphs, are slopes of the interpreter's values.
fn same_slopes(mut graph: Graph) -> Result<(), TestCaseError> {
    let inputs = values(&graph);
    let operands = float_inputs(&graph);
    let Some(loss) = loss(&mut graph) else { return Ok(()) };
    let value = with_outputs(&graph, &[loss]);
    let by_tape = with_gradients(&graph, loss, &operands);
    let as_graph = differentiate::expand(&by_tape).map_err(failed)?;
    let tape = run(&DfdxEngine::new(Precision::F64), &by_tape, &inputs).map_err(failed)?;
    let written = run(&Interpreter::new(Precision::F64), &as_graph, &inputs).map_err(failed)?;
    for (i, (name, _)) in operands.iter().enumerate() {
        for at in 0..MOVED.min(tape[i].len()) {
            let Some((slope, error)) = slope(&value, &inputs, name, at).map_err(failed)? else { continue };
            for (who, got) in [("the tape", tape[i][at]), ("the graph", written[i][at])] {
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

fn with_outputs(graph: &Graph, nodes: &[NodeId]) -> Graph {
    let output =
        |node: &NodeId| Output { name: node.to_string().into(), kind: OutputKind::Value, node: *node };
    let outputs: Vec<Output> = nodes.iter().map(output).collect();
    graph.extract("random", &outputs)
}

fn with_gradients(graph: &Graph, loss: NodeId, operands: &[(String, NodeId)]) -> Graph {
    let mut graph = graph.clone();
    let mut gradient = |of: &NodeId| graph.add(Op::Gradient {}, &[loss, *of], Origin::default());
    let nodes: Vec<NodeId> =
        operands.iter().map(|(_, of)| gradient(of).expect("a gradient of a scalar")).collect();
    with_outputs(&graph, &nodes)
}

/// The slope of a value in one element of an input, and how wrong rounding of the value may make it; unless it has a kink there.
fn slope(value: &Graph, inputs: &Inputs, name: &str, at: usize) -> Result<Option<(f64, f64)>, EngineError> {
    let moved = |step: f64| -> Result<f64, EngineError> {
        let tensor = &inputs[name];
        let mut numbers = tensor.to_f64();
        numbers[at] += step;
        let tensor = HostTensor::new(tensor.shape().to_vec(), Buffer::F64(numbers)).expect("the same shape");
        let mut inputs = inputs.clone();
        inputs.insert(name.to_string(), tensor);
        Ok(run(&Interpreter::new(Precision::F64), value, &inputs)?[0][0])
    };
    let (here, above, below) = (moved(0.0)?, moved(STEP)?, moved(-STEP)?);
    let (right, left) = ((above - here) / STEP, (here - below) / STEP);
    let has_kink = (right - left).abs() > 1e-2 * (1.0 + right.abs().max(left.abs()));
    let error = 16.0 * f64::EPSILON * here.abs() / STEP;
    Ok((!has_kink && here.is_finite()).then_some(((right + left) / 2.0, error)))
}
