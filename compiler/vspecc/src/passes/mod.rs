//! Running passes over a graph and judging what they do to its values: what `opt`, `bisect` and `reduce` share.

mod bisect;
mod reduce;
mod trial;

use vspec_optimize::{Level, PASSES, Pass, pipeline};

use crate::cli::PassArgs;
use crate::commands::choice::unknown;
use crate::failure::CommandResult;

pub(crate) use bisect::{Found, first_wrong, line};
pub(crate) use reduce::reduced;
pub(crate) use trial::{Outcome, Trial};

/// The level of an option; 1 when it is left out.
pub(crate) fn level(option: Option<u8>) -> Level {
    match option {
        Some(0) => Level::O0,
        None | Some(1) => Level::O1,
        Some(_) => Level::O2,
    }
}

/// The passes that options name, in order.
pub(crate) fn chosen(args: &PassArgs) -> CommandResult<Vec<&'static Pass>> {
    if args.passes.is_empty() {
        return Ok(pipeline(level(args.level)).to_vec());
    }
    let names: Vec<&str> = PASSES.iter().map(|p| p.name).collect();
    let pass = |name: &String| {
        let found = PASSES.iter().copied().find(|p| p.name == name.trim());
        found.ok_or_else(|| unknown("pass", name.trim(), &names))
    };
    args.passes.iter().map(pass).collect()
}
