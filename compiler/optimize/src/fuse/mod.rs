//! Fusion: which nodes of a bound graph one kernel computes together.
//!
//! ```text
//! %1 = sub(%y, %0)
//! %2 = mul(%1, %w)        ->    kernel: out[i, j] = relu((y[i, j] - mean[j]) * w[j])
//! %3 = relu(%2)
//! ```
//!
//! It is done in parts that are kept apart. `nodes` says what each node is and what it reads, views looked through. `group` holds the
//! groups and their order. `merge` below proposes pairs, `legality` says whether one kernel can compute both and with which loops, and
//! `profit` whether it should. `again` then decides which cheap values are computed again by their readers rather than stored, and
//! `lower` writes the kernels down. Before all that, [`rematerialize()`] may have put copies into the graph, of values that would be kept for
//! long otherwise. Numerics: what a kernel computes are the ops of its nodes, but for folds of rows that `rows` takes from
//! fewer passes, on the terms that it states.

mod again;
mod group;
mod legality;
mod lower;
mod nodes;
mod profit;
mod regions;
mod rematerialize;
mod rows;
mod views;

use std::collections::{BTreeMap, BTreeSet};

use vspec_ir::plan::Plan;
use vspec_ir::{Graph, NodeId, Op};

use group::{GroupId, Groups};
pub use legality::Reason;
use nodes::Nodes;
pub use regions::regions;
pub use rematerialize::{LARGE, Rematerialized, rematerialize};

/// Which kernels are made of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether nodes are fused at all; otherwise each has a kernel of its own.
    pub fuse: bool,
    /// Whether cheap values are computed again rather than stored.
    pub recompute: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { fuse: true, recompute: true }
    }
}

/// Why a value is written to memory, for the person who wrote the specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The value.
    pub node: NodeId,
    /// What reads it from memory.
    pub reader: NodeId,
    /// Why they are not one kernel.
    pub reason: Reason,
}

/// A plan without memory, and why each value that is stored was not fused with its readers.
#[derive(Debug, Clone)]
pub struct Fused {
    /// The plan; its values in the arena have no place yet.
    pub plan: Plan,
    /// One remark for each stored value and group that reads it.
    pub remarks: Vec<Remark>,
}

/// Makes kernels of a graph whose sizes are bound and whose gradients are written out.
///
/// # Errors
/// When sizes are not bound or gradients not written out.
pub fn fuse(graph: &Graph, options: Options) -> Result<Fused, String> {
    fuse_apart(graph, &BTreeSet::new(), options)
}

/// The same, where no kernel computes one of some copies together with what comes before all of them.
///
/// # Errors
/// As [`fuse`].
pub fn fuse_apart(graph: &Graph, copies: &BTreeSet<NodeId>, options: Options) -> Result<Fused, String> {
    if graph.nodes().any(|(_, node)| matches!(node.op, Op::Gradient {} | Op::CustomGradient {})) {
        return Err("gradients have to be written out before kernels are planned".to_string());
    }
    let nodes = Nodes::of(graph)?.with_copies(copies);
    let mut groups = Groups::single(&nodes);
    let mut declined = BTreeMap::new();
    if options.fuse {
        // Rows before epilogues: what a row needs twice would otherwise be stored by the kernel in front.
        merge_readers(&nodes, &mut groups, &mut declined, Anchors::Alone);
        merge_readers(&nodes, &mut groups, &mut declined, Anchors::WithEpilogues);
        if options.recompute {
            again::choose(&nodes, &mut groups);
        }
        merge_siblings(&nodes, &mut groups);
    }
    let plan = lower::lower(&nodes, &groups)?;
    Ok(Fused { plan, remarks: remarks(&nodes, &groups, &declined) })
}

/// Pairs of nodes, of which the second reads the first, that stayed apart.
type Declined = BTreeMap<(NodeId, NodeId), Reason>;

