//! Gradients as values: of gradients, with ways back of their own, and the same from our differentiation as from dfdx's tape.

use vspec_tests::{Running, close, compile_text, plain};

const CUBE: &str = "
module Cube() {
  param w: f32[2] = 2
  forward() { sum(w ^ 3.0) }
}
";

fn step(body: &str, functions: &str) -> String {
    let (import, opt) = match body.contains("by opt") {
        true => ("use std.optim.sgd", "let opt = sgd(lr = 0.1)"),
        false => ("", ""),
    };
    format!(
        "{import}
experiment e {{
  let net = Cube()
  {opt}
  step train() {{
    {body}
  }}
  run 1 of train
}}
{CUBE}{functions}"
    )
}

#[test]
fn a_loss_may_contain_a_gradient() {
    // The gradient of w^3 is 3 w^2; that of its square is 36 w^3, which is 288 at 2.
    let mut run = Running::of(&step(
        "let g = grad(net(), net.params)
    minimize sum(square(g.w)) over net.params by opt",
        "",
    ));
    assert!(close(&[run.report("train", "loss")], &[288.0]));
    assert!(close(&run.variable("net.w"), &[2.0 - 28.8, 2.0 - 28.8]));
}

#[test]
fn a_step_through_a_step_is_differentiated() {
    // After an inner step of 0.1 the weight is w - 0.3 w^2, whose slope is 1 - 0.6 w: -0.2 at 2, where the weight is 0.8.
    let mut run = Running::of(&step(
        "let fast = net.params - 0.1 * grad(net(), net.params)
    let outer = (net with params = fast)()
    minimize outer over net.params by opt",
        "",
    ));
    run.run("train");
    let slope = 3.0 * 0.8 * 0.8 * -0.2;
    assert!(close(&run.variable("net.w"), &[2.0 - 0.1 * slope; 2]));
}

#[test]
fn third_gradients_are_gradients_too() {
    let mut run = Running::of(&step(
        "let first = grad(net(), net.w)
    let second = grad(sum(first), net.w)
    let third = grad(sum(second), net.w)
    report first = sum(first)
    report second = sum(second)
    report third = sum(third)",
        "",
    ));
    let reports: Vec<f64> = run.run("train").into_iter().map(|(_, value)| value).collect();
    assert!(close(&reports, &[24.0, 24.0, 12.0]));
}

#[test]
fn a_function_may_say_what_its_gradient_is() {
    let functions = "
fn scaled(x: f32[N], k: float, y: f32[N]) -> f32[N] {
  k * x * y
} with gradient(x, k, y, out, dout) -> dx {
  (dout * 100.0, dout * (out + k))
}
";
    let mut run = Running::of(&step(
        "let y = tensor([3.0, 4.0])
    let value = scaled(net.w, 0.5, y)
    let g = grad(sum(value * tensor([1.0, 2.0])), [net.w, y])
    report value = sum(value)
    report dx = sum(g[0])
    report dy = sum(g[1])",
        functions,
    ));
    let reports: Vec<f64> = run.run("train").into_iter().map(|(_, value)| value).collect();
    // The value is (3, 4); dy is (3 + 0.5) + 2 (4 + 0.5).
    assert!(close(&reports, &[7.0, 300.0, 12.5]));
}

#[test]
fn a_custom_gradient_is_the_tape_s_when_nothing_asks_for_it() {
    let functions = "
fn held(x: f32[N]) -> f32[N] { x } with gradient(x, y, dy) -> dx { clamp(dy, -1.0, 1.0) }
";
    let mut run = Running::of(&step("minimize sum(50.0 * held(net.w)) over net.params by opt", functions));
    assert!(close(&[run.report("train", "loss")], &[200.0]));
    assert!(close(&run.variable("net.w"), &[1.9, 1.9]));
    let mut run = Running::of(&step("report value = sum(held(net.w))", functions));
    assert!(close(&[run.report("train", "value")], &[4.0]));
}

#[test]
fn ways_back_that_do_not_fit_are_refused() {
    let said = |function: &str| {
        plain(&compile_text(&step(
            "report value = sum(f(net.w))",
            &format!("fn f(x: f32[N]) -> f32[N] {function}"),
        )))
    };
    let names = said("{ x } with gradient(x, dy) -> dx { dy }");
    assert!(names.contains("this takes 2 names, and `f` has 1"), "{names}");
    let count = said("{ x } with gradient(x, y, dy) -> dx { (dy, dy) }");
    assert!(count.contains("2 gradients for 1 tensors"), "{count}");
    let shape = said("{ x } with gradient(x, y, dy) -> dx { stack([dy, dy]) }");
    assert!(shape.contains("the gradient is f32[2, 2], what it belongs to f32[2]"), "{shape}");
}
