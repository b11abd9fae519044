//! Memory planning: every value of a plan gets a place in one arena.
//!
//! ```text
//! kernel 0 writes a            a: 0..64
//! kernel 1 reads a, writes b   b: 64..128
//! kernel 2 reads b, writes c   c: 0..64, where a was
//! ```
//!
//! A value lives from the kernel that writes it to the last one that reads it. Values that live at the same time get bytes of their own,
//! largest first, each as low as possible. A value takes the very place of one that its kernel reads for the last time when each element
//! is read where it is written and before that, and the new value of a variable takes the place of the old one on the same terms. What
//! an engine may keep from run to run ([`Plan::still`]) has its bytes for itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use vspec_ir::OutputKind;
use vspec_ir::plan::{Coordinate, Instr, Kernel, Place, Plan, Uses, ValueId};

/// Bytes that places are multiples of: a cache line, and a vector register.
const ALIGNMENT: usize = 64;

/// Bytes behind a large value, and bytes from which on a value is large. Maps of one size, a power of two or nearly, would all begin at the
/// same place of a page: kernels that go through many of them at once would use a few lines of the caches only, and wait for each store
/// that may be what they load next.
const GAP: usize = 5 * ALIGNMENT;
const LARGE: usize = 1 << 16;

/// What a plan needs, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footprint {
    /// All values of the arena, if each had a place of its own.
    pub sum: usize,
    /// The most that is alive during any kernel: no planning can need less without other kernels.
    pub alive: usize,
    /// The arena as planned.
    pub planned: usize,
}

/// When a value is alive, in kernels.
#[derive(Debug, Clone, Copy)]
struct Life {
    first: usize,
    last: usize,
    bytes: usize,
}

/// Gives each value a place.
pub fn place(plan: &mut Plan) -> Footprint {
    update_variables_in_place(plan);
    let kept = plan.still().kept;
    let lives = lives(plan, &kept);
    let mut slots = slots(plan, &lives);
    // What is kept is there before the first kernel of the next run.
    let is_kept = |slot: &&mut Slot| slot.values.iter().any(|value| kept[value.index()]);
    slots.iter_mut().filter(is_kept).for_each(|slot| slot.life.first = 0);
    let footprint = Footprint {
        sum: lives.values().map(|life| life.bytes).sum(),
        alive: alive(&slots, plan.kernels.len()),
        planned: 0,
    };
    slots.sort_by_key(|slot| (std::cmp::Reverse(slot.life.bytes), slot.life.first));
    let mut placed: Vec<(usize, Life)> = vec![];
    for slot in &slots {
        let start = lowest(&placed, slot.life);
        placed.push((start, slot.life));
        for value in &slot.values {
            plan.values[value.index()].place = Place::Arena(start);
        }
    }
    plan.arena = placed.iter().map(|(start, life)| start + life.bytes).max().unwrap_or(0);
    Footprint { planned: plan.arena, ..footprint }
}

/// Bytes of a value and of what follows it.
fn room(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT) + if bytes >= LARGE { GAP } else { 0 }
}

/// Lives of all values in the arena; what is kept does not die.
fn lives(plan: &Plan, kept: &[bool]) -> BTreeMap<ValueId, Life> {
    let in_arena = |(index, uses): (usize, Uses)| {
        let value = &plan.values[index];
        let kernels = plan.kernels.len();
        let (first, last) = (uses.first?, if kept[index] { kernels } else { uses.last(kernels)? });
        let life = Life { first, last, bytes: room(value.bytes()) };
        matches!(value.place, Place::Arena(_)).then_some((ValueId(index as u32), life))
    };
    plan.uses().into_iter().enumerate().filter_map(in_arena).collect()
}

/// Values that share a place, one after the other.
struct Slot {
    values: Vec<ValueId>,
    life: Life,
}

/// Each value on its own, or in the slot of a value whose place it takes.
fn slots(plan: &Plan, lives: &BTreeMap<ValueId, Life>) -> Vec<Slot> {
    let mut slots: Vec<Slot> = vec![];
    let mut of: BTreeMap<ValueId, usize> = BTreeMap::new();
    let mut in_order: Vec<(&ValueId, &Life)> = lives.iter().collect();
    in_order.sort_by_key(|(value, life)| (life.first, **value));
    for (value, life) in in_order {
        let kernel = &plan.kernels[life.first];
        let dying = kernel.reads().into_iter().filter(|read| {
            let same_size =
                lives.get(read).is_some_and(|other| other.last == life.first && other.bytes == life.bytes);
            // Whoever took the place first has it.
            same_size && of.get(read).is_some_and(|slot| slots[*slot].values.last() == Some(read))
        });
        let taken = dying.into_iter().find(|old| takes_place(plan, kernel, *old, *value));
        match taken.and_then(|old| of.get(&old).copied()) {
            Some(slot) => {
                slots[slot].values.push(*value);
                slots[slot].life.last = life.last;
                of.insert(*value, slot);
            }
            None => {
                of.insert(*value, slots.len());
                slots.push(Slot { values: vec![*value], life: *life });
            }
        }
    }
    slots
}

