//! `--resume`, `--checkpoint-every` and what equal runs leave.

use vspec_engine::rng::Stream;

use crate::scene::Scene;

/// The files in which two runs may not differ.
const FILES: [&str; 3] = ["metrics.csv", "checkpoints/last.safetensors", "checkpoints/best.safetensors"];

fn assert_same(scene: &Scene, left: &str, right: &str) {
    for file in FILES {
        let same = scene.bytes(&format!("{left}/{file}")) == scene.bytes(&format!("{right}/{file}"));
        assert!(same, "{file} of {left} and {right}");
    }
}

#[test]
fn equal_runs_leave_equal_metrics_and_checkpoints() {
    let scene = Scene::new(2);
    scene.succeed(&["run", "tiny.vspec", "--seed", "5"]);
    scene.succeed(&["run", "tiny.vspec", "--seed", "5"]);
    scene.succeed(&["run", "tiny.vspec", "--seed", "6"]);
    assert_same(&scene, "runs/tiny/001", "runs/tiny/002");
    assert_ne!(scene.read("runs/tiny/001/metrics.csv"), scene.read("runs/tiny/003/metrics.csv"));
}

#[test]
fn a_killed_run_goes_on_bit_for_bit() {
    let scene = Scene::new(40);
    scene.succeed(&["run", "tiny.vspec", "--out", "whole", "--seed", "2"]);
    let draws = Stream::new("when to kill", 4, 0);
    for trial in 0..3 {
        let out = format!("killed{trial}");
        let run = format!("{out}/tiny/001");
        let args = ["run", "tiny.vspec", "--out", &out, "--seed", "2", "--resume", "auto"];
        let every_step = [&args[..], &["--checkpoint-every", "1step"]].concat();
        // Twice: a run that goes on can be killed again.
        let first = u64::from(draws.below(trial, 30)) + 1;
        for iteration in [first, first + 11] {
            let mut child = scene.start(&every_step);
            scene.wait_for(&run, iteration, &mut child);
            child.kill().expect("it runs");
            child.wait().expect("it ends");
        }
        let rest = scene.succeed(&args);
        assert!(rest.stderr.contains("going on with `"), "{}", rest.stderr);
        assert_same(&scene, &run, "whole/tiny/001");
        assert!(!scene.path(&format!("{out}/tiny/002")).exists(), "a second folder");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_saves_and_goes_on_bit_for_bit() {
    let scene = Scene::new(40);
    scene.succeed(&["run", "tiny.vspec", "--out", "whole"]);
    for (signal, out) in [("-INT", "int"), ("-TERM", "term")] {
        let args = ["run", "tiny.vspec", "--out", out, "--resume", "auto"];
        let mut child = scene.start(&args);
        // Checkpoints come once an epoch, so the place where it stops lies somewhere within one.
        let run = format!("{out}/tiny/001");
        scene.wait_for(&run, 16, &mut child);
        let sent = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        assert_eq!(child.wait().expect("it ends").code(), Some(130));
        scene.succeed(&args);
        assert_same(&scene, &run, "whole/tiny/001");
    }
}

#[test]
fn auto_begins_where_there_is_nothing_to_go_on_with() {
    let scene = Scene::new(1);
    let args = ["run", "tiny.vspec", "--resume"];
    assert!(scene.succeed(&args).stderr.contains("so a new one begins"));
    // The first run is finished, so it isn't gone on with; neither is one of another specification or seed.
    scene.succeed(&["run", "tiny.vspec", "--max-steps", "3", "--set", "opt.lr=0.05"]);
    scene.succeed(&["run", "tiny.vspec", "--max-steps", "3", "--seed", "1"]);
    let done = scene.succeed(&["run", "tiny.vspec", "--resume", "auto", "--seed", "0"]);
    assert!(done.stderr.contains("`runs/tiny/002` is unfinished, but of another specification"));
    assert_same(&scene, "runs/tiny/001", "runs/tiny/004");
}

#[test]
fn a_run_folder_says_itself_what_it_runs() {
    let scene = Scene::new(2);
    scene.succeed(&["run", "tiny.vspec", "--seed", "3"]);
    let short = ["run", "tiny.vspec", "--seed", "3", "--max-steps", "11", "--checkpoint-every", "4"];
    scene.succeed(&short);
    let json = scene.read("runs/tiny/002/checkpoints/last.json");
    assert!(json.contains("\"iteration\": 11") && json.contains("\"finished\": false"), "{json}");
    scene.succeed(&["run", "--resume", "runs/tiny/002"]);
    assert_same(&scene, "runs/tiny/001", "runs/tiny/002");
    assert!(scene.read("runs/tiny/002/train.log").contains("goes on after iteration 11"));
}

#[test]
fn what_cannot_be_gone_on_with_is_bad_input() {
    let scene = Scene::new(2);
    let refused = |args: &[&str], message: &str| {
        let text = scene.refuse(&[&["run"], args].concat());
        assert!(text.contains(message), "{args:?}: {text}");
    };
    refused(&["--resume"], "none is given");
    refused(&["--resume", "tiny.vspec"], "`vspecc run tiny.vspec --resume auto`");
    refused(&["tiny.vspec", "--resume", "runs/tiny/001"], "there is no run `runs/tiny/001`");
    refused(&["tiny.vspec", "--resume", "tiny.safetensors"], "there is no run");
    refused(&["tiny.vspec", "--checkpoint-every", "0"], "it starts with a number from 1 on");
    scene.succeed(&["run", "tiny.vspec", "--max-steps", "9", "--quiet"]);
    let (run, other) = ("runs/tiny/001", "opt.lr=0.05");
    refused(&["tiny.vspec", "--resume", run, "--set", other], "started with another specification");
    refused(&["tiny.vspec", "--resume", run, "--seed", "4"], "its run has the seed 0");
    let last = scene.bytes("runs/tiny/001/checkpoints/last.safetensors");
    std::fs::write(scene.path("loose.safetensors"), &last).expect("writable");
    refused(&["tiny.vspec", "--resume", "loose.safetensors"], "does not lie in a run folder");
    for length in [0, 5, 40, last.len() / 2, last.len() - 1] {
        let path = scene.path("runs/tiny/001/checkpoints/last.safetensors");
        std::fs::write(path, &last[..length]).expect("writable");
        refused(&["tiny.vspec", "--resume", run], "last.safetensors`");
    }
    std::fs::write(scene.path("runs/tiny/001/checkpoints/last.safetensors"), &last).expect("writable");
    scene.succeed(&["run", "--resume", run]);
    refused(&["tiny.vspec", "--resume", run], "is finished");
}

#[test]
fn a_run_in_progress_is_left_alone() {
    let scene = Scene::new(1000);
    let mut child = scene.start(&["run", "tiny.vspec"]);
    scene.wait_for("runs/tiny/001", 8, &mut child);
    let message = scene.refuse(&["run", "--resume", "runs/tiny/001"]);
    assert!(message.contains("another process is writing there"), "{message}");
    let done = scene.succeed(&["run", "tiny.vspec", "--resume", "auto", "--max-steps", "1"]);
    assert!(done.stderr.contains("is passed over"), "{}", done.stderr);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}
