//! Sequences of a textured shape that moves over textured ground.
//!
//! Each sequence has its own ground, its own figure and its own way: a steady course that bends, turned back at the edges of the
//! image, while the figure turns and breathes a little. Specks and streaks lie still, and every frame has its own noise. All of
//! it follows from the split and the number of the sequence.

use std::f64::consts::TAU;

use vspec_engine::rng::Stream;

use super::draws::Draws;
use super::figure::{Figure, Kind};
use super::{Canvas, Colour, MAX_SIZE, ground};
use crate::error::DataError;
use crate::source::{Info, Reader, Sample, Target};

/// Sequences and frames of the largest set.
const MAX_COUNT: usize = 1 << 20;
/// Parts of a pixel to which boxes are known.
const PARTS: f64 = 8.0;

/// The drawn sequences. Frame `i` of a split is always the same, whatever the seed of the run.
pub(in crate::source) struct MovingShapes {
    frames: usize,
    size: usize,
    split: String,
    info: Info,
}

impl MovingShapes {
    /// `counts` are the sequences and the frames of each, of `size` by `size` pixels.
    pub(in crate::source) fn open(counts: [usize; 2], size: usize, split: &str) -> Result<Self, DataError> {
        let [videos, frames] = counts;
        let items = videos.checked_mul(frames).filter(|_| videos.max(frames) <= MAX_COUNT);
        let Some(items) = items else {
            let message = format!("are at most {MAX_COUNT} sequences of at most {MAX_COUNT} frames");
            return Err(DataError::format(place(split), message));
        };
        if items == 0 {
            let hint = "; ask for one or more sequences and frames".to_string();
            return Err(DataError::Empty { place: place(split), hint });
        }
        if !(8..=MAX_SIZE).contains(&size) {
            let message = format!("are drawn with a side of 8 to {MAX_SIZE} pixels, not {size}");
            return Err(DataError::format(place(split), message));
        }
        let names = (0..videos).map(|v| format!("{split} {v}")).collect();
        Ok(MovingShapes { frames, size, split: split.to_string(), info: Info::named(names, items) })
    }
}

impl Reader for MovingShapes {
    fn info(&self) -> &Info {
        &self.info
    }

    fn read(&self, index: usize) -> Result<Sample, DataError> {
        let (video, frame) = (index / self.frames, index % self.frames);
        let mut draws = Draws::new(Stream::new(&format!("moving_shapes.{}", self.split), 0, video as u64));
        let noise = Stream::new(&format!("moving_shapes.{}.noise", self.split), 0, index as u64);
        let mut canvas = Canvas { size: self.size, colours: ground::colours(&mut draws, self.size) };
        let mean = canvas.mean();
        for _ in 0..4 {
            let colour = draws.colour();
            canvas.draw(&Figure::distractor(&mut draws), colour);
        }
        let texture = Texture::drawn(&mut draws, mean);
        let figure = figure(&mut draws, frame);
        canvas.draw_textured(&figure, |place| texture.at(place));
        let size = self.size as f64;
        let bounds = figure.bounds(1.0 / (PARTS * size)).map(|v| (v * size) as f32);
        let target = Some(Target { bounds, visible: true, frame: frame as i32 });
        Ok(Sample { target, ..Sample::labelled(canvas.finish(&noise), video as i32) })
    }

    fn label(&self, index: usize) -> Result<i32, DataError> {
        Ok((index / self.frames) as i32)
    }

    fn describe(&self, index: usize) -> String {
        format!("{}: video {}, frame {}", place(&self.split), index / self.frames, index % self.frames)
    }
}

fn place(split: &str) -> String {
    format!("moving_shapes (split {split})")
}

/// Stripes of two colours.
struct Texture {
    colours: [Colour; 2],
    /// Waves across the figure's radius, as a direction and a number.
    wave: [f64; 2],
    phase: f64,
}

impl Texture {
    /// Colours that can be seen on a ground.
    fn drawn(draws: &mut Draws, ground: Colour) -> Self {
        let colours = [draws.colour_apart_from(ground), draws.colour()];
        let (sin, cos) = draws.range(0.0, TAU).sin_cos();
        let waves = draws.range(2.5, 5.0);
        Texture { colours, wave: [waves * cos, waves * sin], phase: draws.range(0.0, TAU) }
    }

