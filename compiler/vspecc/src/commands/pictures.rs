//! Pictures of what a trained detector finds, beside the truths, in the folder of its run.

use std::fs;
use std::path::Path;

use vspec_data::Classes;
use vspec_engine::Engine;
use vspec_ir::{OutputKind, Program, Step, Variant};
use vspec_train::predict::{Collected, Detection, Meaning, Predictor, collected, reduced};
use vspec_train::{DataSource, FileError, Setup, scheduled_steps};

use crate::failure::{CommandResult, Failure};
use crate::picture::{Canvas, Drawn, Entry, Look, Sign, colour_of, draw_boxes, pixels_of};
use crate::stop;

/// Pictures of each step.
const COUNT: usize = 8;
/// What scores less is not drawn.
const DRAWN: f32 = 0.3;

/// What pictures of a run are made with.
pub(super) struct Studio<'a> {
    pub(super) program: &'a Program,
    pub(super) engine: &'a dyn Engine,
    pub(super) data: &'a dyn DataSource,
    pub(super) root: Option<&'a Path>,
    pub(super) seed: u64,
}

/// Draws the first images of the data of each step of the schedule that collects detections and truths into `pictures/<step>/` of a run's folder, with
/// the best network of the run, else the last.
pub(super) fn of_run(studio: &Studio<'_>, folder: &Path) -> CommandResult<()> {
    for index in scheduled_steps(&studio.program.schedule) {
        if let Some((found, truths)) = studio.program.steps.get(index).and_then(both) {
            draw(studio, folder, index, &[found, truths])?;
        }
    }
    Ok(())
}

/// The detections and the truths that a step collects.
fn both(step: &Step) -> Option<(Collected, Collected)> {
    let values = collected(step);
    let first = |meaning| values.iter().find(|v| v.meaning == meaning).cloned();
    (!step.trains).then_some(())?;
    first(Meaning::Detections).zip(first(Meaning::Truths))
}

fn draw(studio: &Studio<'_>, folder: &Path, index: usize, values: &[Collected; 2]) -> CommandResult<()> {
    let mut program = studio.program.clone();
    let step = reduced(&program.steps[index], values);
    let Some((image, set)) = step.batches.iter().find_map(|batch| {
        let set = program.data.get(batch.data)?;
        set.item
            .iter()
            .any(|(name, _)| name == "image")
            .then(|| (format!("{}.image", batch.name), set.clone()))
    }) else {
        return Ok(());
    };
    program.steps[index] = reading_images(step);
    let classes = Classes::of(&set.source, studio.root).0;
    let setup = Setup {
        program: &program,
        session: studio.engine.session(),
        data: studio.data,
        seed: studio.seed,
        stop: stop::flag(),
        max_steps: None,
    };
    let mut predictor = Predictor::new(setup, folder, index)?;
    let into = folder.join("pictures").join(&program.steps[index].name);
    fs::create_dir_all(&into).map_err(FileError::at("create", &into))?;
    let mut count = 0;
    while count < COUNT
        && let Some(batch) = predictor.batch()?
    {
        let Some(images) = batch.get(&image).cloned() else { return Ok(()) };
        let rows = predictor.run(batch)?;
        let [found, truths] = values.each_ref().map(|value| rows.boxes(&value.name));
        for (i, (found, truths)) in found.iter().zip(&truths).enumerate().take(COUNT - count) {
            let Some(pixels) = pixels_of(&images, i, &set.stages) else { return Ok(()) };
            let mut canvas = Canvas::of(&pixels);
            compare(&mut canvas, found, truths, &classes);
            count += 1;
            save(&canvas, &into.join(format!("{count}.png")))?;
        }
    }
    Ok(())
}

/// The step with the image among the fields that it reads, whether it needs it or not.
pub(super) fn reading_images(mut step: Step) -> Step {
    for batch in &mut step.batches {
        if !batch.fields.iter().any(|field| field == "image") {
            batch.fields.push("image".to_string());
        }
    }
    step
}

/// A step that does nothing but give the results of one graph.
pub(super) fn giving(step: &Step, graph: vspec_ir::Graph) -> Step {
    debug_assert!(graph.outputs().iter().all(|o| o.kind == OutputKind::Collect));
    Step {
        trains: false,
        graphs: vec![Variant::always(graph)],
        finish: vec![],
        ..reading_images(step.clone())
    }
}

/// Truths in white dashes, what was found in the colours of the classes.
fn compare(canvas: &mut Canvas, found: &[Detection], truths: &[Detection], classes: &Classes) {
    let name = |d: &Detection| usize::try_from(d.label).map_or(String::new(), |label| classes.name(label));
    let truth =
        |d: &Detection| Drawn { corners: d.corners.map(f64::from), name: name(d), look: Look::Dashed };
    let mut boxes: Vec<Drawn> = truths.iter().map(truth).collect();
    let mut sure: Vec<&Detection> = found.iter().filter(|d| d.score.is_some_and(|s| s >= DRAWN)).collect();
    sure.sort_by(|a, b| a.score.unwrap_or_default().total_cmp(&b.score.unwrap_or_default()));
    boxes.extend(sure.iter().map(|d| Drawn {
        corners: d.corners.map(f64::from),
        name: format!("{} {:.2}", name(d), d.score.unwrap_or_default()),
        look: Look::Solid(colour_of(usize::try_from(d.label).unwrap_or_default())),
    }));
    draw_boxes(canvas, &boxes);
    let colour = sure.last().map_or(0, |d| usize::try_from(d.label).unwrap_or_default());
    canvas.legend(&[
        Entry::new(Sign::Dashes, "truth"),
        Entry::new(Sign::Frame(colour_of(colour)), format!("found, with a score of {DRAWN} or more")),
    ]);
}

/// Writes a picture.
pub(super) fn save(canvas: &Canvas, path: &Path) -> CommandResult<()> {
    let bytes = canvas.png().map_err(|e| Failure::input(format!("cannot draw `{}`: {e}", path.display())))?;
    Ok(fs::write(path, bytes).map_err(FileError::at("write", path))?)
}
