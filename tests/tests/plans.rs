//! Plans compute what their graphs say: every op, random graphs and their written-out gradients, fused and not.

use proptest::prelude::*;
use vspec_engine::{Buffer, Engine, EngineError, HostTensor, Inputs, Interpreter, Precision, RunKey};
use vspec_ir::arbitrary::{GraphOptions, graphs};
use vspec_ir::plan::Place;
use vspec_ir::{DType, Dim, Graph, NodeId, Op, Origin, OutputKind};
use vspec_optimize::fuse::{Options, fuse};
use vspec_optimize::{Level, Target, differentiate, plan};
use vspec_tests::random::{Numbers, Shown, config, float_inputs, loss, values};
use vspec_tests::samples::{assert_close, instances, run};
use vspec_tests::{assert_clean, compile_text, fused, planned, saving};
use vspec_train::initialise;

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

/// A place that data names has to be there even where there is nothing to read.
#[test]
fn an_empty_axis_has_no_first_element() {
    let graph = vspec_ir::text::parse(
        "graph @empty() {
           %0 = input name=\"x\" : f32[2, 0, 3]
           %1 = constant value={0} : i32[1]
           %2 = gather(%0, %1) axis=1 : f32[2, 1, 3]
           value y = %2
         }",
    );
    let graph = graph.expect("reads");
    let x = HostTensor::new(vec![2, 0, 3], Buffer::F32(vec![])).expect("is empty");
    let inputs: Inputs = [("x".to_string(), x)].into_iter().collect();
    let engines: [&dyn Engine; 3] = [
        &Interpreter::new(Precision::F64),
        &planned(Precision::F64, NO_FUSION),
        &fused(Precision::F32, NO_FUSION),
    ];
    for engine in engines {
        let error = results(engine, &graph, &inputs).expect_err(engine.name());
        assert_eq!(error, EngineError::Unsupported("index 0 is outside an axis of 0".to_string()));
    }
}

fn same_values(graph: &Graph) -> Result<(), TestCaseError> {
    let inputs = values(graph, Numbers::Normal);
    let want = results(&Interpreter::new(Precision::F64), graph, &inputs);
    for options in ALL {
        let engines: [&dyn Engine; 2] = [&planned(Precision::F64, options), &fused(Precision::F64, options)];
        for engine in engines {
            let got = results(engine, graph, &inputs);
            same_results(graph, &got, &want, &format!("{} with {options:?}", engine.name()))?;
        }
    }
    same_results(graph, &results(&saving(Precision::F64), graph, &inputs), &want, "a plan that saves memory")
}

/// What an engine has made of a graph.
type Results = Result<Vec<Vec<f64>>, EngineError>;

