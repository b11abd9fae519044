//! Average precision on random detections: COCO's against what pycocotools says (`tests/fixtures/coco`), VOC's against a reference that
//! was written apart from it.

use serde_json::Value;
use vspec_dfdx::DfdxEngine;
use vspec_engine::{Buffer, Engine, HostTensor, Inputs, Interpreter, Precision, RunKey};
use vspec_tests::{assert_clean, compile_text, read};

/// A truth or a detection: `number` is the area of the one and the score of the other.
#[derive(Clone, Copy)]
struct Row {
    corners: [f64; 4],
    label: i32,
    number: f64,
    crowd: bool,
}

#[derive(Default)]
struct Image {
    truths: Vec<Row>,
    found: Vec<Row>,
}

struct Problem {
    classes: usize,
    images: Vec<Image>,
    stats: Vec<f64>,
}

fn problems() -> Vec<Problem> {
    let all: Value = serde_json::from_str(&read("tests/fixtures/coco/problems.json")).expect("JSON");
    all.as_array().expect("a list").iter().map(problem).collect()
}

fn problem(value: &Value) -> Problem {
    let list = |v: &Value, of: fn(&[f64]) -> Row| {
        v.as_array().expect("rows").iter().map(|row| of(&numbers(row))).collect::<Vec<Row>>()
    };
    let image = |v: &Value| Image {
        truths: list(&v["truths"], |r| row(r, r[5], r[6] != 0.0)),
        found: list(&v["found"], |r| row(r, r[5], false)),
    };
    Problem {
        classes: value["classes"].as_u64().expect("a number") as usize,
        images: value["images"].as_array().expect("images").iter().map(image).collect(),
        stats: numbers(&value["stats"]),
    }
}

fn row(r: &[f64], number: f64, crowd: bool) -> Row {
    Row { corners: [r[0], r[1], r[0] + r[2], r[1] + r[3]], label: r[4] as i32, number, crowd }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
}

/// The rows of all images side by side, padded to those of the fullest one and `more`.
struct Padded {
    rows: Vec<Option<Row>>,
    shape: [usize; 2],
}

impl Padded {
    fn of(images: &[Image], rows: fn(&Image) -> &Vec<Row>, more: usize) -> Padded {
        let width = images.iter().map(|i| rows(i).len()).max().unwrap_or(0) + more;
        let padded = images.iter().flat_map(|i| (0..width).map(move |k| rows(i).get(k).copied()));
        Padded { rows: padded.collect(), shape: [images.len(), width] }
    }

    fn tensor(&self, buffer: Buffer) -> HostTensor {
        let inner = if buffer.len() == self.rows.len() { vec![] } else { vec![4] };
        HostTensor::new([self.shape.to_vec(), inner].concat(), buffer).expect("fills its shape")
    }

    /// `box`, `number`, `label`, `there`, `crowd`. Padding looks like something that would count.
    fn tensors(&self, precision: Precision) -> [HostTensor; 5] {
        let floats = |values: Vec<f64>| match precision {
            Precision::F64 => Buffer::F64(values),
            Precision::F32 => Buffer::F32(values.into_iter().map(|v| v as f32).collect()),
        };
        let rows = || self.rows.iter();
        [
            floats(rows().flat_map(|r| r.map_or([0.0, 0.0, 50.0, 50.0], |r| r.corners)).collect()),
            floats(rows().map(|r| r.map_or(0.5, |r| r.number)).collect()),
            Buffer::I32(rows().map(|r| r.map_or(0, |r| r.label)).collect()),
            Buffer::Bool(rows().map(Option::is_some).collect()),
            Buffer::Bool(rows().map(|r| r.is_some_and(|r| r.crowd)).collect()),
        ]
        .map(|buffer| self.tensor(buffer))
    }
}

/// What an expression of `found`, `truths` and the number of classes gives for a problem.
fn value(problem: &Problem, expression: &str, engine: &dyn Engine, precision: Precision) -> Vec<f64> {
    let found = Padded::of(&problem.images, |i| &i.found, 2);
    let truths = Padded::of(&problem.images, |i| &i.truths, 1);
    let ([n, d], [_, t], k) = (found.shape, truths.shape, problem.classes);
    let text = format!(
        "use std.metrics.{{coco_ap, voc_ap}}
fn case(box: f32[N, D, 4], score: f32[N, D], label: i32[N, D], found: bool[N, D],
        truth: f32[N, T, 4], area: f32[N, T], truth_label: i32[N, T], there: bool[N, T], ignored: bool[N, T]) {{
  let found = masked({{ box, score, label }}, found)
  let truths = masked({{ box = truth, label = truth_label, area, ignored }}, there)
  let classes = {k}
  let (c, v) = (coco_ap(found, truths, classes), voc_ap(found, truths, classes))
  let at_points = voc_ap(found, truths, classes, overlap = 0.25, points = 11)
  {expression}
}}
entry case = case(f32[{n}, {d}, 4], f32[{n}, {d}], i32[{n}, {d}], bool[{n}, {d}],
                  f32[{n}, {t}, 4], f32[{n}, {t}], i32[{n}, {t}], bool[{n}, {t}], bool[{n}, {t}])
"
    );
    let mut compiled = compile_text(&text);
    compiled.diagnostics.retain(|d| d.is_error());
    assert_clean(&compiled, &text);
    let tensors = found.tensors(precision).into_iter().take(4).chain(truths.tensors(precision));
    let mut inputs = Inputs::new();
    for (i, tensor) in tensors.enumerate() {
        inputs.insert(if i == 0 { "input".into() } else { format!("input{i}") }, tensor);
    }
    let graph = &compiled.entries[0].graph;
    let values = engine.session().run(graph, &inputs, RunKey::default()).expect("runs");
    values[0].to_f64()
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= tolerance, "{what}, number {i}: {f} and not {e}");
    }
}

