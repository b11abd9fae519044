//! Passes over sequences: what runs on which item, what is reset, and what happens when they are ended on the way.

use vspec_engine::{Engine, Interpreter};
use vspec_ir::{Part, SequencePart, Sequences};

use super::*;
use crate::observer::{Event, Observer};

const START: usize = 0;
const FOLLOW: usize = 1;

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
