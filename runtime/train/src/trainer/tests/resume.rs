//! A run that was ended at any moment and goes on is the run that was never ended.

use vspec_engine::rng::Stream;

use super::*;
use crate::{Cadence, CheckpointError};

const CRITIC: usize = 2;

/// Changes its variable in a way that depends on everything that a run hands over, and fails or asks to stop after so many
/// runs.
struct Learning {
    weight: HostTensor,
    runs: u64,
    fail_after: Option<u64>,
    stop_after: Option<(u64, &'static AtomicBool)>,
}

impl Session for Learning {
    fn write(&mut self, _: &str, value: HostTensor) -> Result<(), EngineError> {
        self.weight = value;
        Ok(())
    }

    fn read(&self, _: &str) -> Result<HostTensor, EngineError> {
        Ok(self.weight.clone())
    }

    fn run(&mut self, graph: &Graph, inputs: &Inputs, key: RunKey) -> Result<Vec<HostTensor>, EngineError> {
        self.runs += 1;
        if self.fail_after.is_some_and(|after| self.runs > after) {
            return Err(EngineError::MissingVariable("killed".to_string()));
        }
        if let Some((after, stop)) = self.stop_after {
            stop.store(self.runs >= after, Ordering::Relaxed);
        }
        let noise = Stream::new(&graph.name, key.seed, key.step).uniform(0);
        let inputs: f64 = inputs.values().flat_map(HostTensor::to_f64).sum();
        let weights = self.weight.to_f64();
        let next = |w: &f64| (0.7 * w + (inputs * 0.01 + noise).sin()) as f32;
        if graph.name != "evaluate" {
            let next = vspec_engine::Buffer::F32(weights.iter().map(next).collect());
            self.weight = HostTensor::new(vec![2], next).expect("a fitting buffer");
        }
        Ok(vec![HostTensor::scalar((weights[0] + noise) as f32)])
    }
}

/// Everything at once: rounds, a step that trains beside, the best, an early end.
fn intricate() -> Program {
    let stop_when =
        Some(StopWhen { metric: metric(EVALUATE), lowest: true, by: 0.0, count: 4, unit: Unit::Epochs });
    let keep_best = Some(KeepBest { count: 3, metric: metric(EVALUATE), lowest: false });
    let beside = |step, count, unit| Every { step, count, unit };
    let every = vec![beside(CRITIC, 7, Unit::Iterations), beside(EVALUATE, 1, Unit::Epochs)];
    let expect = vec![Expect { metric: metric(EVALUATE), at_least: true, bound: -1e9 }];
    let long =
        Steps { every, keep_last: 2, keep_best, stop_when, expect, ..Steps::new(TRAIN, 9, Unit::Epochs) };
    let short = Steps::new(TRAIN, 5, Unit::Iterations);
    let phases = vec![Phase::Steps(short), Phase::Steps(long)];
    // The critic runs after the evaluation at the very end of this one.
    let every = vec![beside(EVALUATE, 8, Unit::Iterations), beside(CRITIC, 4, Unit::Iterations)];
    let twice = Phase::Steps(Steps { every, ..Steps::new(TRAIN, 8, Unit::Iterations) });
    // Longer than a window of the metrics.
    let plain = Phase::Steps(Steps::new(TRAIN, 70, Unit::Iterations));
    let last = Phase::Steps(Steps::new(EVALUATE, 2, Unit::Epochs));
    let mut program = program(vec![Phase::Repeat { count: 2, until: None, phases }, twice, plain, last]);
    program.steps.push(step("critic", 1, true));
    program
}

struct Ending {
    fail_after: Option<u64>,
    stop_after: Option<u64>,
    max_steps: Option<u64>,
}

const NEVER: Ending = Ending { fail_after: None, stop_after: None, max_steps: None };

fn train(folder: &RunFolder, every: Cadence, ending: &Ending) -> Result<Outcome, TrainError> {
    let (program, sets) = (intricate(), sets(&[3, 3, 3, 2], &[2, 1, 2]));
    let stop: &'static AtomicBool = Box::leak(Box::default());
    let (fail_after, stop_after) = (ending.fail_after, ending.stop_after.map(|after| (after, stop)));
    let session = Learning { weight: HostTensor::scalar(0.0), runs: 0, fail_after, stop_after };
    let session = Box::new(session);
    let max_steps = ending.max_steps;
    let setup = Setup { program: &program, session, data: &sets, seed: 3, stop, max_steps };
    let last = folder.checkpoints().join("last.safetensors");
    let trainer = if last.is_file() { Trainer::resume(setup, &last)? } else { Trainer::new(setup)? };
    trainer.saving_every(every).run(folder, &mut Silent)
}

/// All that a run leaves except for times.
pub(super) fn left(folder: &RunFolder) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![("metrics.csv".to_string(), folder.path().join("metrics.csv"))];
    for entry in fs::read_dir(folder.checkpoints()).expect("a folder").flatten() {
        files.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    files.sort();
    files.into_iter().map(|(name, path)| (name, fs::read(path).expect("readable"))).collect()
}

pub(super) fn jsonl_rows(folder: &RunFolder) -> Vec<String> {
    let text = fs::read_to_string(folder.path().join("metrics.jsonl")).expect("readable");
    let without_times = |line: &str| {
        let mut row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        row["seconds"].take();
        row["data_seconds"].take();
        row.to_string()
    };
    text.lines().map(without_times).collect()
}

pub(super) fn new_folder(root: &tempfile::TempDir) -> RunFolder {
    RunFolder::create(root.path(), "tiny").expect("writable")
}

pub(super) fn assert_same(folder: &RunFolder, whole: &RunFolder, when: &str) {
    for (got, want) in left(folder).iter().zip(&left(whole)) {
        assert_eq!(got.0, want.0, "{when}");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(got.1 == want.1, "{when}: {}\n{}\n{}", got.0, text(&got.1), text(&want.1));
    }
    assert_eq!(left(folder).len(), left(whole).len(), "{when}");
    assert_eq!(jsonl_rows(folder), jsonl_rows(whole), "{when}");
}

#[test]
fn a_run_that_is_killed_anywhere_goes_on_as_if_nothing_had_happened() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let every = |count, unit| Cadence { count, unit };
    for cadence in [Cadence::default(), every(3, Unit::Iterations)] {
        let whole = new_folder(&root);
        let outcome = train(&whole, cadence, &NEVER).expect("a whole run");
        let draws = Stream::new("when to kill", 11, cadence.count);
        for trial in 0..4 {
            let folder = new_folder(&root);
            let mut kills = vec![];
            let resumed = loop {
                let after = u64::from(draws.below(trial * 100 + kills.len() as u64, 190));
                kills.push(after);
                match train(&folder, cadence, &Ending { fail_after: Some(after), ..NEVER }) {
                    Err(error) => assert!(error.to_string().contains("killed"), "{error}"),
                    Ok(outcome) => break outcome,
                }
            };
            let when = format!("{cadence:?}, killed after {kills:?}");
            assert_eq!(resumed, outcome, "{when}");
            assert_same(&folder, &whole, &when);
        }
    }
}

