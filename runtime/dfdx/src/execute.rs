//! Running a graph: nodes in order, floats through dfdx, everything else on the host.

use std::collections::BTreeMap;
use std::time::Instant;

use vspec_engine::{
    EngineError, HostTensor, Inputs, Interpreter, Precision, RunKey, Sizes, Stopwatch, bind, check_variable,
};
use vspec_ir::{Graph, Node, NodeId, Op};

use crate::backend::Backend;
use crate::composed;
use crate::element::Element;
use crate::gradient::{Gradients, Losses};
use crate::operands::Operands;
use crate::ops::differentiable;
use crate::record::{Float, Recorder, float};
use crate::way_back::WayBack;

/// A value of a run.
#[derive(Clone, Debug)]
pub(crate) enum Value<E: Element, D: Backend<E>> {
    Float(Float<E, D>),
    /// Indices and masks.
    Host(HostTensor),
}

impl<E: Element, D: Backend<E>> Value<E, D> {
    pub(crate) fn from_host(device: &D, tensor: &HostTensor) -> Self {
        match tensor.dtype() {
            vspec_ir::DType::F32 => {
                let values = tensor.to_f64().into_iter().map(E::of).collect();
                Value::Float(float(device, values, tensor.shape().to_vec()))
            }
            _ => Value::Host(tensor.clone()),
        }
    }

    /// What the tape knows the value by, if it is one that has gradients.
    pub(crate) fn tensor_id(&self) -> Option<u64> {
        match self {
            Value::Float(f) => Some(f.id),
            Value::Host(_) => None,
        }
    }

    /// The same elements in a tensor of their own.
    pub(crate) fn copied(&self, device: &D) -> Self {
        match self {
            Value::Float(f) => Value::Float(float(device, f.to_vec(), f.shape.clone())),
            Value::Host(tensor) => Value::Host(tensor.clone()),
        }
    }

    pub(crate) fn to_host(&self) -> Result<HostTensor, EngineError> {
        match self {
            Value::Host(tensor) => Ok(tensor.clone()),
            Value::Float(f) => HostTensor::new(f.shape.clone(), E::buffer(f.to_vec()))
                .ok_or_else(|| EngineError::Unsupported("a value does not fill its shape".to_string())),
        }
    }
}

/// Whose kernels compute what gradients flow through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kernels {
    /// This crate's, where dfdx has none or slow ones.
    #[default]
    Custom,
    /// dfdx's alone: a judge of the others, and slow.
    Composed,
}

/// What a run reads.
pub(crate) struct Run<'a, E: Element, D: Backend<E>> {
    pub(crate) device: &'a D,
    pub(crate) graph: &'a Graph,
    pub(crate) inputs: &'a Inputs,
    pub(crate) variables: &'a BTreeMap<String, Value<E, D>>,
    pub(crate) key: RunKey,
    pub(crate) sizes: Sizes,
    pub(crate) kernels: Kernels,
    /// Measures each node, if someone wants to know.
    pub(crate) stopwatch: Option<Stopwatch>,
}

impl<'a, E: Element, D: Backend<E>> Run<'a, E, D> {
    pub(crate) fn new(
        device: &'a D,
        graph: &'a Graph,
        inputs: &'a Inputs,
        variables: &'a BTreeMap<String, Value<E, D>>,
        key: RunKey,
    ) -> Result<Self, EngineError> {
        let (sizes, kernels) = (bind(graph, inputs)?, Kernels::default());
        Ok(Run { device, graph, inputs, variables, key, sizes, kernels, stopwatch: None })
    }

    /// The values of all outputs, by node.
    pub(crate) fn values(&self) -> Result<Vec<Option<Value<E, D>>>, EngineError> {
        let losses = Losses::of(self.graph)?;
        let live = self.graph.live(self.graph.outputs());
        let last = last_uses(self.graph, &live);
        let mut values: Vec<Option<Value<E, D>>> = vec![None; self.graph.len()];
        let mut gradients = Gradients::new(self.device, &losses);
        for (id, node) in self.graph.nodes().filter(|(id, _)| live[id.index()]) {
            let began = Instant::now();
            let value = match &node.op {
                Op::Gradient {} => gradients.answer(self, &losses, node, &values)?,
                _ => {
                    let mut recorder = gradients.recorder(&losses, id);
                    let way_back = self.stopwatch.as_ref().map(|watch| WayBack::new(watch, id));
                    way_back.iter().zip(&mut recorder).for_each(|(way, recorder)| way.record_end(recorder));
                    let value = self.compute(id, node, &values, recorder.as_mut())?;
                    way_back.iter().zip(&mut recorder).for_each(|(way, recorder)| way.record_start(recorder));
                    gradients.put_back(recorder);
                    value
                }
            };
            self.stopwatch.iter().for_each(|watch| watch.stop(id, false, began));
            values[id.index()] = Some(value);
            // A loss is computed again for each further tape, so what it needs is kept while gradients are open.
            if losses.count() <= 1 {
                for input in node.inputs.iter().filter(|i| last[i.index()] == Some(id)) {
                    values[input.index()] = None;
                }
            }
        }
        Ok(values)
    }