/// Whether ops with kernels of their own take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchors {
    Alone,
    WithEpilogues,
}

/// Merges each group with the groups that it reads, in order, as long as something changes.
fn merge_readers(nodes: &Nodes<'_>, groups: &mut Groups, declined: &mut Declined, anchors: Anchors) {
    // What one round declines, the next may allow once groups have grown; few graphs need a third.
    const ROUNDS: usize = 3;
    for _ in 0..ROUNDS {
        let mut changed = false;
        for (reader, _) in nodes.graph.nodes().filter(|(id, _)| nodes.is_computed(*id)) {
            let mut of: Vec<NodeId> = nodes.reads(reader).iter().map(|read| read.of).collect();
            of.sort_by_key(|id| (std::cmp::Reverse(nodes.bytes(*id)), *id));
            of.dedup();
            for producer in of {
                let (Some(first), Some(second)) = (groups.of(producer), groups.of(reader)) else { continue };
                let anchored = groups.get(first).anchor.is_some() || groups.get(second).anchor.is_some();
                if first == second || anchored && anchors == Anchors::Alone {
                    continue;
                }
                match merge(nodes, groups, [first, second]) {
                    Ok(()) => changed = true,
                    Err(reason) => {
                        declined.insert((producer, reader), reason);
                    }
                }
            }
        }
        if !changed {
            return;
        }
    }
}

fn merge(nodes: &Nodes<'_>, groups: &mut Groups, [first, second]: [GroupId; 2]) -> Result<(), Reason> {
    let merged = legality::vertical(nodes, groups, [first, second])?;
    legality::apart(nodes, &merged)?;
    profit::check(nodes, [groups.get(first), groups.get(second)], &merged)?;
    let after = groups.between(nodes, first, second).ok_or(Reason::Between)?;
    groups.replace([first, second], merged, &after);
    Ok(())
}

/// Merges groups that read one large value at the same places, so that it is read once.
fn merge_siblings(nodes: &Nodes<'_>, groups: &mut Groups) {
    for (shared, _) in nodes.graph.nodes() {
        let readers: Vec<GroupId> = groups.using(nodes, shared).into_iter().collect();
        for (i, a) in readers.iter().enumerate() {
            for b in &readers[i + 1..] {
                // Merging leaves one of the two empty.
                if groups.get(*a).members.is_empty() || groups.get(*b).members.is_empty() {
                    continue;
                }
                let (first, second) = groups.ordered(*a, *b);
                let _ = merge_sibling(nodes, groups, [first, second], shared);
            }
        }
    }
}

fn merge_sibling(
    nodes: &Nodes<'_>,
    groups: &mut Groups,
    [first, second]: [GroupId; 2],
    shared: NodeId,
) -> Result<(), Reason> {
    let merged = legality::horizontal(nodes, groups, [first, second], shared)?;
    legality::apart(nodes, &merged)?;
    profit::check(nodes, [groups.get(first), groups.get(second)], &merged)?;
    let after = groups.between(nodes, first, second).ok_or(Reason::Between)?;
    groups.replace([first, second], merged, &after);
    Ok(())
}

/// For each value that is stored and each group that reads it, why the two are not one.
fn remarks(nodes: &Nodes<'_>, groups: &Groups, declined: &Declined) -> Vec<Remark> {
    let mut said: BTreeSet<(NodeId, GroupId)> = BTreeSet::new();
    let mut remarks = vec![];
    for ((node, reader), reason) in declined {
        let (Some(own), Some(other)) = (groups.of(*node), groups.of(*reader)) else { continue };
        let apart = own != other && groups.get(other).outside_reads(nodes).contains(node);
        if apart && said.insert((*node, other)) {
            remarks.push(Remark { node: *node, reader: *reader, reason: *reason });
        }
    }
    remarks.sort_by_key(|remark| (std::cmp::Reverse(nodes.bytes(remark.node)), remark.node, remark.reader));
    remarks
}
