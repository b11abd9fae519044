//! What a person or a program sees of a run while it runs.

mod bar;
mod begun;
mod json;
mod line;
mod plain;
mod plotting;

use std::io::{self, IsTerminal};

use vspec_train::{Observer, Silent};

use crate::cli::{ProgressArgs, ProgressStyle};

/// The observer that the options ask for.
pub(crate) fn observer(args: &ProgressArgs) -> Box<dyn Observer> {
    match args.progress {
        ProgressStyle::Json => Box::new(json::JsonLines::default()),
        _ if args.quiet => Box::new(Silent),
        ProgressStyle::Bar => Box::new(bar::Bar::new()),
        ProgressStyle::Plain => Box::new(plain::Plain::new()),
        ProgressStyle::Auto if is_for_people() => Box::new(bar::Bar::new()),
        ProgressStyle::Auto => Box::new(plain::Plain::new()),
    }
}

/// The same for a run that leaves a folder, whose metrics are drawn as well.
pub(crate) fn observer_of_run(args: &ProgressArgs) -> begun::Begun {
    begun::Begun::new(Box::new(plotting::Plotting::new(observer(args))))
}

/// Whether a person watches: a terminal, and no build service that records what is written to it.
fn is_for_people() -> bool {
    io::stderr().is_terminal() && std::env::var_os("CI").is_none_or(|v| v.is_empty() || v == "false")
}
