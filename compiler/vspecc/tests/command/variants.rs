//! Steps of several graphs: phases of the clock, and batches of different sizes.

use crate::scene::Scene;

const EXPERIMENT: &str = r#"
use std.losses.CrossEntropy
use std.nn.{Conv, Linear, global_avg_pool}
use std.optim.sgd

module Tiny(classes: int) {
  stem = Conv(3, 4, kernel = 3, stride = 2)
  head = Linear(4, classes)
  forward(x: f32[B, 3, H, W]) { x |> stem |> relu |> global_avg_pool |> head }
}

experiment tiny {
  data train = shapes(32, size = 16) |> shuffle |> batch(8)
  data val = shapes(20, size = 16, split = "val") |> batch(8)

  let net = Tiny(train.classes)
  let opt = sgd(lr = 0.1)

  step train(b from train) {
    let loss = CrossEntropy()(net(b.image), b.label)
    if iteration < 6 { term early = loss } else { term late = loss }
    minimize terms over net.params by opt
  }

  step evaluate(b from val) {
    report items = f32(shape(b.label)[0])
    if shape(b.label)[0] < 8 { report short = f32(shape(b.label)[0]) }
    collect label = b.label
    finish { if shape(label)[0] > 16 { report many = f32(shape(label)[0]) } else { report few = 1.0 } }
  }

  run 3 epochs of train, evaluate every epoch
}
"#;

/// The cells of a column of `metrics.csv` in the rows of one kind.
fn column(scene: &Scene, run: &str, kind: &str, name: &str) -> Vec<String> {
    let text = scene.read(&format!("runs/tiny/{run}/metrics.csv"));
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_string).collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let at = header.iter().position(|h| *h == name).unwrap_or_else(|| panic!("no {name} in {header:?}"));
    lines.filter(|cells| cells[0] == kind).map(|cells| cells[at].clone()).collect()
}

fn scene() -> Scene {
    let scene = Scene::new(1);
    scene.write("phases.vspec", EXPERIMENT);
    scene
}

#[test]
fn a_pass_reports_what_its_graphs_do() {
    let scene = scene();
    scene.succeed(&["run", "phases.vspec"]);
    let filled =
        |name| column(&scene, "001", "epoch", name).iter().map(|cell| !cell.is_empty()).collect::<Vec<_>>();
    assert_eq!(filled("train/early"), [true, true, false], "the second epoch has two iterations of it");
    assert_eq!(filled("train/late"), [false, true, true]);
    let evaluation = |name| column(&scene, "001", "evaluation", name);
    assert_eq!(evaluation("evaluate/short"), ["4", "4", "4"]);
    assert_eq!(evaluation("evaluate/many"), ["20", "20", "20"]);
    assert_eq!(evaluation("evaluate/few"), ["", "", ""]);
    // Weighted by items: two batches of 8 and one of 4.
    assert_eq!(evaluation("evaluate/items"), ["7.2", "7.2", "7.2"]);
}

#[test]
fn a_run_that_goes_on_finds_its_phase_again() {
    let scene = scene();
    scene.succeed(&["run", "phases.vspec", "--out", "runs/tiny/whole"]);
    scene.succeed(&["run", "phases.vspec", "--out", "runs/tiny/parts", "--max-steps", "7"]);
    scene.succeed(&["run", "phases.vspec", "--out", "runs/tiny/parts", "--resume", "auto"]);
    assert_eq!(
        scene.read("runs/tiny/whole/tiny/001/metrics.csv"),
        scene.read("runs/tiny/parts/tiny/001/metrics.csv")
    );
}

#[test]
fn graphs_and_their_costs_are_shown_with_their_conditions() {
    let scene = scene();
    let shown = scene.succeed(&["ir", "phases.vspec", "--step", "train"]).stdout;
    assert!(shown.starts_with("// when iteration < 6\ngraph @train("), "{shown}");
    assert!(shown.contains("\n\n// when iteration >= 6\ngraph @train("), "{shown}");
    let costs = scene.succeed(&["stats", "phases.vspec"]).stdout;
    assert!(costs.contains("tiny.evaluate when B <= 7\n"), "{costs}");
    assert!(costs.contains("tiny.evaluate when B >= 8\n"), "{costs}");
}
