//! Fused regions: each goes onto dfdx's tape as one custom operation, whose way back is a plan, too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use vspec_cpu::{Data, Elements, Executable, Mode, Variables};
use vspec_engine::plan::Fuser;
use vspec_engine::{Buffer, EngineError, HostTensor, RunKey, Sizes};
use vspec_ir::plan::{Fusion, Unit};
use vspec_ir::{Graph, NodeId};

use crate::backend::Backend;
use crate::element::Element;
use crate::execute::Value;
use crate::record::{Float, Recorder, float};

/// A plan that several runs share.
type Shared<E> = Arc<Mutex<Executable<E>>>;

/// A region, ready to run.
pub(crate) struct Region<E: Element> {
    /// What it reads.
    pub(crate) inputs: Vec<NodeId>,
    /// What it computes.
    pub(crate) outputs: Vec<NodeId>,
    forward: Shared<E>,
    /// Shapes of the outputs.
    shapes: Vec<Vec<usize>>,
    backward: Option<WayBack<E>>,
}

struct WayBack<E: Element> {
    wanted: Vec<usize>,
    given: Vec<usize>,
    plan: Shared<E>,
}

/// What a graph is run as: nodes one by one, and regions.
pub(crate) struct Schedule<E: Element> {
    pub(crate) regions: Vec<Region<E>>,
    pub(crate) units: Vec<Unit>,
}

impl<E: Element> Schedule<E> {
    /// Every node that an output needs by itself.
    pub(crate) fn plain(graph: &Graph) -> Self {
        let live = graph.live(graph.outputs());
        let units = graph.nodes().map(|(id, _)| id).filter(|id| live[id.index()]).map(Unit::Node);
        Schedule { regions: vec![], units: units.collect() }
    }

    /// Regions as the compiler finds them.
    pub(crate) fn fused(fuser: &dyn Fuser, graph: &Graph, sizes: &Sizes) -> Result<Self, EngineError> {
        let fusions = fuser.fusions(graph, sizes)?;
        let regions: Result<Vec<Region<E>>, EngineError> =
            fusions.fusions.into_iter().map(Region::new).collect();
        Ok(Schedule { regions: regions?, units: fusions.units })
    }
}

impl<E: Element> Schedule<E> {
    /// What a unit computes.
    pub(crate) fn computes(&self, unit: Unit) -> Vec<NodeId> {
        match unit {
            Unit::Node(id) => vec![id],
            Unit::Fusion(at) => self.regions[at].outputs.clone(),
        }
    }

    /// What a unit reads.
    pub(crate) fn reads<'s>(&'s self, graph: &'s Graph, unit: Unit) -> &'s [NodeId] {
        match unit {
            Unit::Node(id) => &graph.node(id).inputs,
            Unit::Fusion(at) => &self.regions[at].inputs,
        }
    }

    /// The node that a unit counts as in measurements: the last one that it computes.
    pub(crate) fn name_of(&self, unit: Unit) -> NodeId {
        let last = |at: usize| self.regions[at].outputs.last().copied();
        match unit {
            Unit::Node(id) => id,
            Unit::Fusion(at) => last(at).unwrap_or_else(|| NodeId::from_index(0)),
        }
    }

    /// For each node the position of the unit that reads it last; outputs are read at the end.
    pub(crate) fn last_uses(&self, graph: &Graph) -> Vec<Option<usize>> {
        let mut last = vec![None; graph.len()];
        for (position, unit) in self.units.iter().enumerate() {
            self.reads(graph, *unit).iter().for_each(|read| last[read.index()] = Some(position));
        }
        graph.outputs().iter().for_each(|output| last[output.node.index()] = None);
        last
    }
}

fn shared<E: Element>(plan: vspec_ir::plan::Plan) -> Result<Shared<E>, EngineError> {
    Ok(Arc::new(Mutex::new(Executable::new(plan, Mode::BEST)?)))
}

fn run<E: Element>(
    plan: &Shared<E>,
    inputs: &BTreeMap<&str, Elements<'_, E>>,
    key: RunKey,
) -> Result<Vec<Data<E>>, EngineError> {
    let mut plan =
        plan.lock().map_err(|_| EngineError::Unsupported("a region has failed before".to_string()))?;
    plan.run(inputs, &mut Variables::new(), key)
}

