//! `check`: mistakes wherever something reaches them.

use crate::scene::Scene;

#[test]
fn mistakes_in_tests_are_found_and_what_they_state_is_not_judged() {
    let scene = Scene::new(1);
    let module = "use std.nn.Conv\n\nmodule Two() {\n  a = Conv(3, 8)\n  b = Conv(16, 8)\n  forward(x: f32[B, 3, H, W]) { x |> a |> b }\n";
    let test = "  test \"runs\" { shape self()(f32[1, 3, 8, 8]) == f32[1, 8, 8, 8] }\n}\n";
    scene.write("two.vspec", &format!("{module}{test}"));
    assert!(scene.refuse(&["check", "two.vspec"]).contains("must have inputs = 16 in axis 1, not 8"));
    scene.write("false.vspec", "test \"is false\" { assert 1 == 2 }\n");
    assert!(scene.succeed(&["check", "false.vspec"]).stdout.contains("1 test"));
}
