//! `opt`, `bisect` and `reduce`: passes from the command line.

use crate::scene::Scene;

const GRAPH: &str = "\
graph @scaled(B: size) {
  %x = input name=\"x\" : f32[B, 3]
  %a = full value=0.3 : f32[]
  %b = full value=7 : f32[]
  %0 = tanh(%x) : f32[B, 3]
  %1 = mul(%0, %a) : f32[B, 3]
  %2 = mul(%1, %b) : f32[B, 3]
  %3 = neg(%2) : f32[B, 3]
  %4 = neg(%3) : f32[B, 3]
  %5 = sum(%4) axes=[1] : f32[B]
  value y = %5
  value z = %0
}
";

fn scene() -> Scene {
    let scene = Scene::new(1);
    scene.write("scaled.vir", GRAPH);
    scene
}

#[test]
fn passes_run_over_graphs_in_the_text_form() {
    let scene = scene();
    let done = scene.succeed(&["opt", "scaled.vir", "--remarks"]);
    assert!(!done.stdout.contains("neg") && done.stdout.contains("full value=2.1"), "{}", done.stdout);
    assert!(done.stderr.contains("simplify: scale-twice: %2 = mul(%1, %b) : f32[B, 3]"), "{}", done.stderr);
    // What comes out is a graph again, with nothing left to do.
    scene.write("again.vir", &done.stdout);
    assert_eq!(scene.succeed(&["opt", "again.vir"]).stdout, done.stdout);
}

#[test]
fn levels_fuel_and_exactness_say_how_much_is_done() {
    let scene = scene();
    let products = |args: &[&str]| {
        let all: Vec<&str> = ["opt", "scaled.vir"].into_iter().chain(args.iter().copied()).collect();
        scene.succeed(&all).stdout.matches(" = mul(").count()
    };
    assert_eq!(products(&["-O0"]), 2);
    assert_eq!(products(&["-O1"]), 1);
    assert_eq!(products(&["-O2", "--verify", "last"]), 1);
    assert_eq!(products(&["--passes", "common,dead"]), 2);
    assert_eq!(products(&["--passes", "simplify,dead", "--exact"]), 2);
    assert_eq!(products(&["--fuel", "0"]), 2);
}

#[test]
fn rules_can_be_listed() {
    let listed = scene().succeed(&["opt", "--rules"]).stdout;
    let line = listed.lines().find(|l| l.contains(" scale-twice ")).expect("a line for the rule");
    assert!(
        line.starts_with("simplify") && line.contains("reassociating") && line.contains("if floats"),
        "{line}"
    );
}

#[test]
fn mistakes_in_graphs_and_options_are_named() {
    let scene = scene();
    let wrong = GRAPH.replace("%0 = tanh(%x) : f32[B, 3]", "%0 = tanh(%x) : f32[B, 4]");
    scene.write("wrong.vir", &wrong);
    assert!(scene.refuse(&["opt", "wrong.vir"]).contains("graph `scaled` is wrong: graph.g3"));
    scene.write("broken.vir", "graph @g() {\n  %0 = frob : f32[]\n}\n");
    assert!(scene.refuse(&["opt", "broken.vir"]).contains("broken.vir:2:8: there is no op `frob`"));
    scene.write("empty.vir", "\n");
    assert!(scene.refuse(&["opt", "empty.vir"]).contains("`empty.vir` has no graph"));
    assert!(scene.refuse(&["opt", "none.vir"]).contains("cannot read `none.vir`"));
    let message = scene.refuse(&["opt", "scaled.vir", "--passes", "simplfy"]);
    assert!(
        message.contains("there is no pass `simplfy`") && message.contains("did you mean `simplify`?"),
        "{message}"
    );
    scene.refuse(&["opt", "scaled.vir", "-O3"]);
    scene.refuse(&["opt", "scaled.vir", "-O1", "--passes", "dead"]);
    assert!(
        scene.refuse(&["bisect", "scaled.vir", "--tolerance=-1"]).contains("a tolerance is not negative")
    );
    assert!(
        scene
            .refuse(&["bisect", "scaled.vir", "--step", "train"])
            .contains("steps are parts of a specification")
    );
    assert!(scene.refuse(&["bisect", "scaled.vir", "--graph", "scale"]).contains("did you mean `scaled`?"));
    assert!(scene.refuse(&["ir", "tiny.vspec", "-O1"]).contains("add --stage simplified"));
}

#[test]
fn rewrites_that_keep_values_are_not_blamed() {
    let scene = scene();
    let done = scene.succeed(&["bisect", "scaled.vir", "-O2"]);
    assert!(
        done.stdout.starts_with("scaled: ") && done.stdout.contains("rewrites change nothing"),
        "{}",
        done.stdout
    );
    assert!(
        scene
            .succeed(&["bisect", "tiny.vspec", "--step", "evaluate", "-O2"])
            .stdout
            .contains("change nothing")
    );
}

#[test]
fn the_rewrite_that_changes_bits_is_found_and_the_graph_made_small() {
    let scene = scene();
    // Without tolerance, a rule that rounds elsewhere is one that changes something.
    let done = scene.vspecc(&["bisect", "scaled.vir", "--passes", "common,simplify", "--tolerance", "0"]);
    assert_eq!(done.status, 1, "{}", done.stderr);
    let expected = "rule `scale-twice` of `simplify`\n  at %2 = mul(%1, %b) : f32[B, 3]\n  element ";
    assert!(done.stdout.contains(expected), "{}", done.stdout);
    let small = scene.succeed(&["reduce", "scaled.vir", "--passes", "simplify", "--tolerance", "0"]);
    assert!(small.stderr.contains("from 9 nodes to 5: element"), "{}\n{}", small.stderr, small.stdout);
    scene.write("small.vir", &small.stdout);
    let again = scene.vspecc(&["bisect", "small.vir", "--passes", "simplify", "--tolerance", "0"]);
    assert!(again.status == 1 && again.stdout.contains("rule `scale-twice`"), "{}", again.stdout);
    let nothing = scene.vspecc(&["reduce", "scaled.vir"]);
    assert!(
        nothing.status == 1 && nothing.stderr.contains("there is nothing to reduce"),
        "{}",
        nothing.stderr
    );
}

#[test]
fn graphs_of_specifications_are_simplified_too() {
    let scene = scene();
    let lines = |args: &[&str]| scene.succeed(args).stdout.lines().count();
    let written = lines(&["ir", "tiny.vspec", "--step", "train", "--stage", "gradients"]);
    let simplified = lines(&["ir", "tiny.vspec", "--step", "train", "--stage", "simplified"]);
    assert!(simplified < written, "{simplified} of {written}");
    let folded = scene.succeed(&["ir", "tiny.vspec", "--step", "evaluate", "--stage", "simplified", "-O2"]);
    assert!(!folded.stdout.contains("%centred"), "{}", folded.stdout);
}
