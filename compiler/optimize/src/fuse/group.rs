//! Groups of nodes that are computed together, and the loops of each.

use std::collections::{BTreeMap, BTreeSet};

use vspec_ir::NodeId;

use super::nodes::{Nodes, Role, folded_axes};

/// A group, by its position in [`Groups::all`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GroupId(pub(super) usize);

/// Nodes that one kernel computes.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    /// Its nodes, ascending.
    pub(super) members: Vec<NodeId>,
    /// Rounds of each loop; none is 1, unless the group has an anchor.
    pub(super) extents: Vec<usize>,
    /// Whether a loop runs over the points of a row. Without folds no loop does.
    pub(super) inner: Vec<bool>,
    /// The loop of each axis that a member is computed at; none where the size is 1. A member without is computed at whatever places
    /// its readers ask for.
    pub(super) frames: BTreeMap<NodeId, Vec<Option<usize>>>,
    /// The op that the kernel begins with.
    pub(super) anchor: Option<NodeId>,
    /// Nodes of other groups that are computed here once more; they have frames, too.
    pub(super) again: BTreeSet<NodeId>,
}

impl Group {
    /// Whether it goes through rows.
    pub(super) fn folds(&self) -> bool {
        self.inner.contains(&true)
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.extents.iter().zip(&self.inner).filter(|(_, inner)| !**inner).map(|(n, _)| n).product()
    }

    /// Points of a row.
    pub(super) fn row_points(&self) -> usize {
        self.extents.iter().zip(&self.inner).filter(|(_, inner)| **inner).map(|(n, _)| n).product()
    }

    /// Loops that a member's result runs along, in the order of its axes; a fold has lost those that it folded.
    pub(super) fn result_frame(&self, nodes: &Nodes<'_>, id: NodeId) -> Option<Vec<Option<usize>>> {
        let frame = self.frames.get(&id)?;
        if nodes.role(id) != Role::Fold {
            return Some(frame.clone());
        }
        Some(fold_result(nodes, id).into_iter().map(|axis| axis.and_then(|axis| frame[axis])).collect())
    }

    /// Loops that a member's result runs along, ascending.
    pub(super) fn loops_of(&self, nodes: &Nodes<'_>, id: NodeId) -> Option<Vec<usize>> {
        let mut loops: Vec<usize> = self.result_frame(nodes, id)?.into_iter().flatten().collect();
        loops.sort_unstable();
        Some(loops)
    }
}

/// For each axis of a fold's result the axis of what it folds; none for an axis that was folded and kept with size 1.
pub(super) fn fold_result(nodes: &Nodes<'_>, id: NodeId) -> Vec<Option<usize>> {
    let (folded, keeps) = folded_axes(&nodes.node(id).op);
    let axes = 0..nodes.points(id).len();
    let kept = axes.filter(|axis| keeps || !folded.contains(axis));
    kept.map(|axis| (!folded.contains(&axis)).then_some(axis)).collect()
}

impl Group {
    /// Whether the group computes a node, as its own or once more.
    pub(super) fn computes(&self, id: NodeId) -> bool {
        self.members.binary_search(&id).is_ok() || self.again.contains(&id)
    }

    /// What the group reads of other groups and of memory, each once, ascending.
    pub(super) fn outside_reads(&self, nodes: &Nodes<'_>) -> BTreeSet<NodeId> {
        let own = self.members.iter().chain(&self.again);
        let reads = own.flat_map(|id| nodes.reads(*id)).map(|read| read.of);
        reads.filter(|of| !self.computes(*of)).collect()
    }
}

/// All groups, in an order in which they can be computed.
#[derive(Default)]
pub(super) struct Groups {
    pub(super) all: Vec<Group>,
    of: Vec<Option<GroupId>>,
    /// Groups in order; those that were merged into others stand here still, empty.
    order: Vec<GroupId>,
    place: Vec<usize>,
    /// Groups that compute a node once more.
    again_by: BTreeMap<NodeId, BTreeSet<GroupId>>,
}

impl Groups {
    /// One group for each node that is computed.
    pub(super) fn single(nodes: &Nodes<'_>) -> Self {
        let mut groups = Groups { of: vec![None; nodes.graph.len()], ..Groups::default() };
        for (id, _) in nodes.graph.nodes().filter(|(id, _)| nodes.is_computed(*id)) {
            let group = GroupId(groups.all.len());
            groups.of[id.index()] = Some(group);
            groups.place.push(groups.order.len());
            groups.order.push(group);
            groups.all.push(alone(nodes, id));
        }
        groups
    }

    /// The group of a node that is computed.
    pub(super) fn of(&self, id: NodeId) -> Option<GroupId> {
        self.of[id.index()]
    }

    pub(super) fn get(&self, id: GroupId) -> &Group {
        &self.all[id.0]
    }

