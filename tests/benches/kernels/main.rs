//! How fast single kernels are, against what the machine does at most: `cargo bench -p vspec-tests --bench kernels [-- PART OF A NAME]`.
//!
//! A kernel is a step of a specification. divan measures it, and the same runs give the table behind divan's: GFLOP/s of what is a sum of
//! products, GB/s of what is read and written at least, and how much of the measured peak that is: of whichever of the two takes longer.
//! More than all of it reaches what saves products, as Winograd's transforms do, and what lies in a cache.
//!
//! Each family is a benchmark of its own. The estimates by which convolutions choose their way are made of what `convolution` and
//! `convolution_without_winograd` take on one core: `taskset -c 0` in front.

mod memory;
mod sums;

use std::fmt::{Display, Formatter, Result as Formatted};
use std::sync::Mutex;
use std::time::Instant;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use vspec_cpu::{Mode, Peaks, detected, peaks};
use vspec_engine::{Engine, Inputs, Precision, RunKey, Session};
use vspec_optimize::Level;
use vspec_tests::{assert_clean, compile_text, fused_in};
use vspec_train::initialise;

/// Every kernel that was measured, and its best time in seconds.
static MEASURED: Mutex<Vec<(Kernel, f64)>> = Mutex::new(vec![]);

/// Bytes of a float.
const FLOAT: usize = 4;

#[allow(clippy::print_stdout, reason = "its purpose")]
fn main() {
    divan::main();
    let measured = MEASURED.lock().expect("no benchmark panicked");
    if !measured.is_empty() {
        print!("{}", summary(&measured, peaks()));
    }
}

/// A step that is one kernel, or a few.
#[derive(Debug, Clone)]
struct Kernel {
    name: String,
    /// Multiplications and additions of its definition.
    flops: usize,
    /// Of its operands and results, each once.
    bytes: usize,
    text: String,
}

impl Display for Kernel {
    fn fmt(&self, f: &mut Formatter<'_>) -> Formatted {
        f.write_str(&self.name)
    }
}

impl Kernel {
    /// A kernel that reads or writes each of some tensors, and what it does to them.
    fn new(name: String, flops: usize, tensors: &[(&str, &[usize])], body: &str) -> Self {
        let elements = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum::<usize>();
        let states = tensors.iter().map(|(name, shape)| format!("state {name}: f32{shape:?} = normal"));
        let text = specification("", &states.collect::<Vec<_>>().join("\n"), "", body);
        Kernel { name, flops, bytes: elements * FLOAT, text }
    }

    /// A kernel of which only what it reads and writes counts: `floats`.
    fn moving(name: &str, floats: usize, [uses, module, body]: [&str; 3]) -> Self {
        let text = specification(uses, module, "", body);
        Kernel { name: name.to_string(), flops: 0, bytes: floats * FLOAT, text }
    }
}

/// An experiment with one step, which works on a module `m`.
fn specification(uses: &str, module: &str, also: &str, body: &str) -> String {
    format!(
        "{uses}
module M() {{
  {module}
}}
experiment e {{
  let m = M()
  {also}
  step s() {{
    {body}
  }}
  run 1 of s
}}
"
    )
}

/// Measures a kernel.
fn measure(bencher: Bencher<'_, '_>, kernel: &Kernel, mode: Mode) {
    let compiled = compile_text(&kernel.text);
    assert_clean(&compiled, &kernel.name);
    let program = &compiled.programs[0];
    let mut session: Box<dyn Session> = fused_in(mode, Level::O2, Precision::F32).session();
    initialise(&program.variables, session.as_mut(), 0).expect("first values");
    let (graph, inputs) = (&program.steps[0].graphs[0].graph, Inputs::new());
    let mut least = f64::INFINITY;
    let bencher = bencher.counter(BytesCount::new(kernel.bytes));
    let bencher = if kernel.flops > 0 { bencher.counter(ItemsCount::new(kernel.flops)) } else { bencher };
    bencher.bench_local(|| {
        let start = Instant::now();
        session.run(graph, &inputs, RunKey::default()).expect("runs");
        least = least.min(start.elapsed().as_secs_f64());
    });
    MEASURED.lock().expect("no benchmark panicked").push((kernel.clone(), least));
}

/// What was measured, and how much of the machine's peaks that is.
fn summary(measured: &[(Kernel, f64)], peaks: Peaks) -> String {
    let giga = |x: f64| x / 1e9;
    let (flops, bytes) = (giga(peaks.flops), giga(peaks.bytes));
    let mut text =
        format!("\n{:?}: {flops:.0} GFLOP/s in registers, {bytes:.1} GB/s from memory\n", detected());
    text += &format!("{:48} {:>9} {:>8} {:>8} {:>8}\n", "kernel", "us", "GFLOP/s", "GB/s", "of peak");
    for (kernel, seconds) in measured {
        let (flops, bytes) = (kernel.flops as f64 / seconds, kernel.bytes as f64 / seconds);
        let part = 100.0 * (flops / peaks.flops).max(bytes / peaks.bytes);
        let (us, flops, bytes) = (seconds * 1e6, giga(flops), giga(bytes));
        let flops = if kernel.flops > 0 { format!("{flops:.1}") } else { String::new() };
        text += &format!("{:48} {us:9.1} {flops:>9} {bytes:8.1} {part:6.0} %\n", kernel.name);
    }
    text
}

/// How long each measurement lasts, in seconds.
const LONG: f64 = 0.3;

#[divan::bench(args = sums::convolutions(), max_time = LONG, sample_count = 10_000, sample_size = 1)]
fn convolution(bencher: Bencher<'_, '_>, kernel: &Kernel) {
    measure(bencher, kernel, Mode::BEST);
}

#[divan::bench(args = sums::convolutions_without_winograd(), max_time = LONG, sample_count = 10_000, sample_size = 1)]
fn convolution_without_winograd(bencher: Bencher<'_, '_>, kernel: &Kernel) {
    measure(bencher, kernel, Mode { exact: true, ..Mode::BEST });
}

#[divan::bench(args = sums::products(), max_time = LONG, sample_count = 10_000, sample_size = 1)]
fn product(bencher: Bencher<'_, '_>, kernel: &Kernel) {
    measure(bencher, kernel, Mode::BEST);
}

#[divan::bench(args = memory::maps(), max_time = LONG, sample_count = 10_000, sample_size = 1)]
fn map(bencher: Bencher<'_, '_>, kernel: &Kernel) {
    measure(bencher, kernel, Mode::BEST);
}

#[divan::bench(args = memory::tables(), max_time = LONG, sample_count = 10_000, sample_size = 1)]
fn table(bencher: Bencher<'_, '_>, kernel: &Kernel) {
    measure(bencher, kernel, Mode::BEST);
}

#[divan::bench(args = memory::places(), max_time = LONG, sample_count = 10_000, sample_size = 1)]
fn place(bencher: Bencher<'_, '_>, kernel: &Kernel) {
    measure(bencher, kernel, Mode::BEST);
}

#[divan::bench(args = memory::updates(), max_time = LONG, sample_count = 10_000, sample_size = 1)]
fn update(bencher: Bencher<'_, '_>, kernel: &Kernel) {
    measure(bencher, kernel, Mode::BEST);
}
