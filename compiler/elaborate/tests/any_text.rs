//! No text makes the elaborator panic or run away: broken forms of real specifications end in diagnostics or succeed.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use vspec_elaborate::{Compiled, SourceInfo, World, analyse, stdlib};
use vspec_ir::Source;

/// A world with nothing in it.
struct Nothing;

impl World for Nothing {
    fn read(&self, _: &Path) -> Result<String, String> {
        Err("no such file".to_string())
    }

    fn inspect(&self, _: &Source) -> Result<SourceInfo, String> {
        Err("no data folder was given".to_string())
    }
}

fn compiled(text: &str) -> Compiled {
    let (compiled, _) = analyse(&Nothing, Path::new("any.vspec"), text);
    for d in &compiled.diagnostics {
        let labels = d.secondary.iter().chain(&d.trace).chain([&d.primary]);
        for label in labels.filter(|l| l.span != vspec_syntax::Span::default()) {
            let source = compiled.sources.get(label.span.file).expect("a span lies in a file");
            let range = label.span.start as usize..label.span.end as usize;
            assert!(source.text.get(range).is_some(), "{} points outside of its text: {}", d.code, d.message);
        }
    }
    compiled
}

/// Specifications that use a little of everything, besides the standard library.
const SPECS: &[&str] = &[
    include_str!("../../../specs/first/shapes.vspec"),
    include_str!("../../../specs/first/cifar.vspec"),
    include_str!("../../../tests/constructs/masks.vspec"),
    include_str!("../../../tests/diagnostics/all_errors_of_a_file.vspec"),
    include_str!("../../../tests/diagnostics/broken_einsum.vspec"),
];

fn texts() -> Vec<&'static str> {
    stdlib::FILES.iter().map(|(_, text)| *text).chain(SPECS.iter().copied()).collect()
}

/// Words, numbers, strings, blanks and single characters of a text.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = vec![];
    let kind = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 0,
        c if c.is_whitespace() => 1,
        _ => 2,
    };
    for c in text.chars() {
        match pieces.last_mut() {
            Some(last) if kind(c) < 2 && last.chars().next_back().map(kind) == Some(kind(c)) => last.push(c),
            _ => pieces.push(c.to_string()),
        }
    }
    pieces
}

/// What a piece may be replaced with: extremes, and words with a meaning.
const WORDS: &[&str] = &[
    "0",
    "-1",
    "1",
    "9223372036854775807",
    "-9223372036854775808",
    "4294967296",
    "1e308",
    "-0.0",
    "inf",
    "1000000",
    "\"\"",
    "\"a b -> b a\"",
    "[]",
    "()",
    "{}",
    "true",
    "x",
    "B",
    "_",
    "self",
    "training",
    "epoch",
    "f32[H, W]",
    "i32[0]",
    "Conv",
    "BatchNorm",
    "relu",
    "sum",
    "softmax(x)",
    "shapes(3)",
    "..",
    "...",
    "//",
    "^",
    "|>",
    "<",
    "==",
];

/// One change of a text, as positions that are taken modulo its number of pieces.
#[derive(Debug, Clone)]
enum Change {
    Delete(usize, usize),
    Duplicate(usize, usize),
    Swap(usize, usize),
    Replace(usize, usize),
    /// Puts some pieces of another text here.
    Splice {
        at: usize,
        other: usize,
        from: usize,
        len: usize,
    },
}

fn change() -> impl Strategy<Value = Change> {
    let any = || any::<u16>().prop_map(usize::from);
    prop_oneof![
        (any(), 1..6usize).prop_map(|(at, len)| Change::Delete(at, len)),
        (any(), 1..30usize).prop_map(|(at, len)| Change::Duplicate(at, len)),
        (any(), any()).prop_map(|(a, b)| Change::Swap(a, b)),
        (any(), 0..WORDS.len()).prop_map(|(at, word)| Change::Replace(at, word)),
        (any(), any(), any(), 1..40usize).prop_map(|(at, other, from, len)| Change::Splice {
            at,
            other,
            from,
            len
        }),
    ]
}

