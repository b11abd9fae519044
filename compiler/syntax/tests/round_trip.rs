//! Every specification of the corpus and of the repository parses, formats and prints without a change of meaning.

use std::path::{Path, PathBuf};

use vspec_syntax::{FileId, ast, dump, format, parse, parse_expr, print_expr, print_file};

fn specifications() -> Vec<(PathBuf, String)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![];
    for folder in ["tests/corpus", "../../stdlib", "../../specs"] {
        collect(&here.join(folder), &mut found);
    }
    found.sort();
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "vspec") {
            let text = std::fs::read_to_string(&path).expect("a file that was just listed");
            found.push((path, text));
        }
    }
}

fn tree(text: &str) -> ast::File {
    let (file, diagnostics) = parse(FileId(0), text);
    assert_eq!(diagnostics, [], "{text}");
    file
}

fn formatted(text: &str) -> String {
    format(FileId(0), text).expect("a valid specification")
}

#[test]
fn formatting_keeps_the_tree_and_every_comment_and_is_idempotent() {
    for (path, text) in specifications() {
        let once = formatted(&text);
        assert_eq!(dump(&tree(&once)), dump(&tree(&text)), "{}", path.display());
        assert_eq!(formatted(&once), once, "{}", path.display());
        assert_eq!(comments(&once), comments(&text), "{}", path.display());
    }
}

/// Texts of the comments, without their places.
fn comments(text: &str) -> Vec<&str> {
    let mut all: Vec<&str> =
        text.lines().filter_map(|l| l.trim_start().strip_prefix("//")).map(str::trim).collect();
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    all.extend(code.filter_map(|l| l.split_once("  // ").map(|(_, c)| c.trim())));
    all.sort_unstable();
    all
}

#[test]
fn printing_without_a_source_keeps_the_tree() {
    for (path, text) in specifications() {
        let file = tree(&text);
        assert_eq!(dump(&tree(&print_file(&file))), dump(&file), "{}", path.display());
    }
}

#[test]
fn comments_stay_where_they_are() {
    let text = include_str!("corpus/comments.vspec");
    insta::assert_snapshot!(formatted(text));
}

#[test]
fn long_lines_break_one_element_a_line() {
    let text = "fn f(x) { let y = resize_bilinear(x, height = 2 * height(x), width = 2 * width(x), corners = aligned, \
                method = [one, two]); stem(x) |> stage(blocks = 3, channels = 64) |> stage(blocks = 4, channels = 128) \
                |> stage(blocks = 6, channels = 256) }";
    insta::assert_snapshot!(formatted(text), @r"
    fn f(x) {
      let y = resize_bilinear(
        x,
        height = 2 * height(x),
        width = 2 * width(x),
        corners = aligned,
        method = [one, two],
      )
      stem(x)
        |> stage(blocks = 3, channels = 64)
        |> stage(blocks = 4, channels = 128)
        |> stage(blocks = 6, channels = 256)
    }
    ");
}

#[test]
fn a_dump_shows_structure_without_places() {
    let text = "/// Twice.\nmodule A(c: int = 2) {\n  conv = Conv(c, kernel = 1)\n  forward(x: f32[B, c?]) { x |> conv }\n}";
    insta::assert_snapshot!(dump(&tree(text)), @r#"
    (module A
      (params (c int (= 2)))
      (child conv (call Conv c (= kernel 1)))
      (method forward (params (x (shaped f32 B (? c)))) (do (value (|> x conv))))
      (doc "Twice."))
    "#);
}

#[test]
fn expressions_print_with_the_parentheses_that_they_need() {
    for text in [
        "(a + b) * c",
        "a - (b - c)",
        "-x ^ 2",
        "(-x) ^ 2",
        "2 ^ -x ^ 3",
        "a <= b < c",
        "(a < b) < c",
        "a <= b and b < c",
        "not (a and b) or c",
        "(a |> f)(x)",
        "m with a = (b |> c)",
        "(m with a = b).c",
        "{ x; }",
        "[..a, b]",
        "(a,)",
        "x[:, ::2, ..., a..b]",
        "if a { b } else if c { d } else { e }",
        "fold i in 0..n with s = 0.0 { s + 1e-7 }",
        "{ a = 1, \"b.**\": { c } }",
    ] {
        let expr = parse_expr(FileId(0), text, 0).unwrap();
        assert_eq!(print_expr(&expr), text);
    }
}
