//! Variables and runs of the interpreter.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Instant;

use vspec_ir::{Graph, Node, NodeId, Op, OutputKind};

use super::value::{Real, Value};
use super::{Context, compute, unsupported};
use crate::bind::{Sizes, bind, check_variable};
use crate::{EngineError, HostTensor, Inputs, NodeTime, RunKey, Session, Stopwatch};

/// The most elements of a value: a specification is not to exhaust the memory by a typing error.
const MAX_ELEMENTS: usize = 1 << 28;

/// Variables by path, in the precision `T`.
#[derive(Debug)]
pub(super) struct InterpSession<T> {
    variables: BTreeMap<String, HostTensor>,
    stopwatch: Option<Stopwatch>,
    precision: PhantomData<T>,
}

impl<T> Default for InterpSession<T> {
    fn default() -> Self {
        InterpSession { variables: BTreeMap::new(), stopwatch: None, precision: PhantomData }
    }
}

impl<T: Real> InterpSession<T> {
    fn variable(&self, path: &str) -> Result<&HostTensor, EngineError> {
        self.variables.get(path).ok_or_else(|| EngineError::MissingVariable(path.to_string()))
    }

    /// The value of each node that is an output. Values on the way are forgotten when their last reader has its own.
    fn evaluate(
        &self,
        graph: &Graph,
        inputs: &Inputs,
        key: RunKey,
    ) -> Result<Vec<Option<Value<T>>>, EngineError> {
        let sizes = bind(graph, inputs)?;
        let live = graph.live(graph.outputs());
        let last = last_readers(graph, &live);
        let mut values: Vec<Option<Value<T>>> = vec![];
        for (id, node) in graph.nodes() {
            let value = match live[id.index()] {
                true => {
                    let shape = result_shape(node, &sizes)?;
                    let operands: Vec<&Value<T>> =
                        node.inputs.iter().filter_map(|i| values[i.index()].as_ref()).collect();
                    let context = Context { sizes: &sizes, key, shape: &shape };
                    let began = Instant::now();
                    let value = self.node(node, inputs, &operands, &context)?;
                    self.stopwatch.iter().for_each(|watch| watch.stop(id, false, began));
                    Some(value)
                }
                false => None,
            };
            values.push(value);
            for input in node.inputs.iter().filter(|input| last[input.index()] == Some(id)) {
                values[input.index()] = None;
            }
        }
        Ok(values)
    }

    fn node(
        &self,
        node: &Node,
        inputs: &Inputs,
        operands: &[&Value<T>],
        context: &Context<'_>,
    ) -> Result<Value<T>, EngineError> {
        match &node.op {
            Op::Input { name, .. } => {
                let tensor =
                    inputs.get(&**name).ok_or_else(|| EngineError::MissingInput(name.to_string()))?;
                Ok(Value::from_host(tensor))
            }
            Op::Param { path, .. } | Op::State { path, .. } => {
                let tensor = self.variable(path)?;
                check_variable(path, &node.ty, tensor)?;
                Ok(Value::from_host(tensor))
            }
            _ => compute(node, operands, context),
        }
    }
}

/// For each node the last one that reads it; none if it is an output.
fn last_readers(graph: &Graph, live: &[bool]) -> Vec<Option<NodeId>> {
    let mut last = vec![None; graph.len()];
    for (id, node) in graph.nodes().filter(|(id, _)| live[id.index()]) {
        node.inputs.iter().for_each(|input| last[input.index()] = Some(id));
    }
    graph.outputs().iter().for_each(|output| last[output.node.index()] = None);
    last
}

fn result_shape(node: &Node, sizes: &Sizes) -> Result<Vec<usize>, EngineError> {
    let shape = sizes.shape(&node.ty.shape)?;
    let elements = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
    match elements.filter(|n| *n <= MAX_ELEMENTS) {
        Some(_) => Ok(shape),
        None => Err(unsupported(&format!("{} of shape {shape:?} is too large", node.op.decl().name))),
    }
}

impl<T: Real> Session for InterpSession<T> {
    fn write(&mut self, path: &str, value: HostTensor) -> Result<(), EngineError> {
        self.variables.insert(path.to_string(), Value::<T>::from_host(&value).into_host()?);
        Ok(())
    }

    fn read(&self, path: &str) -> Result<HostTensor, EngineError> {
        self.variable(path).cloned()
    }

    fn run(&mut self, graph: &Graph, inputs: &Inputs, key: RunKey) -> Result<Vec<HostTensor>, EngineError> {
        let mut values = self.evaluate(graph, inputs, key)?;
        let (mut results, mut writes) = (vec![], vec![]);
        let outputs: Vec<_> = graph.outputs().iter().collect();
        for (i, output) in outputs.iter().enumerate() {
            // Large values are not copied where nobody asks for them again.
            let again = outputs[i + 1..].iter().any(|later| later.node == output.node);
            let place = &mut values[output.node.index()];
            let Some(value) = (if again { place.clone() } else { place.take() }) else { continue };
            let tensor = value.into_host()?;
            match output.kind {
                OutputKind::Write => writes.push((output.name.to_string(), tensor)),
                _ => results.push(tensor),
            }
        }
        self.variables.extend(writes);
        Ok(results)
    }

    fn measure(&mut self, on: bool) {
        self.stopwatch = on.then(|| self.stopwatch.take().unwrap_or_default());
    }

    fn measured(&mut self) -> Vec<NodeTime> {
        self.stopwatch.as_ref().map(Stopwatch::take).unwrap_or_default()
    }
}
