//! What must hold of a plan before an engine runs it.
//!
//! Engines address memory as a plan says, without asking again. [`check`] is what makes that safe: whatever it accepts stays within the
//! values that it names, but for places that data names ([`Coordinate::From`]), which engines compare with the axis.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Coordinate, Index, Instr, Kernel, Place, Plan, Region, ValueId};

/// Something that is wrong with a plan: a bug in the compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFault {
    /// Number of the kernel, if it is about one.
    pub kernel: Option<usize>,
    /// What is wrong.
    pub detail: String,
}

impl fmt::Display for PlanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kernel {
            Some(kernel) => write!(f, "kernel {kernel}: {}", self.detail),
            None => f.write_str(&self.detail),
        }
    }
}

/// Checks that steps use earlier steps, that every place lies within its value, that values are written before they are read, that
/// values that lie in the arena at the same time do not overlap, and that each element is written at one point.
///
/// # Errors
/// The first fault.
pub fn check(plan: &Plan) -> Result<(), PlanFault> {
    let mut written: BTreeSet<ValueId> = BTreeSet::new();
    for (number, kernel) in plan.kernels.iter().enumerate() {
        let fault = |detail: String| PlanFault { kernel: Some(number), detail };
        for value in kernel.reads() {
            let Some(known) = plan.values.get(value.index()) else {
                return Err(fault(format!("value {} does not exist", value.0)));
            };
            if matches!(known.place, Place::Arena(_)) && !written.contains(&value) {
                return Err(fault(format!("value {} is read before it is written", value.0)));
            }
        }
        steps(plan, &kernel.region).map_err(fault)?;
        operands(plan, kernel).map_err(fault)?;
        written.extend(kernel.writes());
    }
    for output in &plan.outputs {
        let known = plan.values.get(output.value.index());
        let ready =
            known.is_some_and(|v| !matches!(v.place, Place::Arena(_)) || written.contains(&output.value));
        if !ready {
            return Err(PlanFault {
                kernel: None,
                detail: format!("output `{}` is never written", output.name),
            });
        }
    }
    overlaps(plan)?;
    variables(plan)
}

fn steps(plan: &Plan, region: &Region) -> Result<(), String> {
    for (i, step) in region.steps.iter().enumerate() {
        if let Some(reg) = step.instr.operands().into_iter().find(|reg| reg.index() >= i) {
            return Err(format!("step {i} uses step {}, which comes later", reg.0));
        }
        if let Some(axis) = step.instr.loops().into_iter().find(|axis| *axis >= region.extents.len()) {
            return Err(format!("step {i} looks at loop {axis}, which does not exist"));
        }
        match &step.instr {
            Instr::Load { value, at, guard } => {
                let shape = &plan.value(*value).shape;
                if at.len() != shape.len() {
                    return Err(format!("step {i} names {} axes of {}", at.len(), shape.len()));
                }
                for (coordinate, size) in at.iter().zip(shape) {
                    if let (Coordinate::At(index), None) = (coordinate, guard) {
                        within(index, *size, &region.extents).map_err(|e| format!("step {i}: {e}"))?;
                    }
                }
            }
            Instr::Store { value, at, .. } => {
                let shape = &plan.value(*value).shape;
                let whole = at.len() == shape.len()
                    && !matches!(plan.value(*value).place, Place::Constant(_) | Place::Input(_));
                if !whole {
                    return Err(format!("step {i} writes what it must not"));
                }
                for (index, size) in at.iter().zip(shape) {
                    within(index, *size, &region.extents).map_err(|e| format!("step {i}: {e}"))?;
                }
                if !is_written_once(region, step.inner, at) {
                    return Err(format!("step {i} writes an element at several points"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a store goes to another element at each point that it is done at: of the row, or once a row.
fn is_written_once(region: &Region, inner: bool, at: &[Index]) -> bool {
    let loops: Vec<usize> = at.iter().flat_map(Index::loops).collect();
    let done = if inner { region.extents.len() } else { region.outer };
    (0..done).all(|axis| region.extents[axis] <= 1 || loops.contains(&axis))
}

fn operands(plan: &Plan, kernel: &Kernel) -> Result<(), String> {
    let Some(anchor) = &kernel.anchor else { return Ok(()) };
    if kernel.region.extents != anchor.shape {
        return Err("the loops are not those of the anchor's result".to_string());
    }
    for operand in &anchor.operands {
        for (index, size) in operand.at.iter().zip(&plan.value(operand.value).shape) {
            within(index, *size, &operand.shape)?;
        }
    }
    Ok(())
}

fn within(index: &Index, size: usize, extents: &[usize]) -> Result<(), String> {
    let (low, high) = index.range(extents);
    // A loop without rounds goes nowhere.
    let empty = extents.contains(&0);
    match empty || low >= 0 && high < size as i64 {
        true => Ok(()),
        false => Err(format!("index {index} may leave 0..{size}")),
    }
}

/// For each value in the arena the kernels from its first writer to its last reader; values whose kernels overlap must not share bytes,
/// unless one takes the place of the other in the very kernel that reads it last.
fn overlaps(plan: &Plan) -> Result<(), PlanFault> {
    let mut lives: Vec<(usize, usize, usize, usize, usize)> = vec![];
    for (index, (value, uses)) in plan.values.iter().zip(plan.uses()).enumerate() {
        let Place::Arena(start) = value.place else { continue };
        if let (Some(first), Some(last)) = (uses.first, uses.last(plan.kernels.len())) {
            lives.push((start, start + value.bytes(), first, last, index));
        }
    }
    lives.sort_unstable();
    for (i, a) in lives.iter().enumerate() {
        for b in lives[i + 1..].iter().take_while(|b| b.0 < a.1) {
            if a.2 < b.3 && b.2 < a.3 {
                let detail = format!("values {} and {} share bytes of the arena", a.4, b.4);
                return Err(PlanFault { kernel: None, detail });
            }
        }
    }
    Ok(())
}

/// What is read of a variable is its old value: nothing may read it after the kernel that writes the new one in its place.
fn variables(plan: &Plan) -> Result<(), PlanFault> {
    let uses = plan.uses();
    let mut written: BTreeMap<&str, usize> = BTreeMap::new();
    for (value, uses) in plan.values.iter().zip(&uses) {
        if let (Place::Variable(path), Some(kernel)) = (&value.place, uses.written) {
            written.insert(path, kernel);
        }
    }
    for (value, uses) in plan.values.iter().zip(&uses).filter(|(_, uses)| uses.written.is_none()) {
        let Place::Variable(path) = &value.place else { continue };
        let late = |kernel: &usize| uses.output || uses.last_read > Some(*kernel);
        if let Some(kernel) = written.get(&**path).copied().filter(late) {
            let detail = format!("`{path}` has its new value before the old one is read");
            return Err(PlanFault { kernel: Some(kernel), detail });
        }
    }
    Ok(())
}
