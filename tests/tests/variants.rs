//! Conditions that nothing decides yet: one graph for each answer, and the right one of them runs.

use vspec_engine::{Buffer, Engine, HostTensor, Inputs, Interpreter, RunKey, choose};
use vspec_ir::text::parse;
use vspec_ir::{Condition, verify};
use vspec_tests::{assert_clean, compile_text, plain};

fn shown(when: &[Condition]) -> String {
    when.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// When each graph of an entry runs, and the type of what it computes.
fn entries(text: &str) -> Vec<(String, String)> {
    let compiled = compile_text(text);
    assert_clean(&compiled, text);
    let result = |e: &vspec_ir::Entry| e.graph.ty(e.graph.outputs()[0].node).to_string();
    compiled.entries.iter().map(|e| (shown(&e.when), result(e))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect()
}

/// Halves what is wide, and leaves the rest.
const PICK: &str = "
use std.nn.Conv
module Pick(width: int) {
  small = Conv(3, width)
  large = Conv(3, width, stride = 2)
  forward(x: f32[B, 3, H, W]) -> f32[B, width, _, _] {
    if W < 20 { x |> small } else { x |> large }
  }
}
module Twice() {
  a = Pick(3)
  b = Pick(3)
  forward(x: f32[B, 3, H, W]) -> f32[B, 3, _, _] {
    let y = x |> a |> b
    if W < 30 { y } else { relu(y) }
  }
}
";

#[test]
fn a_condition_on_a_size_has_a_graph_for_each_answer() {
    assert_eq!(
        entries(&format!("{PICK}entry e = Pick(4)(f32[2, 3, H, W])")),
        pairs(&[("W <= 19", "f32[2, 4, H, W]"), ("W >= 20", "f32[2, 4, (H + 1)//2, (W + 1)//2]")])
    );
    assert_eq!(
        entries(&format!("{PICK}entry e = Pick(4)(f32[2, 3, H, 24])")),
        pairs(&[("", "f32[2, 4, (H + 1)//2, 12]")])
    );
}

#[test]
fn an_answer_decides_what_follows_from_it() {
    // What is narrow stays narrow; what is wide may be narrow after one halving, and is not below 30 then only if it was 20 to 29.
    let found = entries(&format!("{PICK}entry e = Twice()(f32[1, 3, H, W])"));
    let when: Vec<&str> = found.iter().map(|(when, _)| when.as_str()).collect();
    assert_eq!(
        when,
        [
            "W <= 19",
            "W >= 20, (W + 1)//2 <= 19, W <= 29",
            "W >= 20, (W + 1)//2 <= 19, W >= 30",
            "W >= 20, (W + 1)//2 >= 20, W <= 29",
            "W >= 20, (W + 1)//2 >= 20, W >= 30",
        ]
    );
}

#[test]
fn requirements_decide() {
    let text = "
fn half(x: f32[N]) { if N % 2 == 0 and N != 6 { sum(x) } else { mean(x) } }
fn even(x: f32[N]) {
  require N % 2 == 0
  require N > 6
  half(x)
}
entry either = half(f32[N])
entry one = even(f32[N])
";
    let found = entries(text);
    let when: Vec<&str> = found.iter().map(|(when, _)| when.as_str()).collect();
    assert_eq!(when, ["N % 2 == 0, N != 6", "N % 2 == 0, N == 6", "N % 2 != 0", ""]);
}

#[test]
fn every_graph_is_right_and_reads_back() {
    let compiled = compile_text(&format!("{PICK}entry e = Twice()(f32[1, 3, H, W])"));
    for entry in &compiled.entries {
        assert!(verify(entry.graph.clone()).is_ok(), "{}", entry.graph);
        let text = entry.graph.to_string();
        let again = parse(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert_eq!(again.facts(), entry.graph.facts());
        assert_eq!(again.to_string(), text);
    }
}

#[test]
fn conditions_may_be_named_negated_and_passed_on() {
    let text = "
module Gate(wide: bool) {
  forward(x: f32[N]) { if wide { sum(x) } else { max(x, 0.0) |> sum } }
}
fn of(x: f32[N], flag: bool) { if flag { sum(x) } else { mean(x) } }
fn both(x: f32[N, M]) {
  let small = N < 4 or not (M >= 8)
  of(flatten(x), small)
}
entry e = both(f32[N, M])
";
    let text = text.replace("flatten(x)", "rearrange(x, \"n m -> (n m)\")");
    let found = entries(&text);
    let when: Vec<&str> = found.iter().map(|(when, _)| when.as_str()).collect();
    assert_eq!(when, ["N <= 3", "N >= 4, M <= 7", "N >= 4, M >= 8"]);
}

/// A step that does other things with a short batch, early on, and at the end of a small pass.
const STEP: &str = "
experiment e {
  data d = shapes(100, size = 8) |> batch(8)
  step look(b from d) {
    if shape(b.label)[0] < 5 { report short = sum(f32(b.label)) } else { report long = mean(f32(b.label)) }
    if epoch < 2 {
      if iteration >= 7 { report late = 1.0 }
    } else { report done = 2.0 }
    collect l = b.label
    finish {
      if shape(l)[0] < 10 { report few = sum(f32(l)) } else { report many = mean(f32(l)) }
      if epoch < 3 { report early = 1.0 }
    }
  }
  run 1 epoch of look
}
";

#[test]
fn the_graph_whose_conditions_hold_runs() {
    let compiled = compile_text(STEP);
    assert_clean(&compiled, STEP);
    let step = &compiled.programs[0].steps[0];
    assert_eq!(step.graphs.len(), 6, "two lengths, three phases");
    assert_eq!(step.reports(), ["short", "late", "done", "long", "few", "early", "many"]);
    let labels = |count: usize| Buffer::I32((0..count as i32).collect());
    let run = |variants, name: &str, count: usize, [epoch, iteration]: [f64; 2]| {
        let tensor = HostTensor::new(vec![count], labels(count)).expect("fits");
        let inputs = Inputs::from([(name.to_string(), tensor)]);
        let clock = |name: &str| Some(if name == "clock.epoch" { epoch } else { iteration });
        let graph = choose(variants, &inputs, &clock).expect("a graph for everything");
        let mut session = Interpreter::default().session();
        let values = session.run(graph, &inputs, RunKey::default()).expect("runs");
        let named = graph.outputs().iter().zip(values);
        let number = |(o, v): (&vspec_ir::Output, HostTensor)| Some(format!("{} {}", o.name, v.item()?));
        named.filter_map(number).collect::<Vec<_>>()
    };
    assert_eq!(run(&step.graphs, "b.label", 4, [0.0, 0.0]), ["short 6"]);
    assert_eq!(run(&step.graphs, "b.label", 5, [1.0, 7.0]), ["long 2", "late 1"]);
    assert_eq!(run(&step.graphs, "b.label", 8, [2.0, 7.0]), ["long 3.5", "done 2"]);
    assert_eq!(run(&step.finish, "pass.l", 9, [2.0, 0.0]), ["few 36", "early 1"]);
    assert_eq!(run(&step.finish, "pass.l", 10, [3.0, 0.0]), ["many 4.5"]);
}

#[test]
fn a_graph_refuses_sizes_that_are_not_its_own() {
    let compiled =
        compile_text("fn f(x: f32[N]) { if N < 4 { sum(x) } else { mean(x) } }\nentry e = f(f32[N])");
    let graph = &compiled.entries[0].graph;
    let tensor = HostTensor::new(vec![5], Buffer::F32(vec![0.0; 5])).expect("fits");
    let name = graph.nodes().find_map(|(_, n)| match &n.op {
        vspec_ir::Op::Input { name, .. } => Some(name.to_string()),
        _ => None,
    });
    let inputs = Inputs::from([(name.expect("an input"), tensor)]);
    let refused = Interpreter::default().session().run(graph, &inputs, RunKey::default());
    assert_eq!(refused.map_err(|e| e.to_string()), Err("N <= 3 does not hold for N = 5".to_string()));
}

/// Everything that is reported about a text.
fn reported(text: &str) -> String {
    plain(&compile_text(text))
}

#[test]
fn more_answers_than_anyone_wants_are_an_error() {
    let conditions: String = ["A", "C", "D", "E", "F"]
        .iter()
        .map(|size| format!("  let y{size} = if {size} < 3 {{ 1.0 }} else {{ 2.0 }}\n"))
        .collect();
    let text = format!(
        "fn f(x: f32[A, C, D, E, F]) {{\n{conditions}  sum(x)\n}}\nentry e = f(f32[A, C, D, E, F])\n"
    );
    let found = reported(&text);
    let message = "V0220 2:15 `A < 3` conditions that are not decided choose between more than 16 graphs";
    assert!(found.contains(message), "{found}");
}

#[test]
fn an_error_names_the_answer_that_it_needs() {
    let text = "
fn f(x: f32[N, 4]) { if N < 3 { sum(x, axis = 1) } else { sum(x, axis = 2) } }
entry e = f(f32[N, 4])
";
    let compiled = compile_text(text);
    let [only] = compiled.diagnostics.as_slice() else { panic!("{}", plain(&compiled)) };
    assert_eq!(only.trace.last().map(|l| l.text.as_str()), Some("the graph for N >= 3"));
}

#[test]
fn the_clock_chooses_in_steps_only() {
    let text = STEP
        .replace("epoch < 2 {", "early() {")
        .replace("experiment e", "fn early() { if epoch < 2 { true } else { false } }\nexperiment e");
    let found = reported(&text);
    assert!(
        found.starts_with("V0221 2:17 `epoch < 2` a condition on the clock chooses code only in a step"),
        "{found}"
    );
    assert!(found.contains("hint: a step itself may compare the clock with a number"), "{found}");
}

#[test]
fn the_end_of_a_pass_does_not_depend_on_one_batch() {
    let text = STEP
        .replace("finish {", "let many = shape(b.label)[0] > 6\n    finish { if many { report more = 1.0 }");
    let found = reported(&text);
    assert!(found.contains("depends on the sizes of one batch"), "{found}");
}
