//! Rearrangements that a string describes: `rearrange`, `reduce`, `repeat` and `einsum`.
//!
//! Everything here is a pure function from a pattern and the sizes of its operands to a plan: the shortest list of views,
//! reductions and products that does what the pattern says. Nothing touches a graph, so that a plan can be tested by
//! applying it to small arrays.
//!
//! A pattern is checked completely against its operands; a size that a symbolic axis may or may not have is an error,
//! because a rearrangement that is only sometimes possible is better written with a size that always divides.

mod arrange;
mod axes;
mod contract;
mod einsum;
mod error;
mod parse;
mod plan;

use vspec_ir::{Dim, Facts};

pub(crate) use einsum::{EinsumPlan, EinsumStep, einsum};
pub(crate) use error::PatternError;
pub(crate) use plan::{rearrange, reduce, repeat};

/// One op on a tensor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// The same elements under this shape.
    Reshape(Vec<Dim>),
    /// Result axis `i` is operand axis `axes[i]`.
    Permute(Vec<i64>),
    /// A reduction over increasing axes.
    Reduce {
        /// What is computed over the axes.
        op: Reduction,
        /// The axes that go away, or become 1.
        axes: Vec<i64>,
        /// Whether they stay with size 1.
        keepdims: bool,
    },
    /// Repeats along new leading axes and along axes of literal size 1.
    Broadcast(Vec<Dim>),
}

/// What `reduce` computes over the axes that its right side leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reduction {
    Sum,
    Mean,
    Max,
    Min,
}

impl Reduction {
    /// Names of the reductions, as a specification writes them.
    pub(crate) const NAMES: [&str; 4] = ["sum", "mean", "max", "min"];

    /// The reduction of a name.
    pub(crate) fn from_name(name: &str) -> Option<Reduction> {
        let all = [Reduction::Sum, Reduction::Mean, Reduction::Max, Reduction::Min];
        Self::NAMES.iter().position(|n| *n == name).map(|i| all[i])
    }
}

/// The tensor that a pattern is applied to, and what is known about sizes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operand<'a> {
    /// Size of each axis.
    pub(crate) shape: &'a [Dim],
    /// Sizes that the call gives by name: `s = 4`.
    pub(crate) sizes: &'a [(String, Dim)],
    /// What divides the named sizes.
    pub(crate) facts: &'a Facts,
}

#[cfg(test)]
mod tests;
