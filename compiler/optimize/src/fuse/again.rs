//! Cheap values are computed again by their readers rather than stored.
//!
//! A training step needs on its way back what its way forth computed. `x - mean` costs one subtraction to compute again from `x` and
//! `mean`, which lie in memory anyway; storing it costs a write and a read of as many bytes as `x` has. A value is computed again when all
//! its readers can do so, when that takes few operations for a value of its size, and when what the readers read for it is less than
//! what is neither written nor read any more.

use std::collections::BTreeSet;

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
        let Some(own) = groups.of(id) else { continue };
        let readers = groups.reading(nodes, id);
        if readers.is_empty() {
            continue;
        }
        let plans: Option<Vec<Again>> =
            readers.iter().map(|reader| plan(nodes, groups, id, own, *reader)).collect();
        let Some(plans) = plans else { continue };
        // What is read out at the end is written all the same.
        let saved = nodes.bytes(id) * (usize::from(!nodes.is_output(id)) + readers.len());
        let written: BTreeSet<NodeId> = plans.iter().flat_map(|plan| &plan.stored).copied().collect();
        let extra = plans.iter().map(|plan| plan.read).sum::<usize>()
            + written.iter().map(|id| nodes.bytes(*id)).sum::<usize>();
        if extra < saved {
            for (reader, plan) in readers.iter().zip(plans) {
                groups.compute_again(nodes, &plan.nodes, *reader);
            }
        }
    }
}

/// What one reader would have to do.
struct Again {
    /// What it computes.
    nodes: BTreeSet<NodeId>,
    /// Bytes that it reads for that and did not read before.
    read: usize,
    /// What has to be stored for it and was not before.
    stored: BTreeSet<NodeId>,
}

fn plan(nodes: &Nodes<'_>, groups: &Groups, id: NodeId, own: GroupId, reader: GroupId) -> Option<Again> {
    let body = groups.get(reader);
    let whole = |user: &&NodeId| body.computes(**user);
    let from_memory = |user: &NodeId| nodes.reads(*user).iter().any(|read| read.of == id && read.from_memory);
    if nodes.users(id).iter().filter(whole).any(from_memory) {
        return None;
    }
    let known = body.outside_reads(nodes);
    let cheap = if nodes.bytes(id) > UNCACHED { CHEAPER_THAN_MEMORY } else { CHEAP };
    let mut plan = Again { nodes: BTreeSet::new(), read: 0, stored: BTreeSet::new() };
    let (mut open, mut leaves, mut spent) = (vec![id], BTreeSet::new(), 0);
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
            let unstored = groups.of(of) == Some(own) && !is_stored(nodes, groups, of);
            let storable = legality::is_storable(nodes, groups.get(own), of);
            let small = storable && nodes.bytes(of) * SMALLER <= nodes.bytes(id);
            match () {
                () if read.from_memory => return None,
                () if ready => {}
                () if unstored && !small && nodes.role(of) == Role::Map => open.push(of),
                () if unstored && !storable => return None,
                () => {
                    leaves.insert(of);
                    plan.stored.extend(unstored.then_some(of));
                }
            }
        }
    }
    plan.read = leaves.iter().map(|leaf| nodes.bytes(*leaf)).sum();
    Some(plan)
}

/// Whether a computed value lies in memory anyway.
fn is_stored(nodes: &Nodes<'_>, groups: &Groups, id: NodeId) -> bool {
    nodes.is_output(id) || !groups.reading(nodes, id).is_empty()
}
