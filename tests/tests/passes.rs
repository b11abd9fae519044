//! What each pass makes of small graphs: `tests/passes/<pass>/<case>.vir`, before and after in one file.
//!
//! A case begins with a graph as a person writes it. If its name begins with `declines`, the rule after which the file is named must
//! not be applied to it; else it must be, and the graph after it, `@after`, is what comes out: the pass and then `dead`. `//! exact` in
//! the first line of a file asks for exact rewrites alone. Each graph is also run before and after, in both precisions, with drawn
//! numbers: exact rules keep every bit, others agree to rounding.
//!
//! `VSPEC_BLESS=1 cargo test -p vspec-tests --test passes` writes the graphs `@after`; read what changes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use vspec_engine::draw::{Drawn, difference};
use vspec_engine::{Interpreter, Precision};
use vspec_ir::text::parse;
use vspec_ir::{Graph, verify};
use vspec_optimize::{Context, Numerics, PASSES, Pass, Rule, Verify, dead, fold, run, simplify};
use vspec_tests::root;

/// Cases of one pass, by the name of the file.
struct File {
    pass: &'static Pass,
    path: PathBuf,
    rule: String,
    exact: bool,
    /// The texts of its graphs, and what is before the first one.
    header: String,
    graphs: Vec<String>,
}

fn pass(name: &str) -> &'static Pass {
    PASSES.iter().find(|p| p.name == name).unwrap_or_else(|| panic!("there is no pass `{name}`"))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("readable").path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_stem().expect("a name").to_string_lossy().into_owned()
}

fn files() -> Vec<File> {
    let folders = entries(&root().join("tests/passes"));
    folders
        .iter()
        .flat_map(|folder| entries(folder).into_iter().map(|path| file(pass(&name(folder)), path)))
        .collect()
}

fn file(pass: &'static Pass, path: PathBuf) -> File {
    let text = fs::read_to_string(&path).expect("readable");
    let starts: Vec<usize> = text.match_indices("graph @").map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let graphs = starts.iter().zip(ends).map(|(from, to)| text[*from..to].trim_end().to_string()).collect();
    let header = text[..starts.first().copied().unwrap_or(text.len())].to_string();
    File { pass, rule: name(&path), exact: header.starts_with("//! exact"), path, header, graphs }
}

fn graph(text: &str, file: &File) -> Graph {
    let graph = parse(text).unwrap_or_else(|e| panic!("{}: {e}\n{text}", file.path.display()));
    match verify(graph) {
        Ok(verified) => verified.into_graph(),
        Err(faults) => panic!("{}: {}", file.path.display(), faults[0]),
    }
}

/// What the pass makes of a graph, and the rules that it applied.
fn rewritten(file: &File, before: &Graph) -> (Graph, BTreeSet<&'static str>) {
    let mut cx = Context::default();
    cx.exact = file.exact;
    let after = run(&[file.pass, &dead::PASS], before, &mut cx, Verify::Each);
    let after = after.unwrap_or_else(|e| panic!("{}: {e}", file.path.display()));
    (after, cx.remarks.iter().map(|r| r.rule).collect())
}

/// Both graphs give the same numbers; as far as rounding goes if some rule is not exact.
fn same_values(before: &Graph, after: &Graph, exactly: bool) -> Result<(), String> {
    for precision in [Precision::F64, Precision::F32] {
        let engine = Interpreter::new(precision);
        let tolerance = match (exactly, precision) {
            (true, _) => 0.0,
            (false, Precision::F64) => 1e-12,
            (false, Precision::F32) => 1e-5,
        };
        let drawn = Drawn::for_graph(before, &engine, 1).map_err(|e| e.to_string())?;
        let want = drawn.run(before, &engine).map_err(|e| e.to_string())?;
        let got = drawn.run(after, &engine).map_err(|e| format!("after: {e}\n{after}"))?;
        if got.len() != want.len() {
            return Err("outputs are lost".to_string());
        }
        if let Some(difference) = difference(&got, &want, tolerance) {
            return Err(format!("{difference:?} in {precision:?}\n{after}"));
        }
    }
    Ok(())
}

fn rules() -> impl Iterator<Item = &'static Rule> {
    simplify::RULES.iter().copied().chain([fold::RULES]).flatten()
}

