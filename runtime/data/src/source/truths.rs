//! Truths of images: boxes with classes, and what can be wrong with them.

use vspec_ir::TruthRules;

use crate::transform::{Place, Way};

/// How far a box may reach over the edge of its image before it is worth a warning: files round, and some count from 1.
const TOLERANCE: f64 = 1.0;

/// A box with a class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Truth {
    /// Left, top, right and bottom in pixels.
    pub(crate) corners: [f32; 4],
    pub(crate) label: i32,
    /// Pixels; of an outline less than those of its box.
    pub(crate) area: f32,
    /// Whether it counts neither way: a crowd, or difficult.
    pub(crate) ignored: bool,
}

/// The truths of an image, padded to so many rows when items become tensors.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Truths {
    pub(crate) rows: Vec<Truth>,
    pub(crate) most: usize,
    /// Where the image lies in its picture.
    pub(crate) place: Place,
}

impl Truths {
    /// Share of a box that has to be left in the image for it to stay, and pixels of its sides.
    const LEFT: (f64, f64) = (0.1, 1.0);

    /// Truths go where the pixels of their image go. What then lies outside of its height and width is cut off; of what is hardly
    /// left nothing stays.
    pub(crate) fn moved(&mut self, way: Way, [height, width]: [usize; 2]) {
        self.place = self.place.moved(way, [height, width]);
        let [height, width] = [height, width].map(|v| v as f64);
        self.rows.retain_mut(|truth| {
            let [x1, y1, x2, y2] = way.of_box(truth.corners.map(f64::from));
            let cut = [x1.max(0.0), y1.max(0.0), x2.min(width), y2.min(height)];
            let [w, h] = [cut[2] - cut[0], cut[3] - cut[1]].map(|v| v.max(0.0));
            let share = w * h / ((x2 - x1) * (y2 - y1)).max(f64::MIN_POSITIVE);
            truth.corners = cut.map(|v| v as f32);
            truth.area = (f64::from(truth.area) * way.growth() * share) as f32;
            share >= Self::LEFT.0 && w.min(h) >= Self::LEFT.1
        });
    }
}

/// Warnings about the records of a file, each with its place; a few stand for many.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    said: Vec<String>,
    more: usize,
}

impl Warnings {
    /// How many are kept.
    const MOST: usize = 20;

    pub(super) fn say(&mut self, place: &str, message: &str) {
        if self.said.len() < Self::MOST {
            self.said.push(format!("{place}: {message}"));
        } else {
            self.more += 1;
        }
    }

    pub(super) fn finish(mut self) -> Vec<String> {
        if self.more > 0 {
            self.said.push(format!("{} more warnings of this kind", self.more));
        }
        self.said
    }
}

/// A box as a file has it, cut off at the edges of an image of a width and a height. None if nothing is left or it is too small.
pub(super) fn within(
    corners: [f64; 4],
    size: Option<[f64; 2]>,
    place: &str,
    warnings: &mut Warnings,
) -> Option<[f64; 4]> {
    let [x1, y1, x2, y2] = corners;
    let shown = format!("the box {x1}, {y1}, {x2}, {y2}");
    if !corners.iter().all(|v| v.is_finite()) {
        warnings.say(place, &format!("{shown} has a corner that is no number; it is left out"));
        return None;
    }
    if x2 <= x1 || y2 <= y1 {
        warnings.say(place, &format!("{shown} has no area; it is left out"));
        return None;
    }
    let Some([width, height]) = size else { return Some(corners) };
    let cut = [x1.clamp(0.0, width), y1.clamp(0.0, height), x2.clamp(0.0, width), y2.clamp(0.0, height)];
    if cut[2] <= cut[0] || cut[3] <= cut[1] {
        warnings.say(
            place,
            &format!("{shown} lies outside the image of {height}x{width} pixels; it is left out"),
        );
        return None;
    }
    if corners.iter().zip(cut).any(|(a, b)| (a - b).abs() > TOLERANCE) {
        warnings.say(
            place,
            &format!("{shown} reaches out of the image of {height}x{width} pixels; it is cut off"),
        );
    }
    Some(cut)
}

/// Keeps what the rules ask for. Gives whether the image stays.
pub(super) fn select(
    truths: &mut Vec<Truth>,
    rules: &TruthRules,
    place: &str,
    warnings: &mut Warnings,
) -> bool {
    truths.retain(|t| {
        let [x1, y1, x2, y2] = t.corners.map(f64::from);
        (rules.ignored || !t.ignored) && (x2 - x1).min(y2 - y1) >= rules.least
    });
    if truths.len() > rules.most {
        let (count, most) = (truths.len(), rules.most);
        warnings
            .say(place, &format!("has {count} truths, of which the first {most} are kept; raise `at_most`"));
        truths.truncate(rules.most);
    }
    rules.empty || truths.iter().any(|t| !t.ignored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_cut_off_left_out_and_reported() {
        let mut warnings = Warnings::default();
        let mut within = |corners| within(corners, Some([100.0, 50.0]), "f.json", &mut warnings);
        assert_eq!(within([1.0, 2.0, 3.0, 4.0]), Some([1.0, 2.0, 3.0, 4.0]));
        assert_eq!(within([-0.5, 0.0, 3.0, 50.4]), Some([0.0, 0.0, 3.0, 50.0]));
        assert_eq!(within([90.0, 40.0, 120.0, 60.0]), Some([90.0, 40.0, 100.0, 50.0]));
        assert_eq!(within([5.0, 5.0, 5.0, 9.0]), None);
        assert_eq!(within([100.0, 5.0, 120.0, 9.0]), None);
        assert_eq!(within([f64::NAN, 5.0, 120.0, 9.0]), None);
        let said = warnings.finish();
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(
            said[0].contains("f.json: the box 90, 40, 120, 60 reaches out of the image of 50x100 pixels")
        );
    }

    #[test]
    fn rules_choose_truths_and_images() {
        let truth = |side: f32, ignored| Truth {
            corners: [0.0, 0.0, side, 9.0],
            label: 0,
            area: 9.0 * side,
            ignored,
        };
        let rules = TruthRules { classes: vec![], most: 2, ignored: false, empty: false, least: 4.0 };
        let mut warnings = Warnings::default();
        let mut truths = vec![truth(3.0, false), truth(5.0, false), truth(6.0, true), truth(4.0, false)];
        assert!(select(&mut truths, &rules, "i", &mut warnings));
        assert_eq!(truths, [truth(5.0, false), truth(4.0, false)]);
        assert!(!select(&mut vec![truth(3.0, false)], &rules, "i", &mut warnings));
        let many = &mut vec![truth(5.0, false); 3];
        assert!(select(many, &rules, "i", &mut warnings));
        assert_eq!((many.len(), warnings.finish().len()), (2, 1));
    }

    #[test]
    fn a_few_warnings_stand_for_many() {
        let mut warnings = Warnings::default();
        (0..50).for_each(|i| warnings.say("f", &i.to_string()));
        let said = warnings.finish();
        assert_eq!((said.len(), said[20].as_str()), (21, "30 more warnings of this kind"));
    }
}
