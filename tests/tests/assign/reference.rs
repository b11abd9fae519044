//! What the papers' rules say, written down one row and one truth at a time, in double precision.

use crate::scene::{Rect, Row, Scene, Truth, columns, run};

/// The truth of each row.
pub(crate) type Assigned = Vec<Option<usize>>;

pub(crate) fn wide(rect: Rect) -> [f64; 4] {
    rect.map(f64::from)
}

fn area(r: [f64; 4]) -> f64 {
    (r[2] - r[0]) * (r[3] - r[1])
}

fn shared(a: [f64; 4], b: [f64; 4]) -> f64 {
    let side = |low: usize, high: usize| (a[high].min(b[high]) - a[low].max(b[low])).max(0.0);
    side(0, 2) * side(1, 3)
}

pub(crate) fn iou(a: Rect, b: Rect) -> f64 {
    let (a, b) = (wide(a), wide(b));
    shared(a, b) / (area(a) + area(b) - shared(a, b)).max(1e-6)
}

fn giou(a: [f64; 4], b: [f64; 4]) -> f64 {
    let union = area(a) + area(b) - shared(a, b);
    let hull = (a[2].max(b[2]) - a[0].min(b[0])) * (a[3].max(b[3]) - a[1].min(b[1]));
    shared(a, b) / union - (hull - union) / hull
}

fn inside(row: &Row, truth: &Truth) -> bool {
    let ([x, y], r) = (row.point.map(f64::from), wide(truth.rect));
    x > r[0] && x < r[2] && y > r[1] && y < r[3]
}

/// Whether the point is less than some strides away from the middle, in x and in y.
fn central(row: &Row, truth: &Truth, strides: f64) -> bool {
    let r = wide(truth.rect);
    let reach = strides * f64::from(row.stride);
    let middle = [(r[0] + r[2]) / 2.0, (r[1] + r[3]) / 2.0];
    row.point.iter().zip(middle).all(|(p, m)| (f64::from(*p) - m).abs() < reach)
}

fn valid(scene: &Scene) -> Vec<usize> {
    (0..scene.truths.len()).filter(|t| scene.truths[*t].valid).collect()
}

/// The first of those with the smallest key.
fn smallest(of: impl Iterator<Item = usize>, key: impl Fn(usize) -> f64) -> Option<usize> {
    of.fold(None, |best, i| match best {
        Some(b) if key(b) <= key(i) => best,
        _ => Some(i),
    })
}

pub(crate) fn center_region(scene: &Scene) -> Assigned {
    let fits = |row: &Row, truth: &Truth| {
        let (r, [x, y]) = (wide(truth.rect), row.point.map(f64::from));
        let furthest = [x - r[0], y - r[1], r[2] - x, r[3] - y].into_iter().fold(f64::MIN, f64::max);
        let range = row.range.map(f64::from);
        inside(row, truth) && central(row, truth, 1.5) && range[0] <= furthest && furthest <= range[1]
    };
    let of_row = |row: &Row| {
        let those = valid(scene).into_iter().filter(|t| fits(row, &scene.truths[*t]));
        smallest(those, |t| area(wide(scene.truths[t].rect)))
    };
    scene.rows.iter().map(of_row).collect()
}

/// The costs of SimOTA: cross entropy over all classes with the truth's one, overlap, and a fine outside.
fn sim_ota_cost(row: &Row, truth: &Truth) -> f64 {
    let class: f64 = row
        .score
        .iter()
        .enumerate()
        .map(|(c, s)| {
            let p = f64::from(*s).sqrt();
            if c == truth.label { -p.ln() } else { -(1.0 - p).ln() }
        })
        .sum();
    let fine = if inside(row, truth) && central(row, truth, 2.5) { 0.0 } else { 1e5 };
    class - 3.0 * (iou(row.rect, truth.rect) + 1e-7).ln() + fine
}

pub(crate) fn sim_ota(scene: &Scene) -> Assigned {
    let truths = valid(scene);
    let near = |row: &Row| {
        truths.iter().any(|t| inside(row, &scene.truths[*t]) || central(row, &scene.truths[*t], 2.5))
    };
    let candidates: Vec<usize> = (0..scene.rows.len()).filter(|i| near(&scene.rows[*i])).collect();
    let cost = |i: usize, t: usize| sim_ota_cost(&scene.rows[i], &scene.truths[t]);
    let mut takes: Vec<Vec<usize>> = vec![vec![]; scene.rows.len()];
    for t in &truths {
        let mut overlaps: Vec<f64> =
            candidates.iter().map(|i| iou(scene.rows[*i].rect, scene.truths[*t].rect)).collect();
        overlaps.sort_by(|a, b| b.total_cmp(a));
        let count = overlaps.iter().take(10).sum::<f64>().max(1.0) as usize;
        let mut order = candidates.clone();
        order.sort_by(|a, b| cost(*a, *t).total_cmp(&cost(*b, *t)));
        order.into_iter().take(count).for_each(|i| takes[i].push(*t));
    }
    takes.into_iter().enumerate().map(|(i, those)| smallest(those.into_iter(), |t| cost(i, t))).collect()
}

