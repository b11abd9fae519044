//! Cheap values are computed again by their readers rather than stored.
//!
//! A training step needs on its way back what its way forth computed. `x - mean` costs one subtraction to compute again from `x` and
//! `mean`, which lie in memory anyway; storing it costs a write and a read of as many bytes as `x` has. A value is computed again when all
//! its readers can do so, when that takes few operations for a value of its size, and when what the readers read for it is less than
//! what is neither written nor read any more.
//!
//! Several values may be cheap to compute from one that lies nowhere: a gradient times each of the weights of a sum. Then that one is
//! stored in their place.

use std::collections::{BTreeMap, BTreeSet};

use vspec_ir::{NodeId, Op};

use super::group::{GroupId, Groups};
use super::legality;
use super::nodes::{Nodes, Role};
use super::profit::cost;

/// The most that computing a value again may cost, in additions.
const CHEAP: usize = 8;
/// The same for values that no cache holds: in the time in which an element is written to memory and read again, a core computes more.
const CHEAPER_THAN_MEMORY: usize = 32;
/// Bytes that no core's cache holds.
const UNCACHED: usize = 8 << 20;
/// How much smaller a folded value has to be to be stored for it.
const SMALLER: usize = 8;

/// Chooses values and tells their readers to compute them.
pub(super) fn choose(nodes: &Nodes<'_>, groups: &mut Groups) {
    for (id, _) in nodes.graph.nodes().filter(|(id, _)| nodes.role(*id) == Role::Map) {
        if let Some(choice) = Choice::of(nodes, groups, &[id], None) {
            choice.make(nodes, groups);
        }
    }
    let all: Vec<GroupId> = groups.in_order().map(|(id, _)| id).collect();
    for own in all {
        if let Some(choice) = shared(nodes, groups, own).into_iter().max_by_key(|choice| choice.gain) {
            choice.make(nodes, groups);
        }
    }
}

/// Ways to store one value, which lies nowhere yet, in the place of several that a group computes from it.
fn shared(nodes: &Nodes<'_>, groups: &Groups, own: GroupId) -> Vec<Choice> {
    let mut of: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    for id in groups.get(own).members.iter().filter(|id| nodes.role(**id) == Role::Map) {
        if !groups.reading(nodes, *id).is_empty() {
            for source in sources(nodes, groups, *id, own) {
                of.entry(source).or_default().push(*id);
            }
        }
    }
    let several = of.into_iter().filter(|(_, values)| values.len() > 1);
    several.filter_map(|(source, values)| Choice::of(nodes, groups, &values, Some(source))).collect()
}

/// What a value is cheap to compute from, of what its group could store and does not.
fn sources(nodes: &Nodes<'_>, groups: &Groups, id: NodeId, own: GroupId) -> BTreeSet<NodeId> {
    let (mut found, mut open, mut spent) = (BTreeSet::new(), vec![id], 0);
    while let Some(node) = open.pop() {
        spent += cost(&nodes.node(node).op);
        if spent > CHEAP {
            break;
        }
        for of in nodes.reads(node).iter().map(|read| read.of) {
            let unstored = groups.of(of) == Some(own) && !is_stored(nodes, groups, of);
            let large = nodes.bytes(of) * SMALLER > nodes.bytes(id);
            if unstored && large && nodes.role(of) == Role::Map && found.insert(of) {
                open.push(of);
            }
        }
    }
    found.retain(|of| legality::is_storable(nodes, groups.get(own), *of));
    found
}

/// Values that their readers would compute again.
struct Choice {
    /// What each reader would compute.
    again: Vec<(GroupId, BTreeSet<NodeId>)>,
    /// Bytes that are neither written nor read any more, less those that are from then on.
    gain: usize,
}

