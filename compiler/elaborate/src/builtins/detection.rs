//! Sources of images with boxes.

use vspec_ir::{Source, TruthRules};
use vspec_syntax::Diagnostic;

use super::data::{names, pipeline};
use super::{Builtin, Call};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("scenes", "count, size?, split?, classes?", scenes),
    Builtin::new(
        "coco",
        "key, split?, annotations?, images?, classes?, at_most?, ignored?, empty?, min_size?",
        coco,
    ),
    Builtin::new("voc", "key, split, classes?, at_most?, ignored?, empty?, min_size?, first_pixel?", voc),
];

/// Rows of truths of an image unless told otherwise.
const AT_MOST: usize = 100;
/// Rows of truths that are ever worth their memory.
const MOST: usize = 10_000;

/// Several shapes with boxes, drawn by the program.
fn scenes(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let count = call.count(e, "count")?;
    let size = if call.get("size").is_some() { call.count(e, "size")? } else { 128 };
    let split = call.string_or(e, "split", "train")?;
    let classes = if call.get("classes").is_some() { call.count(e, "classes")? } else { 4 };
    if !(1..=10).contains(&classes) {
        let message = format!("there are 10 kinds of shape, so `classes` is 1 to 10, not {classes}");
        return e.error(codes::OUT_OF_RANGE, call.span_of("classes"), message);
    }
    pipeline(call, Source::Scenes { count, size, split, classes }, Some(classes), Some((size, size)))
}

fn coco(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (key, rules) = (call.string(e, "key")?, rules(e, call)?);
    let mut text = |name: &str| match call.get(name) {
        Some(_) => call.string(e, name).map(Some),
        None => Ok(None),
    };
    let (split, annotations, images) = (text("split")?, text("annotations")?, text("images")?);
    let classes = (!rules.classes.is_empty()).then_some(rules.classes.len());
    pipeline(call, Source::Coco { key, split, annotations, images, rules }, classes, None)
}

fn voc(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (key, split, rules) = (call.string(e, "key")?, call.string(e, "split")?, rules(e, call)?);
    let first_pixel = call.float_or(e, "first_pixel", 1.0)?;
    let classes = (!rules.classes.is_empty()).then_some(rules.classes.len());
    pipeline(call, Source::Voc { key, split, first_pixel, rules }, classes, None)
}

/// Which truths are read.
fn rules(e: &mut Evaluator<'_>, call: &Call) -> Eval<TruthRules> {
    let classes = if call.get("classes").is_some() { names(e, call, "classes")? } else { vec![] };
    let twice = classes.iter().enumerate().find(|(i, name)| classes[..*i].contains(name));
    if let Some((_, name)) = twice {
        let error = Diagnostic::error(
            codes::OUT_OF_RANGE,
            call.span_of("classes"),
            format!("class `{name}` is named twice"),
        );
        return e.fail(error.hint("the place of a class in the list is its label"));
    }
    let most = if call.get("at_most").is_some() { call.count(e, "at_most")? } else { AT_MOST };
    if !(1..=MOST).contains(&most) {
        let message = format!("`at_most` is 1 to {MOST} rows of truths, not {most}");
        return e.error(codes::OUT_OF_RANGE, call.span_of("at_most"), message);
    }
    let least = call.float_or(e, "min_size", 0.0)?;
    if !(0.0..f64::INFINITY).contains(&least) {
        let message = format!("`min_size` is a number of pixels, {least} is not");
        return e.error(codes::OUT_OF_RANGE, call.span_of("min_size"), message);
    }
    let (ignored, empty) = (call.bool_or(e, "ignored", true)?, call.bool_or(e, "empty", true)?);
    Ok(TruthRules { classes, most, ignored, empty, least })
}
