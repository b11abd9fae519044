//! How far single precision is from double precision, by kinds of kernels and with each set of instructions. The table of the book's page
//! `checking.md` says it, too, and is compared with what is measured here; `-- --nocapture` prints it anew.

use std::fmt::Write;

use vspec_cpu::{Isa, Mode, detected};
use vspec_engine::rng::Stream;
use vspec_engine::{Buffer, Engine, HostTensor, Inputs, Precision, RunKey};
use vspec_ir::{DType, Dim, Graph, NodeId, Op, Origin, OutputKind};
use vspec_optimize::Level;
use vspec_tests::{assert_clean, compile_text, fused_in, read};

/// The most that rounding once is off by, as a part of the result.
const UNIT: f64 = 1.0 / (1 << 24) as f64;

/// How many times as large or as small as the book says an error may be.
const SLACK: f64 = 3.0;

/// The sets of instructions, as the table has them.
const SETS: [(&str, Isa); 3] =
    [("none", Isa::Baseline), ("AVX2 and FMA", Isa::Avx2), ("AVX-512", Isa::Avx512)];

/// What errors are parts of.
#[derive(Clone, Copy)]
enum Of {
    /// The root mean square of the result.
    All,
    /// Each element.
    Each,
}

/// Something to be computed in both precisions.
struct Work {
    name: &'static str,
    graph: Graph,
    inputs: Inputs,
    exact: bool,
    of: Of,
}

/// Numbers of an operand: floats, so that both precisions begin with the same.
fn drawn(operand: usize, shape: &[usize], number: impl Fn(&Stream, u64) -> f64) -> HostTensor {
    let stream = Stream::new(&format!("x{operand}"), 3, 0);
    let count = shape.iter().product::<usize>() as u64;
    let values = (0..count).map(|i| number(&stream, i) as f32).collect();
    HostTensor::new(shape.to_vec(), Buffer::F32(values)).expect("as many numbers as the shape says")
}

fn inputs(operands: Vec<HostTensor>) -> Inputs {
    operands.into_iter().enumerate().map(|(i, x)| (name(i), x)).collect()
}

/// The name that the elaborator gives to an entry's input.
fn name(operand: usize) -> String {
    if operand == 0 { "input".to_string() } else { format!("input{operand}") }
}

fn dims(sizes: &[usize]) -> Vec<Dim> {
    sizes.iter().map(|n| Dim::from(*n)).collect()
}

/// One op on normal numbers.
fn op(name_of: &'static str, op: Op, shapes: &[&[usize]], exact: bool) -> Work {
    let operands = shapes.iter().enumerate().map(|(i, shape)| drawn(i, shape, Stream::normal)).collect();
    of_op(name_of, op, operands, exact, Of::All)
}

fn of_op(name_of: &'static str, op: Op, operands: Vec<HostTensor>, exact: bool, of: Of) -> Work {
    let mut graph = Graph::new("work");
    let shapes: Vec<Vec<Dim>> = operands.iter().map(|x| dims(x.shape())).collect();
    let mut input = |(i, shape): (usize, Vec<Dim>)| {
        let input = Op::Input { name: name(i).into(), dtype: DType::F32, shape };
        graph.add(input, &[], Origin::default()).expect("an input")
    };
    let nodes: Vec<NodeId> = shapes.into_iter().enumerate().map(&mut input).collect();
    let result = graph.add(op, &nodes, Origin::default()).expect("fits");
    graph.output("y", OutputKind::Value, result);
    Work { name: name_of, graph, inputs: inputs(operands), exact, of }
}

/// A function of one tensor, as the language has it.
fn text(name_of: &'static str, uses: &str, body: &str, shape: &[usize]) -> Work {
    let ty = format!("f32{shape:?}");
    let compiled = compile_text(&format!("{uses}\nfn work(x: {ty}) {{ {body} }}\nentry work = work({ty})\n"));
    assert_clean(&compiled, name_of);
    let graph = compiled.entries[0].graph.clone();
    let inputs = inputs(vec![drawn(0, shape, |stream, i| 2.0 * stream.normal(i) + 1.0)]);
    Work { name: name_of, graph, inputs, exact: false, of: Of::All }
}

