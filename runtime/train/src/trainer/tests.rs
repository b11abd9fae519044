//! Tests of whole runs, with sessions that remember or pretend to learn.

mod resume;
mod schedule;
mod sequences;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use vspec_data::Batch;
use vspec_engine::{EngineError, HostTensor, Inputs, RunKey, Session};
use vspec_ir::text::{parse, parse_type};
use vspec_ir::{
    CLOCK_EPOCH, CLOCK_ITERATION, CLOCK_PROGRESS, DataSet, Every, Expect, Graph, KeepBest, Metric, Phase,
    Program, Source, Stage, Step, StepBatch, Steps, StopWhen, Unit, Variable, VariableKind, Variant,
};

use crate::batches::{BatchIter, Batches, DataSource};
use crate::observer::Silent;
use crate::{Ended, Outcome, RunFolder, Setup, TrainError, Trainer};

const TRAIN: usize = 0;
const EVALUATE: usize = 1;

/// Remembers what was run, and reports the first element of the batch.
struct Remembering {
    log: Rc<RefCell<Vec<String>>>,
    variables: BTreeMap<String, HostTensor>,
    /// Set after so many runs.
    stop: Option<(usize, &'static AtomicBool)>,
}

impl Session for Remembering {
    fn write(&mut self, path: &str, value: HostTensor) -> Result<(), EngineError> {
        self.variables.insert(path.to_string(), value);
        Ok(())
    }

    fn read(&self, path: &str) -> Result<HostTensor, EngineError> {
        self.variables.get(path).cloned().ok_or_else(|| EngineError::MissingVariable(path.to_string()))
    }

    fn run(&mut self, graph: &Graph, inputs: &Inputs, key: RunKey) -> Result<Vec<HostTensor>, EngineError> {
        let number = |name: &str| inputs.get(name).and_then(HostTensor::item).unwrap_or(-1.0);
        let clock = [CLOCK_EPOCH, CLOCK_ITERATION, CLOCK_PROGRESS].map(number);
        let item = inputs.get("b.x").map(|t| t.to_f64()[0]).unwrap_or(-1.0);
        self.log.borrow_mut().push(format!("{}#{} {clock:?} {item}", graph.name, key.step));
        if let Some((after, stop)) = self.stop {
            stop.store(self.log.borrow().len() >= after, Ordering::Relaxed);
        }
        Ok(vec![HostTensor::scalar(item as f32)])
    }
}

/// A data set of `sizes.len()` batches; the first element of batch `i` of epoch `e` is `100 e + i`.
struct Counted {
    sizes: Vec<usize>,
    broken: Option<usize>,
}

impl Batches for Counted {
    fn count(&self) -> u64 {
        self.sizes.len() as u64
    }

