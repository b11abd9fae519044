//! Mistakes as they are told on the command line: the exit status, and what to do.

use crate::scene::Scene;

#[test]
fn constants_in_a_circle_are_refused_by_every_command() {
    let scene = Scene::new(1);
    let text = "use std.nn.Linear\nlet A = B + 1\nlet B = A + 1\nentry e = Linear(A, B)(f32[2, A])\n";
    scene.write("circle.vspec", &format!("{text}test \"x\" {{ assert A == 1 and B == 7 }}\n"));
    for command in [["check", "circle.vspec"], ["test", "circle.vspec"], ["stats", "circle.vspec"]] {
        let message = scene.refuse(&command);
        assert!(message.contains("V0224") && message.contains("`A` and `B` need each other"), "{message}");
    }
}

#[test]
fn a_failing_assertion_has_a_code_that_is_explained() {
    let scene = Scene::new(1);
    scene.write("wrong.vspec", "test \"t\" { assert 1 == 2 }\ntest \"u\" { assert sum(ones([2])) == 3.0 }\n");
    let done = scene.vspecc(&["test", "wrong.vspec"]);
    assert_eq!((done.status, done.stdout.as_str()), (1, "0 tests passed, 2 failed\n"));
    assert_eq!(done.stderr.matches("V0250").count(), 2, "{}", done.stderr);
    assert!(scene.succeed(&["explain", "V0250"]).stdout.contains("an assertion does not hold"));
}

#[test]
fn a_size_that_no_graph_has_is_refused_with_those_there_are() {
    let scene = Scene::new(1);
    scene
        .write("net.vspec", "fn f(x: f32[B, N]) { 2 * x }\nentry e = f(f32[B, N])\nentry g = f(f32[2, 3])\n");
    for args in [["explain", "net.vspec"].as_slice(), &["ir", "net.vspec", "--stage", "fused"]] {
        let message = scene.refuse(&[args, &["--size", "Q=3"]].concat());
        assert!(message.contains("no size `Q`") && message.contains("there is B, N"), "{message}");
        scene.succeed(&[args, &["--size", "B=3", "--size", "N=4"]].concat());
    }
    let message = scene.refuse(&["ir", "net.vspec", "--stage", "fused", "--entry", "g", "--size", "B=3"]);
    assert!(message.contains("no size `B`") && message.contains("a number already"), "{message}");
}

#[test]
fn what_no_memory_holds_is_said_in_words() {
    let scene = Scene::new(1);
    scene.write("huge.vspec", "entry huge = zeros([9223372036854775807, 3]) + 1.0\n");
    let message = scene.refuse(&["explain", "huge.vspec"]);
    assert!(message.contains("f32[9223372036854775807, 3] is larger than any memory"), "{message}");
    let message = scene.refuse(&["stats", "huge.vspec"]);
    assert!(message.contains("`huge` cannot be counted: size is too large"), "{message}");
}

#[test]
fn a_count_that_is_set_may_be_any_expression() {
    let scene = Scene::new(1);
    let message = scene.refuse(&["run", "tiny.vspec", "--set", "run.epochs=-1"]);
    assert!(message.contains("-1 times is not possible"), "{message}");
    scene.succeed(&["run", "tiny.vspec", "--set", "run.epochs=3 - 2", "--max-steps", "1"]);
}

#[test]
fn a_byte_order_mark_moves_no_place() {
    let scene = Scene::new(1);
    scene.write("marked.vspec", "\u{feff}let A = 1\ntest \"t\" { assert A == 1 }\n");
    scene.succeed(&["check", "marked.vspec"]);
    scene.succeed(&["test", "marked.vspec"]);
    scene.write("marked.vspec", "\u{feff}let A = B\n");
    assert!(scene.refuse(&["check", "marked.vspec"]).contains("marked.vspec:1:9"));
}

#[test]
fn where_data_lies_is_asked_only_of_who_has_not_said_so() {
    let scene = Scene::new(1);
    let data = "data train = image_folder(\"pets\", split = \"trian\") |> each(resize(8)) |> batch(4)";
    let step = "step s(b from train) { report m = mean(b.image) * train.classes }";
    scene.write("pets.vspec", &format!("experiment e {{\n  {data}\n  {step}\n  run 1 epoch of s\n}}\n"));
    std::fs::create_dir_all(scene.path("data/pets/train/cat")).expect("writable");
    let message = scene.refuse(&["check", "pets.vspec"]);
    assert!(message.contains("pass `--data DIR`"), "{message}");
    let message = scene.refuse(&["check", "pets.vspec", "--data", "data"]);
    assert!(message.contains("trian` does not exist") && !message.contains("--data"), "{message}");
}
