//! Parts of a graph for an engine that goes through it node by node.

use super::Plan;
use crate::NodeId;

/// Nodes that are computed together, forth and back.
#[derive(Debug, Clone, PartialEq)]
pub struct Fusion {
    /// What it reads, ascending. Input `x0` of its plans is the first.
    pub inputs: Vec<NodeId>,
    /// What it computes for others, ascending; the outputs of `forward`.
    pub outputs: Vec<NodeId>,
    /// Computes the outputs.
    pub forward: Plan,
    /// Computes the gradient of each input of [`Backward::wanted`], in order.
    pub backward: Option<Backward>,
}

/// The way back through a [`Fusion`].
#[derive(Debug, Clone, PartialEq)]
pub struct Backward {
    /// Positions of the inputs that get a gradient.
    pub wanted: Vec<usize>,
    /// Positions of the outputs whose gradients it reads, as `g0`, `g1`, ..
    pub given: Vec<usize>,
    /// Computes the gradients.
    pub plan: Plan,
}

/// What is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// One node.
    Node(NodeId),
    /// The fusion at this position.
    Fusion(usize),
}

/// A graph as nodes and fusions, in an order in which they can be computed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fusions {
    /// Parts that are computed together.
    pub fusions: Vec<Fusion>,
    /// What is done, in order.
    pub units: Vec<Unit>,
}
