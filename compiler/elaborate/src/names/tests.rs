//! Snippets with the code, the text under the span and the hint of every diagnostic.

use vspec_syntax::{FileId, Sources};

use super::*;
use crate::codes::UNKNOWN_NAME;

const BUILTINS: [&str; 9] =
    ["relu", "sum", "mean", "norm", "f32", "i32", "epoch", "training", "image_folder"];

/// `code text: hint` for each diagnostic.
fn found(text: &str) -> Vec<String> {
    let mut sources = Sources::default();
    let id = sources.add("test", text);
    let (file, errors) = vspec_syntax::parse(id, text);
    assert_eq!(errors, [], "the snippet has to parse");
    let surroundings = Surroundings {
        builtin: &|name| BUILTINS.contains(&name),
        builtin_names: BUILTINS.to_vec(),
        suggest_import: &|name| (name == "Conv").then(|| "use std.nn.Conv".to_string()),
    };
    let line = |d: &Diagnostic| {
        let place = format!("{} {}", d.code, sources.slice(d.primary.span));
        d.hint.as_ref().map_or(place.clone(), |hint| format!("{place}: {hint}"))
    };
    check(&file, &surroundings).diagnostics.iter().map(line).collect()
}

#[track_caller]
fn clean(text: &str) {
    assert_eq!(found(text), [] as [&str; 0]);
}

#[test]
fn a_misspelt_name_suggests_one_in_scope() {
    let text = "fn f(momentum: float, x: f32[N]) -> f32[N] { x * momentun }";
    assert_eq!(found(text), ["V0101 momentun: did you mean `momentum`?"]);
    assert_eq!(found("fn f(x: f32[N]) { reul(x) }"), ["V0101 reul: did you mean `relu`?"]);
    assert_eq!(found("fn f(x: f32[N]) { x + bananas }"), ["V0101 bananas"]);
}

#[test]
fn an_item_of_the_library_suggests_its_import() {
    assert_eq!(found("let layer = Conv(3, 8)"), ["V0101 Conv: add `use std.nn.Conv`"]);
}

#[test]
fn items_see_each_other_whatever_their_order() {
    clean("fn f(x: f32[N]) { g(x) }\nfn g(x: f32[N]) { x * SCALE }\nlet SCALE = 2");
}

#[test]
fn a_let_sees_only_what_is_above_it() {
    assert_eq!(found("fn f(x: f32[N]) { let y = z\n let z = x\n y + z }"), ["V0101 z"]);
    clean("fn f(x: f32[N]) { let y = relu(x)\n let y = y + x\n y }");
}

#[test]
fn names_of_a_block_end_with_it() {
    assert_eq!(
        found(
            "fn f(x: f32[N], on: bool) { let y = if on { let inside = x\n inside } else { x }\n y + inside }"
        ),
        ["V0101 inside"]
    );
}

#[test]
fn sizes_bind_where_they_stand_alone() {
    clean("fn f(x: f32[B, C, 2 * C]) { x * B }");
    clean("fn f(b: { image: f32[B, 3, ..], .. }) { b.image * B }");
    clean("fn f(g: fn(f32[N]) -> f32[N], xs: [f32[K]]) { g(xs[0]) * K }");
    clean("test \"t\" { shape relu(f32[B, 3]) == f32[B, 3] }");
    assert_eq!(
        found("fn f(x: f32[2 * Channels]) { x }"),
        ["V0101 Channels: a size gets its name where `Channels` stands alone as an axis of a parameter"]
    );
    assert_eq!(found("fn f(x: f32[channels]) { x }"), ["V0101 channels"]);
    assert_eq!(found("fn f(x: f32[N]) -> f32[M] { x * M }"), ["V0101 M"]);
}

#[test]
fn sizes_of_variables_have_to_be_known() {
    assert_eq!(
        found("module M(out: int) { param weight: f32[out, Inn] = 0\n forward(x: f32[N]) { x * weight } }")
            .len(),
        1
    );
}

#[test]
fn types_have_to_exist_and_are_uses() {
    clean("use boxes.Truth\nrecord Pair { left: Truth, right: Truth[T?] }\nfn f(p: Pair) { p.left }");
    assert_eq!(found("fn f(n: flaot) { n }"), ["V0101 flaot: did you mean `float`?"]);
    assert_eq!(
        found("record Truth { a: int }\nfn f(t: Trut) { t.a }"),
        ["V0101 Trut: did you mean `Truth`?"]
    );
}

#[test]
fn arguments_keys_and_fields_are_no_names() {
    clean("fn f(x: f32[N]) { let y = { a = x, \"b.**\": x }\n sum(y.anything, axis = 0) }");
    assert_eq!(found("fn f(x: f32[N]) { { x, y } }"), ["V0101 y"]);
}

#[test]
fn unused_definitions_are_named() {
    assert_eq!(found("use std.nn.{Conv, Linear as Dense}"), ["V0112 Conv", "V0112 Dense"]);
    assert_eq!(
        found("fn f(x: f32[N], unused: int, _spare: int) { let y = x\n x }"),
        ["V0111 unused: remove it, or call it `_unused`", "V0110 y: remove it, or call it `_y`"]
    );
    assert_eq!(found("fn f(xs: [int]) { [0 for x in xs] }"), ["V0110 x: remove it, or call it `_x`"]);
    clean("fn f(xs: [int]) { [0 for _ in xs] }");
    clean("host fn contours(mask: f32[H, W]) -> f32[5]");
}

