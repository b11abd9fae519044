//! The negatives of a tracker that sees another object than the one it is asked for, against pysot's window of cells.

use std::collections::BTreeSet;

use vspec_engine::{Interpreter, RunKey};

use crate::scene::{Found, Numbers, Row, Scene, Truth, run_on};

/// Cells of the map in each direction.
const SIZE: usize = 25;

/// A map of `SIZE` by `SIZE` cells of 8 pixels around 127, with one truth.
fn map(truth: Truth) -> Scene {
    let place = |i: usize| 127.0 + 8.0 * (i as f32 - (SIZE / 2) as f32);
    let row = |i: usize| {
        let [x, y] = [place(i % SIZE), place(i / SIZE)];
        Row {
            point: [x, y],
            stride: 8.0,
            range: [0.0, 255.0],
            level: 0,
            score: [0.5; 3],
            rect: [x - 32.0, y - 32.0, x + 32.0, y + 32.0],
        }
    };
    Scene { rows: (0..SIZE * SIZE).map(row).collect(), truths: vec![truth] }
}

/// An object whose middle is a multiple of a quarter of a pixel: often where rounding up decides.
fn object(numbers: &mut Numbers) -> Truth {
    let half = |numbers: &mut Numbers, low, high| (2.0 * numbers.between(low, high)).round() / 2.0;
    let (x, y) = (half(numbers, -20.0, 230.0), half(numbers, -20.0, 230.0));
    let (width, height) = (half(numbers, 10.0, 80.0), half(numbers, 10.0, 80.0));
    Truth { label: 0, rect: [x, y, x + width, y + height], valid: true }
}

/// pysot's: rows and columns from three before the object's cell to three behind it, as far as the map goes.
fn window(scene: &Scene, reach: i64) -> BTreeSet<usize> {
    let rect = scene.truths[0].rect.map(f64::from);
    let bounds = |low: f64, high: f64| {
        let cell = (SIZE / 2) as i64 + (((low + high) / 2.0 - 127.0) / 8.0 + 0.5).ceil() as i64;
        (cell - reach).max(0)..(cell + reach + 1).min(SIZE as i64)
    };
    let columns = bounds(rect[0], rect[2]);
    let rows = bounds(rect[1], rect[3]);
    rows.flat_map(|y| columns.clone().map(move |x| (y * SIZE as i64 + x) as usize)).collect()
}

fn scenes(seed: u64) -> Vec<Scene> {
    let mut numbers = Numbers::new(seed + 5);
    vec![map(object(&mut numbers)), map(object(&mut numbers))]
}

fn drawn(rule: &str, scenes: &[Scene], seed: u64) -> Found {
    let key = RunKey { seed, ..RunKey::default() };
    run_on(
        &Interpreter::default(),
        key,
        rule,
        "picked = filled(i32(r.picked), 0), ignored = r.ignored",
        scenes,
    )
}

/// The rows of each scene that take part.
fn taken(found: &Found) -> Vec<BTreeSet<usize>> {
    let ignored = found["ignored"].to_f64();
    ignored
        .chunks(SIZE * SIZE)
        .map(|rows| rows.iter().enumerate().filter(|(_, v)| **v == 0.0).map(|(i, _)| i).collect())
        .collect()
}

#[test]
fn all_of_the_window_and_nothing_else() {
    let mut clipped = 0;
    for seed in 0..20 {
        let scenes = scenes(seed);
        let found = drawn("TrackerWindow(count = 625)", &scenes, seed);
        assert!(found["picked"].to_f64().iter().all(|v| *v == 0.0), "nothing is positive");
        for (scene, taken) in scenes.iter().zip(taken(&found)) {
            assert_eq!(taken, window(scene, 3), "seed {seed}, {:?}", scene.truths);
            clipped += usize::from(taken.len() < 49);
        }
    }
    assert!(clipped > 5 && clipped < 35, "{clipped} of 40 windows are cut off");
}

#[test]
fn sixteen_of_the_window_by_the_seed() {
    let scenes = scenes(3);
    let draw = |seed| taken(&drawn("TrackerWindow(reach = 2)", &scenes, seed));
    for seed in 0..5 {
        for (scene, taken) in scenes.iter().zip(draw(seed)) {
            let all = window(scene, 2);
            assert!(taken.is_subset(&all));
            assert_eq!(taken.len(), all.len().min(16));
        }
    }
    assert_eq!(draw(1), draw(1));
    assert!((0..5).map(draw).collect::<BTreeSet<_>>().len() > 3);
}

#[test]
fn without_an_object_nothing_takes_part() {
    let mut scenes = scenes(4);
    scenes[1].truths[0].valid = false;
    let taken = taken(&drawn("TrackerWindow()", &scenes, 0));
    assert!(!taken[0].is_empty() && taken[1].is_empty());
}
