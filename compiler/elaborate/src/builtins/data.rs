//! Sources and samplers of data pipelines, and what cuts them into batches.

use std::rc::Rc;

use vspec_ir::{Source, Stage};
use vspec_syntax::Diagnostic;

use super::{Builtin, Call};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::value::{Callable, Pipeline, Value};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("shapes", "count, size?, split?", shapes),
    Builtin::new("image_folder", "key, split, classes?", image_folder),
    Builtin::new("image_list", "key, list, column?, classes?", image_list),
    Builtin::new("cifar", "key, split, classes?", cifar),
    Builtin::new("moving_shapes", "videos, frames, size?, split?", moving_shapes),
    Builtin::new("sequences", "key, height, width?, videos?", sequences),
    Builtin::new("each", "data, transform", each),
    Builtin {
        name: "shuffle",
        params: "data",
        open: false,
        transform: true,
        run: |e, c| add(e, c, Stage::Shuffle),
    },
    Builtin::new("take", "data, count", |e, c| {
        let count = c.count(e, "count")?;
        add(e, c, Stage::Take(count))
    }),
    Builtin::new("batch", "data, size, drop_last?", |e, c| {
        let (size, drop_last) = (c.count(e, "size")?, c.bool_or(e, "drop_last", false)?);
        if drop_last {
            let pipeline = data(e, c)?;
            e.fills_a_batch(&pipeline, size, c.span_of("size"))?;
        }
        add(e, c, Stage::Batch { size, drop_last })
    }),
    Builtin::new("sample", "data, classes, per_class", sample),
];

/// Batches of `per_class` items of each of `classes` classes, instead of `shuffle` and `batch`.
fn sample(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let pipeline = data(e, call)?;
    let (classes, per_class) = (call.count(e, "classes")?, call.count(e, "per_class")?);
    for stage in &pipeline.stages {
        let message = match stage {
            Stage::Shuffle => "`sample` chooses the order itself: leave `shuffle` out",
            Stage::Pairs { .. } => "`sample` chooses items by their class, and a pair has none",
            _ => continue,
        };
        return e.error(codes::BAD_PIPELINE, call.span, message);
    }
    if let Some(all) = pipeline.classes.filter(|all| *all < classes) {
        let message = format!("{classes} different classes cannot be drawn from {all}");
        return e.error(codes::OUT_OF_RANGE, call.span_of("classes"), message);
    }
    let ordered = e.with_stage(&pipeline, Stage::Balanced { classes, per_class }, call.span)?;
    let Value::Pipeline(ordered) = ordered else { return Ok(ordered) };
    let size = classes.saturating_mul(per_class);
    e.with_stage(&ordered, Stage::Batch { size, drop_last: true }, call.span)
}

fn shapes(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let count = call.count(e, "count")?;
    let size = if call.get("size").is_some() { call.count(e, "size")? } else { 32 };
    let split = call.string_or(e, "split", "train")?;
    pipeline(call, Source::Shapes { count, size, split }, Some(10), Some((size, size)))
}

fn moving_shapes(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (videos, frames) = (call.count(e, "videos")?, call.count(e, "frames")?);
    let size = if call.get("size").is_some() { call.count(e, "size")? } else { 64 };
    let split = call.string_or(e, "split", "train")?;
    pipeline(call, Source::MovingShapes { videos, frames, size, split }, Some(videos), Some((size, size)))
}

fn sequences(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (key, height) = (call.string(e, "key")?, call.count(e, "height")?);
    let width = if call.get("width").is_some() { call.count(e, "width")? } else { height };
    let videos = if call.get("videos").is_some() { names(e, call, "videos")? } else { vec![] };
    let classes = (!videos.is_empty()).then_some(videos.len());
    pipeline(call, Source::Sequences { key, height, width, videos }, classes, Some((height, width)))
}

