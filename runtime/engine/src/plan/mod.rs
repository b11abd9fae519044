//! The interpreter of plans: it runs kernel after kernel, tile by tile, on the bytes that the plan gives to each value.
//!
//! It is to plans what [`Interpreter`](crate::Interpreter) is to graphs: slow and obvious, and what faster engines are compared with.
//! Ops mean what they mean there, since it asks the same functions; what it adds is loops, places and memory. Mistakes of fusion, of
//! layouts and of memory planning therefore show in its results.

mod kernel;
mod memory;
mod session;

use std::fmt;
use std::sync::Arc;

use vspec_ir::Graph;
use vspec_ir::plan::{Fusions, Plan};

use crate::{Engine, EngineError, Precision, Session, Sizes};

/// Makes plans of graphs: the compiler, handed to an engine.
pub trait Planner: Send + Sync {
    /// The plan of a graph for given sizes.
    ///
    /// # Errors
    /// When the graph cannot be planned for them.
    fn plan(&self, graph: &Graph, sizes: &Sizes) -> Result<Plan, EngineError>;
}

/// Finds parts of graphs that are computed together: the compiler, handed to an engine with a tape.
pub trait Fuser: Send + Sync {
    /// The parts of a graph for given sizes. Gradients may be left in it.
    ///
    /// # Errors
    /// When the graph cannot be planned for them.
    fn fusions(&self, graph: &Graph, sizes: &Sizes) -> Result<Fusions, EngineError>;
}

/// The interpreter of plans as an engine. It plans anew at each run.
#[derive(Clone)]
pub struct PlanInterpreter {
    /// What it computes in.
    pub precision: Precision,
    /// What makes its plans.
    pub planner: Arc<dyn Planner>,
}

impl fmt::Debug for PlanInterpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlanInterpreter({:?})", self.precision)
    }
}

impl Engine for PlanInterpreter {
    fn name(&self) -> &'static str {
        "plan"
    }

    fn session(&self) -> Box<dyn Session> {
        match self.precision {
            Precision::F32 => Box::new(session::PlanSession::<f32>::new(self.planner.clone())),
            Precision::F64 => Box::new(session::PlanSession::<f64>::new(self.planner.clone())),
        }
    }
}
