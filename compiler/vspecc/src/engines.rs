//! The engines that can be asked for by name.

use clap::ValueEnum;
use vspec_dfdx::DfdxEngine;
use vspec_engine::{Engine, Interpreter};
use vspec_optimize::differentiate::Tape;

/// `--engine`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineName {
    /// dfdx tensors on the CPU, with gradients
    Dfdx,
    /// The reference interpreter: obvious and slow
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

    /// What it does with gradients by itself.
    pub(crate) fn tape(self) -> Tape {
        match self {
            EngineName::Dfdx => Tape::First,
            EngineName::Interp => Tape::None,
        }
    }
}
