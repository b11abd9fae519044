//! Letters on a canvas.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::{Canvas, Colour};

const LETTERS: RasterHeight = RasterHeight::Size16;

/// Pixels of a line of text.
pub(super) fn height(unit: usize) -> i64 {
    (LETTERS.val() * unit) as i64
}

/// Pixels of a text.
pub(super) fn width(text: &str, unit: usize) -> i64 {
    (get_raster_width(FontWeight::Regular, LETTERS) * text.chars().count() * unit) as i64
}

impl Canvas {
    /// Writes to the right of and below a place; a letter that the font lacks is a question mark.
    pub(super) fn write(&mut self, (left, top): (i64, i64), text: &str, ink: Colour) {
        let unit = self.unit as i64;
        let step = width("x", self.unit);
        let glyph = |c| get_raster(c, FontWeight::Regular, LETTERS);
        for (i, character) in text.chars().enumerate() {
            let Some(letter) = glyph(character).or_else(|| glyph('?')) else { continue };
            let left = left + step * i as i64;
            for (y, row) in (0i64..).zip(letter.rows()) {
                for (x, shade) in (0i64..).zip(row.iter()).filter(|(_, shade)| **shade > 0) {
                    let (x, y) = (left + x * unit, top + y * unit);
                    self.blend([x, y, x + unit, y + unit], ink, f64::from(*shade) / 255.0);
                }
            }
        }
    }
}
