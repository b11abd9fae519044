//! From the command line to a compiled file, with its diagnostics shown.

use std::path::Path;

use vspec_elaborate::{Compiled, Override, World, compile};
use vspec_ir::Program;
use vspec_optimize::differentiate;
use vspec_syntax::{Diagnostic, Sources};
use vspec_train::SetClasses;

use super::choice;
use crate::cli::{DataArgs, ExperimentArgs};
use crate::console;
use crate::engines::EngineName;
use crate::failure::{CommandResult, Failure};
use crate::package::{Package, read_file};
use crate::render::{self, Style};

/// Compiles a file and shows its diagnostics.
pub(super) fn compile_file(
    file: &Path,
    data: &DataArgs,
    set: &[(String, String)],
) -> CommandResult<Compiled> {
    let compiled = compile_silently(file, data, set)?;
    show(&compiled.diagnostics, &compiled.sources);
    Ok(compiled)
}

/// Compiles a file that has no errors and keeps what its rules look at.
pub(super) fn compile_seeing_rules(file: &Path, args: &ExperimentArgs) -> CommandResult<Compiled> {
    let compiled = compile_with(file, (&args.data, &args.set), &[], vspec_elaborate::compile_seeing_rules)?;
    show(&compiled.diagnostics, &compiled.sources);
    without_errors(file, compiled)
}

/// Compiles a file and leaves its diagnostics to be shown.
pub(super) fn compile_silently(
    file: &Path,
    data: &DataArgs,
    set: &[(String, String)],
) -> CommandResult<Compiled> {
    compile_with(file, (data, set), &[], compile)
}

/// Compiles a file in one way or another. `known` is what a checkpoint knows about data sets.
fn compile_with(
    file: &Path,
    (data, set): (&DataArgs, &[(String, String)]),
    known: &[SetClasses],
    compile: fn(&dyn World, &Path, &str, &[Override]) -> Compiled,
) -> CommandResult<Compiled> {
    let text = read_file(file)?;
    let package = Package::of(file, data.root.as_deref()).knowing(known);
    let overrides: Vec<Override> =
        set.iter().map(|(path, value)| Override { path: path.clone(), value: value.clone() }).collect();
    Ok(compile(&package, file, &text, &overrides))
}

/// The same, where nothing can go on after an error.
pub(super) fn compile_clean(
    file: &Path,
    data: &DataArgs,
    set: &[(String, String)],
) -> CommandResult<Compiled> {
    without_errors(file, compile_file(file, data, set)?)
}

/// A file that was compiled, if nothing in it is wrong.
pub(super) fn without_errors(file: &Path, compiled: Compiled) -> CommandResult<Compiled> {
    match compiled.has_errors() {
        true => Err(has_errors(file, &compiled.diagnostics)),
        false => Ok(compiled),
    }
}

/// The same, with everything that the options of an experiment say.
pub(super) fn compile_experiment(file: &Path, args: &ExperimentArgs) -> CommandResult<Compiled> {
    compile_clean(file, &args.data, &args.set)
}

/// Shows diagnostics on standard error.
pub(super) fn show(diagnostics: &[Diagnostic], sources: &Sources) {
    show_rendered(&render::render(diagnostics, sources, &Style::for_stderr()));
}

/// The same once they are text.
pub(super) fn show_rendered(text: &str) {
    if !text.is_empty() {
        console::error(text.trim_end_matches('\n'));
        console::error("");
    }
}

/// The last line after diagnostics with errors.
pub(super) fn has_errors(file: &Path, diagnostics: &[Diagnostic]) -> Failure {
    let summary = render::summary(diagnostics).unwrap_or_default();
    Failure::input(format!("`{}` has {summary}", file.display()))
}

/// The experiment of a file that the options name, as an engine takes it.
pub(super) fn experiment(file: &Path, args: &ExperimentArgs, engine: EngineName) -> CommandResult<Program> {
    let compiled = compile_experiment(file, args)?;
    differentiated(choice::experiment(&compiled, args.experiment.as_deref())?, engine)
}

/// The same for a network that a checkpoint has, which knows about data sets that are not there.
pub(super) fn trained_experiment(
    file: &Path,
    args: &ExperimentArgs,
    engine: EngineName,
    known: &[SetClasses],
) -> CommandResult<Program> {
    let compiled = compile_with(file, (&args.data, &args.set), known, compile)?;
    show(&compiled.diagnostics, &compiled.sources);
    let compiled = without_errors(file, compiled)?;
    differentiated(choice::experiment(&compiled, args.experiment.as_deref())?, engine)
}

/// An experiment with those gradients as graphs that an engine does not answer by itself.
pub(super) fn differentiated(program: &Program, engine: EngineName) -> CommandResult<Program> {
    let mut program = program.clone();
    match differentiate::prepare_program(&mut program, engine.tape()) {
        Ok(()) => Ok(program),
        Err(error) => Err(Failure::input(error.to_string())),
    }
}
