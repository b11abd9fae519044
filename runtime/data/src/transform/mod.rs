//! Transforms: changes of one image, seeded where they are random.

mod check;
mod colour;
mod crop;
mod erase;
mod place;
mod resize;
mod way;

use vspec_engine::rng::Stream;
use vspec_ir::Transform;

pub(crate) use self::check::check;
use self::check::check_size;
pub(crate) use self::place::Place;
pub(crate) use self::way::Way;
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

/// An image after a transform, and where its pixels went.
pub(crate) struct Moved {
    pub(crate) image: Image,
    pub(crate) way: Way,
}

impl Moved {
    fn still(image: Image) -> Moved {
        Moved { image, way: Way::STILL }
    }
}

/// Applies a checked transform. The error is a sentence about this image.
pub(crate) fn apply(transform: &Transform, image: Image, chance: Chance) -> Result<Moved, String> {
    match transform {
        Transform::Resize { height, width } => Ok(resized(image, *height, *width)),
        Transform::Fit { height, width, value } => Ok(fit(image, *height, *width, *value)),
        Transform::ResizeShort { size, max } => resize_short(image, *size, *max),
        Transform::CenterCrop { height, width } => crop::center(&image, *height, *width),
        Transform::RandomCrop { height, width } => crop::random(&image, *height, *width, chance),
        Transform::RandomResizedCrop { height, width, scale, ratio } => {
            let cut = crop::resized(&image, *scale, *ratio, chance);
            let whole = resized(cut.image, *height, *width);
            Ok(Moved { way: cut.way.then(whole.way), image: whole.image })
        }
        Transform::Pad { amount, value } => pad(&image, *amount, *value),
        Transform::HFlip { probability } => Ok(hflip(image, *probability, chance)),
        Transform::VFlip { probability } => Ok(vflip(image, *probability, chance)),
        other => Ok(Moved::still(in_place(other, image, chance))),
    }
}

/// The transforms that leave pixels where they are.
fn in_place(transform: &Transform, image: Image, chance: Chance) -> Image {
    match transform {
        Transform::ColorJitter { brightness, contrast, saturation, hue } => {
            colour::jitter(image, [*brightness, *contrast, *saturation, *hue], chance)
        }
        Transform::Grayscale { probability } => colour::grayscale(image, *probability, chance),
        Transform::RandomErasing { probability, scale, ratio, value } => {
            let area = erase::Area { scale: *scale, ratio: *ratio };
            erase::erase(image, *probability, &area, *value, chance)
        }
        Transform::Normalize { mean, std } => normalize(image, mean, std),
        _ => image,
    }
}

/// Whether a transform gives the same for an item in every epoch and turns pixels of 8 bits into such pixels, up to rounding.
pub(crate) fn keeps_pixels(transform: &Transform) -> bool {
    match transform {
        Transform::Resize { .. } | Transform::ResizeShort { .. } | Transform::CenterCrop { .. } => true,
        Transform::Pad { value, .. } | Transform::Fit { value, .. } => *value == 0.0 || *value == 1.0,
        _ => false,
    }
}

/// Whether a transform gives the same for an item in every epoch.
pub(crate) fn is_fixed(transform: &Transform) -> bool {
    match transform {
        Transform::Resize { .. }
        | Transform::Fit { .. }
        | Transform::ResizeShort { .. }
        | Transform::CenterCrop { .. }
        | Transform::Pad { .. }
        | Transform::Normalize { .. } => true,
        Transform::HFlip { probability } | Transform::VFlip { probability } => certain(*probability),
        Transform::Grayscale { probability } => certain(*probability),
        Transform::RandomErasing { probability, .. } => *probability == 0.0,
        Transform::RandomCrop { .. }
        | Transform::RandomResizedCrop { .. }
        | Transform::ColorJitter { .. } => false,
    }
}

fn certain(probability: f64) -> bool {
    probability == 0.0 || probability == 1.0
}

