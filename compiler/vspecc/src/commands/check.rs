//! `vspecc check`: every mistake, before anything runs.

use std::collections::BTreeSet;
use std::path::Path;

use vspec_elaborate::{Compiled, TestCase};
use vspec_syntax::Diagnostic;

use super::front;
use super::parallel::in_order;
use crate::cli::{CheckArgs, DataArgs};
use crate::console;
use crate::failure::{CommandResult, Exit};
use crate::package::specifications;
use crate::render::{self, Style};

/// Checks files on all threads; one that cannot be read does not keep the others from being checked.
pub(super) fn check(args: &CheckArgs) -> CommandResult {
    let mut exit = Exit::Fine;
    let files = specifications(&args.files)?;
    in_order(
        &files,
        |file| Checked::of(file, &args.data),
        |checked| {
            front::show_rendered(&checked.diagnostics);
            match checked.result {
                Ok(line) => console::print(&line),
                Err(failure) => {
                    console::error(&failure.to_string());
                    exit = Exit::BadInput;
                }
            }
        },
    );
    Ok(exit)
}

/// What is shown about a file. The rest of it is not kept until those before it are done.
struct Checked {
    diagnostics: String,
    result: CommandResult<String>,
}

impl Checked {
    fn of(file: &Path, data: &DataArgs) -> Checked {
        let mut compiled = match front::compile_silently(file, data, &[]) {
            Ok(compiled) => compiled,
            Err(failure) => return Checked { diagnostics: String::new(), result: Err(failure) },
        };
        compiled.diagnostics.extend(mistakes_in_tests(&compiled));
        let diagnostics = render::render(&compiled.diagnostics, &compiled.sources, &Style::for_stderr());
        let line = |compiled: Compiled| format!("{}: ok{}\n", file.display(), contents(&compiled));
        Checked { diagnostics, result: front::without_errors(file, compiled).map(line) }
    }
}

/// Mistakes in tests and in what only tests call, once each. Whether what a test states is true is for `vspecc test` to say.
fn mistakes_in_tests(compiled: &Compiled) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = vec![];
    for mistake in compiled.tests.iter().flat_map(TestCase::mistakes) {
        let is_known =
            |other: &Diagnostic| (other.code, other.primary.span) == (mistake.code, mistake.primary.span);
        if !compiled.diagnostics.iter().chain(&found).any(is_known) {
            found.push(mistake.clone());
        }
    }
    found
}

/// What the file holds, so that an empty result is noticed.
fn contents(compiled: &Compiled) -> String {
    // An entry of several graphs is one.
    let entries: BTreeSet<&str> = compiled.entries.iter().map(|e| e.name.as_str()).collect();
    let tests: BTreeSet<_> = compiled.tests.iter().map(|t| t.span).collect();
    let kinds = [
        (entries.len(), "entry", "entries"),
        (compiled.programs.len(), "experiment", "experiments"),
        (tests.len(), "test", "tests"),
    ];
    let present = kinds.into_iter().filter(|(count, ..)| *count > 0);
    let parts: Vec<String> = present
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}
