//! Speed of convolutions and products of matrices, in GFLOP/s: the best of many short runs.
//!
//! `cargo run --release -p vspec-cpu --example anchors [THREADS [CONVOLUTION [exact]]]`

use std::time::{Duration, Instant};

use vspec_cpu::{Data, Executable, Mode, Variables, detected, with_threads};
use vspec_engine::RunKey;
use vspec_ir::plan::{
    Anchor, Index, Instr, Kernel, Layout, Operand, Place, Plan, PlanOutput, Reg, Region, Step, Value, ValueId,
};
use vspec_ir::{DType, Dim, Op, Origin, OutputKind};

/// Images, input channels, output channels, size, kernel, stride, groups.
const CONVOLUTIONS: [[usize; 7]; 37] = [
    [8, 3, 64, 128, 7, 2, 1],
    [8, 64, 64, 32, 3, 1, 1],
    [8, 64, 128, 32, 3, 2, 1],
    [8, 64, 128, 32, 1, 2, 1],
    [8, 128, 128, 16, 3, 1, 1],
    [8, 128, 256, 16, 3, 2, 1],
    [8, 256, 256, 8, 3, 1, 1],
    [8, 512, 512, 4, 3, 1, 1],
    [8, 256, 64, 32, 1, 1, 1],
    [16, 96, 96, 32, 3, 1, 96],
    [16, 96, 96, 32, 5, 1, 96],
    [16, 960, 960, 3, 3, 1, 960],
    [16, 576, 576, 6, 3, 1, 576],
    [16, 192, 192, 12, 3, 1, 192],
    [16, 144, 144, 24, 3, 1, 144],
    [16, 96, 96, 48, 3, 2, 96],
    [16, 16, 16, 32, 3, 1, 16],
    [16, 16, 16, 32, 5, 1, 16],
    [16, 16, 16, 32, 1, 1, 1],
    [16, 16, 96, 48, 1, 1, 1],
    [16, 144, 24, 24, 1, 1, 1],
    [16, 384, 64, 6, 1, 1, 1],
    [16, 3, 32, 96, 3, 2, 1],
    [4, 64, 256, 56, 1, 1, 1],
    [4, 256, 64, 56, 1, 1, 1],
    [4, 256, 128, 56, 1, 1, 1],
    [4, 128, 512, 28, 1, 1, 1],
    [4, 512, 128, 28, 1, 1, 1],
    [4, 256, 1024, 14, 1, 1, 1],
    [4, 1024, 256, 14, 1, 1, 1],
    [4, 512, 2048, 7, 1, 1, 1],
    [4, 2048, 512, 7, 1, 1, 1],
    [4, 1024, 2048, 14, 1, 2, 1],
    [4, 64, 64, 56, 3, 1, 1],
    [4, 128, 128, 28, 3, 1, 1],
    [4, 256, 256, 14, 3, 1, 1],
    [4, 512, 512, 7, 3, 1, 1],
];

/// Rows, terms and columns.
const PRODUCTS: [[usize; 3]; 4] = [[512, 512, 512], [1024, 1024, 1024], [788, 192, 768], [8, 512, 1000]];

#[allow(clippy::print_stdout, reason = "its purpose")]
fn main() {
    let threads = std::env::args().nth(1).and_then(|arg| arg.parse().ok());
    with_threads(threads.unwrap_or(usize::MAX), measure);
}

