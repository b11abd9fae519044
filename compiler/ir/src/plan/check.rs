//! What must hold of a plan before an engine runs it.
//!
//! Engines address memory as a plan says, without asking again. [`check`] is what makes that safe: whatever it accepts stays within the
//! values that it names, but for places that data names ([`Coordinate::From`]), which engines compare with the axis.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{
    Atom, Coordinate, Index, Instr, Kernel, Place, Plan, Reg, Region, Step, Value, ValueId, size_of,
};
use crate::DType;

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

/// Checks that layouts are orders of axes and values lie within the arena, that steps use earlier steps, that every place lies within its value, that values are written before they are read, that
/// values that lie in the arena at the same time do not overlap, and that each element is written at one point.
///
/// # Errors
/// The first fault.
pub fn check(plan: &Plan) -> Result<(), PlanFault> {
    for (number, own) in plan.values.iter().enumerate() {
        let fault = |what| PlanFault { kernel: None, detail: format!("value {number}: {what}") };
        value(plan, own).map_err(fault)?;
    }
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

/// Its layout is one of its axes, and it lies within what it is part of.
fn value(plan: &Plan, value: &Value) -> Result<(), String> {
    let (rank, layout) = (value.shape.len(), &value.layout);
    let mut order = layout.order.clone();
    order.sort_unstable();
    if !order.into_iter().eq(0..rank) {
        return Err(format!("the order {:?} is none of {rank} axes", layout.order));
    }
    if let Some((axis, size)) = layout.block.filter(|(axis, size)| *axis >= rank || *size == 0) {
        return Err(format!("axis {axis} does not lie in blocks of {size}"));
    }
    let widest = layout.block.map_or(1, |(_, size)| size);
    let bytes =
        value.shape.iter().try_fold(widest.saturating_mul(8), |all, size| all.checked_mul((*size).max(1)));
    if bytes.is_none_or(|bytes| bytes > isize::MAX as usize) {
        return Err(format!("a shape of {:?} fits no memory", value.shape));
    }
    match &value.place {
        Place::Arena(start) if !start.is_multiple_of(size_of(value.dtype)) => {
            Err(format!("byte {start} is no place for {}", value.dtype))
        }
        Place::Arena(start) if start.saturating_add(value.bytes()) > plan.arena => {
            Err(format!("it ends behind the {} bytes of the arena", plan.arena))
        }
        Place::Constant(literal)
            if literal.dtype != value.dtype || literal.values.len() != layout.elements(&value.shape) =>
        {
            Err("its constant is of another type".to_string())
        }
        _ => Ok(()),
    }
}

fn steps(plan: &Plan, region: &Region) -> Result<(), String> {
    if region.outer > region.extents.len() {
        return Err(format!("{} of {} loops go over rows", region.outer, region.extents.len()));
    }
    for (i, step) in region.steps.iter().enumerate() {
        if let Some(reg) = step.instr.operands().into_iter().find(|reg| reg.index() >= i) {
            return Err(format!("step {i} uses step {}, which comes later", reg.0));
        }
        if let Some(axis) = step.instr.loops().into_iter().find(|axis| *axis >= region.extents.len()) {
            return Err(format!("step {i} looks at loop {axis}, which does not exist"));
        }
        if !step.instr.indices().into_iter().all(is_defined) {
            return Err(format!("step {i} divides by no positive number"));
        }
        match &step.instr {
            Instr::Load { value, at, guard } => {
                load(plan, region, step.dtype, (*value, at, *guard)).map_err(|e| format!("step {i} {e}"))?;
            }
            Instr::Store { value, at, from } => {
                store(plan, region, step, (*value, at, *from)).map_err(|e| format!("step {i} {e}"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

type Loaded<'a> = (ValueId, &'a [Coordinate], Option<Reg>);

fn load(plan: &Plan, region: &Region, dtype: DType, (value, at, guard): Loaded<'_>) -> Result<(), String> {
    let own = plan.value(value);
    if at.len() != own.shape.len() {
        return Err(format!("names {} axes of {}", at.len(), own.shape.len()));
    }
    let type_of = |reg: Reg| region.steps[reg.index()].dtype;
    if dtype != own.dtype || guard.is_some_and(|guard| type_of(guard) != DType::Bool) {
        return Err(format!("reads {} as {dtype}, or is guarded by a number", own.dtype));
    }
    for (coordinate, size) in at.iter().zip(&own.shape) {
        match coordinate {
            Coordinate::At(index) if guard.is_none() => within(index, *size, &region.extents)?,
            // Engines compare these with memory.
            Coordinate::At(_) => {}
            Coordinate::From(reg) if type_of(*reg) == DType::I32 => {}
            Coordinate::From(reg) => return Err(format!("takes {} for a place", type_of(*reg))),
        }
    }
    Ok(())
}

type Stored<'a> = (ValueId, &'a [Index], Reg);

fn store(plan: &Plan, region: &Region, step: &Step, (value, at, from): Stored<'_>) -> Result<(), String> {
    let own = plan.values.get(value.index()).filter(|own| at.len() == own.shape.len());
    let Some(own) = own.filter(|own| !matches!(own.place, Place::Constant(_) | Place::Input(_))) else {
        return Err("writes what it must not".to_string());
    };
    let given = region.steps[from.index()].dtype;
    if [step.dtype, given] != [own.dtype; 2] {
        return Err(format!("writes {given} where {} is", own.dtype));
    }
    at.iter().zip(&own.shape).try_for_each(|(index, size)| within(index, *size, &region.extents))?;
    match is_written_once(region, step.inner, at) {
        true => Ok(()),
        false => Err("writes an element at several points".to_string()),
    }
}

/// Whether a store goes to another element at each point that it is done at: of the row, or once a row.
fn is_written_once(region: &Region, inner: bool, at: &[Index]) -> bool {
    let loops: Vec<usize> = at.iter().flat_map(Index::loops).collect();
    let done = if inner { region.extents.len() } else { region.outer };
    let often = |axis: usize| axis < done && region.extents[axis] > 1;
    let alone =
        |index: &Index| index.loops().iter().all(|axis| loops.iter().filter(|own| *own == axis).count() == 1);
    (0..done).all(|axis| !often(axis) || loops.contains(&axis))
        && at.iter().filter(|index| alone(index)).all(|index| counts(index, &region.extents))
}

/// Whether counters of loops give a place of their own each, as digits of a number do: every step is longer than all smaller ones
/// together. Of quotients and remainders it is not asked.
fn counts(index: &Index, extents: &[usize]) -> bool {
    let digit = |(atom, factor): &(Atom, i64)| match atom {
        Atom::Loop(axis) => Some((factor.unsigned_abs(), extents[*axis].saturating_sub(1) as u64)),
        Atom::Quotient(..) | Atom::Remainder(..) => None,
    };
    let Some(mut digits) = index.terms.iter().map(digit).collect::<Option<Vec<_>>>() else { return true };
    digits.sort_unstable();
    let mut reach = 0;
    digits.into_iter().filter(|(_, greatest)| *greatest > 0).all(|(step, greatest)| {
        let apart = step > reach;
        reach = u64::saturating_add(reach, step.saturating_mul(greatest));
        apart
    })
}

fn operands(plan: &Plan, kernel: &Kernel) -> Result<(), String> {
    let Some(anchor) = &kernel.anchor else { return Ok(()) };
    if kernel.region.extents != anchor.shape {
        return Err("the loops are not those of the anchor's result".to_string());
    }
    for operand in &anchor.operands {
        let shape = &plan.value(operand.value).shape;
        if operand.at.len() != shape.len() {
            return Err(format!("an operand names {} axes of {}", operand.at.len(), shape.len()));
        }
        for (index, size) in operand.at.iter().zip(shape) {
            if let Some(axis) = index.loops().into_iter().find(|axis| *axis >= operand.shape.len()) {
                return Err(format!("an operand has no axis {axis}"));
            }
            if !is_defined(index) {
                return Err(format!("index {index} divides by no positive number"));
            }
            within(index, *size, &operand.shape)?;
        }
    }
    Ok(())
}

fn within(index: &Index, size: usize, extents: &[usize]) -> Result<(), String> {
    let (low, high) = index.range(extents);
    // A loop without rounds goes nowhere.
    let empty = extents.contains(&0);
    match empty || is_ranged(index, extents) && low >= 0 && high < size as i64 {
        true => Ok(()),
        false => Err(format!("index {index} may leave 0..{size}")),
    }
}

/// Whether quotients and remainders are those by positive numbers.
fn is_defined(index: &Index) -> bool {
    index.terms.iter().all(|(atom, _)| match atom {
        Atom::Loop(_) => true,
        Atom::Quotient(of, by) | Atom::Remainder(of, by) => *by > 0 && is_defined(of),
    })
}

/// Whether quotients and remainders are those of numbers that are not negative: of others no range is known.
fn is_ranged(index: &Index, extents: &[usize]) -> bool {
    index.terms.iter().all(|(atom, _)| match atom {
        Atom::Loop(_) => true,
        Atom::Quotient(of, _) | Atom::Remainder(of, _) => of.range(extents).0 >= 0 && is_ranged(of, extents),
    })
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
