//! Suppression and average precision against references that are written from the definitions: slow, and with nothing in common.

use super::*;
use crate::rng::Stream;

type Corners = [f64; 4];

/// Box, label, area, whether it is ignored, whether it is there.
type Truth = (Corners, i32, f64, bool, bool);

/// Detections and truths of some images.
struct Scene {
    /// Box, score, label, whether it is there.
    found: Vec<Vec<(Corners, f64, i32, bool)>>,
    truths: Vec<Vec<Truth>>,
}

/// A whole number below `n`.
fn below(stream: &Stream, next: &mut u64, n: u32) -> f64 {
    *next += 1;
    f64::from(stream.below(*next, n))
}

/// Boxes on a coarse grid and scores of few values, so that there are ties; many detections lie near truths.
fn scene(seed: u64) -> Scene {
    let (stream, mut next) = (Stream::new("scene", seed, 0), 0);
    let mut draw = |n: u32| below(&stream, &mut next, n);
    let (mut found, mut truths) = (vec![], vec![]);
    for _ in 0..4 {
        let mut own_truths = vec![];
        for _ in 0..6 {
            let (x, y, w, h) = (8.0 * draw(12), 8.0 * draw(12), 8.0 + 8.0 * draw(14), 8.0 + 8.0 * draw(14));
            let area = w * h * if draw(3) == 0.0 { 0.6 } else { 1.0 };
            own_truths.push(([x, y, x + w, y + h], draw(2) as i32, area, draw(5) == 0.0, draw(6) > 0.0));
        }
        let mut own = vec![];
        for _ in 0..16 {
            let near = own_truths[draw(6) as usize];
            let moved: Vec<f64> = near.0.iter().map(|v| v + 2.0 * draw(4) - 3.0).collect();
            let label = if draw(4) == 0.0 { draw(3) as i32 } else { near.1 };
            own.push(([moved[0], moved[1], moved[2], moved[3]], 0.1 * draw(8), label, draw(8) > 0.0));
        }
        truths.push(own_truths);
        found.push(own);
    }
    Scene { found, truths }
}

impl Scene {
    fn floats(rows: usize, width: &[usize], values: Vec<f64>) -> HostTensor {
        let shape = std::iter::once(rows).chain(width.iter().copied()).collect();
        HostTensor::new(shape, Buffer::F64(values)).expect("fits")
    }

    /// The operands that both rules share: detections, and boxes and labels of truths.
    fn operands(&self) -> Vec<HostTensor> {
        let (n, d, t) = (self.found.len(), self.found[0].len(), self.truths[0].len());
        let (found, truths) = (|| self.found.iter().flatten(), || self.truths.iter().flatten());
        let ints = |width, values| HostTensor::new(vec![n, width], Buffer::I32(values)).expect("fits");
        let bools = |width, values| HostTensor::new(vec![n, width], Buffer::Bool(values)).expect("fits");
        vec![
            Scene::floats(n, &[d, 4], found().flat_map(|f| f.0).collect()),
            Scene::floats(n, &[d], found().map(|f| f.1).collect()),
            ints(d, found().map(|f| f.2).collect()),
            bools(d, found().map(|f| f.3).collect()),
            Scene::floats(n, &[t, 4], truths().flat_map(|t| t.0).collect()),
            ints(t, truths().map(|t| t.1).collect()),
            Scene::floats(n, &[t], truths().map(|t| t.2).collect()),
            bools(t, truths().map(|t| t.3).collect()),
            bools(t, truths().map(|t| t.4).collect()),
        ]
    }

    fn coco(&self, classes: &[i32]) -> HostTensor {
        let mut operands = self.operands();
        operands.push(HostTensor::new(vec![classes.len()], Buffer::I32(classes.to_vec())).expect("fits"));
        call("coco_curves", &operands).expect("runs")
    }

    fn voc(&self, classes: &[i32], overlap: f64, points: i32) -> Vec<f64> {
        let mut operands = self.operands();
        operands.remove(6);
        operands.push(HostTensor::new(vec![classes.len()], Buffer::I32(classes.to_vec())).expect("fits"));
        operands.push(HostTensor::new(vec![], Buffer::F64(vec![overlap])).expect("fits"));
        operands.push(HostTensor::new(vec![], Buffer::I32(vec![points])).expect("fits"));
        call("voc_average_precision", &operands).expect("runs").to_f64()
    }
}

