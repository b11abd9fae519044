//! `vspecc check`: every mistake, before anything runs.

use vspec_elaborate::Compiled;

use super::front;
use crate::cli::CheckArgs;
use crate::console;
use crate::failure::{CommandResult, Exit};
use crate::package::specifications;

/// Checks files one after the other; one that cannot be read does not keep the others from being checked.
pub(super) fn check(args: &CheckArgs) -> CommandResult {
    let mut exit = Exit::Fine;
    for file in &specifications(&args.files)? {
        match front::compile_clean(file, &args.data, &[]) {
            Ok(compiled) => console::print(&format!("{}: ok{}\n", file.display(), contents(&compiled))),
            Err(failure) => {
                console::error(&failure.to_string());
                exit = Exit::BadInput;
            }
        }
    }
    Ok(exit)
}

/// What the file holds, so that an empty result is noticed.
fn contents(compiled: &Compiled) -> String {
    let kinds = [
        (compiled.entries.len(), "entry", "entries"),
        (compiled.programs.len(), "experiment", "experiments"),
        (compiled.tests.len(), "test", "tests"),
    ];
    let present = kinds.into_iter().filter(|(count, ..)| *count > 0);
    let parts: Vec<String> = present
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}