    /// The value of one node.
    pub(crate) fn compute(
        &self,
        id: NodeId,
        node: &Node,
        values: &[Option<Value<E, D>>],
        recorder: Option<&mut Recorder<E, D>>,
    ) -> Result<Value<E, D>, EngineError> {
        match &node.op {
            Op::Input { name, .. } => self
                .inputs
                .get(&**name)
                .map(|tensor| Value::from_host(self.device, tensor))
                .ok_or_else(|| EngineError::MissingInput(name.to_string())),
            Op::Param { path, .. } | Op::State { path, .. } => self.variable(path, node),
            _ => {
                let operands: Option<Vec<&Value<E, D>>> =
                    node.inputs.iter().map(|i| values[i.index()].as_ref()).collect();
                let operands = operands
                    .ok_or_else(|| EngineError::Unsupported(format!("{id} reads a value that was freed")))?;
                self.apply(node, operands, recorder)
            }
        }
    }

    fn apply(
        &self,
        node: &Node,
        values: Vec<&Value<E, D>>,
        recorder: Option<&mut Recorder<E, D>>,
    ) -> Result<Value<E, D>, EngineError> {
        let floats = node.ty.dtype == vspec_ir::DType::F32;
        let operands = Operands { values, sizes: &self.sizes };
        if floats {
            let mut forgetful = Recorder::forgetful(self.device);
            let recorder = recorder.unwrap_or(&mut forgetful);
            let inputs = node.inputs.iter().map(|input| input.index());
            recorder.meet(inputs.zip(&operands.values).filter_map(|(node, value)| match value {
                Value::Float(float) => Some((node, float)),
                Value::Host(_) => None,
            }));
            let result = match self.kernels {
                Kernels::Custom => differentiable(recorder, &node.op, &operands),
                Kernels::Composed => composed::differentiable(recorder, &node.op, &operands),
            };
            if let Some(result) = result {
                return result.map(Value::Float);
            }
        }
        self.on_host(node, &operands.values)
    }

    /// Sources, comparisons, casts and everything on indices and masks: no gradient flows, so the reference computes them.
    fn on_host(&self, node: &Node, values: &[&Value<E, D>]) -> Result<Value<E, D>, EngineError> {
        let operands: Result<Vec<HostTensor>, EngineError> = values.iter().map(|v| v.to_host()).collect();
        let precision = match E::buffer(vec![]) {
            vspec_engine::Buffer::F64(_) => Precision::F64,
            _ => Precision::F32,
        };
        let result = Interpreter::new(precision).evaluate(node, &operands?, &self.sizes, self.key)?;
        Ok(Value::from_host(self.device, &result))
    }

    fn variable(&self, path: &str, node: &Node) -> Result<Value<E, D>, EngineError> {
        let value = self.variables.get(path).ok_or_else(|| EngineError::MissingVariable(path.to_string()))?;
        let shape = match value {
            Value::Float(f) => &f.shape,
            Value::Host(h) => h.shape(),
        };
        match self.sizes.shape(&node.ty.shape)? == *shape {
            true => Ok(value.clone()),
            false => {
                check_variable(path, &node.ty, &value.to_host()?)?;
                Ok(value.clone())
            }
        }
    }
}

/// For each node, the node that uses it last; outputs are used at the end.
fn last_uses(graph: &Graph, live: &[bool]) -> Vec<Option<NodeId>> {
    let mut last = vec![None; graph.len()];
    for (id, node) in graph.nodes().filter(|(id, _)| live[id.index()]) {
        for input in &node.inputs {
            last[input.index()] = Some(id);
        }
    }
    for output in graph.outputs() {
        last[output.node.index()] = None;
    }
    last
}
