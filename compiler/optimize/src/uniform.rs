//! What values are scattered into, where it is one number everywhere.
//!
//! ```text
//! points i < 4, k < 12544:  v[i, k] = 0             ->    one point:  v[] = 0
//! result = scatter_add(v, index, values) axis=1           result = scatter_add(v[], index, values) axis=1
//! ```
//!
//! Gradients of pooling and of gathers are added to zeros. Kernels that scatter begin with a copy of what is there; they can as well begin
//! with a number, which needs no memory. Nothing is computed in another way.

use vspec_ir::Op;
use vspec_ir::plan::{Instr, Kernel, Layout, Place, Plan, Region, ValueId};

/// Makes one element of such values. Returns how many they were.
pub fn shrink(plan: &mut Plan) -> usize {
    let filled: Vec<(usize, ValueId)> = (0..plan.kernels.len())
        .filter_map(|kernel| Some((kernel, fills(&plan.kernels[kernel])?)))
        .filter(|(_, value)| is_scattered_into(plan, *value))
        .collect();
    for (kernel, value) in &filled {
        one(&mut plan.kernels[*kernel].region);
        let own = &mut plan.values[value.index()];
        (own.shape, own.layout) = (vec![], Layout::dense(0));
        let operands = plan.kernels.iter_mut().filter_map(|kernel| kernel.anchor.as_mut());
        let operands = operands.flat_map(|anchor| &mut anchor.operands);
        operands.filter(|operand| operand.value == *value).for_each(|operand| operand.at.clear());
    }
    filled.len()
}

/// The value that a kernel fills with a number, if it does nothing else.
fn fills(kernel: &Kernel) -> Option<ValueId> {
    match kernel.region.steps.as_slice() {
        [number, store] if kernel.anchor.is_none() => match (&number.instr, &store.instr) {
            (Instr::Number(_), Instr::Store { value, .. }) => Some(*value),
            _ => None,
        },
        _ => None,
    }
}

/// Whether kernels that scatter into a value are all that reads it.
fn is_scattered_into(plan: &Plan, value: ValueId) -> bool {
    let is_read_out = plan.outputs.iter().any(|output| output.value == value);
    let own = plan.value(value);
    let only_scatters = |kernel: &Kernel| {
        let operands = kernel.anchor.iter().flat_map(|anchor| &anchor.operands);
        let read = operands.map(|operand| operand.value).chain(kernel.region.loads());
        let scatters = |op: &Op| matches!(op, Op::Scatter { .. } | Op::ScatterAdd { .. });
        // The first operand is what they scatter into.
        let first = usize::from(kernel.anchor.as_ref().is_some_and(|anchor| scatters(&anchor.op)));
        read.skip(first).all(|read| read != value)
    };
    own.place == Place::Arena(0)
        && !own.shape.is_empty()
        && !is_read_out
        && plan.kernels.iter().all(only_scatters)
}

/// Leaves one point of a region that fills.
fn one(region: &mut Region) {
    (region.extents, region.outer) = (vec![], 0);
    for step in &mut region.steps {
        if let Instr::Store { at, .. } = &mut step.instr {
            at.clear();
        }
    }
}
