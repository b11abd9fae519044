//! Every constraint of the verifier has a graph that breaks it.
//!
//! A file `tests/verifier/conv_c3.vir` marks each line that is wrong with the labels of the constraints that it breaks:
//! `// error: conv.c3`. Nothing else in the file may be wrong.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use vspec_ir::ops::TABLE;
use vspec_ir::text::parse;
use vspec_ir::verify::{GRAPH_CONSTRAINTS, Part};
use vspec_ir::{Fault, verify};

/// Constraints that no graph in the text form can break, and why.
const UNREACHABLE: &[(&str, &str)] = &[
    ("atan2.c1", "both operands must be f32 by c0"),
    ("pow.c1", "both operands must be f32 by c0"),
    ("and.c1", "both operands must be bool by c0"),
    ("or.c1", "both operands must be bool by c0"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifier")
}

fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("the folder exists");
    let mut files: Vec<_> = entries.map(|e| e.expect("readable").path()).collect();
    files.sort();
    files
}

/// `(line, label)` of each mark, sorted; lines from 1.
fn marks(text: &str) -> Vec<(usize, String)> {
    let lines = text.lines().enumerate().filter_map(|(i, l)| Some((i + 1, l.split_once("// error: ")?.1)));
    let labels = lines.flat_map(|(i, labels)| labels.split(", ").map(move |l| (i, l.to_string())));
    let mut marks: Vec<_> = labels.collect();
    marks.sort();
    marks
}

/// The line of the file on which a part is written.
fn line_of(text: &str, part: Part) -> usize {
    let (starts, index): (&[&str], _) = match part {
        Part::Node(id) => (&["%"], id.index()),
        Part::Output(i) => (&["value ", "report ", "write "], i),
        Part::Obligation(i) => (&["require "], i),
    };
    let of_kind = |l: &str| starts.iter().any(|s| l.trim_start().starts_with(s));
    let mut lines = text.lines().enumerate().filter(|(_, l)| of_kind(l));
    lines.nth(index).expect("the part is written somewhere").0 + 1
}

fn faults(text: &str) -> Vec<Fault> {
    verify(parse(text).expect("well formed")).expect_err("broken")
}

#[test]
fn each_broken_graph_is_rejected_for_its_constraint_and_on_its_line() {
    for file in files() {
        let text = std::fs::read_to_string(&file).expect("readable");
        let found = faults(&text);
        let mut labels: Vec<_> = found.iter().map(|f| (line_of(&text, f.part), f.label.clone())).collect();
        labels.sort();
        assert_eq!(labels, marks(&text), "{}\n{found:#?}", file.display());
        let stem = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let (owner, number) = stem.rsplit_once('_').expect("named op_c1");
        assert!(labels.iter().any(|(_, l)| *l == format!("{owner}.{number}")), "{stem} is misnamed");
    }
}

#[test]
fn each_constraint_has_a_broken_graph() {
    let of_ops = TABLE.iter().flat_map(|d| (0..=d.constraints.len()).map(|c| format!("{}.c{c}", d.name)));
    let of_graphs = (1..=GRAPH_CONSTRAINTS.len()).map(|g| format!("graph.g{g}"));
    let unreachable: BTreeSet<_> = UNREACHABLE.iter().map(|(label, _)| label.to_string()).collect();
    let all: BTreeSet<_> = of_ops.chain(of_graphs).collect();
    assert!(unreachable.is_subset(&all), "the list of unreachable constraints is out of date");
    let wanted: BTreeSet<_> =
        all.difference(&unreachable).map(|l| format!("{}.vir", l.replace('.', "_"))).collect();
    let name = |p: PathBuf| p.file_name().expect("a name").to_string_lossy().into_owned();
    let found: BTreeSet<_> = files().into_iter().map(name).collect();
    assert_eq!(found, wanted);
}

#[test]
fn a_fault_shows_the_line_among_its_neighbours() {
    let text = std::fs::read_to_string(folder().join("conv_c4.vir")).expect("readable");
    let shown = faults(&text)[0].to_string();
    let expected = "\
conv.c4: input has 3 channels, weight expects 6
  %a = input name=\"a\" : f32[1, 3, 8, 8]
  %b = input name=\"b\" : f32[4, 6, 3, 3]
> %0 = conv(%a, %b) padding=[[1, 1], [1, 1]] : f32[1, 4, 8, 8]";
    assert_eq!(shown, expected);
}

#[test]
fn facts_that_are_learnt_late_do_not_change_types() {
    let text = "\
graph @late(B: size, H: size % 32) {
  %x = input name=\"x\" : f32[B, 1, (H + 1)//2]
  %w = param path=\"w\" : f32[1, 1, 3]
  %0 = conv(%x, %w) stride=[2] padding=[[1, 1]] : f32[B, 1, (H + 3)//4]
}";
    assert!(verify(parse(text).expect("well formed")).is_ok());
}
