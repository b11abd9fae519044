//! Arguments of the commands that run passes over graphs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ExperimentArgs;

/// Which passes, and how.
#[derive(Debug, Args)]
pub(crate) struct PassArgs {
    /// These passes, in this order: differentiate, common, fold, simplify, fold-norm, dead
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "level")]
    pub(crate) passes: Vec<String>,
    /// The passes of a level: 0 only writes gradients out, 1 simplifies, 2 also puts normalisation into weights [default: 1]
    #[arg(short = 'O', value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) level: Option<u8>,
    /// Only rewrites that keep every bit, up to the sign of zero
    #[arg(long)]
    pub(crate) exact: bool,
}

pub(super) const OPT_EXAMPLES: &str = "\
Examples:
  vspecc opt graph.vir                                what -O1 makes of it
  vspecc opt graph.vir --passes simplify,dead --remarks
  vspecc ir my.vspec --step train --stage gradients | vspecc opt - -O2 --exact
  vspecc opt --rules                                  every rule of every pass";

#[derive(Debug, Args)]
pub(crate) struct OptArgs {
    /// A file of graphs in the text form; `-` is standard input
    #[arg(required_unless_present = "rules")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passes: PassArgs,
    /// Stop after so many rewrites
    #[arg(long, value_name = "N")]
    pub(crate) fuel: Option<u64>,
    /// When the verifier looks at the graph
    #[arg(long, value_enum, default_value_t = VerifyWhen::Each)]
    pub(crate) verify: VerifyWhen,
    /// Say on standard error what was done, and to which node
    #[arg(long)]
    pub(crate) remarks: bool,
    /// List the rules instead
    #[arg(long, conflicts_with_all = ["fuel", "remarks"])]
    pub(crate) rules: bool,
}

/// `--verify`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyWhen {
    /// After each pass
    Each,
    /// After the last one
    Last,
}

pub(super) const BISECT_EXAMPLES: &str = "\
Runs a graph with drawn numbers on the reference interpreter, in double precision, before and after passes. If what it computes
changes, the first rewrite that changes it is found by halving how many are done.

Examples:
  vspecc bisect graph.vir -O2
  vspecc bisect my.vspec --step train
  vspecc bisect graph.vir --passes simplify --tolerance 0

Exit status: 0 nothing changes, 1 a rewrite changes something, 2 bad input.";

#[derive(Debug, Args)]
pub(crate) struct BisectArgs {
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,
    #[command(flatten)]
    pub(crate) passes: PassArgs,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
}

pub(super) const REDUCE_EXAMPLES: &str = "\
Takes nodes and outputs away for as long as passes still change what the graph computes, or fail in the same way. Prints the small
graph.

Examples:
  vspecc reduce graph.vir -O2 > small.vir
  vspecc reduce my.vspec --step train --passes simplify

Exit status: 0 with a smaller graph, 1 if there is nothing to reduce because passes change nothing, 2 bad input.";

#[derive(Debug, Args)]
pub(crate) struct ReduceArgs {
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,
    #[command(flatten)]
    pub(crate) passes: PassArgs,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
}

/// Which graph.
#[derive(Debug, Args)]
pub(crate) struct SubjectArgs {
    /// A graph in the text form (.vir, or `-` for standard input), or a specification
    pub(crate) file: PathBuf,
    /// The graph with this name, where there are several
    #[arg(long, value_name = "NAME")]
    pub(crate) graph: Option<String>,
    /// The graph of this step of a specification's experiment
    #[arg(long, value_name = "NAME", conflicts_with = "graph")]
    pub(crate) step: Option<String>,
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
}

/// What counts as a change.
#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// By how much values may differ, as a share of the largest one of their tensor
    #[arg(long, value_name = "SHARE", default_value_t = 1e-9)]
    pub(crate) tolerance: f64,
    /// Key of the drawn numbers
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}
