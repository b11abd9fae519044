//! What every engine shares: the [`Engine`] and [`Session`] traits, host tensors, random streams, and the reference
//! interpreter, which defines what each op means by being slow and obvious.

mod engine;
mod tensor;

pub use engine::{Engine, EngineError, Inputs, RunKey, Session};
pub use tensor::{Buffer, HostTensor};
