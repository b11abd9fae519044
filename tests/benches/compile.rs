//! How long the compiler takes: `cargo bench -p vspec-tests --bench compile`. On two cores of a workstation ResNet-101 is to
//! elaborate in less than 50 ms, and the whole standard library in less than 300 ms.
//!
//! All samples but the first find the trees of library files already read, as all files but the first of a `vspecc check` do. What
//! one file costs from nothing is the time of `vspecc check specs/resnet/resnet101.vspec`.

use std::path::Path;

use divan::Bencher;
use vspec_elaborate::{Compiled, compile, stdlib};
use vspec_optimize::differentiate;
use vspec_tests::{NoWorld, read};

/// As in the compiler's binary: what memory costs is part of what is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

fn compiled(path: &str, text: &str) -> Compiled {
    compile(&NoWorld, Path::new(path), text, &[])
}

/// From text to graph, at each depth.
#[divan::bench(args = ["resnet18", "resnet50", "resnet101"])]
fn elaborate(bencher: Bencher<'_, '_>, name: &str) {
    let path = format!("specs/resnet/{name}.vspec");
    let text = read(&path);
    bencher.bench(|| compiled(&path, &text));
}

/// Every file of the library with its tests, on one thread; `vspecc check stdlib` uses all.
#[divan::bench]
fn check_library() -> usize {
    stdlib::FILES.iter().filter(|(path, text)| !compiled(path, text).has_errors()).count()
}

/// The training step of a small network with its gradients written out.
#[divan::bench(args = ["specs/first/shapes.vspec", "specs/first/cifar.vspec"])]
fn differentiate_step(bencher: Bencher<'_, '_>, spec: &str) {
    let program = compiled(spec, &read(spec)).programs.remove(0);
    bencher.bench(|| differentiate::expand(&program.steps[0].graphs[0].graph));
}
