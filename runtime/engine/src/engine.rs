//! What an engine is: something that holds variables and runs graphs that read and write them.

use std::collections::BTreeMap;

use vspec_ir::Graph;

use crate::{HostTensor, KernelSpan, KernelTime, NodeTime};

/// Why a graph could not be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineError {
    /// An input was not given.
    MissingInput(String),
    /// A variable was read before anything was written to it.
    MissingVariable(String),
    /// A tensor does not have the type that the graph declares.
    WrongType {
        /// Name of the input or path of the variable.
        name: String,
        /// Declared type.
        expected: String,
        /// Given type.
        found: String,
    },
    /// A relation between sizes that could only be checked now does not hold.
    Obligation {
        /// The relation, `H % 32 == 0`.
        relation: String,
        /// The sizes it was checked with.
        sizes: String,
    },
    /// A label names none of the classes.
    Label {
        /// The label.
        label: i32,
        /// The number of classes.
        classes: i32,
    },
    /// The engine cannot do this.
    Unsupported(String),
}

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EngineError::MissingInput(name) => write!(f, "no value for input `{name}`"),
            EngineError::MissingVariable(path) => write!(f, "variable `{path}` has no value"),
            EngineError::WrongType { name, expected, found } => {
                write!(f, "`{name}` must be {expected}, not {found}")
            }
            EngineError::Obligation { relation, sizes } => write!(f, "{relation} does not hold for {sizes}"),
            EngineError::Label { label, classes } => {
                write!(f, "label {label} names none of {classes} classes, 0 to {}", classes - 1)
            }
            EngineError::Unsupported(what) => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for EngineError {}

/// Keys of the random streams of one run of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunKey {
    /// Seed of the whole run.
    pub seed: u64,
    /// Number of the step; the same seed and step draw the same numbers.
    pub step: u64,
}

/// Tensors by input name.
pub type Inputs = BTreeMap<String, HostTensor>;

/// An engine with variables.
pub trait Session {
    /// Sets a variable. The session keeps it where it computes.
    fn write(&mut self, path: &str, value: HostTensor) -> Result<(), EngineError>;

    /// A copy of a variable in single precision.
    fn read(&self, path: &str) -> Result<HostTensor, EngineError>;

    /// Runs a graph: binds named sizes from the inputs, checks obligations, computes the outputs, and at the end sets the
    /// variables that the graph writes. Returns the outputs that are not writes, in order.
    fn run(&mut self, graph: &Graph, inputs: &Inputs, key: RunKey) -> Result<Vec<HostTensor>, EngineError>;

    /// Makes what has to be made before a graph runs on inputs of these sizes, such as a plan, so that the next run only runs. An
    /// engine that has nothing to make does nothing.
    fn prepare(&mut self, graph: &Graph, inputs: &Inputs) -> Result<(), EngineError> {
        let _ = (graph, inputs);
        Ok(())
    }

    /// Whether the next runs measure each node, which costs a little time. An engine that cannot tell nodes apart does not.
    fn measure(&mut self, on: bool) {
        let _ = on;
    }

    /// What the runs since the last call measured. A fused kernel counts as the node whose value it computes; an engine that
    /// only queues its work measures that.
    fn measured(&mut self) -> Vec<NodeTime> {
        vec![]
    }

    /// The kernels of the last run, if it was measured; nothing on an engine that does not run plans.
    fn kernel_spans(&self) -> Vec<KernelSpan> {
        vec![]
    }

    /// What the measured runs spent in each kernel of the plan that ran last; nothing on an engine that does not run plans.
    fn kernel_times(&self) -> Vec<KernelTime> {
        vec![]
    }
}

/// A way to run graphs.
pub trait Engine {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// A session without variables.
    fn session(&self) -> Box<dyn Session>;
}
