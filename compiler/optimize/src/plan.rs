//! From a graph to a plan: passes, sizes, kernels, layouts, memory.

use std::collections::BTreeSet;
use std::fmt;

use vspec_ir::plan::{Plan, size_of};
use vspec_ir::{Graph, NodeId, Type};

use crate::memory::Footprint;
use crate::{
    BindError, Context, Error, Level, Verify, bind, compact, fuse, layout, memory, pipeline, run, schedule,
    uniform, unroll,
};

/// What a plan is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// How much is done: kernels are fused and put in order, short rows unrolled, fills shrunk and small operands laid out from O1 on, and
    /// cheap values computed again from O2 on.
    pub level: Level,
    /// Channels that lie together in maps, for engines whose kernels want that.
    pub block: Option<usize>,
}

impl Target {
    /// A level, with every value in rows.
    pub fn dense(level: Level) -> Self {
        Target { level, block: None }
    }
}

/// A plan, and what there is to say about it.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The graph that it was made of: after all passes, with sizes bound, and with copies of what is computed twice.
    pub graph: Graph,
    /// The plan.
    pub plan: Plan,
    /// Why values are stored.
    pub remarks: Vec<fuse::Remark>,
    /// What it needs.
    pub footprint: Footprint,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanError {
    /// A pass failed.
    Pass(Error),
    /// The sizes do not fit the graph.
    Bind(BindError),
    /// Values of this type need more memory than can be addressed.
    TooLarge(Type),
    /// Kernels could not be made, which is a bug in the compiler.
    Fuse(String),
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::Pass(error) => write!(f, "{error}"),
            PlanError::Bind(error) => write!(f, "{error}"),
            PlanError::TooLarge(ty) => write!(f, "a value of {ty} is larger than any memory"),
            PlanError::Fuse(error) => write!(f, "{error}; this is a bug in vspecc"),
        }
    }
}

impl std::error::Error for PlanError {}

/// The plan of a graph for given sizes.
///
/// # Errors
/// When the sizes do not fit, or the compiler makes a mistake.
pub fn plan(
    graph: &Graph,
    target: Target,
    lookup: &dyn Fn(&str) -> Option<i64>,
) -> Result<Planned, PlanError> {
    let mut cx = Context::default();
    let rewritten =
        run(pipeline(target.level), graph, &mut cx, Verify::default()).map_err(PlanError::Pass)?;
    let graph = bind(&rewritten, lookup).map_err(PlanError::Bind)?;
    check_memory(&graph)?;
    let fused = of_graph(graph, &BTreeSet::new(), target)?;
    if target.level < Level::O2 {
        return Ok(fused);
    }
    let fuse::Rematerialized { graph, copies } =
        fuse::rematerialize(&fused.graph, fuse::LARGE).map_err(PlanError::Fuse)?;
    if copies.is_empty() {
        return Ok(fused);
    }
    // Where most memory is for something else, copies only take time.
    let copied = of_graph(graph, &copies, target)?;
    let saved = fused.footprint.planned.saturating_sub(copied.footprint.planned);
    Ok(if saved >= fused.footprint.planned / WORTH { copied } else { fused })
}

/// The largest number of bytes that all values of a graph may have together: half of what can be addressed.
const MEMORY: i64 = i64::MAX / 2;

/// Whether the bytes of all values can be counted.
fn check_memory(graph: &Graph) -> Result<(), PlanError> {
    let mut total = 0i64;
    for (_, node) in graph.nodes() {
        let elements = node.ty.elements().ok().and_then(|n| n.as_const());
        let bytes = elements.and_then(|n| n.checked_mul(size_of(node.ty.dtype) as i64));
        total = bytes
            .and_then(|bytes| total.checked_add(bytes))
            .filter(|total| *total <= MEMORY)
            .ok_or_else(|| PlanError::TooLarge(node.ty.clone()))?;
    }
    Ok(())
}

/// The part of a plan's memory that copies have to save.
const WORTH: usize = 8;

/// The plan of a graph whose sizes are bound, in which some nodes compute something a second time.
fn of_graph(graph: Graph, copies: &BTreeSet<NodeId>, target: Target) -> Result<Planned, PlanError> {
    let options = fuse::Options { fuse: target.level >= Level::O1, recompute: target.level >= Level::O2 };
    let fuse::Fused { mut plan, remarks } =
        fuse::fuse_apart(&graph, copies, options).map_err(PlanError::Fuse)?;
    if options.fuse {
        uniform::shrink(&mut plan);
        unroll::unroll(&mut plan, unroll::MANY_ROWS);
        compact::compact(&mut plan, compact::Least::WORTH);
        schedule::order(&mut plan);
    }
    if let Some(block) = target.block {
        layout::assign(&mut plan, block);
    }
    let footprint = memory::place(&mut plan);
    Ok(Planned { graph, plan, remarks, footprint })
}
