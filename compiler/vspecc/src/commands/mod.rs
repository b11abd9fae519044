//! One module for each command, and what they share.

mod bench;
mod bisect;
mod check;
pub(crate) mod choice;
mod completions;
mod eval;
mod explain;
mod fmt;
mod front;
mod fusion;
mod init;
mod ir;
mod lsp;
mod new;
mod opt;
mod parallel;
mod pictures;
pub(crate) mod plot;
mod predict;
mod profile;
mod reduce;
mod resume;
mod rules;
mod run;
mod stats;
mod test;

use crate::cli::Command;
use crate::failure::CommandResult;

/// Does what the command line asks for.
pub(crate) fn dispatch(command: &Command) -> CommandResult {
    match command {
        Command::New(args) => new::new(args),
        Command::Completions(args) => completions::completions(args),
        Command::Check(args) => check::check(args),
        Command::Ir(args) => ir::ir(args),
        Command::Lsp => lsp::lsp(),
        Command::Stats(args) => stats::stats(args),
        Command::Run(args) => run::run(args),
        Command::Bench(args) => bench::bench(args),
        Command::Plot(args) => plot::plot(args),
        Command::Eval(args) => eval::eval(args),
        Command::Predict(args) => predict::predict(args),
        Command::Explain(args) => explain::explain(args),
        Command::Fmt(args) => fmt::fmt(args),
        Command::Test(args) => test::test(args),
        Command::Opt(args) => opt::opt(args),
        Command::Bisect(args) => bisect::bisect(args),
        Command::Reduce(args) => reduce::reduce(args),
    }
}
