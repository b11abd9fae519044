//! Passes over the graph.
//!
//! A pass takes a graph and gives a new one that computes the same. Each is a file that shows what it does, says why that is legal and
//! when it declines. [`differentiate`] turns `gradient` nodes into the graph that computes them.

mod bind;
pub mod common;
pub mod dead;
pub mod differentiate;
pub mod fuse;
pub mod memory;
mod pass;
mod rebuild;

pub use bind::{BindError, bind};
pub use pass::{Context, Error, Numerics, Pass, Remark, Verify, run};

/// Every pass over graphs, by name.
pub static PASSES: &[&Pass] = &[&differentiate::PASS, &common::PASS, &dead::PASS];
