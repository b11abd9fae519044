//! Whether two groups can be computed by one kernel, and what that kernel's loops are.
//!
//! Two groups fit when the loops of one can be taken for loops of the other. Which loop is which follows from how one reads the other: an
//! axis of what is read runs along a loop of its reader. Where that leaves points of rows undecided, any pairing of equal extents does.

use std::collections::BTreeMap;
use std::fmt;

use vspec_ir::NodeId;

use super::group::{Group, GroupId, Groups};
use super::nodes::Nodes;

/// Why two groups stay apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The reader wants whole tensors: a convolution, a sort, a place that data names.
    InMemory,
    /// Something that reads the one and is read by the other lies between them.
    Between,
    /// The loops of one are not loops of the other.
    Loops,
    /// A row of one is not a row of the other.
    Rows,
    /// It is read in another arrangement by one and needed in memory by others.
    Rearranged,
    /// A value that has to be stored would be computed more often than it has elements.
    Repeated,
    /// The reader folds what an op with a kernel of its own computes.
    FoldsAnchor,
    /// Both begin with an op that has a kernel of its own.
    Anchors,
    /// The rows are too few and too long to be gone through again.
    LongRows,
    /// Computing it at every point of the reader costs more than reading it.
    Costly,
    /// The kernel would be too large.
    Large,
    /// One is computed a second time so that it need not be kept since the other.
    Again,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::InMemory => "its reader needs it in memory as a whole",
            Reason::Between => "something between the two needs it",
            Reason::Loops => "its axes are not those that its reader loops over",
            Reason::Rows => "its rows are not the rows of its reader",
            Reason::Rearranged => "one reader wants it in another arrangement, others need it in memory",
            Reason::Repeated => "it is stored, and its reader would compute it several times",
            Reason::FoldsAnchor => "its reader folds it, and its kernel works in tiles",
            Reason::Anchors => "both have kernels of their own",
            Reason::LongRows => "rows are too few and too long to go through them again",
            Reason::Costly => "computing it again at every point costs more than reading it",
            Reason::Large => "the kernel would become too large",
            Reason::Again => "it is computed a second time later, so that it is not kept until then",
        })
    }
}

/// Most nodes of a group.
const LARGEST: usize = 256;

/// Pairs of loops: one of the first group, and the one of the second group that is the same.
type Pairs = BTreeMap<usize, usize>;

/// The group that computes what two groups compute, where `second` reads `first`.
pub(super) fn vertical(
    nodes: &Nodes<'_>,
    groups: &Groups,
    [first, second]: [GroupId; 2],
) -> Result<Group, Reason> {
    let (a, b) = (groups.get(first), groups.get(second));
    match pairs_of_reads(nodes, groups, [first, second])? {
        Some(pairs) => unify(nodes, groups, [first, second], pairs),
        None => floating(nodes, groups, [first, second], a, b),
    }
}

/// The group that computes what two groups compute that read one value: the loops along its axes are the same.
pub(super) fn horizontal(
    nodes: &Nodes<'_>,
    groups: &Groups,
    ids: [GroupId; 2],
    shared: NodeId,
) -> Result<Group, Reason> {
    let reads = |reader: &NodeId| nodes.reads(*reader).iter().any(|read| groups.of(read.of) == Some(ids[0]));
    if groups.get(ids[1]).members.iter().chain(&groups.get(ids[1]).again).any(reads) {
        return Err(Reason::Between);
    }
    let along = |id: GroupId| axes_along(nodes, groups.get(id), shared).ok_or(Reason::Loops);
    let (own, other) = (along(ids[0])?, along(ids[1])?);
    let mut pairs = Pairs::new();
    for (a, b) in own.into_iter().zip(other) {
        if let (Some(a), Some(b)) = (a, b) {
            pair(&mut pairs, a, b)?;
        }
    }
    unify(nodes, groups, ids, pairs)
}

