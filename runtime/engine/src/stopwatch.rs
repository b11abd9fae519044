//! How long each node of a graph takes, for engines that run nodes one by one.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use vspec_ir::{NodeId, Origin};

/// How long a node took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeTime {
    /// The node.
    pub node: NodeId,
    /// Whether this was the way back, from the gradient of its value to those of its operands.
    pub backward: bool,
    /// When it began.
    pub began: Instant,
    /// How long it took.
    pub took: Duration,
}

/// One run of a kernel of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelSpan {
    /// The op that it begins with, or `region`.
    pub name: String,
    /// What asks for it.
    pub origin: Origin,
    /// When it began.
    pub began: Instant,
    /// How long it took.
    pub took: Duration,
}

/// How long a kernel of a plan took, over all measured runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelTime {
    /// What it is: [`vspec_ir::plan::Kernel::title`].
    pub title: String,
    /// Its fastest run.
    pub fastest: Duration,
    /// How often it ran.
    pub runs: u64,
}

/// Collects times. Clones collect into the same list.
#[derive(Debug, Clone, Default)]
pub struct Stopwatch {
    times: Rc<RefCell<Vec<NodeTime>>>,
}

impl Stopwatch {
    /// Adds what a node took from `began` to now.
    pub fn stop(&self, node: NodeId, backward: bool, began: Instant) {
        self.times.borrow_mut().push(NodeTime { node, backward, began, took: began.elapsed() });
    }

    /// The times so far, in the order in which the nodes ended; the list is empty afterwards.
    pub fn take(&self) -> Vec<NodeTime> {
        self.times.take()
    }
}
