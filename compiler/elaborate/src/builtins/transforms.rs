//! Transforms of data pipelines: what `each` applies to the image of an item.

use std::rc::Rc;

use vspec_ir::{Stage, Transform};
use vspec_syntax::Diagnostic;

use super::{Builtin, Call};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::value::Value;

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("resize", "height, width?, keep_ratio?, value?", resize),
    Builtin::new("resize_short", "size, max?", resize_short),
    Builtin::new("center_crop", "height, width?", |e, c| {
        let (height, width) = area(e, c)?;
        stage(Transform::CenterCrop { height, width })
    }),
    Builtin::new("random_crop", "height, width?", |e, c| {
        let (height, width) = area(e, c)?;
        stage(Transform::RandomCrop { height, width })
    }),
    Builtin::new("random_resized_crop", "height, width?, scale?, ratio?", random_resized_crop),
    Builtin::new("border", "amount, value?", |e, c| {
        let (amount, value) = (c.count(e, "amount")?, c.float_or(e, "value", 0.0)?);
        stage(Transform::Pad { amount, value })
    }),
    Builtin::new("hflip", "probability?", |e, c| {
        let probability = probability(e, c, 0.5)?;
        stage(Transform::HFlip { probability })
    }),
    Builtin::new("vflip", "probability?", |e, c| {
        let probability = probability(e, c, 0.5)?;
        stage(Transform::VFlip { probability })
    }),
    Builtin::new("grayscale", "probability?", |e, c| {
        let probability = probability(e, c, 1.0)?;
        stage(Transform::Grayscale { probability })
    }),
    Builtin::new("color_jitter", "brightness?, contrast?, saturation?, hue?", color_jitter),
    Builtin::new("random_erasing", "probability?, scale?, ratio?, value?", random_erasing),
    Builtin::new("normalize", "mean, std", normalize),
];

fn stage(transform: Transform) -> Eval<Value> {
    Ok(Value::Stage(Rc::new(Stage::Each(transform))))
}

/// Height and width in pixels; one number is a square.
fn area(e: &mut Evaluator<'_>, call: &Call) -> Eval<(usize, usize)> {
    let height = call.count(e, "height")?;
    let width = if call.get("width").is_some() { call.count(e, "width")? } else { height };
    Ok((height, width))
}

/// With `keep_ratio` as large as fits, and pixels of `value` beside it.
fn resize(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (height, width) = area(e, call)?;
    match (call.bool_or(e, "keep_ratio", false)?, call.get("value").is_some()) {
        (true, _) => {
            let value = call.float_or(e, "value", 0.0)?;
            stage(Transform::Fit { height, width, value })
        }
        (false, false) => stage(Transform::Resize { height, width }),
        (false, true) => {
            let error = Diagnostic::error(
                codes::WRONG_KIND,
                call.span_of("value"),
                "without `keep_ratio` the image fills its size, and no pixel is left to have a value",
            );
            e.fail(error.hint("add `keep_ratio = true`, or leave `value` out"))
        }
    }
}

fn resize_short(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let size = call.count(e, "size")?;
    let max = if call.get("max").is_some() { Some(call.count(e, "max")?) } else { None };
    if let Some(max) = max.filter(|max| *max < size) {
        let message =
            format!("the longer side cannot have {max} pixels at most if the shorter one has {size}");
        return e.error(codes::OUT_OF_RANGE, call.span_of("max"), message);
    }
    stage(Transform::ResizeShort { size, max })
}

fn random_resized_crop(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (height, width) = area(e, call)?;
    let (scale, ratio) = (shares(e, call, [0.08, 1.0])?, ratios(e, call, [3.0 / 4.0, 4.0 / 3.0])?);
    stage(Transform::RandomResizedCrop { height, width, scale, ratio })
}

fn random_erasing(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let probability = probability(e, call, 0.5)?;
    let (scale, ratio) = (shares(e, call, [0.02, 0.33])?, ratios(e, call, [0.3, 3.3])?);
    let value = call.float_or(e, "value", 0.0)?;
    stage(Transform::RandomErasing { probability, scale, ratio, value })
}

/// A number `x` means factors in `[1 - x, 1 + x]` and hues in `[-x, x]`, as in torchvision; `(low, high)` is taken as it is.
fn color_jitter(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (brightness, contrast) = (factors(e, call, "brightness")?, factors(e, call, "contrast")?);
    let (saturation, hue) = (factors(e, call, "saturation")?, hues(e, call)?);
    stage(Transform::ColorJitter { brightness, contrast, saturation, hue })
}

