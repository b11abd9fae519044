//! Variables on the device, and runs that read and write them.

use std::collections::{BTreeMap, BTreeSet};

use vspec_engine::{EngineError, HostTensor, Inputs, NodeTime, RunKey, Session, Stopwatch};
use vspec_ir::{Graph, OutputKind};

use crate::backend::Backend;
use crate::element::Element;
use crate::execute::{Kernels, Run, Value};

/// Variables by path.
#[derive(Debug)]
pub(crate) struct DfdxSession<E: Element, D: Backend<E>> {
    device: D,
    kernels: Kernels,
    variables: BTreeMap<String, Value<E, D>>,
    stopwatch: Option<Stopwatch>,
}

impl<E: Element, D: Backend<E>> DfdxSession<E, D> {
    /// A session without variables on a device.
    pub(crate) fn new(device: D, kernels: Kernels) -> Self {
        DfdxSession { device, kernels, variables: BTreeMap::new(), stopwatch: None }
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
        let run = Run::new(&self.device, graph, inputs, &self.variables, key)?;
        let values = Run { kernels: self.kernels, stopwatch: self.stopwatch.clone(), ..run }.values()?;
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
