//! `vspecc completions`: what a shell needs to complete arguments.

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::console;
use crate::failure::{CommandResult, Exit};

/// Prints a script for the shell.
pub(super) fn completions(args: &CompletionsArgs) -> CommandResult {
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut Cli::command(), "vspecc", &mut script);
    console::print(&String::from_utf8_lossy(&script));
    Ok(Exit::Fine)
}
