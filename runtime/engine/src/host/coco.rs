//! Precision and recall by the rules of COCO, which pycocotools defines.

use super::operands::{Corners, area, integers, shared};
use super::scenes::{Hits, Scene, Scenes, Truth};
use super::tensor;
use crate::{Buffer, HostTensor};

/// Detections an image at most.
const COUNTS: [usize; 3] = [1, 10, 100];
/// Ranges of the areas of truths that count.
const AREAS: [[f64; 2]; 4] = [[0.0, 1e10], [0.0, 1024.0], [1024.0, 9216.0], [9216.0, 1e10]];
/// IoU thresholds.
const OVERLAPS: usize = 10;
/// Recalls at which precision is read off.
const RECALLS: usize = 101;

/// The thresholds as numpy's `linspace(0.5, 0.95, 10)` gives them, bit for bit: overlaps are often equal to one.
fn overlap_of(i: usize) -> f64 {
    let step = (0.95 - 0.5) / 9.0;
    if i + 1 == OVERLAPS { 0.95 } else { 0.5 + i as f64 * step }
}

pub(super) fn curves(operands: &[HostTensor]) -> Result<HostTensor, String> {
    let scenes = Scenes::of(operands, Some(6), 7)?;
    let classes = integers(operands, 9);
    let (curve, per_class) = (RECALLS + 1, AREAS.len() * COUNTS.len() * (RECALLS + 1));
    let mut values = vec![-1.0; OVERLAPS * classes.len() * per_class];
    for (k, class) in classes.iter().enumerate() {
        let of_class = scenes.of_class(*class);
        for (a, range) in AREAS.into_iter().enumerate() {
            let matched: Vec<Matched> = of_class.iter().map(|scene| Matched::of(scene, range)).collect();
            let truths = matched.iter().map(|m| m.truths).sum::<usize>();
            for (t, m) in (0..OVERLAPS * COUNTS.len()).map(|i| (i / COUNTS.len(), i % COUNTS.len())) {
                let start = ((t * classes.len() + k) * AREAS.len() + a) * COUNTS.len() + m;
                let slot = &mut values[start * curve..(start + 1) * curve];
                if truths > 0 {
                    fill(slot, &matched, t, COUNTS[m], truths);
                }
            }
        }
    }
    let shape = vec![OVERLAPS, classes.len(), AREAS.len(), COUNTS.len(), curve];
    match operands[0].buffer() {
        Buffer::F64(_) => tensor(shape, Buffer::F64(values)),
        _ => tensor(shape, Buffer::F32(values.into_iter().map(|v| v as f32).collect())),
    }
}

/// Precision at each recall, and the recall that is reached.
fn fill(slot: &mut [f64], matched: &[Matched], threshold: usize, most: usize, truths: usize) {
    let outcomes: Vec<(f64, Option<bool>)> =
        matched.iter().flat_map(|m| m.outcomes[threshold].iter().take(most).copied()).collect();
    let hits = Hits::counted(&outcomes);
    let precision = hits.envelope();
    let recall: Vec<f64> = hits.right.iter().map(|right| right / truths as f64).collect();
    for (i, value) in slot.iter_mut().take(RECALLS).enumerate() {
        let wanted = if i + 1 == RECALLS { 1.0 } else { i as f64 * 0.01 };
        let at = recall.partition_point(|r| *r < wanted);
        *value = precision.get(at).copied().unwrap_or(0.0);
    }
    slot[RECALLS] = recall.last().copied().unwrap_or(0.0);
}

/// A scene with its detections told right from wrong.
struct Matched {
    /// For each threshold: score, and whether it is right or counts neither way.
    outcomes: Vec<Vec<(f64, Option<bool>)>>,
    /// Truths that count.
    truths: usize,
}

impl Matched {
    fn of(scene: &Scene, range: [f64; 2]) -> Matched {
        let outside = |area: f64| area < range[0] || area > range[1];
        // Truths that count come first.
        let (counting, others): (Vec<&Truth>, Vec<&Truth>) =
            scene.truths.iter().partition(|t| !(t.ignored || outside(t.area)));
        let truths = counting.len();
        let ordered: Vec<&Truth> = counting.into_iter().chain(others).collect();
        let most = COUNTS[COUNTS.len() - 1];
        let found = &scene.found[..scene.found.len().min(most)];
        let overlaps: Vec<Vec<f64>> =
            found.iter().map(|f| ordered.iter().map(|t| overlap(&f.corners, t)).collect()).collect();
        let at = |threshold: usize| {
            let taken = taken(&overlaps, &ordered, truths, overlap_of(threshold));
            let outcome = |(f, taken): (&super::scenes::Found, Option<usize>)| {
                let counts = match taken {
                    Some(truth) => (truth < truths).then_some(true),
                    None => (!outside(area(&f.corners))).then_some(false),
                };
                (f.score, counts)
            };
            found.iter().zip(taken).map(outcome).collect()
        };
        Matched { outcomes: (0..OVERLAPS).map(at).collect(), truths }
    }
}

/// Overlap with a truth. A crowd holds many things, so that a detection within it overlaps it wholly.
fn overlap(found: &Corners, truth: &Truth) -> f64 {
    let inner = shared(found, &truth.corners);
    let other = if truth.ignored { 0.0 } else { area(&truth.corners) - inner };
    if inner > 0.0 { inner / (area(found) + other) } else { 0.0 }
}

/// The truth that each detection takes, the best detections first. The first `counting` truths count; those behind them are taken
/// only where none of these overlaps enough, and crowds can be taken again and again.
fn taken(overlaps: &[Vec<f64>], truths: &[&Truth], counting: usize, threshold: f64) -> Vec<Option<usize>> {
    let mut free = vec![true; truths.len()];
    let mut choose = |row: &Vec<f64>| {
        let mut best = None;
        let mut least = threshold.min(1.0 - 1e-10);
        for (i, overlap) in row.iter().enumerate() {
            if !free[i] && !truths[i].ignored {
                continue;
            }
            if i >= counting && best.is_some_and(|b| b < counting) {
                break;
            }
            if *overlap >= least {
                (least, best) = (*overlap, Some(i));
            }
        }
        if let Some(best) = best {
            free[best] = false;
        }
        best
    };
    overlaps.iter().map(&mut choose).collect()
}
