//! The specs that are timed against other libraries: each is formatted, compiles without a word, and in a few steps on the fused
//! engine does what dfdx does, at sizes that a test can wait for, with the same bits on any number of threads.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use vspec_cpu::with_threads;
use vspec_elaborate::{Override, compile};
use vspec_engine::{Engine, Precision};
use vspec_ir::Program;
use vspec_optimize::Level;
use vspec_optimize::differentiate::{self, Tape};
use vspec_syntax::FileId;
use vspec_tests::{NoWorld, assert_clean, fused_at, fused_saving, read, root, vspec_files};
use vspec_train::{Bench, DataFolder, Setup};

/// Every spec with the sizes that it is tested at.
const SMALL: &[(&str, &[(&str, &str)])] = &[
    ("adamw-25m", &[("net.count", "3"), ("net.size", "10")]),
    ("darts-cell-step", &[("train.batch", "4"), ("train.shapes.size", "8"), ("net.c", "4")]),
    ("focal-giou", &[("p.images", "2"), ("p.places", "50"), ("p.classes", "8")]),
    ("mobile-step", &[("train.batch", "4"), ("train.shapes.size", "64"), ("net.scale", "8")]),
    ("resnet18-infer", &[("images.shapes.size", "40"), ("net.width", "8")]),
    ("resnet18-step", &[("train.batch", "4"), ("train.shapes.size", "64"), ("net.width", "8")]),
    ("resnet50-step", &[("train.batch", "4"), ("train.shapes.size", "64"), ("net.width", "8")]),
    (
        "tal-rule",
        &[("p.images", "2"), ("p.height", "96"), ("p.width", "160"), ("p.truths", "5"), ("p.classes", "4")],
    ),
    (
        "tood-r18-step",
        &[("train.batch", "2"), ("train.scenes.size", "64"), ("width", "8"), ("channels", "64")],
    ),
    (
        "vit-step",
        &[
            ("train.batch", "2"),
            ("train.shapes.size", "32"),
            ("net.size", "32"),
            ("net.width", "24"),
            ("net.depth", "2"),
        ],
    ),
];

fn program(name: &str, sizes: &[(&str, &str)]) -> Program {
    let file = format!("tests/peers/specs/{name}.vspec");
    let set = |(path, value): &(&str, &str)| Override { path: path.to_string(), value: value.to_string() };
    let sizes: Vec<Override> = sizes.iter().map(set).collect();
    let mut compiled = compile(&NoWorld, Path::new(&file), &read(&file), &sizes);
    assert_clean(&compiled, &file);
    let mut program = compiled.programs.remove(0);
    differentiate::prepare_program(&mut program, Tape::First).expect("has gradients");
    program
}

/// The loss of each of three steps, and all variables after them.
fn three_steps(program: &Program, engine: &dyn Engine) -> (Vec<f64>, Vec<(String, Vec<f64>)>) {
    let data = DataFolder { root: None, seed: 0 };
    let stop = AtomicBool::new(false);
    let setup =
        Setup { program, session: engine.session(), data: &data, seed: 0, stop: &stop, max_steps: None };
    let mut bench = Bench::new(setup, 0).expect("begins");
    let loss =
        |reports: Vec<(String, f64)>| reports.iter().find(|(name, _)| name == "loss").expect("a loss").1;
    let losses = (0..3).map(|_| loss(bench.run().expect("runs").1)).collect();
    let variables = bench.variables().expect("readable").into_iter();
    (losses, variables.map(|(path, tensor)| (path.to_string(), tensor.to_f64())).collect())
}

/// How far two vectors are apart, relative to the second one.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    let length = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    length(&mut a.iter().zip(b).map(|(x, y)| x - y)) / length(&mut b.iter().copied()).max(1e-6)
}

fn check(name: &str) {
    let (_, sizes) = SMALL.iter().find(|(known, _)| *known == name).expect("has sizes for a test");
    let program = program(name, sizes);
    let (wanted, right) = three_steps(&program, &vspec_dfdx::DfdxEngine::new(Precision::F64));
    // At these sizes nothing is computed again to save memory unless that is asked for.
    for engine in [fused_at(Level::O2, Precision::F64), fused_saving(Precision::F64)] {
        let (losses, variables) = three_steps(&program, &engine);
        assert!(apart(&losses, &wanted) < 1e-6, "{name}: losses are {losses:?}, {wanted:?} on dfdx");
        for ((path, found), (_, wanted)) in variables.iter().zip(&right) {
            let apart = apart(found, wanted);
            assert!(apart < 1e-4, "{name}: `{path}` is {apart} of its length away from where dfdx brings it");
        }
    }
}

/// However many threads share the work, every bit of losses and variables is the same.
#[test]
fn threads_make_no_difference() {
    for (name, sizes) in SMALL {
        let program = program(name, sizes);
        let on =
            |threads| with_threads(threads, || three_steps(&program, &fused_at(Level::O2, Precision::F32)));
        let bits = |(losses, variables): (Vec<f64>, Vec<(String, Vec<f64>)>)| {
            let all = losses.into_iter().chain(variables.into_iter().flat_map(|(_, values)| values));
            all.map(f64::to_bits).collect::<Vec<u64>>()
        };
        let one = bits(on(1));
        for threads in [2, 3] {
            assert!(bits(on(threads)) == one, "{name} on {threads} threads is not what it is on one");
        }
    }
}

/// A test for each spec, so that a mistake in one does not hide another.
macro_rules! specs {
    ($($test:ident $name:literal,)*) => {
        $(#[test] fn $test() { check($name); })*
        const TESTED: &[&str] = &[$($name),*];
    };
}

specs! {
    adamw "adamw-25m",
    darts_cell "darts-cell-step",
    focal_giou "focal-giou",
    mobile "mobile-step",
    resnet18_infer "resnet18-infer",
    resnet18 "resnet18-step",
    resnet50 "resnet50-step",
    tal "tal-rule",
    tood "tood-r18-step",
    vit "vit-step",
}

#[test]
fn every_spec_is_tested_and_formatted() {
    let files = vspec_files("tests/peers/specs");
    let names: Vec<&str> = files.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
    assert_eq!(names, TESTED);
    for path in &files {
        let text = std::fs::read_to_string(path).expect("readable");
        let formatted = vspec_syntax::format(FileId(0), &text).expect("parses");
        assert_eq!(text, formatted, "{}: run `vspecc fmt`", path.display());
    }
}

/// At full size they need to compile, too: numbers of channels and pixels have to fit.
#[test]
fn every_spec_compiles_at_full_size() {
    for path in vspec_files("tests/peers/specs") {
        let text = std::fs::read_to_string(&path).expect("readable");
        let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        assert_clean(&compile(&NoWorld, &path, &text, &[]), &shown);
    }
}
