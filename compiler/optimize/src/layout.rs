//! Layout assignment: in which order the elements of each value lie, chosen once for the whole plan.
//!
//! ```text
//! conv writes y, a row kernel reads y and writes z, conv reads z
//!     ->    y and z lie with their channels in blocks of 16
//! ```
//!
//! Convolutions and pooling read and write maps fastest when a block of channels lies together: one load fills a vector register with
//! channels of one pixel. Other ops with kernels of their own want rows. Regions loop in whatever order suits, so that they have no vote;
//! where a value is read in another arrangement, each element of it costs as much as reading it elsewhere would, which counts against
//! blocks. Every vote weighs as many bytes as it is about, and the heavier side wins. Inputs, variables and what is read out at the end
//! stay as they are, and data may only name places of values that lie in rows. Numerics: exact.

use vspec_ir::plan::{Coordinate, Index, Instr, Kernel, Layout, Place, Plan, ValueId};
use vspec_ir::{DType, Op};

/// Gives each value of the arena a layout: dense, or with axis 1 in blocks of so many elements. Memory is planned afterwards.
///
/// Returns how many values lie in blocks.
pub fn assign(plan: &mut Plan, block: usize) -> usize {
    let votes = votes(plan, block);
    let mut changed = 0;
    for (value, vote) in plan.values.iter_mut().zip(votes) {
        if vote > 0 {
            value.layout = Layout::blocked(value.shape.len(), 1, block);
            changed += 1;
        }
    }
    changed
}

/// For each value how many bytes speak for blocks, less those that speak against them.
fn votes(plan: &Plan, block: usize) -> Vec<i64> {
    // What must not be in blocks has more against it than anything can have for it.
    const NEVER: i64 = i64::MIN / 2;
    let mut votes: Vec<i64> = plan
        .values
        .iter()
        .map(|value| {
            let map =
                value.shape.len() >= 3 && value.dtype == DType::F32 && matches!(value.place, Place::Arena(_));
            if map && value.shape[1].is_multiple_of(block) && value.shape[1] > 0 { 0 } else { NEVER }
        })
        .collect();
    plan.outputs.iter().for_each(|output| votes[output.value.index()] = NEVER);
    for kernel in &plan.kernels {
        for (value, weight) in opinions(plan, kernel) {
            let own = &mut votes[value.index()];
            *own = own.saturating_add(weight.unwrap_or(NEVER));
        }
    }
    votes
}

/// What a kernel thinks of the values that it uses: bytes for or against blocks, none where it cannot have them.
fn opinions(plan: &Plan, kernel: &Kernel) -> Vec<(ValueId, Option<i64>)> {
    let weight = |value: ValueId| plan.value(value).bytes() as i64;
    let mut said = vec![];
    let mut windows = false;
    if let Some(anchor) = &kernel.anchor {
        windows = of_maps(&anchor.op);
        for (position, operand) in anchor.operands.iter().enumerate() {
            let own: Vec<Index> =
                (0..operand.shape.len()).map(|axis| Index::counter(axis, &operand.shape)).collect();
            let likes = windows && operand.at == own && !is_weight(&anchor.op, position);
            said.push((
                operand.value,
                Some(if likes { weight(operand.value) } else { -weight(operand.value) }),
            ));
        }
    }
    for step in &kernel.region.steps {
        match &step.instr {
            Instr::Load { value, at, .. } => {
                let named = at.iter().any(|coordinate| matches!(coordinate, Coordinate::From(_)));
                let plain = |c: &Coordinate| matches!(c, Coordinate::At(i) if i.as_counter().is_some() || i.as_constant().is_some());
                match (named, at.iter().all(plain)) {
                    (true, _) => said.push((*value, None)),
                    (false, true) => {}
                    (false, false) => said.push((*value, Some(-weight(*value)))),
                }
            }
            Instr::Store { value, .. } if windows => said.push((*value, Some(weight(*value)))),
            _ => {}
        }
    }
    said
}

/// Whether an op works on maps of channels.
fn of_maps(op: &Op) -> bool {
    matches!(
        op,
        Op::Conv { .. }
            | Op::ConvInput { .. }
            | Op::ConvWeight { .. }
            | Op::MaxPool { .. }
            | Op::AvgPool { .. }
    )
}

/// Whether an operand is the weight of a convolution.
fn is_weight(op: &Op, position: usize) -> bool {
    position == 1 && matches!(op, Op::Conv { .. } | Op::ConvInput { .. })
}
