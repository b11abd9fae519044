//! What is said about assignment rules that cannot be: one small rule for each kind of mistake.

use vspec_engine::{Engine, Inputs, Interpreter, RunKey};
use vspec_optimize::differentiate::{self, Tape};
use vspec_tests::{assert_clean, compile_text, plain};

/// A rule on boxes with these clauses, applied to values of these types; what is reported.
fn reported(clauses: &str, rows: &str, cols: &str) -> String {
    let text = format!(
        "use std.boxes.iou\nassign R(count: int = 2)\n  rows a: {{ box: f32[4], level: i32 }}\n  \
         cols t: {{ label: i32, box: f32[4] }}\n{{\n  let overlap = iou(a.box, t.box, eps = 1e-6 * count)\n{clauses}}}\n\
         fn run(rows, cols) {{ R()(rows, cols) }}\nentry e = run({rows}, {cols})\n"
    );
    let mut compiled = compile_text(&text);
    // That names are not used is no surprise here.
    compiled.diagnostics.retain(|d| d.is_error());
    plain(&compiled)
}

const ROWS: &str = "{ box = f32[9, 4], level = i32[9] }";
const COLS: &str = "{ box = f32[3, 4], label = i32[3] }";

/// Clauses, then what is said of them.
const CLAUSES: &[(&str, &str)] = &[
    (
        "  pick where overlap >= 0.5\n  give box = t.box\n",
        "V0223 8:3 `give box = t.box` which column to give is open: a row `a` may have several\n  hint: let one stay: `resolve by .. per a`\n",
    ),
    (
        "  give box = t.box\n",
        "V0223 7:3 `give box = t.box` `give` before anything is picked\n  hint: clauses run in the order in which they are written: `pick` comes first\n",
    ),
    (
        "  resolve by overlap per a\n",
        "V0223 7:3 `resolve by overlap per a` `resolve` before anything is picked\n  hint: clauses run in the order in which they are written: `pick` comes first\n",
    ),
    (
        "  pick 1 of overlap per a\n  give most = max(overlap per t)\n",
        "V0223 8:19 `overlap per t` `per` in a `give`, where each row has one column\n  hint: bind it before: `let most = max(x per t)`, then `give most = most`\n",
    ),
    (
        "  pick where overlap\n",
        "V0223 7:14 `overlap` a condition on a pair is one bool, not f32[]\n  hint: for one pair there is `bool[]`: compare, or reduce the axes with `axis`\n",
    ),
    (
        "  pick where a.box > t.box\n",
        "V0223 7:14 `a.box > t.box` a condition on a pair is one bool, not bool[4]\n  hint: for one pair there is `bool[]`: compare, or reduce the axes with `axis`\n",
    ),
    (
        "  pick 2 of a.box per t\n",
        "V0223 7:13 `a.box` a pair is compared by one number, not by f32[4]\n  hint: for one pair there is `f32[]`: reduce the axes with `axis`\n",
    ),
    (
        "  pick i32(9.0 * overlap) of overlap per t\n",
        "V0223 7:8 `i32(9.0 * overlap)` how many to pick is one for each column, and this depends on the row `a`\n  hint: reduce it first, as in `max(x per t)`\n",
    ),
    (
        "  pick sum(overlap per t) of overlap per t\n",
        "V0223 7:8 `sum(overlap per t)` how many to pick is one int, not f32[]\n  hint: `i32(x)` makes a whole number of a float\n",
    ),
    ("  pick 0 of overlap per t\n", "V0208 7:8 `0` 0 pairs are no choice\n"),
    (
        "  pick 2 of overlap per t, overlap\n",
        "V0223 7:28 `overlap` a group is one int, not f32[]\n  hint: such as the number of a level: a field `level: i32` of `a`\n",
    ),
    (
        "  pick 2 of overlap per count\n",
        "V0223 7:25 `count` `count` is neither the row nor the column of this rule\n  hint: they are `a` and `t`\n",
    ),
    (
        "  pick where overlap > 0\n  ignore t where overlap > 0\n",
        "V0223 8:10 `t` `ignore` is about rows, and `t` is a column\n  hint: write `a`\n",
    ),
    (
        "  pick where overlap > 0\n  ignore a where overlap > 0\n",
        "V0223 8:18 `overlap > 0` whether a row is ignored is one for each row, and this depends on the column `t`\n  hint: reduce it first, as in `max(x per a)`\n",
    ),
    (
        "  pick 1 of overlap per a\n  give index = t.label\n",
        "V0223 8:8 `index` the result has a field `index` already\n",
    ),
    (
        "  pick 1 of overlap per a\n  give label = t.label else t.label\n",
        "V0223 8:29 `t.label` the value of a row without a pair is one for each row, and this depends on the column `t`\n  hint: reduce it first, as in `max(x per a)`\n",
    ),
    (
        "  keep overlap > 0\n  let list = (overlap per a)\n  pick 1 of overlap per a\n  give list = list\n",
        "V0223 10:15 `list` a list of pairs is given to each row\n  hint: reduce it: `max(x per a)`\n",
    ),
    (
        "  pick 1 of overlap per a\n  sample 8 a with positives <= 1.5\n",
        "V0208 8:32 `1.5` a share lies between 0 and 1, not at 1.5\n",
    ),
    (
        "  pick 1 of overlap per a\n  sample count t\n",
        "V0223 8:16 `t` `sample` is about rows, and `t` is a column\n  hint: write `a`\n",
    ),
    (
        "  let most = max(overlap over picked per t)\n  pick where overlap == most\n",
        "V0223 7:31 `picked` nothing is picked yet\n  hint: `over all` are all pairs; a `pick` clause has to come first\n",
    ),
    (
        "  weight positive 1\n",
        "V0223 7:3 `weight positive 1` no pair is positive yet\n  hint: say which are: `positive where ..`\n",
    ),
    (
        "  let most = max(overlap per t)\n  require count > 0\n  keep most > 0\n",
        "V0223 2:8 `R` the rule picks nothing\n  hint: `pick` or `positive where` says which rows belong to which columns\n",
    ),
    (
        "  let other = R()({ box = a.box, level = a.level }, { box = t.box, label = t.label })\n  pick where overlap > 0\n",
        "V0223 7:15 `R()({ box = a.box, level = a.level }, { box = t.box, label = t.label })` rule `R` is called within a rule\n  hint: call it before, and give what it gives as a field of the rows\n",
    ),
];

