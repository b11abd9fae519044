//! Samples with rows and truths at random, and running a rule on them.

use std::collections::BTreeMap;

use vspec_engine::{Buffer, Engine, HostTensor, Inputs, Interpreter, RunKey};
use vspec_tests::{assert_clean, compile_text};

/// Number of classes.
pub(crate) const CLASSES: usize = 3;

/// Corners.
pub(crate) type Rect = [f32; 4];

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) point: [f32; 2],
    pub(crate) stride: f32,
    /// Range of the largest distance to a side.
    pub(crate) range: [f32; 2],
    pub(crate) level: i32,
    pub(crate) score: [f32; CLASSES],
    pub(crate) rect: Rect,
}

#[derive(Clone, Debug)]
pub(crate) struct Truth {
    pub(crate) label: usize,
    pub(crate) rect: Rect,
    pub(crate) valid: bool,
}

/// What a rule is given for one sample.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) rows: Vec<Row>,
    pub(crate) truths: Vec<Truth>,
}

/// Numbers in [0, 1) from a linear congruence.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.next()
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f32) as usize
    }
}

impl Scene {
    /// Two levels over a field of 64 by 64, and truths somewhere in it. Rows lie about a truth, if there is one.
    pub(crate) fn random(seed: u64, rows: usize, truths: usize) -> Scene {
        let mut numbers = Numbers::new(seed);
        let truths: Vec<Truth> = (0..truths).map(|_| truth(&mut numbers)).collect();
        let rows = (0..rows).map(|i| row(&mut numbers, i * 3 / (2 * rows), &truths)).collect();
        Scene { rows, truths }
    }

    /// The same rows with other truths.
    pub(crate) fn with(&self, truths: Vec<Truth>) -> Scene {
        Scene { rows: self.rows.clone(), truths }
    }
}

fn truth(numbers: &mut Numbers) -> Truth {
    let (width, height) = (numbers.between(8.0, 30.0), numbers.between(8.0, 30.0));
    let (x, y) = (numbers.between(0.0, 64.0 - width), numbers.between(0.0, 64.0 - height));
    Truth { label: numbers.below(CLASSES), rect: [x, y, x + width, y + height], valid: true }
}

fn row(numbers: &mut Numbers, level: usize, truths: &[Truth]) -> Row {
    let stride = [8.0, 16.0][level];
    let near = (!truths.is_empty()).then(|| truths[numbers.below(truths.len())].rect);
    let rect = near.unwrap_or([16.0, 16.0, 40.0, 40.0]).map(|side| side + numbers.between(-6.0, 6.0));
    let point = [(rect[0] + rect[2]) / 2.0, (rect[1] + rect[3]) / 2.0];
    let score = [(); CLASSES].map(|()| numbers.between(0.02, 0.98));
    let range = [[0.0, 12.0], [8.0, 64.0]][level];
    Row { point, stride, range, level: level as i32, score, rect }
}

/// What a rule gives, by name.
pub(crate) type Found = BTreeMap<String, HostTensor>;

/// Calls a rule on a batch of scenes of one size. `fields` are those of its result that are wanted, as `name = expression of r`.
pub(crate) fn run(rule: &str, fields: &str, scenes: &[Scene]) -> Found {
    run_on(&Interpreter::default(), RunKey::default(), rule, fields, scenes)
}

pub(crate) fn run_on(engine: &dyn Engine, key: RunKey, rule: &str, fields: &str, scenes: &[Scene]) -> Found {
    let (b, n, m) = (scenes.len(), scenes[0].rows.len(), scenes[0].truths.len());
    let name = rule.split('(').next().unwrap_or_default();
    let text = format!(
        "use std.assign.{name}
fn case(point: f32[B, N, 2], stride: f32[B, N], low: f32[B, N], high: f32[B, N], level: i32[B, N], score: f32[B, N, C],
        box: f32[B, N, 4], truth: f32[B, M, 4], label: i32[B, M], valid: bool[B, M]) {{
  let rows = {{ point, stride, low, high, level, score, box }}
  let r = {rule}(rows, masked({{ label, box = truth }}, valid))
  {{ {fields} }}
}}
entry case = case(f32[{b}, {n}, 2], f32[{b}, {n}], f32[{b}, {n}], f32[{b}, {n}], i32[{b}, {n}], f32[{b}, {n}, {CLASSES}],
                  f32[{b}, {n}, 4], f32[{b}, {m}, 4], i32[{b}, {m}], bool[{b}, {m}])
"
    );
    let compiled = compile_text(&text);
    assert_clean(&compiled, &text);
    let graph = &compiled.entries[0].graph;
    let values = engine.session().run(graph, &inputs(scenes), key).expect("runs");
    graph.outputs().iter().map(|o| o.name.to_string()).zip(values).collect()
}

/// Inputs in the order of the entry's arguments.
fn inputs(scenes: &[Scene]) -> Inputs {
    let (b, n, m) = (scenes.len(), scenes[0].rows.len(), scenes[0].truths.len());
    let rows = || scenes.iter().flat_map(|s| &s.rows);
    let truths = || scenes.iter().flat_map(|s| &s.truths);
    let floats = |shape: &[usize], values: Vec<f32>| tensor(shape, Buffer::F32(values));
    let tensors = [
        floats(&[b, n, 2], rows().flat_map(|r| r.point).collect()),
        floats(&[b, n], rows().map(|r| r.stride).collect()),
        floats(&[b, n], rows().map(|r| r.range[0]).collect()),
        floats(&[b, n], rows().map(|r| r.range[1]).collect()),
        tensor(&[b, n], Buffer::I32(rows().map(|r| r.level).collect())),
        floats(&[b, n, CLASSES], rows().flat_map(|r| r.score).collect()),
        floats(&[b, n, 4], rows().flat_map(|r| r.rect).collect()),
        floats(&[b, m, 4], truths().flat_map(|t| t.rect).collect()),
        tensor(&[b, m], Buffer::I32(truths().map(|t| t.label as i32).collect())),
        tensor(&[b, m], Buffer::Bool(truths().map(|t| t.valid).collect())),
    ];
    let mut inputs = Inputs::new();
    for (i, value) in tensors.into_iter().enumerate() {
        inputs.insert(if i == 0 { "input".into() } else { format!("input{i}") }, value);
    }
    inputs
}

fn tensor(shape: &[usize], buffer: Buffer) -> HostTensor {
    HostTensor::new(shape.to_vec(), buffer).expect("as many values as the shape says")
}

/// The column of each row of each scene.
pub(crate) fn columns(found: &Found, scenes: &[Scene]) -> Vec<Vec<Option<usize>>> {
    let index = found["index"].to_f64();
    let rows = scenes[0].rows.len();
    index.chunks(rows.max(1)).map(|c| c.iter().map(|i| usize::try_from(*i as i64).ok()).collect()).collect()
}
