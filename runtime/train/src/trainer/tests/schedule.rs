//! The order of things, rows, checkpoints and errors.

use super::*;

#[test]
fn steps_run_every_so_often_and_at_the_end_of_the_phase() {
    let done = run(&program(vec![epochs(3, every(2, Unit::Epochs))]), &sets(&[4, 4], &[3]), WHOLE);
    let expected =
        ["train#0", "train#1", "train#2", "train#3", "evaluate#0", "train#4", "train#5", "evaluate#0"];
    assert_eq!(done.order(), expected);
    assert_eq!(done.outcome().ended, Ended::Completed);
    assert_eq!((done.outcome().epochs, done.outcome().iterations), (3, 6));
}

#[test]
fn the_end_of_a_phase_does_not_repeat_what_just_ran() {
    let done = run(&program(vec![epochs(2, every(1, Unit::Epochs))]), &sets(&[4], &[3]), WHOLE);
    assert_eq!(done.order(), ["train#0", "evaluate#0", "train#1", "evaluate#0"]);
}

#[test]
fn the_clock_counts_training_and_stands_still_in_evaluation() {
    let done = run(&program(vec![epochs(2, every(1, Unit::Iterations))]), &sets(&[4, 4], &[3]), WHOLE);
    assert_eq!(
        done.log,
        [
            "train#0 [0.0, 0.0, 0.0] 0",
            "evaluate#0 [0.0, 1.0, 0.25] 0",
            "train#1 [0.0, 1.0, 0.25] 1",
            "evaluate#0 [1.0, 2.0, 0.5] 0",
            "train#2 [1.0, 2.0, 0.5] 100",
            "evaluate#0 [1.0, 3.0, 0.75] 0",
            "train#3 [1.0, 3.0, 0.75] 101",
            "evaluate#0 [2.0, 4.0, 1.0] 0",
        ]
    );
}

#[test]
fn iterations_go_on_where_the_last_phase_left_the_data() {
    let three = Phase::Steps(Steps::new(TRAIN, 3, Unit::Iterations));
    let schedule = vec![Phase::Repeat { count: 2, until: None, phases: vec![three] }];
    let done = run(&program(schedule), &sets(&[1, 1], &[1]), WHOLE);
    let items: Vec<&str> = done.log.iter().filter_map(|l| l.rsplit(' ').next()).collect();
    assert_eq!(items, ["0", "1", "100", "101", "200", "201"]);
    assert!(done.file("metrics.csv").contains("\npart,train,1,3,1,100,\n"), "{}", done.file("metrics.csv"));
}

#[test]
fn reports_are_means_over_items_and_rows_keep_their_columns() {
    let done = run(&program(vec![epochs(1, every(1, Unit::Epochs))]), &sets(&[3, 1], &[1, 1]), WHOLE);
    let expected = "kind,step,epoch,iteration,items,train/loss,evaluate/loss\n\
                    epoch,train,1,2,4,0.25,\n\
                    evaluation,evaluate,1,2,2,,0.5\n";
    assert_eq!(done.file("metrics.csv"), expected);
    let lines: Vec<serde_json::Value> =
        done.file("metrics.jsonl").lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["values"]["loss"], 0.5);
    assert!(lines[0]["seconds"].is_number());
}

#[test]
fn long_epochs_leave_a_row_for_every_window() {
    let done = run(&program(vec![epochs(1, vec![])]), &sets(&[1; 120], &[1]), WHOLE);
    let csv = done.file("metrics.csv");
    assert!(csv.contains("\nwindow,train,0,50,50,24.5,\nwindow,train,0,100,50,74.5,\n"), "{csv}");
}

#[test]
fn the_best_checkpoint_is_the_first_of_the_best() {
    let keep = |lowest| Some(KeepBest { count: 1, metric: metric(TRAIN), lowest });
    let phase =
        |lowest| Phase::Steps(Steps { keep_best: keep(lowest), ..Steps::new(TRAIN, 3, Unit::Epochs) });
    let highest = run(&program(vec![phase(false)]), &sets(&[1], &[1]), WHOLE);
    let best = highest.outcome().best.clone().expect("a best one");
    assert_eq!((best.value, best.epoch), (200.0, 3));
    let lowest = run(&program(vec![phase(true)]), &sets(&[1], &[1]), WHOLE);
    let best = lowest.outcome().best.clone().expect("a best one");
    assert_eq!((best.value, best.epoch), (0.0, 1));
    for file in ["best.safetensors", "best.json", "last.safetensors", "last.json"] {
        assert!(lowest.folder.checkpoints().join(file).is_file(), "{file}");
    }
}