const STATS: &str = "stack([c.ap, c.ap50, c.ap75, c.ap_small, c.ap_medium, c.ap_large, c.ar_1, c.ar_10, c.ar_100, c.ar_small, \
                     c.ar_medium, c.ar_large])";

#[test]
fn coco_is_what_pycocotools_says() {
    let problems = problems();
    assert!(problems.iter().any(|p| p.images.iter().any(|i| i.found.len() > 100)));
    for (i, problem) in problems.iter().enumerate() {
        let found = value(problem, STATS, &Interpreter::new(Precision::F64), Precision::F64);
        assert_close(&found, &problem.stats, 1e-9, &format!("problem {i}"));
        let single = value(problem, STATS, &DfdxEngine::default(), Precision::F32);
        assert_close(&single, &problem.stats, 1e-6, &format!("problem {i} in single precision"));
    }
}

/// Of equal scores the first counts, so that only problems without them can be turned around.
#[test]
fn the_order_of_images_and_rows_does_not_matter() {
    let mut count = 0;
    for mut problem in problems() {
        let scores: Vec<f64> = problem.images.iter().flat_map(|i| &i.found).map(|f| f.number).collect();
        if (1..scores.len()).any(|i| scores[..i].contains(&scores[i])) {
            continue;
        }
        problem.images.reverse();
        problem.images.iter_mut().for_each(|i| {
            i.found.reverse();
            i.truths.reverse();
        });
        let found = value(&problem, STATS, &Interpreter::new(Precision::F64), Precision::F64);
        assert_close(&found, &problem.stats, 1e-9, "turned around");
        count += 1;
    }
    assert!(count > 3, "{count} problems have different scores");
}

/// Average precision of a class by VOC's rules, one detection after the other; nothing if it has no truths that count.
fn voc(images: &[Image], class: i32, overlap: f64, points: bool) -> Option<f64> {
    let truths = images.iter().flat_map(|i| &i.truths).filter(|t| t.label == class && !t.crowd).count();
    if truths == 0 {
        return None;
    }
    let of_class = |image: usize| images[image].found.iter().filter(|f| f.label == class);
    let mut found: Vec<(usize, &Row)> =
        (0..images.len()).flat_map(|i| of_class(i).map(move |f| (i, f))).collect();
    found.sort_by(|a, b| b.1.number.total_cmp(&a.1.number));
    let mut taken: Vec<(usize, usize)> = vec![];
    // Recall and precision after each detection that counts.
    let (mut right, mut all, mut curve) = (0.0, 0.0, vec![]);
    for (image, detection) in found {
        match outcome(&images[image].truths, detection, overlap) {
            Some(truth) if images[image].truths[truth].crowd => continue,
            Some(truth) if !taken.contains(&(image, truth)) => {
                taken.push((image, truth));
                right += 1.0;
            }
            _ => {}
        }
        all += 1.0;
        curve.push((right / truths as f64, right / all));
    }
    let best_from = |recall: f64| curve.iter().filter(|c| c.0 >= recall).map(|c| c.1).fold(0.0, f64::max);
    if points {
        return Some((0..11).map(|i| best_from(f64::from(i) * 0.1)).sum::<f64>() / 11.0);
    }
    // The area under the curve: one step for each truth that is found.
    let steps = (1..=truths).map(|k| best_from(k as f64 / truths as f64));
    Some(steps.sum::<f64>() / truths as f64)
}

/// The truth that a detection overlaps most, if it does so enough.
fn outcome(truths: &[Row], detection: &Row, overlap: f64) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (i, truth) in truths.iter().enumerate().filter(|(_, t)| t.label == detection.label) {
        let found = iou(truth.corners, detection.corners);
        if best.is_none_or(|b| found > b.1) {
            best = Some((i, found));
        }
    }
    best.filter(|b| b.1 >= overlap).map(|b| b.0)
}

fn iou(a: [f64; 4], b: [f64; 4]) -> f64 {
    let area = |r: [f64; 4]| (r[2] - r[0]) * (r[3] - r[1]);
    let side = |low: usize, high: usize| (a[high].min(b[high]) - a[low].max(b[low])).max(0.0);
    let shared = side(0, 2) * side(1, 3);
    shared / (area(a) + area(b) - shared)
}

#[test]
fn voc_is_what_a_plain_reference_says() {
    let mut known = 0;
    for (i, problem) in problems().iter().enumerate() {
        for (name, overlap, points) in [("v", 0.5, false), ("at_points", 0.25, true)] {
            let by_class: Vec<Option<f64>> =
                (0..problem.classes as i32).map(|k| voc(&problem.images, k, overlap, points)).collect();
            let plain: Vec<f64> = by_class.iter().map(|ap| ap.unwrap_or(-1.0)).collect();
            let some: Vec<f64> = by_class.into_iter().flatten().collect();
            let mean = if some.is_empty() { -1.0 } else { some.iter().sum::<f64>() / some.len() as f64 };
            let all = format!("concat([{name}.by_class, stack([{name}.map])])");
            let found = value(problem, &all, &Interpreter::new(Precision::F64), Precision::F64);
            assert_close(&found, &[plain, vec![mean]].concat(), 1e-9, &format!("problem {i}, {name}"));
            known += some.iter().filter(|ap| **ap > 0.0 && **ap < 1.0).count();
        }
    }
    assert!(known > 50, "{known} classes are neither right nor wrong");
}