/// Applies checked transforms for which [`keeps_pixels`] holds.
pub(crate) fn apply_fixed(transforms: &[Transform], pixels: &Pixels) -> Result<(Pixels, Way), String> {
    let unused = Chance::new(Stream::new("data", 0, 0), 0);
    let mut all = Moved::still(pixels.to_image());
    for transform in transforms {
        let next = apply(transform, all.image, unused)?;
        all = Moved { way: all.way.then(next.way), image: next.image };
    }
    Ok((all.image.to_pixels(), all.way))
}

fn resized(image: Image, height: usize, width: usize) -> Moved {
    let way = Way::scaled([image.height, image.width], [height, width]);
    Moved { image: resize::resize(image, height, width), way }
}

/// As large as fits, keeping the ratio.
pub(crate) fn fit_inside(image: Image, height: usize, width: usize) -> (Image, Way) {
    let [rows, columns] = [image.height, image.width].map(|v| v as f64);
    let scale = (height as f64 / rows).min(width as f64 / columns);
    let side = |length: f64, most: usize| ((length * scale).round() as usize).clamp(1, most);
    let inner = resized(image, side(rows, height), side(columns, width));
    (inner.image, inner.way)
}

/// The image lies in the upper left corner.
pub(crate) fn fit(image: Image, height: usize, width: usize, value: f64) -> Moved {
    let (inner, way) = fit_inside(image, height, width);
    let mut planes = vec![value as f32; 3 * height * width];
    paste(&inner, &mut planes, [height, width], [0, 0]);
    Moved { image: Image { height, width, planes }, way }
}

/// Copies an image into planes of a size, its upper left corner at a row and a column; it fits.
fn paste(image: &Image, planes: &mut [f32], [height, width]: [usize; 2], [top, left]: [usize; 2]) {
    for (i, row) in image.rows().enumerate() {
        let (channel, y) = (i / image.height, i % image.height);
        let start = (channel * height + y + top) * width + left;
        planes[start..start + image.width].copy_from_slice(row);
    }
}

/// The longer side is rounded down, as torchvision does; with a maximum for it, it is the shorter one that is rounded down.
fn resize_short(image: Image, size: usize, max: Option<usize>) -> Result<Moved, String> {
    let (short, long) = (image.height.min(image.width), image.height.max(image.width));
    let scaled = size.saturating_mul(long) / short;
    let (short, long) = match max.filter(|max| scaled > *max) {
        Some(max) => (max.saturating_mul(size) / scaled, max),
        None => (size, scaled),
    };
    let (height, width) = if image.height <= image.width { (short, long) } else { (long, short) };
    check_size(height, width)?;
    Ok(resized(image, height, width))
}

fn pad(image: &Image, amount: usize, value: f64) -> Result<Moved, String> {
    let (height, width) = (image.height + 2 * amount, image.width + 2 * amount);
    check_size(height, width)?;
    let mut planes = vec![value as f32; 3 * height * width];
    paste(image, &mut planes, [height, width], [amount, amount]);
    let way = Way::shifted([amount as f64, amount as f64]);
    Ok(Moved { image: Image { height, width, planes }, way })
}

fn hflip(mut image: Image, probability: f64, chance: Chance) -> Moved {
    if chance.uniform(0) >= probability {
        return Moved::still(image);
    }
    image.planes.chunks_exact_mut(image.width).for_each(<[f32]>::reverse);
    Moved { way: Way::mirrored(0, image.width), image }
}

fn vflip(mut image: Image, probability: f64, chance: Chance) -> Moved {
    if chance.uniform(0) >= probability {
        return Moved::still(image);
    }
    for plane in image.planes.chunks_exact_mut(image.height * image.width) {
        let (upper, lower) = plane.split_at_mut(image.height / 2 * image.width);
        // With an odd number of rows the middle one stays, first in the lower part.
        let mirrored = lower.chunks_exact_mut(image.width).rev();
        upper.chunks_exact_mut(image.width).zip(mirrored).for_each(|(a, b)| a.swap_with_slice(b));
    }
    Moved { way: Way::mirrored(1, image.height), image }
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
