//! Steps of the first specs on dfdx: the loss is the interpreter's, it falls, and the same seed repeats it bit for bit.

use std::path::Path;

use vspec_dfdx::DfdxEngine;
use vspec_elaborate::{Override, compile};
use vspec_engine::rng::Stream;
use vspec_engine::{Buffer, Engine, HostTensor, Inputs, Interpreter, RunKey, Session};
use vspec_ir::{Graph, Output, OutputKind, Program};
use vspec_optimize::differentiate::{self, Tape};
use vspec_tests::{NoWorld, assert_clean, root};

/// The program of a spec with a narrower network, so that the interpreter can follow.
fn program(spec: &str, width: u32) -> Program {
    let path = root().join(spec);
    let text = std::fs::read_to_string(&path).expect("readable");
    let narrow = Override { path: "net.width".to_string(), value: width.to_string() };
    let mut compiled = compile(&NoWorld, Path::new(spec), &text, &[narrow]);
    assert_clean(&compiled, spec);
    compiled.programs.remove(0)
}

/// Four images of two kinds that any network can learn to tell apart.
fn batch(step: u64) -> Inputs {
    let (n, pixels) = (4, 3 * 32 * 32);
    let noise = Stream::new("images", 5, step);
    let pixel =
        |i: usize| (noise.uniform(i as u64) * 0.2 + f64::from(u8::from(i / pixels % 2 == i % 2))) as f32;
    let image = HostTensor::new(vec![n, 3, 32, 32], Buffer::F32((0..n * pixels).map(pixel).collect()));
    let label = HostTensor::new(vec![n], Buffer::I32(vec![0, 1, 0, 1]));
    let mut inputs = Inputs::new();
    inputs.insert("b.image".to_string(), image.expect("fills the shape"));
    inputs.insert("b.label".to_string(), label.expect("fills the shape"));
    for (name, value) in [("clock.epoch", 0.0), ("clock.iteration", 500.0), ("clock.progress", 0.1)] {
        inputs.insert(name.to_string(), HostTensor::scalar(value));
    }
    inputs
}

fn initialised(program: &Program, engine: &dyn Engine) -> Box<dyn Session> {
    let (mut session, mut reference) = (engine.session(), Interpreter::default().session());
    for variable in &program.variables {
        let mut value =
            reference.run(&variable.init, &Inputs::new(), RunKey::default()).expect("initialises");
        session.write(&variable.path, value.remove(0)).expect("takes a variable");
    }
    session
}

/// The loss of each of some training steps.
fn losses(program: &Program, steps: u64) -> Vec<f64> {
    let mut session = initialised(program, &DfdxEngine::default());
    (0..steps)
        .map(|step| {
            let key = RunKey { seed: 0, step };
            let reports = session.run(&program.steps[0].graphs[0].graph, &batch(step), key).expect("trains");
            reports[0].item().expect("a scalar")
        })
        .collect()
}

/// The step's first report alone: what the interpreter can compute, having no gradients.
fn forward(graph: &Graph) -> Graph {
    let reports: Vec<Output> =
        graph.outputs().iter().filter(|o| o.kind == OutputKind::Report).take(1).cloned().collect();
    graph.extract("forward", &reports)
}

fn check(spec: &str) {
    let program = program(spec, 4);
    let step = forward(&program.steps[0].graphs[0].graph);
    let key = RunKey { seed: 0, step: 0 };
    let want = initialised(&program, &Interpreter::default()).run(&step, &batch(0), key).expect("runs");
    let (want, got) = (want[0].item().expect("a scalar"), losses(&program, 12));
    assert!(
        (got[0] - want).abs() < 1e-4 * want.abs(),
        "{spec}: {} on dfdx, {want} on the interpreter",
        got[0]
    );
    assert!(got[11] < 0.7 * got[0], "{spec}: the loss does not fall: {got:?}");
    assert_eq!(losses(&program, 12), got, "{spec}: the same seed gives other losses");
    let mut written_out = program.clone();
    differentiate::prepare_program(&mut written_out, Tape::None).expect("has a graph");
    for (i, (ours, tape)) in losses(&written_out, 12).iter().zip(&got).enumerate() {
        // Sums in another order differ by a unit in the last place at first; every update makes more of it, up to four times as much.
        let apart = 2e-6 * f64::powi(2.0, i as i32) * tape.abs();
        assert!((ours - tape).abs() < apart, "{spec}: step {i}: {ours}, {tape} by dfdx's tape");
    }
}

#[test]
fn shapes_trains_as_the_interpreter_says() {
    check("specs/first/shapes.vspec");
}

#[test]
fn cifar_trains_as_the_interpreter_says() {
    check("specs/first/cifar.vspec");
}
