//! The graph that every part of vspec agrees on.
//!
//! A [`Graph`] is a list of nodes in topological order. A node applies an [`Op`] to earlier nodes and computes one value
//! of a [`Type`], whose sizes are [`Dim`]s: polynomials over named sizes (`B`, `H`) that stay symbolic until a run binds
//! them. An op is declared once, in the [op table](ops::TABLE); builder, verifier, printer and parser derive from it.
//! A [`Program`] is what one experiment needs to run: graphs for its steps, its variables with their initialisers, its
//! data pipelines and its schedule. All of it is plain data, and the graph library's types never leave this crate.

#[cfg(any(test, feature = "testing"))]
pub mod arbitrary;
mod condition;
mod dim;
mod docs;
pub mod export;
mod graph;
mod host;
mod infer;
pub mod ops;
pub mod plan;
mod program;
pub mod scalar;
mod scopes;
mod stats;
pub mod text;
mod types;
pub mod verify;

pub use condition::{ClockCondition, Comparison, Condition};
pub use dim::{Dim, DimError, Facts};
pub use docs::reference_markdown;
pub use graph::{Graph, Location, Node, NodeId, Origin, Output, OutputKind};
pub use host::HostFn;
pub use infer::{Blame, Obligation, Relation, Violation, infer};
pub use ops::Op;
pub use program::*;
pub use stats::{ModuleStats, Stats};
pub use types::{DType, Literal, Type};
pub use verify::{Fault, Verified, verify};
