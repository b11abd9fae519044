//! Variables on the device, and runs that read and write them.

use std::collections::BTreeMap;

use dfdx::prelude::{Cpu, Device};
use vspec_engine::{EngineError, HostTensor, Inputs, RunKey, Session};
use vspec_ir::{Graph, OutputKind};

use crate::element::Element;
use crate::execute::{Run, Value};

/// Variables by path.
#[derive(Debug)]
pub(crate) struct DfdxSession<E: Element> {
    variables: BTreeMap<String, Value<E>>,
}

impl<E: Element> Default for DfdxSession<E> {
    fn default() -> Self {
        DfdxSession { variables: BTreeMap::new() }
    }
}

impl<E: Element> Session for DfdxSession<E>
where
    Cpu: Device<E>,
{
    fn write(&mut self, path: &str, value: HostTensor) -> Result<(), EngineError> {
        self.variables.insert(path.to_string(), Value::from_host(&value));
        Ok(())
    }

    fn read(&self, path: &str) -> Result<HostTensor, EngineError> {
        self.variables.get(path).ok_or_else(|| EngineError::MissingVariable(path.to_string()))?.to_host()
    }

    fn run(&mut self, graph: &Graph, inputs: &Inputs, key: RunKey) -> Result<Vec<HostTensor>, EngineError> {
        let values = Run::new(graph, inputs, &self.variables, key)?.values()?;
        let mut results = vec![];
        for output in graph.outputs() {
            let Some(value) = &values[output.node.index()] else { continue };
            match output.kind {
                OutputKind::Write => {
                    self.variables.insert(output.name.to_string(), value.clone());
                }
                OutputKind::Value | OutputKind::Report => results.push(value.to_host()?),
            }
        }
        Ok(results)
    }
}
