//! What authors read when a specification is wrong: code, place, message, advice.

use vspec_syntax::{Diagnostic, FileId, parse, parse_expr, parse_params};

/// `code at "text": message (help: hint)` for each diagnostic.
fn said(text: &str) -> String {
    let (_, diagnostics) = parse(FileId(0), text);
    diagnostics.iter().map(|d| line(text, d)).collect::<Vec<_>>().join("\n")
}

fn line(text: &str, d: &Diagnostic) -> String {
    let place = &text[d.primary.span.start as usize..d.primary.span.end as usize];
    let mut out = format!("{} at {place:?}: {}", d.code, d.message);
    for label in &d.secondary {
        out += &format!(" [{:?} {}]", &text[label.span.start as usize..label.span.end as usize], label.text);
    }
    d.hint.iter().for_each(|hint| out += &format!(" (help: {hint})"));
    out
}

#[test]
fn each_mistake_is_named_where_it_is() {
    let cases = [
        "let x 3",
        "module A() {\n  conv Conv(3, 8)\n}",
        "module A() {\n  param weight = normal()\n}",
        "modul A() { }",
        "def f(x) { x }",
        "fn f(x) { return x }",
        "fn f(x) { conv(x, stride: 2) }",
        "fn f(x) { x ** 2 }",
        "fn f(x) { y = x }",
        "fn f(x) { a && b }",
        "fn f(x) { let for = 3 }",
        "fn f(x) {\n  let y = x // a note on y\n  y\n}",
        "module A() {\n  fn forward(x) { x }\n}",
        "let x = [1, 2 3]",
        "let x = 12abc",
        "let x = 99999999999999999999",
        "let x = \"abc",
        "let x = \"a\\q\"",
        "let x = a < (b < c) < d",
        "fn f(x: f32[B, ) { x }",
        "experiment e { train = 3 }",
        "experiment e { run 12 epochs train }",
        "test \"t\" { shape f(x) f32[3] }",
        "fn f(x) { minimize loss over p }",
        "fn f(x) {\n  let y = x\n  y += 1\n  y\n}",
        "module A() {\n  state n: i32[] = 0\n  forward(x) {\n    n += 1\n    x\n  }\n}",
        "fn f(xs) { each(fn(x) { x }) }",
        "fn f(x) { let g = fn(n) { n } }",
    ];
    let all = cases.map(|text| format!("{text}\n=> {}\n", said(text)));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn an_unclosed_bracket_points_at_its_opener_and_costs_one_item() {
    insta::assert_snapshot!(said("module A() {\n  conv = Conv(3, 8\n}\nlet b = )\nfn c() { d e }"), @r##"
    V0006 at "(": `(` is not closed ["}" `}` comes first and closes another bracket]
    V0007 at ")": `)` closes nothing
    V0001 at "e": expected the end of the statement, found `e`
    "##);
}

#[test]
fn a_missing_brace_is_suspected_where_the_indentation_is_wrong() {
    let text = "module A() {\n  forward(x) {\n    if a {\n      x\n  }\n}\nmodule B() { }";
    insta::assert_snapshot!(said(text), @r#"V0006 at "{": `{` is not closed ["{" the bracket that closes this one has another indentation; perhaps its own is missing]"#);
}

#[test]
fn every_bad_statement_of_an_item_is_reported_and_good_items_are_kept() {
    let text =
        "module A() {\n  a b\n  f(x) {\n    let 3\n    g(x y)\n  }\n}\nlet c = 1\nloss L(p) { term = }";
    insta::assert_snapshot!(said(text), @r##"
    V0001 at "b": expected `=`, `:` or `(`, found `b`
    V0001 at "3": expected a name, found `3`
    V0001 at "y": expected `,` or `)`, found `y`
    V0001 at "=": expected the end of the statement, found `=` (help: a body is a block: bind with `let`; a record as its value needs braces of its own, `{ { a = 1 } }`)
    "##);
    assert_eq!(parse(FileId(0), text).0.items.len(), 1);
}

#[test]
fn documentation_of_nothing_is_a_warning() {
    insta::assert_snapshot!(said("fn f(x) {\n  /// lost\n  x\n}\n"), @r#"V0013 at "/// lost": doc comment documents nothing (help: write `//` for an ordinary comment)"#);
}

#[test]
fn deep_nesting_is_an_error_of_its_own() {
    let bombs = [
        format!("let x = {}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("let x = {}", "[".repeat(10_000)),
        format!("let x = 1{}", " + 1".repeat(100_000)),
        format!("let x = {}1", "-".repeat(10_000)),
        format!("let x = {}y", "not ".repeat(10_000)),
        format!("let x = 2{}", " ^ 2".repeat(10_000)),
        format!("let x = y{}", " |> f".repeat(10_000)),
        format!("let x = y{}", "(1)".repeat(10_000)),
        format!("let x = y{}", ".a".repeat(10_000)),
        format!("let x = y{}", " with a = b".repeat(10_000)),
        format!("let x = {}", "fold i in ".repeat(10_000)),
        format!("let x = {}", "if ".repeat(10_000)),
        format!("let x = if a {{ 1 }}{} else {{ 2 }}", " else if a { 1 }".repeat(10_000)),
        format!("let x: {}int{} = 1", "[".repeat(10_000), "]".repeat(10_000)),
    ];
    for bomb in bombs {
        let (_, diagnostics) = parse(FileId(0), &bomb);
        let first = diagnostics.first().unwrap();
        assert!(["V0006", "V0008"].contains(&first.code), "{} {}", &bomb[..30], first.message);
        assert!(first.code == "V0006" || first.hint.is_some());
    }
}

#[test]
fn nesting_up_to_the_limit_fits_in_the_stack_of_a_thread() {
    let pairs = [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("{ a = ", " }"),
        ("{ let q = ", "\n q }"),
        ("if a { ", " }"),
        ("x[", "]"),
    ];
    for (open, close) in pairs {
        for levels in [40, 60, 80, 99] {
            let text = format!("let x = {}1{}", open.repeat(levels), close.repeat(levels));
            let (_, diagnostics) = parse(FileId(0), &text);
            assert!(diagnostics.iter().all(|d| d.code == "V0008"), "{open} {levels} {diagnostics:?}");
            assert!(levels > 60 || diagnostics.is_empty(), "{open} {levels}");
        }
    }
}

#[test]
fn many_branches_in_a_row_are_not_nested() {
    let text = format!("fn f(x) {{ {} }}", "if a { g(x) }\n".repeat(300));
    assert_eq!(parse(FileId(0), &text).1, []);
    let chain = format!("let x = if a {{ 1 }}{} else {{ 2 }}", " else if a { 1 }".repeat(120));
    assert_eq!(parse(FileId(0), &chain).1, []);
}

#[test]
fn large_hostile_texts_take_linear_time() {
    // Quadratic work on these would take hours.
    for piece in ["(", "((]", "let a = &\n", "a b\n", "let a = 1\n/// d\n", "\"", "} {", "if fold "] {
        let (_, diagnostics) = parse(FileId(0), &piece.repeat((1 << 20) / piece.len()));
        assert!(!diagnostics.is_empty() && diagnostics.len() <= 101, "{piece}");
    }
}

#[test]
fn what_is_deep_but_allowed_drops_and_prints_in_a_small_stack() {
    let run = || {
        let text = format!("let x = {}1{}", "(1 + ".repeat(50), ")".repeat(50));
        let (file, diagnostics) = parse(FileId(0), &text);
        assert_eq!(diagnostics, []);
        assert!(vspec_syntax::print_file(&file).len() > 100);
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn parts_of_a_text_have_spans_from_their_offset() {
    let expr = parse_expr(FileId(2), "a + 1", 10).unwrap();
    assert_eq!((expr.span.start, expr.span.end, expr.span.file), (10, 15, FileId(2)));
    let error = parse_expr(FileId(2), "a +", 10).unwrap_err();
    assert_eq!(
        (error.primary.span.start, error.message.as_str()),
        (12, "expected an expression, found the end of the text")
    );
}

#[test]
fn parameter_lists_parse_on_their_own() {
    let params = parse_params(FileId(0), "x, axis: int = -1").unwrap();
    assert_eq!(params.iter().map(|p| &*p.name.name).collect::<Vec<_>>(), ["x", "axis"]);
    assert_eq!(parse_params(FileId(0), "").unwrap(), []);
    assert!(parse_params(FileId(0), "x y").is_err());
}
