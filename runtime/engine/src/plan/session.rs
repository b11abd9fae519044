//! Variables, and runs of plans that read and write them.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use vspec_ir::{Graph, OutputKind};

use super::memory::Memory;
use super::{Planner, kernel};
use crate::interp::value::{Real, Value};
use crate::{EngineError, HostTensor, Inputs, RunKey, Session, bind};

/// Variables by path, in the precision `T`.
pub(super) struct PlanSession<T> {
    planner: Arc<dyn Planner>,
    variables: BTreeMap<String, HostTensor>,
    precision: PhantomData<T>,
}

impl<T> PlanSession<T> {
    pub(super) fn new(planner: Arc<dyn Planner>) -> Self {
        PlanSession { planner, variables: BTreeMap::new(), precision: PhantomData }
    }
}

impl<T: Real> Session for PlanSession<T> {
    fn write(&mut self, path: &str, value: HostTensor) -> Result<(), EngineError> {
        self.variables.insert(path.to_string(), Value::<T>::from_host(&value).into_host()?);
        Ok(())
    }

    fn read(&self, path: &str) -> Result<HostTensor, EngineError> {
        self.variables.get(path).cloned().ok_or_else(|| EngineError::MissingVariable(path.to_string()))
    }

    fn run(&mut self, graph: &Graph, inputs: &Inputs, key: RunKey) -> Result<Vec<HostTensor>, EngineError> {
        let plan = self.planner.plan(graph, &bind(graph, inputs)?)?;
        vspec_ir::plan::check(&plan).map_err(|fault| EngineError::Unsupported(fault.to_string()))?;
        let mut memory = Memory::new::<T>(&plan, inputs, &self.variables)?;
        for kernel in &plan.kernels {
            kernel::run::<T>(&mut memory, kernel, key)?;
        }
        let (mut results, mut writes) = (vec![], vec![]);
        for output in &plan.outputs {
            let tensor = memory.whole::<T>(output.value).into_host()?;
            match output.kind {
                OutputKind::Write => writes.push((output.name.to_string(), tensor)),
                _ => results.push(tensor),
            }
        }
        self.variables.extend(writes);
        Ok(results)
    }
}