#[test]
fn expectations_are_checked_at_the_end_even_if_nothing_else_runs_their_step() {
    let expect = |at_least| Expect { metric: metric(EVALUATE), at_least, bound: 0.25 };
    let phase = Phase::Steps(Steps {
        expect: vec![expect(true), expect(false)],
        ..Steps::new(TRAIN, 1, Unit::Epochs)
    });
    let done = run(&program(vec![phase]), &sets(&[1], &[1, 1]), WHOLE);
    assert_eq!(done.order(), ["train#0", "evaluate#0", "evaluate#1"]);
    let held: Vec<bool> = done.outcome().expectations.iter().map(|e| e.holds()).collect();
    assert_eq!(held, [true, false]);
    assert!(!done.outcome().is_as_expected());
    assert_eq!(done.outcome().expectations[1].to_string(), "evaluate.loss <= 0.25");
}

#[test]
fn a_stopped_run_finishes_its_step_and_saves() {
    let options = Options { stop_after: Some(3), ..WHOLE };
    let done = run(&program(vec![epochs(9, every(1, Unit::Epochs))]), &sets(&[1; 5], &[1]), options);
    assert_eq!(done.order(), ["train#0", "train#1", "train#2"]);
    assert_eq!(done.outcome().ended, Ended::Interrupted);
    let reached = reached(&done.folder);
    assert_eq!((reached.clock.epoch, reached.clock.iteration, reached.clock.iterations), (0, 3, 45));
}

#[test]
fn a_limit_shortens_training_and_evaluation_and_expects_nothing() {
    let expect = vec![Expect { metric: metric(EVALUATE), at_least: true, bound: 1e9 }];
    let phase =
        Phase::Steps(Steps { every: every(1, Unit::Epochs), expect, ..Steps::new(TRAIN, 9, Unit::Epochs) });
    let options = Options { max_steps: Some(2), ..WHOLE };
    let done = run(&program(vec![phase]), &sets(&[1; 5], &[1; 5]), options);
    assert_eq!(done.order(), ["train#0", "train#1", "evaluate#0", "evaluate#1"]);
    assert_eq!(done.outcome().ended, Ended::Shortened);
    assert!(done.outcome().is_as_expected());
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_leaves_the_last_checkpoint() {
    let mut sets = sets(&[1, 1], &[1]);
    sets.0[0].1 = Rc::new(Counted { sizes: vec![1, 1], broken: None });
    struct Exploding(Remembering);
    impl Session for Exploding {
        fn write(&mut self, path: &str, value: HostTensor) -> Result<(), EngineError> {
            self.0.write(path, value)
        }
        fn read(&self, path: &str) -> Result<HostTensor, EngineError> {
            self.0.read(path)
        }
        fn run(
            &mut self,
            graph: &Graph,
            inputs: &Inputs,
            key: RunKey,
        ) -> Result<Vec<HostTensor>, EngineError> {
            let normal = self.0.run(graph, inputs, key)?;
            Ok(if key.step == 3 { vec![HostTensor::scalar(f32::NAN)] } else { normal })
        }
    }
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = RunFolder::create(root.path(), "tiny").expect("writable");
    let session = Exploding(Remembering { log: Rc::default(), variables: BTreeMap::new(), stop: None });
    let (program, stop) = (program(vec![epochs(5, vec![])]), AtomicBool::new(false));
    let setup = Setup {
        program: &program,
        session: Box::new(session),
        data: &sets,
        seed: 1,
        stop: &stop,
        max_steps: None,
    };
    let error = Trainer::new(setup).and_then(|t| t.run(&folder, &mut Silent)).expect_err("a NaN");
    assert_eq!(error.to_string(), "`loss` of step `train` became NaN in iteration 4");
    assert!(!error.is_bad_input());
    assert_eq!(reached(&folder).clock.iteration, 2);
}

#[test]
fn broken_data_is_named_and_is_bad_input() {
    let mut sets = sets(&[1, 1], &[1]);
    sets.0[0].1 = Rc::new(Counted { sizes: vec![1, 1], broken: Some(1) });
    let done = run(&program(vec![epochs(1, vec![])]), &sets, WHOLE);
    let error = done.outcome.expect_err("broken data");
    assert_eq!(error.to_string(), "data set `train`: `b/7.jpg` is truncated");
    assert!(error.is_bad_input());
}

#[test]
fn a_set_that_only_the_end_needs_is_missed_before_anything_runs() {
    let sets = Sets(sets(&[1], &[]).0.into_iter().take(1).collect());
    let done = run(&program(vec![epochs(1, every(1, Unit::Epochs))]), &sets, WHOLE);
    assert_eq!(done.order(), [""; 0]);
    assert_eq!(done.outcome.expect_err("no data").to_string(), "data set `val`: no such folder");
}

#[test]
fn a_set_without_a_batch_is_an_error() {
    let done = run(&program(vec![epochs(1, vec![])]), &sets(&[], &[1]), WHOLE);
    let error = done.outcome.expect_err("no batch");
    assert_eq!(error.to_string(), "data set `train` has too few items for a single batch");
}

#[test]
fn equal_runs_leave_equal_files() {
    let of_run = || {
        let done = run(&program(vec![epochs(2, every(1, Unit::Epochs))]), &sets(&[2, 1], &[1]), WHOLE);
        let last = fs::read(done.folder.checkpoints().join("last.safetensors")).expect("saved");
        (done.file("metrics.csv"), last)
    };
    assert_eq!(of_run(), of_run());
}

#[test]
fn a_phase_stops_when_its_metric_no_longer_improves_and_the_run_goes_on() {
    let stop = |count, unit| Some(StopWhen { metric: metric(EVALUATE), lowest: true, by: 0.0, count, unit });
    let phase = |stop_when| {
        Phase::Steps(Steps { every: every(2, Unit::Epochs), stop_when, ..Steps::new(TRAIN, 9, Unit::Epochs) })
    };
    // The evaluation always reports the same, so the first one stays the best.
    let schedule =
        |stop_when| program(vec![phase(stop_when), Phase::Steps(Steps::new(EVALUATE, 1, Unit::Epochs))]);
    let done = run(&schedule(stop(3, Unit::Epochs)), &sets(&[1], &[1]), WHOLE);
    assert_eq!((done.outcome().epochs, done.outcome().ended), (6, Ended::Completed));
    assert_eq!(done.order().iter().filter(|name| **name == "evaluate#0").count(), 4);
    assert!(done.file("train.log").contains("evaluate.loss has not improved for 3 epochs"));
    let done = run(&schedule(stop(2, Unit::Iterations)), &sets(&[1, 1], &[1]), WHOLE);
    assert_eq!((done.outcome().epochs, done.outcome().iterations), (4, 8));
    let done = run(&schedule(stop(100, Unit::Epochs)), &sets(&[1], &[1]), WHOLE);
    assert_eq!(done.outcome().epochs, 9);
}

/// Files in the folder of checkpoints, without those for people.
fn checkpoints(done: &Done) -> Vec<String> {
    let entries = fs::read_dir(done.folder.checkpoints()).expect("a folder").flatten();
    let names = entries.map(|e| e.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".safetensors")).collect();
    names.sort();
    names
}