    /// Groups that are left, in order.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        self.order.iter().map(|id| (*id, self.get(*id))).filter(|(_, group)| !group.members.is_empty())
    }

    /// Groups that read what a group computes, in any order and perhaps several times.
    fn each_reader(&self, nodes: &Nodes<'_>, id: GroupId, mut see: impl FnMut(GroupId)) {
        for member in &self.get(id).members {
            let users = nodes.users(*member).iter();
            match self.again_by.is_empty() {
                true => {
                    users.filter_map(|user| self.of(*user)).filter(|group| *group != id).for_each(&mut see)
                }
                false => self.reading(nodes, *member).into_iter().for_each(&mut see),
            }
        }
    }

    /// Whether a member has readers outside two groups, or is an output.
    pub(super) fn is_needed_outside(&self, nodes: &Nodes<'_>, id: NodeId, inside: [GroupId; 2]) -> bool {
        if self.again_by.is_empty() {
            let outside = |user: &NodeId| self.of(*user).is_some_and(|group| !inside.contains(&group));
            return nodes.is_output(id) || nodes.users(id).iter().any(outside);
        }
        nodes.is_output(id) || self.reading(nodes, id).iter().any(|group| !inside.contains(group))
    }

    /// What lies between two groups, `first` before `second`, and needs `first`; none if something of it is needed by `second`, so that
    /// the two cannot be computed together.
    pub(super) fn between(
        &self,
        nodes: &Nodes<'_>,
        first: GroupId,
        second: GroupId,
    ) -> Option<BTreeSet<GroupId>> {
        let end = self.place[second.0];
        let (mut found, mut open) = (BTreeSet::new(), vec![]);
        let mut seen = vec![false; self.all.len()];
        self.each_reader(nodes, first, |group| open.extend((group != second).then_some(group)));
        while let Some(group) = open.pop() {
            if group == second {
                return None;
            }
            if self.place[group.0] < end && !std::mem::replace(&mut seen[group.0], true) {
                found.insert(group);
                self.each_reader(nodes, group, |reader| open.push(reader));
            }
        }
        Some(found)
    }

    /// Which of two groups comes first.
    pub(super) fn ordered(&self, a: GroupId, b: GroupId) -> (GroupId, GroupId) {
        if self.place[a.0] < self.place[b.0] { (a, b) } else { (b, a) }
    }

    /// Puts a merged group in the place of two, `first` and `second` in order; `after` is what lies between them and needs the first.
    pub(super) fn replace(
        &mut self,
        [first, second]: [GroupId; 2],
        merged: Group,
        after: &BTreeSet<GroupId>,
    ) {
        let (from, to) = (self.place[first.0], self.place[second.0]);
        for member in &merged.members {
            self.of[member.index()] = Some(second);
        }
        for id in &self.all[first.0].again {
            if let Some(by) = self.again_by.get_mut(id) {
                by.remove(&first);
                by.insert(second);
            }
        }
        self.all[first.0] = Group::default();
        self.all[second.0] = merged;
        let part: Vec<GroupId> = self.order[from..=to].to_vec();
        let (late, early): (Vec<GroupId>, Vec<GroupId>) = part.into_iter().partition(|g| after.contains(g));
        let sorted = early.into_iter().chain(late);
        for (place, group) in (from..=to).zip(sorted) {
            self.order[place] = group;
            self.place[group.0] = place;
        }
    }

    /// Has nodes computed by one more group.
    pub(super) fn compute_again(&mut self, nodes: &Nodes<'_>, again: &BTreeSet<NodeId>, by: GroupId) {
        let group = &mut self.all[by.0];
        for id in again {
            group.again.insert(*id);
            self.again_by.entry(*id).or_default().insert(by);
        }
        // Readers come after what they read.
        for id in again.iter().rev() {
            if let Some(frame) = frame_from_readers(nodes, group, *id) {
                group.frames.insert(*id, frame);
            }
        }
    }

    /// Groups that read a node, as their own or for something that they compute once more, ascending; not those that compute it.
    pub(super) fn reading(&self, nodes: &Nodes<'_>, id: NodeId) -> Vec<GroupId> {
        self.using(nodes, id).into_iter().filter(|group| !self.get(*group).computes(id)).collect()
    }

    /// Groups that compute something from a node, wherever they have it from.
    pub(super) fn using(&self, nodes: &Nodes<'_>, id: NodeId) -> BTreeSet<GroupId> {
        let mut found = BTreeSet::new();
        for user in nodes.users(id) {
            found.extend(self.of(*user));
            found.extend(self.again_by.get(user).into_iter().flatten().copied());
        }
        found
    }
}

/// The loop of each axis of a node, as one of its readers in a group reads it.
fn frame_from_readers(nodes: &Nodes<'_>, group: &Group, id: NodeId) -> Option<Vec<Option<usize>>> {
    nodes.users(id).iter().filter(|user| group.computes(**user)).find_map(|user| {
        let frame = group.frames.get(user)?;
        let read = nodes.reads(*user).iter().find(|read| read.of == id)?;
        Some(read.aligned.as_ref()?.iter().map(|axis| axis.and_then(|axis| frame[axis])).collect())
    })
}

/// The group of one node.
fn alone(nodes: &Nodes<'_>, id: NodeId) -> Group {
    let points = nodes.points(id);
    let anchored = nodes.role(id) == Role::Anchor;
    let mut group = Group { members: vec![id], anchor: anchored.then_some(id), ..Group::default() };
    let folded = if nodes.role(id) == Role::Fold { folded_axes(&nodes.node(id).op).0 } else { vec![] };
    let mut frame = vec![];
    for (axis, size) in points.iter().enumerate() {
        let loops = *size != 1 || anchored;
        frame.push((*size != 1).then_some(group.extents.len()));
        if loops {
            group.extents.push(*size);
            group.inner.push(folded.contains(&axis));
        }
    }
    group.frames.insert(id, frame);
    group
}
