//! Variables on the device, and runs that read and write them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vspec_engine::plan::Fuser;
use vspec_engine::{EngineError, HostTensor, Inputs, NodeTime, RunKey, Session, Stopwatch, bind};
use vspec_ir::{Graph, OutputKind};

use crate::backend::Backend;
use crate::element::Element;
use crate::execute::{Kernels, Run, Value};
use crate::fused::Schedule;

/// Variables by path.
pub(crate) struct DfdxSession<E: Element, D: Backend<E>> {
    device: D,
    kernels: Kernels,
    variables: BTreeMap<String, Value<E, D>>,
    stopwatch: Option<Stopwatch>,
    /// Finds regions; without it every op is dfdx's by itself.
    fuser: Option<Arc<dyn Fuser>>,
    /// Schedules of graphs and sizes, the newest last.
    schedules: Vec<((u64, String), Schedule<E>)>,
}

/// Most schedules that are kept; the oldest goes first.
const KEPT: usize = 32;

impl<E: Element, D: Backend<E>> DfdxSession<E, D> {
    /// A session without variables on a device.
    pub(crate) fn new(device: D, kernels: Kernels) -> Self {
        let (variables, schedules) = (BTreeMap::new(), vec![]);
        DfdxSession { device, kernels, variables, stopwatch: None, fuser: None, schedules }
    }

    /// The same with regions that somebody finds.
    pub(crate) fn fusing(self, fuser: Option<Arc<dyn Fuser>>) -> Self {
        DfdxSession { fuser, ..self }
    }

    /// How a graph is run with the sizes of some inputs; the position among the schedules.
    fn schedule(&mut self, graph: &Graph, inputs: &Inputs) -> Result<usize, EngineError> {
        let sizes = bind(graph, inputs)?;
        let made = (graph.stamp(), sizes.to_string());
        if let Some(known) = self.schedules.iter().position(|(own, _)| *own == made) {
            return Ok(known);
        }
        let schedule = match &self.fuser {
            Some(fuser) => Schedule::fused(fuser.as_ref(), graph, &sizes)?,
            None => Schedule::plain(graph),
        };
        if self.schedules.len() == KEPT {
            self.schedules.remove(0);
        }
        self.schedules.push((made, schedule));
        Ok(self.schedules.len() - 1)
    }
}

impl<E: Element, D: Backend<E>> DfdxSession<E, D> {
    /// Writes variables. Each gets a tensor of its own: to a tape two variables that are the same tensor have one gradient, the
    /// sum of both.
    fn keep(&mut self, written: BTreeMap<String, Value<E, D>>) {
        let others = self.variables.iter().filter(|(path, _)| !written.contains_key(*path));
        let mut taken: BTreeSet<u64> = others.filter_map(|(_, value)| value.tensor_id()).collect();
        for (path, value) in written {
            let own = value.tensor_id().is_none_or(|id| taken.insert(id));
            let value = if own { value } else { value.copied(&self.device) };
            self.variables.insert(path, value);
        }
    }
}

impl<E: Element, D: Backend<E>> Session for DfdxSession<E, D> {
    fn write(&mut self, path: &str, value: HostTensor) -> Result<(), EngineError> {
        self.variables.insert(path.to_string(), Value::from_host(&self.device, &value));
        Ok(())
    }

    fn read(&self, path: &str) -> Result<HostTensor, EngineError> {
        self.variables.get(path).ok_or_else(|| EngineError::MissingVariable(path.to_string()))?.to_host()
    }

    fn run(&mut self, graph: &Graph, inputs: &Inputs, key: RunKey) -> Result<Vec<HostTensor>, EngineError> {
        let schedule = self.schedule(graph, inputs)?;
        let run = Run::new(&self.device, graph, inputs, &self.variables, key)?;
        let values = Run { kernels: self.kernels, stopwatch: self.stopwatch.clone(), ..run }
            .values(&self.schedules[schedule].1)?;
        let mut results = vec![];
        let mut written = BTreeMap::new();
        for output in graph.outputs() {
            let Some(value) = &values[output.node.index()] else { continue };
            match output.kind {
                OutputKind::Write => {
                    written.insert(output.name.to_string(), value.clone());
                }
                _ => results.push(value.to_host()?),
            }
        }
        self.keep(written);
        Ok(results)
    }

    fn measure(&mut self, on: bool) {
        self.stopwatch = on.then(|| self.stopwatch.take().unwrap_or_default());
    }

    fn measured(&mut self) -> Vec<NodeTime> {
        self.stopwatch.as_ref().map(Stopwatch::take).unwrap_or_default()
    }
}