#[test]
fn a_hidden_variable_is_unused_by_itself() {
    assert_eq!(found("fn f(x: f32[N]) { let y = x\n let y = relu(x)\n y }").len(), 1);
}

#[test]
fn loops_bind_their_variables() {
    clean("fn f(n: int) { fold i in 0..n with s = 1 { s * i } }");
    clean("fn f(n: int) { [i * j for i in 0..n if i > 1 for j in 0..i] }");
    clean("fn f(pairs: [(int, int)]) { [a + b for (a, b) in pairs] }");
    assert_eq!(found("fn f(n: int) { [i for i in 0..j for j in 0..n] }").len(), 2);
}

#[test]
fn members_see_each_other_and_the_static_parameters() {
    clean(
        "module M(c: int) {\n let wide = 4 * c\n a = layers[0]\n layers = [wide]\n \
         param weight: f32[wide] = 1\n forward(x: f32[N]) { x * weight + a * self.wide } }",
    );
}

#[test]
fn a_member_may_be_made_from_the_parameter_of_its_name() {
    clean("module M(bias: bool) { param bias: f32[3] = 0 if bias\n forward(x: f32[N]) { x + bias } }");
    clean("module M(act: module(int)) { act = act(8)\n forward(x: f32[N]) { act(x) } }");
    clean(
        "module M(bias: bool) { let biased = bias\n param bias: f32[3] = 0\n \
         forward(x: f32[N]) { if biased { x + bias } else { x } } }",
    );
}

#[test]
fn members_that_no_method_uses_are_named() {
    let text = "module M(c: int) {\n a = c\n param weight: f32[c] = 0\n state seen: f32[c] = 0\n const k: f32[c] = 0\n\
                forward(x: f32[N]) { x } }";
    assert_eq!(found(text), ["V0113 a", "V0113 weight", "V0113 seen", "V0113 k"]);
    clean("module M(c: int) { a = c\n forward(x: f32[N]) { x } }\nfn f(m: module) { m.a }");
    clean("module Pair(c: int) { a = c\n b = c }");
}

#[test]
fn a_state_that_is_only_written_is_named() {
    let text =
        |body: &str| format!("module M() {{ state count: f32[] = 0\n forward(x: f32[N]) {{ {body}\n x }} }}");
    assert_eq!(found(&text("update count = sum(x)")), ["V0116 count"]);
    assert_eq!(found(&text("update self.count = sum(x)")), ["V0116 count"]);
    clean(&text("update count = count + 1"));
    assert_eq!(found(&text("update count[rows] = 1")), ["V0116 count", "V0101 rows"]);
}

#[test]
fn tests_of_a_module_see_only_the_module() {
    let text = |value: &str| {
        format!("module M(c: int) {{ forward(x: f32[N]) {{ x * c }}\n test \"t\" {{ assert {value} }} }}")
    };
    clean(&text("sum(self(2)(3)) == 6"));
    assert_eq!(found(&text("c == 6")), ["V0101 c"]);
}

#[test]
fn the_parameters_of_a_loss_are_its_members() {
    clean(
        "loss Margin(classes: int)(x: f32[N, C]) -> f32[] {\n param margin: f32[classes] = 0\n \
         term gap = sum(x - margin)\n}",
    );
    let unused = "loss L(classes: int)(x: f32[N]) { param margin: f32[classes] = 0\n sum(x) }";
    assert_eq!(found(unused), ["V0113 margin"]);
    assert_eq!(found("loss L(p, q) { term a = sum(p)\n a + q }"), ["V0101 a"]);
}

#[test]
fn a_gradient_names_its_inputs_by_position() {
    clean("fn f(x: f32[N]) -> f32[N] { x } with gradient(x, y, dy) -> dx { dy * x }");
}

#[test]
fn an_update_rule_uses_its_states() {
    clean(
        "optimizer sgd(lr: f32[], momentum: float = 0) {\n state velocity = 0\n apply(p, g) {\n \
         update velocity = momentum * velocity + g\n p - lr * velocity\n } }",
    );
    assert_eq!(
        found("optimizer o(lr: f32[]) { state m = 0\n apply(p, g) { update m = g\n p - lr } }"),
        ["V0116 m"]
    );
}

