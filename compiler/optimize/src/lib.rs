//! Passes over the graph.
//!
//! A pass takes a graph and gives a new one that computes the same. Each is a file that shows what it does, says why that is legal and
//! when it declines. [`differentiate`] turns `gradient` nodes into the graph that computes them. [`fuse`] says which nodes one kernel
//! computes, [`unroll`] makes short rows points, [`compact`] lays small operands out as they are read, [`schedule`] says in which order
//! kernels run, [`layout`] and [`memory`] where values lie, and [`plan()`] does all of it.

mod bind;
pub mod common;
pub mod compact;
pub mod dead;
pub mod differentiate;
pub mod fold;
pub mod fold_norm;
pub mod fuse;
pub mod layout;
pub mod memory;
mod pass;
mod pipeline;
mod plan;
mod rebuild;
mod rewrite;
pub mod schedule;
pub mod simplify;
pub mod uniform;
pub mod unroll;

pub use bind::{BindError, bind};
pub use pass::{Context, Error, Numerics, Pass, Remark, Verify, run};
pub use pipeline::{Level, pipeline};
pub use plan::{PlanError, Planned, Target, plan};
pub use rewrite::Rule;

/// Every pass over graphs, by name.
pub static PASSES: &[&Pass] =
    &[&differentiate::PASS, &common::PASS, &fold::PASS, &simplify::PASS, &fold_norm::PASS, &dead::PASS];
