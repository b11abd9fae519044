//! Predictions: what a step collects, made of images that belong to no data set.
//!
//! What is collected is recognised by its fields: boxes with `score` and `label` are detections, boxes with `label` alone are truths,
//! and `probability` has a number for each class.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use vspec_engine::{Buffer, HostTensor, Inputs};
use vspec_ir::{DType, Graph, Op, Output, OutputKind, Step, Type, Variant};

use crate::batches::Feed;
use crate::executor::{Executor, Setup};
use crate::{TrainError, checkpoint};

/// What a collected value means to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A record of rows with `box: f32[B, M, 4]` as x1, y1, x2, y2, `score: f32[B, M]` and `label: i32[B, M]`.
    Detections,
    /// The same without a score.
    Truths,
    /// `probability: f32[B, C]`.
    Probability,
}

/// A value that a step collects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Its name, or that of the record: `found`.
    pub name: String,
    /// What it means.
    pub meaning: Meaning,
}

/// A box that was found, or a true one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Left, top, right and bottom in pixels of what the network saw.
    pub corners: [f32; 4],
    /// The class.
    pub label: i32,
    /// How sure the network is; none for a true box.
    pub score: Option<f32>,
}

/// The values that a step collects and whose meaning is known, in the order written.
pub fn collected(step: &Step) -> Vec<Collected> {
    let Some(Variant { graph, .. }) = step.graphs.first() else { return vec![] };
    let mut found: Vec<Collected> = vec![];
    for output in graph.outputs().iter().filter(|o| o.kind == OutputKind::Collect) {
        let (record, field) = output.name.rsplit_once('.').unwrap_or(("", &output.name));
        let meaning = match field {
            "probability" if is(graph.ty(output.node), DType::F32, 2) => Some(Meaning::Probability),
            "box" if !record.is_empty() => boxes(graph, record),
            _ => None,
        };
        let name = if field == "probability" { &output.name } else { record };
        found.extend(meaning.map(|meaning| Collected { name: name.to_string(), meaning }));
    }
    found
}

/// What a record with a field `box` means.
fn boxes(graph: &Graph, record: &str) -> Option<Meaning> {
    let field = |name: &str| {
        let name = format!("{record}.{name}");
        let output = graph.outputs().iter().find(|o| o.kind == OutputKind::Collect && *o.name == name)?;
        Some(graph.ty(output.node))
    };
    let corners = field("box").filter(|ty| is(ty, DType::F32, 3) && ty.shape[2].as_const() == Some(4));
    corners.and(field("label").filter(|ty| is(ty, DType::I32, 2)))?;
    match field("score") {
        Some(ty) => is(ty, DType::F32, 2).then_some(Meaning::Detections),
        None => Some(Meaning::Truths),
    }
}

fn is(ty: &Type, dtype: DType, rank: usize) -> bool {
    ty.dtype == dtype && ty.rank() == rank
}

