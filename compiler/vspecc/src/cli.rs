//! The command line, with the help that people read.

mod passes;
mod predict;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use vspec_engine::Engine;
use vspec_train::Cadence;
use vspec_train::weights::Rename;

use crate::engines::{DeviceName, EngineName, IsaName};
use crate::failure::CommandResult;
pub(crate) use passes::{BisectArgs, JudgeArgs, OptArgs, PassArgs, ReduceArgs, SubjectArgs, VerifyWhen};
pub(crate) use predict::PredictArgs;

const MAIN_EXAMPLES: &str = "\
Examples:
  vspecc new my-net                            a folder to begin with
  vspecc run specs/first/shapes.vspec          train a small network on shapes that the program draws itself
  vspecc check my.vspec                        find every mistake before anything runs
  vspecc stats specs/resnet/resnet18.vspec     parameters and multiply-accumulates, module by module

Exit status: 0 fine, 1 the run failed (training, an expectation, a test, fmt --check), 2 bad input, 130 interrupted.";

/// Compiles .vspec files: checks networks, shows their graphs, counts their cost, trains and evaluates them.
#[derive(Debug, Parser)]
#[command(name = "vspecc", version, after_help = MAIN_EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a folder with a specification to begin with
    #[command(after_help = NEW_EXAMPLES)]
    New(NewArgs),
    /// Check names, types and shapes, and show every error at once
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Show the syntax tree or the graph of a file
    #[command(after_help = IR_EXAMPLES)]
    Ir(IrArgs),
    /// Count parameters and multiply-accumulates
    #[command(after_help = STATS_EXAMPLES)]
    Stats(StatsArgs),
    /// Train: run the schedule of an experiment
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Run one step again and again on the same batch, and say how fast it is
    #[command(after_help = BENCH_EXAMPLES)]
    Bench(BenchArgs),
    /// Draw what runs reported
    #[command(after_help = PLOT_EXAMPLES)]
    Plot(PlotArgs),
    /// Run an evaluation step on a saved network
    #[command(after_help = EVAL_EXAMPLES)]
    Eval(EvalArgs),
    /// Show what a saved network makes of images
    #[command(after_help = predict::PREDICT_EXAMPLES)]
    Predict(PredictArgs),
    /// Say what a diagnostic code means, with an example
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Serve an editor: diagnostics, shapes on hover, definitions, completion
    #[command(after_help = LSP_EXAMPLES)]
    Lsp,
    /// Bring files into the one canonical layout
    #[command(after_help = FMT_EXAMPLES)]
    Fmt(FmtArgs),
    /// Run the `test` blocks of files, or of the standard library
    #[command(after_help = TEST_EXAMPLES)]
    Test(TestArgs),
    /// Run passes over graphs, and print what comes out
    #[command(after_help = passes::OPT_EXAMPLES)]
    Opt(OptArgs),
    /// Find the rewrite that changes what a graph computes
    #[command(after_help = passes::BISECT_EXAMPLES)]
    Bisect(BisectArgs),
    /// Make a graph smaller on which passes fail
    #[command(after_help = passes::REDUCE_EXAMPLES)]
    Reduce(ReduceArgs),
    /// Print what a shell needs to complete arguments
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
}

