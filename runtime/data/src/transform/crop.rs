//! Cutting a rectangle out of an image.

use super::Chance;
use crate::pixels::Image;

/// The middle; of two middles the one that torchvision takes, which rounds half offsets to even.
pub(super) fn center(image: &Image, height: usize, width: usize) -> Result<Image, String> {
    let (rows, columns) = spare(image, height, width)?;
    Ok(cut(image, (half_to_even(rows), half_to_even(columns)), height, width))
}

/// A random place, each as likely as any other.
pub(super) fn random(image: &Image, height: usize, width: usize, chance: Chance) -> Result<Image, String> {
    let (rows, columns) = spare(image, height, width)?;
    Ok(cut(image, (chance.below(0, rows + 1), chance.below(1, columns + 1)), height, width))
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

fn cut(image: &Image, (top, left): (usize, usize), height: usize, width: usize) -> Image {
    let rows = image.rows().enumerate().filter(|(i, _)| (top..top + height).contains(&(i % image.height)));
    let planes = rows.flat_map(|(_, row)| &row[left..left + width]).copied().collect();
    Image { height, width, planes }
}
