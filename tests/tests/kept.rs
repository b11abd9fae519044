//! What the fused engine keeps from run to run is what it would compute again: the results are those of an engine that has kept nothing,
//! bit for bit, whatever happens to the variables in between.

use vspec_engine::{Buffer, Engine, HostTensor, Inputs, Precision, RunKey, Session};
use vspec_ir::plan::Still;
use vspec_ir::{Graph, Program};
use vspec_optimize::{Level, Target, differentiate, plan};
use vspec_tests::fused_at;
use vspec_tests::{assert_clean, compile_text};

/// Convolutions of all kinds with norms behind them, which become part of the weights where nothing is trained. A step writes some of the
/// variables, and one of them is an offset that nothing but a convolution's region reads.
const NETWORK: &str = "
use std.losses.CrossEntropy
use std.nn.{BatchNorm, Conv, Linear, global_avg_pool}
use std.optim.sgd

module Net() {
  stem = Conv(3, 16, kernel = 3, stride = 2, bias = true)
  one = Conv(16, 32, kernel = 3, bias = false)
  norm = BatchNorm(32)
  split = Conv(32, 24, kernel = 3, groups = 2, bias = false)
  other = BatchNorm(24)
  point = Conv(24, 8, kernel = 1, stride = 2, bias = false)
  head = Linear(8, 4)
  forward(x: f32[B, 3, H, W]) -> f32[B, 4] {
    x |> stem |> relu |> one |> norm |> relu |> split |> other |> relu |> point |> global_avg_pool |> head
  }
}

experiment kept {
  data train = shapes(8, size = 24) |> batch(2)
  let net = Net()
  let opt = sgd(lr = 0.1)
  step infer(b from train) {
    report loss = CrossEntropy()(net(b.image), b.label % 4)
  }
  step train(b from train) {
    term loss = CrossEntropy()(net(b.image), b.label % 4)
    minimize terms over net.params by opt
  }
  run {
    1 epoch of infer
    1 epoch of train
  }
}
";

fn program() -> Program {
    let mut compiled = compile_text(NETWORK);
    assert_clean(&compiled, "the network");
    let mut program = compiled.programs.remove(0);
    differentiate::prepare_program(&mut program, differentiate::Tape::None).expect("has gradients");
    program
}

fn graph<'p>(program: &'p Program, step: &str) -> &'p Graph {
    &program.steps.iter().find(|own| own.name == step).expect("the step is there").graphs[0].graph
}

fn inputs(seed: usize) -> Inputs {
    let image = (0..2 * 3 * 24 * 24).map(|i| ((i * 37 + seed * 11) % 101) as f32 / 101.0 - 0.5).collect();
    let tensor = |shape: &[usize], buffer| HostTensor::new(shape.to_vec(), buffer).expect("fills");
    let mut inputs = Inputs::new();
    inputs.insert("b.image".to_string(), tensor(&[2, 3, 24, 24], Buffer::F32(image)));
    inputs.insert("b.label".to_string(), tensor(&[2], Buffer::I32(vec![1, 3])));
    for clock in ["clock.epoch", "clock.iteration", "clock.progress"] {
        inputs.insert(clock.to_string(), HostTensor::scalar(0.0));
    }
    inputs
}

fn session(program: &Program) -> Box<dyn Session> {
    let mut session = fused_at(Level::O2, Precision::F32).session();
    vspec_train::initialise(&program.variables, session.as_mut(), 3).expect("initialises");
    session
}

/// What a step says in a session, and in a new one with the same variables.
fn assert_nothing_is_stale(program: &Program, session: &mut dyn Session, seed: usize, when: &str) {
    let mut new = fused_at(Level::O2, Precision::F32).session();
    for variable in &program.variables {
        new.write(&variable.path, session.read(&variable.path).expect("is there")).expect("is taken");
    }
    let infer = graph(program, "infer");
    let run = |session: &mut dyn Session| {
        let results = session.run(infer, &inputs(seed), RunKey::default()).expect("runs");
        results.iter().map(|result| result.item().expect("a scalar").to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(run(session), run(new.as_mut()), "{when}");
}

#[test]
fn results_follow_the_variables() {
    let program = program();
    let mut session = session(&program);
    let session = session.as_mut();
    for round in 0..3 {
        assert_nothing_is_stale(&program, session, round, "nothing was written");
    }
    for (number, variable) in program.variables.iter().enumerate() {
        let value = session.read(&variable.path).expect("is there");
        let changed = match value.buffer() {
            Buffer::F32(v) => Buffer::F32(v.iter().map(|x| 1.25 * x + 0.125).collect()),
            other => other.clone(),
        };
        let changed = HostTensor::new(value.shape().to_vec(), changed).expect("fills");
        session.write(&variable.path, changed).expect("is taken");
        let when = format!("{} was written", variable.path);
        assert_nothing_is_stale(&program, session, number, &when);
    }
    let train = graph(&program, "train");
    for round in 0..3 {
        session.run(train, &inputs(round), RunKey::default()).expect("trains");
        assert_nothing_is_stale(&program, session, round, "a step has trained");
        assert_nothing_is_stale(&program, session, round + 1, "nothing was written again");
    }
}

#[test]
fn a_kernel_of_the_weights_runs_once() {
    let program = program();
    let mut session = session(&program);
    session.measure(true);
    for round in 0..4 {
        session.run(graph(&program, "infer"), &inputs(round), RunKey::default()).expect("runs");
    }
    let runs: Vec<u64> = session.kernel_times().iter().map(|kernel| kernel.runs).collect();
    let still = still(&program, "infer");
    let expected: Vec<u64> = still.kernels.iter().map(|still| if *still { 1 } else { 4 }).collect();
    assert_eq!(runs, expected);
    // Two norms have become part of weights and of offsets.
    assert!(still.kernels.iter().filter(|still| **still).count() >= 2, "{still:?}");
}

fn still(program: &Program, step: &str) -> Still {
    let sizes = |name: &str| Some(if name == "B" { 2 } else { 24 });
    plan(graph(program, step), Target::dense(Level::O2), &sizes).expect("is planned").plan.still()
}

#[test]
fn what_a_step_writes_is_not_still() {
    let program = program();
    let still = still(&program, "train");
    assert_eq!(still.variables.len(), 0, "{still:?}");
}