    fn at(&self, [x, y]: [f64; 2]) -> Colour {
        let share = 0.5 + 0.5 * (self.wave[0] * x + self.wave[1] * y + self.phase).sin();
        let [a, b] = self.colours;
        std::array::from_fn(|c| a[c] + share * 0.8 * (b[c] - a[c]))
    }
}

/// The figure as it is in a frame: everything before is passed through.
fn figure(draws: &mut Draws, frame: usize) -> Figure {
    let kind = Kind::ALL[draws.below(Kind::ALL.len() as u32) as usize];
    let radius = draws.range(0.11, 0.19);
    let margin = 1.2 * radius;
    let mut centre = [draws.range(margin, 1.0 - margin), draws.range(margin, 1.0 - margin)];
    let (mut course, speed) = (draws.range(0.0, TAU), draws.range(0.015, 0.035));
    let (angle, turning) = (draws.range(0.0, TAU), draws.range(-0.06, 0.06));
    let breath = draws.range(0.0, TAU);
    for _ in 0..frame {
        course += draws.range(-0.35, 0.35);
        for (axis, step) in [course.cos(), course.sin()].into_iter().enumerate() {
            let next = centre[axis] + speed * step;
            if (margin..=1.0 - margin).contains(&next) {
                centre[axis] = next;
            } else {
                // Mirrored in this axis.
                course = if axis == 0 { TAU / 2.0 - course } else { -course };
            }
        }
    }
    let t = frame as f64;
    Figure::at(kind, centre, radius * (1.0 + 0.12 * (breath + 0.15 * t).sin()), angle + turning * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(split: &str) -> MovingShapes {
        MovingShapes::open([3, 12], 48, split).expect("can be drawn")
    }

    fn target(set: &MovingShapes, index: usize) -> Target {
        set.read(index).expect("drawn").target.expect("a frame")
    }

    #[test]
    fn a_frame_is_always_the_same_and_splits_differ() {
        assert_eq!(set("train").read(17).expect("drawn"), set("train").read(17).expect("drawn"));
        assert_ne!(set("train").read(17).expect("drawn").pixels, set("val").read(17).expect("drawn").pixels);
        assert_eq!(set("train").label(17).expect("known"), 1);
        assert_eq!(target(&set("train"), 17).frame, 5);
    }

    #[test]
    fn the_target_moves_a_little_from_frame_to_frame_and_stays_in_the_image() {
        let set = set("train");
        for video in 0..3 {
            let mut way = 0.0;
            for frame in 1..12 {
                let [a, b] = [frame - 1, frame].map(|f| target(&set, video * 12 + f).bounds);
                assert!(b[0] >= 0.0 && b[1] >= 0.0 && b[2] <= 48.0 && b[3] <= 48.0, "{b:?}");
                assert!(b[2] - b[0] > 5.0 && b[3] - b[1] > 3.0, "{b:?}");
                let moved = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(moved < 0.08 * 48.0, "{a:?} {b:?}");
                way += moved;
            }
            assert!(way > 3.0, "video {video} moved by {way}");
        }
    }

    #[test]
    fn a_box_holds_the_pixels_that_change_when_the_figure_goes() {
        // The ground of a sequence stays: where two frames differ by more than noise, the figure is in one of them.
        let set = set("train");
        let [first, last] = [0, 11].map(|f| set.read(f).expect("drawn"));
        let within = |t: &Target, x: f32, y: f32| {
            let [l, t, r, b] = t.bounds;
            x > l - 1.0 && x < r + 1.0 && y > t - 1.0 && y < b + 1.0
        };
        let mut seen = 0;
        for i in 0..48 * 48 {
            let differs =
                (0..3).any(|c| first.pixels.rgb[3 * i + c].abs_diff(last.pixels.rgb[3 * i + c]) > 50);
            let (x, y) = ((i % 48) as f32 + 0.5, (i / 48) as f32 + 0.5);
            let inside = [&first, &last].iter().any(|s| within(&s.target.expect("a frame"), x, y));
            assert!(!differs || inside, "({x}, {y})");
            seen += usize::from(differs);
        }
        assert!(seen > 20, "only {seen} pixels differ");
    }

    #[test]
    fn impossible_sets_are_refused() {
        assert!(MovingShapes::open([0, 5], 64, "train").is_err());
        assert!(MovingShapes::open([5, 0], 64, "train").is_err());
        assert!(MovingShapes::open([5, 5], 4, "train").is_err());
        assert!(MovingShapes::open([usize::MAX, usize::MAX], 64, "train").is_err());
    }
}
