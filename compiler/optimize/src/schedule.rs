//! Scheduling: in which order kernels run.
//!
//! ```text
//! kernel 0 reads y and d, writes e            kernel 0 reads y and d, writes e
//! kernel 1 reads e, writes f            ->    kernel 2 reads y and d, writes the weight
//! kernel 2 reads y and d, writes the weight   kernel 1 reads e, writes f: y and d are gone
//! ```
//!
//! Kernels come in the order of a graph, where updates of variables stand behind the whole way back, and what they are made of would be
//! kept until then. A kernel that frees more than it takes runs as soon as it can; one that frees nothing waits for its first reader. All
//! others keep their order. What a kernel reads has often just been written then, too, and lies in a cache.

use std::collections::{BTreeMap, BTreeSet};

use vspec_ir::OutputKind;
use vspec_ir::plan::{Place, Plan, PlanOutput, Uses, Value};

/// Puts the kernels of a plan in an order in which less memory is alive.
pub fn order(plan: &mut Plan) {
    let needs = Needs::of(plan);
    let order = needs.delayed(Queue::of(&needs).run());
    let mut kernels: Vec<Option<_>> = std::mem::take(&mut plan.kernels).into_iter().map(Some).collect();
    plan.kernels = order.into_iter().filter_map(|number| kernels[number].take()).collect();
}

/// What kernels need of each other, and of memory.
struct Needs {
    /// For each kernel the values that it reads, and bytes that it takes.
    reads: Vec<Vec<usize>>,
    takes: Vec<usize>,
    /// For each value the kernels that read it, and bytes that are free after the last of them.
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
            bytes: (0..plan.values.len()).map(freed).collect(),
            after: vec![vec![]; plan.kernels.len()],
            reads,
            readers,
        };
        needs.follow_values(&uses);
        needs.follow_variables(plan, &uses);
        needs
    }

    /// Readers come after writers.
    fn follow_values(&mut self, uses: &[Uses]) {
        for (readers, uses) in self.readers.iter().zip(uses) {
            if let Some(writer) = uses.written {
                self.after[writer].extend(readers);
            }
        }
    }

    /// Whoever writes the new value of a variable comes after those that read the old one, so that it can be written there.
    fn follow_variables(&mut self, plan: &Plan, uses: &[Uses]) {
        let path = |(id, value): (usize, &Value)| match &value.place {
            Place::Variable(path) => Some((path.clone(), id)),
            _ => None,
        };
        let old: BTreeMap<_, usize> = plan.values.iter().enumerate().filter_map(path).collect();
        for output in updates(plan) {
            let (Some(old), Some(writer)) = (old.get(&output.name), uses[output.value.index()].written)
            else {
                continue;
            };
            // Those that come later already need a copy anyway.
            for reader in self.readers[*old].iter().filter(|reader| **reader < writer) {
                self.after[*reader].push(writer);
            }
        }
    }

    /// The same order, but for kernels that free nothing: each comes right before the first one that has to come after it. From the last
    /// one on, so that what such a kernel reads waits for it in turn.
    fn delayed(&self, mut order: Vec<usize>) -> Vec<usize> {
        let mut places = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(kernel, place)| places[*kernel] = place);
        for place in (0..order.len()).rev() {
            let kernel = order[place];
            let Some(first) = self.after[kernel].iter().map(|later| places[*later]).min() else { continue };
            let stays = |id: &usize| {
                self.bytes[*id] == 0 || self.readers[*id].iter().any(|other| places[*other] >= first)
            };
            if first > place + 1 && self.reads[kernel].iter().all(stays) {
                order[place..first].rotate_left(1);
                order[place..first].iter().zip(place..).for_each(|(kernel, place)| places[*kernel] = place);
            }
        }
        order
    }
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
    /// Kernels before which nothing has to come any more.
    ready: BTreeSet<usize>,
}

impl<'a> Queue<'a> {
    fn of(needs: &'a Needs) -> Self {
        let mut before = vec![0; needs.after.len()];
        needs.after.iter().flatten().for_each(|later| before[*later] += 1);
        let ready = (0..before.len()).filter(|kernel| before[*kernel] == 0).collect();
        Queue { needs, before, readers: needs.readers.iter().map(Vec::len).collect(), ready }
    }

    /// All kernels in their order.
    fn run(mut self) -> Vec<usize> {
        let mut order = vec![];
        while let Some(next) = self.next() {
            self.ready.remove(&next);
            self.needs.reads[next].iter().for_each(|id| self.readers[*id] -= 1);
            for later in &self.needs.after[next] {
                self.before[*later] -= 1;
                if self.before[*later] == 0 {
                    self.ready.insert(*later);
                }
            }
            order.push(next);
        }
        order
    }

    /// The kernel that frees most, or the first one where none frees more than it takes.
    fn next(&self) -> Option<usize> {
        let gain = |kernel: &usize| self.frees(*kernel).saturating_sub(self.needs.takes[*kernel]);
        // Of equal ones the first.
        let most = self.ready.iter().rev().max_by_key(|kernel| gain(kernel))?;
        if gain(most) > 0 { Some(*most) } else { self.ready.first().copied() }
    }

    /// Bytes that nobody needs once a kernel has run.
    fn frees(&self, kernel: usize) -> usize {
        let last = |id: &&usize| self.readers[**id] == 1;
        self.needs.reads[kernel].iter().filter(last).map(|id| self.needs.bytes[*id]).sum()
    }
}
