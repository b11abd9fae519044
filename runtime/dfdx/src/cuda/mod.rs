//! The dfdx engine on a CUDA device.
//!
//! dfdx's own operations run on the device, with dfdx's kernels; custom operations and fused regions run on the host and copy. Nothing of
//! CUDA is needed to build this: libraries are opened and kernels compiled at run time.

mod library;
mod sources;
mod symbols;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use dfdx::prelude::Cuda;
use vspec_engine::plan::Fuser;
use vspec_engine::{Engine, EngineError, Precision, Session};

use crate::execute::Kernels;
use crate::session::DfdxSession;
use library::Library;

/// Why a CUDA device cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// What is missing or fails.
    pub reason: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Unavailable {}

/// The dfdx engine on CUDA device 0: the same code over dfdx's `Cuda`.
#[derive(Clone)]
pub struct DfdxCudaEngine {
    device: Cuda,
    precision: Precision,
    fuser: Option<Arc<dyn Fuser>>,
}

impl fmt::Debug for DfdxCudaEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DfdxCudaEngine({}, {:?})", self.name(), self.precision)
    }
}

impl DfdxCudaEngine {
    /// An engine on the first device.
    ///
    /// # Errors
    /// When a library is missing, or there is no device that works.
    pub fn open(precision: Precision) -> Result<Self, Unavailable> {
        if let Some(missing) = library::ALL.into_iter().find(|library| !library.is_present()) {
            return Err(without(missing));
        }
        // Where the driver fails in a way that it does not foresee, dfdx panics.
        let device = catch_unwind(|| Cuda::try_build(0, 0));
        let device = device
            .map_err(|_| "the driver fails".to_string())
            .and_then(|device| device.map_err(|error| format!("{error:?}")));
        device.map(|device| DfdxCudaEngine { device, precision, fuser: None }).map_err(|error| Unavailable {
            reason: format!("CUDA device 0 cannot be used: {error}"),
            hint: "`nvidia-smi` shows the devices that the driver sees".to_string(),
        })
    }

    /// The same engine with fused regions.
    #[must_use]
    pub fn fusing(self, fuser: Arc<dyn Fuser>) -> Self {
        DfdxCudaEngine { fuser: Some(fuser), ..self }
    }

    /// Compiles every kernel of dfdx; how many sources there are. For tests: kernels are compiled when they are needed.
    ///
    /// # Errors
    /// The compiler's messages.
    #[doc(hidden)]
    pub fn compile_kernels() -> Result<usize, String> {
        sources::compile_all()
    }
}

fn without(library: Library) -> Unavailable {
    let hint = match library {
        Library::Driver => {
            "install NVIDIA's driver on a machine with an NVIDIA GPU, or leave out `--device cuda`"
        }
        _ => "install the CUDA toolkit 12 or 13, or name its folder in CUDA_PATH or LD_LIBRARY_PATH",
    };
    Unavailable {
        reason: format!("there is no CUDA here: {} is not found", library.names()[0]),
        hint: hint.to_string(),
    }
}

impl Engine for DfdxCudaEngine {
    fn name(&self) -> &'static str {
        if self.fuser.is_some() { "dfdx-fused-cuda" } else { "dfdx-cuda" }
    }

    fn session(&self) -> Box<dyn Session> {
        let (device, fuser) = (self.device.clone(), self.fuser.clone());
        match self.precision {
            Precision::F32 => guarded(DfdxSession::<f32, Cuda>::new(device, Kernels::Custom).fusing(fuser)),
            Precision::F64 => guarded(DfdxSession::<f64, Cuda>::new(device, Kernels::Custom).fusing(fuser)),
        }
    }
}

fn guarded<S: Session + 'static>(session: S) -> Box<dyn Session> {
    Box::new(Guarded(session))
}

/// A session in which dfdx's panics are errors: it has no other way to say that the device is out of memory, or that a kernel cannot be
/// compiled.
struct Guarded<S>(S);

impl<S> Guarded<S> {
    fn attempt<T>(
        session: &mut S,
        f: impl FnOnce(&mut S) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        // What a run that ended so has changed are values on the device; the session is not used again.
        let done = catch_unwind(AssertUnwindSafe(|| f(session)));
        let problem = sources::problem();
        match (done, problem) {
            (Ok(result), None) => result,
            (_, Some(problem)) => Err(EngineError::Unsupported(problem)),
            (Err(panic), None) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
                Err(EngineError::Unsupported(format!("the CUDA device fails: {}", text.unwrap_or_default())))
            }
        }
    }
}

impl<S: Session> Session for Guarded<S> {
    fn write(&mut self, path: &str, value: vspec_engine::HostTensor) -> Result<(), EngineError> {
        Self::attempt(&mut self.0, |session| session.write(path, value))
    }

    fn read(&self, path: &str) -> Result<vspec_engine::HostTensor, EngineError> {
        self.0.read(path)
    }

    fn run(
        &mut self,
        graph: &vspec_ir::Graph,
        inputs: &vspec_engine::Inputs,
        key: vspec_engine::RunKey,
    ) -> Result<Vec<vspec_engine::HostTensor>, EngineError> {
        Self::attempt(&mut self.0, |session| session.run(graph, inputs, key))
    }

    fn measure(&mut self, on: bool) {
        self.0.measure(on);
    }

    fn measured(&mut self) -> Vec<vspec_engine::NodeTime> {
        self.0.measured()
    }
}
