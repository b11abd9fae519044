//! Small operands laid out as they are read.
//!
//! ```text
//! points i < 8, j < 22400, k < 40:  f(x[i, j], box[i, k, 2])    ->    points i < 8, k < 40:  v[i, k] = box[i, k, 2]
//!                                                                     points i < 8, j < 22400, k < 40:  f(x[i, j], v[i, k])
//! ```
//!
//! Engines go along the last loop with vectors. Elements that lie side by side are one load of them, those at a distance one each. Where
//! the same few elements are read at a distance again and again, they are put side by side first. Nothing is computed in another way.

use std::collections::BTreeMap;

use vspec_ir::plan::{Atom, Coordinate, Index, Instr, Kernel, Layout, Place, Plan, Region, Value, ValueId};

/// Which operands are worth it.
#[derive(Debug, Clone, Copy)]
pub struct Least {
    /// Points of the loop nest.
    pub points: usize,
    /// How often each element is read.
    pub again: usize,
}

impl Least {
    /// Where a kernel more is paid for.
    pub const WORTH: Least = Least { points: 1 << 16, again: 16 };
}

/// Puts operands side by side. Returns how many that were.
pub fn compact(plan: &mut Plan, least: Least) -> usize {
    let kernels = std::mem::take(&mut plan.kernels);
    let before = plan.values.len();
    for mut kernel in kernels {
        for copy in compacted(&mut plan.values, &mut kernel.region, least) {
            plan.kernels.push(copy);
        }
        plan.kernels.push(kernel);
    }
    plan.values.len() - before
}

/// Kernels that put operands of a region side by side, where it reads them from then on.
fn compacted(values: &mut Vec<Value>, region: &mut Region, least: Least) -> Vec<Kernel> {
    let mut copies = vec![];
    let mut known: BTreeMap<(ValueId, Vec<Index>), Instr> = BTreeMap::new();
    if region.points() < least.points {
        return copies;
    }
    for step in 0..region.steps.len() {
        let Some((from, at)) = apart(values, region, step) else { continue };
        let loops = loops_of(&at);
        let count: usize = loops.iter().map(|axis| region.extents[*axis]).product();
        if count.saturating_mul(least.again) > region.points() {
            continue;
        }
        let load = known.entry((from, at.clone())).or_insert_with(|| {
            copies.push(copy(values, region, step, (from, &at)));
            let at = loops.iter().map(|axis| Coordinate::At(Index::counter(*axis, &region.extents)));
            Instr::Load { value: ValueId(values.len() as u32 - 1), at: at.collect(), guard: None }
        });
        region.steps[step].instr = load.clone();
    }
    copies
}

/// What a step loads, if neighbours along the last loop are not neighbours in memory, nor one element.
fn apart(values: &[Value], region: &Region, step: usize) -> Option<(ValueId, Vec<Index>)> {
    let Instr::Load { value, at, guard: None } = &region.steps[step].instr else { return None };
    let at = at.iter().map(|coordinate| match coordinate {
        Coordinate::At(index) => Some(index.clone()),
        Coordinate::From(_) => None,
    });
    let (at, last) = (at.collect::<Option<Vec<Index>>>()?, region.extents.len().checked_sub(1)?);
    let of = &values[value.index()];
    let is_dense = of.layout == Layout::dense(of.shape.len());
    let is_read_only = region.stores().all(|stored| stored != *value);
    (is_dense && is_read_only && !is_beside(&of.shape, &at, last)).then_some((*value, at))
}

/// Whether a place goes on by one element, or by none, from one round of a loop to the next.
fn is_beside(shape: &[usize], at: &[Index], axis: usize) -> bool {
    let (mut stride, mut step) = (1, 0);
    for (size, index) in shape.iter().zip(at).rev() {
        for (atom, factor) in &index.terms {
            match atom {
                Atom::Loop(own) if *own == axis => step += factor * stride,
                Atom::Loop(_) => {}
                Atom::Quotient(of, _) | Atom::Remainder(of, _) if of.loops().contains(&axis) => return false,
                Atom::Quotient(..) | Atom::Remainder(..) => {}
            }
        }
        stride *= *size as i64;
    }
    step == 0 || step == 1
}

/// The loops that a place depends on.
fn loops_of(at: &[Index]) -> Vec<usize> {
    let mut loops: Vec<usize> = at.iter().flat_map(Index::loops).collect();
    loops.sort_unstable();
    loops.dedup();
    loops
}

/// A kernel that reads what a step does, over its own loops only, and a new value that it stores it in.
fn copy(values: &mut Vec<Value>, region: &Region, step: usize, (from, at): (ValueId, &[Index])) -> Kernel {
    let loops = loops_of(at);
    let extents: Vec<usize> = loops.iter().map(|axis| region.extents[*axis]).collect();
    let own = |axis| match loops.binary_search(&axis) {
        Ok(place) => Index::counter(place, &extents),
        Err(_) => Index::constant(0),
    };
    let counters: Vec<Index> = (0..region.extents.len()).map(own).collect();
    let at = at.iter().map(|index| Coordinate::At(index.substitute(&counters, &extents))).collect();
    let (origin, dtype) = (values[from.index()].origin.clone(), region.steps[step].dtype);
    let into = ValueId(values.len() as u32);
    let layout = Layout::dense(extents.len());
    let mut made = Region { outer: extents.len(), extents: extents.clone(), steps: vec![] };
    let element = made.push(Instr::Load { value: from, at, guard: None }, dtype);
    let to = (0..extents.len()).map(|axis| Index::counter(axis, &extents)).collect();
    made.push(Instr::Store { value: into, at: to, from: element }, dtype);
    values.push(Value { origin: origin.clone(), dtype, shape: extents, layout, place: Place::Arena(0) });
    Kernel { origins: vec![origin], anchor: None, region: made }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vspec_ir::text::parse;

    #[test]
    fn columns_of_a_small_matrix_are_put_side_by_side_once() {
        let text = "graph @boxes() {
          %0 = input name=\"x\" : f32[500, 1]
          %1 = input name=\"boxes\" : f32[20, 4]
          %2 = slice(%1) axis=1 start=2 end=3 : f32[20, 1]
          %3 = reshape(%2) : f32[20]
          %4 = mul(%0, %3) : f32[500, 20]
          %5 = exp(%4) : f32[500, 20]
          %6 = add(%5, %3) : f32[500, 20]
          value y = %6
        }";
        let graph = parse(text).expect("reads");
        let fused = crate::fuse::fuse(&graph, crate::fuse::Options::default()).expect("fits");
        let made = |least| {
            let mut plan = fused.plan.clone();
            (compact(&mut plan, least), plan.kernels.len())
        };
        assert_eq!(made(Least { points: 1, again: 500 }), (1, 2));
        assert_eq!(made(Least { points: 1, again: 501 }), (0, 1));
        assert_eq!(made(Least { points: 10_001, again: 1 }), (0, 1));
    }
}
