//! The engines that can be asked for by name.

use clap::ValueEnum;
use vspec_dfdx::DfdxEngine;
use vspec_engine::{Engine, Interpreter};

/// `--engine`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineName {
    /// dfdx tensors on the CPU, with gradients
    Dfdx,
    /// The reference interpreter: slow, without gradients
    Interp,
}

impl EngineName {
    /// The engine.
    pub(crate) fn engine(self) -> Box<dyn Engine> {
        match self {
            EngineName::Dfdx => Box::new(DfdxEngine::default()),
            EngineName::Interp => Box::new(Interpreter::default()),
        }
    }

    /// Whether it can train.
    pub(crate) fn has_gradients(self) -> bool {
        self == EngineName::Dfdx
    }
}
