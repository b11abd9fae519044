//! Rules that draw: what they may draw from, how many, and that a seed decides.

use std::collections::BTreeSet;

use vspec_engine::{Interpreter, RunKey};

use crate::reference::{iou, scenes};
use crate::scene::{Found, Scene, run_on};

fn drawn(rule: &str, fields: &str, scenes: &[Scene], seed: u64) -> Found {
    run_on(&Interpreter::default(), RunKey { seed, ..RunKey::default() }, rule, fields, scenes)
}

/// Each row's best truth that is no padding, and its overlap.
fn best(scene: &Scene) -> Vec<(Option<usize>, f64)> {
    let of_row = |rect| {
        let truths = scene.truths.iter().enumerate().filter(|(_, t)| t.valid);
        truths.fold((None, f64::NEG_INFINITY), |best, (t, truth)| {
            let overlap = iou(rect, truth.rect);
            if overlap > best.1 { (Some(t), overlap) } else { best }
        })
    };
    scene.rows.iter().map(|row| of_row(row.rect)).collect()
}

/// For each scene the rows with a pair and the rows without that take part.
fn kinds(found: &Found, rows: usize) -> Vec<[BTreeSet<usize>; 2]> {
    let (index, ignored) = (found["index"].to_f64(), found["ignored"].to_f64());
    let chunks = index.chunks(rows).zip(ignored.chunks(rows));
    let of = |(index, ignored): (&[f64], &[f64])| {
        let with = (0..rows).filter(|i| index[*i] >= 0.0).collect();
        let without = (0..rows).filter(|i| index[*i] < 0.0 && ignored[*i] == 0.0).collect();
        [with, without]
    };
    chunks.map(of).collect()
}

const FIELDS: &str = "index = r.index, ignored = r.ignored";

/// What could be drawn, from thresholds of the best overlap; a truth's best rows count as positive when `fallback` says from where.
fn populations(scene: &Scene, thresholds: [f64; 2], fallback: bool) -> [BTreeSet<usize>; 2] {
    let best = best(scene);
    let largest = |truth: usize| {
        let rect = scene.truths[truth].rect;
        scene.rows.iter().map(|r| iou(r.rect, rect)).fold(f64::NEG_INFINITY, f64::max)
    };
    let kept = |i: usize| {
        let truths = (0..scene.truths.len()).filter(|t| scene.truths[*t].valid);
        truths.into_iter().any(|t| {
            let overlap = iou(scene.rows[i].rect, scene.truths[t].rect);
            fallback && overlap == largest(t) && overlap >= thresholds[0]
        })
    };
    let with: BTreeSet<usize> = (0..best.len()).filter(|i| best[*i].1 >= thresholds[1] || kept(*i)).collect();
    let without = (0..best.len()).filter(|i| best[*i].1 < thresholds[0] && !with.contains(i)).collect();
    [with, without]
}

fn compare(rule: &str, thresholds: [f64; 2], fallback: bool, limits: [usize; 3]) {
    let [total, positives, negatives] = limits;
    for seed in 0..6 {
        let scenes = scenes(seed, 60, 4);
        let found = kinds(&drawn(rule, FIELDS, &scenes, seed), 60);
        for (scene, [with, without]) in scenes.iter().zip(found) {
            let [all_with, all_without] = populations(scene, thresholds, fallback);
            assert!(with.is_subset(&all_with) && without.is_subset(&all_without), "{rule}, seed {seed}");
            assert_eq!(with.len(), all_with.len().min(positives), "{rule}, seed {seed}");
            let left = (total - with.len()).min(negatives);
            assert_eq!(without.len(), all_without.len().min(left), "{rule}, seed {seed}");
        }
    }
}

#[test]
fn samples_are_of_the_right_kinds_and_sizes() {
    compare("RegionAnchors(count = 12)", [0.3, 0.7], true, [12, 6, 12]);
    compare("RegionAnchors(count = 1000, share = 1.0)", [0.3, 0.7], true, [1000, 1000, 1000]);
    compare("Regions(count = 16)", [0.5, 0.5], false, [16, 4, 16]);
    compare("TrackerAnchors(count = 16)", [0.3, 0.6], false, [16, 4, 12]);
}

#[test]
fn the_seed_decides_what_is_drawn() {
    let scenes = scenes(1, 60, 4);
    let draw = |seed| drawn("Regions(count = 16)", FIELDS, &scenes, seed)["index"].to_f64();
    assert_eq!(draw(3), draw(3));
    let distinct: BTreeSet<String> = (0..8).map(|seed| format!("{:?}", draw(seed))).collect();
    assert!(distinct.len() > 5, "{} different draws", distinct.len());
}

#[test]
fn a_sampled_row_keeps_its_best_truth() {
    let scenes = scenes(2, 60, 4);
    let found = drawn("Regions(count = 16)", FIELDS, &scenes, 0);
    let index = found["index"].to_f64();
    for (i, (truth, _)) in scenes.iter().flat_map(best).enumerate() {
        assert!(index[i] < 0.0 || Some(index[i] as usize) == truth, "row {i}");
    }
}

#[test]
fn too_few_regions_are_repeated_as_evenly_as_possible() {
    let fields =
        "row = filled(i32(r.row), -1.0), index = r.index, region = filled(r.region, 0.0), any = r.index >= 0";
    for seed in 0..6 {
        let scenes = scenes(seed, 40, 4);
        let found = drawn("TargetRegions(threshold = 0.55)", fields, &scenes, seed);
        for (b, scene) in scenes.iter().enumerate() {
            let row = &found["row"].to_f64()[16 * b..16 * b + 16];
            let [with, _] = populations(scene, [0.55, 0.55], false);
            let times = |i: usize| row.iter().filter(|r| **r == i as f64).count();
            let counts: Vec<usize> = with.iter().map(|i| times(*i)).collect();
            match with.len() {
                0 => assert!(found["any"].to_f64()[16 * b..16 * b + 16].iter().all(|v| *v == 0.0)),
                n => {
                    assert_eq!(counts.iter().sum::<usize>(), 16, "all are positive: {row:?}");
                    let fair = |c: &usize| *c == 16 / n || *c == 16usize.div_ceil(n);
                    assert!(counts.iter().all(fair), "{counts:?}");
                }
            }
            let regions = &found["region"].to_f64()[64 * b..64 * b + 64];
            for (k, i) in row.iter().enumerate().filter(|(_, i)| **i >= 0.0 && !with.is_empty()) {
                let rect = scene.rows[*i as usize].rect.map(f64::from);
                assert_eq!(regions[4 * k..4 * k + 4], rect, "row {i}");
            }
        }
    }
}
