//! Passes over sequences: what runs on which item, what is reset, and what happens when they are ended on the way.

use vspec_engine::{Engine, Interpreter};
use vspec_ir::{Part, SequencePart, Sequences};

use super::resume::{assert_same, new_folder};
use super::*;
use crate::Cadence;
use crate::observer::{Event, Observer};

const START: usize = 0;
const FOLLOW: usize = 1;
const LEARN: usize = 2;

/// Items whose field `x` has these values, one in each batch.
struct Items(Vec<f32>);

impl Batches for Items {
    fn count(&self) -> u64 {
        self.0.len() as u64
    }

    fn epoch(&self, _: u64, skip: u64) -> BatchIter {
        let one = |x| HostTensor::new(vec![1], vspec_engine::Buffer::F32(vec![x])).expect("one number");
        let batch = move |x| Ok(Batch { fields: vec![("x".to_string(), one(x))], items: 1 });
        Box::new(self.0.clone().into_iter().skip(skip as usize).map(batch))
    }
}

impl DataSource for Items {
    fn open(&self, _: &DataSet) -> Result<Rc<dyn Batches>, String> {
        Ok(Rc::new(Items(self.0.clone())))
    }
}

/// Asks to stop after so many iterations.
struct Stopping(usize, &'static AtomicBool);

impl Observer for Stopping {
    fn notify(&mut self, event: &Event<'_>) {
        if matches!(event, Event::Iteration(_)) {
            self.0 = self.0.saturating_sub(1);
            self.1.store(self.0 == 0, Ordering::Relaxed);
        }
    }
}

/// `start` makes a state ten times the item's value, `follow` adds one to it and reports it; another state counts for ever.
fn tracker(parts: &[(usize, Part)]) -> Program {
    let zero =
        || parse("graph @init() {\n  %0 = full value=0 : f32[]\n  value init = %0\n}").expect("a graph");
    let state = |path: &str| Variable {
        path: path.into(),
        kind: VariableKind::State,
        ty: parse_type("f32[]").expect("a type"),
        init: zero(),
    };
    let start = "graph @start(B: size) {
  %x = input name=\"b.x\" : f32[B]
  %m = mean(%x) axes=[0] : f32[]
  %ten = full value=10 : f32[]
  %n = mul(%m, %ten) : f32[]
  write t.age = %n
}";
    let follow = "graph @follow(B: size) {
  %x = input name=\"b.x\" : f32[B]
  %s = state path=\"t.age\" : f32[]
  %e = state path=\"u.ever\" : f32[]
  %one = full value=1 : f32[]
  %n = add(%s, %one) : f32[]
  %f = add(%e, %one) : f32[]
  report age = %n
  report ever = %f
  write t.age = %n
  write u.ever = %f
}";
    let step = |name: &str, text: &str| Step {
        name: name.to_string(),
        trains: false,
        batches: vec![StepBatch { name: "b".to_string(), data: 0, fields: vec!["x".to_string()] }],
        graphs: vec![Variant::always(parse(text).expect("a graph"))],
        finish: vec![],
    };
    let parts = parts.iter().map(|(step, on)| SequencePart { step: *step, on: *on }).collect();
    let metric = Metric { step: FOLLOW, name: "age".to_string() };
    let expect = vec![Expect { metric, at_least: true, bound: 3.0 }];
    let reset = vec!["t.age".into()];
    let phase = Sequences { data: 0, field: "x".to_string(), reset, parts, expect };
    Program {
        name: "tiny".to_string(),
        variables: vec![state("t.age"), state("u.ever")],
        data: vec![data_set("val")],
        steps: vec![step("start", start), step("follow", follow)],
        schedule: vec![Phase::Sequences(phase)],
    }
}

struct Followed {
    outcome: Result<Outcome, TrainError>,
    folder: RunFolder,
    _root: tempfile::TempDir,
}

impl Followed {
    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).expect("a file of the run")
    }
}

fn setup<'a>(program: &'a Program, items: &'a Items, stop: &'static AtomicBool) -> Setup<'a> {
    let session = Interpreter::default().session();
    Setup { program, session, data: items, seed: 1, stop, max_steps: None }
}

fn follow(program: &Program, items: &Items, stop_after: usize) -> Followed {
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = RunFolder::create(root.path(), &program.name).expect("writable");
    let stop: &'static AtomicBool = Box::leak(Box::default());
    let trainer = Trainer::new(setup(program, items, stop));
    let outcome = trainer.and_then(|t| t.run(&folder, &mut Stopping(stop_after, stop)));
    Followed { outcome, folder, _root: root }
}

const TRACK: [(usize, Part); 2] = [(START, Part::First), (FOLLOW, Part::Rest)];

