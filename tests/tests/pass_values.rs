//! Passes and pipelines keep what graphs compute: random ones, their written-out gradients, and those of the specifications.
//!
//! `PROPTEST_RNG_SEED=$RANDOM PROPTEST_CASES=5000 cargo test -p vspec-tests --test pass_values` looks at others than usual, and at more.

use std::fmt;

use proptest::prelude::*;
use vspec_elaborate::compile;
use vspec_engine::draw::{Drawn, difference};
use vspec_engine::{Interpreter, Precision};
use vspec_ir::arbitrary::{GraphOptions, graphs};
use vspec_ir::{Graph, Op, Origin, OutputKind};
use vspec_optimize::{Context, Level, PASSES, Pass, Verify, differentiate, pipeline, run};
use vspec_tests::random::{Numbers, Shown, config, float_inputs, loss};
use vspec_tests::{NoWorld, vspec_files};

/// Cases when `PROPTEST_CASES` does not say how many.
const CASES: u32 = 150;

/// Each pass alone, and each pipeline.
fn orders() -> Vec<Vec<&'static Pass>> {
    let alone = PASSES.iter().map(|pass| vec![*pass]);
    alone.chain([Level::O1, Level::O2].map(|level| pipeline(level).to_vec())).collect()
}

fn failed(error: impl fmt::Display) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

/// What each order of passes makes of a graph has its values. A graph whose drawn sizes break an obligation has none.
fn same_values(
    graph: &Graph,
    precision: Precision,
    tolerance: f64,
    exact: bool,
) -> Result<(), TestCaseError> {
    let engine = Interpreter::new(precision);
    let Ok(drawn) = Drawn::for_graph(graph, &engine, 3) else { return Ok(()) };
    let want = drawn.run(graph, &engine).map_err(failed)?;
    for passes in orders() {
        let mut cx = Context::default();
        cx.exact = exact;
        let after = run(&passes, graph, &mut cx, Verify::Each).map_err(failed)?;
        let got = drawn.run(&after, &engine).map_err(|e| failed(format!("{passes:?}: {e}\n{after}")))?;
        prop_assert_eq!(got.len(), want.len());
        if let Some(found) = difference(&got, &want, tolerance) {
            let rules: Vec<&str> = cx.remarks.iter().map(|r| r.rule).collect();
            return Err(failed(format!("{passes:?} {rules:?} {found:?}\n{after}")));
        }
    }
    Ok(())
}

/// The graph of the gradients of a weighted sum of the outputs, written out, beside the outputs.
fn with_gradients(mut graph: Graph) -> Option<Graph> {
    let inputs = float_inputs(&graph);
    let loss = loss(&mut graph, Numbers::Normal)?;
    for (name, input) in inputs {
        if let Ok(gradient) = graph.add(Op::Gradient {}, &[loss, input], Origin::default()) {
            graph.output(format!("d{name}"), OutputKind::Value, gradient);
        }
    }
    // A gradient by what the loss does not depend on is a fault, which is not what this is about.
    vspec_ir::verify(graph.clone()).ok()?;
    differentiate::expand(&graph).ok()
}

const SMOOTH: GraphOptions = GraphOptions { recipes: 12, symbolic: true, jumps: false, exact: false };

proptest! {
    #![proptest_config(config(CASES))]

    // Where nothing is rounded differently, nothing may jump either, so that every op takes part.
    #[test]
    fn exact_rewrites_keep_every_bit(graph in graphs(GraphOptions::default()).prop_map(Shown)) {
        same_values(&graph.0, Precision::F64, 0.0, true)?;
        same_values(&graph.0, Precision::F32, 0.0, true)?;
    }

    #[test]
    fn rewrites_keep_values_to_rounding(graph in graphs(SMOOTH).prop_map(Shown)) {
        same_values(&graph.0, Precision::F64, 1e-9, false)?;
    }

    #[test]
    fn gradients_keep_their_values(graph in graphs(SMOOTH).prop_map(Shown)) {
        if let Some(gradients) = with_gradients(graph.0) {
            same_values(&gradients, Precision::F64, 1e-9, false)?;
            same_values(&gradients, Precision::F32, 0.0, true)?;
        }
    }
}

/// Every graph of every specification, with its gradients written out.
fn graphs_of_specifications() -> Vec<(String, Graph)> {
    let mut found = vec![];
    for path in vspec_files("specs") {
        let text = std::fs::read_to_string(&path).expect("readable");
        let compiled = compile(&NoWorld, &path, &text, &[]);
        let entries = compiled.entries.iter().map(|e| &e.graph);
        let steps = compiled.programs.iter().flat_map(|p| &p.steps);
        let graphs = entries.chain(steps.flat_map(vspec_ir::Step::all_graphs));
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        found.extend(
            graphs.map(|g| (format!("{name} {}", g.name), differentiate::expand(g).expect("has gradients"))),
        );
    }
    found
}

#[test]
fn a_second_run_of_a_pipeline_finds_nothing() {
    let graphs = graphs_of_specifications();
    assert!(graphs.len() >= 8, "only {} graphs", graphs.len());
    for (what, graph) in graphs {
        for level in [Level::O1, Level::O2] {
            let mut first = Context::default();
            let once = run(pipeline(level), &graph, &mut first, Verify::Each)
                .unwrap_or_else(|e| panic!("{what}: {e}"));
            let mut second = Context::default();
            let twice = run(pipeline(level), &once, &mut second, Verify::Each).expect("passes");
            let rules: Vec<&str> = second.remarks.iter().map(|r| r.rule).collect();
            assert!(rules.is_empty() && twice == once, "{what} at {level:?}: {rules:?}");
            // Normalisation in weights is more nodes, but on small values.
            assert!(level == Level::O2 || once.len() <= graph.len(), "{what}");
        }
    }
}

#[test]
fn without_fuel_nothing_is_rewritten() {
    for (what, graph) in graphs_of_specifications() {
        let mut cx = Context::default();
        cx.fuel = Some(0);
        let after = run(pipeline(Level::O2), &graph, &mut cx, Verify::Last).expect("passes");
        assert!(cx.remarks.is_empty() && after.len() == graph.len(), "{what}");
    }
}
