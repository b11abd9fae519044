//! No text makes the parser panic, and whatever it accepts survives the formatter.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use vspec_syntax::{FileId, dump, format, parse, print_file};

/// Pieces that a mistaken or a valid text is made of.
const PIECES: &[&str] = &[
    "module ",
    "fn ",
    "let ",
    "loss ",
    "experiment ",
    "record ",
    "test ",
    "entry ",
    "use ",
    "optimizer ",
    "param ",
    "state ",
    "term ",
    "report ",
    "minimize ",
    " over ",
    " by ",
    "update ",
    "if ",
    " else ",
    "for ",
    " in ",
    "fold ",
    " with ",
    "not ",
    " and ",
    " or ",
    "run ",
    "step ",
    "repeat ",
    " epochs of ",
    "true",
    "x",
    "y",
    "f",
    "_",
    "1",
    "2.5",
    "1e-3",
    "\"s\"",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "=",
    " = ",
    ":",
    ",",
    ";",
    ".",
    "..",
    "...",
    " |> ",
    "+",
    "-",
    "*",
    " // ",
    "  // c\n",
    "/",
    "%",
    "^",
    "<",
    "<=",
    "==",
    "->",
    "?",
    "\n",
    "\n\n",
    "  ",
    "/// d\n",
    "é",
    "&",
    "\"",
    "\\",
];

fn soup() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..60).prop_map(|p| p.concat())
}

/// Expressions that are valid, with comments and line ends where they may stand.
fn expression() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec![
        "x", "y.z", "1", "2.50", "1e-3", "\"s\"", "_", "true", "(x)", "f(a = 1)",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(5, 40, 4, |inner| {
        let op = proptest::sample::select(vec![
            "+",
            "-",
            "*",
            "/",
            " // ",
            "%",
            " ^ ",
            " and ",
            " or ",
            " == ",
            " < ",
            " |> ",
            "  // why\n |> ",
            " +\n ",
        ]);
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(a, o, b)| format!("({a}){o}({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("x + {a} * y - f({b}, k = {a})")),
            inner.clone().prop_map(|a| format!("-({a})")),
            inner.clone().prop_map(|a| format!("not ({a})")),
            inner
                .clone()
                .prop_map(|a| format!("[{a},  // note\n ..x, {a} // own\n ]").replace(" // own", "")),
            inner.clone().prop_map(|a| format!("{{ a = {a}, \"b\": {a}\n c }}")),
            inner.clone().prop_map(|a| format!("{{ let q = {a}; q; x }}")),
            inner.clone().prop_map(|a| format!("if x {{ {a} }} else {{\n // here\n {a} }}")),
            inner.clone().prop_map(|a| format!("fold i in 0..n with s = {a} {{ {a} }}")),
            inner.clone().prop_map(|a| format!("[{a} for i in 0..3 if i]")),
            inner.prop_map(|a| format!("(m with a = ({a}))[0:({a}), ...].b")),
        ]
    })
}

fn config() -> Config {
    Config { cases: 300, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..Config::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_characters_parse_to_something(text in "\\PC{0,80}|[ -~\n]{0,200}") {
        let (_, diagnostics) = parse(FileId(0), &text);
        for d in &diagnostics {
            prop_assert!(text.get(d.primary.span.start as usize..d.primary.span.end as usize).is_some());
        }
    }

    #[test]
    fn token_soup_parses_to_something_and_what_is_valid_survives(text in soup()) {
        if let Ok(once) = format(FileId(0), &text) {
            prop_assert_eq!(format(FileId(0), &once).unwrap(), once.clone());
            prop_assert_eq!(dump(&parse(FileId(0), &once).0), dump(&parse(FileId(0), &text).0));
        }
    }

    #[test]
    fn valid_expressions_survive_formatting_and_printing(value in expression()) {
        let text = format!("fn f(x) {{\n  let v = {value}\n  v\n}}\n");
        let (file, diagnostics) = parse(FileId(0), &text);
        prop_assume!(diagnostics.iter().all(|d| d.code == "V0012"));
        prop_assume!(diagnostics.is_empty());
        let once = format(FileId(0), &text).unwrap();
        prop_assert_eq!(dump(&parse(FileId(0), &once).0), dump(&file), "{}", once);
        prop_assert_eq!(format(FileId(0), &once).unwrap(), once);
        let printed = print_file(&file);
        prop_assert_eq!(dump(&parse(FileId(0), &printed).0), dump(&file), "{}", printed);
    }
}
