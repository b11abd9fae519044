//! Changes of plans that a mistake in the compiler could make, for tests.

use vspec_ir::DType;
use vspec_ir::plan::{Atom, Coordinate, Index, Instr, Layout, Place, Plan, Reg, Step, ValueId};

use super::regions::{Dice, Given};
use crate::Data;

/// Changes one thing of a plan of one kernel, and says what. Inputs get as many elements as they have now.
pub(super) fn mutated(plan: &mut Plan, given: &mut Given, seed: u64) -> &'static str {
    let mut dice = Dice::new(seed ^ 0xD1CE);
    let changed = change(plan, &mut dice);
    for value in &plan.values {
        let Place::Input(name) = &value.place else { continue };
        let count = value.shape.iter().try_fold(1usize, |all, size| all.checked_mul(*size));
        // What is refused is not filled.
        if count.is_some_and(|count| count < 1 << 22) && value.layout.block.is_none_or(|(_, size)| size > 0) {
            let data = given.remove(&**name);
            let count = value.layout.elements(&value.shape);
            given.insert(name.to_string(), filled(data, value.dtype, count, &mut dice));
        }
    }
    changed
}

/// Data of a type with some elements, the old ones where there are any.
fn filled(old: Option<Data<f32>>, dtype: DType, count: usize, dice: &mut Dice) -> Data<f32> {
    match (dtype, old) {
        (DType::F32, Some(Data::Float(mut v))) => {
            v.resize(count, 1.5);
            Data::Float(v)
        }
        (DType::I32, Some(Data::Int(mut v))) => {
            v.resize(count, 0);
            Data::Int(v)
        }
        (DType::Bool, Some(Data::Bool(mut v))) => {
            v.resize(count, true);
            Data::Bool(v)
        }
        (DType::F32, _) => Data::Float(vec![0.5; count]),
        (DType::I32, _) => Data::Int((0..count).map(|_| dice.below(12) as i32 - 2).collect()),
        (DType::Bool, _) => Data::Bool(vec![true; count]),
    }
}

fn change(plan: &mut Plan, dice: &mut Dice) -> &'static str {
    match dice.below(20) {
        0..8 => index(plan, dice),
        8 | 9 => extent(plan, dice),
        10..13 => value(plan, dice),
        13 | 14 => layout(plan, dice),
        15 => element_type(plan, dice),
        16 | 17 => load(plan, dice),
        _ => order(plan, dice),
    }
}

fn any_step<'p>(plan: &'p mut Plan, dice: &mut Dice, wanted: fn(&Instr) -> bool) -> Option<&'p mut Step> {
    let steps = &mut plan.kernels[0].region.steps;
    let own: Vec<usize> = (0..steps.len()).filter(|step| wanted(&steps[*step].instr)).collect();
    match own.len() {
        0 => None,
        n => Some(&mut steps[own[dice.below(n)]]),
    }
}

/// An index of a step, of those that name elements more often than not.
fn any_index<'p>(plan: &'p mut Plan, dice: &mut Dice) -> Option<&'p mut Index> {
    let touches = |instr: &Instr| matches!(instr, Instr::Load { .. } | Instr::Store { .. });
    let looks = |instr: &Instr| matches!(instr, Instr::Index(_) | Instr::Inside { .. });
    let wanted = if dice.below(5) == 0 { looks as fn(&Instr) -> bool } else { touches };
    let (step, number) = (any_step(plan, dice, wanted)?, dice.below(3));
    match &mut step.instr {
        Instr::Load { at, .. } => {
            let n = at.len().max(1);
            match at.get_mut(number % n)? {
                Coordinate::At(index) => Some(index),
                Coordinate::From(_) => None,
            }
        }
        Instr::Store { at, .. } => {
            let n = at.len().max(1);
            at.get_mut(number % n)
        }
        Instr::Index(index) | Instr::Inside { index, .. } => Some(index),
        _ => None,
    }
}

fn index(plan: &mut Plan, dice: &mut Dice) -> &'static str {
    let loops = plan.kernels[0].region.extents.len();
    let by = dice.one_of(&[1, 2, 3, 16, 600, 1 << 20]);
    let sign = dice.one_of(&[1, -1]);
    let Some(index) = any_index(plan, dice) else { return "nothing" };
    match dice.below(6) {
        0 | 1 => {
            index.offset += sign * by;
            "an offset"
        }
        2 if !index.terms.is_empty() => {
            let term = dice.below(index.terms.len());
            index.terms[term].1 += sign * by;
            "a factor"
        }
        3 if !index.terms.is_empty() => {
            let term = dice.below(index.terms.len());
            index.terms[term].0 = Atom::Loop(dice.below(loops + 1));
            "a loop"
        }
        4 => {
            // Of a number that may be negative, by one that may be none.
            let of = Index { offset: index.offset - dice.below(3) as i64, ..index.clone() };
            let by = if dice.below(8) == 0 { 0 } else { by };
            let divided = [Atom::Quotient, Atom::Remainder][dice.below(2)](Box::new(of), by);
            *index = Index { terms: vec![(divided, 1)], offset: index.offset.min(0) };
            "a division"
        }
        _ => {
            *index = index.plus(&Index { terms: vec![(Atom::Loop(dice.below(loops)), sign)], offset: 0 });
            "a counter more"
        }
    }
}

