//! Running a graph: nodes in order, floats through dfdx, everything else on the host.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use vspec_engine::{
    EngineError, HostTensor, Inputs, Interpreter, Precision, RunKey, Sizes, Stopwatch, bind, check_variable,
};
use vspec_ir::plan::Unit;
use vspec_ir::{Graph, Node, NodeId, Op};

use crate::backend::Backend;
use crate::composed;
use crate::element::Element;
use crate::fused::Schedule;
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

/// Values by node, as far as they are known.
pub(crate) type Values<E, D> = Vec<Option<Value<E, D>>>;

/// What a run reads.
pub(crate) struct Run<'a, E: Element, D: Backend<E>> {
    pub(crate) device: &'a D,
    pub(crate) graph: &'a Graph,
    pub(crate) inputs: &'a Inputs,
    pub(crate) variables: &'a BTreeMap<String, Value<E, D>>,
    pub(crate) key: RunKey,
    pub(crate) sizes: Sizes,
    pub(crate) kernels: Kernels,
    /// What gradients are taken by.
    pub(crate) by: BTreeSet<NodeId>,
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
        let gradients = graph.nodes().filter(|(_, node)| matches!(node.op, Op::Gradient {}));
        let by = gradients.map(|(_, node)| node.inputs[1]).collect();
        Ok(Run { device, graph, inputs, variables, key, sizes, kernels, by, stopwatch: None })
    }

    /// The values of all outputs, by node.
    pub(crate) fn values(&self, schedule: &Schedule<E>) -> Result<Values<E, D>, EngineError> {
        let losses = Losses::of(self.graph)?;
        let last = schedule.last_uses(self.graph);
        let mut values: Values<E, D> = vec![None; self.graph.len()];
        let mut gradients = Gradients::new(self.device, &losses);
        for (position, unit) in schedule.units.iter().enumerate() {
            let began = Instant::now();
            let id = schedule.name_of(*unit);
            match *unit {
                Unit::Node(id) if matches!(self.graph.node(id).op, Op::Gradient {}) => {
                    let value = gradients.answer(self, schedule, &losses, self.graph.node(id), &values)?;
                    values[id.index()] = Some(value);
                }
                unit => {
                    let mut recorder = gradients.recorder(&losses, &schedule.computes(unit));
                    let way_back = self.stopwatch.as_ref().map(|watch| WayBack::new(watch, id));
                    way_back.iter().zip(&mut recorder).for_each(|(way, recorder)| way.record_end(recorder));
                    self.unit(schedule, unit, &mut values, recorder.as_mut())?;
                    way_back.iter().zip(&mut recorder).for_each(|(way, recorder)| way.record_start(recorder));
                    gradients.put_back(recorder);
                }
            }
            self.stopwatch.iter().for_each(|watch| watch.stop(id, false, began));
            // A loss is computed again for each further tape, so what it needs is kept while gradients are open.
            if losses.count() <= 1 {
                for input in
                    schedule.reads(self.graph, *unit).iter().filter(|i| last[i.index()] == Some(position))
                {
                    values[input.index()] = None;
                }
            }
        }
        Ok(values)
    }

    /// Computes what a unit computes.
    pub(crate) fn unit(
        &self,
        schedule: &Schedule<E>,
        unit: Unit,
        values: &mut Values<E, D>,
        recorder: Option<&mut Recorder<E, D>>,
    ) -> Result<(), EngineError> {
        match unit {
            Unit::Node(id) => {
                let value = self.compute(id, self.graph.node(id), values, recorder)?;
                values[id.index()] = Some(value);
            }
            Unit::Fusion(at) => {
                let region = &schedule.regions[at];
                let results = {
                    let inputs: Option<Vec<&Value<E, D>>> =
                        region.inputs.iter().map(|input| values[input.index()].as_ref()).collect();
                    let inputs = inputs.ok_or_else(|| {
                        EngineError::Unsupported("a region reads a value that was freed".to_string())
                    })?;
                    region.compute(self.device, &inputs, self.key, recorder)?
                };
                for (output, value) in region.outputs.iter().zip(results) {
                    values[output.index()] = Some(value);
                }
            }
        }
        Ok(())
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
                let mut forgetful = Recorder::forgetful(self.device);
                let recorder = recorder.unwrap_or(&mut forgetful);
                let known: Vec<Option<u64>> = operands.iter().map(|operand| operand.tensor_id()).collect();
                Ok(match self.apply(node, operands, recorder)? {
                    // A tape has one gradient for a tensor, and this one is not to be that of what it only shows in another shape.
                    Value::Float(value) if self.by.contains(&id) && known.contains(&Some(value.id)) => {
                        Value::Float(recorder.renamed(&value))
                    }
                    value => value,
                })
            }
        }
    }

    fn apply(
        &self,
        node: &Node,
        values: Vec<&Value<E, D>>,
        recorder: &mut Recorder<E, D>,
    ) -> Result<Value<E, D>, EngineError> {
        let floats = node.ty.dtype == vspec_ir::DType::F32;
        let operands = Operands { values, sizes: &self.sizes };
        if floats {
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