fn area(b: Corners) -> f64 {
    if b[2] > b[0] && b[3] > b[1] { (b[2] - b[0]) * (b[3] - b[1]) } else { 0.0 }
}

fn overlap(a: Corners, b: Corners, crowd: bool) -> f64 {
    let both = area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    if both == 0.0 { 0.0 } else { both / (area(a) + if crowd { 0.0 } else { area(b) - both }) }
}

/// Precision and recall after each detection, from (score, right, counts), sorted by the reader of the definition.
fn curve(mut outcomes: Vec<(f64, bool, bool)>, truths: f64) -> Vec<(f64, f64)> {
    // Insertion sort: of equal scores the first stays first.
    for i in 1..outcomes.len() {
        let mut j = i;
        while j > 0 && outcomes[j - 1].0 < outcomes[j].0 {
            outcomes.swap(j - 1, j);
            j -= 1;
        }
    }
    (1..=outcomes.len())
        .map(|k| {
            let right = outcomes[..k].iter().filter(|o| o.2 && o.1).count() as f64;
            let wrong = outcomes[..k].iter().filter(|o| o.2 && !o.1).count() as f64;
            (if right + wrong > 0.0 { right / (right + wrong) } else { 0.0 }, right / truths)
        })
        .collect()
}

/// The largest precision where recall is at least `wanted`.
fn at(curve: &[(f64, f64)], wanted: f64) -> f64 {
    curve.iter().filter(|(_, recall)| *recall >= wanted).map(|c| c.0).fold(0.0, f64::max)
}

/// Outcomes of one image by COCO's rules.
fn coco_outcomes(
    scene: &Scene,
    image: usize,
    class: i32,
    range: [f64; 2],
    t: f64,
    most: usize,
) -> Vec<(f64, bool, bool)> {
    let mut found: Vec<(Corners, f64)> =
        scene.found[image].iter().filter(|f| f.3 && f.2 == class).map(|f| (f.0, f.1)).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found.truncate(most);
    let truths: Vec<_> = scene.truths[image].iter().filter(|x| x.4 && x.1 == class).collect();
    let counts = |x: &Truth| !x.3 && x.2 >= range[0] && x.2 <= range[1];
    let mut taken = vec![false; truths.len()];
    let mut outcomes = vec![];
    for (corners, score) in found {
        let best = |wanted: bool, taken: &[bool]| {
            let candidates = (0..truths.len()).filter(|i| counts(truths[*i]) == wanted);
            let free = candidates.filter(|i| !taken[*i] || truths[*i].3);
            let enough =
                free.map(|i| (overlap(corners, truths[i].0, truths[i].3), i)).filter(|(o, _)| *o >= t);
            enough.max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map(|(_, i)| i)
        };
        match (best(true, &taken), best(false, &taken)) {
            (Some(i), _) => {
                taken[i] = true;
                outcomes.push((score, true, true));
            }
            (None, Some(i)) => {
                taken[i] = true;
                outcomes.push((score, false, false));
            }
            (None, None) => {
                let inside = area(corners) >= range[0] && area(corners) <= range[1];
                outcomes.push((score, false, inside));
            }
        }
    }
    outcomes
}

#[test]
fn coco_curves_are_those_of_the_definition() {
    let ranges = [[0.0, 1e10], [0.0, 1024.0], [1024.0, 9216.0], [9216.0, 1e10]];
    let (mut known, mut right) = (0, 0.0);
    for seed in 0..12 {
        let scene = scene(seed);
        let got = scene.coco(&[0, 1, 2, 7]).to_f64();
        let mut place = 0;
        for step in 0..10 {
            let t = 0.5 + 0.05 * f64::from(step) - 1e-9;
            for class in [0, 1, 2, 7] {
                for range in ranges {
                    let all = scene.truths.iter().flatten();
                    let counting = all
                        .filter(|x| x.4 && !x.3 && x.1 == class && x.2 >= range[0] && x.2 <= range[1])
                        .count();
                    for most in [1, 10, 100] {
                        let outcomes =
                            (0..4).flat_map(|i| coco_outcomes(&scene, i, class, range, t, most)).collect();
                        let curve = curve(outcomes, counting as f64);
                        for i in 0..101 {
                            let want = if counting == 0 { -1.0 } else { at(&curve, f64::from(i) * 0.01) };
                            assert!(
                                (got[place] - want).abs() < 1e-9,
                                "seed {seed}, {class} {range:?} {most} {i}"
                            );
                            known += usize::from(counting > 0);
                            right += got[place].max(0.0);
                            place += 1;
                        }
                        let recall = curve.last().map_or(0.0, |c| c.1);
                        let want = if counting == 0 { -1.0 } else { recall };
                        assert!((got[place] - want).abs() < 1e-9, "seed {seed}, recall");
                        place += 1;
                    }
                }
            }
        }
        assert_eq!(place, got.len());
    }
    assert!(known > 100_000 && right > 10_000.0, "{known} {right}");
}