/// Says no when a merged group would compute copies of values where the values themselves are computed.
pub(super) fn apart(nodes: &Nodes<'_>, merged: &Group) -> Result<(), Reason> {
    let Some(first) = nodes.first_copy() else { return Ok(()) };
    let early = merged.members.first().is_some_and(|member| *member < first);
    let copies = || merged.members.iter().any(|member| nodes.is_copy(*member));
    if early && copies() { Err(Reason::Again) } else { Ok(()) }
}

/// For each axis of a value the loop of a group that reads it along that axis.
fn axes_along(nodes: &Nodes<'_>, group: &Group, shared: NodeId) -> Option<Vec<Option<usize>>> {
    group.members.iter().chain(&group.again).find_map(|member| {
        let read = nodes.reads(*member).iter().find(|read| read.of == shared && !read.from_memory)?;
        let frame = group.frames.get(member)?;
        Some(read.aligned.as_ref()?.iter().map(|axis| axis.and_then(|axis| frame[axis])).collect())
    })
}

fn pair(pairs: &mut Pairs, a: usize, b: usize) -> Result<(), Reason> {
    let known = *pairs.entry(a).or_insert(b);
    let taken = pairs.iter().any(|(other, target)| *target == b && *other != a);
    if known == b && !taken { Ok(()) } else { Err(Reason::Loops) }
}

/// Which loops of the first group are which of the second, as its reads say; none if some read is in another arrangement.
fn pairs_of_reads(
    nodes: &Nodes<'_>,
    groups: &Groups,
    [first, second]: [GroupId; 2],
) -> Result<Option<Pairs>, Reason> {
    let (a, b) = (groups.get(first), groups.get(second));
    let mut pairs = Pairs::new();
    let mut plain = true;
    for reader in &b.members {
        for read in nodes.reads(*reader).iter().filter(|read| groups.of(read.of) == Some(first)) {
            if read.from_memory {
                return Err(Reason::InMemory);
            }
            let frames = (a.result_frame(nodes, read.of), b.frames.get(reader), &read.aligned);
            let (Some(own), Some(frame), Some(aligned)) = frames else {
                plain = false;
                continue;
            };
            for (own, axis) in own.iter().zip(aligned) {
                if let (Some(own), Some(axis)) = (own, axis)
                    && let Some(other) = frame[*axis]
                {
                    pair(&mut pairs, *own, other)?;
                }
            }
        }
    }
    Ok(plain.then_some(pairs))
}

/// The first group's nodes are computed wherever the second one asks for them: nobody else may need them.
fn floating(
    nodes: &Nodes<'_>,
    groups: &Groups,
    ids: [GroupId; 2],
    a: &Group,
    b: &Group,
) -> Result<Group, Reason> {
    if a.folds() || a.anchor.is_some() {
        return Err(Reason::Rows);
    }
    if a.members.len() + b.members.len() > LARGEST {
        return Err(Reason::Large);
    }
    if a.members.iter().any(|member| groups.is_needed_outside(nodes, *member, ids)) {
        return Err(Reason::Rearranged);
    }
    let mut merged = b.clone();
    add_members(&mut merged, a);
    Ok(merged)
}

fn unify(nodes: &Nodes<'_>, groups: &Groups, ids: [GroupId; 2], mut pairs: Pairs) -> Result<Group, Reason> {
    let (a, b) = (groups.get(ids[0]), groups.get(ids[1]));
    if a.members.len() + b.members.len() > LARGEST {
        return Err(Reason::Large);
    }
    if pairs.iter().any(|(x, y)| a.extents[*x] != b.extents[*y]) {
        return Err(Reason::Loops);
    }
    match (a.anchor, b.anchor) {
        (Some(_), Some(_)) => return Err(Reason::Anchors),
        (Some(_), None) if b.folds() => return Err(Reason::FoldsAnchor),
        (None, Some(_)) if a.folds() => return Err(Reason::FoldsAnchor),
        _ => {}
    }
    if a.folds() {
        pair_rows(a, b, &mut pairs)?;
    }
    // The loops of one must all be loops of the other, whose loops stay.
    let merged = if runs_within(a, pairs.keys()) && !a.folds() && a.anchor.is_none() {
        joined(b, a, &pairs)
    } else if runs_within(b, pairs.values()) && b.anchor.is_none() && (a.folds() || !b.folds()) {
        joined(a, b, &pairs.iter().map(|(x, y)| (*y, *x)).collect())
    } else {
        return Err(Reason::Loops);
    };
    for member in merged.members.iter().filter(|m| groups.is_needed_outside(nodes, **m, ids)) {
        if !is_storable(nodes, &merged, *member) {
            return Err(Reason::Repeated);
        }
    }
    Ok(merged)
}

