//! Running graphs as plans: the interpreter of plans with the compiler's passes in front.

use std::sync::Arc;

use vspec_cpu::CpuEngine;
use vspec_engine::plan::{PlanInterpreter, Planner};
use vspec_engine::{EngineError, Precision, Sizes};
use vspec_ir::Graph;
use vspec_ir::plan::Plan;
use vspec_optimize::fuse::{self, Options};
use vspec_optimize::{bind, memory};

/// Plans a graph as it is, without rewriting it first.
struct Direct(Options);

impl Planner for Direct {
    fn plan(&self, graph: &Graph, sizes: &Sizes) -> Result<Plan, EngineError> {
        let fail = |error: String| EngineError::Unsupported(error);
        let bound = bind(graph, &|name| sizes.named(name)).map_err(|error| fail(error.to_string()))?;
        let mut plan = fuse::fuse(&bound, self.0).map_err(fail)?.plan;
        memory::place(&mut plan);
        Ok(plan)
    }
}

/// The interpreter of plans, with kernels as the options say.
pub fn planned(precision: Precision, options: Options) -> PlanInterpreter {
    PlanInterpreter { precision, planner: Arc::new(Direct(options)) }
}

/// The fused engine, with kernels as the options say.
pub fn fused(precision: Precision, options: Options) -> CpuEngine {
    CpuEngine { precision, planner: Arc::new(Direct(options)) }
}