/// A step that does nothing but collect these values, and needs no more than they do.
pub fn reduced(step: &Step, values: &[Collected]) -> Step {
    let wanted = |output: &&Output| {
        let name = &*output.name;
        let of = |value: &Collected| {
            name.strip_prefix(&*value.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        output.kind == OutputKind::Collect && values.iter().any(of)
    };
    let graphs = step.graphs.iter().map(|variant| {
        let outputs: Vec<Output> = variant.graph.outputs().iter().filter(wanted).cloned().collect();
        Variant { when: variant.when.clone(), graph: variant.graph.extract(step.name.clone(), &outputs) }
    });
    Step { graphs: graphs.collect(), finish: vec![], ..step.clone() }
}

/// Names of what the graphs of a step read: `b.image`, `clock.epoch`.
pub fn inputs(step: &Step) -> BTreeSet<String> {
    let nodes = step.graphs.iter().flat_map(|variant| variant.graph.nodes());
    let names = nodes.filter_map(|(_, node)| match &node.op {
        Op::Input { name, .. } => Some(name.to_string()),
        _ => None,
    });
    names.collect()
}

/// A network with the variables of a checkpoint, and a step that is run on what it is given.
pub struct Predictor<'a> {
    executor: Executor<'a>,
    step: usize,
    feed: Option<Feed>,
    runs: u64,
}

/// What a step collected of one batch.
pub struct Rows {
    rows: Vec<(String, HostTensor)>,
}

impl<'a> Predictor<'a> {
    /// Reads a checkpoint: a file, or a run folder, of which the best is taken, else the last. Data sets stay closed.
    ///
    /// # Errors
    /// When the checkpoint cannot be read or does not fit the experiment.
    pub fn new(setup: Setup<'a>, checkpoint: &Path, step: usize) -> Result<Self, TrainError> {
        let path = checkpoint::find(checkpoint)?;
        let mut executor = Executor::new(setup);
        executor.load(&path)?;
        executor.clock = checkpoint::read_state(&path)?.map(|state| state.clock).unwrap_or_default();
        Ok(Predictor { executor, step, feed: None, runs: 0 })
    }

    /// The same with first values for all variables.
    ///
    /// # Errors
    /// When a first value cannot be computed.
    pub fn fresh(setup: Setup<'a>, step: usize) -> Result<Self, TrainError> {
        let mut executor = Executor::new(setup);
        executor.initialise()?;
        Ok(Predictor { executor, step, feed: None, runs: 0 })
    }

    /// The fields that the step reads of the next batch of its data, which is opened the first time: `b.image`. None after the last
    /// batch of an epoch.
    ///
    /// # Errors
    /// When a data set is missing or broken.
    pub fn batch(&mut self) -> Result<Option<Inputs>, TrainError> {
        let feed = match &mut self.feed {
            Some(feed) if feed.at_epoch_end() => return Ok(None),
            Some(feed) => feed,
            None => {
                self.executor.open(self.step)?;
                self.feed.insert(self.executor.feed(self.step)?)
            }
        };
        let mut inputs = Inputs::new();
        feed.next(&mut inputs)?;
        Ok(Some(inputs))
    }

    /// Runs the step on the fields of one batch, by name: `b.image`. Fields that it does not need may be among them.
    ///
    /// # Errors
    /// When the engine cannot run it.
    pub fn run(&mut self, mut batch: Inputs) -> Result<Rows, TrainError> {
        let needed = inputs(&self.executor.setup.program.steps[self.step]);
        batch.retain(|name, _| needed.contains(name));
        let ran = self.executor.run_on(self.step, batch, self.runs, (1, Duration::ZERO))?;
        self.runs += 1;
        Ok(Rows { rows: ran.rows })
    }
}

impl Rows {
    /// Everything, by name.
    pub fn into_tensors(self) -> Vec<(String, HostTensor)> {
        self.rows
    }

    fn get(&self, name: &str) -> Option<&HostTensor> {
        self.rows.iter().find(|(own, _)| own == name).map(|(_, tensor)| tensor)
    }

    /// The rows of a record of boxes that are no padding, image by image.
    pub fn boxes(&self, record: &str) -> Vec<Vec<Detection>> {
        let field = |name: &str| self.get(&format!("{record}.{name}"));
        let (Some(corners), Some(labels)) = (field("box"), field("label")) else { return vec![] };
        let (Buffer::F32(corners), Buffer::I32(labels), [images, rows]) =
            (corners.buffer(), labels.buffer(), labels.shape())
        else {
            return vec![];
        };
        let scores = field("score").map(HostTensor::buffer);
        let there = self.mask(record, labels.len());
        let row = |i: usize| Detection {
            corners: [corners[4 * i], corners[4 * i + 1], corners[4 * i + 2], corners[4 * i + 3]],
            label: labels[i],
            score: match scores {
                Some(Buffer::F32(scores)) => scores.get(i).copied(),
                _ => None,
            },
        };
        let image = |b: usize| (b * rows..(b + 1) * rows).filter(|i| there[*i]).map(row).collect();
        (0..*images).map(image).collect()
    }

    /// Which rows are no padding: the mask has the name of the first field that has it.
    fn mask(&self, record: &str, rows: usize) -> Vec<bool> {
        let is_mask = |name: &str| {
            name.strip_prefix(record).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".there"))
        };
        let mask = self.rows.iter().find(|(name, _)| is_mask(name)).map(|(_, tensor)| tensor.buffer());
        match mask {
            Some(Buffer::Bool(mask)) if mask.len() == rows => mask.clone(),
            _ => vec![true; rows],
        }
    }

    /// Probabilities of the classes, image by image.
    pub fn probabilities(&self, name: &str) -> Vec<Vec<f32>> {
        match self.get(name).map(|tensor| (tensor.buffer(), tensor.shape())) {
            Some((Buffer::F32(values), [_, classes])) => {
                values.chunks((*classes).max(1)).map(<[f32]>::to_vec).collect()
            }
            _ => vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[usize], buffer: Buffer) -> HostTensor {
        HostTensor::new(shape.to_vec(), buffer).expect("fits")
    }

    #[test]
    fn padding_is_no_detection() {
        let corners = (0..2 * 2 * 4).map(|v| v as f32).collect();
        let rows = Rows {
            rows: vec![
                ("found.box".to_string(), tensor(&[2, 2, 4], Buffer::F32(corners))),
                ("found.box.there".to_string(), tensor(&[2, 2], Buffer::Bool(vec![true, false, true, true]))),
                ("found.score".to_string(), tensor(&[2, 2], Buffer::F32(vec![0.9, 0.0, 0.8, 0.7]))),
                ("found.label".to_string(), tensor(&[2, 2], Buffer::I32(vec![3, 0, 1, 2]))),
            ],
        };
        let found = rows.boxes("found");
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
        let last = Detection { corners: [12.0, 13.0, 14.0, 15.0], label: 2, score: Some(0.7) };
        assert_eq!(found[1][1], last);
        assert!(rows.boxes("other").is_empty());
    }

    #[test]
    fn values_are_known_by_their_fields_and_the_rest_is_left_out() {
        let mut graph = Graph::new("evaluate");
        let mut add = |name: &str, output: &str, dtype, shape: &[i64]| {
            let shape = shape.iter().map(|d| vspec_ir::Dim::from(*d)).collect();
            let op = Op::Input { name: name.into(), dtype, shape };
            let node = graph.add(op, &[], vspec_ir::Origin::default()).expect("an input");
            graph.output(output, OutputKind::Collect, node);
        };
        for (record, from) in [("found", "b.image"), ("truths", "b.truths")] {
            add(&format!("{from}.box"), &format!("{record}.box"), DType::F32, &[1, 2, 4]);
            add(&format!("{from}.label"), &format!("{record}.label"), DType::I32, &[1, 2]);
        }
        add("b.image.score", "found.score", DType::F32, &[1, 2]);
        add("b.image.p", "probability", DType::F32, &[1, 5]);
        add("b.image.e", "embedding", DType::F32, &[1, 5]);
        let step = Step {
            name: "evaluate".to_string(),
            trains: false,
            batches: vec![],
            graphs: vec![Variant::always(graph)],
            finish: vec![],
        };
        let values = collected(&step);
        let known: Vec<(&str, Meaning)> = values.iter().map(|v| (&*v.name, v.meaning)).collect();
        use Meaning::{Detections, Probability, Truths};
        assert_eq!(known, [("found", Detections), ("truths", Truths), ("probability", Probability)]);
        let needed = inputs(&reduced(&step, &values[..1]));
        assert_eq!(Vec::from_iter(needed), ["b.image.box", "b.image.label", "b.image.score"]);
    }
}