#[test]
fn a_run_that_is_stopped_anywhere_goes_on_as_if_nothing_had_happened() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let whole = new_folder(&root);
    let outcome = train(&whole, Cadence::default(), &NEVER).expect("a whole run");
    for after in (1..200).step_by(9) {
        let folder = new_folder(&root);
        let ending = Ending { stop_after: Some(after), ..NEVER };
        let first = train(&folder, Cadence::default(), &ending).expect("a stopped run");
        assert_eq!(first.ended, Ended::Interrupted);
        let resumed = train(&folder, Cadence::default(), &NEVER).expect("the rest");
        assert_eq!(resumed, outcome, "stopped after {after}");
        assert_same(&folder, &whole, &format!("stopped after {after}"));
    }
}

#[test]
fn a_run_to_a_limit_goes_on_from_there() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let whole = new_folder(&root);
    train(&whole, Cadence::default(), &NEVER).expect("a whole run");
    for limit in [3, 4, 5, 9, 12, 17, 30] {
        let folder = new_folder(&root);
        let first = train(&folder, Cadence::default(), &Ending { max_steps: Some(limit), ..NEVER });
        assert_eq!(first.expect("a short run").ended, Ended::Shortened);
        assert_eq!(reached(&folder).clock.iteration, limit);
        train(&folder, Cadence::default(), &NEVER).expect("the rest");
        assert_same(&folder, &whole, &format!("after {limit} steps"));
    }
}

#[test]
fn the_best_checkpoint_can_be_gone_on_from_too() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let whole = new_folder(&root);
    train(&whole, Cadence::default(), &NEVER).expect("a whole run");
    let checkpoints = whole.checkpoints();
    let wanted = left(&whole);
    fs::copy(checkpoints.join("best.safetensors"), checkpoints.join("last.safetensors")).expect("copied");
    train(&whole, Cadence::default(), &NEVER).expect("the rest");
    assert_eq!(left(&whole), wanted);
}

#[test]
fn what_cannot_go_on_says_why() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = new_folder(&root);
    let ending = Ending { stop_after: Some(4), ..NEVER };
    train(&folder, Cadence::default(), &ending).expect("a stopped run");
    let last = folder.checkpoints().join("last.safetensors");
    let message = |name: &str, seed: u64, sets: &Sets| {
        let program = Program { name: name.to_string(), ..intricate() };
        let session =
            Learning { weight: HostTensor::scalar(0.0), runs: 0, fail_after: None, stop_after: None };
        let stop = AtomicBool::new(false);
        let setup = Setup {
            program: &program,
            session: Box::new(session),
            data: sets,
            seed,
            stop: &stop,
            max_steps: None,
        };
        let error = Trainer::resume(setup, &last).err().expect("a mistake");
        assert!(
            matches!(error, TrainError::Checkpoint(CheckpointError::Resume { .. })) && error.is_bad_input()
        );
        error.to_string().split_once(": ").map(|(_, why)| why.to_string()).unwrap_or_default()
    };
    let same = sets(&[3, 3, 3, 2], &[2, 1, 2]);
    assert_eq!(message("other", 3, &same), "it belongs to experiment `tiny`");
    assert_eq!(message("tiny", 4, &same), "its run has the seed 3");
    let shorter = sets(&[3, 3, 3], &[2, 1, 2]);
    assert_eq!(message("tiny", 3, &shorter), "data set `train` has 3 batches now and had 4 then");
    train(&folder, Cadence::default(), &NEVER).expect("the rest");
    assert_eq!(message("tiny", 3, &same), "its run is finished");
}
