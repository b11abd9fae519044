//! `vspecc fmt`: the one canonical layout.

use std::fs;
use std::path::Path;

use vspec_syntax::Sources;
use vspec_train::FileError;

use super::front;
use crate::cli::FmtArgs;
use crate::console;
use crate::failure::{CommandResult, Exit};
use crate::package::{read_file, read_stdin, specifications};

/// Formats files one after the other; a broken one does not keep the others from being formatted.
pub(super) fn fmt(args: &FmtArgs) -> CommandResult {
    let (mut different, mut broken) = (false, false);
    for file in &specifications(&args.files)? {
        match fmt_one(file, args.check) {
            Ok(changed) => different |= changed,
            Err(failure) => {
                console::error(&failure.to_string());
                broken = true;
            }
        }
    }
    Ok(match (broken, args.check && different) {
        (true, _) => Exit::BadInput,
        (false, true) => Exit::Failed,
        (false, false) => Exit::Fine,
    })
}

/// Whether the file was not formatted.
fn fmt_one(file: &Path, check: bool) -> CommandResult<bool> {
    let is_stdin = file == Path::new("-");
    let text = if is_stdin { read_stdin()? } else { read_file(file)? };
    let formatted = formatted(file, &text)?;
    let changed = formatted != text;
    match (is_stdin, check) {
        (_, true) if changed => console::print(&format!("{}: not formatted\n", file.display())),
        (_, true) => {}
        (true, false) => console::print(&formatted),
        (false, false) if changed => fs::write(file, &formatted).map_err(FileError::at("write", file))?,
        (false, false) => {}
    }
    Ok(changed)
}

fn formatted(file: &Path, text: &str) -> CommandResult<String> {
    let mut sources = Sources::default();
    let id = sources.add(file.display().to_string(), text);
    vspec_syntax::format(id, text).map_err(|diagnostics| {
        front::show(&diagnostics, &sources);
        front::has_errors(file, &diagnostics)
    })
}
