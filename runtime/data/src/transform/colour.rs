//! Changes of colour, with the formulas of torchvision for images of single precision in [0, 1].

use super::Chance;
use crate::pixels::Image;

/// Weights of red, green and blue in the luma, as torchvision rounds those of ITU-R BT.601.
const LUMA: [f32; 3] = [0.2989, 0.587, 0.114];

/// Changes brightness, contrast, saturation and hue, each by a random number of its range and in a random order.
pub(super) fn jitter(mut image: Image, ranges: [[f64; 2]; 4], chance: Chance) -> Image {
    let amount = |change: usize| chance.between(change as u64, ranges[change]) as f32;
    for change in order(chance) {
        match change {
            0 => brightness(&mut image, amount(0)),
            1 => contrast(&mut image, amount(1)),
            2 => saturation(&mut image, amount(2)),
            _ => hue(&mut image, amount(3)),
        }
    }
    image
}

/// A permutation of the four changes.
fn order(chance: Chance) -> [usize; 4] {
    let mut order = [0, 1, 2, 3];
    for i in (1..4).rev() {
        order.swap(i, chance.below(4 + i as u64, i + 1));
    }
    order
}

/// Repeats the luma in all channels.
pub(super) fn grayscale(mut image: Image, probability: f64, chance: Chance) -> Image {
    if chance.uniform(0) < probability {
        image.planes = luma(&image).repeat(3);
    }
    image
}

fn luma(image: &Image) -> Vec<f32> {
    let [red, green, blue] = channels(image);
    let weighted = |((r, g), b): ((&f32, &f32), &f32)| LUMA[0] * r + LUMA[1] * g + LUMA[2] * b;
    red.iter().zip(green).zip(blue).map(weighted).collect()
}

fn channels(image: &Image) -> [&[f32]; 3] {
    let size = image.height * image.width;
    [&image.planes[..size], &image.planes[size..2 * size], &image.planes[2 * size..]]
}

fn brightness(image: &mut Image, factor: f32) {
    if factor != 1.0 {
        image.planes.iter_mut().for_each(|v| *v = (*v * factor).clamp(0.0, 1.0));
    }
}

fn contrast(image: &mut Image, factor: f32) {
    if factor != 1.0 {
        let grey = luma(image);
        // Many values are added, so that single precision would show.
        let mean = grey.iter().map(|v| f64::from(*v)).sum::<f64>() / grey.len() as f64;
        image.planes.iter_mut().for_each(|v| *v = blend(*v, mean as f32, factor));
    }
}

fn saturation(image: &mut Image, factor: f32) {
    if factor != 1.0 {
        let grey = luma(image);
        for plane in image.planes.chunks_exact_mut(grey.len()) {
            plane.iter_mut().zip(&grey).for_each(|(v, grey)| *v = blend(*v, *grey, factor));
        }
    }
}

fn blend(value: f32, other: f32, factor: f32) -> f32 {
    (factor * value + (1.0 - factor) * other).clamp(0.0, 1.0)
}

fn hue(image: &mut Image, shift: f32) {
    if shift == 0.0 {
        return;
    }
    let (red, rest) = image.planes.split_at_mut(image.height * image.width);
    let (green, blue) = rest.split_at_mut(image.height * image.width);
    for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
        let [h, s, v] = to_hsv([*r, *g, *b]);
        [*r, *g, *b] = to_rgb([(h + shift).rem_euclid(1.0), s, v]);
    }
}

/// Hue in turns, saturation and value, all in [0, 1].
fn to_hsv([r, g, b]: [f32; 3]) -> [f32; 3] {
    let (value, least) = (r.max(g).max(b), r.min(g).min(b));
    let chroma = value - least;
    if chroma == 0.0 {
        return [0.0, 0.0, value];
    }
    let sixths = if value == r {
        (g - b) / chroma
    } else if value == g {
        2.0 + (b - r) / chroma
    } else {
        4.0 + (r - g) / chroma
    };
    [(sixths / 6.0).rem_euclid(1.0), chroma / value, value]
}

fn to_rgb([h, s, v]: [f32; 3]) -> [f32; 3] {
    let sixths = h * 6.0;
    let within = sixths.fract();
    let (low, falling, rising) = (v * (1.0 - s), v * (1.0 - s * within), v * (1.0 - s * (1.0 - within)));
    match sixths as usize % 6 {
        0 => [v, rising, low],
        1 => [falling, v, low],
        2 => [low, v, rising],
        3 => [low, falling, v],
        4 => [rising, low, v],
        _ => [v, low, falling],
    }
}