#[test]
fn clauses_that_cannot_stand_are_refused() {
    for (clauses, expected) in CLAUSES {
        assert_eq!(reported(clauses, ROWS, COLS), *expected, "{clauses}");
    }
}

/// Rows and columns that do not fit, then what is said of them.
const VALUES: &[(&str, &str, &str)] = &[
    ("{ box = f32[9, 5], level = i32[9] }", COLS, "must have 4 in axis 0, not 5"),
    ("{ box = f32[9, 4], level = f32[9] }", COLS, "must be i32, not f32"),
    (
        "{ box = f32[9, 4], level = i32[8] }",
        COLS,
        "field `level` of `a` has 8 rows, and field `box` of `a` has 9",
    ),
    (
        "{ box = f32[4], level = i32[9] }",
        COLS,
        "field `box` of `a` must have an axis of rows in front of its own 1",
    ),
    ("{ box = f32[9, 4] }", COLS, "a record has no `level`"),
    ("{ box = f32[2, 9, 4], level = i32[9] }", "{ box = f32[3, 3, 4], label = i32[3] }", "has a batch of"),
    ("{ box = 3, level = i32[9] }", COLS, "field `box` of `a` must be a tensor, not an int"),
];

#[test]
fn values_that_do_not_fit_are_refused() {
    for (rows, cols, expected) in VALUES {
        let found =
            reported("  pick 1 of overlap per a\n  give box = t.box\n  give level = a.level\n", rows, cols);
        assert!(found.contains(expected), "{rows}, {cols}:\n{found}");
        assert_eq!(found.matches("V0").count(), 1, "one mistake, one message:\n{found}");
    }
}