/// Average precision of a class by the rules of VOC.
fn voc_reference(scene: &Scene, class: i32, least: f64, points: i32) -> f64 {
    let counting = scene.truths.iter().flatten().filter(|t| t.4 && !t.3 && t.1 == class).count();
    if counting == 0 {
        return -1.0;
    }
    let mut outcomes = vec![];
    for image in 0..scene.found.len() {
        let truths: Vec<_> = scene.truths[image].iter().filter(|t| t.4 && t.1 == class).collect();
        let mut found: Vec<_> = scene.found[image].iter().filter(|f| f.3 && f.2 == class).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut taken = vec![];
        for f in found {
            let overlaps: Vec<f64> = truths.iter().map(|t| overlap(f.0, t.0, false)).collect();
            let most = overlaps.iter().copied().fold(0.0, f64::max);
            match overlaps.iter().position(|o| *o == most).filter(|_| most >= least) {
                Some(i) if truths[i].3 => outcomes.push((f.1, false, false)),
                Some(i) => {
                    outcomes.push((f.1, !taken.contains(&i), true));
                    taken.push(i);
                }
                None => outcomes.push((f.1, false, true)),
            }
        }
    }
    let curve = curve(outcomes, counting as f64);
    if points == 11 {
        return (0..11).map(|i| at(&curve, f64::from(i) * 0.1)).sum::<f64>() / 11.0;
    }
    // Each truth that is found adds its share of recall.
    (1..=counting).map(|k| at(&curve, k as f64 / counting as f64 - 1e-12) / counting as f64).sum()
}

#[test]
fn voc_average_precision_is_that_of_the_definition() {
    let mut sum = 0.0;
    for seed in 0..60 {
        let scene = scene(seed);
        for (least, points) in [(0.5, 0), (0.5, 11), (0.75, 0), (0.3, 11)] {
            let got = scene.voc(&[0, 1, 2, 7], least, points);
            for (got, class) in got.iter().zip([0, 1, 2, 7]) {
                let want = voc_reference(&scene, class, least, points);
                assert!(
                    (got - want).abs() < 1e-9,
                    "seed {seed}, class {class}, {least}, {points}: {got} {want}"
                );
                sum += got.max(0.0);
            }
        }
    }
    assert!(sum > 50.0, "{sum}");
}

#[test]
fn detections_that_are_the_truths_are_perfect() {
    let mut scene = scene(3);
    for (found, truths) in scene.found.iter_mut().zip(&scene.truths) {
        *found = truths.iter().map(|t| (t.0, 0.9, t.1, t.4 && !t.3)).collect();
    }
    let known = |values: Vec<f64>| values.into_iter().filter(|v| *v != -1.0).collect::<Vec<_>>();
    assert!(known(scene.voc(&[0, 1], 0.5, 0)).iter().all(|v| (v - 1.0).abs() < 1e-9));
    let curves = scene.coco(&[0, 1]).to_f64();
    let of_all: Vec<f64> = curves.chunks(102).skip(2).step_by(12).flatten().copied().collect();
    assert!(of_all.iter().all(|v| (v - 1.0).abs() < 1e-9), "{of_all:?}");
}

