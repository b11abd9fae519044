//! No text makes the reader of `.vir` files, the verifier or the exports panic, and what is read prints and reads back.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use vspec_ir::ops::TABLE;
use vspec_ir::text::{parse_all, parse_dim, parse_instance, parse_type};

/// Graphs that use most of the text form.
const GRAPHS: &[&str] = &[
    "graph @block(B: size, H: size % 32) {
  %x = input name=\"b.image\" : f32[B, 3, H, H]
  %w = param path=\"conv1.weight\" : f32[64, 3, 3, 3]
  %0 = conv(%x, %w) stride=[2, 2] padding=[[1, 1], [1, 1]] : f32[B, 64, H//2, H//2]   in conv1
  %y = relu(%0) : f32[B, 64, H//2, H//2]   in layer1.0.relu
  %y.1 = mean(%y) axes=[1, 2, 3] : f32[B]
  %1 = sum(%y.1) axes=[0] : f32[]
  %2 = full value=1e-7 : f32[]
  %3 = constant value={1, -2, 0.5, inf} : f32[2, 2]
  require B % 2 == 0 for %y
  value y = %y.1
  report loss = %1
  write net.bn1.running_mean = %2
  value \"odd name\" = %3
}",
    "graph @g() {\n  %0 = neg(%1) : f32[3]\n  %1 = add(<missing %7>) : bool[]\n}",
    "graph @h(N: size) {
  %x = input name=\"x\" : f32[N, 4]
  %i = input name=\"i\" : i32[N]
  %0 = reshape(%x) shape=[4*N] : f32[4*N]
  %1 = slice(%0) axis=0 start=0 stop=N step=1 : f32[N]
  %2 = matmul(%x, %x) : f32[N, N]
  %3 = less(%1, %1) : bool[N]
  value out = %1
}",
];

/// Pieces that replace others: extremes and words with a meaning.
const WORDS: &[&str] = &[
    "0",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "99999999999999999999",
    "4294967296",
    "1e308",
    "inf",
    "nan",
    "[]",
    "[[0, 0]]",
    "%x",
    "%0",
    "%99",
    "B",
    "H//0",
    "H//2//3",
    "B*B*H",
    "f32[]",
    "i32[B, 0]",
    "bool",
    "axis=-1",
    "axes=[0, 0]",
    "conv",
    "max_pool",
    "gather",
    "concat",
    "\"",
    "{",
    "}",
    "(",
    ":",
];

/// Words, runs of blanks, and single characters of a text.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = vec![];
    let word = |c: char| c.is_alphanumeric() || c == '_';
    for c in text.chars() {
        match pieces.last_mut() {
            Some(last) if word(c) && last.chars().all(word) => last.push(c),
            _ => pieces.push(c.to_string()),
        }
    }
    pieces
}

/// What is done at a position: remove a piece, repeat some, or put a word there.
fn changed(text: &str, changes: &[(u16, u8, usize)]) -> String {
    let mut pieces = pieces(text);
    for (at, kind, n) in changes {
        let at = usize::from(*at) % pieces.len().max(1);
        let end = (at + 1 + n % 8).min(pieces.len());
        match kind % 4 {
            0 => drop(pieces.drain(at..end)),
            1 => {
                let copy = pieces.get(at..end).unwrap_or_default().to_vec();
                pieces.splice(at..at, copy);
            }
            _ if pieces.is_empty() => {}
            2 => pieces[at] = WORDS[n % WORDS.len()].to_string(),
            _ => {
                let other = n % pieces.len();
                pieces.swap(at, other);
            }
        }
    }
    pieces.concat()
}

fn survives(text: &str) {
    let Ok(graphs) = parse_all(text) else { return };
    for graph in graphs {
        let printed = graph.to_string();
        let again = vspec_ir::text::parse(&printed);
        let again = again.unwrap_or_else(|e| panic!("{e} in what was printed:\n{printed}"));
        assert_eq!(again.to_string(), printed);
        let _ = vspec_ir::verify(graph);
    }
}

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(5), ..Config::default() }
}

proptest! {
    #![proptest_config(config(3000))]

    #[test]
    fn changed_graphs_are_read_or_refused(
        which in 0..GRAPHS.len(),
        changes in proptest::collection::vec((any::<u16>(), any::<u8>(), any::<u16>().prop_map(usize::from)), 0..6),
    ) {
        survives(&changed(GRAPHS[which], &changes));
    }

    #[test]
    fn changed_instances_of_ops_are_read_or_refused(
        which in any::<u16>(),
        changes in proptest::collection::vec((any::<u16>(), any::<u8>(), any::<u16>().prop_map(usize::from)), 0..4),
    ) {
        let samples: Vec<(&str, &str)> =
            TABLE.iter().flat_map(|decl| decl.samples.iter().map(|s| (decl.name, *s))).collect();
        let (name, sample) = samples[usize::from(which) % samples.len()];
        if let Ok((op, operands)) = parse_instance(name, &changed(sample, &changes)) {
            let _ = vspec_ir::infer(&op, &operands, &vspec_ir::Facts::default());
        }
    }

    #[test]
    fn any_characters_are_read_or_refused(text in "\\PC{0,60}|[ -~\n]{0,120}") {
        survives(&text);
        let _ = parse_dim(&text);
        let _ = parse_type(&text);
    }

    #[test]
    fn any_arithmetic_on_sizes_is_read_or_refused(text in "[BHN0-9+*/() -]{0,40}") {
        if let Ok(dim) = parse_dim(&text) {
            let again = parse_dim(&dim.to_string());
            prop_assert_eq!(again.map(|d| d.to_string()), Ok(dim.to_string()));
        }
    }
}

#[test]
fn long_and_deep_texts_are_survived() {
    for text in ["(".repeat(100_000), "[".repeat(100_000), "-".repeat(100_000), "H//".repeat(100_000)] {
        let _ = parse_dim(&text);
        let _ = parse_type(&text);
        survives(&format!("graph @g(H: size) {{\n  %0 = full value=1 : f32[{text}]\n}}"));
    }
}
