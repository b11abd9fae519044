//! What of a plan stays the same from run to run.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Instr, Kernel, Place, Plan, ValueId};
use crate::OutputKind;
use crate::ops::{Effect, OpClass};

/// What depends on nothing but constants and variables that the plan does not write. As long as those variables keep their values, an
/// engine may compute it once and keep it.
///
/// ```text
/// w, scale: variables that are only read     still
/// kernel 0 reads w, scale, writes w'         still; w' is kept
/// kernel 1 reads x, w', writes y             x is an input
/// ```
///
/// Where no kernel reads an input, nothing is still: such a plan is run for the sake of running it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Still {
    /// Whether each kernel computes the same each time.
    pub kernels: Vec<bool>,
    /// Whether each value is the same each time.
    pub values: Vec<bool>,
    /// The variables that all this depends on, each once, in order.
    pub variables: Vec<Arc<str>>,
    /// Whether each value is written by such a kernel and read by others or at the end: what has to be kept.
    pub kept: Vec<bool>,
}

impl Plan {
    /// What stays the same from run to run.
    pub fn still(&self) -> Still {
        let mut still = Still {
            kernels: vec![false; self.kernels.len()],
            values: vec![false; self.values.len()],
            variables: vec![],
            kept: vec![false; self.values.len()],
        };
        let is_input = |id: &ValueId| matches!(self.value(*id).place, Place::Input(_));
        if !self.kernels.iter().any(|kernel| kernel.reads().iter().any(is_input)) {
            return still;
        }
        let written = self.written();
        let mut variables = BTreeSet::new();
        for (value, still) in self.values.iter().zip(&mut still.values) {
            *still = match &value.place {
                Place::Constant(_) => true,
                Place::Variable(path) => !written.contains(path),
                Place::Input(_) | Place::Arena(_) => false,
            };
            if let (true, Place::Variable(path)) = (*still, &value.place) {
                variables.insert(path.clone());
            }
        }
        for (number, kernel) in self.kernels.iter().enumerate() {
            let writes = kernel.writes();
            let in_arena = |id: &ValueId| matches!(self.value(*id).place, Place::Arena(_));
            let reads_still = kernel.reads().iter().all(|id| still.values[id.index()]);
            if reads_still && is_pure(kernel) && writes.iter().all(in_arena) {
                still.kernels[number] = true;
                writes.iter().for_each(|id| still.values[id.index()] = true);
            }
        }
        still.variables = variables.into_iter().collect();
        still.kept = self.kept(&still);
        still
    }

    /// Paths of the variables that a run gives new values.
    fn written(&self) -> BTreeSet<Arc<str>> {
        let outputs = self.outputs.iter().filter(|output| output.kind == OutputKind::Write);
        let stored =
            self.kernels.iter().flat_map(Kernel::writes).filter_map(|id| match &self.value(id).place {
                Place::Variable(path) => Some(path.clone()),
                _ => None,
            });
        outputs.map(|output| output.name.clone()).chain(stored).collect()
    }

    fn kept(&self, still: &Still) -> Vec<bool> {
        let mut wanted = vec![false; self.values.len()];
        let others = self.kernels.iter().zip(&still.kernels).filter(|(_, still)| !**still);
        others.flat_map(|(kernel, _)| kernel.reads()).for_each(|id| wanted[id.index()] = true);
        self.outputs.iter().for_each(|output| wanted[output.value.index()] = true);
        let computed =
            |(value, still): (&super::Value, &bool)| *still && matches!(value.place, Place::Arena(_));
        let computed = self.values.iter().zip(&still.values).map(computed);
        computed.zip(wanted).map(|(computed, wanted)| computed && wanted).collect()
    }
}

/// Whether a kernel computes the same from the same.
fn is_pure(kernel: &Kernel) -> bool {
    let anchor = kernel.anchor.as_ref().map(|anchor| anchor.op.decl());
    let draws = |instr: &Instr| matches!(instr, Instr::Random { .. });
    anchor.is_none_or(|decl| decl.effect == Effect::Pure && decl.class != OpClass::Opaque)
        && !kernel.region.steps.iter().any(|step| draws(&step.instr))
}
