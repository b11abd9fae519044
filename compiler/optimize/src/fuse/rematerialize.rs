//! Rematerialisation: what is cheap to compute again is not kept from the way forth to the way back.
//!
//! ```text
//! %y = relu(norm(%x))                  %y = relu(norm(%x))
//! %z = conv(%y, %w)                    %z = conv(%y, %w)
//! ...                            ->    ...
//! %d = conv_weight(%y, %dz)            %again = relu(norm(%x))
//!                                      %d = conv_weight(%again, %dz)
//! ```
//!
//! Most memory of a training step holds what convolutions and products read once more on the way back. Where that follows in few
//! operations from values that are there anyway, such as the input of a norm, which the norm's own gradient needs, it is computed a second
//! time: fusion makes the copy part of a kernel that reads the same values, so that it costs a write. (Chen et al. 2016, "Training deep
//! nets with sublinear memory cost", drop more and run whole layers again, which costs a third of a step.)

use std::collections::{BTreeMap, BTreeSet};

use vspec_ir::{Graph, Node, NodeId, Op};

use super::nodes::{Nodes, Role};
use super::profit::cost;
use crate::rebuild::Rebuild;

/// Bytes that are kept to be read from memory from which it is done. Below, memory is not what anyone runs out of, and time is.
pub const LARGE: usize = 64 << 20;

/// The most that computing a value again may cost, in additions for each of its elements: less than to write and to read it.
const CHEAP: usize = 32;
/// The most values of about its size that may be read for that.
const LEAVES: usize = 4;
/// How much smaller a value has to be to be kept for it.
const SMALLER: usize = 8;

/// A graph in which some values are computed twice.
#[derive(Debug, Clone)]
pub struct Rematerialized {
    /// The graph.
    pub graph: Graph,
    /// The second ones.
    pub copies: BTreeSet<NodeId>,
}

/// The graph with copies of what is cheap to compute again, if at least so many bytes are kept to be read from memory.
///
/// # Errors
/// When sizes are not bound.
pub fn rematerialize(graph: &Graph, least: usize) -> Result<Rematerialized, String> {
    let nodes = Nodes::of(graph)?;
    let Some(peak) = peak(&nodes).filter(|(_, bytes)| *bytes >= least).map(|(at, _)| at) else {
        return Ok(Rematerialized { graph: graph.clone(), copies: BTreeSet::new() });
    };
    let cones = cones(&nodes, peak);
    let rebuild = Rebuild::of(graph);
    let mut copying = Copying { graph, peak, cones, rebuild, late: BTreeMap::new(), copies: BTreeSet::new() };
    for index in 0..copying.rebuild.len() {
        let Some((id, node)) = copying.rebuild.next(index) else { continue };
        let inputs = if id <= peak { node.inputs } else { copying.inputs(id) };
        copying.rebuild.keep(id, Node { inputs, ..node });
    }
    let (graph, copies) = copying.rebuild.finish_with(&copying.copies);
    Ok(Rematerialized { graph, copies })
}

/// The node at which most bytes are there that are read from memory later, and how many.
fn peak(nodes: &Nodes<'_>) -> Option<(NodeId, usize)> {
    let mut ends = vec![0; nodes.graph.len()];
    let (mut now, mut most) = (0, None);
    for (id, _) in nodes.graph.nodes() {
        if let Some(last) = last_from_memory(nodes, id) {
            now += nodes.bytes(id);
            ends[last.index()] += nodes.bytes(id);
        }
        if most.is_none_or(|(_, bytes)| now > bytes) {
            most = Some((id, now));
        }
        now -= std::mem::take(&mut ends[id.index()]);
    }
    most
}

/// The last of those that read a computed value and need it in memory.
fn last_from_memory(nodes: &Nodes<'_>, id: NodeId) -> Option<NodeId> {
    let needs = |user: &&NodeId| nodes.role(**user) == Role::Anchor;
    nodes.users(id).iter().rfind(needs).copied().filter(|_| nodes.is_computed(id))
}

/// Whether a value lies in memory, whatever is fused.
fn is_stored(nodes: &Nodes<'_>, id: NodeId) -> bool {
    match nodes.role(id) {
        Role::Anchor | Role::Fold => true,
        Role::Map => nodes.is_output(id) || last_from_memory(nodes, id).is_some(),
        Role::Memory | Role::Free | Role::View => false,
    }
}

/// For each value that is computed again behind the peak all nodes that this takes.
type Cones = BTreeMap<NodeId, BTreeSet<NodeId>>;

fn cones(nodes: &Nodes<'_>, peak: NodeId) -> Cones {
    let mut cones = Cones::new();
    for (id, _) in nodes.graph.nodes().take_while(|(id, _)| *id <= peak) {
        let chosen = nodes.role(id) == Role::Map && is_stored(nodes, id) && !nodes.is_output(id);
        let first = nodes.users(id).iter().find(|user| **user > peak);
        let (true, Some(first)) = (chosen, first) else { continue };
        if let Some(cone) = cone(nodes, id, *first, &cones) {
            cones.insert(id, cone);
        }
    }
    cones
}

