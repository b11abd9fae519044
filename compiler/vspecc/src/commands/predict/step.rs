//! Which step predicts, and what it needs.

use vspec_data::Preparation;
use vspec_ir::{DataSet, PREDICT, Program, Step};
use vspec_train::predict::{Collected, Meaning, collected, inputs, reduced};

use super::super::choice;
use crate::console;
use crate::failure::{CommandResult, Failure};

/// The step that predicts and what it collects: the one that is named, the one called `predict`, or the first, of which a note says so
/// if there are others.
pub(super) fn prediction(
    program: &Program,
    name: Option<&str>,
    quiet: bool,
) -> CommandResult<(usize, Collected)> {
    let found = |step: &Step| {
        let values = collected(step).into_iter().filter(|v| v.meaning != Meaning::Truths);
        values.into_iter().next().filter(|_| !step.trains)
    };
    let all: Vec<(usize, Collected)> =
        program.steps.iter().enumerate().filter_map(|(i, step)| Some((i, found(step)?))).collect();
    if let Some(name) = name {
        let step = choice::step(program, Some(name))?;
        return all.into_iter().find(|(i, _)| *i == step).ok_or_else(|| no_prediction(&program.steps[step]));
    }
    let called = |(i, _): &&(usize, Collected)| program.steps[*i].name == PREDICT;
    if let Some(one) = all.iter().find(called) {
        return Ok(one.clone());
    }
    let Some(first) = all.first() else {
        return Err(Failure::input(format!("no step of experiment `{}` predicts", program.name)).hint(HOW));
    };
    let others: Vec<&str> = all[1..].iter().map(|(i, _)| program.steps[*i].name.as_str()).collect();
    if !others.is_empty() && !quiet {
        let own = &program.steps[first.0].name;
        console::error(&format!("note: step `{own}` predicts; --step names another: {}", others.join(", ")));
    }
    Ok(first.clone())
}

const HOW: &str = "write what it should show: `step predict(b from val) { collect found = detect(net(b.image), ..) }` with \
    `box`, `score` and `label`, or `collect probability = softmax(net(b.image))`";

fn no_prediction(step: &Step) -> Failure {
    let failure = Failure::input(format!("step `{}` predicts nothing", step.name));
    match step.trains {
        true => failure.hint("it trains; a step that evaluates collects what it finds"),
        false => failure.hint(HOW),
    }
}

/// The experiment with a step that does nothing but predict, and the index of the data set whose images it reads.
pub(super) fn alone(mut program: Program, step: usize, value: &Collected) -> CommandResult<(Program, usize)> {
    let reduced = reduced(&program.steps[step], std::slice::from_ref(value));
    let needed = inputs(&reduced);
    let read =
        |name: &str| needed.iter().any(|input| input.strip_prefix(name).is_some_and(|r| r.starts_with('.')));
    let batches: Vec<_> = reduced.batches.iter().filter(|batch| read(&batch.name)).collect();
    match batches.as_slice() {
        [one] => {
            let data = one.data;
            program.steps[step] = reduced;
            Ok((program, data))
        }
        [] => Err(Failure::input(format!("`{}` of step `{}` depends on no image", value.name, reduced.name))
            .hint(
                "a prediction is made of the image of a batch: `collect found = detect(net(b.image), ..)`",
            )),
        _ => Err(Failure::input(format!(
            "`{}` of step `{}` needs items of several data sets",
            value.name, reduced.name
        ))
        .hint("a prediction is made of one image")),
    }
}

/// Refuses a step that needs more than an image has, such as truths.
pub(super) fn check_inputs(
    step: &Step,
    preparation: &Preparation,
    set: &DataSet,
    value: &Collected,
) -> CommandResult<()> {
    let lacking = |input: &String| {
        let (batch, field) = input.split_once('.')?;
        let of_batch = step.batches.iter().any(|b| b.name == batch);
        (of_batch && !preparation.fields().iter().any(|known| known == field)).then(|| input.clone())
    };
    let lacking: Vec<String> = inputs(step).iter().filter_map(lacking).collect();
    let Some(first) = lacking.first() else { return Ok(()) };
    let message = format!(
        "`{}` of step `{}` needs `{first}`, which an image that is not of data set `{}` lacks",
        value.name, step.name, set.name
    );
    let hint = "collect what follows from the image alone, in a step of its own if need be: `step predict(b from val) { .. }`";
    Err(Failure::input(message).hint(hint))
}