#[test]
fn the_first_item_starts_and_the_rest_follows() {
    let done = follow(&tracker(&TRACK), &Items(vec![0.0, 0.0, 0.0, 2.0, 2.0, 1.0]), usize::MAX);
    let outcome = done.outcome.as_ref().expect("a run without errors");
    assert_eq!(outcome.ended, Ended::Completed);
    // 1 and 2 after 0; 21 after 20; the last sequence has one item.
    let metrics = done.file("metrics.csv");
    assert_eq!(metrics.lines().last(), Some("evaluation,follow,0,0,3,8,2"), "{metrics}");
    let table = done.file("tables/follow/per_x/000000.csv");
    assert_eq!(table, "x,items,age,ever\n0,2,1.5,1.5\n2,1,21,3\n");
    assert!(outcome.expectations[0].holds());
}

#[test]
fn states_begin_anew_with_each_sequence_and_others_go_on() {
    let done = follow(&tracker(&[(FOLLOW, Part::All)]), &Items(vec![3.0, 3.0, 1.0, 1.0, 1.0]), usize::MAX);
    assert_eq!(done.file("tables/follow/per_x/000000.csv"), "x,items,age,ever\n3,2,1.5,1.5\n1,3,2,4\n");
}

#[test]
fn several_steps_on_an_item_run_in_the_written_order() {
    let parts = [(FOLLOW, Part::All), (START, Part::All)];
    let done = follow(&tracker(&parts), &Items(vec![1.0, 1.0]), usize::MAX);
    assert_eq!(done.file("tables/follow/per_x/000000.csv"), "x,items,age,ever\n1,2,6,1.5\n", "1, then 11");
}

#[test]
fn a_sequence_that_comes_back_is_an_error() {
    let done = follow(&tracker(&TRACK), &Items(vec![0.0, 1.0, 0.0]), usize::MAX);
    let message = done.outcome.expect_err("not in order").to_string();
    assert_eq!(message, "data set `val`: x 0 comes back after another: it is not in order");
}

#[test]
fn a_pass_that_was_ended_begins_anew() {
    let (program, items) = (tracker(&TRACK), Items(vec![0.0, 0.0, 0.0, 2.0, 2.0]));
    let whole = follow(&program, &items, usize::MAX);
    let parts = follow(&program, &items, 3);
    assert_eq!(parts.outcome.as_ref().expect("stopped").ended, Ended::Interrupted);
    assert_ne!(parts.file("metrics.csv"), whole.file("metrics.csv"));
    let last = parts.folder.checkpoints().join("last.safetensors");
    let trainer =
        Trainer::resume(setup(&program, &items, Box::leak(Box::default())), &last).expect("goes on");
    let outcome = trainer.run(&parts.folder, &mut Silent).expect("a run without errors");
    assert_eq!(outcome.ended, Ended::Completed);
    for file in ["metrics.csv", "tables/follow/per_x/000000.csv"] {
        assert_eq!(parts.file(file), whole.file(file));
    }
}

/// A step that changes a parameter by what the last pass has left in the states, and by chance.
fn learning(program: &mut Program) {
    let learn = "graph @learn(B: size) {
  %x = input name=\"b.x\" : f32[B]
  %m = mean(%x) axes=[0] : f32[]
  %w = state path=\"w\" : f32[]
  %s = state path=\"t.age\" : f32[]
  %e = state path=\"u.ever\" : f32[]
  %r = uniform stream=\"noise\" : f32[]
  %0 = add(%w, %m) : f32[]
  %1 = add(%0, %s) : f32[]
  %2 = add(%1, %e) : f32[]
  %3 = add(%2, %r) : f32[]
  %n = sin(%3) : f32[]
  report loss = %n
  write w = %n
}";
    let w = Variable { path: "w".into(), kind: VariableKind::Param, ..program.variables[0].clone() };
    program.variables.push(w);
    program.steps.push(Step {
        name: "learn".to_string(),
        trains: true,
        graphs: vec![Variant::always(parse(learn).expect("a graph"))],
        ..program.steps[FOLLOW].clone()
    });
}

