//! Stages of data pipelines that choose among items: parts, epochs of a given number of items, pairs, mixes.

use std::rc::Rc;

use vspec_ir::{MixPart, Source, Stage};
use vspec_syntax::{Diagnostic, Span};

use super::arguments::unknown_word;
use super::data::{add, data};
use super::{Builtin, Call};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::value::{Pipeline, Value};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("part", "data, name, of, seed?, stratified?", part),
    Builtin::new("draw", "data, count", draw),
    Builtin::new("pairs", "data, within?, negative?", pairs),
    Builtin::new("mosaic", "data, height, width?, probability?", mosaic),
    Builtin::new("mix", "weights", mix),
];

/// How far the sum of all shares may be from 1: they are written as decimals.
const SUM_TOLERANCE: f64 = 1e-6;

/// `part("train", of = { train: 0.9, val: 0.1 })`: the same parts wherever they are named.
fn part(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let pipeline = data(e, call)?;
    let hint = "put it directly behind the source, before stages that draw at random";
    refuse_random(e, &pipeline, call, "would not be disjoint from the others", hint)?;
    let (name, span) = (call.string(e, "name")?, call.span_of("of"));
    let shares = weights(e, call, "of", "share")?;
    let sum: f64 = shares.iter().map(|(_, share)| share).sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        let error =
            Diagnostic::error(codes::OUT_OF_RANGE, span, format!("the shares add up to {sum}, not to 1"));
        return e.fail(error.hint("every item belongs to one part: `{ train: 0.9, val: 0.1 }`"));
    }
    let Some(at) = shares.iter().position(|(n, _)| *n == name) else {
        let known: Vec<&str> = shares.iter().map(|(n, _)| n.as_str()).collect();
        return unknown_word(e, call.span_of("name"), &name, &known);
    };
    // The same sums for neighbours, so that one begins exactly where the other ends.
    let before = |n: usize| shares[..n].iter().map(|(_, share)| share).sum::<f64>();
    let end = if at + 1 == shares.len() { 1.0 } else { before(at + 1).min(1.0) };
    let seed = call.int_or(e, "seed", 0)?;
    let Ok(seed) = u64::try_from(seed) else {
        let message = format!("`seed` is not negative, {seed} is");
        return e.error(codes::OUT_OF_RANGE, call.span_of("seed"), message);
    };
    let stratified = call.bool_or(e, "stratified", false)?;
    add(e, call, Stage::Part { range: [before(at).min(end), end], seed, stratified })
}

/// `draw(600_000)`: an epoch of so many items.
fn draw(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let pipeline = data(e, call)?;
    let count = call.count(e, "count")?;
    for stage in &pipeline.stages {
        let message = match stage {
            Stage::Shuffle => "`draw` chooses the order itself: leave `shuffle` out",
            Stage::Draw(_) => "the number of items of an epoch is given twice",
            _ => continue,
        };
        return e.error(codes::BAD_PIPELINE, call.span, message);
    }
    add(e, call, Stage::Draw(count))
}

/// `pairs(within = 100, negative = 0.2)`
fn pairs(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let pipeline = data(e, call)?;
    if pipeline.stages.iter().any(|s| matches!(s, Stage::Pairs { .. })) {
        return e.error(codes::BAD_PIPELINE, call.span, "the items are pairs already");
    }
    let within = match call.get("within") {
        Some(_) => Some(call.count(e, "within")?),
        None => None,
    };
    if within.is_some() {
        let hint = "`within` counts items of a class in the order of the source: put `pairs` before it";
        refuse_random(e, &pipeline, call, "needs items in order", hint)?;
    }
    let negative = call.float_or(e, "negative", 0.0)?;
    if !(0.0..=1.0).contains(&negative) {
        let message = format!("a probability lies between 0 and 1, {negative} does not");
        return e.error(codes::OUT_OF_RANGE, call.span_of("negative"), message);
    }
    if negative > 0.0 && pipeline.classes == Some(1) {
        let message = "pairs of different classes need at least 2 classes, but there is 1";
        return e.error(codes::OUT_OF_RANGE, call.span_of("negative"), message);
    }
    add(e, call, Stage::Pairs { within, negative })
}

