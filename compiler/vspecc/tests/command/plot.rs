//! `vspecc plot`, and what a run draws by itself.

use crate::scene::Scene;

#[test]
fn a_run_draws_itself() {
    let scene = Scene::new(2);
    scene.succeed(&["run", "tiny.vspec"]);
    let svg = scene.read("runs/tiny/001/metrics.svg");
    assert!(svg.starts_with("<svg ") && svg.contains(">accuracy</text>") && svg.contains(">evaluate</text>"));
    assert_eq!(scene.bytes("runs/tiny/001/metrics.png")[..4], *b"\x89PNG");
}

#[test]
fn a_run_that_fails_early_ends_with_its_own_error_and_a_short_one_with_a_picture() {
    let scene = Scene::new(3);
    let done = scene.vspecc(&["run", "tiny.vspec", "--set", "opt.lr=1e30"]);
    assert_eq!(done.status, 1, "{}", done.stderr);
    assert!(done.stderr.contains("a lower learning rate"), "{}", done.stderr);
    assert!(scene.path("runs/tiny/001/train.log").is_file());
    let short = scene.vspecc(&["run", "tiny.vspec", "--set", "run.epochs=1", "--max-steps", "3"]);
    assert_eq!(short.status, 0, "{}", short.stderr);
    assert!(scene.path("runs/tiny/002/metrics.svg").is_file());
}

#[test]
fn runs_are_compared_in_one_picture() {
    let scene = Scene::new(2);
    scene.succeed(&["run", "tiny.vspec"]);
    scene.succeed(&["run", "tiny.vspec", "--set", "opt.lr=0.01"]);
    let done = scene.succeed(&["plot", "runs/tiny/001", "runs/tiny/002/metrics.csv"]);
    assert_eq!(done.stdout, "comparison.svg\n");
    let svg = scene.read("comparison.svg");
    assert!(svg.contains(">001</text>") && svg.contains(">002</text>") && svg.contains(">loss</text>"));
    let only = ["--report", "loss", "--log", "-o", "loss.png"];
    scene.succeed(&[&["plot", "runs/tiny/001", "runs/tiny/latest"], &only[..]].concat());
    assert_eq!(scene.bytes("loss.png")[..4], *b"\x89PNG");
    scene.succeed(&["plot", "runs/tiny/001", "--log", "--report", "loss"]);
    assert!(scene.read("runs/tiny/001/metrics.svg").contains(">loss (log)</text>"));
}

#[test]
fn what_cannot_be_drawn_is_bad_input() {
    let scene = Scene::new(1);
    scene.succeed(&["run", "tiny.vspec"]);
    let refused = |args: &[&str], message: &str| {
        let text = scene.refuse(&[&["plot"], args].concat());
        assert!(text.contains(message), "{args:?}: {text}");
    };
    refused(&["runs/tiny/007"], "cannot read `runs/tiny/007`: no such file");
    refused(&["tiny.vspec"], "its first line is not that of a run's metrics");
    refused(&["runs/tiny/001", "-o", "plot.pdf"], "neither an .svg nor a .png");
    refused(&["runs/tiny/001", "--report", "los"], "did you mean `loss`?");
    scene.write("empty.csv", "kind,step,epoch,iteration,items,train/loss\n");
    refused(&["empty.csv"], "there is nothing to draw");
    refused(&["runs/tiny/001", "-o", "no/where.svg"], "cannot write");
}
