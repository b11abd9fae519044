//! Plans on the CPU.
//!
//! A plan is made ready once ([`Executable`]): its regions become tile programs, and machine code where the machine has instructions for
//! that; its values get places in one arena. A run then only computes. Ops that are more than loops over elements have kernels of their
//! own: products of matrices, convolutions, pooling, scans, sorting, scattering. Loops are compiled for several sets of vector
//! instructions, of which the machine's best one runs, or as a [`Mode`] says.

mod anchor;
mod coverage;
mod element;
mod engine;
mod executable;
mod fence;
mod functions;
#[cfg_attr(not(target_arch = "x86_64"), path = "jit/elsewhere.rs")]
mod jit;
mod kernels;
mod memory;
mod mode;
mod pages;
mod peaks;
mod shares;
mod shelf;
mod slabs;
mod still;
mod tile;
mod variables;
mod workers;

pub use coverage::Coverage;
pub use element::Element;
pub use engine::CpuEngine;
pub use executable::{Data, Elements, Executable};
pub use fence::Fence;
pub use kernels::vector::{Isa, detected};
pub use kernels::{Estimate, Method, estimates};
pub use mode::Mode;
pub use peaks::{Peaks, peaks};
pub use variables::Variables;
pub use workers::with_threads;
