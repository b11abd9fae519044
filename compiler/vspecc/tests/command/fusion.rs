//! `vspecc ir --stage fused`, `vspecc explain FILE`, and the engines that run kernels.

use crate::scene::Scene;

const TINY: &str = r#"
use std.losses.CrossEntropy
use std.nn.{BatchNorm, Conv, Linear, global_avg_pool}
use std.optim.sgd

module Tiny(classes: int) {
  stem = Conv(3, 4, kernel = 3, stride = 2)
  norm = BatchNorm(4)
  head = Linear(4, classes)
  forward(x: f32[B, 3, H, W]) { x |> stem |> norm |> relu |> global_avg_pool |> head }
}

experiment tiny {
  data train = shapes(24, size = 16) |> batch(8)
  let net = Tiny(train.classes)
  let opt = sgd(lr = 0.1, momentum = 0.9)
  step train(b from train) {
    term loss = CrossEntropy()(net(b.image), b.label)
    minimize terms over net.params by opt
  }
  run 2 epochs of train
}
"#;

fn scene() -> Scene {
    let scene = Scene::new(1);
    scene.write("tiny.vspec", TINY);
    scene
}

#[test]
fn kernels_are_shown_for_the_batch_of_the_step_or_another() {
    let scene = scene();
    let shown = scene.succeed(&["ir", "tiny.vspec", "--stage", "fused"]).stdout;
    assert!(shown.contains("rows i < 4 of j < 8"), "{shown}");
    assert!(shown.contains("result = conv_weight(b.image"), "{shown}");
    let other = scene.succeed(&["ir", "tiny.vspec", "--stage", "fused", "--size", "B=3", "-O0"]).stdout;
    assert!(other.contains("i < 3") && other.lines().count() > shown.lines().count(), "{other}");
}

#[test]
fn a_file_is_explained_by_its_kernels() {
    let scene = scene();
    let text = scene.succeed(&["explain", "tiny.vspec"]).stdout;
    assert!(text.starts_with("train: ") && text.contains("without fusion"), "{text}");
    assert!(text.contains("conv in net.stem") && text.contains("its kernel works in tiles"), "{text}");
    // Few enough are stored that all are shown anyway.
    assert_eq!(scene.succeed(&["explain", "tiny.vspec", "--step", "train", "--all"]).stdout, text);
}

#[test]
fn a_step_is_timed_kernel_by_kernel() {
    let scene = scene();
    let text = scene.succeed(&["bench", "tiny.vspec", "--runs", "3", "--kernels"]).stdout;
    for part in
        ["read ", "plan ", "first ", "fastest ", "items/s", "median ", "loss  ", "net.stem, conv, points"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json = scene.succeed(&["bench", "tiny.vspec", "--runs", "3", "--engine", "dfdx", "--json"]).stdout;
    let figures: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(figures["items"], 8);
    assert_eq!(figures["kernels"], serde_json::json!([]), "dfdx runs no plans");
    assert!(figures["fastest"].as_f64() <= figures["median"].as_f64(), "{json}");
}

#[test]
fn the_first_run_of_a_step_can_be_timed_alone() {
    let json = scene().succeed(&["bench", "tiny.vspec", "--runs", "0", "--json"]).stdout;
    let figures: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert!(figures["fastest"].is_null() && figures["first"].as_f64() > Some(0.0), "{json}");
    assert!(figures["read"].as_f64() > Some(0.0) && figures["plan"].as_f64() > Some(0.0), "{json}");
    assert_eq!(figures["reports"].as_array().map(Vec::len), Some(1), "{json}");
}

#[test]
fn what_a_timed_step_began_and_ended_with_is_saved() {
    let scene = scene();
    scene.succeed(&["bench", "tiny.vspec", "--runs", "1", "--save", "kept"]);
    let read = |name: &str| std::fs::read(scene.path("kept").join(name)).expect("readable");
    let (before, after) = (read("before.safetensors"), read("after.safetensors"));
    let of = |bytes: &[u8], name: &str| {
        let file = safetensors::SafeTensors::deserialize(bytes).expect("a safetensors file");
        file.tensor(name).map(|tensor| tensor.data().to_vec()).ok()
    };
    assert!(of(&before, "b.image").is_some() && of(&after, "b.image").is_none());
    let weight = "net.stem.weight";
    assert!(of(&before, weight).is_some() && of(&before, weight) != of(&after, weight));
}

#[test]
fn an_engine_without_kernels_says_so() {
    let told = scene().succeed(&["bench", "tiny.vspec", "--runs", "1", "--engine", "dfdx", "--kernels"]);
    assert!(told.stderr.contains("--engine fused"), "{}", told.stderr);
}

#[test]
fn the_step_to_time_has_to_be_known() {
    let scene = scene();
    assert!(scene.refuse(&["bench", "tiny.vspec", "--step", "trian"]).contains("did you mean `train`"));
    assert!(scene.refuse(&["bench", "missing.vspec"]).contains("missing.vspec"));
}

#[test]
fn sizes_and_steps_that_do_not_exist_are_named() {
    let scene = scene();
    assert!(scene.refuse(&["explain", "tiny.vspec", "--step", "trian"]).contains("did you mean `train`"));
    assert!(scene.refuse(&["ir", "tiny.vspec", "--size", "B=3"]).contains("--stage fused"));
    assert!(
        scene
            .refuse(&["ir", "tiny.vspec", "--stage", "fused", "--size", "B=many"])
            .contains("no whole number")
    );
    assert!(scene.refuse(&["explain", "none.vspec"]).contains("none.vspec"));
    scene.write("open.vspec", "entry open = relu(f32[N, 4])\n");
    assert!(scene.refuse(&["ir", "open.vspec", "--stage", "fused"]).contains("--size NAME=N"));
}

/// Losses of all iterations of a run.
fn losses(scene: &Scene, engine: &str) -> Vec<f64> {
    scene.succeed(&["run", "tiny.vspec", "--engine", engine, "--out", engine]);
    let table = scene.read(&format!("{engine}/tiny/001/metrics.csv"));
    let mut lines = table.lines().map(|line| line.split(',').map(str::to_string).collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let column = header.iter().position(|name| name == "train/loss").expect("the loss is recorded");
    lines.filter_map(|line| line.get(column)?.parse().ok()).collect()
}

#[test]
fn engines_that_run_kernels_train_as_dfdx_does() {
    let scene = scene();
    let want = losses(&scene, "dfdx");
    assert!(!want.is_empty());
    for engine in ["fused", "dfdx-fused"] {
        let got = losses(&scene, engine);
        assert_eq!(got.len(), want.len(), "{engine}");
        for (got, want) in got.iter().zip(&want) {
            assert!((got - want).abs() < 1e-4 * want.abs(), "{engine}: {got}, not {want}");
        }
    }
}