/// Whether a kernel may write a value over one that it reads: each element is read only where it is written, before that, and not in a
/// later pass.
fn takes_place(plan: &Plan, kernel: &Kernel, old: ValueId, new: ValueId) -> bool {
    let (from, to) = (plan.value(old), plan.value(new));
    let alike = from.shape == to.shape && from.dtype == to.dtype && from.layout == to.layout;
    let anchored =
        kernel.anchor.iter().flat_map(|anchor| &anchor.operands).any(|operand| operand.value == old);
    if !alike || anchored {
        return false;
    }
    let steps = || kernel.region.steps.iter().enumerate();
    let store = steps().find_map(|(i, step)| match &step.instr {
        Instr::Store { value, at, .. } if *value == new => Some((i, step, at)),
        _ => None,
    });
    let Some((stored, step, place)) = store else { return false };
    let last_pass = step.pass + 1 == kernel.region.passes();
    let reads_elsewhere = |(i, step): (usize, &vspec_ir::plan::Step)| match &step.instr {
        Instr::Load { value, at, .. } if *value == old => {
            let same = at.iter().zip(place).all(|(c, index)| *c == Coordinate::At(index.clone()));
            !same || i > stored
        }
        _ => false,
    };
    last_pass && !steps().any(reads_elsewhere)
}

/// The new value of a variable goes where the old one is, if that can be. Nothing has to be read there: then the new one only has to lie in
/// rows.
fn update_variables_in_place(plan: &mut Plan) {
    let variables: BTreeMap<Arc<str>, ValueId> = plan
        .values
        .iter()
        .enumerate()
        .filter_map(|(i, value)| match &value.place {
            Place::Variable(path) => Some((path.clone(), ValueId(i as u32))),
            _ => None,
        })
        .collect();
    let writes: Vec<(Arc<str>, ValueId)> = plan
        .outputs
        .iter()
        .filter(|o| o.kind == OutputKind::Write)
        .map(|o| (o.name.clone(), o.value))
        .collect();
    let uses = plan.uses();
    let mut times: BTreeMap<ValueId, usize> = BTreeMap::new();
    writes.iter().for_each(|(_, value)| *times.entry(*value).or_default() += 1);
    for (path, new) in &writes {
        // One value may be written to several variables.
        let alone = times.get(new) == Some(&1);
        let Some(writer) = uses[new.index()].written.filter(|_| alone) else { continue };
        let is_free = |old: ValueId| {
            let before = uses[old.index()];
            let read_later = before.last_read > Some(writer);
            let kernel = &plan.kernels[writer];
            let taken = before.last_read < Some(writer) || takes_place(plan, kernel, old, *new);
            let alike = plan.value(old).layout == plan.value(*new).layout;
            !before.output && !read_later && taken && alike
        };
        let can_be = match variables.get(path) {
            Some(old) => is_free(*old),
            None => plan.value(*new).layout.is_dense(),
        };
        if can_be {
            plan.values[new.index()].place = Place::Variable(path.clone());
        }
    }
}

/// The lowest start at which a value overlaps nothing that lives at the same time.
fn lowest(placed: &[(usize, Life)], life: Life) -> usize {
    let together = |other: &Life| other.first <= life.last && life.first <= other.last;
    let mut taken: Vec<(usize, usize)> = placed
        .iter()
        .filter(|(_, other)| together(other))
        .map(|(start, other)| (*start, start + other.bytes))
        .collect();
    taken.sort_unstable();
    let mut start = 0;
    for (from, to) in taken {
        if from >= start + life.bytes {
            break;
        }
        start = start.max(to);
    }
    start
}

fn alive(slots: &[Slot], kernels: usize) -> usize {
    let mut change = vec![0i64; kernels + 2];
    for slot in slots {
        change[slot.life.first] += slot.life.bytes as i64;
        change[slot.life.last + 1] -= slot.life.bytes as i64;
    }
    let mut now = 0;
    let levels = change.into_iter().map(|by| {
        now += by;
        now
    });
    levels.max().unwrap_or(0) as usize
}
