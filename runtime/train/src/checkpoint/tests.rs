//! Tests of checkpoints: what is written reads back, and what does not fit says so.

use std::fs;

use vspec_engine::{Buffer, HostTensor};
use vspec_ir::text::parse_type;
use vspec_ir::{Graph, Variable, VariableKind};

use super::*;

fn variable(path: &str, kind: VariableKind, ty: &str) -> Variable {
    Variable { path: path.into(), kind, ty: parse_type(ty).expect("a type"), init: Graph::new("init") }
}

fn variables() -> Vec<Variable> {
    vec![
        variable("net.weight", VariableKind::Param, "f32[2, 2]"),
        variable("net.seen", VariableKind::State, "i32[]"),
        variable("net.mask", VariableKind::State, "bool[3]"),
        variable("opt.net.weight.momentum", VariableKind::Optimizer, "f32[2, 2]"),
    ]
}

fn tensor(shape: &[usize], buffer: Buffer) -> HostTensor {
    HostTensor::new(shape.to_vec(), buffer).expect("a fitting buffer")
}

fn tensors() -> Vec<(&'static str, HostTensor)> {
    vec![
        ("net.weight", tensor(&[2, 2], Buffer::F32(vec![1.5, -0.0, f32::MIN_POSITIVE, 3e38]))),
        ("net.seen", tensor(&[], Buffer::I32(vec![-7]))),
        ("net.mask", tensor(&[3], Buffer::Bool(vec![true, false, true]))),
        ("opt.net.weight.momentum", tensor(&[2, 2], Buffer::F32(vec![0.0; 4]))),
    ]
}

fn owned(tensors: Vec<(&'static str, HostTensor)>) -> Vec<(String, HostTensor)> {
    tensors.into_iter().map(|(name, t)| (name.to_string(), t)).collect()
}

#[test]
fn every_variable_reads_back_exactly() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let metric = Some(("evaluate".to_string(), "accuracy".to_string(), 0.75));
    let reached = Reached { clock: Clock { epoch: 2, iteration: 90, iterations: 100 }, metric };
    let path = write(folder.path(), Kept::Best, &tensors(), &reached).expect("writable");
    assert_eq!(path, folder.path().join("best.safetensors"));
    assert_eq!(read(&path, &variables()).expect("whole"), owned(tensors()));
    assert_eq!(read_progress(&path), reached);
}

#[test]
fn the_same_tensors_give_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let first = write(folder.path(), Kept::Best, &tensors(), &Reached::default()).expect("writable");
    let second = write(folder.path(), Kept::Last, &tensors(), &Reached::default()).expect("writable");
    assert_eq!(fs::read(first).expect("written"), fs::read(second).expect("written"));
}

#[test]
fn optimizer_states_may_be_absent() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let weights = &tensors()[..3];
    let path = write(folder.path(), Kept::Last, weights, &Reached::default()).expect("writable");
    assert_eq!(read(&path, &variables()).expect("whole"), owned(weights.to_vec()));
}

#[test]
fn names_that_do_not_fit_are_all_listed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut other = tensors();
    other[0].0 = "net.wieght";
    other[2].1 = tensor(&[2], Buffer::Bool(vec![true, false]));
    let path = write(folder.path(), Kept::Last, &other, &Reached::default()).expect("writable");
    let error = read(&path, &variables()).expect_err("another network").to_string();
    assert_eq!(
        error.lines().skip(1).collect::<Vec<_>>(),
        [
            "  missing (1):",
            "    net.weight",
            "  unexpected (1):",
            "    net.wieght",
            "  of another type (1):",
            "    net.mask: bool[2], not bool[3]"
        ]
    );
}

#[test]
fn a_long_list_is_cut() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = write(folder.path(), Kept::Last, &[], &Reached::default()).expect("writable");
    let many: Vec<Variable> =
        (0..20).map(|i| variable(&format!("net.{i}.weight"), VariableKind::Param, "f32[]")).collect();
    let error = read(&path, &many).expect_err("nothing there").to_string();
    assert!(error.contains("missing (20)") && error.ends_with("and 12 more"), "{error}");
}

#[test]
fn a_damaged_file_is_refused_wherever_it_is_cut() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = write(folder.path(), Kept::Last, &tensors(), &Reached::default()).expect("writable");
    let bytes = fs::read(&path).expect("written");
    for length in 0..bytes.len() {
        fs::write(&path, &bytes[..length]).expect("writable");
        let error = read(&path, &variables()).expect_err("cut");
        assert!(matches!(error, CheckpointError::Malformed { .. }), "cut at {length}: {error}");
    }
}

#[test]
fn a_run_folder_means_its_best_checkpoint_and_else_its_last() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = find(folder.path()).expect_err("empty").to_string();
    assert!(error.contains("last.safetensors`: no such file"), "{error}");
    let inside = folder.path().join("checkpoints");
    fs::create_dir(&inside).expect("writable");
    let last = write(&inside, Kept::Last, &[], &Reached::default()).expect("writable");
    assert_eq!(find(folder.path()).expect("one"), last);
    let best = write(&inside, Kept::Best, &[], &Reached::default()).expect("writable");
    assert_eq!(find(folder.path()).expect("two"), best);
    assert_eq!(find(&last).expect("a file"), last);
}