/// A convolution of square windows over maps of 32x32 and both of its transposes.
fn convolutions(
    names: [&'static str; 3],
    [kernel, stride]: [usize; 2],
    groups: usize,
    exact: bool,
) -> Vec<Work> {
    let (channels, padding) = (64, vec![[kernel as i64 / 2; 2]; 2]);
    let (x, w) = ([2, channels, 32, 32], [channels, channels / groups, kernel, kernel]);
    let y = [2, channels, 32 / stride, 32 / stride];
    let (stride, dilation, groups) = (vec![stride as i64; 2], vec![1, 1], groups as i64);
    let (s, p, d) = (|| stride.clone(), || padding.clone(), || dilation.clone());
    let forward = Op::Conv { stride: s(), padding: p(), dilation: d(), groups };
    let size = dims(&[32, 32]);
    let input = Op::ConvInput { stride: s(), padding: p(), dilation: d(), groups, size };
    let kernel = dims(&[kernel, kernel]);
    let weight = Op::ConvWeight { stride: s(), padding: p(), dilation: d(), groups, kernel };
    vec![
        op(names[0], forward, &[&x, &w], exact),
        op(names[1], input, &[&y, &w], exact),
        op(names[2], weight, &[&x, &y], exact),
    ]
}

fn kernels() -> Vec<Work> {
    let with_transposes = |name| [name, "its input's gradient", "its weight's gradient"];
    let convolutions = |name, sizes, groups, exact| convolutions(with_transposes(name), sizes, groups, exact);
    let mut works = convolutions("conv 3x3, Winograd", [3, 1], 1, false);
    works.extend(convolutions("conv 3x3 by 2, Winograd", [3, 2], 1, false));
    works.extend(convolutions("conv 7x7 by 2, Winograd in four phases", [7, 2], 1, false));
    works.extend(convolutions("conv 3x3, sums of products", [3, 1], 1, true));
    works.extend(convolutions("conv 1x1", [1, 1], 1, false));
    works.extend(convolutions("depthwise conv 3x3", [3, 1], 64, false));
    let (kernel, stride, padding) = (vec![3, 3], vec![2, 2], vec![[1, 1]; 2]);
    works.extend([
        op("matmul of 512 terms", Op::Matmul {}, &[&[128, 512], &[512, 160]], false),
        op("sum of 100,000", Op::Sum { axes: vec![1], keepdims: false }, &[&[16, 100_000]], false),
        op("mean of columns of 1,000", Op::Mean { axes: vec![0], keepdims: false }, &[&[1000, 96]], false),
        op("cumsum of 1,000", Op::Cumsum { axis: 1, reverse: false }, &[&[64, 1000]], false),
        op(
            "avg_pool 3x3",
            Op::AvgPool { kernel, stride, padding, count_padding: true },
            &[&[2, 16, 32, 32]],
            false,
        ),
        text("softmax of 1,000", "", "softmax(x, axis = 1)", &[64, 1000]),
        text("log_softmax of 1,000", "", "log_softmax(x, axis = 1)", &[64, 1000]),
        text(
            "batch norm",
            "use std.nn.BatchNorm",
            "BatchNorm(16, affine = false, track = false)(x)",
            &[8, 16, 32, 32],
        ),
        text("layer norm", "use std.nn.LayerNorm", "LayerNorm([384], affine = false)(x)", &[64, 384]),
    ]);
    works
}

/// A function of many numbers.
fn function(name_of: &'static str, op: Op, number: fn(&Stream, u64) -> f64) -> Work {
    of_op(name_of, op, vec![drawn(0, &[1 << 16], number)], false, Of::Each)
}

fn normal(stream: &Stream, i: u64) -> f64 {
    4.0 * stream.normal(i)
}

fn positive(stream: &Stream, i: u64) -> f64 {
    normal(stream, i).exp()
}

fn functions() -> Vec<Work> {
    vec![
        function("exp", Op::Exp {}, normal),
        function("log", Op::Log {}, positive),
        function("log1p", Op::Log1p {}, positive),
        function("sqrt", Op::Sqrt {}, positive),
        function("tanh", Op::Tanh {}, normal),
        function("sigmoid", Op::Sigmoid {}, normal),
        function("erf", Op::Erf {}, normal),
    ]
}

fn result(work: &Work, mode: Mode, precision: Precision) -> Vec<f64> {
    let mut session = fused_in(mode, Level::O2, precision).session();
    let values = session.run(&work.graph, &work.inputs, RunKey::default()).expect("runs");
    values[0].to_f64()
}

/// Root mean square and largest size of errors, in units.
fn errors(of: Of, got: &[f64], want: &[f64]) -> [f64; 2] {
    assert_eq!(got.len(), want.len());
    let mean_square = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
    let whole = mean_square(want).sqrt();
    let part = |(got, want): (&f64, &f64)| match of {
        Of::All => (got - want) / whole / UNIT,
        Of::Each if got == want => 0.0,
        Of::Each => (got - want) / want / UNIT,
    };
    let parts: Vec<f64> = got.iter().zip(want).map(part).collect();
    // NaN would be lost in a maximum.
    assert!(parts.iter().all(|part| part.is_finite()), "errors are numbers");
    [mean_square(&parts).sqrt(), parts.iter().fold(0.0, |most, part| part.abs().max(most))]
}

/// A line of the table: for each set of instructions both errors; none where the machine lacks it.
type Row = (String, [Option<[f64; 2]>; 3]);

fn measured(works: &[Work]) -> Vec<Row> {
    let row = |work: &Work| {
        let mode = |isa| Mode { exact: work.exact, ..Mode::only(isa) };
        let want = result(work, mode(Isa::Baseline), Precision::F64);
        let errors = |(_, isa): (&str, Isa)| {
            (isa <= detected()).then(|| errors(work.of, &result(work, mode(isa), Precision::F32), &want))
        };
        (work.name.to_string(), SETS.map(errors))
    };
    works.iter().map(row).collect()
}

/// As the book shows it.
fn table(what: &str, rows: &[Row]) -> String {
    let mut text = format!("| {what} | {} |\n|---|---|---|---|\n", SETS.map(|(name, _)| name).join(" | "));
    for (name, cells) in rows {
        let cells =
            cells.map(|cell| cell.map_or("-".to_string(), |[mean, most]| format!("{mean:.2} ({most:.1})")));
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
    text
}

/// The lines of a table of the book, from its heading on.
fn written(page: &str, heading: &str) -> Vec<Row> {
    let lines =
        page.lines().skip_while(|line| *line != heading).skip(1).skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let cell = |at: usize| {
            let (mean, most) = cells.get(at)?.trim_end_matches(')').split_once(" (")?;
            Some([mean.parse().ok()?, most.parse().ok()?])
        };
        (cells[0].to_string(), [cell(1), cell(2), cell(3)])
    };
    rows.map(row).collect()
}

/// Whether the book says about as much as was measured.
fn is_close(own: f64, said: f64) -> bool {
    own <= said * SLACK + 0.01 && said <= own * SLACK + 0.01
}

/// What is wrong with a line of the book.
fn mistakes((name, cells): &Row, (line, figures): &Row) -> Vec<String> {
    assert_eq!(name, line, "lines are in another order");
    let mut wrong = vec![];
    for (((set, _), cell), figure) in SETS.iter().zip(cells).zip(figures) {
        match (cell, figure) {
            // A machine may lack a set, the book may not.
            (_, None) => wrong.push(format!("{name} with {set} is not there")),
            (Some(cell), Some(figure))
                if !cell.iter().zip(figure).all(|(own, said)| is_close(*own, *said)) =>
            {
                wrong.push(format!("{name} with {set}: {cell:.2?}, the book says {figure:?}"));
            }
            _ => {}
        }
    }
    wrong
}

#[test]
fn errors_are_those_of_the_book() {
    let page = read("book/src/checking.md");
    let (mut found, mut wrong) = (String::new(), vec![]);
    for (heading, what, works) in
        [("### Kernels", "kernel", kernels()), ("### Functions", "function", functions())]
    {
        let (rows, book) = (measured(&works), written(&page, heading));
        let _ = writeln!(found, "{heading}\n\n{}", table(what, &rows));
        assert_eq!(rows.len(), book.len(), "{heading} has other lines than\n{found}");
        wrong.extend(rows.iter().zip(&book).flat_map(|(row, line)| mistakes(row, line)));
    }
    println!("{found}");
    assert!(wrong.is_empty(), "{wrong:#?}\n{found}");
}
