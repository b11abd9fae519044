//! Picking one of several things by name.

use vspec_elaborate::Compiled;
use vspec_ir::{Program, Step};
use vspec_syntax::did_you_mean;

use crate::failure::{CommandResult, Failure};

/// The experiment with that name, or the only one.
pub(super) fn experiment<'c>(compiled: &'c Compiled, name: Option<&str>) -> CommandResult<&'c Program> {
    let programs = &compiled.programs;
    let names: Vec<&str> = programs.iter().map(|p| p.name.as_str()).collect();
    match (name, programs.as_slice()) {
        (Some(name), _) => {
            let found = programs.iter().find(|p| p.name == name);
            found.ok_or_else(|| unknown("experiment", name, &names))
        }
        (None, [only]) => Ok(only),
        (None, []) => Err(Failure::input("the file has no experiment")
            .hint("`experiment name { .. }` says what to train; `vspecc check`, `ir` and `stats` need none")),
        (None, _) => Err(Failure::input("the file has several experiments")
            .hint(format!("pick one: --experiment {}", names.join(" | ")))),
    }
}

/// The index of the step with that name, or of the only one.
pub(super) fn step(program: &Program, name: Option<&str>) -> CommandResult<usize> {
    let names: Vec<&str> = program.steps.iter().map(|s| s.name.as_str()).collect();
    match (name, names.as_slice()) {
        (Some(name), _) => {
            let found = program.steps.iter().position(|s| s.name == name);
            found.ok_or_else(|| unknown("step", name, &names))
        }
        (None, [_]) => Ok(0),
        (None, []) => Err(Failure::input(format!("experiment `{}` has no step", program.name))
            .hint("`step train(b from train) { .. }` says what is computed")),
        (None, _) => Err(Failure::input(format!("experiment `{}` has several steps", program.name))
            .hint(format!("pick one: --step {}", names.join(" | ")))),
    }
}

/// The index of the step with that name, or of the only one that evaluates something.
pub(super) fn evaluation_step(program: &Program, name: Option<&str>) -> CommandResult<usize> {
    let evaluates = |step: &&Step| !step.trains && !step.reports().is_empty();
    let names: Vec<&str> = program.steps.iter().filter(evaluates).map(|s| s.name.as_str()).collect();
    let position = |name: &str| program.steps.iter().position(|s| s.name == name);
    match (name, names.as_slice()) {
        (Some(name), _) if position(name).is_some_and(|i| program.steps[i].trains) => {
            Err(Failure::input(format!("step `{name}` trains; evaluating it would change the network"))
                .hint(format!("steps that evaluate: {}", listed(&names))))
        }
        (Some(name), _) => position(name).ok_or_else(|| unknown("step", name, &names)),
        (None, [only]) => position(only).ok_or_else(|| unknown("step", only, &names)),
        (None, []) => Err(Failure::input(format!(
            "experiment `{}` has no step that evaluates",
            program.name
        ))
        .hint(
            "a step that reports something and minimizes nothing: `step evaluate(b from val) { report .. }`",
        )),
        (None, _) => {
            Err(Failure::input(format!("experiment `{}` has several steps that evaluate", program.name))
                .hint(format!("pick one: --step {}", names.join(" | "))))
        }
    }
}

/// A name that there is none of, with the one that was probably meant.
pub(crate) fn unknown(what: &str, name: &str, known: &[&str]) -> Failure {
    let failure = Failure::input(format!("there is no {what} `{name}`"));
    match did_you_mean(name, known.iter().copied()) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None if known.is_empty() => failure.hint(format!("the file has no {what}")),
        None => failure.hint(format!("there is {}", listed(known))),
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_string() } else { names.join(", ") }
}
