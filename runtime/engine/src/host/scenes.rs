//! Detections and truths in a set of images, by class.

use super::operands::{Corners, boxes, falling, flags, integers, numbers};
use crate::HostTensor;

/// A detection.
pub(super) struct Found {
    pub(super) corners: Corners,
    pub(super) score: f64,
}

/// A truth.
pub(super) struct Truth {
    pub(super) corners: Corners,
    pub(super) area: f64,
    /// It counts neither way: a crowd, or difficult.
    pub(super) ignored: bool,
}

/// What belongs to one class in one image.
pub(super) struct Scene {
    /// The best first.
    pub(super) found: Vec<Found>,
    pub(super) truths: Vec<Truth>,
}

/// Detections and truths of all images; rows that are padding are left out.
pub(super) struct Scenes {
    images: usize,
    found: Vec<(i32, Found)>,
    present: Vec<(i32, Truth)>,
    /// Where the rows of each image end.
    ends: Vec<[usize; 2]>,
}

impl Scenes {
    /// Operands 0 to 5 are boxes, scores, labels, which of them are there, boxes of truths and their labels. `areas` is the
    /// operand of areas, if they are not those of the boxes; then come what is ignored and what is there.
    pub(super) fn of(
        operands: &[HostTensor],
        areas: Option<usize>,
        ignored: usize,
    ) -> Result<Scenes, String> {
        let (corners, scores, labels) = (boxes(operands, 0), numbers(operands, 1), integers(operands, 2));
        let (there, truths, kinds) = (flags(operands, 3), boxes(operands, 4), integers(operands, 5));
        let (areas, ignored, present) =
            (areas.map(|at| numbers(operands, at)), flags(operands, ignored), flags(operands, ignored + 1));
        let rows = |at: usize| match operands.get(at).map(HostTensor::shape) {
            Some([images, rows]) => Ok((*images, *rows)),
            _ => Err("rows have the axes image and row".to_string()),
        };
        let ((images, per_image), (_, truths_per_image)) = (rows(1)?, rows(5)?);
        let mut scenes = Scenes { images, found: vec![], present: vec![], ends: vec![] };
        for image in 0..images {
            for i in (image * per_image..(image + 1) * per_image).filter(|i| there[*i]) {
                scenes.found.push((labels[i], Found { corners: corners[i], score: scores[i] }));
            }
            for i in (image * truths_per_image..(image + 1) * truths_per_image).filter(|i| present[*i]) {
                let corners = truths[i];
                let area = areas.as_ref().map_or_else(|| super::operands::area(&corners), |a| a[i]);
                scenes.present.push((kinds[i], Truth { corners, area, ignored: ignored[i] }));
            }
            scenes.ends.push([scenes.found.len(), scenes.present.len()]);
        }
        Ok(scenes)
    }

    /// What belongs to a class, image by image; images without any are left out.
    pub(super) fn of_class(&self, class: i32) -> Vec<Scene> {
        let mut start = [0, 0];
        let mut scenes = vec![];
        for end in self.ends.iter().take(self.images) {
            let found = self.found[start[0]..end[0]].iter().filter(|(label, _)| *label == class);
            let found: Vec<&Found> = found.map(|(_, f)| f).collect();
            let truths = self.present[start[1]..end[1]].iter().filter(|(label, _)| *label == class);
            let truths: Vec<Truth> = truths.map(|(_, t)| Truth { ..*t }).collect();
            start = *end;
            if found.is_empty() && truths.is_empty() {
                continue;
            }
            let order = falling(&found.iter().map(|f| f.score).collect::<Vec<_>>());
            let found = order.into_iter().map(|i| Found { ..*found[i] }).collect();
            scenes.push(Scene { found, truths });
        }
        scenes
    }
}

/// Right and wrong detections of one class in falling order of score, counted up.
pub(super) struct Hits {
    /// Right ones up to each.
    pub(super) right: Vec<f64>,
    /// Wrong ones up to each.
    pub(super) wrong: Vec<f64>,
}

impl Hits {
    /// From scores and whether they are right; what counts neither way is none.
    pub(super) fn counted(outcomes: &[(f64, Option<bool>)]) -> Hits {
        let order = falling(&outcomes.iter().map(|(score, _)| *score).collect::<Vec<_>>());
        let mut hits = Hits { right: vec![], wrong: vec![] };
        let (mut right, mut wrong) = (0.0, 0.0);
        for i in order {
            match outcomes[i].1 {
                Some(true) => right += 1.0,
                Some(false) => wrong += 1.0,
                None => {}
            }
            hits.right.push(right);
            hits.wrong.push(wrong);
        }
        hits
    }

    /// Precision up to each detection, and never less than it is further on.
    pub(super) fn envelope(&self) -> Vec<f64> {
        let counts = self.right.iter().zip(&self.wrong);
        let mut precision: Vec<f64> = counts.map(|(r, w)| r / (r + w + f64::EPSILON)).collect();
        for i in (1..precision.len()).rev() {
            precision[i - 1] = precision[i - 1].max(precision[i]);
        }
        precision
    }
}