#[test]
fn duplicates_point_at_the_first() {
    assert_eq!(found("let a = 1\nfn a() { 2 }"), ["V0102 a"]);
    assert_eq!(found("fn f(x: int, x: int) { x }"), ["V0102 x"]);
    assert_eq!(found("module M() { a = 1\n a = 2\n forward() { a } }"), ["V0102 a"]);
    assert_eq!(found("record R { a: int, a: int }"), ["V0102 a"]);
    assert_eq!(found("fn f(p: (int, int)) { let (a, a) = p\n a }"), ["V0102 a"]);
    assert_eq!(found("use std.nn.Conv\nmodule Conv() { }\nlet x = Conv"), ["V0102 Conv"]);
    assert_eq!(found("entry e = relu(f32[3])\nexperiment e { }"), ["V0102 e"]);
    clean("fn f() { 1 }\nexperiment f { }");
    let (file, _) = vspec_syntax::parse(FileId(0), "let a = 1\nlet a = 2");
    let surroundings = Surroundings { builtin: &|_| false, builtin_names: vec![], suggest_import: &|_| None };
    let error = &check(&file, &surroundings).diagnostics[0];
    assert_eq!((error.primary.span.start, error.secondary[0].span.start), (14, 4));
    assert_eq!(error.message, "`a` is defined twice");
}

#[test]
fn hiding_a_builtin_is_worth_a_warning() {
    assert_eq!(found("fn f(x: f32[N]) { let mean = mean(x)\n mean }"), ["V0115 mean"]);
    assert_eq!(found("module M(c: int) { norm = c\n forward(x: f32[N]) { norm(x) } }"), ["V0115 norm"]);
    clean("fn f(norm: int) { norm }");
}

const PARTS: &str = "data train = image_folder(\"a\")\n let net = relu\n let opt = sum\n";

fn experiment(parts: &str) -> Vec<String> {
    found(&format!("experiment e {{\n {PARTS} {parts} }}"))
}

#[test]
fn an_experiment_uses_its_parts() {
    let step = "step train(b from train) { term a = net(b.image)\n minimize terms over net.params by opt }\n";
    assert_eq!(experiment(&format!("{step} run 12 epochs of train")), [] as [&str; 0]);
    let evaluate = "step evaluate(b from train) { report loss = net(b.image) }\n";
    assert_eq!(
        experiment(&format!("{step} {evaluate} run 12 epochs of train")),
        ["V0114 evaluate: name it there, such as `evaluate every epoch`"]
    );
    let run =
        "run 12 epochs of train, evaluate every epoch, keep best by evaluate.loss, expect evaluate.loss <= 1";
    assert_eq!(experiment(&format!("{step} {evaluate} {run}")), [] as [&str; 0]);
}

#[test]
fn unused_parts_of_an_experiment_are_named() {
    assert_eq!(
        experiment("step s() { report x = net(1) }\n run 2 of s"),
        [
            "V0114 train: a step reads it with `step name(b from train)`",
            "V0110 opt: remove it, or call it `_opt`"
        ]
    );
}

#[test]
fn unknown_steps_and_data_sets_are_named() {
    let step = "step train(b from trian) { minimize net(b.image) over net.params by opt }\n";
    assert_eq!(
        experiment(&format!("{step} run 12 epochs of trian, keep best by evalute.loss")),
        [
            "V0240 trian: did you mean `train`?",
            "V0240 trian: did you mean `train`?",
            "V0240 evalute: there is train",
        ]
    );
}

#[test]
fn parts_of_an_experiment_are_read_in_order() {
    let text = "experiment e { let opt = sum(net)\n let net = relu\n let twice = sum(opt)\n \
                step s() { report x = twice + net }\n run s }";
    assert_eq!(
        found(text),
        ["V0101 net: `net` is defined further down; `data` and `let` parts are read in order"]
    );
}

#[test]
fn collected_rows_are_seen_where_the_pass_finishes() {
    let step = "step s(b from train) { if training { collect e = net(b.x) }\n finish { report r = opt(e) } }\n run s";
    assert_eq!(experiment(step), [] as [&str; 0]);
}

#[test]
fn terms_are_a_name_only_in_what_is_minimized() {
    let step = "step s(b from train) { minimize net(b.x) over terms by opt }\n run s";
    assert_eq!(experiment(step), ["V0101 terms"]);
}

#[test]
fn very_many_unknown_names_take_no_time_to_explain() {
    let names: Vec<String> = (0..5000).map(|i| format!("unknown{i}")).collect();
    let lets: Vec<String> = (0..5000).map(|i| format!("let known{i} = {i}")).collect();
    let hints = found(&format!("{}\nlet all = [{}]", lets.join("\n"), names.join(", ")));
    assert_eq!(hints.len(), 5000);
    assert_eq!(hints.iter().filter(|h| h.contains("did you mean")).count(), 50);
}

#[test]
fn errors_are_errors_and_the_rest_are_warnings() {
    let (file, _) = vspec_syntax::parse(FileId(0), "use std.nn.Conv\nfn f(a: int) { b }");
    let surroundings = Surroundings { builtin: &|_| false, builtin_names: vec![], suggest_import: &|_| None };
    let errors: Vec<bool> =
        check(&file, &surroundings).diagnostics.iter().map(Diagnostic::is_error).collect();
    assert_eq!(errors, [false, false, true]);
}

#[test]
fn codes_are_in_order_and_explained() {
    assert!(CODES.windows(2).all(|pair| pair[0].code < pair[1].code));
    assert!(
        CODES
            .iter()
            .all(|c| c.code.starts_with("V01") && c.code != UNKNOWN_NAME && c.explanation.ends_with('.'))
    );
}
