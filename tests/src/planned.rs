//! Running graphs as plans: the interpreter of plans with the compiler's passes in front.

use std::sync::Arc;

use vspec_cpu::{CpuEngine, Mode};
use vspec_dfdx::DfdxEngine;
use vspec_engine::plan::{Fuser, PlanInterpreter, Planner};
use vspec_engine::{EngineError, Precision, Sizes};
use vspec_ir::Graph;
use vspec_ir::plan::{Fusions, Plan};
use vspec_optimize::fuse::{self, Options, Rematerialized};
use vspec_optimize::{
    Context, Level, Target, Verify, bind, compact, layout, memory, pipeline, plan, run, schedule, uniform,
    unroll,
};

/// Plans a graph as it is, without rewriting it first.
struct Direct {
    options: Options,
    /// Channels that lie together; then fills are shrunk, short rows unrolled and operands laid out, too, however small they are.
    block: Option<usize>,
    /// Whether kernels run when that saves memory, and compute again what is cheap, however little there is.
    saves: bool,
}

impl Direct {
    fn new(options: Options) -> Self {
        Direct { options, block: None, saves: false }
    }
}

fn bound(graph: &Graph, sizes: &Sizes) -> Result<Graph, EngineError> {
    bind(graph, &|name| sizes.named(name)).map_err(|error| EngineError::Unsupported(error.to_string()))
}

impl Planner for Direct {
    fn plan(&self, graph: &Graph, sizes: &Sizes) -> Result<Plan, EngineError> {
        let least = if self.saves { 0 } else { usize::MAX };
        let copied = fuse::rematerialize(&bound(graph, sizes)?, least).map_err(EngineError::Unsupported)?;
        let Rematerialized { graph, copies } = copied;
        let fused = fuse::fuse_apart(&graph, &copies, self.options).map_err(EngineError::Unsupported)?;
        let mut plan = fused.plan;
        if self.saves {
            schedule::order(&mut plan);
        }
        if let Some(block) = self.block {
            uniform::shrink(&mut plan);
            unroll::unroll(&mut plan, 1);
            compact::compact(&mut plan, compact::Least { points: 1, again: 1 });
            layout::assign(&mut plan, block);
        }
        memory::place(&mut plan);
        Ok(plan)
    }
}

impl Fuser for Direct {
    fn fusions(&self, graph: &Graph, sizes: &Sizes) -> Result<Fusions, EngineError> {
        fuse::regions(&bound(graph, sizes)?).map_err(EngineError::Unsupported)
    }
}

/// Plans graphs as the command line does: with all passes of a level.
struct Passes(Level);

impl Planner for Passes {
    fn plan(&self, graph: &Graph, sizes: &Sizes) -> Result<Plan, EngineError> {
        let planned = plan(graph, Target::dense(self.0), &|name| sizes.named(name));
        planned.map(|planned| planned.plan).map_err(|error| EngineError::Unsupported(error.to_string()))
    }
}

/// The interpreter of plans, with all passes of a level.
pub fn planned_at(level: Level, precision: Precision) -> PlanInterpreter {
    PlanInterpreter { precision, planner: Arc::new(Passes(level)) }
}

/// The fused engine, with all passes of a level.
pub fn fused_at(level: Level, precision: Precision) -> CpuEngine {
    fused_in(Mode::BEST, level, precision)
}

/// The same, in a mode.
pub fn fused_in(mode: Mode, level: Level, precision: Precision) -> CpuEngine {
    CpuEngine { precision, planner: Arc::new(Passes(level)), mode }
}

/// The interpreter of plans, with kernels as the options say.
pub fn planned(precision: Precision, options: Options) -> PlanInterpreter {
    PlanInterpreter { precision, planner: Arc::new(Direct::new(options)) }
}

/// The interpreter of plans, with pairs of channels that lie together and unrolled rows.
pub fn in_blocks(precision: Precision) -> PlanInterpreter {
    let planner = Direct { block: Some(2), ..Direct::new(Options::default()) };
    PlanInterpreter { precision, planner: Arc::new(planner) }
}

/// The interpreter of plans that save memory, however little there is to save.
pub fn saving(precision: Precision) -> PlanInterpreter {
    PlanInterpreter { precision, planner: Arc::new(savings()) }
}

/// The fused engine, with such plans of what all passes make of a graph.
pub fn fused_saving(precision: Precision) -> CpuEngine {
    CpuEngine { precision, planner: Arc::new(SavingPasses), mode: Mode::BEST }
}

struct SavingPasses;

impl Planner for SavingPasses {
    fn plan(&self, graph: &Graph, sizes: &Sizes) -> Result<Plan, EngineError> {
        let rewritten = run(pipeline(Level::O2), graph, &mut Context::default(), Verify::default());
        let graph = rewritten.map_err(|error| EngineError::Unsupported(error.to_string()))?;
        savings().plan(&graph, sizes)
    }
}

fn savings() -> Direct {
    Direct { saves: true, ..Direct::new(Options::default()) }
}

/// The fused engine, with kernels as the options say.
pub fn fused(precision: Precision, options: Options) -> CpuEngine {
    CpuEngine { precision, planner: Arc::new(Direct::new(options)), mode: Mode::BEST }
}

/// dfdx with fused regions on its tape.
pub fn fusing(precision: Precision) -> DfdxEngine {
    DfdxEngine::new(precision).fusing(Arc::new(Direct::new(Options::default())))
}

/// The compiler as a fuser that leaves the graph as it is.
pub fn direct() -> impl Fuser {
    Direct::new(Options::default())
}
