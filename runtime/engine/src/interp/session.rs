//! Variables and runs of the interpreter.

use std::collections::BTreeMap;

use vspec_ir::{Graph, Node, Op, OutputKind};

use super::value::{Real, Value};
use super::{Context, compute};
use crate::bind::{bind, check_variable};
use crate::{EngineError, HostTensor, Inputs, RunKey, Session};

/// Variables by path.
#[derive(Debug)]
pub(super) struct InterpSession<T> {
    variables: BTreeMap<String, (HostTensor, Value<T>)>,
}

impl<T> Default for InterpSession<T> {
    fn default() -> Self {
        InterpSession { variables: BTreeMap::new() }
    }
}

impl<T: Real> InterpSession<T> {
    fn variable(&self, path: &str, node: &Node) -> Result<Value<T>, EngineError> {
        let (host, value) =
            self.variables.get(path).ok_or_else(|| EngineError::MissingVariable(path.to_string()))?;
        check_variable(path, &node.ty, host)?;
        Ok(value.clone())
    }

    fn evaluate(&self, graph: &Graph, inputs: &Inputs, key: RunKey) -> Result<Vec<Option<Value<T>>>, EngineError> {
        let sizes = bind(graph, inputs)?;
        let context = Context { sizes: &sizes, key };
        let live = graph.live(graph.outputs());
        let mut values: Vec<Option<Value<T>>> = vec![];
        for (id, node) in graph.nodes() {
            if !live[id.index()] {
                values.push(None);
                continue;
            }
            let value = match &node.op {
                Op::Input { name, .. } => {
                    let tensor = inputs.get(&**name).ok_or_else(|| EngineError::MissingInput(name.to_string()))?;
                    Value::from_host(tensor)
                }
                Op::Param { path, .. } | Op::State { path, .. } => self.variable(path, node)?,
                _ => {
                    let operands: Vec<&Value<T>> =
                        node.inputs.iter().filter_map(|i| values[i.index()].as_ref()).collect();
                    compute(node, &operands, &context)?
                }
            };
            values.push(Some(value));
        }
        Ok(values)
    }
}

impl<T: Real> Session for InterpSession<T> {
    fn write(&mut self, path: &str, value: HostTensor) -> Result<(), EngineError> {
        let converted = Value::from_host(&value);
        self.variables.insert(path.to_string(), (value, converted));
        Ok(())
    }

    fn read(&self, path: &str) -> Result<HostTensor, EngineError> {
        let (host, _) = self.variables.get(path).ok_or_else(|| EngineError::MissingVariable(path.to_string()))?;
        Ok(host.clone())
    }

    fn run(&mut self, graph: &Graph, inputs: &Inputs, key: RunKey) -> Result<Vec<HostTensor>, EngineError> {
        let values = self.evaluate(graph, inputs, key)?;
        let mut results = vec![];
        for output in graph.outputs() {
            let Some(value) = &values[output.node.index()] else { continue };
            match output.kind {
                OutputKind::Write => {
                    self.variables.insert(output.name.to_string(), (value.to_host()?, value.clone()));
                }
                OutputKind::Value | OutputKind::Report => results.push(value.to_host()?),
            }
        }
        Ok(results)
    }
}
