//! What the elaborator says: one small text for each kind of mistake, with everything that is reported.

use vspec_tests::{compile_text, plain};

/// The text and what is reported about it, diagnostics of tests included.
fn reported(text: &str) -> String {
    let mut compiled = compile_text(text);
    for test in std::mem::take(&mut compiled.tests) {
        compiled.diagnostics.extend(test.failures);
    }
    format!("{text}---\n{}", plain(&compiled))
}

/// One test for each text, so that a change shows which behaviour it touches.
macro_rules! cases {
    ($($name:ident: $text:literal)*) => {$(
        #[test]
        fn $name() {
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(stringify!($name), reported($text));
            });
        }
    )*};
}

cases! {
    lists_are_taken_apart_where_their_length_is_known: "
let PAIR = [3, 4]
module Two(sizes: [int]) {
  let [first, second] = sizes
  forward(x: f32[N]) { x * first + second }
}
test \"binding\" {
  let [a, b] = PAIR
  let [c, (d, _), [e]] = [1, (2, 3), [4]]
  assert [a, b, c, d, e] == [3, 4, 1, 2, 4]
  assert [x + y for [x, y] in [[1, 2], [3, 4]]] == [3, 7]
  for [n, m] in [[1, 1]] { assert n == m }
  assert Two(PAIR)(tensor([2.0])) == tensor([10.0])
  assert (fold _ in 0..3 with [s, t] = [0, 1] { [t, s + t] }) == [2, 3]
}
test \"too long\" { let [a, b] = [1, 2, 3]; assert a + b == 3 }
test \"too short\" { let [a, b, _] = PAIR; assert a + b == 3 }
test \"a tuple\" { let [a] = (1, 2); assert a == 1 }
test \"a tensor\" { let [a, b] = tensor([1.0, 2.0]); assert close(a, b) }
"
    a_gradient_ends_at_a_comparison: "
use std.optim.sgd
module Gate() {
  param threshold: f32[] = 0.5
  param scale: f32[] = 1
  forward(x: f32[N]) { scale * f32(x > threshold) }
}
experiment e {
  let net = Gate()
  let opt = sgd(lr = 0.1)
  step train() { minimize mean(net(tensor([0.0, 1.0]))) over net.params by opt }
  run 1 of train
}
"
    a_gradient_that_is_asked_for_ends_at_an_order: "
test \"t\" {
  let x = tensor([3.0, 1.0])
  let order = f32(argsort(sigmoid(2.0 * abs(x))))
  let far = mean(square(tanh(exp(sin(cos(order))))))
  assert grad(far, x) == tensor([0.0, 0.0])
}
"
    shapes_that_agree_only_where_sizes_are_related: "
module Mirror(width: int) {
  forward(x: f32[B, width, H, W]) -> f32[B, width, H, W] { x + permute(x, [0, 1, 3, 2]) }
  test \"keeps the map\" { shape self(8)(f32[B, 8, H, W]) == f32[B, 8, H, W] }
  test \"keeps a square\" { shape self(8)(f32[B, 8, S, S]) == f32[B, 8, S, S] }
}
module Square() {
  forward(x: f32[B, C, H, W]) {
    require H == W
    x + permute(x, [0, 1, 3, 2])
  }
}
fn turned(x: f32[B, C, H, W]) -> f32[B, C, W, H] { x }
entry mirror = Mirror(8)(f32[B, 8, H, W])
entry square = Square()(f32[B, 8, H, W])
fn shifted(x: f32[B, C], by: f32[B]) { x + by }
entry rows = shifted(f32[B, C], f32[B])
entry back = turned(f32[1, 1, H, W])
"
    static_values_are_compared_element_by_element: "
test \"equal\" {
  assert [[1, 2], [3]] == [[1, 2], [3]] and [[1, 2], [3]] != [[1, 2], [4]]
  assert (1, \"a\") == (1, \"a\") and (1, \"a\") != (1, \"b\")
  assert { a: 1, b: [2.0] } == { a: 1, b: [2] } and { a: 1 } != { b: 1 }
}
test \"tensors are no static values\" { assert [tensor([1.0])] == [tensor([1.0])] }
"
    shapes_that_agree_for_some_batches: "