#[test]
fn the_newest_checkpoints_are_kept_and_no_more() {
    let phase = Steps { keep_last: 3, ..Steps::new(TRAIN, 5, Unit::Epochs) };
    let done = run(&program(vec![Phase::Steps(phase)]), &sets(&[1, 1], &[1]), WHOLE);
    let names = ["iteration-000006", "iteration-000008", "iteration-000010", "last"];
    assert_eq!(checkpoints(&done), names.map(|name| format!("{name}.safetensors")));
    let folder = done.folder.checkpoints();
    let state = crate::checkpoint::read_state(&folder.join("iteration-000006.safetensors"));
    assert_eq!(state.expect("whole").expect("a run's").clock.epoch, 3);
}

#[test]
fn the_best_checkpoints_are_kept_and_the_best_has_its_name() {
    // Epoch e reports 100 e, so the first are the lowest and the last are the highest.
    let best = |count, lowest| {
        let keep_best = Some(KeepBest { count, metric: metric(TRAIN), lowest });
        let phase = Steps { keep_best, ..Steps::new(TRAIN, 5, Unit::Epochs) };
        let done = run(&program(vec![Phase::Steps(phase)]), &sets(&[1, 1], &[1]), WHOLE);
        let path = done.folder.checkpoints().join("best.safetensors");
        let state = crate::checkpoint::read_state(&path).expect("whole").expect("a run's");
        (checkpoints(&done), state.clock.iteration)
    };
    let with = |names: &[&str]| names.iter().map(|name| format!("{name}.safetensors")).collect::<Vec<_>>();
    assert_eq!(best(2, true), (with(&["best-000002", "best-000004", "best", "last"]), 2));
    assert_eq!(best(3, false), (with(&["best-000006", "best-000008", "best-000010", "best", "last"]), 10));
    assert_eq!(best(1, false), (with(&["best", "last"]), 10));
}
