//! Answering `gradient(loss, wrt)` with dfdx's tape: one tape for each loss.

use std::rc::Rc;

use dfdx::prelude::{PutTape, ReshapeTo};
use vspec_engine::EngineError;
use vspec_ir::ops::Gradient;
use vspec_ir::{Graph, Node, NodeId, Op};

use crate::backend::Backend;
use crate::element::Element;
use crate::execute::{Run, Value, Values};
use crate::fused::Schedule;
use crate::record::{Recorder, float};

/// The losses of a graph, and for each the nodes between it and what it is differentiated by.
pub(crate) struct Losses {
    losses: Vec<Loss>,
}

struct Loss {
    node: NodeId,
    /// Whether a node depends on one of the values and the loss on it.
    taped: Vec<bool>,
    /// Whether a node depends on one of the values, or is one.
    depends: Rc<[bool]>,
}

impl Losses {
    pub(crate) fn of(graph: &Graph) -> Result<Self, EngineError> {
        let mut losses: Vec<(NodeId, Vec<NodeId>)> = vec![];
        for (_, node) in graph.nodes().filter(|(_, n)| matches!(n.op, Op::Gradient {})) {
            match losses.iter_mut().find(|(loss, _)| *loss == node.inputs[0]) {
                Some((_, wrt)) => wrt.push(node.inputs[1]),
                None => losses.push((node.inputs[0], vec![node.inputs[1]])),
            }
        }
        let losses: Result<Vec<Loss>, EngineError> =
            losses.into_iter().map(|(node, wrt)| Loss::new(graph, node, &wrt)).collect();
        Ok(Losses { losses: losses? })
    }

    pub(crate) fn count(&self) -> usize {
        self.losses.len()
    }
}

impl Loss {
    /// Whether some of what is computed is on the tape.
    fn records(&self, computed: &[NodeId]) -> bool {
        computed.iter().any(|id| self.taped[id.index()])
    }

    fn new(graph: &Graph, loss: NodeId, wrt: &[NodeId]) -> Result<Self, EngineError> {
        let mut depends = vec![false; graph.len()];
        for id in wrt {
            depends[id.index()] = true;
        }
        for (id, node) in graph.nodes() {
            let through = node.op.decl().gradient == Gradient::Yes;
            depends[id.index()] |= through && node.inputs.iter().any(|i| depends[i.index()]);
        }
        let mut needed = vec![false; graph.len()];
        needed[loss.index()] = true;
        for i in (0..=loss.index()).rev().filter(|i| *i < graph.len()) {
            let node = graph.node(NodeId::from_index(i));
            match node.op.decl().gradient == Gradient::Yes {
                _ if !needed[i] => {}
                true if matches!(node.op, Op::CustomGradient {}) => return Err(custom(graph)),
                true => node.inputs.iter().for_each(|input| needed[input.index()] = true),
                // Behind `stop_gradient` and the like a gradient is a constant; anywhere else it would have to be recorded.
                false if matches!(node.op, Op::Gradient {}) => return Err(nested(graph)),
                false => {}
            }
        }
        // What it is differentiated by is a leaf of the tape; it is not recorded itself unless another value lies before it.
        let taped = (0..graph.len())
            .map(|i| {
                let node = graph.node(NodeId::from_index(i));
                depends[i] && needed[i] && node.inputs.iter().any(|input| depends[input.index()])
            })
            .collect();
        Ok(Loss { node: loss, taped, depends: depends.into() })
    }
}

fn custom(graph: &Graph) -> EngineError {
    EngineError::Unsupported(format!(
        "{} has a custom gradient, which dfdx's tape cannot follow: differentiate the graph first",
        graph.name
    ))
}

fn nested(graph: &Graph) -> EngineError {
    EngineError::Unsupported(format!(
        "{} differentiates a gradient, which dfdx's tape cannot: differentiate the graph first",
        graph.name
    ))
}

/// Tapes that are being recorded, and the gradients that are known.
pub(crate) struct Gradients<E: Element, D: Backend<E>> {
    /// The first loss is recorded while its nodes are computed anyway.
    recorder: Option<Recorder<E, D>>,
    known: Vec<Option<dfdx::prelude::Gradients<E, D>>>,
    /// Values on the tape of each further loss.
    values: Vec<Vec<Option<Value<E, D>>>>,
}