use std.nn.Linear
use std.optim.sgd
experiment e {
  data ten = shapes(40, size = 8) |> batch(10)
  data twenty = shapes(40, size = 8) |> batch(20)
  let net = Linear(3, 10)
  let opt = sgd(lr = 0.1)
  step train(b from ten) { minimize mean(square(net(mean(b.image, axis = [2, 3])) - f32(b.label))) over net.params by opt }
  step said(b from ten) {
    require shape(b.label)[0] == 10
    report loss = mean(square(net(mean(b.image, axis = [2, 3])) - f32(b.label)))
  }
  step look(b from twenty) { report loss = mean(square(net(mean(b.image, axis = [2, 3])) - f32(b.label))) }
  run 1 epoch of train
}
"
    an_int_has_no_gradient: "
test \"t\" {
  let i = tensor([1, 2])
  assert grad(sum(f32(i)), i) == tensor([0, 0])
}
"
    what_is_cut_on_purpose_is_not_reached: "
use std.optim.sgd
module Level() { param level: f32[] = 0.5 }
experiment e {
  let net = Level()
  let opt = sgd(lr = 0.1)
  step train() { minimize square(stop_gradient(floor(net.level))) over net.params by opt }
  run 1 of train
}
"
    what_is_read_as_frozen_is_not_reached: "
use std.nn.Linear
use std.optim.sgd
experiment e {
  let net = Linear(2, 1)
  let opt = sgd(lr = 0.1)
  step train() {
    term loss = mean(square(frozen(net)(ones([3, 2]))))
    minimize terms over net.params by opt
  }
  run 1 of train
}
"
    terms_that_nothing_minimizes: "
use std.nn.Linear
use std.optim.sgd
experiment e {
  let net = Linear(2, 1)
  let opt = sgd(lr = 0.1)
  step look() { term size = mean(square(net(ones([3, 2])))) }
  step train() {
    let y = net(ones([3, 2]))
    term early = mean(square(y))
    minimize terms over net.params by opt
    term late = mean(abs(y))
  }
  step by_phase() {
    let y = net(ones([3, 2]))
    let loss = mean(square(y))
    term shown = loss
    if epoch < 2 { minimize loss over net.params by opt }
  }
  run 1 of train
}
"
    unknown_argument_suggests_the_nearest: "
use std.nn.Conv
entry e = Conv(3, 8, strid = 2)(f32[1, 3, 8, 8])
"
    missing_argument_names_the_parameter: "
use std.nn.Linear
module M() {
  head = Linear(8)
  forward(x: f32[B, 8]) { head(x) }
}
entry e = M()(f32[1, 8])
"
    too_many_arguments_are_refused: "
fn twice(x) { x * 2 }
test \"t\" { assert twice(1, 2) == 2 }
"
    a_use_of_nothing_suggests_a_name: "
use std.nn.Convv
use std.nm.Conv
entry e = 1
"
    sizes_have_to_divide: "
module M(c: int) {
  param weight: f32[c / 2] = 0
  forward(x: f32[c]) { x }
}
entry e = M(7)(f32[7])
"
    an_axis_that_is_missing: "
test \"t\" { shape sum(ones([2, 3]), axis = 2) == f32[2] }
"
    wrong_number_of_axes: "
use std.nn.Conv
entry e = Conv(3, 8)(f32[3, 8, 8])
"
    wrong_result_type: "
fn f(x: f32[N]) -> f32[N, 2] { x }
entry e = f(f32[4])
"
    broadcasting_needs_a_literal_one: "
fn f(x: f32[N, 3], y: f32[N, 4]) { x + y }
entry e = f(f32[2, 3], f32[2, 4])
"
    symbolic_sizes_that_never_agree: "
fn f(x: f32[N], y: f32[N]) { x + y }
entry e = f(f32[H], f32[H + 1])
"
    a_pattern_that_does_not_fit: "
