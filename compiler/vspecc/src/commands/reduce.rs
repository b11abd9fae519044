//! `vspecc reduce`: a small graph on which passes fail as they do on a large one.

use super::bisect::{said, subjects, trial};
use crate::cli::ReduceArgs;
use crate::console;
use crate::failure::{CommandResult, Exit, Failure};
use crate::passes::reduced;

/// Prints the first graph that passes change, made small.
pub(super) fn reduce(args: &ReduceArgs) -> CommandResult {
    let trial = trial(&args.passes, &args.judge)?;
    for graph in subjects(&args.subject)?.0 {
        let found = reduced(&trial, &graph)
            .map_err(|why| Failure::input(format!("graph `{}` cannot be run: {why}", graph.name)))?;
        let Some((small, outcome)) = found else { continue };
        console::error(&format!(
            "{}: from {} nodes to {}: {}",
            graph.name,
            graph.len(),
            small.len(),
            said(&outcome)
        ));
        console::print(&format!("{small}\n"));
        return Ok(Exit::Fine);
    }
    Err(Failure::run("there is nothing to reduce: the passes change nothing")
        .hint("--tolerance says what counts as a change"))
}
