//! Gradients of the measures of `std.boxes` and the losses made of them, on every engine in double precision, against central
//! differences of the papers' formulas, written down apart from them.

use vspec_dfdx::DfdxEngine;
use vspec_engine::{Buffer, Engine, HostTensor, Inputs, Interpreter, Precision, RunKey};
use vspec_optimize::Level;
use vspec_optimize::differentiate::{Tape, prepare};
use vspec_tests::{assert_clean, compile_text, fused_at, fusing};

type Rect = [f64; 4];

/// Pairs without ties: shifted, one within the other, apart in one axis and in both, long and flat.
const PAIRS: [[Rect; 2]; 7] = [
    [[1.0, 2.0, 9.0, 7.5], [3.0, 1.0, 12.0, 6.0]],
    [[0.0, 0.0, 10.0, 20.0], [2.0, 3.0, 5.5, 9.0]],
    [[4.0, 4.0, 6.0, 5.0], [1.0, 0.5, 30.0, 8.0]],
    [[0.0, 0.0, 3.0, 4.0], [5.0, 1.0, 9.0, 3.5]],
    [[0.0, 0.0, 2.0, 2.5], [7.0, 9.0, 11.0, 10.0]],
    [[-3.0, 0.5, 40.0, 1.5], [0.0, -9.0, 1.0, 30.0]],
    [[0.25, 0.5, 0.5, 0.875], [0.3, 0.4, 0.6, 0.8]],
];

const EPS: f64 = 1e-7;

fn area(r: Rect) -> f64 {
    (r[2] - r[0]) * (r[3] - r[1])
}

fn shared(a: Rect, b: Rect) -> f64 {
    let side = |low: usize, high: usize| (a[high].min(b[high]) - a[low].max(b[low])).max(0.0);
    side(0, 2) * side(1, 3)
}

fn hull(a: Rect, b: Rect) -> [f64; 2] {
    [0, 1].map(|i| a[i + 2].max(b[i + 2]) - a[i].min(b[i]))
}

fn iou(a: Rect, b: Rect) -> f64 {
    shared(a, b) / (area(a) + area(b) - shared(a, b))
}

fn giou(a: Rect, b: Rect) -> f64 {
    let ([width, height], union) = (hull(a, b), area(a) + area(b) - shared(a, b));
    iou(a, b) - (width * height - union) / (width * height)
}

fn diou(a: Rect, b: Rect) -> f64 {
    let [width, height] = hull(a, b);
    let apart = [0, 1].map(|i| (a[i] + a[i + 2] - b[i] - b[i + 2]) / 2.0);
    iou(a, b) - (apart[0].powi(2) + apart[1].powi(2)) / (width.powi(2) + height.powi(2) + EPS)
}

/// The measure of how far the ratios of the sides differ.
fn ratio(a: Rect, b: Rect) -> f64 {
    let angle = |r: Rect| ((r[2] - r[0]) / (r[3] - r[1])).atan();
    4.0 / std::f64::consts::PI.powi(2) * (angle(a) - angle(b)).powi(2)
}

/// The weight of the ratio, which the gradient takes for a constant.
fn weight(a: Rect, b: Rect) -> f64 {
    ratio(a, b) / (1.0 - iou(a, b) + ratio(a, b) + EPS)
}

/// A measure as a function of both boxes, given the boxes at which it is differentiated.
type Measure = fn([Rect; 2], [Rect; 2]) -> f64;

const MEASURES: [(&str, Measure); 7] = [
    ("iou(a, b, eps = 1e-7)", |[a, b], _| iou(a, b)),
    ("giou(a, b, eps = 1e-7)", |[a, b], _| giou(a, b)),
    ("diou(a, b, eps = 1e-7)", |[a, b], _| diou(a, b)),
    ("ciou(a, b, eps = 1e-7)", |[a, b], [p, q]| diou(a, b) - weight(p, q) * ratio(a, b)),
    ("DIoU(reduction = \"none\")(a, b)", |[a, b], _| 1.0 - diou(a, b)),
    ("CIoU(reduction = \"none\")(a, b)", |[a, b], [p, q]| 1.0 - diou(a, b) + weight(p, q) * ratio(a, b)),
    ("GIoU(reduction = \"none\")(a, b)", |[a, b], _| 1.0 - giou(a, b)),
];

/// Values and gradients by both boxes, `[N]` and twice `[N, 4]`.
fn found(measure: &str, engine: &dyn Engine, tape: Tape) -> Vec<Vec<f64>> {
    let n = PAIRS.len();
    let text = format!(
        "use std.boxes.{{ciou, diou, giou, iou}}\nuse std.losses.{{CIoU, DIoU, GIoU}}\n\
         fn case(a: f32[N, 4], b: f32[N, 4]) {{\n  let value = {measure}\n  \
         {{ value, by_a = grad(sum(value), a), by_b = grad(sum(value), b) }}\n}}\n\
         entry case = case(f32[{n}, 4], f32[{n}, 4])\n"
    );
    let mut compiled = compile_text(&text);
    compiled.diagnostics.retain(|d| d.is_error());
    assert_clean(&compiled, &text);
    let mut graph = compiled.entries[0].graph.clone();
    prepare(&mut graph, tape).expect("has gradients");
    let mut inputs = Inputs::new();
    for (i, name) in ["input", "input1"].into_iter().enumerate() {
        let numbers = PAIRS.iter().flat_map(|pair| pair[i]).collect();
        inputs.insert(name.into(), HostTensor::new(vec![n, 4], Buffer::F64(numbers)).expect("fills it"));
    }
    let values = engine.session().run(&graph, &inputs, RunKey::default()).expect("runs");
    values.iter().map(HostTensor::to_f64).collect()
}

/// The central difference by side `i` of box `k`.
fn difference(measure: Measure, pair: [Rect; 2], k: usize, i: usize) -> f64 {
    let at = |step: f64| {
        let mut moved = pair;
        moved[k][i] += step;
        measure(moved, pair)
    };
    let step = 1e-5;
    (at(step) - at(-step)) / (2.0 * step)
}

#[test]
fn measures_of_boxes_have_the_gradients_of_their_formulas() {
    let double = Precision::F64;
    // The interpreter has no tape: there the pass writes the gradients out.
    let engines: Vec<(&str, Box<dyn Engine>, Tape)> = vec![
        ("interp", Box::new(Interpreter::new(double)), Tape::None),
        ("dfdx", Box::new(DfdxEngine::new(double)), Tape::First),
        ("composed", Box::new(DfdxEngine::new(double).composed()), Tape::First),
        ("dfdx-fused", Box::new(fusing(double)), Tape::First),
        ("fused", Box::new(fused_at(Level::O2, double)), Tape::First),
    ];
    for ((name, measure), (engine, run, tape)) in
        MEASURES.iter().flat_map(|m| engines.iter().map(move |e| (m, e)))
    {
        let values = found(name, run.as_ref(), *tape);
        for (n, pair) in PAIRS.into_iter().enumerate() {
            let agree = |got: f64, want: f64, what: &str| {
                assert!(
                    (got - want).abs() <= 1e-6,
                    "{name} on {engine}, pair {n}, {what}: {got} and not {want}"
                );
            };
            agree(values[0][n], measure(pair, pair), "value");
            for (k, i) in (0..2).flat_map(|k| (0..4).map(move |i| (k, i))) {
                let want = difference(*measure, pair, k, i);
                agree(values[k + 1][4 * n + i], want, &format!("by side {i} of box {k}"));
            }
        }
    }
}
