//! `vspecc run`: trains.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use vspec_syntax::Sources;
use vspec_train::{DataFolder, Ended, Outcome, Profile, RunFolder, Setup, Trainer};

use super::pictures::{self, Studio};
use super::{choice, front, init, plot, profile, resume};
use crate::cli::RunArgs;
use crate::console;
use crate::failure::{CommandResult, Exit, Failure};
use crate::numbers::{counted, duration, measured};
use crate::render::Style;
use crate::{progress, stop};

/// Trains and says how it went.
pub(super) fn run(args: &RunArgs) -> CommandResult {
    let compiled = front::compile_experiment(&resume::file(args)?, &args.experiment)?;
    let program = choice::experiment(&compiled, args.experiment.experiment.as_deref())?;
    let program = &front::differentiated(program, args.engine.name())?;
    args.profile.as_deref().map(profile::prepare).transpose()?;
    let old = resume::find(args, program, &compiled.resolved)?;
    let seed = args.seed.or(old.as_ref().map(|old| old.seed)).unwrap_or(0);
    let data = DataFolder { root: args.experiment.data.root.clone(), seed };
    let engine = args.engine.open()?;
    let setup = Setup {
        program,
        session: engine.session(),
        data: &data,
        seed,
        stop: stop::flag(),
        max_steps: args.max_steps,
    };
    let is_new = old.is_none();
    let (trainer, folder) = match old {
        Some(old) => (Trainer::resume(setup, &old.checkpoint)?, old.folder),
        None => begin(setup, args, (engine.name(), &compiled.resolved))?,
    };
    let begun = Instant::now();
    let outcome = train(trainer, (&folder, is_new), args, &compiled.sources)?;
    if outcome.ended != Ended::Interrupted {
        let root = args.experiment.data.root.as_deref();
        let studio = Studio { program, engine: engine.as_ref(), data: &data, root, seed };
        // As with curves: no picture is worth the run.
        if let Err(failure) = pictures::of_run(&studio, folder.path()) {
            console::error(&failure.to_string());
        }
    }
    if !args.progress.quiet {
        console::error(&summary(&outcome, &folder, begun));
    }
    conclude(&outcome)
}

/// A new run in a new folder, which is made when nothing that was given can be wrong any more: mistakes leave none behind.
fn begin<'a>(
    setup: Setup<'a>,
    args: &RunArgs,
    (engine, resolved): (&str, &str),
) -> CommandResult<(Trainer<'a>, RunFolder)> {
    let (program, seed) = (setup.program, setup.seed);
    let weights = init::weights(args, program)?;
    let trainer = Trainer::new(setup)?.starting_from(weights)?;
    let folder = RunFolder::create(&args.out, &program.name)?;
    folder.write("resolved.vspec", resolved)?;
    folder.write("environment.json", &environment(args, engine, seed))?;
    Ok((trainer, folder))
}

/// Runs the schedule. Whatever becomes of it, its curves are drawn and its profile is written; a new run that fails in its very first
/// step has nothing to draw and leaves no folder.
fn train(
    trainer: Trainer<'_>,
    (folder, is_new): (&RunFolder, bool),
    args: &RunArgs,
    sources: &Sources,
) -> CommandResult<Outcome> {
    let profile = Profile::default();
    let trainer = if args.profile.is_some() { trainer.profiled(&profile) } else { trainer };
    let mut observer = progress::observer_of_run(&args.progress);
    let outcome = trainer.saving_every(args.checkpoint_every).run(folder, &mut observer);
    let nowhere = outcome.is_err() && !observer.anything;
    drop(observer);
    if let Some(path) = &args.profile {
        let table = profile::finish(&profile, path, sources)?;
        if !args.progress.quiet {
            console::error(&table);
        }
    }
    if is_new && nowhere {
        // What ended the run is what has to be said; a folder that cannot be removed does no harm.
        let _ = folder.clone().discard();
        return Ok(outcome?);
    }
    // Hours of training are not lost over a picture.
    if let Err(failure) = plot::plot_run(folder.path()) {
        console::error(&failure.to_string());
    }
    Ok(outcome?)
}

/// What is needed to repeat the run, and to tell runs apart.
fn environment(args: &RunArgs, engine: &str, seed: u64) -> String {
    let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let arguments: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    let text = json!({
        "vspecc": env!("CARGO_PKG_VERSION"),
        "command_line": arguments,
        "host": host(),
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "threads": std::thread::available_parallelism().map_or(1, usize::from),
        "engine": engine,
        "seed": seed,
        "init_from": args.init.from,
        "data": args.experiment.data.root,
        "started": started,
    });
    format!("{text:#}\n")
}

/// Name of the machine, where the system tells it without further ado.
fn host() -> Option<String> {
    let from_file = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name =
        from_file.or_else(|| std::env::var("HOSTNAME").ok()).or_else(|| std::env::var("COMPUTERNAME").ok());
    name.map(|n| n.trim().to_string())
}

fn summary(outcome: &Outcome, folder: &RunFolder, begun: Instant) -> String {
    let style = Style::for_stderr();
    let how = match outcome.ended {
        Ended::Completed => "done",
        Ended::Shortened => "done early, as asked",
        Ended::Interrupted => "interrupted",
    };
    let epochs = counted(usize::try_from(outcome.epochs).unwrap_or(usize::MAX), "epoch");
    let what = match outcome.iterations {
        // Neither counts what steps that train nothing do.
        0 => "without training".to_string(),
        iterations => format!("after {epochs}, {iterations} iterations"),
    };
    let mut lines = vec![format!("{how} {what}, {}", duration(begun.elapsed()))];
    if let Some(best) = &outcome.best {
        let metric = format!("{}.{}", best.step, best.report);
        lines.push(format!("  best    {metric} {} after epoch {}", measured(best.value), best.epoch));
    }
    for expectation in &outcome.expectations {
        let value = expectation.value.map_or("nothing".to_string(), measured);
        let verdict = match expectation.holds() {
            true => style.good("holds"),
            false => style.error("does not hold"),
        };
        lines.push(format!("  expect  {expectation}: {verdict} ({value})"));
    }
    lines.push(format!("  folder  {}", folder.path().display()));
    lines.join("\n")
}

fn conclude(outcome: &Outcome) -> CommandResult {
    match outcome.ended {
        Ended::Interrupted => Ok(Exit::Interrupted),
        _ if outcome.is_as_expected() => Ok(Exit::Fine),
        _ => {
            let missed = outcome.expectations.iter().filter(|e| !e.holds());
            let missed: Vec<String> = missed.map(|e| format!("`{e}`")).collect();
            Err(Failure::run(format!("the run did not reach {}", missed.join(" and "))))
        }
    }
}
