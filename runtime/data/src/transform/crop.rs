//! Cutting a rectangle out of an image.

use super::erase::{Area, TRIES};
use super::{Chance, Moved, Way};
use crate::pixels::Image;

/// The middle; of two middles the one that torchvision takes, which rounds half offsets to even.
pub(super) fn center(image: &Image, height: usize, width: usize) -> Result<Moved, String> {
    let (rows, columns) = spare(image, height, width)?;
    Ok(cut(image, (half_to_even(rows), half_to_even(columns)), height, width))
}

/// A random place, each as likely as any other.
pub(super) fn random(image: &Image, height: usize, width: usize, chance: Chance) -> Result<Moved, String> {
    let (rows, columns) = spare(image, height, width)?;
    Ok(cut(image, (chance.below(0, rows + 1), chance.below(1, columns + 1)), height, width))
}

/// A random rectangle that covers a share of the image, with a ratio of width to height in range (Szegedy et al. 2015, as
/// torchvision draws it): if ten tries do not fit, the largest one in the middle whose ratio is in range.
pub(super) fn resized(image: &Image, scale: [f64; 2], ratio: [f64; 2], chance: Chance) -> Moved {
    let area = Area { scale, ratio };
    let pixels = image.height * image.width;
    let fits = |(w, h): &(usize, usize)| (1..=image.height).contains(h) && (1..=image.width).contains(w);
    match (0..TRIES).map(|i| area.sides(pixels, chance, 2 + 2 * i)).find(fits) {
        Some((width, height)) => {
            let top = chance.below(0, image.height - height + 1);
            let left = chance.below(1, image.width - width + 1);
            cut(image, (top, left), height, width)
        }
        None => {
            let (height, width) = largest(image, ratio);
            cut(image, ((image.height - height) / 2, (image.width - width) / 2), height, width)
        }
    }
}

/// Height and width of the largest rectangle whose ratio is in range.
fn largest(image: &Image, ratio: [f64; 2]) -> (usize, usize) {
    let (height, width) = (image.height as f64, image.width as f64);
    let side = |length: f64, most: usize| (length.round_ties_even() as usize).clamp(1, most);
    if width / height < ratio[0] {
        (side(width / ratio[0], image.height), image.width)
    } else if width / height > ratio[1] {
        (image.height, side(height * ratio[1], image.width))
    } else {
        (image.height, image.width)
    }
}

/// Rows and columns that the crop leaves out.
fn spare(image: &Image, height: usize, width: usize) -> Result<(usize, usize), String> {
    image.height.checked_sub(height).zip(image.width.checked_sub(width)).ok_or_else(|| {
        let (h, w) = (image.height, image.width);
        format!(
            "the image has {h}x{w} pixels, too few for a crop of {height}x{width}; `resize` or pad it before"
        )
    })
}

fn half_to_even(n: usize) -> usize {
    let half = n / 2;
    half + usize::from(n % 2 == 1 && half % 2 == 1)
}

/// The rectangle whose upper left corner lies at a row and a column.
pub(super) fn cut(image: &Image, (top, left): (usize, usize), height: usize, width: usize) -> Moved {
    let mut planes = Vec::with_capacity(3 * height * width);
    for plane in image.planes.chunks_exact(image.height * image.width) {
        for row in plane.chunks_exact(image.width).skip(top).take(height) {
            planes.extend_from_slice(&row[left..left + width]);
        }
    }
    Moved { image: Image { height, width, planes }, way: Way::shifted([-(left as f64), -(top as f64)]) }
}