fn factors(e: &mut Evaluator<'_>, call: &Call, name: &str) -> Eval<[f64; 2]> {
    let range = match call.get(name).map(|g| g.value.as_float()) {
        None => [1.0, 1.0],
        Some(Some(x)) if x >= 0.0 => [(1.0 - x).max(0.0), 1.0 + x],
        Some(Some(_)) => [-1.0, -1.0],
        Some(None) => range(e, call, name)?,
    };
    if 0.0 <= range[0] && range[0] <= range[1] && range[1].is_finite() {
        return Ok(range);
    }
    e.error(codes::OUT_OF_RANGE, call.span_of(name), format!("factors of `{name}` are at least 0 and rise"))
}

fn hues(e: &mut Evaluator<'_>, call: &Call) -> Eval<[f64; 2]> {
    let range = match call.get("hue").map(|g| g.value.as_float()) {
        None => [0.0, 0.0],
        Some(Some(x)) => [-x, x],
        Some(None) => range(e, call, "hue")?,
    };
    if -0.5 <= range[0] && range[0] <= range[1] && range[1] <= 0.5 {
        return Ok(range);
    }
    let message = "shifts of the hue rise and lie between -0.5 and 0.5 turns";
    e.error(codes::OUT_OF_RANGE, call.span_of("hue"), message)
}

/// Shares of an area, `(low, high)`.
fn shares(e: &mut Evaluator<'_>, call: &Call, default: [f64; 2]) -> Eval<[f64; 2]> {
    let scale = if call.get("scale").is_some() { range(e, call, "scale")? } else { default };
    if 0.0 < scale[0] && scale[0] <= scale[1] && scale[1] <= 1.0 {
        return Ok(scale);
    }
    let message = "`scale` is two shares of the area: above 0, rising, at most 1";
    e.error(codes::OUT_OF_RANGE, call.span_of("scale"), message)
}

/// Ratios of sides, `(low, high)`.
fn ratios(e: &mut Evaluator<'_>, call: &Call, default: [f64; 2]) -> Eval<[f64; 2]> {
    let ratio = if call.get("ratio").is_some() { range(e, call, "ratio")? } else { default };
    if 0.0 < ratio[0] && ratio[0] <= ratio[1] && ratio[1].is_finite() {
        return Ok(ratio);
    }
    e.error(codes::OUT_OF_RANGE, call.span_of("ratio"), "`ratio` is two ratios of sides: positive and rising")
}

/// Two numbers, least and greatest.
fn range(e: &mut Evaluator<'_>, call: &Call, name: &str) -> Eval<[f64; 2]> {
    let values: Option<Vec<f64>> = match call.value(name) {
        Value::List(items) | Value::Tuple(items) => items.iter().map(Value::as_float).collect(),
        _ => None,
    };
    match values.as_deref() {
        Some([low, high]) => Ok([*low, *high]),
        _ => {
            e.error(codes::WRONG_KIND, call.span_of(name), format!("`{name}` is two numbers, `(low, high)`"))
        }
    }
}

fn probability(e: &mut Evaluator<'_>, call: &Call, default: f64) -> Eval<f64> {
    let probability = call.float_or(e, "probability", default)?;
    if (0.0..=1.0).contains(&probability) {
        return Ok(probability);
    }
    let message = format!("a probability lies between 0 and 1, {probability} does not");
    e.error(codes::OUT_OF_RANGE, call.span_of("probability"), message)
}

fn normalize(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let (mean, std) = (channels(e, call, "mean")?, channels(e, call, "std")?);
    if std.iter().any(|s| *s <= 0.0) {
        return e.error(codes::OUT_OF_RANGE, call.span_of("std"), "standard deviations are positive");
    }
    stage(Transform::Normalize { mean, std })
}

/// Three numbers, one for each channel.
fn channels(e: &mut Evaluator<'_>, call: &Call, name: &str) -> Eval<Vec<f64>> {
    let values: Option<Vec<f64>> = match call.value(name) {
        Value::List(items) | Value::Tuple(items) => items.iter().map(Value::as_float).collect(),
        other => other.as_float().map(|v| vec![v; 3]),
    };
    match values.filter(|v| v.len() == 3) {
        Some(values) => Ok(values),
        None => e.error(
            codes::WRONG_KIND,
            call.span_of(name),
            format!("`{name}` is three numbers, one a channel"),
        ),
    }
}