impl<E: Element, D: Backend<E>> Gradients<E, D> {
    pub(crate) fn new(device: &D, losses: &Losses) -> Self {
        Gradients {
            recorder: losses.losses.first().map(|loss| Recorder::recording(device, loss.depends.clone())),
            known: losses.losses.iter().map(|_| None).collect(),
            values: losses.losses.iter().map(|_| vec![]).collect(),
        }
    }

    /// The recorder for what is computed, if some of it is on the first loss's tape.
    pub(crate) fn recorder(&mut self, losses: &Losses, computed: &[NodeId]) -> Option<Recorder<E, D>> {
        let taped = losses.losses.first().is_some_and(|loss| loss.records(computed));
        if taped { self.recorder.take() } else { None }
    }

    pub(crate) fn put_back(&mut self, recorder: Option<Recorder<E, D>>) {
        if recorder.is_some() {
            self.recorder = recorder;
        }
    }

    /// The value of a gradient node.
    pub(crate) fn answer(
        &mut self,
        run: &Run<'_, E, D>,
        schedule: &Schedule<E>,
        losses: &Losses,
        node: &Node,
        values: &Values<E, D>,
    ) -> Result<Value<E, D>, EngineError> {
        let (loss, wrt) = (node.inputs[0], node.inputs[1]);
        let Some(index) = losses.losses.iter().position(|l| l.node == loss) else {
            return Err(EngineError::Unsupported("a gradient of an unknown loss".to_string()));
        };
        if self.known[index].is_none() {
            self.differentiate(run, schedule, losses, index, values)?;
        }
        let own = &self.values[index];
        let value = own.get(wrt.index()).and_then(Option::as_ref).or(values[wrt.index()].as_ref());
        let Some(Value::Float(wrt)) = value else {
            return Err(EngineError::Unsupported("a gradient by something that is not a float".to_string()));
        };
        let Some(gradients) = &mut self.known[index] else {
            return Ok(Value::Float(float(run.device, vec![E::default(); wrt.len()], wrt.shape.clone())));
        };
        let slot = gradients.get_or_alloc_mut(&wrt.tensor).map_err(failed)?;
        let values = run.device.take(slot);
        run.device.put(slot, values.clone());
        Ok(Value::Float(float(run.device, values, wrt.shape.clone())))
    }

    fn differentiate(
        &mut self,
        run: &Run<'_, E, D>,
        schedule: &Schedule<E>,
        losses: &Losses,
        index: usize,
        values: &Values<E, D>,
    ) -> Result<(), EngineError> {
        let loss = &losses.losses[index];
        let recorder = match self.recorder.take().filter(|_| index == 0) {
            Some(recorder) => recorder,
            None => self.record_again(run, schedule, loss, index, values)?,
        };
        let own = &self.values[index];
        let value =
            own.get(loss.node.index()).and_then(Option::as_ref).or(values[loss.node.index()].as_ref());
        let Some(Value::Float(value)) = value else {
            return Err(EngineError::Unsupported("the loss was freed".to_string()));
        };
        if !loss.taped[loss.node.index()] && !run.graph.node(loss.node).inputs.is_empty() {
            // The loss does not depend on anything it is differentiated by.
            self.known[index] = Some(dfdx::prelude::Gradients::leaky());
            return Ok(());
        }
        let scalar = value.tensor.clone().put_tape(recorder.into_tape()).reshape_like(&());
        self.known[index] = Some(dfdx::prelude::Backward::try_backward(scalar).map_err(failed)?);
        Ok(())
    }

    /// Computes the nodes of a further loss once more, this time for its own tape.
    fn record_again(
        &mut self,
        run: &Run<'_, E, D>,
        schedule: &Schedule<E>,
        loss: &Loss,
        index: usize,
        values: &Values<E, D>,
    ) -> Result<Recorder<E, D>, EngineError> {
        let mut own = values.clone();
        let mut recorder = Recorder::recording(run.device, loss.depends.clone());
        for unit in schedule.units.iter().filter(|unit| loss.records(&schedule.computes(**unit))) {
            run.unit(schedule, *unit, &mut own, Some(&mut recorder))?;
        }
        self.values[index] = own;
        Ok(recorder)
    }
}

fn failed<T: std::fmt::Debug>(error: T) -> EngineError {
    EngineError::Unsupported(format!("dfdx: {error:?}"))
}