const CHECK_EXAMPLES: &str = "\
Examples:
  vspecc check my.vspec
  vspecc check specs/*/*.vspec --data ~/data";

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The files, or folders with files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

const IR_EXAMPLES: &str = "\
Examples:
  vspecc ir my.vspec                                  every graph of the file as text
  vspecc ir my.vspec --entry net --format dot | dot -Tsvg > net.svg
  vspecc ir my.vspec --step train --format json
  vspecc ir my.vspec --stage ast                      the syntax tree
  vspecc ir my.vspec --step train --stage simplified -O2
  vspecc ir my.vspec --step train --stage fused --size B=8    the kernels of a step with batches of 8";

#[derive(Debug, Args)]
pub(crate) struct IrArgs {
    /// The file
    pub(crate) file: PathBuf,
    /// How far to compile
    #[arg(long, value_enum, default_value_t = Stage::Graph)]
    pub(crate) stage: Stage,
    /// With `--stage simplified` or `fused`, how much: 0, 1 or 2 [default: 1; of `fused` 2]
    #[arg(short = 'O', value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) level: Option<u8>,
    /// With `--stage fused`, the value of a named size; that of a step's batch is known; may be repeated
    #[arg(long = "size", value_name = "NAME=N", value_parser = size)]
    pub(crate) sizes: Vec<(String, i64)>,
    /// What to print; `dot` and `json` take one graph
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Only the graph of this entry
    #[arg(long, value_name = "NAME", conflicts_with = "step")]
    pub(crate) entry: Option<String>,
    /// Only the graph of this step of the experiment
    #[arg(long, value_name = "NAME")]
    pub(crate) step: Option<String>,
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
}

/// `--stage`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// The syntax tree
    Ast,
    /// The graph
    Graph,
    /// The graph with every gradient written out
    Gradients,
    /// That graph after the passes of a level
    Simplified,
    /// The kernels that are made of it, for given sizes
    Fused,
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people; reads back
    Text,
    /// For Graphviz
    Dot,
    /// For programs
    Json,
}

const STATS_EXAMPLES: &str = "\
One multiply-accumulate is one MAC. Convolutions and linear layers count; `with matmul` adds products of activations.

Examples:
  vspecc stats specs/resnet/resnet18.vspec
  vspecc stats my.vspec --entry net --json";

#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// The file
    pub(crate) file: PathBuf,
    /// Only this entry
    #[arg(long, value_name = "NAME")]
    pub(crate) entry: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct EngineArgs {
    /// What computes [default: fused on a processor, dfdx-fused on a GPU]
    #[arg(long, value_enum)]
    engine: Option<EngineName>,
    /// Where it computes
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    device: DeviceName,
    /// Which vector instructions the fused engine uses [default: the best that the machine has]
    #[arg(long, value_enum)]
    isa: Option<IsaName>,
}

impl EngineArgs {
    /// The engine that was asked for, or the best one of the device.
    pub(crate) fn name(&self) -> EngineName {
        self.engine.unwrap_or(match self.device {
            DeviceName::Cpu => EngineName::Fused,
            DeviceName::Cuda => EngineName::DfdxFused,
        })
    }

    /// The same, opened on its device.
    ///
    /// # Errors
    /// When the engine has no such device or choice of instructions, or the machine lacks them.
    pub(crate) fn open(&self) -> CommandResult<Box<dyn Engine>> {
        self.name().on(self.device, self.isa)
    }
}

const RUN_EXAMPLES: &str = "\
A run writes runs/<experiment>/<number>/ with the resolved specification, metrics, a log and checkpoints.
Ctrl-C finishes the step, saves and exits with status 130; a second one stops at once.

Examples:
  vspecc run specs/first/shapes.vspec
  vspecc run specs/first/cifar.vspec --data ~/data --set opt.lr=0.05 --set train.batch=100
  vspecc run my.vspec --max-steps 2                   does every step work at all?
  vspecc run my.vspec --resume auto                   go on where the last run was ended, or begin
  vspecc run --resume runs/shapes/001                 go on with this run
  vspecc run runs/shapes/001/resolved.vspec           repeat a run
  vspecc run my.vspec --init-from resnet18.safetensors --init-map 'fc.** ->' --init-partial
                                                      begin with published weights and a new head";

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The file; with `--resume PATH` it can be left out
    #[arg(required_unless_present = "resume")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// Key of all randomness; the same seed repeats a run exactly [default: 0, or that of the run that goes on]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Go on with a run that was ended: `auto` means the newest unfinished one of the same specification, or a new one if
    /// there is none; PATH is a run folder or one of its checkpoints
    #[arg(long, value_name = "auto|PATH", num_args = 0..=1, default_missing_value = "auto")]
    pub(crate) resume: Option<PathBuf>,
    /// Write where the time goes: a trace for ui.perfetto.dev or chrome://tracing, and a table
    #[arg(long, value_name = "FILE.json")]
    pub(crate) profile: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) init: InitArgs,
    /// How often to write a checkpoint: 500 (training steps) or 2epochs
    #[arg(long, value_name = "N", default_value = "1epoch")]
    pub(crate) checkpoint_every: Cadence,
    /// Where run folders go
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) progress: ProgressArgs,
    /// Stop after so many training iterations, and look at no more than so many batches in each evaluation
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_steps: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Begin with the parameters and states of a .safetensors file, or of a run folder: its best checkpoint, else its last
    #[arg(long = "init-from", value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// How names of the file become names of the experiment: "backbone.** -> net.**"; "fc.** ->" leaves tensors out; may be
    /// repeated, the first that fits counts
    #[arg(long = "init-map", value_name = "OLD -> NEW", requires = "from")]
    pub(crate) map: Vec<Rename>,
    /// Begin even if some parameters get no value from the file, or some tensors of it belong to nothing
    #[arg(long = "init-partial", requires = "from")]
    pub(crate) partial: bool,
}

const BENCH_EXAMPLES: &str = "\
The step's first batch is read once; only the step itself is timed. What comes before it is shown by itself: reading the
specification, making the plan of the step, and its first run.

Examples:
  vspecc bench specs/resnet/bench18.vspec
  vspecc bench my.vspec --step train --runs 50 --kernels
  vspecc bench my.vspec --engine dfdx --json";

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// The file
    pub(crate) file: PathBuf,
    /// Which step, where the experiment has several
    #[arg(long, value_name = "NAME")]
    pub(crate) step: Option<String>,
    /// How often to run it, after the first run and two that warm up; 0 for the first run alone
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) runs: u64,
    /// Write before.safetensors, the first values of all variables and the batch, and after.safetensors, their values after the
    /// last run
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    /// Show the kernels that take longest
    #[arg(long)]
    pub(crate) kernels: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// Key of all randomness
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

const PLOT_EXAMPLES: &str = "\
Every run draws metrics.svg and metrics.png into its folder, while it goes on and at its end.

Examples:
  vspecc plot runs/shapes/latest
  vspecc plot runs/shapes/001 runs/shapes/002 --log --report loss -o loss.png";

#[derive(Debug, Args)]
pub(crate) struct PlotArgs {
    /// Run folders, or metrics.csv files
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// The picture, .svg or .png [default: metrics.svg in the folder of a single run, comparison.svg for several]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Only this report, such as loss; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) report: Vec<String>,
    /// Show values on a logarithmic scale
    #[arg(long)]
    pub(crate) log: bool,
}

const EVAL_EXAMPLES: &str = "\
Examples:
  vspecc eval specs/first/shapes.vspec --checkpoint runs/shapes/latest
  vspecc eval my.vspec --checkpoint last.safetensors --step evaluate --data ~/data";

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// The file
    pub(crate) file: PathBuf,
    /// A checkpoint, or a run folder: its best checkpoint, else its last
    #[arg(long, value_name = "PATH")]
    pub(crate) checkpoint: PathBuf,
    /// Which step, where the experiment has several that do not train
    #[arg(long, value_name = "NAME")]
    pub(crate) step: Option<String>,
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// Key of all randomness
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) progress: ProgressArgs,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  vspecc explain V0203
  vspecc explain                  every code with its title
  vspecc explain my.vspec         which kernels are made of each step, and why values are stored between them
  vspecc explain my.vspec --step train --size B=8 --all
  vspecc explain my.vspec --rules pictures --checkpoint runs/my/latest
                                  which points the assignment rules give to which truths, drawn on the first images";

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A diagnostic code, or a file; left out, all codes are listed
    #[arg(value_name = "CODE|FILE")]
    pub(crate) what: Option<String>,
    /// Only this step of the experiment
    #[arg(long, value_name = "NAME")]
    pub(crate) step: Option<String>,
    /// Every value that is stored, not only the largest
    #[arg(long)]
    pub(crate) all: bool,
    /// The value of a named size; that of a step's batch is known; may be repeated
    #[arg(long = "size", value_name = "NAME=N", value_parser = size)]
    pub(crate) sizes: Vec<(String, i64)>,
    /// Draw what the assignment rules of steps pick on the first images of their data, as PNG files in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Option<PathBuf>,
    /// With `--rules`, the network of a checkpoint or of a run folder; without it a fresh one
    #[arg(long, value_name = "PATH", requires = "rules")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// With `--rules`, key of all randomness: of a fresh network, of the order of data and of its transforms
    #[arg(long, default_value_t = 0, requires = "rules")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// `B=8`
fn size(text: &str) -> Result<(String, i64), String> {
    let (name, value) = text.split_once('=').ok_or("a size is given as NAME=N")?;
    let value: i64 = value.trim().parse().map_err(|_| format!("`{value}` is no whole number"))?;
    if value < 0 { Err("sizes are not negative".to_string()) } else { Ok((name.trim().to_string(), value)) }
}

const LSP_EXAMPLES: &str = "\
The language server protocol over standard input and output. Data sets are looked up below VSPEC_DATA.

The folder book/editors/vscode has an extension that starts it.";

const FMT_EXAMPLES: &str = "\
Examples:
  vspecc fmt my.vspec
  vspecc fmt --check specs/*/*.vspec
  cat my.vspec | vspecc fmt -";

