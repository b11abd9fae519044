//! Transforms: changes of one image, seeded where they are random.

mod check;
mod colour;
mod crop;
mod erase;
mod resize;

use vspec_engine::rng::Stream;
use vspec_ir::Transform;

pub(crate) use self::check::check;
use self::check::check_size;
use crate::pixels::{Image, Pixels};

/// Random numbers of one stage for one item of one epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chance {
    stream: Stream,
    item: u64,
}

impl Chance {
    /// Numbers that one item may draw in one stage.
    const DRAWS: u64 = 32;

    /// `stream` belongs to the stage and the epoch; `item` is below 2^56.
    pub(crate) fn new(stream: Stream, item: u64) -> Self {
        Chance { stream, item }
    }

    fn uniform(&self, draw: u64) -> f64 {
        self.stream.uniform(self.item * Self::DRAWS + draw)
    }

    fn between(&self, draw: u64, [low, high]: [f64; 2]) -> f64 {
        low + (high - low) * self.uniform(draw)
    }

    /// A number below `n`, which is at most the side of an image and thus far below 2^32.
    fn below(&self, draw: u64, n: usize) -> usize {
        self.stream.below(self.item * Self::DRAWS + draw, n as u32) as usize
    }
}

/// Applies a checked transform. The error is a sentence about this image.
pub(crate) fn apply(transform: &Transform, image: Image, chance: Chance) -> Result<Image, String> {
    match transform {
        Transform::Resize { height, width } => Ok(resize::resize(image, *height, *width)),
        Transform::ResizeShort { size, max } => resize_short(image, *size, *max),
        Transform::CenterCrop { height, width } => crop::center(&image, *height, *width),
        Transform::RandomCrop { height, width } => crop::random(&image, *height, *width, chance),
        Transform::RandomResizedCrop { height, width, scale, ratio } => {
            let cut = crop::resized(&image, *scale, *ratio, chance);
            Ok(resize::resize(cut, *height, *width))
        }
        Transform::Pad { amount, value } => pad(&image, *amount, *value),
        Transform::HFlip { probability } => Ok(hflip(image, *probability, chance)),
        Transform::VFlip { probability } => Ok(vflip(image, *probability, chance)),
        Transform::ColorJitter { brightness, contrast, saturation, hue } => {
            Ok(colour::jitter(image, [*brightness, *contrast, *saturation, *hue], chance))
        }
        Transform::Grayscale { probability } => Ok(colour::grayscale(image, *probability, chance)),
        Transform::RandomErasing { probability, scale, ratio, value } => Ok(erase::erase(
            image,
            *probability,
            &erase::Area { scale: *scale, ratio: *ratio },
            *value,
            chance,
        )),
        Transform::Normalize { mean, std } => Ok(normalize(image, mean, std)),
    }
}

/// Whether a transform gives the same for an item in every epoch and turns pixels of 8 bits into such pixels, up to rounding.
pub(crate) fn keeps_pixels(transform: &Transform) -> bool {
    match transform {
        Transform::Resize { .. } | Transform::ResizeShort { .. } | Transform::CenterCrop { .. } => true,
        Transform::Pad { value, .. } => *value == 0.0 || *value == 1.0,
        _ => false,
    }
}

/// Applies checked transforms for which [`keeps_pixels`] holds.
pub(crate) fn apply_fixed(transforms: &[Transform], pixels: &Pixels) -> Result<Pixels, String> {
    let unused = Chance::new(Stream::new("data", 0, 0), 0);
    let mut image = pixels.to_image();
    for transform in transforms {
        image = apply(transform, image, unused)?;
    }
    Ok(image.to_pixels())
}

/// The longer side is rounded down, as torchvision does; with a maximum for it, it is the shorter one that is rounded down.
fn resize_short(image: Image, size: usize, max: Option<usize>) -> Result<Image, String> {
    let (short, long) = (image.height.min(image.width), image.height.max(image.width));
    let scaled = size.saturating_mul(long) / short;
    let (short, long) = match max.filter(|max| scaled > *max) {
        Some(max) => (max.saturating_mul(size) / scaled, max),
        None => (size, scaled),
    };
    let (height, width) = if image.height <= image.width { (short, long) } else { (long, short) };
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

fn vflip(mut image: Image, probability: f64, chance: Chance) -> Image {
    if chance.uniform(0) < probability {
        for plane in image.planes.chunks_exact_mut(image.height * image.width) {
            let (upper, lower) = plane.split_at_mut(image.height / 2 * image.width);
            // With an odd number of rows the middle one stays, first in the lower part.
            let mirrored = lower.chunks_exact_mut(image.width).rev();
            upper.chunks_exact_mut(image.width).zip(mirrored).for_each(|(a, b)| a.swap_with_slice(b));
        }
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
mod golden;
#[cfg(test)]
mod tests;
