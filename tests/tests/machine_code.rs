//! How much of the regions of real steps is machine code, with each set of instructions that the machine has.

use vspec_cpu::{Coverage, Executable, Isa, Mode, detected};
use vspec_ir::Graph;
use vspec_optimize::{Level, Target, plan};
use vspec_tests::{assert_clean, compile_text, read};

const FOCAL_GIOU: &str = "
use std.losses.{GIoU, SigmoidFocal}

module Predictions(rows: int, classes: int) {
  state logits: f32[rows, classes] = normal
  state truths: f32[rows, classes] = 0
  state box: f32[rows, 4] = normal
  state target: f32[rows, 4] = normal
  state logits_gradient: f32[rows, classes] = 0
  state box_gradient: f32[rows, 4] = 0
}

experiment focal_giou {
  let p = Predictions(4480, 80)
  step losses() {
    let loss = SigmoidFocal()(p.logits, p.truths) + GIoU()(p.box, p.target)
    report loss = loss
    update p.logits_gradient = grad(loss, p.logits)
    update p.box_gradient = grad(loss, p.box)
  }
  run 1 of losses
}
";

const NORM: &str = "
use std.nn.BatchNorm

module M() {
  norm = BatchNorm(64)
  state x: f32[8, 64, 56, 56] = normal
  state y: f32[8, 64, 56, 56] = 0
}

experiment norm {
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

experiment softmax {
  let m = M()
  step s() {
    let loss = CrossEntropy()(m.x, iota(4096) % 1000)
    report loss = loss
    update m.dx = grad(loss, m.x)
  }
  run 1 of s
}
";

const RESNET18: &str = "
use std.losses.CrossEntropy
use std.nn.ResNet
use std.optim.sgd

experiment resnet {
  data train = shapes(8, size = 128) |> batch(8)
  let net = ResNet(18, classes = 10)
  let opt = sgd(lr = 0.1, momentum = 0.9)
  step train(b from train) {
    term loss = CrossEntropy()(net(b.image), b.label)
    minimize terms over net.params by opt
  }
  run 1 epoch of train
}
";

/// The first step of the first experiment of a text.
fn step(text: &str) -> Graph {
    let mut compiled = compile_text(text);
    assert_clean(&compiled, "the experiment");
    compiled.programs.remove(0).steps.remove(0).graphs.remove(0).graph
}

fn coverage(graph: &Graph, isa: Isa) -> Coverage {
    let planned = plan(graph, Target::dense(Level::O2), &|name| (name == "B").then_some(8));
    let made = Executable::<f32>::new(planned.expect("is planned").plan, Mode::only(isa));
    made.expect("a good plan").coverage()
}

/// At least half of the programs, and nearly all steps of all.
#[test]
fn regions_of_real_steps_are_machine_code() {
    let best = detected();
    let shapes = read("specs/first/shapes.vspec");
    let specifications = [
        ("focal and GIoU", FOCAL_GIOU),
        ("batch norm and relu", NORM),
        ("softmax and cross-entropy", SOFTMAX),
        ("shapes", &shapes),
        ("ResNet-18", RESNET18),
    ];
    for (name, text) in specifications {
        let graph = step(text);
        for isa in [Isa::Avx2, Isa::Avx512].into_iter().filter(|own| *own <= best) {
            let found = coverage(&graph, isa);
            println!("{name}, {isa:?}: {found:?}");
            assert!(found.programs > 0 && found.whole * 2 >= found.programs, "{name}, {isa:?}: {found:?}");
            assert!(found.native * 20 >= found.steps * 19, "{name}, {isa:?}: {found:?}");
        }
        let none = coverage(&graph, Isa::Baseline);
        assert_eq!((none.native, none.bytes), (0, 0), "{name}");
    }
}
