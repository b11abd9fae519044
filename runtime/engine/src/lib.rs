//! What every engine shares: the [`Engine`] and [`Session`] traits, host tensors, random streams, and the reference
//! interpreter, which defines what each op means by being slow and obvious. [`plan`] interprets plans in the same spirit.

mod bind;
pub mod draw;
mod engine;
pub mod host;
mod interp;
pub mod plan;
pub mod rng;
mod stopwatch;
mod tensor;

pub use bind::{Sizes, bind, check_variable, choose};
pub use engine::{Engine, EngineError, Inputs, RunKey, Session};
pub use interp::{Interpreter, Precision};
pub use stopwatch::{KernelSpan, KernelTime, NodeTime, Stopwatch};
pub use tensor::{Buffer, HostTensor};
