//! How fast regions are as tile programs and as machine code: `cargo bench -p vspec-tests --bench regions`. Tiles use the best vector
//! instructions that the machine has, too.

use divan::Bencher;
use divan::counter::ItemsCount;
use vspec_cpu::{Executable, Isa, Mode};
use vspec_engine::{Engine, Inputs, Precision, RunKey, Session};
use vspec_ir::{Graph, Program};
use vspec_optimize::{Level, Target, plan};
use vspec_tests::{compile_text, fused_in};
use vspec_train::initialise;

fn main() {
    divan::main();
}

/// A step, how many elements it goes through, and its specification.
const WORKS: [(&str, usize, &str); 4] = [
    ("focal", 12_500 * 80, FOCAL),
    ("giou", 131_072, GIOU),
    ("norm_relu", 8 * 64 * 56 * 56, NORM),
    ("softmax", 4096 * 1000, SOFTMAX),
];

const FOCAL: &str = "
use std.losses.SigmoidFocal
module M() {
  state x: f32[12500, 80] = normal
  state t: f32[12500, 80] = 0
  state dx: f32[12500, 80] = 0
}
experiment e {
  let m = M()
  step s() {
    let loss = SigmoidFocal()(m.x, m.t)
    report loss = loss
    update m.dx = grad(loss, m.x)
  }
  run 1 of s
}
";

const GIOU: &str = "
use std.losses.GIoU
module M() {
  state a: f32[131072, 4] = normal
  state b: f32[131072, 4] = normal
  state da: f32[131072, 4] = 0
}
experiment e {
  let m = M()
  step s() {
    let loss = GIoU()(m.a, m.b)
    report loss = loss
    update m.da = grad(loss, m.a)
  }
  run 1 of s
}
";

const NORM: &str = "
use std.nn.BatchNorm
module M() {
  norm = BatchNorm(64)
  state x: f32[8, 64, 56, 56] = normal
  state y: f32[8, 64, 56, 56] = 0
}
experiment e {
  let m = M()
  step s() {
    update m.y = relu(m.norm(m.x))
  }
  run 1 of s
}
";

const SOFTMAX: &str = "
use std.losses.CrossEntropy
module M() {
  state x: f32[4096, 1000] = normal
  state dx: f32[4096, 1000] = 0
}
experiment e {
  let m = M()
  step s() {
    let loss = CrossEntropy()(m.x, iota(4096) % 1000)
    report loss = loss
    update m.dx = grad(loss, m.x)
  }
  run 1 of s
}
";

/// How regions run.
const MODES: [&str; 3] = ["tile", "avx2", "avx512"];

fn mode(name: &str) -> Mode {
    let isa = if name == "avx2" { Isa::Avx2 } else { Isa::Avx512 };
    Mode { machine_code: name != "tile", ..Mode::only(isa) }
}

fn program(text: &str) -> Program {
    compile_text(text).programs.remove(0)
}

fn graph(program: &Program) -> &Graph {
    &program.steps[0].graphs[0].graph
}

fn cases() -> impl Iterator<Item = String> {
    WORKS.iter().flat_map(|(name, ..)| MODES.iter().map(move |mode| format!("{name} {mode}")))
}

fn work(case: &str) -> (usize, &'static str, Mode) {
    let (name, how) = case.split_once(' ').unwrap_or((case, "tile"));
    let found = WORKS.iter().find(|(own, ..)| *own == name).unwrap_or(&WORKS[0]);
    (found.1, found.2, mode(how))
}

/// A step, forward and backward.
#[divan::bench(args = cases(), sample_count = 100)]
fn run(bencher: Bencher<'_, '_>, case: &str) {
    let (elements, text, mode) = work(case);
    let program = program(text);
    let mut session: Box<dyn Session> = fused_in(mode, Level::O2, Precision::F32).session();
    initialise(&program.variables, session.as_mut(), 0).expect("first values");
    bencher
        .counter(ItemsCount::new(elements))
        .bench_local(|| session.run(graph(&program), &Inputs::new(), RunKey::default()).map(|_| ()));
}

/// A plan made ready, machine code included.
#[divan::bench(args = cases())]
fn make(bencher: Bencher<'_, '_>, case: &str) {
    let (_, text, mode) = work(case);
    let program = program(text);
    let planned = plan(graph(&program), Target::dense(Level::O2), &|_| None).expect("is planned").plan;
    let kernels = planned.kernels.len();
    bencher
        .counter(ItemsCount::new(kernels))
        .with_inputs(|| planned.clone())
        .bench_local_values(|plan| Executable::<f32>::new(plan, mode).map(|_| ()));
}
