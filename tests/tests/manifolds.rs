//! Parameters that live on manifolds.

use vspec_tests::{Running, close, compile_text, plain};

const BANK: &str = "
module Bank() {
  param rows: f32[2, 3] on stiefel = haar
  param point: f32[2] on sphere = 1.0
  forward() { sum(rows * tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]])) + point[0] }
}
";

fn running(body: &str, rest: &str) -> Running {
    Running::of(&format!(
        "use std.manifolds.{{haar, sphere, stiefel}}\n{rest}experiment e {{
  let net = Bank()
  {body}
  run 1 of train
}}
{BANK}"
    ))
}

/// How far the rows of a 2x3 matrix are from orthonormal.
fn defect(m: &[f64]) -> f64 {
    let dot = |i: usize, j: usize| (0..3).map(|k| m[3 * i + k] * m[3 * j + k]).sum::<f64>();
    (dot(0, 0) - 1.0).abs().max((dot(1, 1) - 1.0).abs()).max(dot(0, 1).abs())
}

#[test]
fn values_stay_on_their_manifold_while_they_are_trained() {
    let mut run = running(
        "let opt = sgd(lr = 0.05, momentum = 0.5)
  step train() { minimize -net() over net.params by opt }",
        "use std.optim.sgd\n",
    );
    assert!(defect(&run.variable("net.rows")) < 1e-5);
    assert!(close(&run.variable("net.point"), &[0.5f64.sqrt(), 0.5f64.sqrt()]));
    let first = run.report("train", "loss");
    (0..300).for_each(|_| drop(run.run("train")));
    let last = run.report("train", "loss");
    assert!(defect(&run.variable("net.rows")) < 1e-5);
    assert!(close(&run.variable("net.point"), &[1.0, 0.0]));
    // The largest value on the manifold is the sum of the singular values of what the rows are multiplied with, plus 1.
    let best = -(nuclear_norm([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]]) + 1.0);
    assert!(last < first && (last - best).abs() < 1e-3, "{first}, {last}, at best {best}");
}

/// The sum of the singular values: for two rows the root of `|a|^2 + |b|^2 + 2 sqrt(|a|^2 |b|^2 - (a b)^2)`.
fn nuclear_norm([a, b]: [[f64; 3]; 2]) -> f64 {
    let dot = |x: [f64; 3], y: [f64; 3]| x.iter().zip(y).map(|(p, q)| p * q).sum::<f64>();
    (dot(a, a) + dot(b, b) + 2.0 * (dot(a, a) * dot(b, b) - dot(a, b).powi(2)).sqrt()).sqrt()
}

#[test]
fn what_a_step_assigns_is_brought_onto_the_manifold() {
    let mut run =
        running("step train() { update net.rows = tensor([[3.0, 1.0, 0.0], [0.0, 1.0, -2.0]]) }", "");
    run.run("train");
    assert!(defect(&run.variable("net.rows")) < 1e-5);
}

#[test]
fn what_is_no_manifold_is_refused() {
    let said = |manifold: &str| {
        let bank = format!(
            "module M() {{ {manifold} }}\nexperiment e {{ let net = M()\n step s() {{ report x = sum(net.w) }}\n run 1 of s }}"
        );
        plain(&compile_text(&bank))
    };
    assert!(
        said("param w: f32[2] on 3")
            .contains("a manifold is a record of `tangent` and `retract`, not an int")
    );
    assert!(said("state w: f32[2] on relu").contains("only parameters live on manifolds"));
    assert!(said("param w: f32[2] on { tangent = relu }").contains("retract"));
}
