//! The command line of vspec: arguments, messages, progress, and one module for each command.
//!
//! Nothing here knows how specifications are compiled or networks are trained; it asks the other crates and shows what they
//! say. Only [`render`] turns diagnostics into text.

mod cli;
mod commands;
mod console;
mod engines;
pub mod explain;
mod failure;
mod heap;
mod lsp;
mod numbers;
mod package;
mod panic;
mod passes;
mod picture;
mod plot;
mod progress;
pub mod render;
mod stop;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use cli::Cli;
pub use failure::Exit;

/// Runs the program with the arguments of a process, the first of which is its name.
pub fn main_with(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    panic::install_hook();
    match Cli::try_parse_from(args) {
        Ok(cli) => run(&cli).into(),
        // Clap's own exit codes are ours: 0 for help, 2 for bad arguments.
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _ = error.print();
            ExitCode::from(code)
        }
    }
}

fn run(cli: &Cli) -> Exit {
    // A panic has been reported by the hook; what is left is the exit code.
    let result = std::panic::catch_unwind(|| commands::dispatch(&cli.command));
    match result {
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => {
            console::error(&failure.to_string());
            failure.exit
        }
        Err(_) => Exit::Bug,
    }
}
