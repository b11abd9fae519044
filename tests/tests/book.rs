//! Every `vspec` block of the book and the README: it compiles and its tests pass, or it fails with the code that it announces.

use vspec_elaborate::{Compiled, TestCase};
use vspec_engine::{Engine, Inputs, Interpreter, RunKey};
use vspec_optimize::differentiate::{self, Tape};
use vspec_tests::{compile_text, plain, read, root};

/// A fenced block: its info string and its text.
struct Block {
    place: String,
    info: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let mut files = vec!["README.md".to_string()];
    let pages = std::fs::read_dir(root().join("book/src")).expect("the book has pages");
    files.extend(pages.flatten().map(|p| format!("book/src/{}", p.file_name().to_string_lossy())));
    files.sort();
    files.iter().flat_map(|file| blocks_of(file, &read(file))).collect()
}

fn blocks_of(file: &str, text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = vec![];
    let mut open = false;
    for (i, line) in text.lines().enumerate() {
        match (open, line.strip_prefix("```")) {
            (false, Some(info)) => {
                let place = format!("{file}:{}", i + 1);
                found.push(Block { place, info: info.to_string(), text: String::new() });
                open = true;
            }
            (true, Some(_)) => open = false,
            (true, None) => {
                if let Some(block) = found.last_mut() {
                    block.text += line;
                    block.text.push('\n');
                }
            }
            (false, None) => {}
        }
    }
    // Examples of diagnostics are checked by `explain.rs`.
    found.retain(|b| b.info == "vspec" || b.info.starts_with("vspec,error="));
    found
}

fn run_test(test: &TestCase, place: &str) {
    assert!(test.failures.is_empty(), "{place}: test `{}`: {:?}", test.name, test.failures);
    // What a test says about shapes was decided when it was compiled; sizes that it leaves open have no values to run with.
    if test.assertions.is_empty() {
        return;
    }
    let engine = Interpreter::default();
    let mut session = engine.session();
    for variable in &test.variables {
        let value = session.run(&variable.init, &Inputs::new(), RunKey::default()).expect("initialises");
        session.write(&variable.path, value.into_iter().next().expect("one output")).expect("writes");
    }
    let mut graph = test.graph.clone();
    differentiate::prepare(&mut graph, Tape::None).expect("has gradients");
    let results = session.run(&graph, &Inputs::new(), RunKey::default()).expect("runs");
    for (result, span) in results.iter().zip(&test.assertions) {
        let holds = result.to_f64().iter().all(|v| *v != 0.0);
        assert!(holds, "{place}: test `{}` does not hold at byte {}", test.name, span.start);
    }
}

fn check(block: &Block, compiled: &Compiled) {
    match block.info.strip_prefix("vspec,error=") {
        Some(code) => {
            let found = compiled.diagnostics.iter().any(|d| d.code == code);
            assert!(found, "{} should fail with {code}:\n{}", block.place, plain(compiled));
        }
        None => {
            assert!(!compiled.has_errors(), "{}:\n{}", block.place, plain(compiled));
            for test in &compiled.tests {
                run_test(test, &block.place);
            }
        }
    }
}

#[test]
fn every_block_does_what_it_says() {
    let blocks = blocks();
    assert!(blocks.len() >= 10, "only {} blocks were found", blocks.len());
    for block in &blocks {
        check(block, &compile_text(&block.text));
    }
}