fn apply(pieces: &mut Vec<String>, change: &Change, texts: &[&str]) {
    let count = pieces.len().max(1);
    match change {
        Change::Delete(at, len) => {
            let at = at % count;
            pieces.drain(at..(at + len).min(pieces.len()));
        }
        Change::Duplicate(at, len) => {
            let at = at % count;
            let copy = pieces[at..(at + len).min(pieces.len())].to_vec();
            pieces.splice(at..at, copy);
        }
        Change::Swap(a, b) if !pieces.is_empty() => pieces.swap(a % count, b % count),
        Change::Replace(at, word) if !pieces.is_empty() => pieces[at % count] = WORDS[*word].to_string(),
        Change::Splice { at, other, from, len } => {
            let other = self::pieces(texts[other % texts.len()]);
            let from = from % other.len();
            let part = other[from..(from + len).min(other.len())].to_vec();
            let at = at % count;
            pieces.splice(at..at, part);
        }
        Change::Swap(..) | Change::Replace(..) => {}
    }
}

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(11), ..Config::default() }
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn changed_specifications_end_in_diagnostics_or_succeed(
        which in any::<u16>(),
        changes in proptest::collection::vec(change(), 1..5),
    ) {
        let texts = texts();
        let mut pieces = pieces(texts[usize::from(which) % texts.len()]);
        for change in &changes {
            apply(&mut pieces, change, &texts);
        }
        compiled(&pieces.concat());
    }
}

/// Texts that would take for ever, or all memory, and what they are refused with.
const RUNAWAYS: &[(&str, &str)] = &[
    ("V0220", "let A = fold i in 0..60 with s = [1] { s + s }\ntest \"t\" { assert A == A }"),
    ("V0220", "let A = [1 for a in 0..100000 for b in 0..100000]\ntest \"t\" { assert A == A }"),
    ("V0220", "let A = fold i in 0..60 with s = [1] { [..s, ..s] }\ntest \"t\" { assert A == A }"),
    ("V0220", "fn f(n: int) -> int { f(n + 1) + f(n + 2) }\ntest \"t\" { assert f(0) == 0 }"),
    (
        "V0220",
        "fn f(n: int) -> int { if n == 0 { 1 } else { f(n - 1) + f(n - 1) } }\ntest \"t\" { assert f(100) == 0 }",
    ),
    (
        "V0220",
        "module M(n: int) { inner = M(n + 1)\n forward(x: f32[N]) { inner(x) } }\nentry e = M(0)(f32[3])",
    ),
    ("V0220", "module M(n: int) { inner = if n > 0 { [M(n - 1), M(n - 1)] } else { [] } }\nentry e = M(40)"),
    (
        "V0220",
        "let A = fold i in 0..60 with s = [1] { [s, s] }\nuse std.nn.Conv\nentry e = Conv(3, A)(f32[1, 3, 8, 8])",
    ),
    ("V0220", "let A = fold i in 0..60 with s = [1] { [s, s] }\ntest \"t\" { require A == [A] }"),
    ("V0220", "entry e = reshape(f32[1], [1 for i in 0..1000000])"),
    (
        "V0207",
        "fn f(x: f32[H]) { ones([fold i in 0..60 with s = H + 1 { s * s }]) + x }\nentry e = f(f32[H])",
    ),
    ("V0220", "fn f(x: f32[H]) { fold i in 0..10000000 with s = x { s + x } }\nentry e = f(f32[H])"),
];

#[test]
fn runaway_specifications_are_stopped() {
    for (code, text) in RUNAWAYS {
        let mut compiled = compiled(text);
        for test in &mut compiled.tests {
            compiled.diagnostics.append(&mut test.failures);
        }
        let codes: Vec<&str> = compiled.diagnostics.iter().map(|d| d.code).collect();
        assert!(codes.contains(code), "{text}\n{codes:?}");
        let longest = compiled.diagnostics.iter().map(|d| d.message.len() + d.primary.text.len()).max();
        assert!(longest < Some(2000), "{text}\nmessages stay short");
    }
}
