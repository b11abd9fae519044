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
use vspec_ir::plan::{Place, Plan, Uses};

/// Puts the kernels of a plan in an order in which less memory is alive.
pub fn order(plan: &mut Plan) {
    let schedule = Schedule::of(plan);
    let waiting = Waiting::of(plan, &schedule);
    let order = waiting.run(schedule.run());
    let mut kernels: Vec<Option<_>> = std::mem::take(&mut plan.kernels).into_iter().map(Some).collect();
    plan.kernels = order.into_iter().filter_map(|number| kernels[number].take()).collect();
}

/// What there is left to do.
struct Schedule {
    /// For each kernel the values that it reads, and bytes of memory that it takes.
    reads: Vec<Vec<usize>>,
    takes: Vec<usize>,
    /// For each kernel those that come after it, and how many of those before it are left.
    after: Vec<Vec<usize>>,
    before: Vec<usize>,
    /// For each value how many kernels have yet to read it, and how many bytes are free then.
    readers: Vec<usize>,
    bytes: Vec<usize>,
    /// Kernels whose turn it may be.
    ready: BTreeSet<usize>,
}

impl Schedule {
    fn of(plan: &Plan) -> Self {
        let uses = plan.uses();
        let updates: Vec<usize> = plan
            .outputs
            .iter()
            .filter(|output| output.kind == OutputKind::Write)
            .map(|output| output.value.index())
            .collect();
        let in_arena = |id: usize| matches!(plan.values[id].place, Place::Arena(_));
        // What is read out at the end stays; the new value of a variable goes where the old one is.
        let freed = |id: usize| if in_arena(id) && !uses[id].output { plan.values[id].bytes() } else { 0 };
        let taken = |id: usize| if updates.contains(&id) { 0 } else { plan.values[id].bytes() };
        let reads: Vec<Vec<usize>> = plan
            .kernels
            .iter()
            .map(|kernel| kernel.reads().into_iter().map(|value| value.index()).collect())
            .collect();
        let takes =
            plan.kernels.iter().map(|kernel| kernel.writes().iter().map(|id| taken(id.index())).sum());
        let mut readers = vec![0; plan.values.len()];
        reads.iter().flatten().for_each(|id: &usize| readers[*id] += 1);
        let mut schedule = Schedule {
            takes: takes.collect(),
            after: vec![vec![]; plan.kernels.len()],
            before: vec![0; plan.kernels.len()],
            bytes: (0..plan.values.len()).map(freed).collect(),
            ready: BTreeSet::new(),
            readers,
            reads,
        };
        schedule.follow_values(&uses);
        schedule.follow_variables(plan, &uses);
        schedule.ready = (0..plan.kernels.len()).filter(|kernel| schedule.before[*kernel] == 0).collect();
        schedule
    }

    /// Readers come after writers.
    fn follow_values(&mut self, uses: &[Uses]) {
        for reader in 0..self.reads.len() {
            let writers: BTreeSet<usize> =
                self.reads[reader].iter().filter_map(|id| uses[*id].written).collect();
            writers.into_iter().for_each(|writer| self.follows(writer, reader));
        }
    }

    /// Whoever writes the new value of a variable comes after those that read the old one, so that it can be written there.
    fn follow_variables(&mut self, plan: &Plan, uses: &[Uses]) {
        let path = |id: usize| match &plan.values[id].place {
            Place::Variable(path) => Some(path.clone()),
            _ => None,
        };
        let old: BTreeMap<_, usize> = (0..plan.values.len()).filter_map(|id| Some((path(id)?, id))).collect();
        for output in plan.outputs.iter().filter(|output| output.kind == OutputKind::Write) {
            let (Some(old), Some(writer)) = (old.get(&output.name), uses[output.value.index()].written)
            else {
                continue;
            };
            let readers: Vec<usize> =
                (0..writer).filter(|kernel| self.reads[*kernel].contains(old)).collect();
            readers.into_iter().for_each(|reader| self.follows(reader, writer));
        }
    }

    fn follows(&mut self, first: usize, second: usize) {
        self.after[first].push(second);
        self.before[second] += 1;
    }

    /// All kernels in their order.
    fn run(mut self) -> Vec<usize> {
        let mut order = vec![];
        while let Some(next) = self.next() {
            self.ready.remove(&next);
            for id in &self.reads[next] {
                self.readers[*id] -= 1;
            }
            for later in std::mem::take(&mut self.after[next]) {
                self.before[later] -= 1;
                if self.before[later] == 0 {
                    self.ready.insert(later);
                }
            }
            order.push(next);
        }
        order
    }

    /// The kernel that frees most, or the first one where none frees anything.
    fn next(&self) -> Option<usize> {
        let gain = |kernel: &usize| self.frees(*kernel).saturating_sub(self.takes[*kernel]);
        // Of equal ones the first.
        let most = self.ready.iter().rev().max_by_key(|kernel| gain(kernel))?;
        if gain(most) > 0 { Some(*most) } else { self.ready.first().copied() }
    }

    /// Bytes that nobody needs once a kernel has run.
    fn frees(&self, kernel: usize) -> usize {
        self.reads[kernel].iter().filter(|id| self.readers[**id] == 1).map(|id| self.bytes[*id]).sum()
    }
}

/// Which kernels come after which others, to let some wait.
struct Waiting {
    /// For each kernel those that have to come after it.
    after: Vec<Vec<usize>>,
    /// For each kernel the values that it reads and that nobody may read later than their last reader.
    reads: Vec<Vec<usize>>,
    /// For each value its readers.
    readers: Vec<Vec<usize>>,
}

impl Waiting {
    fn of(plan: &Plan, schedule: &Schedule) -> Self {
        let freed = |id: &usize| schedule.bytes[*id] > 0;
        let reads: Vec<Vec<usize>> =
            schedule.reads.iter().map(|reads| reads.iter().copied().filter(freed).collect()).collect();
        let mut readers = vec![vec![]; plan.values.len()];
        for (kernel, reads) in reads.iter().enumerate() {
            reads.iter().for_each(|id| readers[*id].push(kernel));
        }
        Waiting { after: schedule.after.clone(), reads, readers }
    }

    /// The same order, but for kernels that free nothing: each comes right before the first one that has to come after it. From the last
    /// one on, so that what such a kernel reads waits for it in turn.
    fn run(&self, mut order: Vec<usize>) -> Vec<usize> {
        let mut places = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, kernel)| places[*kernel] = place);
        for place in (0..order.len()).rev() {
            let kernel = order[place];
            let Some(first) = self.after[kernel].iter().map(|later| places[*later]).min() else { continue };
            let stays = |id: &usize| self.readers[*id].iter().any(|other| places[*other] >= first);
            if first > place + 1 && self.reads[kernel].iter().all(stays) {
                order[place..first].rotate_left(1);
                order[place..first].iter().zip(place..).for_each(|(kernel, place)| places[*kernel] = place);
            }
        }
        order
    }
}
