//! Random erasing: a rectangle of an image is overwritten (Zhong et al. 2017, as torchvision draws it).

use super::Chance;
use crate::pixels::Image;

/// Tries to find a rectangle that fits.
pub(super) const TRIES: u64 = 10;

/// What rectangles are drawn.
pub(super) struct Area {
    /// Least and greatest share of the image.
    pub(super) scale: [f64; 2],
    /// Least and greatest ratio of sides.
    pub(super) ratio: [f64; 2],
}

impl Area {
    /// Two sides whose product is a share of `pixels` and whose quotient, first by second, is in range. Draws twice.
    pub(super) fn sides(&self, pixels: usize, chance: Chance, draw: u64) -> (usize, usize) {
        let area = pixels as f64 * chance.between(draw, self.scale);
        let ratio = chance.between(draw + 1, self.ratio.map(f64::ln)).exp();
        ((area * ratio).sqrt().round_ties_even() as usize, (area / ratio).sqrt().round_ties_even() as usize)
    }
}

/// Erases with a probability. Where no rectangle is smaller than the image on both sides, nothing is erased.
pub(super) fn erase(mut image: Image, probability: f64, area: &Area, value: f64, chance: Chance) -> Image {
    if chance.uniform(0) >= probability {
        return image;
    }
    let pixels = image.height * image.width;
    let fits = |(h, w): &(usize, usize)| (1..image.height).contains(h) && (1..image.width).contains(w);
    if let Some(size) = (0..TRIES).map(|i| area.sides(pixels, chance, 3 + 2 * i)).find(fits) {
        let top = chance.below(1, image.height - size.0 + 1);
        let left = chance.below(2, image.width - size.1 + 1);
        fill(&mut image, (top, left), size, value as f32);
    }
    image
}

pub(super) fn fill(image: &mut Image, (top, left): (usize, usize), size: (usize, usize), value: f32) {
    for plane in image.planes.chunks_exact_mut(image.height * image.width) {
        for row in plane.chunks_exact_mut(image.width).skip(top).take(size.0) {
            row[left..left + size.1].fill(value);
        }
    }
}