/// Boxes, scores and groups of several sets; some rows are padding.
fn rows(seed: u64) -> [HostTensor; 3] {
    let (stream, mut next) = (Stream::new("rows", seed, 0), 0);
    let mut draw = |n: u32| below(&stream, &mut next, n);
    let (mut boxes, mut scores, mut groups) = (vec![], vec![], vec![]);
    for _ in 0..3 * 25 {
        let (x, y, w, h) = (draw(20), draw(20), 4.0 + draw(16), 4.0 + draw(16));
        boxes.extend([x, y, x + w, y + h]);
        scores.push(if draw(10) == 0.0 { f64::NEG_INFINITY } else { 0.05 * draw(20) });
        groups.push(draw(2) as i32);
    }
    let float = |shape, values| HostTensor::new(shape, Buffer::F64(values)).expect("fits");
    let groups = HostTensor::new(vec![3, 25], Buffer::I32(groups)).expect("fits");
    [float(vec![3, 25, 4], boxes), float(vec![3, 25], scores), groups]
}

fn number(value: f64) -> HostTensor {
    HostTensor::new(vec![], Buffer::F64(vec![value])).expect("fits")
}

#[test]
fn suppression_keeps_a_box_exactly_if_no_better_one_that_is_kept_overlaps_it() {
    for seed in 0..40 {
        let [boxes, scores, groups] = rows(seed);
        let least = 0.2 + 0.1 * (seed % 5) as f64;
        let kept = call("greedy_nms", &[boxes.clone(), scores.clone(), groups.clone(), number(least)])
            .expect("runs");
        let (kept, boxes, scores, groups) = (kept.to_f64(), boxes.to_f64(), scores.to_f64(), groups.to_f64());
        for set in 0..3 {
            let own = |i: usize| 25 * set + i;
            let corners = |i: usize| -> Corners { std::array::from_fn(|c| boxes[4 * own(i) + c]) };
            for i in 0..25 {
                let better = |j: &usize| {
                    let (a, b) = (scores[own(*j)], scores[own(i)]);
                    a > b || (a == b && *j < i)
                };
                let meets = |j: &usize| {
                    groups[own(*j)] == groups[own(i)] && overlap(corners(*j), corners(i), false) > least
                };
                let beaten = (0..25).filter(better).filter(meets).any(|j| kept[own(j)] == 1.0);
                let want = scores[own(i)] > f64::NEG_INFINITY && !beaten;
                assert_eq!(kept[own(i)] == 1.0, want, "seed {seed}, set {set}, box {i}");
            }
        }
        assert!(kept.contains(&0.0) && kept.contains(&1.0));
    }
}

#[test]
fn soft_suppression_multiplies_by_what_better_boxes_overlap() {
    for (seed, sigma) in [(0, 0.5), (1, 0.2), (2, 0.0), (3, 0.0)] {
        let [boxes, scores, groups] = rows(seed);
        let lowered = call(
            "greedy_soft_nms",
            &[boxes.clone(), scores.clone(), groups.clone(), number(0.3), number(sigma)],
        )
        .expect("runs")
        .to_f64();
        let (boxes, scores, groups) = (boxes.to_f64(), scores.to_f64(), groups.to_f64());
        for set in 0..3 {
            let corners = |i: usize| -> Corners { std::array::from_fn(|c| boxes[4 * (25 * set + i) + c]) };
            // The order in which boxes are chosen is that of the scores they end with.
            let mut left: Vec<usize> = (0..25).filter(|i| scores[25 * set + i] > f64::NEG_INFINITY).collect();
            let mut current = scores[25 * set..25 * (set + 1)].to_vec();
            while !left.is_empty() {
                let mut best = left[0];
                for i in &left {
                    if current[*i] > current[best] {
                        best = *i;
                    }
                }
                left.retain(|i| *i != best);
                assert!((lowered[25 * set + best] - current[best]).abs() < 1e-12, "seed {seed}, {best}");
                for i in &left {
                    let iou = overlap(corners(best), corners(*i), false);
                    let same = groups[25 * set + best] == groups[25 * set + *i];
                    let factor = match (same, sigma > 0.0) {
                        (false, _) => 1.0,
                        (true, true) => (-iou * iou / sigma).exp(),
                        (true, false) => {
                            if iou > 0.3 {
                                1.0 - iou
                            } else {
                                1.0
                            }
                        }
                    };
                    current[*i] *= factor;
                }
            }
        }
        let padding = scores.iter().zip(&lowered).filter(|(s, _)| **s == f64::NEG_INFINITY);
        assert!(padding.clone().count() > 0 && padding.into_iter().all(|(_, l)| *l == f64::NEG_INFINITY));
    }
}
