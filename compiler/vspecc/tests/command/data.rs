//! Runs over data sets that are divided, paired, mixed and changed by functions: they repeat and go on bit for bit.

use crate::scene::Scene;

/// `{data}` declares `train`, whose items are pairs.
const SIAMESE: &str = r#"
use std.nn.{Conv, Linear, global_avg_pool}
use std.optim.sgd

fn noisy(item: { image: f32[3, H, W] }, amount: float = 0.05) {
  { image: item.image + amount * normal([3, H, W]) }
}

module Embedding(size: int) {
  stem = Conv(3, 4, kernel = 3, stride = 2)
  head = Linear(4, size)
  forward(x: f32[B, 3, H, W]) -> f32[B, size] { x |> stem |> relu |> global_avg_pool |> head }
}

experiment siamese {
{data}
  let net = Embedding(3)
  let opt = sgd(lr = 0.1, momentum = 0.9)

  step train(b from train) {
    let distance = mean(square(net(b.first.image) - net(b.second.image)), axis = 1)
    term loss = mean(where(b.positive, distance, relu(1.0 - distance)))
    minimize terms over net.params by opt
  }

  run 3 epochs of train
}
"#;

/// Pipelines of pairs, and how many batches an epoch of each has.
const PIPELINES: [(&str, u64); 5] = [
    ("data train = shapes(30, size = 8) |> each(noisy) |> pairs(negative = 0.3) |> shuffle |> batch(7)", 5),
    ("data train = shapes(30, size = 8) |> each(noisy(amount = 0.2)) |> pairs() |> draw(50) |> batch(8)", 7),
    (
        "data train = shapes(50, size = 8) |> part(\"a\", of = { a: 0.4, b: 0.6 }, stratified = true) |> pairs(within = 2) |> shuffle |> batch(6, drop_last = true)",
        3,
    ),
    (
        "data few = shapes(9, size = 8, split = \"few\") |> each(hflip()) |> pairs()
  data many = shapes(40, size = 8, split = \"many\") |> each(noisy) |> pairs(negative = 0.5)
  data train = mix({ few: 1, many: 2 }) |> batch(7)",
        7,
    ),
    (
        "data few = shapes(9, size = 8, split = \"few\")
  data many = shapes(40, size = 8, split = \"many\") |> shuffle
  data train = mix({ few: 0.5, many: 0.5 }) |> draw(33) |> each(noisy) |> pairs(negative = 0.2) |> batch(5)",
        7,
    ),
];

#[test]
fn a_run_that_was_ended_in_an_epoch_goes_on_bit_for_bit() {
    let scene = Scene::new(1);
    for (i, (data, batches)) in PIPELINES.iter().enumerate() {
        let file = format!("siamese{i}.vspec");
        scene.write(&file, &SIAMESE.replace("{data}", &format!("  {data}")));
        let (whole, ended) = (format!("whole{i}"), format!("ended{i}"));
        scene.succeed(&["run", &file, "--out", &whole, "--seed", "5"]);
        let rows = scene.read(&format!("{whole}/siamese/001/metrics.csv"));
        assert!(rows.contains(&format!("{},", 3 * batches)), "{data}: {rows}");
        // In the middle of the first epoch, at its end, and in the middle of the second.
        for steps in [2, *batches, batches + 2] {
            let out = format!("{ended}_{steps}");
            let steps = steps.to_string();
            scene.succeed(&["run", &file, "--out", &out, "--seed", "5", "--max-steps", &steps]);
            scene.succeed(&["run", "--resume", &format!("{out}/siamese/001")]);
            for name in ["metrics.csv", "checkpoints/last.safetensors"] {
                let read = |out: &str| scene.bytes(&format!("{out}/siamese/001/{name}"));
                assert!(read(&out) == read(&whole), "{data}: {name} after {steps} steps");
            }
        }
    }
}

#[test]
fn settings_reach_the_stages() {
    let scene = Scene::new(1);
    let data = "  data train = shapes(30, size = 8) |> each(noisy) |> pairs() |> draw(50) |> batch(8)";
    scene.write("siamese.vspec", &SIAMESE.replace("{data}", data));
    let settings = ["train.batch=16", "train.draw=40", "train.pairs.negative=0.5", "train.within=3"];
    let mut args = vec!["run", "siamese.vspec"];
    settings.iter().for_each(|setting| args.extend(["--set", setting]));
    scene.succeed(&args);
    let resolved = scene.read("runs/siamese/001/resolved.vspec");
    assert!(resolved.contains("pairs(within = 3, negative = 0.5) |> draw(40) |> batch(16)"), "{resolved}");
    let message = scene.refuse(&["run", "siamese.vspec", "--set", "train.withn=3"]);
    assert!(message.contains("did you mean `train.within`?"), "{message}");
}

#[test]
fn labels_that_the_network_has_no_class_for_end_the_run() {
    let scene = Scene::new(1);
    scene.write("tiny.vspec", &scene.read("tiny.vspec").replace("Tiny(train.classes)", "Tiny(5)"));
    for engine in ["interp", "fused", "dfdx", "dfdx-fused"] {
        let said = scene.refuse(&["run", "tiny.vspec", "--engine", engine]);
        assert!(said.contains("error: step `train` failed after iteration 0: label "), "{engine}: {said}");
        assert!(
            said.contains(" names none of 5 classes, 0 to 4\n  help: labels count from 0;"),
            "{engine}: {said}"
        );
        assert!(!scene.path("runs/tiny").exists(), "{engine}: a run that got nowhere leaves no folder");
    }
}
