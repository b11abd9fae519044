//! Every spec and every file of the standard library: it compiles without a word, its graphs verify, and it is formatted.

use std::path::Path;

use vspec_elaborate::{Compiled, SourceInfo, World, compile};
use vspec_ir::{Graph, Source, verify};
use vspec_syntax::FileId;
use vspec_tests::{assert_clean, compile_text, root, vspec_files};

/// A world in which every data set has ten classes.
struct TenClasses;

impl World for TenClasses {
    fn read(&self, path: &Path) -> Result<String, String> {
        std::fs::read_to_string(root().join("specs").join(path)).map_err(|e| e.to_string())
    }

    fn inspect(&self, _: &Source) -> Result<SourceInfo, String> {
        Ok(SourceInfo { classes: 10, items: 100 })
    }
}

fn graphs(compiled: &Compiled) -> Vec<&Graph> {
    let steps = compiled.programs.iter().flat_map(|p| p.steps.iter().flat_map(|s| s.all_graphs()));
    let inits = compiled.programs.iter().flat_map(|p| p.variables.iter().map(|v| &v.init));
    let entries = compiled.entries.iter().map(|e| &e.graph);
    let tests = compiled.tests.iter().map(|t| &t.graph);
    steps.chain(inits).chain(entries).chain(tests).collect()
}

fn assert_verified(compiled: &Compiled, what: &str) {
    for graph in graphs(compiled) {
        if let Err(faults) = verify(graph.clone()) {
            panic!("{what}, graph {}: {:?}", graph.name, faults.first());
        }
    }
}

#[test]
fn every_spec_compiles_without_a_word() {
    let files = vspec_files("specs");
    assert!(files.len() >= 6);
    for path in files {
        let text = std::fs::read_to_string(&path).expect("readable");
        let what = path.display().to_string();
        let compiled = compile(&TenClasses, &path, &text, &[]);
        assert_clean(&compiled, &what);
        assert!(
            !compiled.entries.is_empty() || !compiled.programs.is_empty(),
            "{what} has nothing to look at"
        );
        assert_verified(&compiled, &what);
    }
}

#[test]
fn every_library_file_compiles_without_a_word() {
    for path in vspec_files("stdlib") {
        let text = std::fs::read_to_string(&path).expect("readable");
        let what = path.display().to_string();
        let compiled = compile_text(&text);
        assert_clean(&compiled, &what);
        for test in &compiled.tests {
            assert!(test.failures.is_empty(), "{what}, test {}: {:?}", test.name, test.failures);
        }
        assert_verified(&compiled, &what);
    }
}

#[test]
fn the_compiler_ships_every_library_file() {
    let mut shipped: Vec<String> =
        vspec_elaborate::stdlib::FILES.iter().map(|(path, _)| format!("stdlib/{path}.vspec")).collect();
    let mut found: Vec<String> = vspec_files("stdlib")
        .iter()
        .filter_map(|p| p.strip_prefix(root()).ok().map(|p| p.display().to_string()))
        .collect();
    shipped.sort();
    found.sort();
    assert_eq!(shipped, found);
}

#[test]
fn specs_and_library_are_formatted() {
    for path in vspec_files("specs").into_iter().chain(vspec_files("stdlib")) {
        let text = std::fs::read_to_string(&path).expect("readable");
        let formatted = vspec_syntax::format(FileId(0), &text).expect("parses");
        assert_eq!(text, formatted, "{}: run `vspecc fmt`", path.display());
    }
}

#[test]
fn the_same_text_gives_the_same_graph() {
    let text = std::fs::read_to_string(root().join("specs/first/shapes.vspec")).expect("readable");
    let printed = || {
        let compiled = compile(&TenClasses, Path::new("shapes.vspec"), &text, &[]);
        graphs(&compiled).iter().map(|g| g.to_string()).collect::<String>()
    };
    assert_eq!(printed(), printed());
}
