//! Optimizers as values: groups of parameters, gradient transforms, averages.

use vspec_tests::{Running, close, compile_text, plain};

const PAIR: &str = "
module Leaf(size: int) { param weight: f32[size] = 1 }
module Pair() {
  a = Leaf(2)
  b = Leaf(1)
  forward() { sum(a.weight * tensor([3.0, 0.0])) + sum(b.weight * 4.0) }
}
";

fn experiment(optimizer: &str, rest: &str) -> String {
    let names = ["sgd", "clip_norm", "clip_value", "ema", "running_average"];
    let called = |name: &&str| format!("{optimizer} {rest}").contains(&format!("{name}("));
    let used = names.into_iter().filter(called).collect::<Vec<_>>().join(", ");
    let average = if rest.is_empty() { "" } else { "let average = Pair()" };
    format!(
        "use std.optim.{{{used}}}
experiment e {{
  let net = Pair()
  {average}
  let opt = {optimizer}
  step train() {{
    minimize net() over net.params by opt
    {rest}
  }}
  run 1 of train
}}
{PAIR}"
    )
}

fn said(text: &str) -> String {
    plain(&compile_text(text))
}

#[test]
fn a_group_has_arguments_of_its_own() {
    let groups = "{ \"b.**\": { lr_scale = 0.5 }, \"net.a.*\": { lr = 0.01 } }";
    let mut run = Running::of(&experiment(&format!("sgd(lr = 0.1, groups = {groups})"), ""));
    assert!(close(&[run.report("train", "lr")], &[0.1]));
    assert!(close(&run.variable("net.a.weight"), &[1.0 - 0.03, 1.0]));
    assert!(close(&run.variable("net.b.weight"), &[1.0 - 0.2]));
}

#[test]
fn the_first_group_that_matches_counts() {
    let groups = "{ \"b.**\": { lr = 0.0 }, \"**.weight\": { lr = 1.0 } }";
    let mut run = Running::of(&experiment(&format!("sgd(lr = 0.1, groups = {groups})"), ""));
    run.run("train");
    assert!(close(&run.variable("net.a.weight"), &[-2.0, 1.0]));
    assert!(close(&run.variable("net.b.weight"), &[1.0]));
}

#[test]
fn gradients_pass_transforms_in_written_order() {
    // The joint norm of (3, 0) and (4) is 5; after limiting components to 3 it is the root of 18.
    let mut run = Running::of(&experiment("clip_norm(1) |> sgd(lr = 1.0)", ""));
    run.run("train");
    assert!(close(&run.variable("net.a.weight"), &[1.0 - 0.6, 1.0]));
    assert!(close(&run.variable("net.b.weight"), &[1.0 - 0.8]));
    let mut run = Running::of(&experiment("clip_value(3) |> clip_norm(1) |> sgd(lr = 1.0)", ""));
    run.run("train");
    let share = 3.0 / 18f64.sqrt();
    assert!(close(&run.variable("net.b.weight"), &[1.0 - share]));
}

#[test]
fn an_average_starts_as_a_copy_and_then_follows() {
    let update = "update average.params = ema(average.params, net.params, decay = 0.5, warm = false)";
    let mut run = Running::of(&experiment("sgd(lr = 0.1)", update));
    run.run("train");
    assert!(close(&run.variable("average.b.weight"), &[0.6]));
    run.run("train");
    assert!(close(&run.variable("average.b.weight"), &[0.4]));
    let update = "update average.params = running_average(average.params, net.params)";
    let mut run = Running::of(&experiment("sgd(lr = 0.1)", update));
    (0..3).for_each(|_| drop(run.run("train")));
    assert!(close(&run.variable("average.b.weight"), &[(0.6 + 0.2 - 0.2) / 3.0]));
}

#[test]
fn mistakes_in_groups_are_named() {
    let empty = said(&experiment("sgd(lr = 0.1, groups = { \"c.**\": { lr = 0.0 } })", ""));
    assert!(empty.contains("no trained parameter matches `c.**`"), "{empty}");
    let argument = said(&experiment("sgd(lr = 0.1, groups = { \"b.**\": { rate = 0.0 } })", ""));
    assert!(argument.contains("cannot change `rate`"), "{argument}");
    let kind = said(&experiment("sgd(lr = 0.1, groups = 3)", ""));
    assert!(kind.contains("`groups` is a record of records"), "{kind}");
    let value = said(&experiment("sgd(lr = 0.1, groups = { \"b.**\": { momentum = \"x\" } })", ""));
    assert!(value.contains("momentum"), "{value}");
}

#[test]
fn mistakes_in_chains_are_named() {
    let rule = said(&experiment("clip_norm(1)", ""));
    assert!(rule.contains("optimizer `clip_norm` has no `apply(p, g)`"), "{rule}");
    let order = said(&experiment("sgd(lr = 0.1) |> clip_norm(1) |> sgd(lr = 0.1)", ""));
    assert!(order.contains("optimizer `sgd` has no `transform(gradients)`"), "{order}");
}
