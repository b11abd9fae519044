//! Cheap values are computed again by their readers rather than stored.
//!
//! A training step needs on its way back what its way forth computed. `x - mean` costs one subtraction to compute again from `x` and
//! `mean`, which lie in memory anyway; storing it costs a write and a read of as many bytes as `x` has. A value is computed again when all
//! its readers can do so, when that takes few operations, and when what the readers read for it is less than what is neither written nor
//! read any more.

use std::collections::BTreeSet;

use vspec_ir::{NodeId, Op};

use super::group::{Group, GroupId, Groups};
use super::nodes::{Nodes, Role};
use super::profit::cost;

/// The most that computing a value again may cost, in additions.
const CHEAP: usize = 8;
/// How much smaller a folded value has to be to be stored for it.
const SMALLER: usize = 8;

/// Chooses values and tells their readers to compute them.
pub(super) fn choose(nodes: &Nodes<'_>, groups: &mut Groups) {
    for (id, _) in nodes.graph.nodes().filter(|(id, _)| nodes.role(*id) == Role::Map) {
        let Some(own) = groups.of(id) else { continue };
        let readers = readers(nodes, groups, id, own);
        if readers.is_empty() || nodes.is_output(id) {
            continue;
        }
        let plans: Option<Vec<Again>> =
            readers.iter().map(|reader| plan(nodes, groups, id, own, *reader)).collect();
        let Some(plans) = plans else { continue };
        let saved = nodes.bytes(id) * (1 + readers.len());
        let extra: usize = plans.iter().map(|plan| plan.read).sum();
        if extra < saved {
            for (reader, plan) in readers.iter().zip(plans) {
                plan.nodes.into_iter().for_each(|node| groups.compute_again(node, *reader));
            }
        }
    }
}

/// Other groups that read a node from memory.
fn readers(nodes: &Nodes<'_>, groups: &Groups, id: NodeId, own: GroupId) -> Vec<GroupId> {
    let reads = |(group, body): &(GroupId, &Group)| *group != own && body.outside_reads(nodes).contains(&id);
    let users: BTreeSet<GroupId> = nodes.users(id).iter().filter_map(|user| groups.of(*user)).collect();
    // Who computes a user of it again reads it, too.
    let again =
        groups.in_order().filter(|(_, body)| nodes.users(id).iter().any(|user| body.again.contains(user)));
    let candidates: BTreeSet<GroupId> = users.into_iter().chain(again.map(|(group, _)| group)).collect();
    candidates
        .into_iter()
        .map(|group| (group, groups.get(group)))
        .filter(reads)
        .map(|(group, _)| group)
        .collect()
}

/// What one reader would have to do.
struct Again {
    /// What it computes.
    nodes: BTreeSet<NodeId>,
    /// Bytes that it reads for that and did not read before.
    read: usize,
}

fn plan(nodes: &Nodes<'_>, groups: &Groups, id: NodeId, own: GroupId, reader: GroupId) -> Option<Again> {
    let body = groups.get(reader);
    let whole = |user: &&NodeId| body.computes(**user);
    let from_memory = |user: &NodeId| nodes.reads(*user).iter().any(|read| read.of == id && read.from_memory);
    if nodes.users(id).iter().filter(whole).any(from_memory) {
        return None;
    }
    let known = body.outside_reads(nodes);
    let mut plan = Again { nodes: BTreeSet::new(), read: 0 };
    let (mut open, mut leaves, mut spent) = (vec![id], BTreeSet::new(), 0);
    while let Some(node) = open.pop() {
        if !plan.nodes.insert(node) {
            continue;
        }
        spent += cost(&nodes.node(node).op);
        let random = matches!(nodes.node(node).op, Op::Uniform { .. } | Op::Normal { .. });
        if spent > CHEAP || random {
            return None;
        }
        for read in nodes.reads(node) {
            let of = read.of;
            let ready = body.computes(of) || known.contains(&of) && of != id;
            let own_map = groups.of(of) == Some(own) && nodes.role(of) == Role::Map;
            match () {
                () if read.from_memory => return None,
                () if ready => {}
                () if own_map => open.push(of),
                () if groups.of(of) == Some(own) && nodes.bytes(of) * SMALLER > nodes.bytes(id) => {
                    return None;
                }
                () => {
                    leaves.insert(of);
                }
            }
        }
    }
    plan.read = leaves.iter().map(|leaf| nodes.bytes(*leaf)).sum();
    Some(plan)
}
