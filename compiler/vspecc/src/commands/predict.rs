//! `vspecc predict`: what a saved network makes of images.

mod images;
mod output;
mod results;
mod show;
mod step;

use std::sync::atomic::Ordering;

use vspec_data::{Classes, DataError, Preparation, Prepared};
use vspec_engine::Inputs;
use vspec_ir::{DataSet, Step};
use vspec_train::predict::{Collected, Meaning, Predictor, Rows};
use vspec_train::{CheckpointError, DataFolder, SetClasses, Setup, TrainError, checkpoint};

use super::front;
use crate::cli::PredictArgs;
use crate::console;
use crate::failure::{CommandResult, Exit, Failure};
use crate::stop;
use images::Picked;
use output::Output;
use results::Predicted;

/// Predicts, writes or prints, and says how much was found.
pub(super) fn predict(args: &PredictArgs) -> CommandResult {
    let images = images::pick(&args.images)?;
    let known = known(args)?;
    let program = front::trained_experiment(&args.file, &args.experiment, args.engine.name(), &known)?;
    let (index, value) = step::prediction(&program, args.step.as_deref(), args.quiet)?;
    let (program, data) = step::alone(program, index, &value)?;
    let set = &program.data[data];
    let preparation = Preparation::of(set).map_err(|error| Failure::input(error.to_string()))?;
    step::check_inputs(&program.steps[index], &preparation, set, &value)?;
    let classes = classes(set, &known, args);
    let setup = Setup {
        program: &program,
        session: args.engine.open()?.session(),
        data: &DataFolder { root: None, seed: 0 },
        seed: 0,
        stop: stop::flag(),
        max_steps: None,
    };
    let predictor = Predictor::new(setup, &args.checkpoint, index);
    let mut predictor = predictor.map_err(|error| of_another(error, args, &program.name))?;
    let mut output = Output::new(args, classes);
    let mut count = 0;
    for (i, image) in images.iter().enumerate() {
        let Some(prepared) = read(&preparation, image)? else { continue };
        let rows = predictor.run(batch(&program.steps[index], &prepared))?;
        output.add(i + 1, &image.path, &prepared, &predicted(&value, &rows, &prepared))?;
        count += 1;
        if stop::flag().load(Ordering::Relaxed) {
            return Ok(Exit::Interrupted);
        }
    }
    output.finish(count)
}

/// What the checkpoint knows about data sets; nothing if another program wrote it.
fn known(args: &PredictArgs) -> CommandResult<Vec<SetClasses>> {
    let path = checkpoint::find(&args.checkpoint).map_err(TrainError::from)?;
    let state = checkpoint::read_state(&path).map_err(TrainError::from)?;
    Ok(state.map(|state| state.classes).unwrap_or_default())
}

/// Names and numbers of the classes.
fn classes(set: &DataSet, known: &[SetClasses], args: &PredictArgs) -> Classes {
    let (classes, said) = Classes::of(&set.source, args.experiment.data.root.as_deref());
    if let Some(error) = said.filter(|_| !args.quiet) {
        let message = "category_id is the place of a class in the specification, for its file is not there";
        console::error(&format!("note: {message}: {error}"));
    }
    classes.or_named(SetClasses::names(known, &set.source))
}

/// A checkpoint that does not fit says whose it is.
fn of_another(error: TrainError, args: &PredictArgs, experiment: &str) -> Failure {
    let writer = match &error {
        TrainError::Checkpoint(CheckpointError::Mismatch { path, .. }) => {
            checkpoint::read_state(path).ok().flatten().map(|state| state.experiment)
        }
        _ => None,
    };
    let failure = Failure::from(error);
    match writer {
        Some(writer) if writer != experiment => failure.hint(format!(
            "it was written by experiment `{writer}`, and `{}` has experiment `{experiment}`",
            args.file.display()
        )),
        Some(_) => failure.hint("the network has changed since: give the run's own resolved.vspec"),
        None => failure,
    }
}

/// Reads an image. One that was found in a folder and is broken is left out with a warning.
fn read(preparation: &Preparation, image: &Picked) -> CommandResult<Option<Prepared>> {
    match preparation.read(&image.path) {
        Ok(prepared) => Ok(Some(prepared)),
        Err(error @ (DataError::Format { .. } | DataError::Read { .. })) if !image.named => {
            console::error(&format!("warning: {error}; it is left out"));
            Ok(None)
        }
        Err(error) => Err(Failure::input(error.to_string())),
    }
}

/// The fields of an image as the inputs of a step.
fn batch(step: &Step, image: &Prepared) -> Inputs {
    let mut batch = Inputs::new();
    for read in &step.batches {
        batch.extend(
            image.fields.iter().map(|(field, value)| (format!("{}.{field}", read.name), value.clone())),
        );
    }
    batch
}

fn predicted(value: &Collected, rows: &Rows, image: &Prepared) -> Predicted {
    match value.meaning {
        Meaning::Probability => {
            Predicted::classes(&rows.probabilities(&value.name).into_iter().next().unwrap_or_default())
        }
        Meaning::Detections | Meaning::Truths => {
            Predicted::boxes(&rows.boxes(&value.name).into_iter().next().unwrap_or_default(), image)
        }
    }
}
