//! Average precision by the rules of Pascal VOC.

use super::operands::{integers, iou, number};
use super::scenes::{Hits, Scene, Scenes};
use super::tensor;
use crate::{Buffer, HostTensor};

pub(super) fn average_precision(operands: &[HostTensor]) -> Result<HostTensor, String> {
    let scenes = Scenes::of(operands, None, 6)?;
    let (classes, overlap, points) = (integers(operands, 8), number(operands, 9)?, number(operands, 10)?);
    if points != 0.0 && points != 11.0 {
        return Err(format!("a curve is measured at 11 points, or by its area with 0, not at {points}"));
    }
    let values: Vec<f64> =
        classes.iter().map(|class| of_class(&scenes.of_class(*class), overlap, points > 0.0)).collect();
    match operands[0].buffer() {
        Buffer::F64(_) => tensor(vec![classes.len()], Buffer::F64(values)),
        _ => tensor(vec![classes.len()], Buffer::F32(values.into_iter().map(|v| v as f32).collect())),
    }
}

fn of_class(scenes: &[Scene], overlap: f64, at_points: bool) -> f64 {
    let truths = scenes.iter().flat_map(|s| &s.truths).filter(|t| !t.ignored).count();
    if truths == 0 {
        return -1.0;
    }
    let outcomes: Vec<(f64, Option<bool>)> = scenes.iter().flat_map(|s| outcomes(s, overlap)).collect();
    let hits = Hits::counted(&outcomes);
    let precision = hits.envelope();
    let recall: Vec<f64> = hits.right.iter().map(|right| right / truths as f64).collect();
    // Precision where a recall is reached; the envelope falls, so that it is the largest from there on. As in mmdet the points are
    // multiples of 0.1 in double precision: 3/10 does not reach the fourth, which is a little more than 0.3.
    let at = |wanted: f64| precision.get(recall.partition_point(|r| *r < wanted)).copied().unwrap_or(0.0);
    if at_points {
        return (0..=10).map(|i| at(f64::from(i) * 0.1)).sum::<f64>() / 11.0;
    }
    let starts = std::iter::once(0.0).chain(recall.iter().copied());
    let widths = recall.iter().zip(starts).map(|(end, start)| end - start);
    widths.zip(&precision).map(|(width, height)| width * height).sum()
}

/// Whether each detection is right, the best first: it is if no better one took the truth that it overlaps most.
fn outcomes(scene: &Scene, overlap: f64) -> Vec<(f64, Option<bool>)> {
    let mut free = vec![true; scene.truths.len()];
    let mut outcome = |found: &super::scenes::Found| {
        let overlaps = scene.truths.iter().map(|t| iou(&found.corners, &t.corners)).enumerate();
        let best = overlaps.reduce(|best, other| if other.1 > best.1 { other } else { best });
        let right = match best.filter(|(_, most)| *most >= overlap) {
            None => Some(false),
            Some((truth, _)) if scene.truths[truth].ignored => None,
            Some((truth, _)) => Some(std::mem::replace(&mut free[truth], false)),
        };
        (found.score, right)
    };
    scene.found.iter().map(&mut outcome).collect()
}