fn detr_cost(row: &Row, truth: &Truth) -> f64 {
    let (a, b) = (wide(row.rect), wide(truth.rect));
    let form = |r: [f64; 4]| [(r[0] + r[2]) / 2.0, (r[1] + r[3]) / 2.0, r[2] - r[0], r[3] - r[1]];
    let apart: f64 = form(a).iter().zip(form(b)).map(|(x, y)| (x - y).abs()).sum();
    5.0 * apart - f64::from(row.score[truth.label]) - 2.0 * giou(a, b)
}

/// Every way to give each truth a row of its own, tried.
pub(crate) fn hungarian(scene: &Scene) -> Assigned {
    fn search(scene: &Scene, left: &[usize], taken: &mut Assigned, cost: f64, best: &mut (f64, Assigned)) {
        let Some((t, rest)) = left.split_first() else {
            if cost < best.0 {
                *best = (cost, taken.clone());
            }
            return;
        };
        for i in 0..scene.rows.len() {
            if taken[i].is_none() {
                taken[i] = Some(*t);
                search(scene, rest, taken, cost + detr_cost(&scene.rows[i], &scene.truths[*t]), best);
                taken[i] = None;
            }
        }
    }
    let mut best = (f64::INFINITY, vec![None; scene.rows.len()]);
    search(scene, &valid(scene), &mut vec![None; scene.rows.len()], 0.0, &mut best);
    best.1
}

/// Two scenes, the second with padded truths.
pub(crate) fn scenes(seed: u64, rows: usize, truths: usize) -> Vec<Scene> {
    let mut scenes = vec![Scene::random(2 * seed, rows, truths), Scene::random(2 * seed + 1, rows, truths)];
    scenes[1].truths.iter_mut().step_by(3).for_each(|t| t.valid = false);
    scenes
}

fn compare(rule: &str, reference: fn(&Scene) -> Assigned, rows: usize, truths: usize) {
    let mut with = 0;
    for seed in 0..12 {
        let scenes = scenes(seed, rows, truths);
        let found = columns(&run(rule, "index = r.index", &scenes), &scenes);
        let expected: Vec<Assigned> = scenes.iter().map(reference).collect();
        assert_eq!(found, expected, "{rule}, seed {seed}");
        with += expected.iter().flatten().flatten().count();
    }
    assert!(with > 24, "{rule} assigns {with} rows");
}

#[test]
fn center_region_is_the_rule_of_fcos() {
    compare("CenterRegion()", center_region, 60, 6);
}

#[test]
fn sim_ota_is_the_rule_of_yolox() {
    compare("SimOTA()", sim_ota, 60, 6);
}

#[test]
fn hungarian_is_the_best_of_all_ways() {
    compare("Hungarian()", hungarian, 6, 4);
    // More truths than rows would leave some without.
    let scenes = vec![Scene::random(5, 3, 5)];
    let found = columns(&run("Hungarian()", "index = r.index", &scenes), &scenes);
    let mut taken: Vec<usize> = found[0].iter().flatten().copied().collect();
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken.len(), 3, "every row has a truth of its own: {found:?}");
}

#[test]
fn distances_and_centerness_are_those_of_the_assigned_truth() {
    let scenes = scenes(3, 40, 4);
    let fields =
        "index = r.index, distances = r.distances, centerness = r.centerness, label = r.label, box = r.box";
    let found = run("CenterRegion()", fields, &scenes);
    let (distances, rects) = (found["distances"].to_f64(), found["box"].to_f64());
    let assigned = columns(&found, &scenes);
    for (k, (scene, column)) in scenes
        .iter()
        .zip(&assigned)
        .flat_map(|(s, c)| c.iter().enumerate().map(move |(i, c)| ((s, i), c)))
        .enumerate()
    {
        let (scene, i) = scene;
        let (mut expected, mut label, mut rect) = ([0.0; 4], -1.0, [0.0; 4]);
        if let Some(t) = column {
            let [x, y] = scene.rows[i].point.map(f64::from);
            rect = wide(scene.truths[*t].rect);
            expected = [x - rect[0], y - rect[1], rect[2] - x, rect[3] - y];
            label = scene.truths[*t].label as f64;
        }
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-4);
        assert!(close(&distances[4 * k..4 * k + 4], &expected), "row {k}");
        assert!(close(&rects[4 * k..4 * k + 4], &rect), "row {k}");
        assert_eq!(found["label"].to_f64()[k], label);
        let [l, t, r, b] = expected;
        let centerness =
            if column.is_some() { (l.min(r) / l.max(r) * t.min(b) / t.max(b)).sqrt() } else { 0.0 };
        assert!((found["centerness"].to_f64()[k] - centerness).abs() < 1e-4, "row {k}");
    }
}