#[allow(clippy::print_stdout, reason = "its purpose")]
fn measure() {
    let exact = std::env::args().nth(3).is_some_and(|arg| arg == "exact");
    let mode = Mode { exact, ..Mode::BEST };
    println!("{:?}; GFLOP/s", detected());
    println!("{:32} {:>9} {:>9} {:>9}", "convolution", "forward", "input", "weight");
    let only: Option<usize> = std::env::args().nth(2).and_then(|arg| arg.parse().ok());
    for (_, sizes) in CONVOLUTIONS.into_iter().enumerate().filter(|(i, _)| only.is_none_or(|only| only == *i))
    {
        let [n, c, o, size, kernel, stride, groups] = sizes;
        let out = (size + kernel / 2 * 2 - kernel) / stride + 1;
        let (x, y) = (vec![n, c, size, size], vec![n, o, out, out]);
        let w = vec![o, c / groups, kernel, kernel];
        let work = (n * o * out * out * (c / groups) * kernel * kernel * 2) as f64;
        let pad = kernel as i64 / 2;
        let (stride, padding, dilation) = (vec![stride as i64; 2], vec![[pad; 2]; 2], vec![1; 2]);
        let groups = groups as i64;
        let dims = |size: usize| vec![Dim::from(size); 2];
        let ops = [
            Op::Conv { stride: stride.clone(), padding: padding.clone(), dilation: dilation.clone(), groups },
            Op::ConvInput {
                stride: stride.clone(),
                padding: padding.clone(),
                dilation: dilation.clone(),
                groups,
                size: dims(size),
            },
            Op::ConvWeight { stride, padding, dilation, groups, kernel: dims(kernel) },
        ];
        let shapes = [[&x, &w, &y], [&y, &w, &x], [&x, &y, &w]];
        let speeds =
            ops.into_iter().zip(shapes).map(|(op, shapes)| work / best(op, shapes, mode).as_secs_f64() / 1e9);
        let speeds: Vec<String> = speeds.map(|speed| format!("{speed:9.1}")).collect();
        println!("{:32} {}", format!("{sizes:?}"), speeds.join(" "));
    }
    for [rows, terms, columns] in PRODUCTS.into_iter().filter(|_| only.is_none()) {
        let (a, b, c) = (vec![rows, terms], vec![terms, columns], vec![rows, columns]);
        let time = best(Op::Matmul {}, [&a, &b, &c], Mode::BEST);
        let speed = (rows * terms * columns * 2) as f64 / time.as_secs_f64() / 1e9;
        println!("{:32} {speed:9.1}", format!("{rows} x {terms} x {columns}"));
    }
}

/// The least time of a run of an op on two operands.
fn best(op: Op, [a, b, result]: [&Vec<usize>; 3], mode: Mode) -> Duration {
    let value = |shape: &Vec<usize>, place| Value {
        origin: Origin::default(),
        dtype: DType::F32,
        shape: shape.clone(),
        layout: Layout::dense(shape.len()),
        place,
    };
    let whole =
        |shape: &[usize]| (0..shape.len()).map(|axis| Index::counter(axis, shape)).collect::<Vec<_>>();
    let operand = |value: u32, shape: &Vec<usize>| Operand {
        value: ValueId(value),
        shape: shape.clone(),
        at: whole(shape),
    };
    let values = vec![
        value(a, Place::Input("a".into())),
        value(b, Place::Input("b".into())),
        value(result, Place::Variable("c".into())),
    ];
    let anchor =
        Anchor { op, operands: vec![operand(0, a), operand(1, b)], shape: result.clone(), dtype: DType::F32 };
    let step = |instr| Step { instr, dtype: DType::F32, inner: true, pass: 0 };
    let store = Instr::Store { value: ValueId(2), at: whole(result), from: Reg(0) };
    let region = Region {
        extents: result.clone(),
        outer: result.len(),
        steps: vec![step(Instr::Anchor), step(store)],
    };
    let plan = Plan {
        name: "one".to_string(),
        values,
        kernels: vec![Kernel { origins: vec![], anchor: Some(anchor), region }],
        outputs: vec![PlanOutput { name: "c".into(), kind: OutputKind::Write, value: ValueId(2) }],
        arena: 0,
    };
    let mut executable = Executable::<f32>::new(plan, mode).expect("a good plan");
    let numbers = |shape: &Vec<usize>| {
        let count: usize = shape.iter().product();
        Data::Float((0..count).map(|i| (i * 37 % 101) as f32 / 101.0 - 0.5).collect())
    };
    let (a, b) = (numbers(a), numbers(b));
    let inputs = [("a", a.elements()), ("b", b.elements())].into_iter().collect();
    let mut variables = Variables::new();
    let (mut best, begin) = (Duration::MAX, Instant::now());
    while begin.elapsed() < Duration::from_millis(400) {
        let start = Instant::now();
        executable.run(&inputs, &mut variables, RunKey { seed: 0, step: 0 }).expect("runs");
        best = best.min(start.elapsed());
    }
    best
}