/// A list of texts.
pub(super) fn names(e: &mut Evaluator<'_>, call: &Call, parameter: &str) -> Eval<Vec<String>> {
    let found = match call.value(parameter) {
        Value::List(items) => items
            .iter()
            .map(|item| match item {
                Value::Str(text) => Some(text.to_string()),
                _ => None,
            })
            .collect::<Option<Vec<String>>>(),
        _ => None,
    };
    match found {
        Some(names) => Ok(names),
        None => {
            let message = format!("`{parameter}` is a list of strings");
            e.error(codes::WRONG_KIND, call.span_of(parameter), message)
        }
    }
}

fn image_folder(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (key, split, classes) = (call.string(e, "key")?, call.string(e, "split")?, classes(e, call)?);
    pipeline(call, Source::ImageFolder { key, split, classes }, classes, None)
}

fn image_list(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (key, list, classes) = (call.string(e, "key")?, call.string(e, "list")?, classes(e, call)?);
    let column = if call.get("column").is_some() { call.count(e, "column")? } else { 1 };
    pipeline(call, Source::ImageList { key, list, column, classes }, classes, None)
}

fn cifar(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (key, split) = (call.string(e, "key")?, call.string(e, "split")?);
    let classes = classes(e, call)?.unwrap_or(10);
    if classes != 10 && classes != 100 {
        let message = format!("CIFAR has 10 or 100 classes, not {classes}");
        return e.error(codes::OUT_OF_RANGE, call.span_of("classes"), message);
    }
    pipeline(call, Source::Cifar { key, split, classes }, Some(classes), Some((32, 32)))
}

fn classes(e: &mut Evaluator<'_>, call: &Call) -> Eval<Option<usize>> {
    if call.get("classes").is_some() { call.count(e, "classes").map(Some) } else { Ok(None) }
}

/// A data set of images or frames, all of which have one size or are of unknown sizes.
pub(super) fn pipeline(
    call: &Call,
    source: Source,
    classes: Option<usize>,
    size: Option<(usize, usize)>,
) -> Eval<Value> {
    Ok(Value::Pipeline(Rc::new(Pipeline::of_images(source, classes, size, call.span))))
}

pub(super) fn data(e: &mut Evaluator<'_>, call: &Call) -> Eval<Rc<Pipeline>> {
    match call.value("data") {
        Value::Pipeline(pipeline) => Ok(pipeline),
        other => {
            let message = format!("`{}` follows a data set, not {}", call.builtin.name, other.kind());
            e.error(codes::WRONG_KIND, call.span_of("data"), message)
        }
    }
}

pub(super) fn add(e: &mut Evaluator<'_>, call: &Call, stage: Stage) -> Eval<Value> {
    let pipeline = data(e, call)?;
    e.with_stage(&pipeline, stage, call.span)
}

/// `each(resize(64))`, or `each(f)` with a function of an item.
fn each(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let span = call.span_of("transform");
    match call.value("transform") {
        Value::Stage(stage) => add(e, call, (*stage).clone()),
        Value::Callable(callable) if callable.builtin().is_none() => {
            let pipeline = data(e, call)?;
            e.open_end(&pipeline, call.span)?;
            let stage = e.item_function(&pipeline, &callable, span)?;
            e.with_stage(&pipeline, stage, call.span)
        }
        other => {
            let message = format!(
                "`each` takes a transform, such as `resize(64)`, or a function of an item, not {}",
                other.kind()
            );
            let error = Diagnostic::error(codes::WRONG_KIND, span, message);
            let builtin = match &other {
                Value::Callable(callable) => callable.builtin(),
                _ => None,
            };
            e.fail(match builtin {
                Some(builtin) => error.hint(format!("`{0}` alone is no transform: `{0}(..)`", builtin.name)),
                None => error,
            })
        }
    }
}

impl Callable {
    /// The built-in that this is, with or without some of its arguments.
    fn builtin(&self) -> Option<&'static Builtin> {
        match self {
            Callable::Builtin(builtin) => Some(builtin),
            Callable::Partial(inner, ..) => inner.builtin(),
            _ => None,
        }
    }
}
