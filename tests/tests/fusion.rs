//! What is fused, as snapshots that a person can read, and what that saves.

use std::path::Path;

use vspec_elaborate::compile;
use vspec_ir::Graph;
use vspec_optimize::{Level, Planned, Target, plan};
use vspec_tests::{NoWorld, assert_clean, compile_text};

const BLOCK: &str = "
use std.nn.{BatchNorm, Conv}
use std.optim.sgd

module Block(c: int) {
  conv1 = Conv(c, c, kernel = 3, bias = false)
  bn1 = BatchNorm(c)
  conv2 = Conv(c, c, kernel = 3, bias = false)
  bn2 = BatchNorm(c)
  forward(x: f32[B, c, H, W]) -> f32[B, c, H, W] {
    relu((x |> conv1 |> bn1 |> relu |> conv2 |> bn2) + x)
  }
}

experiment block {
  let net = Block(3)
  let opt = sgd(lr = 0.1)
  step train() {
    term loss = mean(net(uniform([4, 3, 8, 8])) ^ 2)
    minimize terms over net.params by opt
  }
  run 1 of train
}
";

const CROSS_ENTROPY: &str = "
use std.losses.CrossEntropy
use std.optim.sgd

module Scores(rows: int, classes: int) {
  param z: f32[rows, classes] = normal
  forward() { z }
}

experiment cross_entropy {
  let net = Scores(8, 10)
  let opt = sgd(lr = 0.5)
  step train() {
    term loss = CrossEntropy()(net(), iota(8))
    minimize terms over net.params by opt
  }
  run 1 of train
}
";

const GIOU: &str = "
use std.losses.GIoU
use std.optim.sgd

module Boxes(rows: int) {
  param box: f32[rows, 4] = normal
  state truth: f32[rows, 4] = 0
}

experiment giou {
  let net = Boxes(1000)
  let opt = sgd(lr = 0.5)
  step train() {
    term loss = GIoU()(net.box, net.truth)
    minimize terms over [net.box] by opt
  }
  run 1 of train
}
";

const ADAMW: &str = "
use std.optim.adamw

module Weights(rows: int, columns: int) {
  param w: f32[rows, columns] = normal
  state g: f32[rows, columns] = 0
}

experiment adamw_update {
  let net = Weights(1000, 250)
  let opt = adamw(lr = 0.001)
  step train() {
    apply [net.g] to [net.w] by opt
  }
  run 1 of train
}
";

/// Sums over a batch of four, whose rows become points, and a mean and a maximum of rows that are written point by point, which stay.
const SHORT_ROWS: &str = "
use std.optim.sgd

module Bias(c: int) {
  param bias: f32[4, c, 3] = normal
  state x: f32[4, c, 3] = 0
}

experiment short_rows {
  let net = Bias(300)
  let opt = sgd(lr = 0.5)
  step train() {
    report loss = max(sum(net.x * net.bias, axis = 0))
    let apart = mean(net.x, axis = 2, keepdims = true) - max(net.x, axis = 2, keepdims = true)
    apply [broadcast(apart, [4, 300, 3])] to [net.bias] by opt
  }
  run 1 of train
}
";

/// Gradients that are added to zeros: of a pooling and of rows of a table. What is scattered into and read elsewhere, too, stays a map.
const SCATTERED: &str = "
module Rows() {
  param table: f32[50, 8] = normal
  param map: f32[1, 4, 6, 6] = normal
  state place: i32[12] = 3
  state x: f32[50, 8] = 0
}

experiment scattered {
  let net = Rows()
  step train() {
    let there = net.x + 1.0
    report pooled = sum(grad(sum(square(max_pool(net.map, kernel = 2))), net.map))
    report rows = sum(grad(sum(square(net.table[net.place])), net.table))
    report put = sum(square(scatter_add(there, broadcast(reshape(net.place, [12, 1]), [12, 8]), zeros([12, 8]) + 2.0, axis = 0) - there))
  }
  run 1 of train
}
";

/// Two multiples of a sum, which rows fold that are not its own: the sum is stored in their place.
const MULTIPLES: &str = "
module Scaled() {
  param a: f32[40, 30, 20] = normal
  param b: f32[40, 30, 20] = normal
  param w: f32[2] = normal
}

