//! What a step makes of a whole pass: collected rows, tables, a rate that reads a metric, repetitions that end early.

use crate::scene::Scene;

/// A network whose embedding is looked at over the whole of the validation set.
const EXPERIMENT: &str = r#"
use std.linalg.identity
use std.losses.CrossEntropy
use std.metrics.{recall_at, retrieval}
use std.nn.{Conv, Linear, global_avg_pool}
use std.optim.sgd
use std.schedules.Plateau

module Tiny(classes: int) {
  stem = Conv(3, 4, kernel = 3, stride = 2)
  head = Linear(4, classes)
  features(x: f32[B, 3, H, W]) { x |> stem |> relu |> global_avg_pool }
  forward(x: f32[B, 3, H, W]) { head(features(x)) }
}

experiment tiny {
  data train = shapes(32, size = 16) |> shuffle |> batch(8)
  data val = shapes(20, size = 16, split = "val") |> batch(8)

  let net = Tiny(train.classes)
  let rate = Plateau(0.1, patience = 0)
  let opt = sgd(lr = rate.rate)

  step train(b from train) {
    term loss = CrossEntropy()(net(b.image), b.label)
    minimize terms over net.params by opt
  }

  step evaluate(b from val) {
    let loss = CrossEntropy()(net(b.image), b.label)
    report batches = loss
    collect e = net.features(b.image)
    collect label = b.label
    collect loss = loss
    finish {
      let similar = einsum("q d, g d -> q g", e, e)
      let found = retrieval(similar, label, label, identity(shape(e)[0]) > 0.0)
      report r1 = recall_at(found, 1)
      report items = f32(shape(e)[0])
      report rows = f32(shape(loss)[0])
      report worse = mean(loss)
      report rate = rate.observe(1.0 + 0.0 * mean(loss))
      report table "curves/loss" { batch = f32(iota(shape(loss)[0])), loss }
    }
  }

  {run}
}
"#;

fn scene(run: &str) -> Scene {
    let scene = Scene::new(1);
    scene.write("pass.vspec", &EXPERIMENT.replace("{run}", run));
    scene
}

/// The values of a column of `metrics.csv` in the rows of a step.
fn column(scene: &Scene, name: &str) -> Vec<f64> {
    let text = scene.read("runs/tiny/001/metrics.csv");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let at = header.iter().position(|h| *h == name).unwrap_or_else(|| panic!("no {name} in {header:?}"));
    lines.filter_map(|cells| cells[at].parse().ok()).collect()
}

#[test]
fn the_end_of_a_pass_sees_every_row() {
    let scene = scene("run 3 epochs of train, evaluate every epoch, keep best by evaluate.r1");
    scene.succeed(&["run", "pass.vspec"]);
    assert_eq!(column(&scene, "evaluate/items"), [20.0; 3]);
    assert_eq!(column(&scene, "evaluate/rows"), [3.0; 3]);
    assert!(column(&scene, "evaluate/r1").iter().all(|r1| (0.0..=1.0).contains(r1)));
    let table = scene.read("runs/tiny/001/tables/evaluate/curves/loss/000012.csv");
    let losses: Vec<f64> = table.lines().skip(1).map(|l| l[2..].parse().expect("a number")).collect();
    assert!(table.starts_with("batch,loss\n0,") && losses.len() == 3, "{table}");
    let mean = losses.iter().sum::<f64>() / 3.0;
    assert!((mean - column(&scene, "evaluate/worse")[2]).abs() < 1e-5);
    // The last batch has half as many items; the mean of a report counts items.
    let weighted = (2.0 * losses[0] + 2.0 * losses[1] + losses[2]) / 5.0;
    assert!((weighted - column(&scene, "evaluate/batches")[2]).abs() < 1e-5);
}

#[test]
fn a_rate_follows_what_passes_report() {
    // The metric never gets better than at first, so the rate falls after each further pass, and training uses it.
    let scene = scene("run 3 epochs of train, evaluate every epoch");
    scene.succeed(&["run", "pass.vspec"]);
    let close =
        |a: Vec<f64>, b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-6);
    assert!(close(column(&scene, "evaluate/rate"), &[0.1, 0.01, 0.001]));
    assert!(close(column(&scene, "train/lr"), &[0.1, 0.1, 0.01]));
}

#[test]
fn a_repetition_ends_when_its_condition_holds() {
    let scene =
        scene("run { repeat 9 or until change(evaluate.items) < 0.5 { 2 of train; 1 epoch of evaluate } }");
    let done = scene.succeed(&["run", "pass.vspec"]);
    assert!(
        done.stderr.contains("ends here: evaluate.items changes by no more than 0.5 after 2 rounds"),
        "{}",
        done.stderr
    );
    assert_eq!(column(&scene, "evaluate/items").len(), 2);
}

#[test]
fn evaluating_a_checkpoint_finishes_the_pass_too() {
    let scene = scene("run 1 epoch of train, evaluate every epoch");
    scene.succeed(&["run", "pass.vspec"]);
    let done = scene.succeed(&["eval", "pass.vspec", "--checkpoint", "runs/tiny/001", "--progress", "json"]);
    let last = done.stdout.lines().last().expect("the row of the pass");
    let row: serde_json::Value = serde_json::from_str(last).expect("json");
    assert_eq!(row["values"]["items"], 20.0, "{}", done.stdout);
}

