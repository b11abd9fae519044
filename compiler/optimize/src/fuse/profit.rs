//! Whether computing two groups together is worth it. Whatever is legal saves memory traffic; these are the cases in which it costs more.

use std::collections::BTreeMap;

use vspec_ir::{NodeId, Op};

use super::group::Group;
use super::legality::Reason;
use super::nodes::{Nodes, Role};

/// Points of a row that stay in a core's own cache.
const CACHED_POINTS: usize = 1 << 15;
/// Rows that keep every core busy.
const ENOUGH_ROWS: usize = 8;
/// What may be computed again at every point of a reader, in [`cost`]s.
const CHEAP: usize = 6;

/// Says no when a merged group, made of `first` and its reader `second`, would be slower than the two.
pub(super) fn check(nodes: &Nodes<'_>, [first, second]: [&Group; 2], merged: &Group) -> Result<(), Reason> {
    let again = passes(nodes, merged) > 1;
    if again && merged.rows() < ENOUGH_ROWS && merged.row_points() > CACHED_POINTS {
        return Err(Reason::LongRows);
    }
    let repeats = |group: &Group| repeated(nodes, group, merged) > CHEAP;
    if repeats(first) && !repeats_already(nodes, first) || repeats(second) && !repeats_already(nodes, second)
    {
        return Err(Reason::Costly);
    }
    Ok(())
}

/// How often rows are gone through.
pub(super) fn passes(nodes: &Nodes<'_>, group: &Group) -> usize {
    if !group.folds() {
        return 1;
    }
    let mut before: BTreeMap<NodeId, usize> = BTreeMap::new();
    for member in &group.members {
        let after = |of: NodeId| before.get(&of).map(|pass| pass + usize::from(nodes.role(of) == Role::Fold));
        let pass = nodes.reads(*member).iter().filter_map(|read| after(read.of)).max().unwrap_or(0);
        before.insert(*member, pass);
    }
    let goes_through = |id: &NodeId| nodes.role(*id) == Role::Fold || runs_along_rows(nodes, group, *id);
    before.iter().filter(|(id, _)| goes_through(id)).map(|(_, pass)| pass + 1).max().unwrap_or(1)
}

fn runs_along_rows(nodes: &Nodes<'_>, group: &Group, id: NodeId) -> bool {
    group.loops_of(nodes, id).is_none_or(|loops| loops.iter().any(|i| group.inner[*i]))
}

/// Cost of what is computed at more points than it has, though not once a row or once in all.
fn repeated(nodes: &Nodes<'_>, part: &Group, merged: &Group) -> usize {
    let extra = |id: &&NodeId| match merged.loops_of(nodes, **id) {
        // Wherever its readers ask for it.
        None => true,
        Some(loops) => {
            let missing = (0..merged.extents.len()).any(|i| merged.extents[i] != 1 && !loops.contains(&i));
            let once_a_row = merged.folds() && loops.iter().all(|i| !merged.inner[*i]);
            missing && !once_a_row && !loops.is_empty()
        }
    };
    part.members.iter().filter(extra).map(|id| cost(&nodes.node(*id).op)).sum()
}

fn repeats_already(nodes: &Nodes<'_>, group: &Group) -> bool {
    repeated(nodes, group, group) > CHEAP
}

/// What one element of an op costs, in additions.
pub(super) fn cost(op: &Op) -> usize {
    match op {
        Op::Exp {} | Op::Log {} | Op::Log1p {} | Op::Sin {} | Op::Cos {} | Op::Atan {} => 8,
        Op::Tanh {} | Op::Sigmoid {} | Op::Erf {} | Op::Pow {} | Op::Atan2 {} | Op::Rem {} => 8,
        Op::Uniform { .. } | Op::Normal { .. } => 16,
        Op::Div {} | Op::Sqrt {} => 4,
        Op::Gather { .. } | Op::TakeAlong { .. } => 2,
        _ => 1,
    }
}
