//! Clauses of a run that decide which checkpoints stay and when it ends.

use crate::scene::Scene;

#[test]
fn a_run_ends_early_and_keeps_what_it_is_told_to() {
    // No accuracy is better than another by more than 1, so the first one stays the best.
    let stop = "stop when evaluate.accuracy has not improved by 1.5 for 2 epochs";
    let run = "9 epochs of train, evaluate every epoch, keep last 2, keep 2 best by lowest evaluate.loss";
    let scene = Scene::with_run(&format!("{run}, {stop}, expect evaluate.accuracy >= 0.0"));
    let done = scene.succeed(&["run", "tiny.vspec"]);
    assert!(done.stderr.contains("done after 3 epochs, 24 iterations"), "{}", done.stderr);
    assert!(done.stderr.contains("expect  evaluate.accuracy >= 0: holds"), "{}", done.stderr);
    assert!(done.stderr.contains("ends here: evaluate.accuracy has not improved for 2 epochs"));
    let log = scene.read("runs/tiny/001/train.log");
    assert!(log.contains("stopped: evaluate.accuracy has not improved for 2 epochs"), "{log}");
    let names = scene.names("runs/tiny/001/checkpoints");
    let with =
        |prefix: &str| names.iter().filter(|n| n.starts_with(prefix) && n.ends_with(".safetensors")).count();
    assert_eq!((with("iteration-"), with("best-"), with("best.")), (2, 2, 1), "{names:?}");
    assert!(names.contains(&"iteration-000016.safetensors".to_string()), "{names:?}");
}

#[test]
fn clauses_that_mean_nothing_are_refused_where_they_stand() {
    let refused = |clause: &str, message: &str| {
        let scene = Scene::with_run(&format!("2 epochs of train, {clause}"));
        let text = scene.refuse(&["check", "tiny.vspec"]);
        assert!(text.contains(message), "{clause}: {text}");
    };
    refused("keep last 0", "0 times is not possible");
    refused("keep 0 best by evaluate.loss", "0 times is not possible");
    refused(
        "stop when evaluate.loss has not improved by -0.5 for 2 epochs",
        "an improvement by -0.5 is not one",
    );
    refused("stop when evaluate.lost has not improved for 2 epochs", "did you mean `loss`?");
    refused("stop when evaluate.loss has improved for 2 epochs", "expected `has not improved`");
    refused("stop when evaluate.loss has not improved for 2", "expected");
}

#[test]
fn a_best_that_there_never_was_is_said() {
    let scene = Scene::with_run("1 epoch of train, evaluate every epoch, keep best by lowest evaluate.bad");
    let text = scene.read("tiny.vspec").replace(
        "    report loss = CrossEntropy()(scores, b.label)\n",
        "    report loss = CrossEntropy()(scores, b.label)\n    report bad = sqrt(-1.0 - mean(square(scores)))\n",
    );
    scene.write("tiny.vspec", &text);
    let warning = "warning: `evaluate.bad` was never a finite number, so that no best checkpoint was kept";
    let done = scene.succeed(&["run", "tiny.vspec"]);
    assert!(done.stderr.contains(warning), "{}", done.stderr);
    assert!(scene.read("runs/tiny/001/train.log").contains(warning));
}

#[test]
fn parameters_that_are_no_numbers_are_not_saved() {
    let scene = Scene::new(1);
    let point = "use std.optim.sgd
module Point() {
  param w: f32[2] = 0
  forward() { sqrt(sum(square(w))) }
}
experiment point {
  let p = Point()
  let opt = sgd(lr = 0.1)
  step train() {
    term distance = p()
    minimize terms over p.params by opt
  }
  run 1 of train
}
";
    scene.write("point.vspec", point);
    let done = scene.vspecc(&["run", "point.vspec"]);
    assert_eq!(done.status, 1, "{}", done.stderr);
    let said = "an element of parameter `p.w` is NaN after iteration 1";
    assert!(done.stderr.contains(&format!("error: {said}")), "{}", done.stderr);
    assert!(scene.read("runs/point/001/train.log").contains(said));
    assert!(scene.names("runs/point/001/checkpoints").is_empty());
}

#[test]
fn a_run_that_trains_nothing_says_so() {
    let scene = Scene::with_run("1 epoch of evaluate");
    let done = scene.succeed(&["run", "tiny.vspec"]);
    assert!(done.stderr.contains("\ndone without training, "), "{}", done.stderr);
}
