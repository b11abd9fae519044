//! Tests of checkpoints: what is written reads back, and what does not fit says so.

use std::fs;
use std::path::{Path, PathBuf};

use vspec_engine::{Buffer, HostTensor};
use vspec_ir::text::parse_type;
use vspec_ir::{Graph, Program, Variable, VariableKind};

use super::*;
use crate::state::VERSION;
use crate::{Clock, RunState};

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

fn state() -> RunState {
    let (name, variables, data) = ("tiny".to_string(), vec![], vec![]);
    RunState::new(&Program { name, variables, data, steps: vec![], schedule: vec![] }, 7)
}

/// Writes `last.safetensors`.
fn save(folder: &Path, tensors: &[(&str, HostTensor)], state: &RunState) -> PathBuf {
    let path = folder.join(Kept::Last.file_name());
    write(&path, tensors, state).expect("writable");
    path
}

fn owned(tensors: Vec<(&'static str, HostTensor)>) -> Vec<(String, HostTensor)> {
    tensors.into_iter().map(|(name, t)| (name.to_string(), t)).collect()
}

#[test]
fn every_variable_reads_back_exactly() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut state = state();
    state.clock = Clock { epoch: 2, iteration: 90, iterations: 100 };
    let path = save(folder.path(), &tensors(), &state);
    assert_eq!(read(&path, &variables()).expect("whole"), owned(tensors()));
    let back = read_state(&path).expect("whole").expect("a state");
    assert_eq!(back.to_text(), state.to_text());
    assert_eq!(back.clock, state.clock);
    let json = fs::read_to_string(path.with_extension("json")).expect("written beside it");
    assert!(json.contains("\"iteration\": 90"), "{json}");
}

#[test]
fn the_same_tensors_give_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let first = fs::read(save(folder.path(), &tensors(), &state())).expect("written");
    let second = fs::read(save(folder.path(), &tensors(), &state())).expect("written");
    assert_eq!(first, second);
}

#[test]
fn optimizer_states_may_be_absent() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let weights = &tensors()[..3];
    let path = save(folder.path(), weights, &state());
    assert_eq!(read(&path, &variables()).expect("whole"), owned(weights.to_vec()));
}

#[test]
fn names_that_do_not_fit_are_all_listed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut other = tensors();
    other[0].0 = "net.wieght";
    other[2].1 = tensor(&[2], Buffer::Bool(vec![true, false]));
    let path = save(folder.path(), &other, &state());
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
    let path = save(folder.path(), &[], &state());
    let many: Vec<Variable> =
        (0..20).map(|i| variable(&format!("net.{i}.weight"), VariableKind::Param, "f32[]")).collect();
    let error = read(&path, &many).expect_err("nothing there").to_string();
    assert!(error.contains("missing (20)") && error.ends_with("and 12 more"), "{error}");
}

#[test]
fn a_damaged_file_is_refused_wherever_it_is_cut() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = save(folder.path(), &tensors(), &state());
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
    let last = save(&inside, &[], &state());
    assert_eq!(find(folder.path()).expect("one"), last);
    let best = inside.join(Kept::Best.file_name());
    fs::copy(&last, &best).expect("writable");
    assert_eq!(find(folder.path()).expect("two"), best);
    assert_eq!(find(&last).expect("a file"), last);
}

#[test]
fn a_file_of_another_program_has_no_state_and_one_of_another_version_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = save(folder.path(), &tensors(), &state());
    let bytes = fs::read(&path).expect("written");
    let other = |from: &str, to: &str| {
        let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).expect("it is there");
        let mut changed = bytes.clone();
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
        fs::write(&path, changed).expect("writable");
        read_state(&path)
    };
    assert!(other("vspec.run", "vspec.fun").expect("a file").is_none());
    let version = |number: u32| format!("\\\"version\\\":{number}");
    let error = other(&version(VERSION), &version(9)).expect_err("another version");
    assert!(error.to_string().ends_with("another version of the program wrote it"), "{error}");
}
