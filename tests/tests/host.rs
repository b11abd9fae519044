//! `host fn`: functions of the runtime in steps and tests, and where they cannot stand.

use vspec_dfdx::DfdxEngine;
use vspec_engine::{Engine, Inputs, Interpreter, RunKey};
use vspec_optimize::differentiate::{self, Tape};
use vspec_tests::{Running, assert_clean, compile_text, plain};

/// Everything that is reported about a text, failures of tests included.
fn reported(text: &str) -> String {
    let mut compiled = compile_text(text);
    for test in std::mem::take(&mut compiled.tests) {
        compiled.diagnostics.extend(test.failures);
    }
    plain(&compiled)
}

#[test]
fn no_gradient_flows_through_the_host() {
    let text = "
use std.vision.min_area_rect
fn slope(x) { grad(sum(x) + sum(min_area_rect(x)), x) }
test \"slope\" {
  let x = tensor([[0.5, 2.0]])
  assert close(slope(x), ones([1, 2]))
}
";
    let compiled = compile_text(text);
    assert_clean(&compiled, text);
    for (engine, tape) in
        [(&Interpreter::default() as &dyn Engine, Tape::None), (&DfdxEngine::default(), Tape::First)]
    {
        let mut graph = compiled.tests[0].graph.clone();
        differentiate::prepare(&mut graph, tape).expect("has gradients");
        let values = engine.session().run(&graph, &Inputs::new(), RunKey::default()).expect("runs");
        assert_eq!(values[0].to_f64(), [1.0, 1.0], "on {}", engine.name());
    }
}

#[test]
fn a_step_goes_on_with_what_the_host_computed() {
    let text = "
use std.vision.connected_components
module Mask() {
  state level: f32[2, 3] = 0
  forward() { level > 0.5 }
  raise(by: f32[2, 3]) { update level = level + by }
}
experiment e {
  let mask = Mask()
  step grow() {
    let regions = connected_components(mask())
    report count = f32(max(regions, axis = (0, 1)))
    mask.raise(f32(regions == 0) * f32(rearrange(iota(6), \"(h w) -> h w\", h = 2) % 4 == 0))
  }
  run 3 of grow
}
";
    let mut running = Running::of(text);
    // Pixels 0 and 4 come on in the first step; they touch at a corner.
    assert_eq!(running.report("grow", "count"), 0.0);
    assert_eq!(running.report("grow", "count"), 1.0);
}

#[test]
fn a_module_cannot_call_the_host() {
    let found = reported(
        "
use std.vision.min_area_rect
module M() {
  forward(x: f32[H, W]) { min_area_rect(x) }
}
entry e = M()(f32[4, 4])
",
    );
    assert!(
        found.starts_with(
            "V0222 4:27 `min_area_rect(x)` `min_area_rect` runs on the host, so that no module can call it"
        ),
        "{found}"
    );
    assert!(found.contains("hint: call it in a step, on what the module gives"), "{found}");
}

#[test]
fn the_runtime_says_what_it_has() {
    let found = reported(
        "host fn min_area_rectangle(mask: f32[H, W]) -> f32[5]\nentry e = min_area_rectangle(f32[4, 4])\n",
    );
    assert_eq!(
        found,
        "V0101 1:9 `min_area_rectangle` the runtime has no function `min_area_rectangle`\n  hint: did you mean `min_area_rect`?\n"
    );
    let found = reported("host fn contours(mask: f32[H, W]) -> f32[5]\nentry e = contours(f32[4, 4])\n");
    assert!(found.contains("hint: it has min_area_rect, connected_components"), "{found}");
}

#[test]
fn declarations_have_to_fit_the_function() {
    let four =
        reported("host fn min_area_rect(mask: f32[H, W]) -> f32[4]\nentry e = min_area_rect(f32[4, 4])\n");
    assert!(
        four.starts_with(
            "V0203 2:11 `min_area_rect(f32[4, 4])` the result of `min_area_rect` must have 4 in axis 0, not 5"
        ),
        "{four}"
    );
    let numbers = reported(
        "host fn connected_components(x: f32[H, W]) -> i32[H, W]\nentry e = connected_components(f32[4, 4])\n",
    );
    assert!(numbers.starts_with("V0205 2:11"), "{numbers}");
    assert!(numbers.contains("the mask is of bools, not f32[4, 4]"), "{numbers}");
}

#[test]
fn a_loss_beyond_the_host_cannot_be_differentiated() {
    let found = reported(
        "
use std.nn.Linear
use std.optim.sgd
use std.vision.min_area_rect
experiment e {
  let net = Linear(3, 3)
  let opt = sgd(lr = 0.1)
  step train() { minimize sum(min_area_rect(net(ones([2, 3])))) over net.params by opt }
  run 3 of train
}
",
    );
    assert!(found.starts_with("V0233 8:"), "{found}");
    assert!(found.contains("`net.weight` -> "), "{found}");
}