entry e = rearrange(f32[2, 6, 4], \"b (g c) h -> b g c hh\", g = 4)
"
    a_condition_on_data: "
fn f(x: f32[]) { if x > 0 { x } else { 0 - x } }
entry e = f(f32[])
"
    a_requirement_with_a_message: "
module M(groups: int) {
  require groups > 0, \"`groups` must be positive\"
  forward(x: f32[N]) { x }
}
entry e = M(0)(f32[2])
"
    a_fact_about_a_size_makes_division_exact: "
fn f(x: f32[H]) -> f32[H / 4, 4] {
  require H % 8 == 0
  reshape(x, [H / 4, 4])
}
entry e = f(f32[H])
"
    without_the_fact_it_is_an_error: "
fn f(x: f32[H]) { reshape(x, [H / 4, 4]) }
entry e = f(f32[H])
"
    recursion_is_bounded: "
fn f(n: int) -> int { f(n + 1) }
let N = f(0)
test \"t\" { assert N == 0 }
"
    constants_that_need_each_other: "
use std.nn.Linear
let WIDTH = 2 * HALF
let HALF = QUARTER + QUARTER
let QUARTER = WIDTH / 4
let DEPTH = WIDTH + 1
entry e = Linear(WIDTH, HALF)(f32[2, WIDTH])
test \"t\" { assert WIDTH == 1 }
test \"u\" { assert DEPTH == 2 and HALF == 7 }
experiment trains {
  data train = shapes(10) |> batch(5)
  let net = Linear(3, QUARTER)
  step evaluate(b from train) { report loss = mean(net(mean(b.image, axis = [2, 3]))) }
  run 1 epoch of evaluate
}
"
    a_constant_that_needs_itself_through_a_function_and_a_default: "
let A = plus(0)
fn plus(n: int) { A + n }
let B = Line().n
module Line(n: int = B) { forward(x: f32[n]) { x } }
test \"t\" { assert A == 1 }
test \"u\" { assert B == 2 }
"
    a_failed_constant_is_a_mistake_of_the_file: "
let A = 1 / 0
let B = A + 1
let C: int = \"three\"
let (D, E) = (1, 2)
test \"t\" { assert A == 1 }
test \"u\" { assert A == 2 and B == 2 and C == 3 and D + E == 3 }
"
    windows_that_are_impossible: "
use std.nn.{Conv, MaxPool}
module Net() {
  stem = Conv(3, 8, stride = -2)
  forward(x: f32[B, 3, H, W]) { stem(x) }
}
entry a = Net()(f32[1, 3, 8, 8])
entry b = Conv(3, 8, stride = 0)(f32[1, 3, 8, 8])
entry c = Conv(3, 8, padding = -1)(f32[1, 3, 8, 8])
entry d = Conv(3, 8, kernel = 0)(f32[1, 3, 8, 8])
entry f = Conv(3, 8, dilation = 0)(f32[1, 3, 8, 8])
entry g = MaxPool(2, padding = 2)(f32[1, 3, 8, 8])
entry h = avg_pool(f32[1, 3, 8, 8], 0)
"
    a_size_of_a_variable_that_is_negative: "
use std.nn.Linear
entry e = Linear(3, 4 - 8)(f32[1, 3])
"
    a_quotient_that_may_not_be_whole: "
fn halves(x: f32[B, N]) { reshape(x, [2, shape(x)[0] / 2, N]) }
fn rows(x: f32[B, N]) { reshape(x, [(B + N) / 3, N]) }
entry e = halves(f32[B, 4])
entry f = rows(f32[B, N])
"
    a_size_that_is_left_open: "
entry e = reshape(f32[2, 3, 4], [2, -1])
"
    turns_are_no_condition_on_data: "
use std.optim.sgd
module Level() { param level: f32[] = 0.5 }
fn late(x) { if epoch > 3 { x } else { 0 * x } }
experiment e {
  let net = Level()
  let opt = sgd(lr = 0.1)
  step train() {
    if iteration % 5 < 4 { minimize square(net.level) over net.params by opt }
  }
  step other() { minimize late(net.level) over net.params by opt }
  run { 1 of train; 1 of other }
}
"
    what_is_made_without_all_it_needs: "
use std.nn.Linear
use std.optim.{adamw, sgd}
module Net(classes: int, width: int) {
  fc = Linear(width, classes)
  forward(x: f32[B, width]) { fc(x) }
}
experiment e {
  data train = shapes(10) |> batch(5)
  let net = Net(width = 3)
  let good = Net(10, 3)
  let opt = sgd()
  step fit(b from train) {
    let a = net(mean(b.image, axis = [2, 3]))
    let c = net(mean(b.image, axis = [2, 3]))
    term loss = mean(good(mean(b.image, axis = [2, 3]))) + mean(a) + mean(c)
    minimize terms over good.params by opt
  }
  step more(b from train) { minimize mean(good(mean(b.image, axis = [2, 3]))) over good.params by opt }
  step last(b from train) { minimize mean(good(mean(b.image, axis = [2, 3]))) over good.params by adamw }
  run 1 epoch of fit
}
"
    an_item_in_the_place_of_a_batch: "
use std.nn.{Conv, Linear}
module Net(size: int) {
  conv = Conv(3, 8)
  forward(x: f32[B, 3, size, size]) { conv(x) }
}
entry a = Conv(3, 8)(f32[3, 32, 32])
entry b = Net(32)(f32[3, 32, 32])
entry c = Linear(3, 8)(f32[4])
entry d = Net(32)(f32[3, 32])
"
    a_set_of_parameters_is_no_tensor: "
use std.nn.Linear
experiment e {
  let net = Linear(2, 1)
  step evaluate() {
    let g = grad(sum(square(net.weight)), net.params)
    report norm = sum(g * g)
    report all = sum([sum(p) for p in net.params])
  }
  run 1 of evaluate
}
"
    smoothing_that_is_no_share: "
use std.losses.CrossEntropy
test \"t\" { assert CrossEntropy(label_smoothing = 1.5)(ones([2, 3]), tensor([0, 1])) > 0.0 }
test \"u\" { assert CrossEntropy(label_smoothing = 1.0)(ones([2, 3]), tensor([0, 1])) > 0.0 }
"
    names_of_other_languages: "
fn f(x: f16[N], n: i64, last = None) { if True { x * n } else { last } }
entry e = f(bf16[3], 2)
"
    every_mistake_of_a_step_and_its_run: "
use std.nn.Linear
use std.optim.sgd
experiment e {
  data train = shapes(10) |> batch(5)
  let net = Linear(3, 10)
  let opt = sgd(lr = 0.1)
  step fit(b from train) {
    term loss = mean(square(net(mean(b.imag, axis = [2, 3]))))
    minimize terms over net.parms by optt
    report seen = mean(b.image)
  }
  step evaluate(b from train) { report mean = mean(b.image) }
  run 1 epoch of fit, evaluate every epoch, keep best by fit.nope, expect evaluate.mena >= 0.1,
    stop when lowest fit.loss.box has not improved for 5 epochs, expect fit.seen >= 0
}
"
    a_clock_outside_a_run: "
fn f(x: f32[N]) { x * progress }
entry e = f(f32[3])
"
    a_loss_without_a_value: "
loss L()(x: f32[N]) { let y = x }
test \"t\" { assert close(L()(ones([2])), 0.0) }
"
    a_state_that_is_none: "
module M(n: int) {
  param weight: f32[n] = 1
  forward(x: f32[n]) {
    update weight = x
    x
  }
}
entry e = M(2)(f32[2])
"
    an_initial_value_of_another_shape: "
module M() {
  param weight: f32[2] = zeros([3])
  forward(x: f32[2]) { x * weight }
}
entry e = M()(f32[2])
"
    a_failed_shape_test: "
use std.nn.Conv
test \"halves\" { shape Conv(3, 8, stride = 2)(f32[B, 3, H, W]) == f32[B, 8, H // 2, W // 2] }
"
    an_experiment_with_unknown_parts: "
use std.optim.sgd
use std.nn.Linear
experiment e {
  data train = shapes(10) |> batch(5)
  let net = Linear(3, 2)
  let opt = sgd(lr = 0.1)
  step fit(b from trian) {
    term loss = mean(net(mean(b.image, axis = [2, 3])))
    minimize terms over net.params by opt
  }
  run 1 epochs of fit
}
"
    a_pipeline_without_batches: "
experiment e {
  data train = image_folder(\"x\", split = \"train\", classes = 3) |> batch(4)
  data val = shapes(10) |> shuffle
  step s(b from train) { report m = mean(b.image) }
  run 1 epochs of s
}
"
    a_term_that_is_no_scalar: "
use std.optim.sgd
use std.nn.Linear
experiment e {
  data train = shapes(10) |> batch(5)
  let net = Linear(3, 2)
  let opt = sgd(lr = 0.1)
  step fit(b from train) {
    term loss = net(mean(b.image, axis = [2, 3]))
    minimize terms over net.params by opt
  }
  run 1 epochs of fit
}
"
    padding_cannot_be_cut_away: "
test \"t\" {
  let x = masked(ones([6, 2]), tensor([true, true, true, false, false, false]), axis = 0)
  assert sum(x[0:3]) == 6.0
}
test \"u\" {
  let x = masked(ones([6, 2]), tensor([true, true, true, false, false, false]), axis = 0)
  assert sum(rearrange(x, \"n c -> (n c)\")) == 6.0
}
"
    a_mask_of_another_axis: "
test \"t\" { assert sum(masked(ones([6, 2]), tensor([true, false]), axis = 0)) == 6.0 }
"
    a_view_of_what_is_not_there: "
use std.nn.Linear
module Head() {
  fc = Linear(2, 3)
  forward(x: f32[B, 2]) { fc(x) }
}
fn first(net) { frozen(net, \"fcc.**\") }
test \"t\" { shape first(Head())(f32[1, 2]) == f32[1, 3] }
test \"u\" { shape (Head() with fd = Linear(2, 3))(f32[1, 2]) == f32[1, 3] }
test \"v\" { shape (Linear(2, 3) with outputs = 4)(f32[1, 2]) == f32[1, 4] }
"
    sets_of_parameters_that_differ: "
use std.nn.Linear
experiment e {
  let net = Linear(2, 1)
  let key = Linear(2, 1, bias = false)
  step train() { update key.params = 0.5 * key.params + 0.5 * net.params }
  run 1 of train
}
"
}

/// A value that failed in one test is not a value in the next one.
#[test]
fn what_depends_on_a_failed_constant_never_passes() {
    let passes = |text: &str| {
        let compiled = compile_text(text);
        !compiled.has_errors() && compiled.tests.iter().any(|test| test.failures.is_empty())
    };
    let tests = "test \"t\" { assert A == 1 }\ntest \"u\" { assert A == 2 }\n";
    for value in ["A", "1 / 0", "9223372036854775807 + 1", "[1][3]", "missing()", "f()", "B + 1"] {
        assert!(!passes(&format!("let A = {value}\nlet B = A\nfn f() {{ A }}\n{tests}")), "{value}");
    }
    assert!(passes(&format!("let A = 1\n{tests}")));
}

/// What contains ops without a derivative and is differentiated all the same.
#[test]
fn a_path_beside_a_blocked_one_is_enough() {
    let step = |loss: &str| {
        let text = format!(
            "use std.optim.sgd
module Scale() {{
  param scale: f32[3] = 1
}}
fn rounded(x: f32[N]) -> f32[N] {{ floor(x) }} with gradient(x, y, dy) -> dx {{ dy }}
experiment e {{
  let net = Scale()
  let opt = sgd(lr = 0.1)
  step train() {{
    let x = net.scale * tensor([0.3, 1.5, 2.0])
    minimize {loss} over net.params by opt
  }}
  run 1 of train
}}
"
        );
        vspec_tests::assert_clean(&compile_text(&text), loss);
    };
    // A mask, an assignment, an order, a wheel, a weight that is constant, and a gradient of one's own.
    step("sum(where(x > 1.0, x, 0.0))");
    step("sum(gather(x, argsort(x)))");
    step("sum(sort(x).values)");
    step("sum(x - floor(x))");
    step("mean(f32(argmax(x, axis = 0)) * x)");
    step("sum(straight_through(floor(x), x))");
    step("sum(rounded(x))");
}