fn same_results(graph: &Graph, got: &Results, want: &Results, what: &str) -> Result<(), TestCaseError> {
    match (got, want) {
        (Ok(got), Ok(want)) => same(graph, got, want, what),
        (got, want) => {
            prop_assert_eq!(got, want, "{}", what);
            Ok(())
        }
    }
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

fn results(engine: &dyn Engine, graph: &Graph, inputs: &Inputs) -> Results {
    let results = engine.session().run(graph, inputs, RunKey { seed: 5, step: 9 })?;
    Ok(results.iter().map(HostTensor::to_f64).collect())
}

const ROWS: usize = 4;
const COLUMNS: usize = 300;

/// A graph of a matrix `x`.
fn of_a_matrix(build: impl Fn(&mut dyn FnMut(Op, &[NodeId]) -> NodeId, NodeId) -> Vec<NodeId>) -> Graph {
    let mut graph = Graph::new("rows");
    let mut add = |op: Op, inputs: &[NodeId]| graph.add(op, inputs, Origin::default()).expect("fits");
    let shape = vec![Dim::from(ROWS), Dim::from(COLUMNS)];
    let x = add(Op::Input { name: "x".into(), dtype: DType::F32, shape }, &[]);
    for (i, output) in build(&mut add, x).into_iter().enumerate() {
        graph.output(format!("y{i}"), OutputKind::Value, output);
    }
    graph
}

fn over_rows(keepdims: bool) -> Op {
    Op::Mean { axes: vec![1], keepdims }
}

/// What a graph makes of rows near 0, far from it, all the same, and with a first element that is far from all others.
fn of_rows(engine: &dyn Engine, graph: &Graph) -> Vec<Vec<f64>> {
    let noise = |i: usize| ((i * 7919 + 13) % 1000) as f32 / 500.0 - 1.0;
    let element = |i: usize| match (i / COLUMNS, i % COLUMNS) {
        (0, _) => noise(i),
        (1, _) => 1000.0 + noise(i),
        (2, _) | (3, 0) => 1234.5,
        _ => noise(i),
    };
    let elements = (0..ROWS * COLUMNS).map(element).collect();
    let x = HostTensor::new(vec![ROWS, COLUMNS], Buffer::F32(elements)).expect("as many as there are places");
    run(engine, graph, &Inputs::from([("x".to_string(), x)]))
}

fn passes(graph: &Graph) -> usize {
    let plan = fuse(graph, Options::default()).expect("is fused").plan;
    assert_eq!(plan.kernels.len(), 1, "{plan}");
    plan.kernels[0].region.passes()
}

#[test]
fn statistics_in_one_pass_are_as_good_as_in_two() {
    let graph = of_a_matrix(|add, x| {
        let mean = add(over_rows(true), &[x]);
        let off = add(Op::Sub {}, &[x, mean]);
        let square = add(Op::Mul {}, &[off, off]);
        vec![mean, add(over_rows(false), &[square])]
    });
    // The row, and what is stored behind it.
    assert_eq!(passes(&graph), 2);
    let want = of_rows(&Interpreter::new(Precision::F64), &graph);
    for (precision, error) in [(Precision::F32, f64::from(f32::EPSILON)), (Precision::F64, f64::EPSILON)] {
        for got in [of_rows(&planned(precision, ALL[2]), &graph), of_rows(&fused(precision, ALL[2]), &graph)]
        {
            for (got, want) in got.iter().flatten().zip(want.iter().flatten()) {
                let apart = (got - want).abs();
                assert!(
                    apart <= 4.0 * COLUMNS as f64 * error * want.abs().max(1.0),
                    "{got} is not {want} in {precision:?}"
                );
            }
        }
    }
}

#[test]
fn sums_of_multiples_need_no_pass_of_their_own() {
    let graph = of_a_matrix(|add, x| {
        let mean = add(over_rows(true), &[x]);
        let square = add(Op::Mul {}, &[x, x]);
        let power = add(over_rows(true), &[square]);
        let (a, b) = (add(Op::Mul {}, &[x, power]), add(Op::Div {}, &[square, mean]));
        let (a, b) = (add(Op::Neg {}, &[a]), add(Op::Sub {}, &[b, x]));
        let both = add(Op::Add {}, &[a, b]);
        vec![add(Op::Sum { axes: vec![1], keepdims: false }, &[both])]
    });
    assert_eq!(passes(&graph), 2);
    let want = of_rows(&Interpreter::new(Precision::F64), &graph);
    let got = of_rows(&fused(Precision::F64, ALL[2]), &graph);
    assert_close(&got[0], &want[0], 1e-12, "a sum of multiples");
}

/// Gradients that a step keeps, for one: nothing reads what was there before.
const KEEPS: &str = "
module Keeps() {
  state x: f32[4, 40] = ones
  state kept: f32[4, 40] = 0
}

fn ones(shape) { zeros(shape) + 1.0 }

experiment keeps {
  let m = Keeps()
  step keep() {
    report first = m.x[0, 0]
    update m.kept = 2.0 * m.x
    update m.x = m.x + 1.0
  }
  run 1 of keep
}
";

#[test]
fn a_variable_that_nothing_reads_is_written_where_it_is() {
    let mut compiled = compile_text(KEEPS);
    assert_clean(&compiled, "the step");
    let program = compiled.programs.remove(0);
    let graph = &program.steps[0].graphs[0].graph;
    let plan = plan(graph, Target::dense(Level::O2), &|_| None).expect("is planned").plan;
    let writes = plan.outputs.iter().filter(|output| output.kind == OutputKind::Write);
    for write in writes {
        assert_eq!(plan.value(write.value).place, Place::Variable(write.name.clone()), "{plan}");
    }
    let engine = fused(Precision::F32, Options::default());
    let mut session = engine.session();
    initialise(&program.variables, session.as_mut(), 0).expect("initialises");
    for run in 1..4 {
        session.run(graph, &Inputs::new(), RunKey::default()).expect("runs");
        let kept = session.read("m.kept").expect("is there").clone();
        assert_eq!(kept.buffer(), &Buffer::F32(vec![2.0 * run as f32; 160]), "run {run}");
    }
}
