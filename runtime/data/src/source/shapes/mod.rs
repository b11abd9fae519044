//! Coloured shapes on textured ground, drawn by the program: a data set that needs no files.
//!
//! The class is the kind of the figure. Place, size, rotation and all colours are random and do not depend on it, and the
//! ground has a gradient, blotches, noise and small distractors, so that neither the mean colour nor any single pixel gives
//! the class away. Everything is laid out in units of the image's side, so that an item shows the same scene at any size.

mod draws;
mod figure;
mod ground;
mod moving;
mod scenes;

use vspec_engine::rng::Stream;

use self::draws::Draws;
use self::figure::{Figure, Kind};
pub(super) use self::moving::MovingShapes;
pub(super) use self::scenes::Scenes;
use super::{Info, Reader, Sample};
use crate::error::DataError;
use crate::pixels::Pixels;

/// Pixels on a side of the largest image that is drawn.
const MAX_SIZE: usize = 1024;
/// Half the amplitude of the noise of a pixel.
const NOISE: f64 = 0.07;

/// A colour as red, green and blue in [0, 1].
type Colour = [f64; 3];

/// The drawn data set. Item `i` of a split is always the same, whatever the seed of the run.
pub(super) struct Shapes {
    size: usize,
    split: String,
    info: Info,
}

impl Shapes {
    /// `count` images of `size` by `size` pixels. Splits draw from different streams.
    pub(super) fn open(count: usize, size: usize, split: &str) -> Result<Self, DataError> {
        if count == 0 {
            return Err(DataError::Empty { place: place(split), hint: "; ask for one or more".to_string() });
        }
        if size == 0 || size > MAX_SIZE {
            let message = format!("are drawn with a side of 1 to {MAX_SIZE} pixels, not {size}");
            return Err(DataError::format(place(split), message));
        }
        let names = Kind::ALL.iter().map(|k| k.name().to_string()).collect();
        Ok(Shapes { size, split: split.to_string(), info: Info::named(names, count) })
    }
}

impl Reader for Shapes {
    fn info(&self) -> &Info {
        &self.info
    }

    fn read(&self, index: usize) -> Result<Sample, DataError> {
        let label = index % Kind::ALL.len();
        let mut draws = Draws::new(Stream::new(&format!("shapes.{}", self.split), 0, index as u64));
        let noise = Stream::new(&format!("shapes.{}.noise", self.split), 0, index as u64);
        let mut canvas = Canvas { size: self.size, colours: ground::colours(&mut draws, self.size) };
        let ground = canvas.mean();
        let paint = draws.colour_apart_from(ground);
        for _ in 0..3 + draws.below(4) {
            let colour = if draws.below(2) == 0 { paint } else { draws.colour() };
            canvas.draw(&Figure::distractor(&mut draws), colour);
        }
        canvas.draw(&Figure::subject(Kind::ALL[label], &mut draws), paint);
        Ok(Sample::labelled(canvas.finish(&noise), label as i32))
    }

    fn label(&self, index: usize) -> Result<i32, DataError> {
        Ok((index % Kind::ALL.len()) as i32)
    }

    fn describe(&self, index: usize) -> String {
        format!("{}: item {index}", place(&self.split))
    }
}

fn place(split: &str) -> String {
    format!("shapes (split {split})")
}

/// A square image that is drawn on.
struct Canvas {
    size: usize,
    colours: Vec<Colour>,
}

impl Canvas {
    fn mean(&self) -> Colour {
        let sum = self.colours.iter().fold([0.0; 3], |s, c| [s[0] + c[0], s[1] + c[1], s[2] + c[2]]);
        sum.map(|s| s / self.colours.len() as f64)
    }

    /// Mixes a colour into each pixel as far as the figure covers it.
    fn draw(&mut self, figure: &Figure, colour: Colour) {
        self.draw_textured(figure, |_| colour);
    }

    /// The same with a colour that depends on the place, as the figure sees it: its radius is 1.
    fn draw_textured(&mut self, figure: &Figure, colour: impl Fn([f64; 2]) -> Colour) {
        let unit = 1.0 / self.size as f64;
        for (i, pixel) in self.colours.iter_mut().enumerate() {
            let corner = [(i % self.size) as f64 * unit, (i / self.size) as f64 * unit];
            let cover = figure.coverage(corner, unit);
            if cover == 0.0 {
                continue;
            }
            let paint = colour(figure.inside([corner[0] + unit / 2.0, corner[1] + unit / 2.0]));
            for (value, paint) in pixel.iter_mut().zip(paint) {
                *value += cover * (paint - *value);
            }
        }
    }

    /// Adds noise to each value and rounds to 8 bits.
    fn finish(&self, noise: &Stream) -> Pixels {
        let values = self.colours.iter().flatten().enumerate();
        let noisy = values.map(|(i, v)| v + NOISE * (2.0 * noise.uniform(i as u64) - 1.0));
        let rgb = noisy.map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
        Pixels { height: self.size, width: self.size, rgb }
    }
}

#[cfg(test)]
mod tests;