/// Completes the pairs where the first group goes through rows: its rows must be the second group's, too.
fn pair_rows(a: &Group, b: &Group, pairs: &mut Pairs) -> Result<(), Reason> {
    let rows = (0..a.extents.len()).filter(|i| !a.inner[*i]);
    if rows.clone().any(|row| !pairs.contains_key(&row)) {
        return Err(Reason::Rows);
    }
    let row_images: Vec<usize> = rows.filter_map(|row| pairs.get(&row).copied()).collect();
    let of_row = |i: &usize| if b.folds() { !b.inner[*i] } else { row_images.contains(i) };
    if b.folds() && (0..b.extents.len()).filter(of_row).ne(sorted(&row_images)) {
        return Err(Reason::Rows);
    }
    let points: Vec<usize> = (0..b.extents.len()).filter(|i| !of_row(i)).collect();
    let paired: Vec<usize> = pairs.iter().filter(|(x, _)| a.inner[**x]).map(|(_, y)| *y).collect();
    if paired.iter().any(|y| !points.contains(y)) {
        return Err(Reason::Rows);
    }
    if points.is_empty() {
        return Ok(());
    }
    let open_a: Vec<usize> = (0..a.extents.len()).filter(|x| a.inner[*x] && !pairs.contains_key(x)).collect();
    let open_b: Vec<usize> = points.into_iter().filter(|y| !paired.contains(y)).collect();
    let fit = open_a.len() == open_b.len()
        && open_a.iter().zip(&open_b).all(|(x, y)| a.extents[*x] == b.extents[*y]);
    if !fit {
        return Err(Reason::Rows);
    }
    pairs.extend(open_a.into_iter().zip(open_b));
    Ok(())
}

fn sorted(loops: &[usize]) -> impl Iterator<Item = usize> {
    let mut loops = loops.to_vec();
    loops.sort_unstable();
    loops.into_iter()
}

/// Whether every loop with more than one round is among the paired ones.
fn runs_within<'p>(group: &Group, paired: impl Iterator<Item = &'p usize>) -> bool {
    let paired: Vec<&usize> = paired.collect();
    (0..group.extents.len()).all(|i| group.extents[i] == 1 || paired.contains(&&i))
}

/// `base` with the members of another group, whose loops are loops of it.
fn joined(base: &Group, other: &Group, to_base: &Pairs) -> Group {
    let mut merged = base.clone();
    add_members(&mut merged, other);
    for (member, frame) in &other.frames {
        let moved = frame.iter().map(|own| own.and_then(|own| to_base.get(&own).copied())).collect();
        merged.frames.insert(*member, moved);
    }
    merged
}

fn add_members(group: &mut Group, other: &Group) {
    group.members.extend(&other.members);
    group.members.sort_unstable();
    group.again.extend(&other.again);
    let own = &group.members;
    group.again.retain(|id| own.binary_search(id).is_err());
}

/// Whether each element of a member is computed once: at every point, or once a row.
pub(super) fn is_storable(nodes: &Nodes<'_>, group: &Group, member: NodeId) -> bool {
    let Some(loops) = group.loops_of(nodes, member) else { return false };
    let more_than_one = |i: &usize| group.extents[*i] != 1;
    let all = (0..group.extents.len()).filter(more_than_one);
    let rows = (0..group.extents.len()).filter(|i| !group.inner[*i]).filter(more_than_one);
    let own = || loops.iter().copied().filter(more_than_one);
    own().eq(all) || group.folds() && own().eq(rows)
}
