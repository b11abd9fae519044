//! Images with things drawn on them: boxes with names, points, a legend.
//!
//! Everything is made of whole pixels and drawn without antialiasing, so that equal inputs give equal files on every machine.

mod boxes;
mod canvas;
mod image;
mod legend;
mod text;

pub(crate) use boxes::{Drawn, Look, draw_boxes};
pub(crate) use canvas::Canvas;
pub(crate) use image::pixels_of;
pub(crate) use legend::{Entry, Sign};

/// Red, green and blue.
pub(crate) type Colour = [u8; 3];

pub(crate) const WHITE: Colour = [255, 255, 255];
pub(crate) const BLACK: Colour = [0, 0, 0];

/// Colours that people tell apart on most grounds, the most different ones first.
const PALETTE: [Colour; 12] = [
    [230, 25, 75],
    [0, 130, 200],
    [245, 130, 48],
    [60, 180, 75],
    [145, 30, 180],
    [255, 225, 25],
    [70, 240, 240],
    [240, 50, 230],
    [170, 110, 40],
    [0, 128, 128],
    [210, 245, 60],
    [128, 0, 0],
];

/// The colour of a class or of another thing that is counted from 0.
pub(crate) fn colour_of(index: usize) -> Colour {
    PALETTE[index % PALETTE.len()]
}

/// Black or white, whichever is read more easily on a colour.
fn ink_on([red, green, blue]: Colour) -> Colour {
    let luma = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    if luma > 140_000 { BLACK } else { WHITE }
}

#[cfg(test)]
mod tests;
