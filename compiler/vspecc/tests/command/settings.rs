//! `--set`: what it reaches, and what it says about the rest.

use crate::scene::Scene;

/// `tiny.vspec` with its width as a constant of the file.
fn scene() -> Scene {
    let scene = Scene::new(1);
    let text = scene.read("tiny.vspec");
    let text = text.replace("module Tiny(", "let WIDTH = 2 + 2\n\nmodule Tiny(");
    scene.write("tiny.vspec", &text.replace("Tiny(train.classes)", "Tiny(train.classes, WIDTH)"));
    scene
}

/// What is said about settings that are refused.
fn refused(scene: &Scene, settings: &[&str]) -> String {
    let mut args = vec!["run", "tiny.vspec", "--experiment", "tiny"];
    settings.iter().for_each(|setting| args.extend(["--set", setting]));
    let said = scene.refuse(&args);
    assert!(said.contains("V0241"), "{said}");
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn constants_of_the_file_are_set() {
    let scene = scene();
    scene.succeed(&["run", "tiny.vspec", "--max-steps", "1", "--set", "WIDTH=6", "--set", "net.classes=9"]);
    let resolved = scene.read("runs/tiny/001/resolved.vspec");
    assert!(resolved.contains("let WIDTH = 6\n") && resolved.contains("Tiny(9, WIDTH)"), "{resolved}");
    assert!(refused(&scene, &["WIDHT=6"]).contains("did you mean `WIDTH`?"));
    let said = refused(&scene, &["nothing=6"]);
    assert!(said.contains("what can be set: WIDTH, train.count,"), "{said}");
}

#[test]
fn what_several_experiments_have_is_told_apart_by_their_names() {
    let scene = scene();
    let text = scene.read("tiny.vspec");
    let (_, experiment) = text.split_once("experiment tiny").expect("is there");
    scene.write("tiny.vspec", &format!("{text}\nexperiment other{experiment}"));
    let said = refused(&scene, &["opt.momentum=0.5"]);
    assert!(said.contains("`opt.momentum` names 2 things"), "{said}");
    assert!(said.contains("say which: tiny.opt.momentum, other.opt.momentum"), "{said}");
    let other = ["run", "tiny.vspec", "--experiment", "other", "--max-steps", "1"];
    scene.succeed(&[&other[..], &["--set", "other.opt.momentum=0.5"]].concat());
    let resolved = scene.read("runs/other/001/resolved.vspec");
    assert_eq!(resolved.matches("momentum = 0.5").count(), 1, "{resolved}");
    assert_eq!(resolved.matches("momentum = 0.9").count(), 1, "{resolved}");
}

#[test]
fn of_two_settings_neither_may_be_part_of_the_other() {
    let said = refused(&scene(), &["opt.lr=0.1", "opt.cosine=0.2"]);
    assert!(said.contains("`opt.cosine` is part of what `opt.lr` replaces"), "{said}");
}

#[test]
fn stages_with_parameters_of_one_name_are_told_apart_by_their_own() {
    let scene = scene();
    let text = scene.read("tiny.vspec").replace("each(hflip(0.5))", "each(hflip(0.5)) |> each(vflip(0.25))");
    scene.write("tiny.vspec", &text);
    let said = refused(&scene, &["train.probability=1.0"]);
    assert!(said.contains("say which: train.hflip.probability, train.vflip.probability"), "{said}");
    scene.succeed(&["run", "tiny.vspec", "--max-steps", "1", "--set", "train.vflip=0.0"]);
    assert!(scene.read("runs/tiny/001/resolved.vspec").contains("vflip(0.0)"));
}
