//! Scheduling: in which order kernels run.
//!
//! ```text
//! kernel 0 reads y and d, writes e            kernel 0 reads y and d, writes e
//! kernel 1 reads e, writes f            ->    kernel 2 reads y and d, writes the weight
//! kernel 2 reads y and d, writes the weight   kernel 1 reads e, writes f: y and d are gone
//! ```
//!
//! Kernels come in the order of a graph, where updates of variables stand behind the whole way back, and what they are made of would be
//! kept until then. A kernel that frees more than it takes runs as soon as it can; one that frees less, or nothing, waits for its first
//! reader. All others keep their order. What a kernel reads has often just been written then, too, and lies in a cache.

use std::collections::{BTreeMap, BTreeSet};

use vspec_ir::OutputKind;
use vspec_ir::plan::{Place, Plan, PlanOutput, Value};

/// Puts the kernels of a plan in an order in which less memory is alive.
pub fn order(plan: &mut Plan) {
    let needs = Needs::of(plan);
    // Who waits must not be the first whose turn it is.
    let waiting = needs.delayed((0..plan.kernels.len()).collect());
    let order = needs.delayed(Queue::of(&needs, waiting).run());
    let mut kernels: Vec<Option<_>> = std::mem::take(&mut plan.kernels).into_iter().map(Some).collect();
    plan.kernels = order.into_iter().filter_map(|number| kernels[number].take()).collect();
}

/// What kernels need of each other, and of memory.
struct Needs {
    /// For each kernel the values that it reads, and bytes that it takes.
    reads: Vec<Vec<usize>>,
    takes: Vec<usize>,
    /// For each value the kernel that writes it, those that read it, and bytes that are free after the last of them.
    writer: Vec<Option<usize>>,
    readers: Vec<Vec<usize>>,
    bytes: Vec<usize>,
    /// For each kernel those that have to come after it.
    after: Vec<Vec<usize>>,
}

impl Needs {
    fn of(plan: &Plan) -> Self {
        let uses = plan.uses();
        let updates: BTreeSet<usize> = updates(plan).map(|output| output.value.index()).collect();
        let in_arena = |id: usize| matches!(plan.values[id].place, Place::Arena(_));
        // What is read out at the end stays; the new value of a variable goes where the old one is.
        let freed = |id: usize| if in_arena(id) && !uses[id].output { plan.values[id].bytes() } else { 0 };
        let taken = |id: usize| if updates.contains(&id) { 0 } else { plan.values[id].bytes() };
        let kernels = || plan.kernels.iter();
        let reads: Vec<Vec<usize>> =
            kernels().map(|kernel| kernel.reads().iter().map(|id| id.index()).collect()).collect();
        let mut readers = vec![vec![]; plan.values.len()];
        for (kernel, reads) in reads.iter().enumerate() {
            reads.iter().for_each(|id: &usize| readers[*id].push(kernel));
        }
        let mut needs = Needs {
            takes: kernels().map(|kernel| kernel.writes().iter().map(|id| taken(id.index())).sum()).collect(),
            writer: uses.iter().map(|uses| uses.written).collect(),
            bytes: (0..plan.values.len()).map(freed).collect(),
            after: vec![vec![]; plan.kernels.len()],
            reads,
            readers,
        };
        needs.follow_values();
        needs.follow_variables(plan);
        needs
    }

    /// Readers come after writers.
    fn follow_values(&mut self) {
        for (writer, readers) in self.writer.iter().zip(&self.readers) {
            if let Some(writer) = writer {
                self.after[*writer].extend(readers);
            }
        }
    }

    /// Whoever writes the new value of a variable comes after those that read the old one, so that it can be written there.
    fn follow_variables(&mut self, plan: &Plan) {
        let path = |(id, value): (usize, &Value)| match &value.place {
            Place::Variable(path) => Some((path.clone(), id)),
            _ => None,
        };
        let old: BTreeMap<_, usize> = plan.values.iter().enumerate().filter_map(path).collect();
        for output in updates(plan) {
            let (Some(old), Some(writer)) = (old.get(&output.name), self.writer[output.value.index()]) else {
                continue;
            };
            // Those that come later already need a copy anyway.
            for reader in self.readers[*old].iter().filter(|reader| **reader < writer) {
                self.after[*reader].push(writer);
            }
        }
    }

