//! `vspecc explain FILE --rules DIR`: what the assignment rules of steps pick on images of the experiment's own data.

mod levels;
mod sight;

use std::fs;
use std::path::{Path, PathBuf};

use vspec_data::Classes;
use vspec_elaborate::{Compiled, RuleSight};
use vspec_engine::{HostTensor, Inputs};
use vspec_ir::{Condition, DataSet, Program, Step};
use vspec_optimize::differentiate;
use vspec_train::predict::Predictor;
use vspec_train::{DataFolder, FileError, Setup};

use super::pictures::{giving, save};
use super::{choice, front};
use crate::cli::ExplainArgs;
use crate::console;
use crate::failure::{CommandResult, Exit, Failure};
use crate::picture::{Canvas, pixels_of};
use crate::stop;
use sight::Sight;

/// Images of the first batch that are drawn.
const IMAGES: usize = 4;

/// Draws and says where.
pub(super) fn draw(file: &Path, folder: &Path, args: &ExplainArgs) -> CommandResult {
    let compiled = front::compile_seeing_rules(file, &args.experiment)?;
    let program = choice::experiment(&compiled, args.experiment.experiment.as_deref())?;
    let sights = sights(&compiled, program, args.step.as_deref())?;
    fs::create_dir_all(folder).map_err(FileError::at("create", folder))?;
    let (mut written, mut left_out) = (vec![], vec![]);
    for (number, sight) in sights.iter().enumerate() {
        let again = sights[..number].iter().filter(|s| s.step == sight.step && s.rule == sight.rule).count();
        let name = match again {
            0 => format!("{}-{}", sight.step, sight.rule),
            again => format!("{}-{}-{}", sight.step, sight.rule, again + 1),
        };
        match pictures(program, sight, args)? {
            Ok(canvases) => {
                for (i, canvas) in canvases.iter().enumerate() {
                    let path = folder.join(format!("{name}-{}.png", i + 1));
                    save(canvas, &path)?;
                    written.push(path);
                }
            }
            Err(why) => left_out.push(format!("rule `{}` of step `{}` {why}", sight.rule, sight.step)),
        }
    }
    conclude(&written, &left_out)
}

fn conclude(written: &[PathBuf], left_out: &[String]) -> CommandResult {
    if let (true, Some(first)) = (written.is_empty(), left_out.first()) {
        return Err(Failure::input(format!("there is nothing to draw: {first}"))
            .hint("a rule is drawn whose rows have a `point` or a `box`, and whose columns have a `box`"));
    }
    left_out.iter().for_each(|message| console::error(&format!("note: not drawn: {message}")));
    console::print(&written.iter().map(|path| format!("{}\n", path.display())).collect::<String>());
    Ok(Exit::Fine)
}

/// Calls of rules in the experiment, or in one step of it.
fn sights<'c>(
    compiled: &'c Compiled,
    program: &Program,
    step: Option<&str>,
) -> CommandResult<Vec<&'c RuleSight>> {
    let place = compiled.programs.iter().position(|p| p.name == program.name).unwrap_or_default();
    let all = compiled.rules.get(place).map(Vec::as_slice).unwrap_or_default();
    let step = step.map(|name| choice::step(program, Some(name))).transpose()?;
    let of_step = |s: &&RuleSight| step.is_none_or(|step| program.steps[step].name == s.step);
    let found: Vec<&RuleSight> = all.iter().filter(of_step).collect();
    match found.is_empty() {
        false => Ok(found),
        true => Err(Failure::input(format!(
            "experiment `{}` applies no assignment rule in its steps",
            program.name
        ))
        .hint(
            "rules are declared with `assign`, such as `std.assign.ATSS`, and called in the loss of a step",
        )),
    }
}

