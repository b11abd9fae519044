//! What constructs of steps compute: small experiments without data, run on dfdx.

use vspec_tests::{Running, close};

const LINES: &str = "
module Line() {
  param weight: f32[2] = 1
  param bias: f32[] = 0
  forward(x: f32[N, 2]) { einsum(\"n i, i -> n\", x, weight) + bias }
}

fn points() { tensor([[1.0, 2.0], [3.0, -1.0]]) }
";

fn running(experiment: &str) -> Running {
    Running::of(&format!("{experiment}{LINES}"))
}

#[test]
fn a_momentum_copy_follows_the_network() {
    let mut run = running(
        "use std.optim.sgd
experiment e {
  let net = Line()
  let key = Line()
  let opt = sgd(lr = 0.1)
  step train() {
    minimize sum(net(points())) over net.params by opt
    update key.params = 0.75 * key.params + 0.25 * net.params
  }
  run 1 of train
}",
    );
    run.run("train");
    assert!(close(&run.variable("net.weight"), &[0.6, 0.9]));
    assert!(close(&run.variable("key.weight"), &[0.9, 0.975]));
    assert!(close(&run.variable("key.bias"), &[-0.05]));
}

#[test]
fn a_frozen_view_keeps_what_its_pattern_names() {
    let mut run = running(
        "use std.optim.sgd
experiment e {
  let net = Line()
  let held = frozen(net, \"bias\")
  let opt = sgd(lr = 0.1)
  step train() { minimize sum(held(points())) over net.params by opt }
  run 1 of train
}",
    );
    run.run("train");
    assert!(close(&run.variable("net.weight"), &[0.6, 0.9]));
    assert!(close(&run.variable("net.bias"), &[0.0]));
}

#[test]
fn an_evaluation_view_uses_running_statistics_and_leaves_them() {
    let mut run = running(
        "use std.nn.BatchNorm
use std.optim.sgd
experiment e {
  let bn = BatchNorm(2, eps = 0.0)
  let fixed = eval_mode(bn)
  let opt = sgd(lr = 0.0)
  step train() {
    report plain = sum(fixed(points()))
    report before = sum(bn.running_mean)
    minimize sum(square(bn(points()))) over bn.params by opt
    report after = sum(bn.running_mean)
  }
  run 1 of train
}",
    );
    let reports = run.run("train");
    let value = |name: &str| reports.iter().find(|(n, _)| n == name).expect("reported").1;
    assert!(close(&[value("plain"), value("before"), value("after")], &[5.0, 0.0, 0.25]));
}

#[test]
fn a_network_with_other_parameters_is_a_function_of_them() {
    let mut run = running(
        "use std.optim.sgd
experiment e {
  let net = Line()
  let opt = sgd(lr = 1.0)
  step train() {
    let inner = sum(square(net(points())))
    let fast = net.params - 0.1 * stop_gradient(grad(inner, net.params))
    let outer = sum((net with params = fast)(points()))
    report outer = outer
    minimize outer over net.params by opt
  }
  run 1 of train
}",
    );
    // At weight (1, 1), bias 0 the outputs are 3 and 2; the gradient of their squares is (18, 8) and 10.
    let outer = run.report("train", "outer");
    let (w, b) = ([1.0 - 1.8, 1.0 - 0.8], -1.0);
    let expected = (w[0] + 2.0 * w[1] + b) + (3.0 * w[0] - w[1] + b);
    assert!(close(&[outer], &[expected]), "{outer} is not {expected}");
    assert!(close(&run.variable("net.weight"), &[1.0 - 4.0, 1.0 - 1.0]));
}

#[test]
fn a_ready_gradient_is_applied() {
    let mut run = running(
        "use std.optim.sgd
experiment e {
  let net = Line()
  let opt = sgd(lr = 0.1, momentum = 0.9)
  step train() {
    let g = grad(sum(net(points())), net.params)
    apply 2.0 * g to net.params by opt
  }
  run 2 of train
}",
    );
    run.run("train");
    assert!(close(&run.variable("net.weight"), &[0.2, 0.8]));
    run.run("train");
    assert!(close(&run.variable("net.weight"), &[0.2 - 0.8 * 1.9, 0.8 - 0.2 * 1.9]));
}

#[test]
fn a_step_may_set_a_parameter() {
    let mut run = running(
        "experiment e {
  let net = Line()
  step solve() {
    update net.weight = net.weight + tensor([1.0, 2.0])
    report first = sum(net(points()))
  }
  run 1 of solve
}",
    );
    assert!(close(&[run.report("solve", "first")], &[2.0 + 6.0 + 6.0 - 3.0]));
    assert!(close(&run.variable("net.weight"), &[2.0, 3.0]));
}

#[test]
fn a_replaced_child_is_called_instead() {
    let mut run = running(
        "module Twice(layer: module) {
  layer = layer
  forward(x: f32[N, 2]) { 2.0 * layer(x) }
}
experiment e {
  let one = Line()
  let two = Line()
  let net = Twice(one)
  step look() {
    update two.bias = 10.0
    report old = sum(net(points()))
    report new = sum((net with layer = two)(points()))
  }
  run 1 of look
}",
    );
    let reports = run.run("look");
    assert!(close(&[reports[0].1, reports[1].1], &[10.0, 50.0]));
}

#[test]
fn parameters_that_were_given_one_value_are_trained_apart() {
    let mut run = running(
        "use std.optim.sgd
experiment e {
  let net = Line()
  let copy = Line()
  let other = Line()
  let opt = sgd(lr = 0.1)
  step tie() {
    update copy.params = net.params
    let doubled = 2.0 * net.bias + 1.0
    update net.bias = doubled
    update other.bias = doubled
  }
  step train() {
    let all = [net.params, copy.params, other.params]
    minimize sum(net(points())) + 2.0 * sum(copy(points())) + 3.0 * sum(other(points())) over all by opt
  }
  run { 1 of tie
 1 of train }
}",
    );
    run.run("tie");
    run.run("train");
    assert!(close(&run.variable("net.weight"), &[0.6, 0.9]));
    assert!(close(&run.variable("copy.weight"), &[0.2, 0.8]));
    assert!(close(&run.variable("net.bias"), &[0.8]));
    assert!(close(&run.variable("copy.bias"), &[-0.4]));
    assert!(close(&run.variable("other.bias"), &[0.4]));
}

#[test]
fn a_state_that_was_given_the_value_of_a_parameter_takes_no_gradient_of_it() {
    let mut run = running(
        "use std.optim.sgd
module Anchored() {
  param weight: f32[2] = 3
  state anchor: f32[2] = 0
}
experiment e {
  let net = Anchored()
  let opt = sgd(lr = 0.1)
  step drop() { update net.anchor = net.weight }
  step train() { minimize sum(net.weight * net.anchor) over net.params by opt }
  run { 1 of drop
 1 of train }
}",
    );
    run.run("drop");
    run.run("train");
    assert!(close(&run.variable("net.weight"), &[2.7, 2.7]));
    assert!(close(&run.variable("net.anchor"), &[3.0, 3.0]));
}

#[test]
fn single_parameters_are_trained_and_the_others_keep_their_momentum() {
    let mut run = running(
        "use std.optim.sgd
experiment e {
  let net = Line()
  let opt = sgd(lr = 0.1, momentum = 0.5)
  step slope() { minimize sum(net(points())) over net.weight by opt }
  step both() { minimize sum(net(points())) over [net.weight, net.bias] by opt }
  step given() { apply [tensor([1.0, 0.0])] to [net.weight] by opt }
  run { 1 of both
 1 of slope
 1 of given }
}",
    );
    run.run("both");
    assert!(close(&run.variable("net.bias"), &[-0.2]));
    run.run("slope");
    assert!(close(&run.variable("net.weight"), &[0.6 - 0.6, 0.9 - 0.15]));
    assert!(close(&run.variable("net.bias"), &[-0.2]));
    assert!(close(&run.variable("opt.velocity.net.bias"), &[2.0]));
    run.run("given");
    assert!(close(&run.variable("net.weight"), &[-0.4, 0.75 - 0.075]));
}

#[test]
fn only_parameters_are_trained_or_given_gradients() {
    let said = |line: &str| {
        let text = format!(
            "use std.optim.sgd
experiment e {{
  let net = Line()
  let opt = sgd(lr = 0.1)
  step train() {{
    let twice = 2.0 * net.weight
    {line}
  }}
  run 1 of train
}}{LINES}"
        );
        vspec_tests::plain(&vspec_tests::compile_text(&text))
    };
    let value = said("minimize sum(twice) over twice by opt");
    assert!(value.contains("such as `net.params` or `net.scale`, not a tensor"), "{value}");
    let number = said("apply 3 to net.weight by opt");
    assert!(number.contains("one gradient for each parameter, not an int"), "{number}");
    let count = said("apply [net.weight] to [net.weight, net.bias] by opt");
    assert!(count.contains("1 gradients for 2 parameters"), "{count}");
}
