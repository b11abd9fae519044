//! How long the compiler takes: `cargo bench -p vspec-tests --bench compile`. On two cores of a workstation ResNet-101 is to
//! elaborate in less than 50 ms, the whole standard library in less than 300 ms, and a training step of ResNet-101 is to be simplified
//! in less than 150 ms, gradients included.
//!
//! All samples but the first find the trees of library files already read, as all files but the first of a `vspecc check` do. What
//! one file costs from nothing is the time of `vspecc check specs/resnet/resnet101.vspec`.

use std::path::Path;

use divan::Bencher;
use vspec_elaborate::{Compiled, compile, stdlib};
use vspec_ir::Graph;
use vspec_optimize::{Context, Level, Target, Verify, differentiate, pipeline, plan, run};
use vspec_tests::{NoWorld, read};

/// As in the compiler's binary: what memory costs is part of what is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

fn compiled(path: &str, text: &str) -> Compiled {
    compile(&NoWorld, Path::new(path), text, &[])
}

/// From text to graph, at each depth.
#[divan::bench(args = ["resnet18", "resnet50", "resnet101"])]
fn elaborate(bencher: Bencher<'_, '_>, name: &str) {
    let path = format!("specs/resnet/{name}.vspec");
    let text = read(&path);
    bencher.bench(|| compiled(&path, &text));
}

/// Every file of the library with its tests, on one thread; `vspecc check stdlib` uses all.
#[divan::bench]
fn check_library() -> usize {
    stdlib::FILES.iter().filter(|(path, text)| !compiled(path, text).has_errors()).count()
}

/// The training step of a small network with its gradients written out.
#[divan::bench(args = ["specs/first/shapes.vspec", "specs/first/cifar.vspec"])]
fn differentiate_step(bencher: Bencher<'_, '_>, spec: &str) {
    let program = compiled(spec, &read(spec)).programs.remove(0);
    bencher.bench(|| differentiate::expand(&program.steps[0].graphs[0].graph));
}

/// The graph of a training step of a ResNet.
fn training_step(depth: u32) -> Graph {
    let text = TRAINING.replace("DEPTH", &depth.to_string());
    compiled("step.vspec", &text).programs.remove(0).steps.remove(0).graphs.remove(0).graph
}

const TRAINING: &str = "
use std.losses.CrossEntropy
use std.nn.ResNet
use std.optim.sgd

experiment imagenet {
  data train = shapes(1000, size = 224) |> shuffle |> batch(32)
  let net = ResNet(DEPTH, classes = train.classes)
  let opt = sgd(lr = 0.1, momentum = 0.9, weight_decay = 1e-4)
  step train(b from train) {
    term loss = CrossEntropy()(net(b.image), b.label)
    minimize terms over net.params by opt
  }
  run 1 epochs of train
}
";

/// From a step to its simplified graph. The time should grow with the depth as a line does.
#[divan::bench(args = [18, 50, 101, 152])]
fn simplify_step(bencher: Bencher<'_, '_>, depth: u32) {
    let graph = training_step(depth);
    bencher.bench(|| run(pipeline(Level::O2), &graph, &mut Context::default(), Verify::Last));
}

/// From a step to its plan for batches of 4: passes, sizes, kernels and memory.
#[divan::bench(args = [18, 50, 101, 152])]
fn plan_step(bencher: Bencher<'_, '_>, depth: u32) {
    let graph = training_step(depth);
    bencher.bench(|| plan(&graph, Target::dense(Level::O2), &|name| (name == "B").then_some(4)));
}

/// From text to the plan of a training step, for 1 to 16 times four residual blocks. Twice the blocks should take twice the time.
#[divan::bench(args = [4, 8, 16, 32, 64])]
fn plan_blocks(bencher: Bencher<'_, '_>, blocks: u32) {
    let text = STACK.replace("BLOCKS", &blocks.to_string());
    bencher.bench(|| {
        let graph = compiled("stack.vspec", &text).programs.remove(0).steps.remove(0).graphs.remove(0).graph;
        plan(&graph, Target::dense(Level::O2), &|name| (name == "B").then_some(4))
    });
}

const STACK: &str = "
use std.losses.CrossEntropy
use std.nn.{BasicBlock, Conv, Linear, global_avg_pool}
use std.optim.sgd

module Stack(classes: int) {
  stem = Conv(3, 16)
  blocks = [BasicBlock(16, 16) for _ in 0..BLOCKS]
  head = Linear(16, classes)
  forward(x: f32[B, 3, H, W]) {
    let maps = fold block in blocks with y = stem(x) { block(y) }
    maps |> global_avg_pool |> head
  }
}

experiment stack {
  data train = shapes(1000, size = 32) |> shuffle |> batch(4)
  let net = Stack(train.classes)
  let opt = sgd(lr = 0.1, momentum = 0.9, weight_decay = 1e-4)
  step train(b from train) {
    term loss = CrossEntropy()(net(b.image), b.label)
    minimize terms over net.params by opt
  }
  run 1 epochs of train
}
";
