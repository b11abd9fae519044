//! Pixels that are drawn on.

use tiny_skia::{IntSize, Pixmap};
use vspec_data::Pixels;

use super::Colour;

/// The longer side of an image that is not enlarged.
const SIDE: usize = 480;
/// The longer side for which lines are a unit wide.
const UNIT: usize = 640;

/// An image that is drawn on, enlarged by a whole number if it is small.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    rgb: Vec<u8>,
    /// Pixels for each pixel of the image.
    pub(super) zoom: usize,
    /// Pixels of a thin line and of a dot of a letter.
    pub(super) unit: usize,
}

/// A rectangle in whole pixels: left, top, right, bottom; the last two are behind it.
pub(super) type Area = [i64; 4];

impl Canvas {
    /// An image to draw on.
    pub(crate) fn of(image: &Pixels) -> Canvas {
        let longer = image.width.max(image.height).max(1);
        let zoom = SIDE.div_ceil(longer);
        let unit = ((longer * zoom + UNIT / 2) / UNIT).max(1);
        let (width, height) = (image.width * zoom, image.height * zoom);
        let mut rgb = Vec::with_capacity(3 * width * height);
        for y in 0..height {
            for x in 0..width {
                let at = 3 * ((y / zoom) * image.width + x / zoom);
                rgb.extend_from_slice(&image.rgb[at..at + 3]);
            }
        }
        Canvas { width, height, rgb, zoom, unit }
    }

    /// Pixels of a thin line.
    pub(crate) fn unit(&self) -> f64 {
        self.unit as f64
    }

    /// A place of the image in pixels of the canvas.
    pub(super) fn at(&self, value: f64) -> i64 {
        (value * self.zoom as f64).round() as i64
    }

    /// Lightens what is there, so that what is drawn stands out.
    pub(crate) fn fade(&mut self, share: f64) {
        self.blend([0, 0, self.width as i64, self.height as i64], super::WHITE, share);
    }

    /// More rows below, of one colour.
    pub(super) fn extend(&mut self, rows: usize, colour: Colour) {
        self.height += rows;
        self.rgb.extend(colour.iter().copied().cycle().take(3 * rows * self.width));
    }

    pub(super) fn fill(&mut self, area: Area, colour: Colour) {
        self.blend(area, colour, 1.0);
    }

    /// Mixes a colour into an area; what lies outside of the canvas is left out.
    pub(super) fn blend(&mut self, [left, top, right, bottom]: Area, colour: Colour, opacity: f64) {
        let (width, height) = (self.width as i64, self.height as i64);
        for y in top.clamp(0, height)..bottom.clamp(0, height) {
            for x in left.clamp(0, width)..right.clamp(0, width) {
                self.mix((y * width + x) as usize, colour, opacity);
            }
        }
    }

    /// Mixes a colour into a pixel, if it is one.
    pub(super) fn dot(&mut self, (x, y): (i64, i64), colour: Colour, opacity: f64) {
        self.blend([x, y, x + 1, y + 1], colour, opacity);
    }

    fn mix(&mut self, pixel: usize, colour: Colour, opacity: f64) {
        for (own, other) in self.rgb[3 * pixel..3 * pixel + 3].iter_mut().zip(colour) {
            let mixed = f64::from(*own) + (f64::from(other) - f64::from(*own)) * opacity;
            *own = mixed.round() as u8;
        }
    }

    /// The lines around an area, inside of it, so wide; with gaps if `dashed`.
    pub(super) fn frame(&mut self, area: Area, wide: i64, colour: Colour, dashed: bool) {
        let [left, top, right, bottom] = area;
        let sides = [
            [left, top, right, top + wide],
            [left, bottom - wide, right, bottom],
            [left, top, left + wide, bottom],
            [right - wide, top, right, bottom],
        ];
        let dash = 5 * self.unit as i64;
        for [x1, y1, x2, y2] in sides {
            if !dashed {
                self.fill([x1, y1, x2, y2], colour);
                continue;
            }
            for y in y1.max(0)..y2.min(self.height as i64) {
                for x in x1.max(0)..x2.min(self.width as i64) {
                    let along = if x2 - x1 > y2 - y1 { x - left } else { y - top };
                    if along.div_euclid(dash) % 2 == 0 {
                        self.dot((x, y), colour, 1.0);
                    }
                }
            }
        }
    }

    /// A filled circle around a place of the image, of a radius in pixels of the canvas, with a dark rim.
    pub(crate) fn disc(&mut self, [x, y]: [f64; 2], radius: f64, colour: Colour, opacity: f64) {
        let (x, y) = (x * self.zoom as f64, y * self.zoom as f64);
        let reach = radius.ceil() as i64 + 1;
        let (middle_x, middle_y) = (x.floor() as i64, y.floor() as i64);
        for row in middle_y - reach..=middle_y + reach {
            for column in middle_x - reach..=middle_x + reach {
                let away = (column as f64 + 0.5 - x).hypot(row as f64 + 0.5 - y);
                if away <= radius - self.unit as f64 {
                    self.dot((column, row), colour, opacity);
                } else if away <= radius {
                    self.dot((column, row), super::BLACK, opacity);
                }
            }
        }
    }

    /// The colour of a pixel.
    #[cfg(test)]
    pub(super) fn pixel(&self, x: usize, y: usize) -> Colour {
        let at = 3 * (y * self.width + x);
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    /// The picture as a file. The error is a phrase.
    pub(crate) fn png(&self) -> Result<Vec<u8>, String> {
        let size = u32::try_from(self.width).ok().zip(u32::try_from(self.height).ok());
        let size = size.and_then(|(width, height)| IntSize::from_wh(width, height));
        let rgba = self.rgb.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
        let picture = size.and_then(|size| Pixmap::from_vec(rgba, size)).ok_or("it is too large")?;
        picture.encode_png().map_err(|e| e.to_string())
    }
}