    fn epoch(&self, epoch: u64, skip: u64) -> BatchIter {
        let (broken, sizes) = (self.broken, self.sizes.clone());
        let batches = sizes.into_iter().enumerate().skip(skip as usize).map(move |(i, size)| {
            if broken == Some(i) {
                return Err("`b/7.jpg` is truncated".to_string());
            }
            let x = vec![(100 * epoch) as f32 + i as f32; size];
            let x = HostTensor::new(vec![size], vspec_engine::Buffer::F32(x)).expect("a fitting buffer");
            Ok(Batch { fields: vec![("x".to_string(), x)], items: size })
        });
        Box::new(batches)
    }
}

struct Sets(Vec<(&'static str, Rc<Counted>)>);

impl DataSource for Sets {
    fn open(&self, set: &DataSet) -> Result<Rc<dyn Batches>, String> {
        let found = self.0.iter().find(|(name, _)| *name == set.name);
        found.map(|(_, b)| b.clone() as Rc<dyn Batches>).ok_or_else(|| "no such folder".to_string())
    }
}

fn sets(train: &[usize], val: &[usize]) -> Sets {
    let counted = |sizes: &[usize]| Rc::new(Counted { sizes: sizes.to_vec(), broken: None });
    Sets(vec![("train", counted(train)), ("val", counted(val))])
}

fn data_set(name: &str) -> DataSet {
    let source = Source::Shapes { count: 1, size: 8, split: name.to_string() };
    let stages = vec![Stage::Batch { size: 1, drop_last: false }];
    DataSet { name: name.to_string(), source, stages, item: vec![] }
}

fn step(name: &str, data: usize, trains: bool) -> Step {
    let text = format!(
        "graph @{name}(B: size) {{
  %e = input name=\"{CLOCK_EPOCH}\" : f32[]
  %i = input name=\"{CLOCK_ITERATION}\" : f32[]
  %p = input name=\"{CLOCK_PROGRESS}\" : f32[]
  %x = input name=\"b.x\" : f32[B]
  %m = mean(%x) axes=[0] : f32[]
  report loss = %m
}}"
    );
    let batch = StepBatch { name: "b".to_string(), data, fields: vec!["x".to_string()] };
    let graphs = vec![Variant::always(parse(&text).expect("a graph"))];
    Step { name: name.to_string(), trains, batches: vec![batch], graphs, finish: vec![] }
}

fn metric(step: usize) -> Metric {
    Metric { step, name: "loss".to_string() }
}

fn epochs(count: u64, every: Vec<Every>) -> Phase {
    Phase::Steps(Steps { every, ..Steps::new(TRAIN, count, Unit::Epochs) })
}

fn every(count: u64, unit: Unit) -> Vec<Every> {
    vec![Every { step: EVALUATE, count, unit }]
}

fn program(schedule: Vec<Phase>) -> Program {
    let init =
        parse("graph @init() {\n  %0 = full value=0.5 dtype=f32 shape=[2] : f32[2]\n  value init = %0\n}");
    let weight = Variable {
        path: "net.weight".into(),
        kind: VariableKind::Param,
        ty: parse_type("f32[2]").expect("a type"),
        init: init.expect("a graph"),
    };
    Program {
        name: "tiny".to_string(),
        variables: vec![weight],
        data: vec![data_set("train"), data_set("val")],
        steps: vec![step("train", 0, true), step("evaluate", 1, false)],
        schedule,
    }
}

struct Done {
    outcome: Result<Outcome, TrainError>,
    log: Vec<String>,
    folder: RunFolder,
    _root: tempfile::TempDir,
}

impl Done {
    /// The names of what was run, without clock and items.
    fn order(&self) -> Vec<&str> {
        self.log.iter().map(|l| l.split(' ').next().unwrap_or_default()).collect()
    }

    fn outcome(&self) -> &Outcome {
        self.outcome.as_ref().expect("a run without errors")
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).expect("a file of the run")
    }
}

/// The state in the last checkpoint.
fn reached(folder: &RunFolder) -> crate::RunState {
    let last = folder.checkpoints().join("last.safetensors");
    crate::checkpoint::read_state(&last).expect("whole").expect("a run's")
}

struct Options {
    stop_after: Option<usize>,
    max_steps: Option<u64>,
}

const WHOLE: Options = Options { stop_after: None, max_steps: None };

fn run(program: &Program, sets: &Sets, options: Options) -> Done {
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = RunFolder::create(root.path(), &program.name).expect("writable");
    let log = Rc::new(RefCell::new(vec![]));
    let stop: &'static AtomicBool = Box::leak(Box::default());
    let session = Remembering {
        log: log.clone(),
        variables: BTreeMap::new(),
        stop: options.stop_after.map(|after| (after, stop)),
    };
    let setup = Setup {
        program,
        session: Box::new(session),
        data: sets,
        seed: 1,
        stop,
        max_steps: options.max_steps,
    };
    let outcome = Trainer::new(setup).and_then(|t| t.run(&folder, &mut Silent));
    let log = log.borrow().clone();
    Done { outcome, log, folder, _root: root }
}