impl Choice {
    /// Those of some values for which it can be done and is cheap, from a value that is to be stored for them; none if that gains nothing.
    fn of(nodes: &Nodes<'_>, groups: &Groups, values: &[NodeId], source: Option<NodeId>) -> Option<Choice> {
        let mut choice = Choice { again: vec![], gain: 0 };
        let (mut read, mut stored) = (BTreeSet::new(), BTreeSet::new());
        for id in values {
            let readers = groups.reading(nodes, *id);
            let plan = |reader: &GroupId| Some((*reader, plan(nodes, groups, *id, *reader, source)?));
            let Some(plans) = readers.iter().map(plan).collect::<Option<Vec<_>>>() else { continue };
            // What is read out at the end is written all the same.
            let written = usize::from(!nodes.is_output(*id) && !readers.is_empty());
            choice.gain += nodes.bytes(*id) * (written + readers.len());
            for (reader, plan) in plans {
                read.extend(plan.leaves.iter().map(|leaf| (reader, *leaf)));
                stored.extend(plan.stored);
                choice.again.push((reader, plan.nodes));
            }
        }
        let extra =
            read.iter().map(|(_, leaf)| leaf).chain(&stored).map(|id| nodes.bytes(*id)).sum::<usize>();
        choice.gain = choice.gain.saturating_sub(extra);
        (choice.gain > 0).then_some(choice)
    }

    /// Tells the readers.
    fn make(self, nodes: &Nodes<'_>, groups: &mut Groups) {
        self.again.iter().for_each(|(reader, again)| groups.compute_again(nodes, again, *reader));
    }
}

/// What one reader would have to do.
struct Again {
    /// What it computes.
    nodes: BTreeSet<NodeId>,
    /// What it reads for that and did not read before.
    leaves: BTreeSet<NodeId>,
    /// What has to be stored for it and was not before.
    stored: BTreeSet<NodeId>,
}

/// How a reader would compute a value, from a certain other one where one is given.
fn plan(
    nodes: &Nodes<'_>,
    groups: &Groups,
    id: NodeId,
    reader: GroupId,
    source: Option<NodeId>,
) -> Option<Again> {
    let body = groups.get(reader);
    let whole = |user: &&NodeId| body.computes(**user);
    let from_memory = |user: &NodeId| nodes.reads(*user).iter().any(|read| read.of == id && read.from_memory);
    if nodes.users(id).iter().filter(whole).any(from_memory) {
        return None;
    }
    let known = body.outside_reads(nodes);
    let cheap = if nodes.bytes(id) > UNCACHED { CHEAPER_THAN_MEMORY } else { CHEAP };
    let mut plan = Again { nodes: BTreeSet::new(), leaves: BTreeSet::new(), stored: BTreeSet::new() };
    let (mut open, mut spent) = (vec![id], 0);
    while let Some(node) = open.pop() {
        if !plan.nodes.insert(node) {
            continue;
        }
        spent += cost(&nodes.node(node).op);
        let random = matches!(nodes.node(node).op, Op::Uniform { .. } | Op::Normal { .. });
        if spent > cheap || random {
            return None;
        }
        for read in nodes.reads(node) {
            let of = read.of;
            let ready = body.computes(of) || known.contains(&of) && of != id;
            let home = groups.of(of).filter(|_| !is_stored(nodes, groups, of));
            let unstored = home.is_some();
            let storable = home.is_some_and(|home| legality::is_storable(nodes, groups.get(home), of));
            let small = storable && nodes.bytes(of) * SMALLER <= nodes.bytes(id);
            let goes_on = !small && nodes.role(of) == Role::Map && source != Some(of);
            match () {
                () if read.from_memory => return None,
                () if ready => {}
                () if unstored && goes_on => open.push(of),
                () if unstored && !storable => return None,
                () => {
                    plan.leaves.insert(of);
                    plan.stored.extend(unstored.then_some(of));
                }
            }
        }
    }
    Some(plan)
}

/// Whether a computed value lies in memory anyway.
fn is_stored(nodes: &Nodes<'_>, groups: &Groups, id: NodeId) -> bool {
    nodes.is_output(id) || !groups.reading(nodes, id).is_empty()
}