/// What has to be computed for a value at its first late reader, if that is cheap.
fn cone(nodes: &Nodes<'_>, id: NodeId, reader: NodeId, dropped: &Cones) -> Option<BTreeSet<NodeId>> {
    let (mut cone, mut leaves, mut spent, mut open) = (BTreeSet::new(), BTreeSet::new(), 0, vec![id]);
    while let Some(node) = open.pop() {
        if !cone.insert(node) {
            continue;
        }
        let op = &nodes.node(node).op;
        spent += if nodes.role(node) == Role::Map { cost(op) } else { 0 };
        if spent > CHEAP || matches!(op, Op::Uniform { .. } | Op::Normal { .. }) {
            return None;
        }
        for input in &nodes.node(node).inputs {
            match operand(nodes, *input, [id, reader], dropped) {
                Operand::Small => {}
                Operand::Leaf => drop(leaves.insert(*input)),
                Operand::Inside => open.push(*input),
                Operand::Missing => return None,
            }
        }
    }
    (leaves.len() <= LEAVES).then_some(cone)
}

/// What becomes of an operand of what is computed again.
enum Operand {
    /// It costs little to have it there.
    Small,
    /// It is there anyway and has to be read.
    Leaf,
    /// It is computed again, too.
    Inside,
    /// It is not there, and dear.
    Missing,
}

/// For a value that is computed again at a reader.
fn operand(nodes: &Nodes<'_>, input: NodeId, [id, reader]: [NodeId; 2], dropped: &Cones) -> Operand {
    let small = nodes.is_computed(input) && nodes.bytes(input) * SMALLER <= nodes.bytes(id);
    let stays =
        || is_stored(nodes, input) && !dropped.contains_key(&input) && is_needed(nodes, input, reader);
    match nodes.role(input) {
        Role::Memory | Role::Free => Operand::Small,
        _ if small => Operand::Small,
        Role::View => Operand::Inside,
        _ if stays() => Operand::Leaf,
        Role::Map => Operand::Inside,
        Role::Fold | Role::Anchor => Operand::Missing,
    }
}

/// Whether a stored value is read from a node on, or something is that follows from it in what is not stored.
fn is_needed(nodes: &Nodes<'_>, id: NodeId, from: NodeId) -> bool {
    let (mut open, mut seen) = (vec![id], BTreeSet::new());
    while let Some(node) = open.pop() {
        if nodes.users(node).last().is_some_and(|last| *last >= from) {
            return true;
        }
        let follows = |user: &&NodeId| {
            let as_large = nodes.bytes(**user) >= nodes.bytes(id);
            as_large && nodes.role(**user) == Role::Map && !is_stored(nodes, **user)
        };
        open.extend(nodes.users(node).iter().filter(follows).filter(|user| seen.insert(**user)));
    }
    false
}

/// The new graph, in which what comes behind the peak reads copies.
struct Copying<'g> {
    graph: &'g Graph,
    peak: NodeId,
    cones: Cones,
    rebuild: Rebuild<'g>,
    /// What is read behind the peak in place of values before it.
    late: BTreeMap<NodeId, NodeId>,
    /// Nodes of the new graph that compute something a second time.
    copies: BTreeSet<NodeId>,
}

impl Copying<'_> {
    /// The operands of a node behind the peak.
    fn inputs(&mut self, id: NodeId) -> Vec<NodeId> {
        self.graph.node(id).inputs.iter().filter_map(|input| self.read(*input)).collect()
    }

    /// What a node behind the peak reads for a value.
    fn read(&mut self, id: NodeId) -> Option<NodeId> {
        if id > self.peak {
            return self.rebuild.became(id);
        }
        if let Some(known) = self.late.get(&id) {
            return Some(*known);
        }
        let late = match self.cones.get(&id).cloned() {
            Some(cone) => self.compute(&cone),
            None => self.look(id),
        }?;
        self.late.insert(id, late);
        Some(late)
    }

    /// Adds copies of some nodes, of which the last one is the value.
    fn compute(&mut self, cone: &BTreeSet<NodeId>) -> Option<NodeId> {
        let mut own: BTreeMap<NodeId, NodeId> = BTreeMap::new();
        for id in cone {
            let node = self.graph.node(*id);
            let read = |input: &NodeId| own.get(input).copied().or_else(|| self.rebuild.became(*input));
            let inputs = node.inputs.iter().filter_map(read).collect();
            own.insert(*id, self.rebuild.new.push(Node { inputs, ..node.clone() }));
        }
        self.copies.extend(own.values());
        own.last_entry().map(|last| *last.get())
    }

    /// A value that stays as it is, or a view of one that does not.
    fn look(&mut self, id: NodeId) -> Option<NodeId> {
        let as_it_is = self.rebuild.became(id);
        let node = self.graph.node(id);
        let views = super::views::is_view(&node.op, node.inputs.len());
        let of_copies = views && node.inputs.iter().any(|input| self.is_copied(*input));
        if !of_copies {
            return as_it_is;
        }
        let inputs = self.inputs(id);
        Some(self.rebuild.new.push(Node { inputs, ..node.clone() }))
    }

    /// Whether a value, or what it is a view of, is computed again.
    fn is_copied(&self, id: NodeId) -> bool {
        let node = self.graph.node(id);
        let views = super::views::is_view(&node.op, node.inputs.len());
        self.cones.contains_key(&id) || views && node.inputs.iter().any(|input| self.is_copied(*input))
    }
}
