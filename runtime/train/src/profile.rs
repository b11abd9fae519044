//! Where the time of a run goes: spans of data, steps, nodes, kernels and files.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use vspec_engine::{KernelSpan, NodeTime};
use vspec_ir::{Graph, Location};

/// Runs of each step whose nodes are measured: a network has hundreds, and one run is like the other.
const DETAILED: u64 = 10;

/// What a span is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Waiting for a batch.
    Data,
    /// One run of a step.
    Step,
    /// A whole evaluation.
    Pass,
    /// A node of the step's graph.
    Forward,
    /// A node on the way back.
    Backward,
    /// A kernel of the step's plan.
    Kernel,
    /// Writing a checkpoint.
    File,
}

/// A piece of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// What it is about.
    pub kind: SpanKind,
    /// Name of the data, the step, the op or the file.
    pub name: String,
    /// Since the profile began.
    pub began: Duration,
    /// How long it took.
    pub took: Duration,
    /// Where the specification asks for it.
    pub location: Option<Location>,
    /// The module that computes it, `net.blocks.0.conv1`.
    pub scope: Option<String>,
}

/// Collects spans. Clones collect into the same list.
#[derive(Debug, Clone)]
pub struct Profile {
    begun: Instant,
    spans: Rc<RefCell<Vec<Span>>>,
}

impl Default for Profile {
    /// A profile that begins now.
    fn default() -> Self {
        Profile { begun: Instant::now(), spans: Rc::default() }
    }
}

impl Profile {
    /// The spans so far, in the order in which they ended.
    pub fn spans(&self) -> Vec<Span> {
        self.spans.borrow().clone()
    }

    /// Whether the nodes of a step's run are measured.
    pub(crate) fn is_detailed(number: u64) -> bool {
        number < DETAILED
    }

    /// Adds a span from `began` to now.
    pub(crate) fn stop(&self, kind: SpanKind, name: &str, began: Instant) {
        let (name, took) = (name.to_string(), began.elapsed());
        self.push(Span { kind, name, began: self.since(began), took, location: None, scope: None });
    }

    /// Adds the nodes of a graph.
    pub(crate) fn nodes(&self, graph: &Graph, times: Vec<NodeTime>) {
        for time in times {
            let node = graph.node(time.node);
            self.push(Span {
                kind: if time.backward { SpanKind::Backward } else { SpanKind::Forward },
                name: node.op.decl().name.to_string(),
                began: self.since(time.began),
                took: time.took,
                location: node.origin.location,
                scope: node.origin.scope.as_ref().map(ToString::to_string),
            });
        }
    }

    /// Adds the kernels of a plan.
    pub(crate) fn kernels(&self, kernels: Vec<KernelSpan>) {
        for kernel in kernels {
            self.push(Span {
                kind: SpanKind::Kernel,
                name: kernel.name,
                began: self.since(kernel.began),
                took: kernel.took,
                location: kernel.origin.location,
                scope: kernel.origin.scope.as_ref().map(ToString::to_string),
            });
        }
    }

    fn push(&self, span: Span) {
        self.spans.borrow_mut().push(span);
    }

    fn since(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.begun)
    }
}
