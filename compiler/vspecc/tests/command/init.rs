//! `--init-from` and what it says of names and shapes.

use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::scene::Scene;

/// A scene with `weights.safetensors`: the trained `net` of a run under the names that `rename` gives; those without a name are
/// left out.
fn scene(rename: impl Fn(&str) -> Option<String>) -> Scene {
    let scene = Scene::new(1);
    scene.succeed(&["run", "tiny.vspec", "--seed", "9"]);
    let bytes = scene.bytes("runs/tiny/001/checkpoints/last.safetensors");
    let file = SafeTensors::deserialize(&bytes).expect("a checkpoint");
    let tensors = file.tensors().into_iter();
    let renamed: Vec<(String, TensorView<'_>)> =
        tensors.filter_map(|(name, view)| Some((rename(name.strip_prefix("net.")?)?, view))).collect();
    save(&scene.path("weights.safetensors"), renamed);
    scene
}

fn save(path: &Path, tensors: Vec<(String, TensorView<'_>)>) {
    std::fs::write(path, safetensors::serialize(tensors, None).expect("a file")).expect("writable");
}

fn tensor(scene: &Scene, run: &str, name: &str) -> Vec<u8> {
    let bytes = scene.bytes(&format!("{run}/checkpoints/last.safetensors"));
    let file = SafeTensors::deserialize(&bytes).expect("a checkpoint");
    file.tensor(name).expect("a tensor").data().to_vec()
}

/// Trains too slowly to change anything.
const FROZEN: [&str; 6] = ["run", "tiny.vspec", "--max-steps", "1", "--set", "opt.lr=0.0"];

#[test]
fn weights_of_another_library_load_as_they_are() {
    let scene = scene(|name| Some(format!("module.{name}")));
    let done = scene.succeed(&[&FROZEN[..], &["--init-from", "weights.safetensors"]].concat());
    assert!(done.stderr.contains("every name begins with `module.`"), "{}", done.stderr);
    assert!(done.stderr.contains("the file's names lack `net.`"), "{}", done.stderr);
    assert!(!done.stderr.contains("missing") && !done.stderr.contains("unexpected"), "{}", done.stderr);
    let (before, after) = ("runs/tiny/001", "runs/tiny/002");
    let name = "net.head.weight";
    assert_eq!(tensor(&scene, after, name), tensor(&scene, before, name));
    let other = scene.succeed(&FROZEN);
    assert!(!other.stderr.contains("first values"));
    assert_ne!(tensor(&scene, "runs/tiny/003", name), tensor(&scene, before, name));
}

#[test]
fn a_run_folder_gives_its_best_network_and_no_optimizer_states() {
    let scene = scene(|_| None);
    let done = scene.succeed(&[&FROZEN[..], &["--init-from", "runs/tiny/001"]].concat());
    assert!(done.stderr.contains("best.safetensors"), "{}", done.stderr);
    assert!(done.stderr.contains("left out"), "{}", done.stderr);
}

#[test]
fn a_run_that_goes_on_does_not_begin_again() {
    let scene = scene(|name| Some(name.to_string()));
    let run = [
        "run",
        "tiny.vspec",
        "--resume",
        "auto",
        "--init-from",
        "weights.safetensors",
        "--set",
        "opt.lr=0.01",
    ];
    let first = scene.succeed(&[&run[..], &["--max-steps", "3"]].concat());
    assert!(first.stderr.contains("first values from"), "{}", first.stderr);
    let second = scene.succeed(&run);
    assert!(
        second.stderr.contains("going on") && !second.stderr.contains("first values"),
        "{}",
        second.stderr
    );
    let whole = ["run", "tiny.vspec", "--init-from", "weights.safetensors", "--set", "opt.lr=0.01"];
    scene.succeed(&whole);
    assert_eq!(
        tensor(&scene, "runs/tiny/002", "net.head.weight"),
        tensor(&scene, "runs/tiny/003", "net.head.weight")
    );
}

#[test]
fn names_that_differ_need_a_rule_or_leave() {
    let scene = scene(|name| (name != "head.bias").then(|| name.replace("stem", "conv1")));
    let from = ["--init-from", "weights.safetensors"];
    fn with<'a>(from: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        [&FROZEN, from, more].concat()
    }
    let message = scene.refuse(&with(&from, &[]));
    assert!(message.contains("  missing         2  net.stem.weight, net.head.bias"), "{message}");
    assert!(message.contains("  unexpected      1  conv1.weight"), "{message}");
    assert!(message.contains("or allow it with --init-partial"), "{message}");
    assert!(!scene.path("runs/tiny/002").exists(), "a mistake leaves no folder");
    let rule = "conv1.** -> stem.**";
    assert!(scene.refuse(&with(&from, &["--init-map", rule])).contains("  missing         1  net.head.bias"));
    let done = scene.succeed(&with(&from, &["--init-map", rule, "--init-partial"]));
    assert!(
        done.stderr.contains("missing         1") && !done.stderr.contains("unexpected"),
        "{}",
        done.stderr
    );
    scene.succeed(&with(&from, &["--init-partial"]));
}

#[test]
fn wrong_shapes_are_refused_with_both_until_they_are_left_out() {
    let scene = scene(|name| Some(name.to_string()));
    let bytes = scene.bytes("weights.safetensors");
    let file = SafeTensors::deserialize(&bytes).expect("a file");
    let zeros = vec![0; 7 * 4 * 4];
    let tensors = file.tensors().into_iter().map(|(name, view)| match name.as_str() {
        "head.weight" => (name, TensorView::new(Dtype::F32, vec![7, 4], &zeros).expect("a tensor")),
        _ => (name, view),
    });
    save(&scene.path("weights.safetensors"), tensors.collect());
    let args = [&FROZEN[..], &["--init-from", "weights.safetensors", "--init-partial"]].concat();
    let message = scene.refuse(&args);
    let wanted = "`head.weight` is f32[7, 4] in the file and f32[10, 4] in the experiment";
    assert!(message.contains(wanted), "{message}");
    scene.succeed(&[&args[..], &["--init-map", "head.weight ->"]].concat());
}

#[test]
fn files_that_are_none_are_refused() {
    let scene = Scene::new(1);
    let from = |name: &str| scene.refuse(&[&FROZEN[..], &["--init-from", name]].concat());
    assert!(from("nothing.safetensors").contains("no such file"));
    scene.write("model.pth", "PK");
    assert!(from("model.pth").contains("safetensors.torch.save_file"));
    let rule =
        scene.refuse(&[&FROZEN[..], &["--init-from", "model.pth", "--init-map", "a.** -> b"]].concat());
    assert!(rule.contains("the same stars"), "{rule}");
}