/// A picture of each of the first images; or why there is none, as the end of a sentence.
fn pictures(
    program: &Program,
    sight: &RuleSight,
    args: &ExplainArgs,
) -> CommandResult<Result<Vec<Canvas>, &'static str>> {
    let index = choice::step(program, Some(&sight.step))?;
    let Some((batch, set)) = images(program, &program.steps[index]) else {
        return Ok(Err("is applied where there is no image"));
    };
    let classes = Classes::of(&set.source, args.experiment.data.root.as_deref()).0;
    let (inputs, results) = run(program, index, sight, args)?;
    let Some(images) = inputs.get(&format!("{batch}.image")) else {
        return Ok(Err("is applied where there is no image"));
    };
    let result = |name: &str| results.iter().find(|(own, _)| own == name).map(|(_, tensor)| tensor);
    let labels = inputs.get(&format!("{batch}.truths.label"));
    let items = images.shape().first().copied().unwrap_or(0);
    let mut canvases = vec![];
    for i in 0..items.min(IMAGES) {
        let Some(pixels) = pixels_of(images, i, &set.stages) else {
            return Ok(Err("has images of another form"));
        };
        let sight = match Sight::of(&result, i, [pixels.width, pixels.height]) {
            Ok(seen) => seen.titled(title(sight)),
            Err(why) => return Ok(Err(why)),
        };
        let mut canvas = Canvas::of(&pixels);
        sight.draw(&mut canvas, &names(&sight, labels, i, &classes));
        canvases.push(canvas);
    }
    Ok(Ok(canvases))
}

/// Name of the batch that has images, and its data set.
fn images<'p>(program: &'p Program, step: &'p Step) -> Option<(&'p str, &'p DataSet)> {
    step.batches.iter().find_map(|batch| {
        let set = program.data.get(batch.data)?;
        set.item.iter().any(|(name, _)| name == "image").then_some((batch.name.as_str(), set))
    })
}

/// The rule's name, and when it is applied.
fn title(sight: &RuleSight) -> String {
    let when: Vec<String> = sight.when.iter().map(Condition::to_string).collect();
    match when.is_empty() {
        true => sight.rule.clone(),
        false => format!("{}, for {}", sight.rule, when.join(" and ")),
    }
}

/// The first batch of the step's data and what the rule makes of it.
fn run(
    program: &Program,
    index: usize,
    sight: &RuleSight,
    args: &ExplainArgs,
) -> CommandResult<(Inputs, Vec<(String, HostTensor)>)> {
    let mut program = program.clone();
    let own: Vec<String> =
        program.data.iter().flat_map(|set| set.item.iter().map(|(name, _)| name.clone())).collect();
    let mut step = giving(&program.steps[index], sight.graph.clone());
    for batch in &mut step.batches {
        batch.fields = own.clone();
    }
    program.steps[index] = step;
    differentiate::prepare_program(&mut program, args.engine.name().tape())
        .map_err(|error| Failure::input(error.to_string()))?;
    let data = DataFolder { root: args.experiment.data.root.clone(), seed: args.seed };
    let setup = Setup {
        program: &program,
        session: args.engine.open()?.session(),
        data: &data,
        seed: args.seed,
        stop: stop::flag(),
        max_steps: None,
    };
    let mut predictor = match &args.checkpoint {
        Some(path) => Predictor::new(setup, path, index)?,
        None => Predictor::fresh(setup, index)?,
    };
    let inputs = predictor.batch()?.unwrap_or_default();
    let rows = predictor.run(inputs.clone())?;
    Ok((inputs, rows.into_tensors()))
}

/// Names of the classes of the truths, if the batch has as many labels as the rule has columns.
fn names(sight: &Sight, labels: Option<&HostTensor>, image: usize, classes: &Classes) -> Vec<String> {
    let columns = sight.columns();
    let label = |column: usize| {
        let labels = labels.filter(|l| l.shape().get(1) == Some(&columns))?.to_f64();
        labels.get(image * columns + column).map(|label| classes.name(*label as usize))
    };
    (0..columns).map(|column| label(column).unwrap_or_default()).collect()
}
