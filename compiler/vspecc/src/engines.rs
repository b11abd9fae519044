//! The engines that can be asked for by name, and the compiler that is handed to them.

use std::sync::Arc;

use clap::ValueEnum;
use vspec_cpu::{CpuEngine, Isa, Mode};
use vspec_dfdx::DfdxEngine;
use vspec_engine::plan::{Fuser, Planner};
use vspec_engine::{Engine, EngineError, Interpreter, Precision, Sizes};
use vspec_ir::Graph;
use vspec_ir::plan::{Fusions, Plan};
use vspec_optimize::differentiate::Tape;
use vspec_optimize::{Level, Target, bind, fuse, plan};

use crate::failure::{CommandResult, Failure};
use crate::heap;

/// `--engine`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineName {
    /// dfdx tensors on the CPU, with gradients
    Dfdx,
    /// dfdx with fused regions on its tape, whose way back comes from the compiler
    DfdxFused,
    /// Plans of fused kernels on the CPU
    Fused,
    /// The reference interpreter: obvious and slow
    Interp,
}

/// `--device`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeviceName {
    /// The processor
    Cpu,
    /// The first NVIDIA GPU; engines dfdx and dfdx-fused
    Cuda,
}

/// `--isa`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IsaName {
    /// None that every machine does not have; regions run as tile programs
    Tile,
    /// AVX2 and FMA, in machine code made for each region
    Avx2,
    /// AVX-512, in machine code made for each region
    Avx512,
}

impl IsaName {
    fn isa(self) -> Isa {
        match self {
            IsaName::Tile => Isa::Baseline,
            IsaName::Avx2 => Isa::Avx2,
            IsaName::Avx512 => Isa::Avx512,
        }
    }

    /// The set of instructions, on a machine whose best one is given.
    fn on(self, best: Isa) -> CommandResult<Isa> {
        if self.isa() <= best {
            return Ok(self.isa());
        }
        let (name, best) = match (self, best) {
            (IsaName::Avx512, Isa::Avx2) => ("AVX-512", "avx2"),
            (IsaName::Avx512, _) => ("AVX-512", "tile"),
            _ => ("AVX2 and FMA", "tile"),
        };
        Err(Failure::input(format!("this machine has no {name} instructions"))
            .hint(format!("the best it has is `--isa {best}`, which is what it takes without `--isa`")))
    }
}

impl EngineName {
    /// The engine on a device, with a set of vector instructions if one is asked for.
    pub(crate) fn on(self, device: DeviceName, isa: Option<IsaName>) -> CommandResult<Box<dyn Engine>> {
        if isa.is_some() && self != EngineName::Fused {
            return Err(Failure::input("this engine has no choice of vector instructions")
                .hint("the engine with one is `--engine fused`"));
        }
        match device {
            DeviceName::Cpu => Ok(self.on_cpu(match isa {
                Some(isa) => Mode::only(isa.on(vspec_cpu::detected())?),
                None => Mode::BEST,
            })),
            DeviceName::Cuda => self.on_cuda(),
        }
    }

    #[cfg(feature = "cuda")]
    fn on_cuda(self) -> CommandResult<Box<dyn Engine>> {
        if !matches!(self, EngineName::Dfdx | EngineName::DfdxFused) {
            return Err(Failure::input("this engine has no CUDA device")
                .hint("engines with one are `--engine dfdx` and `--engine dfdx-fused`"));
        }
        let opened = vspec_dfdx::DfdxCudaEngine::open(Precision::F32);
        let engine = opened.map_err(|error| Failure::input(error.reason).hint(error.hint))?;
        Ok(match self {
            EngineName::DfdxFused => Box::new(engine.fusing(Arc::new(Compiler))),
            _ => Box::new(engine),
        })
    }

    #[cfg(not(feature = "cuda"))]
    fn on_cuda(self) -> CommandResult<Box<dyn Engine>> {
        Err(Failure::input("this vspecc was built without CUDA")
            .hint("build it with `cargo build --release --features cuda`; no toolkit is needed for that"))
    }

    fn on_cpu(self, mode: Mode) -> Box<dyn Engine> {
        match self {
            EngineName::Dfdx => Box::new(DfdxEngine::default()),
            EngineName::DfdxFused => Box::new(DfdxEngine::default().fusing(Arc::new(Compiler))),
            EngineName::Fused => {
                heap::give_back_at_once();
                Box::new(CpuEngine { precision: Precision::F32, planner: Arc::new(Compiler), mode })
            }
            EngineName::Interp => Box::new(Interpreter::default()),
        }
    }

    /// What it does with gradients by itself. Plans have theirs written out when they are made.
    pub(crate) fn tape(self) -> Tape {
        match self {
            EngineName::Dfdx | EngineName::DfdxFused | EngineName::Fused => Tape::First,
            EngineName::Interp => Tape::None,
        }
    }
}

/// The compiler, as engines see it.
struct Compiler;

impl Planner for Compiler {
    fn plan(&self, graph: &Graph, sizes: &Sizes) -> Result<Plan, EngineError> {
        let planned = plan(graph, Target::dense(Level::O2), &|name| sizes.named(name));
        let plan = planned.map(|planned| planned.plan);
        // Steps follow, which need as much memory as there ever will be.
        heap::give_back();
        plan.map_err(|error| EngineError::Unsupported(error.to_string()))
    }
}

impl Fuser for Compiler {
    fn fusions(&self, graph: &Graph, sizes: &Sizes) -> Result<Fusions, EngineError> {
        let unsupported = |error: String| EngineError::Unsupported(error);
        let bound = bind(graph, &|name| sizes.named(name)).map_err(|error| unsupported(error.to_string()))?;
        fuse::regions(&bound).map_err(unsupported)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_that_a_machine_lacks_are_refused() {
        let all =
            [(IsaName::Tile, Isa::Baseline), (IsaName::Avx2, Isa::Avx2), (IsaName::Avx512, Isa::Avx512)];
        for (name, isa) in all {
            for (_, best) in all {
                match name.on(best) {
                    Ok(own) => assert!(own == isa && isa <= best),
                    Err(error) => {
                        assert!(isa > best);
                        let said = error.to_string();
                        assert!(
                            said.contains("this machine has no AVX") && said.contains("`--isa"),
                            "{said}"
                        );
                    }
                }
            }
        }
    }
}
