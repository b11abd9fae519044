//! Four items in one. Bochkovskiy et al. 2020.

use std::sync::Arc;

use vspec_engine::rng::Stream;

use super::item::Item;
use super::pick::Pick;
use crate::pixels::Image;
use crate::source::Truths;
use crate::transform::{self, Place, Way};

/// Value of pixels that no item covers, the grey of YOLO.
const GREY: f64 = 114.0 / 255.0;

/// How mosaics are made.
#[derive(Debug, Clone)]
pub(super) struct Mosaic {
    /// Height and width.
    pub(super) size: [usize; 2],
    pub(super) probability: f64,
    /// Name of its random stream.
    pub(super) stream: Arc<str>,
}

/// The items of one mosaic beside the first, and where they meet.
pub(super) struct Plan {
    /// Places in the order of the epoch; none if the first item stays alone.
    pub(super) others: Vec<usize>,
    /// Row and column.
    pub(super) centre: [usize; 2],
}

impl Mosaic {
    /// Numbers that one mosaic may draw.
    const DRAWS: u64 = 8;

    /// Says what is wrong with it, as a sentence.
    pub(super) fn check(&self) -> Result<(), String> {
        let [height, width] = self.size;
        transform::check(&vspec_ir::Transform::Resize { height, width })?;
        match self.probability {
            0.0..=1.0 => Ok(()),
            p => Err(format!("a probability lies between 0 and 1, {p} does not")),
        }
    }

    /// What goes into the mosaic of an item among so many. `stream` belongs to the stage and the epoch.
    pub(super) fn plan(&self, pick: Pick, items: usize, stream: &Stream) -> Plan {
        let draws = pick.key * Self::DRAWS;
        if stream.uniform(draws) >= self.probability {
            return Plan { others: vec![], centre: self.size };
        }
        let others = (1..4).map(|i| stream.below(draws + i, items as u32) as usize).collect();
        // In the middle half.
        let centre = [0, 1].map(|axis| {
            let share = 0.25 + 0.5 * stream.uniform(draws + 4 + axis as u64);
            ((self.size[axis] as f64 * share).round() as usize).clamp(1, self.size[axis])
        });
        Plan { others, centre }
    }

    /// Joins items around a row and a column: upper left, upper right, lower left, lower right. Other fields are those of the first.
    pub(super) fn join(&self, first: Item, others: Vec<Item>, centre: [usize; 2]) -> Result<Item, String> {
        let [height, width] = self.size;
        if others.is_empty() {
            return self.alone(first);
        }
        let mut canvas = Image { height, width, planes: vec![GREY as f32; 3 * height * width] };
        let place = Place::whole(self.size);
        let mut all: Option<Truths> = first.truths().map(|t| Truths { rows: vec![], place, ..t });
        let mut joined = first.clone();
        for (quarter, mut item) in std::iter::once(first).chain(others).enumerate() {
            let truths = item.truths();
            let Some(image) = item.take_image() else {
                return Err("there is no image of three planes to join with others".to_string());
            };
            let way = self.place(image, &mut canvas, centre, [quarter / 2, quarter % 2]);
            if let (Some(all), Some(mut truths)) = (&mut all, truths) {
                let [low, high] = window(centre, self.size, [quarter / 2, quarter % 2]);
                // Cut off where the next item begins.
                let inner = way.then(Way::shifted([-(low[1] as f64), -(low[0] as f64)]));
                truths.moved(inner, [high[0] - low[0], high[1] - low[1]]);
                let back = Way::shifted([low[1] as f64, low[0] as f64]);
                truths.moved(back, self.size);
                all.rows.extend(truths.rows);
            }
        }
        if let Some(all) = &all {
            joined.set_truths(all);
        }
        joined.set_image(canvas);
        Ok(joined)
    }

    fn alone(&self, mut item: Item) -> Result<Item, String> {
        let [height, width] = self.size;
        let Some(image) = item.take_image() else {
            return Err("there is no image of three planes to scale".to_string());
        };
        let from = [image.height, image.width];
        let moved = transform::fit(image, height, width, GREY);
        item.set_moved(moved, from);
        Ok(item)
    }

    /// Draws an image into its quarter, with a corner at the centre; gives where its pixels went.
    fn place(&self, image: Image, canvas: &mut Image, centre: [usize; 2], quarter: [usize; 2]) -> Way {
        let [height, width] = self.size;
        let (image, way) = transform::fit_inside(image, height, width);
        let start = |axis: usize, length: usize| match quarter[axis] {
            0 => centre[axis] as i64 - length as i64,
            _ => centre[axis] as i64,
        };
        let (top, left) = (start(0, image.height), start(1, image.width));
        let [low, high] = window(centre, self.size, quarter);
        for (i, row) in image.rows().enumerate() {
            let (channel, y) = (i / image.height, (i % image.height) as i64 + top);
            if y < low[0] as i64 || y >= high[0] as i64 {
                continue;
            }
            let (from, to) = ((low[1] as i64).max(left), (high[1] as i64).min(left + image.width as i64));
            if from < to {
                let begin = (channel * height + y as usize) * width;
                canvas.planes[begin + from as usize..begin + to as usize]
                    .copy_from_slice(&row[(from - left) as usize..(to - left) as usize]);
            }
        }
        way.then(Way::shifted([left as f64, top as f64]))
    }
}

/// First row and column of a quarter, and the first ones behind it.
fn window(centre: [usize; 2], size: [usize; 2], quarter: [usize; 2]) -> [[usize; 2]; 2] {
    let low = [0, 1].map(|axis| if quarter[axis] == 0 { 0 } else { centre[axis] });
    let high = [0, 1].map(|axis| if quarter[axis] == 0 { centre[axis] } else { size[axis] });
    [low, high]
}