    /// The same order, but for kernels that free nothing or less than they take, not counting what a kernel writes for them that frees
    /// nothing: each comes right before the first one that has to come after it. From the last one on, so that what such a kernel reads
    /// waits for it in turn.
    fn delayed(&self, mut order: Vec<usize>) -> Vec<usize> {
        let mut places = places(&order);
        for place in (0..order.len()).rev() {
            let kernel = order[place];
            let Some(first) = self.after[kernel].iter().map(|later| places[*later]).min() else { continue };
            let stays = |id: &usize| {
                self.bytes[*id] == 0 || self.readers[*id].iter().any(|other| places[*other] >= first)
            };
            let waits = |id: &usize| {
                let alone = self.readers[*id] == [kernel];
                alone && self.writer[*id].is_some_and(|writer| self.reads[writer].iter().all(stays))
            };
            let ends = |id: &&usize| !stays(id) && !waits(id);
            let freed: usize = self.reads[kernel].iter().filter(ends).map(|id| self.bytes[*id]).sum();
            if first > place + 1 && (freed == 0 || freed < self.takes[kernel]) {
                order[place..first].rotate_left(1);
                order[place..first].iter().zip(place..).for_each(|(kernel, place)| places[*kernel] = place);
            }
        }
        order
    }
}

/// Where each kernel comes in an order.
fn places(order: &[usize]) -> Vec<usize> {
    let mut places = vec![0; order.len()];
    order.iter().zip(0..).for_each(|(kernel, place)| places[*kernel] = place);
    places
}

/// New values of variables.
fn updates(plan: &Plan) -> impl Iterator<Item = &PlanOutput> {
    plan.outputs.iter().filter(|output| output.kind == OutputKind::Write)
}

/// Kernels that wait for their turn.
struct Queue<'a> {
    needs: &'a Needs,
    /// For each kernel how many have yet to come before it.
    before: Vec<usize>,
    /// For each value how many kernels have yet to read it.
    readers: Vec<usize>,
    /// Kernels in the order in which it is their turn, and the place of each.
    turns: Vec<usize>,
    places: Vec<usize>,
    /// Places of kernels before which nothing has to come any more.
    ready: BTreeSet<usize>,
}

impl<'a> Queue<'a> {
    fn of(needs: &'a Needs, turns: Vec<usize>) -> Self {
        let mut before = vec![0; needs.after.len()];
        needs.after.iter().flatten().for_each(|later| before[*later] += 1);
        let ready = (0..turns.len()).filter(|place| before[turns[*place]] == 0).collect();
        let readers = needs.readers.iter().map(Vec::len).collect();
        Queue { needs, before, readers, places: places(&turns), turns, ready }
    }

    /// All kernels in their order.
    fn run(mut self) -> Vec<usize> {
        let mut order = vec![];
        while let Some(place) = self.next() {
            self.ready.remove(&place);
            let kernel = self.turns[place];
            self.needs.reads[kernel].iter().for_each(|id| self.readers[*id] -= 1);
            for later in &self.needs.after[kernel] {
                self.before[*later] -= 1;
                if self.before[*later] == 0 {
                    self.ready.insert(self.places[*later]);
                }
            }
            order.push(kernel);
        }
        order
    }

    /// The place of the kernel that frees most, or of the first one where none frees more than it takes.
    fn next(&self) -> Option<usize> {
        let gain = |place: &usize| {
            let kernel = self.turns[*place];
            self.frees(kernel).saturating_sub(self.needs.takes[kernel])
        };
        // Of equal ones the first.
        let most = self.ready.iter().rev().max_by_key(|place| gain(place))?;
        if gain(most) > 0 { Some(*most) } else { self.ready.first().copied() }
    }

    /// Bytes that nobody needs once a kernel has run.
    fn frees(&self, kernel: usize) -> usize {
        let last = |id: &&usize| self.readers[**id] == 1;
        self.needs.reads[kernel].iter().filter(last).map(|id| self.needs.bytes[*id]).sum()
    }
}
