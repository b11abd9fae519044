//! `vspecc test`: the `test` blocks of specifications.

use std::path::Path;

use vspec_elaborate::{Compiled, SourceInfo, TEST_FAILED, TestCase, World, compile, stdlib};
use vspec_engine::{Engine, Inputs, RunKey};
use vspec_ir::Source;
use vspec_optimize::differentiate::{self, Tape};
use vspec_syntax::{Diagnostic, Sources};

use super::front;
use crate::cli::{DataArgs, TestArgs};
use crate::console;
use crate::failure::{CommandResult, Exit};
use crate::numbers::counted;
use crate::package::specifications;
use crate::render::Style;

/// What computes assertions.
#[derive(Clone, Copy)]
struct Computer<'e> {
    engine: &'e dyn Engine,
    tape: Tape,
}

/// What became of the tests so far.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    broken: usize,
}

/// Runs the tests of files and of the standard library (`std`).
pub(super) fn test(args: &TestArgs) -> CommandResult {
    let engine = args.engine.on(args.device, args.isa)?;
    let engine = Computer { engine: engine.as_ref(), tape: args.engine.tape() };
    let mut tally = Tally::default();
    for path in &args.files {
        if path == Path::new("std") {
            test_library(engine, &mut tally);
            continue;
        }
        for file in specifications(std::slice::from_ref(path))? {
            test_file(&file, &args.data, engine, &mut tally);
        }
    }
    console::print(&format!("{} passed, {} failed\n", counted(tally.passed, "test"), tally.failed));
    Ok(match (tally.broken, tally.failed) {
        (0, 0) => Exit::Fine,
        (0, _) => Exit::Failed,
        _ => Exit::BadInput,
    })
}

fn test_file(file: &Path, data: &DataArgs, engine: Computer<'_>, tally: &mut Tally) {
    match front::compile_clean(file, data, &[]) {
        Ok(compiled) => run_all(&file.display().to_string(), &compiled, engine, tally),
        Err(failure) => {
            console::error(&failure.to_string());
            tally.broken += 1;
        }
    }
}

fn test_library(engine: Computer<'_>, tally: &mut Tally) {
    for (path, text) in stdlib::FILES {
        let name = format!("std.{}", path.replace('/', "."));
        let compiled = compile(&Nothing, Path::new(&name), text, &[]);
        front::show(&compiled.diagnostics, &compiled.sources);
        if compiled.has_errors() {
            console::error(&front::has_errors(Path::new(&name), &compiled.diagnostics).to_string());
            tally.broken += 1;
            continue;
        }
        run_all(&name, &compiled, engine, tally);
    }
}

/// The library reads no files and no data.
struct Nothing;

impl World for Nothing {
    fn read(&self, _: &Path) -> Result<String, String> {
        Err("the standard library uses only itself".to_string())
    }

    fn inspect(&self, _: &Source) -> Result<SourceInfo, String> {
        Err("the standard library has no data".to_string())
    }
}

fn run_all(file: &str, compiled: &Compiled, engine: Computer<'_>, tally: &mut Tally) {
    let style = Style::for_stderr();
    for case in &compiled.tests {
        let failures = failures(case, &compiled.sources, engine);
        let verdict = if failures.is_empty() { style.good("ok") } else { style.error("FAILED") };
        console::error(&format!("{file}: {} ... {verdict}", case.name));
        front::show(&failures, &compiled.sources);
        match failures.is_empty() {
            true => tally.passed += 1,
            false => tally.failed += 1,
        }
    }
}

/// What elaboration found, else every assertion that does not hold.
fn failures(case: &TestCase, sources: &Sources, engine: Computer<'_>) -> Vec<Diagnostic> {
    if !case.failures.is_empty() || case.assertions.is_empty() {
        return case.failures.clone();
    }
    let mut session = engine.engine.session();
    let key = RunKey { seed: 0, step: 0 };
    let ready =
        vspec_train::initialise(&case.variables, session.as_mut(), key.seed).map_err(|e| e.to_string());
    let mut graph = case.graph.clone();
    let ready =
        ready.and_then(|()| differentiate::prepare(&mut graph, engine.tape).map_err(|e| e.to_string()));
    let values = ready.and_then(|()| session.run(&graph, &Inputs::new(), key).map_err(|e| e.to_string()));
    match values {
        Err(error) => {
            let message = format!("the test could not be run: {error}");
            vec![Diagnostic::error(TEST_FAILED, case.span, message)]
        }
        Ok(values) => {
            let wrong = values.iter().zip(&case.assertions).filter_map(|(value, span)| {
                let elements = value.to_f64();
                let false_ones = elements.iter().filter(|v| **v == 0.0).count();
                let text = match elements.len() {
                    1 => "this is false".to_string(),
                    all => format!("false in {false_ones} of {all} elements"),
                };
                let message = format!("`{}` does not hold", first_line(sources.slice(*span)));
                (false_ones > 0).then(|| Diagnostic::error(TEST_FAILED, *span, message).label(text))
            });
            wrong.collect()
        }
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