#[derive(Debug, Args)]
pub(crate) struct FmtArgs {
    /// The files, or folders with files; `-` formats standard input to standard output
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Change nothing; name the files that are not formatted and exit with status 1 if there is one
    #[arg(long)]
    pub(crate) check: bool,
}

const TEST_EXAMPLES: &str = "\
Examples:
  vspecc test my.vspec
  vspecc test std                 the standard library's own tests
  vspecc test std my.vspec --engine dfdx";

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// The files, or folders with files; `std` means the standard library
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// What computes assertions on values
    #[arg(long, value_enum, default_value_t = EngineName::Interp)]
    pub(crate) engine: EngineName,
    /// Where it computes
    #[arg(long, value_enum, default_value_t = DeviceName::Cpu)]
    pub(crate) device: DeviceName,
    /// Which vector instructions the fused engine uses [default: the best that the machine has]
    #[arg(long, value_enum)]
    pub(crate) isa: Option<IsaName>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

const NEW_EXAMPLES: &str = "\
Examples:
  vspecc new my-net                  my-net/my_net.vspec, vspec.toml, README.md, .gitignore";

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The folder, which may not exist yet
    #[arg(value_name = "NAME")]
    pub(crate) folder: PathBuf,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  vspecc completions bash > ~/.local/share/bash-completion/completions/vspecc
  vspecc completions zsh > ~/.zfunc/_vspecc
  vspecc completions fish > ~/.config/fish/completions/vspecc.fish";

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    /// The folder in which data sets lie, each under its key
    #[arg(long = "data", value_name = "PATH", env = "VSPEC_DATA")]
    pub(crate) root: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExperimentArgs {
    /// Which experiment, where the file has several
    #[arg(long, value_name = "NAME")]
    pub(crate) experiment: Option<String>,
    /// Another value for something that has a name: opt.lr=0.02; may be repeated
    ///
    /// NAME is a constant at the top of the file (WIDTH) or a value of the experiment (alpha); an argument of a call in one, by its
    /// parameter (opt.lr), with the call's name where several have such a parameter (opt.sgd.lr), or by the call's name alone for
    /// its first argument (train.batch); run.epochs or run.iterations, the first such count of the run. The experiment's name in
    /// front tells several experiments apart (tiny.opt.lr).
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ProgressArgs {
    /// How to show progress
    #[arg(long, value_enum, default_value_t = ProgressStyle::Auto)]
    pub(crate) progress: ProgressStyle,
    /// Show nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// `--progress`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressStyle {
    /// A bar on a terminal, lines elsewhere and under CI
    Auto,
    /// A bar
    Bar,
    /// Lines
    Plain,
    /// One JSON object a line, on standard output
    Json,
}

/// `opt.lr=0.02`
fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() && !value.trim().is_empty() => {
            Ok((path.trim().to_string(), value.trim().to_string()))
        }
        _ => Err("write it as NAME=VALUE: opt.lr=0.02".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_assignment_keeps_everything_after_the_first_sign() {
        assert_eq!(assignment("net.name=a=b"), Ok(("net.name".to_string(), "a=b".to_string())));
        assert_eq!(assignment(" opt.lr = 0.02 "), Ok(("opt.lr".to_string(), "0.02".to_string())));
        assert!(assignment("opt.lr").is_err() && assignment("opt.lr=").is_err() && assignment("=1").is_err());
    }
}
