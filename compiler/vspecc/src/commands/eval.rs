//! `vspecc eval`: a step over all its data, on a saved network.

use vspec_train::{DataFolder, Row, Setup, evaluate, json_line};

use super::{choice, front};
use crate::cli::{EvalArgs, ProgressStyle};
use crate::console;
use crate::failure::{CommandResult, Exit};
use crate::{progress, stop};

/// Evaluates and prints what the step reports.
pub(super) fn eval(args: &EvalArgs) -> CommandResult {
    let program = &front::experiment(&args.file, &args.experiment, args.engine.name())?;
    let step = choice::evaluation_step(program, args.step.as_deref())?;
    let data = DataFolder { root: args.experiment.data.root.clone(), seed: args.seed };
    let setup = Setup {
        program,
        session: args.engine.open()?.session(),
        data: &data,
        seed: args.seed,
        stop: stop::flag(),
        max_steps: None,
    };
    let mut observer = progress::observer(&args.progress);
    let rows = evaluate(setup, &args.checkpoint, step, observer.as_mut())?;
    drop(observer);
    let Some(rows) = rows else { return Ok(Exit::Interrupted) };
    let reporting: Vec<&Row> = rows.iter().filter(|row| rows.len() == 1 || !row.values.is_empty()).collect();
    for row in &reporting {
        match args.progress.progress {
            ProgressStyle::Json => console::print(&format!("{}\n", json_line(row))),
            _ => console::print(&table(row, reporting.len() > 1)),
        }
    }
    Ok(Exit::Fine)
}

/// One report a line, with every digit: results get copied into other programs. Of several steps each line says which.
fn table(row: &Row, several: bool) -> String {
    let name = |name: &String| if several { format!("{}/{name}", row.step) } else { name.clone() };
    let width = row.values.iter().map(|(report, _)| name(report).len()).max().unwrap_or(0);
    row.values.iter().map(|(report, value)| format!("{:width$}  {value}\n", name(report))).collect()
}
