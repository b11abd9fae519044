//! Plans compute what their graphs say: every op, random graphs and their written-out gradients, fused and not.

use std::fmt;

use proptest::prelude::*;
use vspec_engine::{Engine, EngineError, HostTensor, Inputs, Interpreter, Precision, RunKey};
use vspec_ir::arbitrary::{GraphOptions, graphs};
use vspec_ir::{Graph, Op, Origin, OutputKind};
use vspec_optimize::differentiate;
use vspec_optimize::fuse::Options;
use vspec_tests::random::{Numbers, float_inputs, loss, values};
use vspec_tests::samples::{assert_close, instances, run};
use vspec_tests::{fused, planned};

const NO_FUSION: Options = Options { fuse: false, recompute: false };
const NO_RECOMPUTATION: Options = Options { fuse: true, recompute: false };
const ALL: [Options; 3] = [NO_FUSION, NO_RECOMPUTATION, Options { fuse: true, recompute: true }];

#[test]
fn every_op_has_the_reference_value() {
    for (_, mut instance) in instances() {
        instance.graph.output("y", OutputKind::Value, instance.result);
        let want = run(&Interpreter::new(Precision::F64), &instance.graph, &instance.inputs);
        for options in ALL {
            let got = run(&planned(Precision::F64, options), &instance.graph, &instance.inputs);
            assert_close(&got[0], &want[0], 0.0, &instance.what);
            for (precision, tolerance) in [(Precision::F64, 1e-14), (Precision::F32, 2e-6)] {
                let got = run(&fused(precision, options), &instance.graph, &instance.inputs);
                assert_close(&got[0], &want[0], tolerance, &instance.what);
            }
        }
    }
}

struct Shown(Graph);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

fn config(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { cases };
    ProptestConfig { cases, ..asked }
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn random_graphs_have_the_reference_values(graph in graphs(GraphOptions::default()).prop_map(Shown)) {
        same_values(&graph.0)?;
    }

    #[test]
    fn their_gradients_do_too(
        graph in graphs(GraphOptions { jumps: false, symbolic: false, recipes: 10, exact: false }).prop_map(Shown)
    ) {
        let mut graph = graph.0;
        let Some(loss) = loss(&mut graph, Numbers::Normal) else { return Ok(()) };
        for (name, input) in float_inputs(&graph) {
            if let Ok(gradient) = graph.add(Op::Gradient {}, &[loss, input], Origin::default()) {
                graph.output(format!("d{name}"), OutputKind::Value, gradient);
            }
        }
        same_values(&differentiate::expand(&graph).expect("has gradients"))?;
    }
}

fn same_values(graph: &Graph) -> Result<(), TestCaseError> {
    let inputs = values(graph, Numbers::Normal);
    let want = results(&Interpreter::new(Precision::F64), graph, &inputs);
    for options in ALL {
        let engines: [&dyn Engine; 2] = [&planned(Precision::F64, options), &fused(Precision::F64, options)];
        for engine in engines {
            let got = results(engine, graph, &inputs);
            let what = format!("{} with {options:?}", engine.name());
            match (&got, &want) {
                (Ok(got), Ok(want)) => same(graph, got, want, &what)?,
                (got, want) => prop_assert_eq!(got, want, "{}", what),
            }
        }
    }
    Ok(())
}

fn same(graph: &Graph, got: &[Vec<f64>], want: &[Vec<f64>], what: &str) -> Result<(), TestCaseError> {
    for ((got, want), output) in got.iter().zip(want).zip(graph.outputs()) {
        close(got, want).map_err(|e| TestCaseError::fail(format!("{what}, {}: {e}", output.name)))?;
    }
    Ok(())
}

/// Sums of a row are added up in the order of the kernel's loops, which need not be that of the graph; all else is the same.
fn close(got: &[f64], want: &[f64]) -> Result<(), String> {
    let apart = |(g, w): (&f64, &f64)| {
        !((g - w).abs() <= 1e-11 * (1.0 + w.abs()) || g == w || g.is_nan() && w.is_nan())
    };
    match got.iter().zip(want).position(apart) {
        Some(i) => Err(format!("element {i} is {}, not {}", got[i], want[i])),
        None if got.len() != want.len() => Err(format!("{} elements, not {}", got.len(), want.len())),
        None => Ok(()),
    }
}

fn results(engine: &dyn Engine, graph: &Graph, inputs: &Inputs) -> Result<Vec<Vec<f64>>, EngineError> {
    let results = engine.session().run(graph, inputs, RunKey { seed: 5, step: 9 })?;
    Ok(results.iter().map(HostTensor::to_f64).collect())
}