/// Training and passes over sequences in turns: what is learned depends on the passes, and the other way round.
fn alternating() -> Program {
    let mut program = tracker(&TRACK);
    learning(&mut program);
    let noisy = "graph @follow(B: size) {
  %x = input name=\"b.x\" : f32[B]
  %s = state path=\"t.age\" : f32[]
  %e = state path=\"u.ever\" : f32[]
  %w = state path=\"w\" : f32[]
  %r = uniform stream=\"noise\" : f32[]
  %n = add(%s, %r) : f32[]
  %f = add(%e, %w) : f32[]
  report age = %n
  report ever = %f
  write t.age = %n
  write u.ever = %f
}";
    program.steps[FOLLOW].graphs = vec![Variant::always(parse(noisy).expect("a graph"))];
    let pass = program.schedule.remove(0);
    let train = |count, unit| Phase::Steps(Steps::new(LEARN, count, unit));
    let rounds = vec![train(2, Unit::Epochs), pass.clone(), train(3, Unit::Iterations)];
    program.schedule =
        vec![pass.clone(), Phase::Repeat { count: 2, until: None, phases: rounds }, pass.clone(), pass];
    program
}

/// How a run ends: after so many runs of graphs.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Never,
    Killed(usize),
    Stopped(usize),
}

/// An interpreter that fails, or asks to stop, when the time has come.
struct Mortal {
    inner: Box<dyn Session>,
    runs: usize,
    ending: Ending,
    stop: &'static AtomicBool,
}

impl Session for Mortal {
    fn write(&mut self, path: &str, value: HostTensor) -> Result<(), EngineError> {
        self.inner.write(path, value)
    }

    fn read(&self, path: &str) -> Result<HostTensor, EngineError> {
        self.inner.read(path)
    }

    fn run(&mut self, graph: &Graph, inputs: &Inputs, key: RunKey) -> Result<Vec<HostTensor>, EngineError> {
        // First values are computed, too, but that is not what ends.
        if &*graph.name != "init" {
            self.runs += 1;
            match self.ending {
                Ending::Killed(after) if self.runs > after => {
                    return Err(EngineError::MissingVariable("killed".to_string()));
                }
                Ending::Stopped(after) => self.stop.store(self.runs >= after, Ordering::Relaxed),
                Ending::Killed(_) | Ending::Never => {}
            }
        }
        self.inner.run(graph, inputs, key)
    }
}

/// Begins a run, or goes on with it where its last checkpoint is.
fn go_on(folder: &RunFolder, every: Cadence, ending: Ending) -> Result<Outcome, TrainError> {
    let (program, items) = (alternating(), Items(vec![0.0, 0.0, 0.0, 2.0, 2.0, 1.0, 3.0, 3.0]));
    let stop: &'static AtomicBool = Box::leak(Box::default());
    let inner = Interpreter::default().session();
    let session = Box::new(Mortal { inner, runs: 0, ending, stop });
    let setup = Setup { session, ..setup(&program, &items, stop) };
    let last = folder.checkpoints().join("last.safetensors");
    let trainer = if last.is_file() { Trainer::resume(setup, &last)? } else { Trainer::new(setup)? };
    trainer.saving_every(every).run(folder, &mut Silent)
}

fn tables(folder: &RunFolder) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder.path().join("tables/follow/per_x")).expect("a folder").flatten();
    let read = |path: std::path::PathBuf| fs::read_to_string(path).expect("readable");
    let mut tables: Vec<(String, String)> =
        entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), read(entry.path()))).collect();
    tables.sort();
    tables
}

/// Runs of graphs in the whole of [`alternating`]: 4 sequences of 8 items in each of 5 passes, and 2 rounds of 19 iterations.
const RUNS: usize = 5 * 8 + 2 * 19;

#[test]
fn wherever_a_run_is_ended_it_goes_on_bit_for_bit() {
    let root = tempfile::tempdir().expect("a temporary folder");
    // Not after every run, which takes long; a third of them still meets every place of a pass.
    for (first, cadence) in [(1, Cadence::default()), (2, Cadence { count: 3, unit: Unit::Iterations })] {
        let whole = new_folder(&root);
        let outcome = go_on(&whole, cadence, Ending::Never).expect("a whole run");
        assert_eq!((outcome.iterations, outcome.expectations.len()), (2 * 19, 5));
        for after in (first..RUNS).step_by(3) {
            let killed = new_folder(&root);
            let error = go_on(&killed, cadence, Ending::Killed(after)).expect_err("killed").to_string();
            assert!(error.contains("killed"), "{error}");
            let stopped = new_folder(&root);
            let part = go_on(&stopped, cadence, Ending::Stopped(after)).expect("stopped");
            assert_eq!(part.ended, Ended::Interrupted, "{after}");
            for (folder, ending) in [(killed, "killed"), (stopped, "stopped")] {
                let when = format!("{cadence:?}, {ending} after {after}");
                assert_eq!(go_on(&folder, cadence, Ending::Never).expect("the rest"), outcome, "{when}");
                assert_same(&folder, &whole, &when);
                assert_eq!(tables(&folder), tables(&whole), "{when}");
            }
        }
    }
}