#[test]
fn a_list_of_pairs_has_no_meaning_elsewhere() {
    let found = plain(&compile_text("fn f(x, t) { max(x per t) }\nentry e = f(f32[3], f32[3])\n"));
    assert!(
        found.starts_with("V0223 1:18 `x per t` `per` means something in an assignment rule only"),
        "{found}"
    );
}

#[test]
fn what_no_pair_can_be_given_to_is_refused() {
    let text = "
assign R()
  rows a: { image: f32[3, 8, 8] }
  cols t: { kernel: f32[3, 3, 3] }
{
  let map = conv(reshape(a.image, [1, 3, 8, 8]), reshape(t.kernel, [1, 3, 3, 3]))
  pick where max(map) > 0
}
fn run(a, t) { R()({ image = a }, { kernel = t }) }
entry e = run(f32[2, 3, 8, 8], f32[4, 3, 3, 3])
";
    let found = plain(&compile_text(text));
    assert!(found.contains("`conv` cannot be applied to a row or a column of a rule"), "{found}");
    assert!(found.contains("hint: compute it before"), "{found}");
}

#[test]
fn an_unknown_clause_is_reported_where_it_stands() {
    let text = "assign R()\n  rows a: { x: f32 }\n  cols t: { x: f32 }\n{\n  choose 3 of a.x per t\n}\n";
    let found = plain(&compile_text(text));
    assert!(found.starts_with("V0001 5:"), "{found}");
}

/// A rule for sizes that are bound later has the graph of one for these sizes, but for the numbers in it.
#[test]
fn sizes_may_be_open() {
    let text = |sizes: &str| {
        format!(
            "use std.assign.{{ATSS, TaskAligned}}\nfn run(point, score, box, level, label, truth) {{\n  \
             let rows = {{ point, score, box, level }}\n  let cols = {{ label, box = truth }}\n  \
             {{ one = TaskAligned()(rows, cols).weight, two = ATSS()(rows, cols).label }}\n}}\nentry e = run({sizes})\n"
        )
    };
    let open = "f32[N, 2], f32[B, N, C], f32[B, N, 4], i32[N], i32[B, M], f32[B, M, 4]";
    let compiled = compile_text(&text(open));
    assert!(compiled.diagnostics.is_empty(), "{}", plain(&compiled));
    let types: Vec<String> = {
        let graph = &compiled.entries[0].graph;
        graph.outputs().iter().map(|o| graph.ty(o.node).to_string()).collect()
    };
    assert_eq!(types, ["f32[B, N]", "i32[B, N]"]);
}

/// Neither through rows and columns nor through a parameter that is a tensor.
#[test]
fn no_gradient_flows_into_a_rule() {
    let text = "
assign R(scale: f32[])
  rows a: { x: f32 }
  cols t: { x: f32 }
{
  let near = -abs(a.x - t.x)
  pick 1 of near per a
  give x = scale * near + t.x + a.x else 0
}
fn value(x, y, scale) { sum(R(scale)({ x }, { x = y }).x) + sum(x) + 2.0 * sum(y) + 3.0 * scale }
test \"gradients\" {
  let (x, y, scale) = (tensor([1.0, 5.0]), tensor([2.0, 7.0, 9.0]), sum(tensor([4.0])))
  let loss = value(x, y, scale)
  assert close(grad(loss, x), ones([2]))
  assert close(grad(loss, y), 2.0 * ones([3]))
  assert close(grad(loss, scale), 3.0)
}
";
    let compiled = compile_text(text);
    assert_clean(&compiled, text);
    let mut graph = compiled.tests[0].graph.clone();
    differentiate::prepare(&mut graph, Tape::None).expect("has gradients");
    let values =
        Interpreter::default().session().run(&graph, &Inputs::new(), RunKey::default()).expect("runs");
    assert!(values.iter().all(|v| v.to_f64().iter().all(|v| *v == 1.0)), "{values:?}");
}
