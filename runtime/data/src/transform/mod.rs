//! Transforms: changes of one image, seeded where they are random.

mod crop;
mod resize;

use vspec_engine::rng::Stream;
use vspec_ir::Transform;

use crate::pixels::Image;

/// Pixels of the largest image that a transform makes.
const MAX_PIXELS: usize = 1 << 26;

/// Random numbers of one stage for one item of one epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chance {
    stream: Stream,
    item: u64,
}

impl Chance {
    /// Numbers that one item may draw in one stage.
    const DRAWS: u64 = 2;

    /// `stream` belongs to the stage and the epoch.
    pub(crate) fn new(stream: Stream, item: u64) -> Self {
        Chance { stream, item }
    }

    fn uniform(&self, draw: u64) -> f64 {
        self.stream.uniform(self.item * Self::DRAWS + draw)
    }

    /// A number below `n`, which is at most the side of an image and thus far below 2^32.
    fn below(&self, draw: u64, n: usize) -> usize {
        self.stream.below(self.item * Self::DRAWS + draw, n as u32) as usize
    }
}

/// Says what is wrong with a transform that no image can pass, as a sentence.
pub(crate) fn check(transform: &Transform) -> Result<(), String> {
    match transform {
        Transform::Resize { height, width } => check_size(*height, *width),
        Transform::ResizeShort { size } => check_size(*size, *size),
        Transform::CenterCrop { height, width } => check_size(*height, *width),
        Transform::RandomCrop { height, width } => check_size(*height, *width),
        Transform::Pad { amount, .. } => check_size(amount.saturating_add(1), amount.saturating_add(1)),
        Transform::HFlip { probability } => check_probability(*probability),
        Transform::Normalize { mean, std } => check_channels(mean, std),
    }
}

fn check_size(height: usize, width: usize) -> Result<(), String> {
    match height.checked_mul(width) {
        Some(0) => Err(format!("an image cannot have {height}x{width} pixels")),
        Some(pixels) if pixels <= MAX_PIXELS => Ok(()),
        _ => Err(format!("an image of {height}x{width} pixels exceeds the limit of {MAX_PIXELS}")),
    }
}

fn check_probability(probability: f64) -> Result<(), String> {
    match probability {
        0.0..=1.0 => Ok(()),
        _ => Err(format!("a probability lies between 0 and 1, {probability} does not")),
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

/// Applies a checked transform. The error is a sentence about this image.
pub(crate) fn apply(transform: &Transform, image: Image, chance: Chance) -> Result<Image, String> {
    match transform {
        Transform::Resize { height, width } => Ok(resize::resize(image, *height, *width)),
        Transform::ResizeShort { size } => resize_short(image, *size),
        Transform::CenterCrop { height, width } => crop::center(&image, *height, *width),
        Transform::RandomCrop { height, width } => crop::random(&image, *height, *width, chance),
        Transform::Pad { amount, value } => pad(&image, *amount, *value),
        Transform::HFlip { probability } => Ok(hflip(image, *probability, chance)),
        Transform::Normalize { mean, std } => Ok(normalize(image, mean, std)),
    }
}

/// The longer side is rounded down, as torchvision does.
fn resize_short(image: Image, size: usize) -> Result<Image, String> {
    let scaled = |long: usize, short: usize| size.saturating_mul(long) / short;
    let (height, width) = match image.height <= image.width {
        true => (size, scaled(image.width, image.height)),
        false => (scaled(image.height, image.width), size),
    };
    check_size(height, width)?;
    Ok(resize::resize(image, height, width))
}

fn pad(image: &Image, amount: usize, value: f64) -> Result<Image, String> {
    let (height, width) = (image.height + 2 * amount, image.width + 2 * amount);
    check_size(height, width)?;
    let mut planes = vec![value as f32; 3 * height * width];
    for (i, row) in image.rows().enumerate() {
        let (channel, y) = (i / image.height, i % image.height);
        let start = (channel * height + y + amount) * width + amount;
        planes[start..start + image.width].copy_from_slice(row);
    }
    Ok(Image { height, width, planes })
}

fn hflip(mut image: Image, probability: f64, chance: Chance) -> Image {
    if chance.uniform(0) < probability {
        image.planes.chunks_exact_mut(image.width).for_each(<[f32]>::reverse);
    }
    image
}

fn normalize(mut image: Image, mean: &[f64], std: &[f64]) -> Image {
    let planes = image.planes.chunks_exact_mut(image.height * image.width);
    for (plane, (mean, std)) in planes.zip(mean.iter().zip(std)) {
        let (mean, std) = (*mean as f32, *std as f32);
        plane.iter_mut().for_each(|v| *v = (*v - mean) / std);
    }
    image
}

#[cfg(test)]
mod tests;