#[test]
fn what_has_no_meaning_in_a_pass_is_refused() {
    let refused = |from: &str, to: &str, message: &str| {
        let scene = scene("run 1 epoch of train");
        scene.write("pass.vspec", &EXPERIMENT.replace("{run}", "run 1 epoch of train").replace(from, to));
        let text = scene.refuse(&["check", "pass.vspec"]);
        assert!(text.contains(message), "{from} as {to}: {text}");
    };
    refused(
        "collect label = b.label",
        "let label = b.label",
        "`finish` needs `b.label`, which is of one batch",
    );
    refused("report batches = loss", "report r1 = loss", "`r1` is reported twice");
    refused(
        "minimize terms",
        "collect l = terms\n    minimize terms",
        "a step that minimizes has no `collect`",
    );
    refused("report table \"curves/loss\"", "report table \"../loss\"", "a table cannot be called `../loss`");
    refused(
        "batch = f32(iota(shape(loss)[0])), loss",
        "loss, label = f32(label)",
        "this column has N rows, the first one K",
    );
    refused("run 1 epoch of train", "run { 1 of train; 3 of evaluate }", "runs over all its data");
    refused(
        "run 1 epoch of train",
        "run { repeat 2 or until change(evaluate.x) < 1 { train } }",
        "there is no report of step",
    );
    refused("run 1 epoch of train", "run { repeat 2 or until evaluate.r1 { train } }", "a bound on a metric");
    refused(
        "run 1 epoch of train",
        "run { 1 epoch of evaluate; repeat 2 or until change(evaluate.r1) < 1 { train } }",
        "no round runs `evaluate`",
    );
}

#[test]
fn what_is_collected_too_late_is_refused() {
    let scene = scene("run 1 epoch of train, evaluate every epoch");
    let early = EXPERIMENT
        .replace("    collect loss = loss\n", "")
        .replace("    }\n  }\n\n  {run}", "    }\n    collect late = b.label\n  }\n\n  {run}");
    scene.write("pass.vspec", &early.replace("{run}", "run 1 epoch of train, evaluate every epoch"));
    let text = scene.refuse(&["check", "pass.vspec"]);
    assert!(text.contains("`late` is collected too late"), "{text}");
}

#[test]
fn a_step_without_data_finishes_each_time_it_runs() {
    let scene =
        scene("step close() { finish { report seven = f32(7) } }\n  run { 2 of train; close; 2 of close }");
    scene.succeed(&["run", "pass.vspec"]);
    assert_eq!(column(&scene, "close/seven"), [7.0; 3]);
}

#[test]
fn tables_of_one_name_in_two_steps_are_two() {
    let other = "step other(b from val) { report table \"curves/loss\" { x = f32(b.label) } }";
    let scene = scene(&format!("{other}\n  run 1 epoch of train, evaluate every epoch, other every epoch"));
    scene.succeed(&["run", "pass.vspec"]);
    assert!(scene.read("runs/tiny/001/tables/evaluate/curves/loss/000004.csv").starts_with("batch,loss\n"));
    assert!(scene.read("runs/tiny/001/tables/other/curves/loss/000004.csv").starts_with("x\n"));
}

#[test]
fn a_repetition_goes_on_bit_for_bit_with_its_plateau_and_its_condition() {
    let run =
        "run { repeat 5 or until change(evaluate.rate) < 1e-9 { 1 epoch of train; 1 epoch of evaluate } }";
    let whole = scene(run);
    whole.succeed(&["run", "pass.vspec"]);
    let rates = column(&whole, "evaluate/rate");
    assert!(rates.len() == 5 && rates.windows(2).all(|pair| pair[1] < pair[0]), "{rates:?}");
    let parts = scene(run);
    // In the middle of the third round.
    parts.succeed(&["run", "pass.vspec", "--max-steps", "10"]);
    parts.succeed(&["run", "pass.vspec", "--resume", "auto"]);
    let file = |scene: &Scene| scene.read("runs/tiny/001/metrics.csv");
    let passes = |text: String| {
        text.lines().filter(|l| l.starts_with("evaluation")).map(str::to_string).collect::<Vec<_>>()
    };
    assert_eq!(passes(file(&parts)), passes(file(&whole)));
}

#[test]
fn settings_of_a_chained_optimizer_are_its_own() {
    let scene = scene("run 1 epoch of train");
    let chained = EXPERIMENT
        .replace("use std.optim.sgd", "use std.optim.{clip_norm, sgd}")
        .replace("sgd(lr = rate.rate)", "clip_norm(10) |> sgd(0.1)")
        .replace("  let rate = Plateau(0.1, patience = 0)\n", "")
        .replace("      report rate = rate.observe(1.0 + 0.0 * mean(loss))\n", "")
        .replace("use std.schedules.Plateau\n", "");
    scene.write("pass.vspec", &chained.replace("{run}", "run 1 epoch of train"));
    scene.succeed(&[
        "run",
        "pass.vspec",
        "--set",
        "opt.momentum=0.9",
        "--set",
        "opt.lr=0.02",
        "--set",
        "opt.limit=5",
    ]);
    let resolved = scene.read("runs/tiny/001/resolved.vspec");
    assert!(resolved.contains("clip_norm(5) |> sgd(0.02, momentum = 0.9)"), "{resolved}");
}

#[test]
fn folders_stand_for_the_files_below_them() {
    let scene = Scene::new(1);
    std::fs::create_dir_all(scene.path("specs/deep")).expect("writable");
    std::fs::create_dir_all(scene.path("empty")).expect("writable");
    scene.write("specs/a.vspec", "let a = 1\n");
    scene.write("specs/deep/b.vspec", "let b = 1\n");
    scene.write("specs/notes.txt", "none");
    let done = scene.succeed(&["check", "specs"]);
    assert_eq!(done.stdout, "specs/a.vspec: ok\nspecs/deep/b.vspec: ok\n");
    assert!(scene.refuse(&["check", "empty"]).contains("there is no specification below `empty`"));
}
