//! Several shapes on textured ground with their boxes: a detection set that needs no files.
//!
//! Each image has one to [`Source::SCENE_TRUTHS`] figures of the first kinds, of random places, sizes, turns and colours, which hardly
//! overlap. Boxes are those of what is drawn.

use std::f64::consts::TAU;

use vspec_engine::rng::Stream;
use vspec_ir::Source;

use super::draws::Draws;
use super::figure::{Figure, Kind};
use super::{Canvas, MAX_SIZE, ground};
use crate::error::DataError;
use crate::source::truths::{Truth, Truths};
use crate::source::{Info, Reader, Sample};
use crate::transform::Place;

/// Parts of a pixel to which boxes are known.
const PARTS: f64 = 4.0;
/// Places that are tried for a figure.
const TRIES: usize = 16;

/// The drawn set. Item `i` of a split is always the same, whatever the seed of the run.
pub(in crate::source) struct Scenes {
    size: usize,
    split: String,
    kinds: usize,
    info: Info,
}

impl Scenes {
    /// `count` images of `size` by `size` pixels with the first `kinds` kinds of figure.
    pub(in crate::source) fn open(
        count: usize,
        size: usize,
        split: &str,
        kinds: usize,
    ) -> Result<Self, DataError> {
        let place = place(split);
        if count == 0 {
            return Err(DataError::Empty { place, hint: "; ask for one or more".to_string() });
        }
        if !(32..=MAX_SIZE).contains(&size) {
            let message = format!("are drawn with a side of 32 to {MAX_SIZE} pixels, not {size}");
            return Err(DataError::format(place, message));
        }
        if !(1..=Kind::ALL.len()).contains(&kinds) {
            let message = format!("have 1 to {} classes, not {kinds}", Kind::ALL.len());
            return Err(DataError::format(place, message));
        }
        let names = Kind::ALL.iter().take(kinds).map(|k| k.name().to_string()).collect();
        Ok(Scenes { size, split: split.to_string(), kinds, info: Info::named(names, count) })
    }

    /// A figure that hardly overlaps those that are there, with its box in units of the image's side.
    fn place(&self, draws: &mut Draws, there: &[[f64; 4]]) -> Option<(Figure, usize, [f64; 4])> {
        let kind = draws.below(self.kinds as u32) as usize;
        for _ in 0..TRIES {
            let radius = draws.range(0.08, 0.22);
            let centre = [draws.range(radius, 1.0 - radius), draws.range(radius, 1.0 - radius)];
            let figure = Figure::at(Kind::ALL[kind], centre, radius, draws.range(0.0, TAU));
            let reach = [centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius];
            if there.iter().all(|other| shared(&reach, other) < 0.1) {
                let bounds = figure.bounds(1.0 / (PARTS * self.size as f64));
                return Some((figure, kind, bounds));
            }
        }
        None
    }
}

impl Reader for Scenes {
    fn info(&self) -> &Info {
        &self.info
    }

    fn read(&self, index: usize) -> Result<Sample, DataError> {
        let mut draws = Draws::new(Stream::new(&format!("scenes.{}", self.split), 0, index as u64));
        let noise = Stream::new(&format!("scenes.{}.noise", self.split), 0, index as u64);
        let mut canvas = Canvas { size: self.size, colours: ground::colours(&mut draws, self.size) };
        let ground = canvas.mean();
        for _ in 0..3 {
            let colour = draws.colour();
            canvas.draw(&Figure::distractor(&mut draws), colour);
        }
        let (mut there, mut rows) = (vec![], vec![]);
        for _ in 0..1 + draws.below(Source::SCENE_TRUTHS as u32) {
            let Some((figure, kind, bounds)) = self.place(&mut draws, &there) else { continue };
            let colour = draws.colour_apart_from(ground);
            canvas.draw(&figure, colour);
            there.push(bounds);
            let corners = bounds.map(|v| (v * self.size as f64) as f32);
            let area = (corners[2] - corners[0]) * (corners[3] - corners[1]);
            rows.push(Truth { corners, label: kind as i32, area, ignored: false });
        }
        let place = Place::whole([self.size; 2]);
        let truths = Some(Truths { rows, most: Source::SCENE_TRUTHS, place });
        Ok(Sample { truths, ..Sample::labelled(canvas.finish(&noise), 0) })
    }

    fn label(&self, index: usize) -> Result<i32, DataError> {
        let message = "a scene has several shapes, and no class of its own to choose it by".to_string();
        Err(DataError::Item { item: self.describe(index), message })
    }

    fn describe(&self, index: usize) -> String {
        format!("{}: item {index}", place(&self.split))
    }
}

fn place(split: &str) -> String {
    format!("scenes (split {split})")
}

/// The share of the smaller of two boxes that both cover.
fn shared(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    let area = |x: &[f64; 4]| (x[2] - x[0]).max(0.0) * (x[3] - x[1]).max(0.0);
    let both = [a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])];
    area(&both) / area(a).min(area(b)).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(split: &str) -> Scenes {
        Scenes::open(40, 64, split, 4).expect("can be drawn")
    }

    #[test]
    fn a_scene_is_always_the_same_and_splits_differ() {
        assert_eq!(set("train").read(17).expect("drawn"), set("train").read(17).expect("drawn"));
        assert_ne!(set("train").read(17).expect("drawn"), set("val").read(17).expect("drawn"));
    }

    #[test]
    fn boxes_lie_in_the_image_and_hold_what_is_drawn() {
        let (set, mut labels, mut count) = (set("train"), [0; 4], 0);
        for i in 0..40 {
            let sample = set.read(i).expect("drawn");
            let truths = sample.truths.expect("a detection set");
            assert!((1..=Source::SCENE_TRUTHS).contains(&truths.rows.len()));
            for t in &truths.rows {
                let [x1, y1, x2, y2] = t.corners;
                assert!(x1 >= 0.0 && y1 >= 0.0 && x2 <= 64.0 && y2 <= 64.0, "{t:?}");
                assert!(x2 - x1 > 3.0 && y2 - y1 > 3.0, "{t:?}");
                labels[t.label as usize] += 1;
                count += 1;
            }
        }
        assert!(count > 80 && labels.iter().all(|n| *n > 5), "{labels:?}");
    }

    #[test]
    fn impossible_sets_are_refused() {
        assert!(Scenes::open(0, 64, "train", 4).is_err());
        assert!(Scenes::open(5, 8, "train", 4).is_err());
        assert!(Scenes::open(5, 64, "train", 0).is_err());
        assert!(Scenes::open(5, 64, "train", 11).is_err());
    }
}
