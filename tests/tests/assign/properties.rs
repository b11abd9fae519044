//! What holds for every rule that looks at truths one by one: nothing depends on their order, padding is as if it were not there, and
//! ties go to the lower index.

use vspec_dfdx::DfdxEngine;
use vspec_engine::Precision;
use vspec_engine::{Engine, RunKey};
use vspec_optimize::Level;
use vspec_tests::fused_at;

use crate::reference::{Assigned, scenes};
use crate::scene::{Numbers, Scene, columns, run, run_on};

/// Rules without chance.
const RULES: [&str; 8] = [
    "TaskAligned(top = 5)",
    "ATSS(top = 4)",
    "MaxIoU(claim = false)",
    "MaxIoU(positive = 0.6, negative = 0.3, fallback = false)",
    "CenterRegion()",
    "SimOTA()",
    "Hungarian()",
    "Regions(count = 1000, share = 1.0)",
];

fn assigned(rule: &str, scenes: &[Scene]) -> Vec<Assigned> {
    columns(&run(rule, "index = r.index", scenes), scenes)
}

#[test]
fn the_order_of_truths_does_not_matter() {
    for rule in RULES {
        for seed in 0..4 {
            let scenes = scenes(seed, 40, 5);
            let mut numbers = Numbers::new(seed + 77);
            let mut order: Vec<usize> = (0..5).collect();
            (1..5).for_each(|i| order.swap(i, numbers.below(i + 1)));
            let turned: Vec<Scene> =
                scenes.iter().map(|s| s.with(order.iter().map(|t| s.truths[*t].clone()).collect())).collect();
            let (found, expected) = (assigned(rule, &turned), assigned(rule, &scenes));
            let back: Vec<Assigned> =
                found.iter().map(|rows| rows.iter().map(|t| t.map(|t| order[t])).collect()).collect();
            assert_eq!(back, expected, "{rule}, order {order:?}");
        }
    }
}

#[test]
fn padding_is_as_if_it_were_not_there() {
    for rule in RULES {
        let scene = Scene::random(9, 40, 3);
        let alone = assigned(rule, std::slice::from_ref(&scene));
        assert!(alone[0].iter().flatten().count() > 2, "{rule}: {alone:?}");
        // The padding looks like the truth that most rows lie about.
        let mut truths = scene.truths.clone();
        let mut padding = truths[1].clone();
        padding.valid = false;
        truths.extend([padding.clone(), padding]);
        assert_eq!(assigned(rule, &[scene.with(truths)]), alone, "{rule}");
    }
}

#[test]
fn without_truths_nothing_is_assigned() {
    for rule in RULES {
        let empty = Scene::random(9, 12, 0);
        assert_eq!(assigned(rule, &[empty]), [vec![None; 12]], "{rule}, no truths");
        let mut padded = Scene::random(9, 12, 4);
        padded.truths.iter_mut().for_each(|t| t.valid = false);
        let fields = "index = r.index, box = r.box, picked = filled(r.picked, 0.0)";
        let found = run(rule, fields, std::slice::from_ref(&padded));
        assert_eq!(columns(&found, &[padded]), [vec![None; 12]], "{rule}, padded truths");
        assert!(found["picked"].to_f64().iter().chain(&found["box"].to_f64()).all(|v| *v == 0.0), "{rule}");
    }
}

#[test]
fn of_equal_truths_the_first_gets_the_row() {
    for rule in RULES.iter().filter(|rule| **rule != "Hungarian()") {
        let scene = Scene::random(4, 40, 3);
        let twice: Vec<_> = scene.truths.iter().chain(&scene.truths).cloned().collect();
        assert_eq!(assigned(rule, &[scene.with(twice)]), assigned(rule, &[scene]), "{rule}");
    }
}

#[test]
fn a_row_is_picked_for_the_column_that_it_is_given() {
    for rule in RULES {
        let scenes = scenes(6, 30, 5);
        let found = run(rule, "index = r.index, picked = filled(r.picked, 0.0)", &scenes);
        let picked = found["picked"].to_f64();
        for (row, column) in columns(&found, &scenes).concat().into_iter().enumerate() {
            let expected = (0..5).map(|t| f64::from(u8::from(column == Some(t)))).collect::<Vec<_>>();
            assert_eq!(picked[5 * row..5 * row + 5], expected, "{rule}, row {row}");
        }
    }
}

#[test]
fn engines_agree() {
    let engines: Vec<Box<dyn Engine>> = vec![
        Box::new(DfdxEngine::default()),
        Box::new(fused_at(Level::O0, Precision::F32)),
        Box::new(fused_at(Level::O2, Precision::F32)),
    ];
    for rule in RULES {
        for scenes in [scenes(8, 30, 5), vec![Scene::random(9, 12, 0)]] {
            let expected = assigned(rule, &scenes);
            for engine in &engines {
                let found = run_on(engine.as_ref(), RunKey::default(), rule, "index = r.index", &scenes);
                assert_eq!(columns(&found, &scenes), expected, "{rule} on {}", engine.name());
            }
        }
    }
}
