//! What transforms cannot be: sizes that no image has, chances that are none.

use vspec_ir::Transform;

/// Pixels of the largest image that a transform makes.
const MAX_PIXELS: usize = 1 << 26;

/// Says what is wrong with a transform that no image can pass, as a sentence.
pub(crate) fn check(transform: &Transform) -> Result<(), String> {
    match transform {
        Transform::Resize { height, width } => check_size(*height, *width),
        Transform::Fit { height, width, .. } => check_size(*height, *width),
        Transform::ResizeShort { size, max } => check_short(*size, *max),
        Transform::CenterCrop { height, width } => check_size(*height, *width),
        Transform::RandomCrop { height, width } => check_size(*height, *width),
        Transform::RandomResizedCrop { height, width, scale, ratio } => {
            check_size(*height, *width).and_then(|()| check_area(*scale, *ratio))
        }
        Transform::Pad { amount, .. } => check_size(amount.saturating_add(1), amount.saturating_add(1)),
        Transform::HFlip { probability }
        | Transform::VFlip { probability }
        | Transform::Grayscale { probability } => check_probability(*probability),
        Transform::ColorJitter { brightness, contrast, saturation, hue } => {
            check_factors([*brightness, *contrast, *saturation]).and_then(|()| check_hue(*hue))
        }
        Transform::RandomErasing { probability, scale, ratio, .. } => {
            check_probability(*probability).and_then(|()| check_area(*scale, *ratio))
        }
        Transform::Normalize { mean, std } => check_channels(mean, std),
    }
}

pub(super) fn check_size(height: usize, width: usize) -> Result<(), String> {
    match height.checked_mul(width) {
        Some(0) => Err(format!("an image cannot have {height}x{width} pixels")),
        Some(pixels) if pixels <= MAX_PIXELS => Ok(()),
        _ => Err(format!("an image of {height}x{width} pixels exceeds the limit of {MAX_PIXELS}")),
    }
}

fn check_short(size: usize, max: Option<usize>) -> Result<(), String> {
    match max {
        Some(max) if max < size => {
            Err(format!("the longer side cannot have {max} pixels at most if the shorter one has {size}"))
        }
        _ => check_size(size, size),
    }
}

fn check_probability(probability: f64) -> Result<(), String> {
    match probability {
        0.0..=1.0 => Ok(()),
        _ => Err(format!("a probability lies between 0 and 1, {probability} does not")),
    }
}

fn check_area(scale: [f64; 2], ratio: [f64; 2]) -> Result<(), String> {
    if !(0.0 < scale[0] && scale[0] <= scale[1] && scale[1] <= 1.0) {
        return Err(format!("shares of an area rise from above 0 to 1, {scale:?} do not"));
    }
    if !(0.0 < ratio[0] && ratio[0] <= ratio[1] && ratio[1].is_finite()) {
        return Err(format!("ratios of sides are positive and rise, {ratio:?} do not"));
    }
    Ok(())
}

fn check_factors(ranges: [[f64; 2]; 3]) -> Result<(), String> {
    let wrong = |[low, high]: &&[f64; 2]| !(0.0 <= *low && low <= high && high.is_finite());
    match ranges.iter().find(wrong) {
        Some(range) => Err(format!("factors of a colour jitter are at least 0 and rise, {range:?} do not")),
        None => Ok(()),
    }
}

fn check_hue(hue: [f64; 2]) -> Result<(), String> {
    match -0.5 <= hue[0] && hue[0] <= hue[1] && hue[1] <= 0.5 {
        true => Ok(()),
        false => Err(format!("shifts of the hue rise and lie between -0.5 and 0.5 turns, {hue:?} do not")),
    }
}

fn check_channels(mean: &[f64], std: &[f64]) -> Result<(), String> {
    if mean.len() != 3 || std.len() != 3 {
        return Err(format!(
            "images have 3 channels, but there are {} means and {} deviations",
            mean.len(),
            std.len()
        ));
    }
    match std.iter().find(|s| s.is_nan() || **s <= 0.0) {
        Some(s) => Err(format!("standard deviations are positive, {s} is not")),
        None => Ok(()),
    }
}
