//! The graph executed by dfdx tensors and differentiated by dfdx's tape.
//!
//! Float values are flat dfdx tensors beside a run-time shape; every op reshapes (for free) to one canonical static rank, so
//! that no code matches over ranks. Indices and masks are no differentiable work: they stay on the host, where the reference
//! interpreter computes them. dfdx 0.13 has no convolution, pooling or broadcasting fast enough on stable Rust: those are custom
//! operations on its tape (`Recorder::custom`), with their own forward and backward kernels.
//!
//! [`DfdxEngine::composed`] is the same engine without those kernels, built from dfdx's own differentiable operations alone: slow, and
//! an independent judge of every gradient but those of [`NOT_COMPOSED`].

mod backend;
mod channels_last;
mod composed;
mod contract;
#[cfg(feature = "dfdx-cuda")]
mod cuda;
mod dense;
mod element;
mod elementwise;
mod execute;
mod fold;
mod fused;
mod gradient;
mod im2col;
mod operands;
mod ops;
mod pool;
mod record;
mod rows;
mod scan;
mod scatter;
mod session;
mod view;
mod way_back;

use std::fmt;
use std::sync::Arc;

use dfdx::prelude::Cpu;
use vspec_engine::plan::Fuser;
use vspec_engine::{Engine, Precision, Session};

pub use composed::NOT_COMPOSED;
#[cfg(feature = "dfdx-cuda")]
pub use cuda::{DfdxCudaEngine, Unavailable};
use execute::Kernels;

/// The dfdx engine on the CPU.
#[derive(Clone, Default)]
pub struct DfdxEngine {
    precision: Precision,
    kernels: Kernels,
    fuser: Option<Arc<dyn Fuser>>,
}

impl fmt::Debug for DfdxEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DfdxEngine({}, {:?})", self.name(), self.precision)
    }
}

impl DfdxEngine {
    /// An engine that computes `f32` values in single or double precision.
    pub fn new(precision: Precision) -> Self {
        DfdxEngine { precision, ..DfdxEngine::default() }
    }

    /// The same engine with fused regions: each goes onto the tape as one custom operation, whose way back comes from the compiler.
    #[must_use]
    pub fn fusing(self, fuser: Arc<dyn Fuser>) -> Self {
        DfdxEngine { fuser: Some(fuser), ..self }
    }

    /// The same engine with every differentiable op but those of [`NOT_COMPOSED`] built from dfdx's own operations, so that their
    /// gradients come from dfdx alone. For tests: it is slow, and a convolution needs memory for every tap of every window.
    #[must_use]
    pub fn composed(self) -> Self {
        DfdxEngine { kernels: Kernels::Composed, ..self }
    }
}

impl Engine for DfdxEngine {
    fn name(&self) -> &'static str {
        match self.kernels {
            Kernels::Custom if self.fuser.is_some() => "dfdx-fused",
            Kernels::Custom => "dfdx",
            Kernels::Composed => "dfdx-composed",
        }
    }

    fn session(&self) -> Box<dyn Session> {
        match self.precision {
            Precision::F32 => Box::new(
                session::DfdxSession::<f32, Cpu>::new(Cpu::default(), self.kernels)
                    .fusing(self.fuser.clone()),
            ),
            Precision::F64 => Box::new(
                session::DfdxSession::<f64, Cpu>::new(Cpu::default(), self.kernels)
                    .fusing(self.fuser.clone()),
            ),
        }
    }
}