experiment multiples {
  let net = Scaled()
  step train() {
    let s = exp(net.a) + net.b
    report whole = sum(s * net.a)
    report first = sum(exp(min(s * net.w[0], axis = [0, 2])))
    report second = sum(exp(max(s * net.w[1], axis = [0, 2])))
  }
  run 1 of train
}
";

/// The training step of the first experiment of a text.
fn step(text: &str) -> Graph {
    let mut compiled = compile_text(text);
    assert_clean(&compiled, "the experiment");
    compiled.programs.remove(0).steps.remove(0).graphs.remove(0).graph
}

fn planned(graph: &Graph, level: Level, batch: i64) -> Planned {
    plan(graph, Target::dense(level), &|name| (name == "B").then_some(batch)).expect("is planned")
}

/// Kernels without and with fusion, then the fused ones.
fn shown(text: &str) -> String {
    let graph = step(text);
    let (before, after) = (planned(&graph, Level::O0, 1), planned(&graph, Level::O2, 1));
    format!("{} kernels without fusion\n{}", before.plan.kernels.len(), after.plan)
}

#[test]
fn a_residual_block_and_its_way_back() {
    insta::assert_snapshot!(shown(BLOCK));
}

#[test]
fn softmax_cross_entropy_and_its_gradient() {
    insta::assert_snapshot!(shown(CROSS_ENTROPY));
}

#[test]
fn giou_and_its_gradient() {
    insta::assert_snapshot!(shown(GIOU));
}

#[test]
fn an_adamw_update() {
    insta::assert_snapshot!(shown(ADAMW));
}

#[test]
fn short_rows_become_points() {
    insta::assert_snapshot!(shown(SHORT_ROWS));
}

#[test]
fn what_is_added_to_zeros_needs_no_zeros() {
    insta::assert_snapshot!(shown(SCATTERED));
}

#[test]
fn what_several_values_are_multiples_of_is_stored_for_them() {
    insta::assert_snapshot!(shown(MULTIPLES));
}

fn resnet(depth: usize) -> Graph {
    let text = format!(
        "use std.losses.CrossEntropy\nuse std.nn.ResNet\nuse std.optim.sgd\n\
         experiment resnet {{\n  data train = shapes(8, size = 224) |> batch(4)\n  let net = ResNet({depth}, classes = 10)\n  \
         let opt = sgd(lr = 0.1, momentum = 0.9)\n  step train(b from train) {{\n    \
         term loss = CrossEntropy()(net(b.image), b.label)\n    minimize terms over net.params by opt\n  }}\n  \
         run 1 epoch of train\n}}\n"
    );
    let mut compiled = compile(&NoWorld, Path::new("resnet.vspec"), &text, &[]);
    assert_clean(&compiled, "the experiment");
    compiled.programs.remove(0).steps.remove(0).graphs.remove(0).graph
}

/// Three norms, three convolutions and what surrounds them need about 14 kernels a block, way back and updates included.
#[test]
fn a_training_step_needs_little_more_than_its_convolutions() {
    let graph = resnet(50);
    let (before, after) = (planned(&graph, Level::O0, 4), planned(&graph, Level::O2, 4));
    let anchors = after.plan.kernels.iter().filter(|kernel| kernel.anchor.is_some()).count();
    let loops = after.plan.kernels.len() - anchors;
    assert!(after.plan.kernels.len() * 10 < before.plan.kernels.len(), "{}", after.plan.kernels.len());
    assert!(loops < anchors, "{loops} kernels of loops beside {anchors} others");
}

#[test]
fn memory_is_planned_close_to_what_is_alive() {
    let graph = resnet(50);
    let (before, after) = (planned(&graph, Level::O0, 4), planned(&graph, Level::O2, 4));
    let (plain, fused) = (before.footprint, after.footprint);
    assert!(fused.planned >= fused.alive, "{fused:?}");
    assert!(fused.planned * 100 <= fused.alive * 102, "more than 2 % above what is alive: {fused:?}");
    assert!(fused.planned * 7 < plain.sum, "of all values {plain:?} much is left: {fused:?}");
}
