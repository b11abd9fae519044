//! Numbers to run any graph with: for tests, and for finding the rewrite that changes what a graph computes.

use std::collections::BTreeMap;
use std::sync::Arc;

use vspec_ir::{DType, Graph, Op, Type};

use crate::rng::Stream;
use crate::{Buffer, Engine, EngineError, HostTensor, Inputs, RunKey};

/// Values for everything that a graph reads.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drawn {
    /// Inputs by name.
    pub inputs: Inputs,
    /// Parameters and states by path.
    pub variables: BTreeMap<String, HostTensor>,
}

impl Drawn {
    /// Values with which an engine can run a graph: small sizes that meet its obligations, integers small enough to be indices.
    /// Float inputs and parameters are normal; states, among which are variances, lie in [0.5, 1.5).
    ///
    /// # Errors
    /// What the engine says to the last values that were tried: that no small sizes fit, or that it cannot run the graph.
    pub fn for_graph(graph: &Graph, engine: &dyn Engine, seed: u64) -> Result<Drawn, EngineError> {
        let mut refused = EngineError::Unsupported("no sizes were tried".to_string());
        for sizes in sizes(graph) {
            for bound in [8, 3, 1] {
                let drawn = Drawn::of(graph, &sizes, bound, seed)?;
                match drawn.run(graph, engine) {
                    Ok(_) => return Ok(drawn),
                    Err(error) => refused = error,
                }
            }
        }
        Err(refused)
    }

    fn of(
        graph: &Graph,
        sizes: &BTreeMap<Arc<str>, i64>,
        bound: u32,
        seed: u64,
    ) -> Result<Drawn, EngineError> {
        let mut drawn = Drawn::default();
        for (_, node) in graph.nodes() {
            match &node.op {
                Op::Input { name, .. } => {
                    let value = tensor(name, &node.ty, sizes, Kind::Input(bound), seed)?;
                    drawn.inputs.insert(name.to_string(), value);
                }
                Op::Param { path, .. } => {
                    let value = tensor(path, &node.ty, sizes, Kind::Input(bound), seed)?;
                    drawn.variables.insert(path.to_string(), value);
                }
                Op::State { path, .. } => {
                    let value = tensor(path, &node.ty, sizes, Kind::State, seed)?;
                    drawn.variables.insert(path.to_string(), value);
                }
                _ => {}
            }
        }
        Ok(drawn)
    }

    /// What an engine makes of a graph with these values: its outputs in order, and then what it writes.
    ///
    /// # Errors
    /// What the engine says.
    pub fn run(&self, graph: &Graph, engine: &dyn Engine) -> Result<Vec<HostTensor>, EngineError> {
        let mut session = engine.session();
        for (path, value) in &self.variables {
            session.write(path, value.clone())?;
        }
        // Written values are looked at as results: a session may keep them in another precision.
        let mut shown = graph.clone();
        let outputs = graph.outputs().iter().enumerate().map(|(i, output)| vspec_ir::Output {
            name: format!("output{i}").into(),
            kind: vspec_ir::OutputKind::Value,
            node: output.node,
        });
        let outputs: Vec<_> = outputs.collect();
        shown = shown.extract(graph.name.clone(), &outputs);
        session.run(&shown, &self.inputs, RunKey { seed: 5, step: 9 })
    }
}

/// What numbers are for.
#[derive(Clone, Copy)]
enum Kind {
    /// Integers are below the bound.
    Input(u32),
    State,
}

/// Small values for the named sizes of a graph, several ways: different ones, and all the same.
fn sizes(graph: &Graph) -> Vec<BTreeMap<Arc<str>, i64>> {
    let mut symbols = graph.symbols();
    symbols.extend(graph.facts().definitions().flat_map(|(_, value)| value.symbols()));
    symbols.retain(|s| graph.facts().definition(s).is_none());
    let assigned = |value: &dyn Fn(usize) -> i64| {
        let value = |(i, s): (usize, &Arc<str>)| (s.clone(), value(i) * graph.facts().divisor(s));
        symbols.iter().enumerate().map(value).collect()
    };
    let different =
        [&|i: usize| 2 + i as i64 % 3, &|i: usize| 4 - i as i64 % 3] as [&dyn Fn(usize) -> i64; 2];
    let mut all: Vec<_> = different.into_iter().map(assigned).collect();
    all.extend([2, 3, 4, 8, 16, 32, 64].map(|n| assigned(&|_| n)));
    all
}

fn tensor(
    name: &str,
    ty: &Type,
    sizes: &BTreeMap<Arc<str>, i64>,
    kind: Kind,
    seed: u64,
) -> Result<HostTensor, EngineError> {
    let unknown = || EngineError::Unsupported(format!("`{name}` has no size that could be drawn"));
    let size =
        |d: &vspec_ir::Dim| d.eval(&|s| sizes.get(s).copied()).ok().and_then(|d| usize::try_from(d).ok());
    let shape: Vec<usize> = ty.shape.iter().map(size).collect::<Option<_>>().ok_or_else(unknown)?;
    let count = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).filter(|n| *n <= 1 << 24);
    let at = 0..count.ok_or_else(unknown)? as u64;
    let stream = Stream::new(name, seed, 0);
    // Rounded, so that both precisions begin with the same numbers.
    let buffer = match (ty.dtype, kind) {
        (DType::F32, Kind::Input(_)) => Buffer::F32(at.map(|i| stream.normal(i) as f32).collect()),
        (DType::F32, Kind::State) => Buffer::F32(at.map(|i| 0.5 + stream.uniform(i) as f32).collect()),
        (DType::I32, Kind::Input(bound)) => Buffer::I32(at.map(|i| stream.below(i, bound) as i32).collect()),
        (DType::I32, Kind::State) => Buffer::I32(at.map(|_| 0).collect()),
        (DType::Bool, _) => Buffer::Bool(at.map(|i| stream.bits(i).is_multiple_of(2)).collect()),
    };
    HostTensor::new(shape, buffer).ok_or_else(unknown)
}

/// How far two results are apart: the first output and element that differ by more than `tolerance`, relative to the largest number
/// there. NaN equals NaN, and infinities themselves.
pub fn difference(got: &[HostTensor], want: &[HostTensor], tolerance: f64) -> Option<Difference> {
    for (output, (got, want)) in got.iter().zip(want).enumerate() {
        let (got, want) = (got.to_f64(), want.to_f64());
        let finite = want.iter().map(|v| v.abs()).filter(|v| v.is_finite());
        let allowed = tolerance * finite.fold(1.0, f64::max);
        let near = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= allowed;
        let at = if got.len() == want.len() {
            got.iter().zip(&want).position(|(a, b)| !near(*a, *b))
        } else {
            Some(0)
        };
        if let Some(element) = at {
            let value = |of: &[f64]| of.get(element).copied().unwrap_or(f64::NAN);
            return Some(Difference { output, element, got: value(&got), want: value(&want) });
        }
    }
    None
}

/// Where two results differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Index of the output.
    pub output: usize,
    /// Index of the element, in row-major order.
    pub element: usize,
    /// What one has.
    pub got: f64,
    /// What the other one has.
    pub want: f64,
}