/// `mosaic(320)`: four items in one.
fn mosaic(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let height = call.count(e, "height")?;
    let width = if call.get("width").is_some() { call.count(e, "width")? } else { height };
    let probability = call.float_or(e, "probability", 1.0)?;
    if !(0.0..=1.0).contains(&probability) {
        let message = format!("a probability lies between 0 and 1, {probability} does not");
        return e.error(codes::OUT_OF_RANGE, call.span_of("probability"), message);
    }
    add(e, call, Stage::Mosaic { height, width, probability })
}

/// Refuses a stage that needs items in the order of the source behind one that draws them at random.
fn refuse_random(
    e: &mut Evaluator<'_>,
    pipeline: &Pipeline,
    call: &Call,
    reason: &str,
    hint: &str,
) -> Eval<()> {
    let Some(random) = pipeline.drawn_by() else { return Ok(()) };
    let message = format!("`{}` behind `{random}` {reason}", call.builtin.name);
    e.fail(Diagnostic::error(codes::BAD_PIPELINE, call.span, message).hint(hint))
}

/// `mix({ coco: 1, lasot: 2 })`: items of data sets that are declared before.
fn mix(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let span = call.span_of("weights");
    if let Value::Record(record) = call.value("weights") {
        e.mixed.extend(record.keys().cloned());
    }
    let mut mixed: Vec<(MixPart, Rc<Pipeline>)> = vec![];
    for (name, weight) in weights(e, call, "weights", "weight")? {
        let key = e.key_span(span, &name);
        let pipeline = e.mixed_set(&name, key)?;
        let (source, stages) = (pipeline.source.clone(), pipeline.stages.clone());
        mixed.push((MixPart { name, weight, source, stages }, pipeline));
    }
    let item = e.common_item(&mixed, span)?;
    let known = mixed[0].1.classes;
    let classes = known.filter(|_| mixed.iter().all(|(_, p)| p.classes == known));
    let parts = mixed.into_iter().map(|(part, _)| part).collect();
    let (source, span) = (Source::Mix { parts }, call.span);
    Ok(Value::Pipeline(Rc::new(Pipeline { source, stages: vec![], classes, item, name: None, span })))
}

/// A record of positive numbers by name.
fn weights(e: &mut Evaluator<'_>, call: &Call, parameter: &str, what: &str) -> Eval<Vec<(String, f64)>> {
    let span = call.span_of(parameter);
    let record = match call.value(parameter) {
        Value::Record(record) if !record.is_empty() => record,
        other => {
            let found = if matches!(other, Value::Record(_)) { "an empty one" } else { other.kind() };
            let builtin = call.builtin.name;
            let message = format!("`{parameter}` of `{builtin}` must be a record of numbers, not {found}");
            let error = Diagnostic::error(codes::WRONG_KIND, span, message);
            return e.fail(error.hint("numbers by name: `{ first: 1, second: 2 }`"));
        }
    };
    record
        .iter()
        .map(|(name, value)| Ok((name.to_string(), positive(e, what, (name, value), span)?)))
        .collect()
}

fn positive(e: &mut Evaluator<'_>, what: &str, (name, value): (&str, &Value), span: Span) -> Eval<f64> {
    match value.as_float() {
        Some(number) if number > 0.0 && number.is_finite() => Ok(number),
        Some(number) => {
            let message = format!("the {what} of `{name}` must be positive, not {number}");
            let at = e.key_span(span, name);
            e.error(codes::OUT_OF_RANGE, at, message)
        }
        None => {
            let message = format!("the {what} of `{name}` must be a number, not {}", value.kind());
            let at = e.key_span(span, name);
            e.error(codes::WRONG_KIND, at, message)
        }
    }
}