fn extent(plan: &mut Plan, dice: &mut Dice) -> &'static str {
    let region = &mut plan.kernels[0].region;
    let axis = dice.below(region.extents.len());
    let size = &mut region.extents[axis];
    match dice.below(5) {
        0 => *size += 1,
        1 => *size = size.saturating_sub(1),
        2 => *size *= 2,
        3 => *size = dice.below(3),
        _ => {
            region.outer = dice.below(region.extents.len() + 2);
            return "rows";
        }
    }
    "an extent"
}

fn value(plan: &mut Plan, dice: &mut Dice) -> &'static str {
    let number = dice.below(plan.values.len());
    let shape = &mut plan.values[number].shape;
    let axis = dice.below(shape.len());
    match dice.below(6) {
        0 => shape.push(2),
        1 => _ = shape.pop(),
        2 => shape.reverse(),
        kind if axis < shape.len() => {
            let size = &mut shape[axis];
            *size = match kind {
                3 => *size + 1,
                4 => size.saturating_sub(1),
                _ => dice.one_of(&[0, 1, 2, usize::MAX / 2]),
            };
        }
        _ => return "nothing",
    }
    "a shape"
}

fn layout(plan: &mut Plan, dice: &mut Dice) -> &'static str {
    let number = dice.below(plan.values.len());
    let rank = plan.values[number].shape.len();
    let layout = &mut plan.values[number].layout;
    match dice.below(5) {
        0 => layout.order.reverse(),
        1 => *layout = Layout::dense(dice.below(rank + 2)),
        2 if rank > 0 => {
            let (at, axis) = (dice.below(layout.order.len()), dice.below(rank + 1));
            if let Some(own) = layout.order.get_mut(at) {
                *own = axis;
            }
        }
        3 => layout.block = None,
        _ => layout.block = Some((dice.below(rank + 1), dice.below(5))),
    }
    "a layout"
}

fn element_type(plan: &mut Plan, dice: &mut Dice) -> &'static str {
    let dtype = dice.one_of(&[DType::F32, DType::I32, DType::Bool]);
    if dice.below(2) == 0 {
        let number = dice.below(plan.values.len());
        plan.values[number].dtype = dtype;
        return "the type of a value";
    }
    if let Some(step) = any_step(plan, dice, |_| true) {
        step.dtype = dtype;
    }
    "the type of a step"
}

fn load(plan: &mut Plan, dice: &mut Dice) -> &'static str {
    let (other, reg) = (ValueId(dice.below(plan.values.len() + 1) as u32), Reg(dice.below(12) as u32));
    let Some(step) = any_step(plan, dice, |instr| matches!(instr, Instr::Load { .. })) else {
        return "nothing";
    };
    let Instr::Load { value, at, guard } = &mut step.instr else { return "nothing" };
    match dice.below(6) {
        0 => *value = other,
        1 => *guard = None,
        2 => *guard = Some(reg),
        3 => _ = at.pop(),
        4 if !at.is_empty() => {
            let axis = dice.below(at.len());
            at[axis] = Coordinate::From(reg);
        }
        _ => at.push(Coordinate::At(Index::constant(0))),
    }
    "a load"
}

fn order(plan: &mut Plan, dice: &mut Dice) -> &'static str {
    let (other, reg) = (ValueId(dice.below(plan.values.len() + 1) as u32), Reg(dice.below(12) as u32));
    let (kind, number) = (dice.below(5), dice.below(4));
    let wanted: fn(&Instr) -> bool = match kind {
        0 | 1 => |instr| matches!(instr, Instr::Store { .. }),
        2 => |instr| matches!(instr, Instr::Inside { .. }),
        _ => |_| true,
    };
    let Some(step) = any_step(plan, dice, wanted) else { return "nothing" };
    match (kind, &mut step.instr) {
        (0, Instr::Store { value, .. }) => *value = other,
        (1, Instr::Store { from, .. }) => *from = reg,
        (2, Instr::Inside { low, high, .. }) => (*low, *high) = (*low - number as i64, *high + 1000),
        (3, _) => step.inner = !step.inner,
        _ => step.pass = number,
    }
    "a step"
}