/// Whether everything that was applied is exact. `common` and `dead` are; `fold-norm` is not.
fn is_exact(applied: &BTreeSet<&str>) -> bool {
    let exact = |name: &str| {
        let numerics: Vec<Numerics> = rules().filter(|r| r.name == name).map(|r| r.numerics).collect();
        numerics.first().map_or(name == "common", |n| *n == Numerics::Exact)
    };
    applied.iter().all(|name| exact(name))
}

/// The text that the file should have.
fn check(file: &File) -> Result<String, String> {
    let mut text = file.header.clone();
    let mut graphs = file.graphs.iter().peekable();
    while let Some(before) = graphs.next() {
        let parsed = graph(before, file);
        let at = |what: String| format!("{} @{}: {what}", file.path.display(), parsed.name);
        let declines = parsed.name.starts_with("declines");
        let (mut after, applied) = rewritten(file, &parsed);
        // What is dead goes away without being counted.
        let was_applied = applied.contains(file.rule.as_str()) || file.rule == "dead";
        if was_applied == declines {
            return Err(at(format!("{applied:?}\n{after}")));
        }
        same_values(&parsed, &after, is_exact(&applied)).map_err(at)?;
        text += &format!("{before}\n\n");
        if !declines {
            after.name = "after".to_string();
            text += &format!("{after}\n\n");
            graphs.next_if(|text| text.starts_with("graph @after("));
        }
    }
    Ok(text.trim_end().to_string() + "\n")
}

#[test]
fn passes_make_of_graphs_what_their_files_say() {
    let bless = std::env::var_os("VSPEC_BLESS").is_some();
    let mut wrong = vec![];
    for file in files() {
        let known = fs::read_to_string(&file.path).expect("readable");
        match check(&file) {
            Ok(text) if text == known => {}
            Ok(text) if bless => fs::write(&file.path, &text).expect("writable"),
            Ok(text) => {
                wrong.push(format!("{}: VSPEC_BLESS=1 writes what comes out:\n{text}", file.path.display()));
            }
            Err(what) => wrong.push(what),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn each_rule_has_a_case_where_it_fits_and_one_where_it_declines() {
    let files = files();
    let wanted: BTreeSet<&str> =
        rules().map(|r| r.name).chain(["common", "dead", "fold-norm", "merge-affine"]).collect();
    let found: BTreeSet<&str> = files.iter().map(|f| f.rule.as_str()).collect();
    assert_eq!(found, wanted);
    for file in files.iter().filter(|f| f.rule != "dead") {
        let declines = |text: &&String| text.starts_with("graph @declines");
        let count = file.graphs.iter().filter(declines).count();
        let always = ALWAYS.contains(&file.rule.as_str());
        assert!(
            (count > 0 || always) && count < file.graphs.len(),
            "{} has only one kind of case",
            file.path.display()
        );
    }
}

/// Rules without conditions beyond their pattern.
const ALWAYS: &[&str] = &[];

#[test]
fn names_of_rules_are_distinct() {
    let names: BTreeSet<&str> = rules().map(|r| r.name).collect();
    assert_eq!(names.len(), rules().count());
}

/// Blocks of a page, by their info strings: `vir`, and `vir,after=simplify,exact` for what passes make of the last plain one.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = vec![];
    let mut open = false;
    for line in page.lines() {
        match (open, line.strip_prefix("```")) {
            (false, Some(info)) => {
                found.push((info.to_string(), String::new()));
                open = true;
            }
            (true, Some(_)) => open = false,
            (true, None) => found.last_mut().expect("a block is open").1 += &format!("{line}\n"),
            (false, None) => {}
        }
    }
    found.retain(|(info, _)| info.starts_with("vir"));
    found
}

#[test]
fn graphs_of_the_book_are_what_passes_make_of_them() {
    let page = vspec_tests::read("book/src/optimizing.md");
    let (mut before, mut checked) = (None, 0);
    for (info, text) in blocks(&page) {
        let parsed = verify(parse(&text).expect("well formed")).expect("right").into_graph();
        let Some(names) = info.strip_prefix("vir,after=") else {
            before = Some(parsed);
            continue;
        };
        let mut cx = Context::default();
        cx.exact = names.ends_with(",exact");
        let passes: Vec<&Pass> =
            names.split(',').filter(|n| *n != "exact").map(pass).chain([pass("dead")]).collect();
        let before = before.as_ref().expect("a graph to begin with");
        let after = run(&passes, before, &mut cx, Verify::Each).expect("passes");
        assert_eq!(format!("{after}\n"), text, "after {names}");
        checked += 1;
    }
    assert_eq!(checked, 3);
}