impl<E: Element> Region<E> {
    fn new(fusion: Fusion) -> Result<Self, EngineError> {
        let Fusion { inputs, outputs, forward, backward } = fusion;
        let shapes = forward.outputs.iter().map(|output| forward.value(output.value).shape.clone()).collect();
        let backward = match backward {
            Some(back) => Some(WayBack { wanted: back.wanted, given: back.given, plan: shared(back.plan)? }),
            None => None,
        };
        Ok(Region { inputs, outputs, forward: shared(forward)?, shapes, backward })
    }

    /// The outputs from the inputs; with a recorder, one operation on its tape.
    pub(crate) fn compute<D: Backend<E>>(
        &self,
        device: &D,
        inputs: &[&Value<E, D>],
        key: RunKey,
        recorder: Option<&mut Recorder<E, D>>,
    ) -> Result<Vec<Value<E, D>>, EngineError> {
        let names: Vec<String> = (0..inputs.len()).map(|i| format!("x{i}")).collect();
        let read: Vec<Read<'_, E>> = inputs.iter().map(|value| Read::of(value)).collect();
        let given = names.iter().map(String::as_str).zip(read.iter().map(Read::elements)).collect();
        let results = run(&self.forward, &given, key)?;
        let values =
            results.into_iter().zip(&self.shapes).map(|(data, shape)| value(device, data, shape.clone()));
        let values = values.collect::<Result<Vec<Value<E, D>>, EngineError>>()?;
        if let (Some(recorder), Some(back)) = (recorder, &self.backward) {
            self.record(recorder, back, inputs, &values, key);
        }
        Ok(values)
    }

    fn record<D: Backend<E>>(
        &self,
        recorder: &mut Recorder<E, D>,
        back: &WayBack<E>,
        inputs: &[&Value<E, D>],
        outputs: &[Value<E, D>],
        key: RunKey,
    ) {
        let float = |value: &Value<E, D>| match value {
            Value::Float(float) => Some(float.clone()),
            Value::Host(_) => None,
        };
        let operands: Vec<Float<E, D>> = back.wanted.iter().filter_map(|i| float(inputs[*i])).collect();
        let results: Vec<Float<E, D>> = back.given.iter().filter_map(|i| float(&outputs[*i])).collect();
        let kept: Vec<Value<E, D>> = inputs.iter().map(|value| (*value).clone()).collect();
        let plan = back.plan.clone();
        recorder.record(&operands.iter().collect::<Vec<_>>(), &results, move |incoming, outgoing| {
            let names: Vec<String> = (0..kept.len()).map(|i| format!("x{i}")).collect();
            let read: Vec<Read<'_, E>> = kept.iter().map(Read::of).collect();
            let mut given: BTreeMap<&str, Elements<'_, E>> =
                names.iter().map(String::as_str).zip(read.iter().map(Read::elements)).collect();
            let gradients: Vec<String> = (0..incoming.len()).map(|i| format!("g{i}")).collect();
            for (name, gradient) in gradients.iter().zip(incoming) {
                given.insert(name, Elements::Float(gradient));
            }
            // What the way forth has read within bounds the way back does, too.
            for (sum, part) in outgoing.iter_mut().zip(run(&plan, &given, key).unwrap_or_default()) {
                if let Data::Float(part) = part {
                    sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
                }
            }
        });
    }
}

/// Elements of an operand: where they are, or copied from a device.
enum Read<'v, E: Element> {
    Float(std::borrow::Cow<'v, [E]>),
    Host(&'v HostTensor),
}

impl<'v, E: Element> Read<'v, E> {
    fn of<D: Backend<E>>(value: &'v Value<E, D>) -> Self {
        match value {
            Value::Float(float) => Read::Float(float.read()),
            Value::Host(tensor) => Read::Host(tensor),
        }
    }

    fn elements(&self) -> Elements<'_, E> {
        match self {
            Read::Float(values) => Elements::Float(values),
            Read::Host(tensor) => match tensor.buffer() {
                Buffer::I32(values) => Elements::Int(values),
                Buffer::Bool(values) => Elements::Bool(values),
                Buffer::F32(_) | Buffer::F64(_) => Elements::Float(&[]),
            },
        }
    }
}

fn value<E: Element, D: Backend<E>>(
    device: &D,
    data: Data<E>,
    shape: Vec<usize>,
) -> Result<Value<E, D>, EngineError> {
    let host = |buffer| HostTensor::new(shape.clone(), buffer).map(Value::Host);
    let made = match data {
        Data::Float(values) => return Ok(Value::Float(float(device, values, shape))),
        Data::Int(values) => host(Buffer::I32(values)),
        Data::Bool(values) => host(Buffer::Bool(values)),
    };
    made.ok_or_else(|| EngineError::Unsupported("a value does not fill its shape".to_string()))
}
