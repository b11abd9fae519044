//! What a pass is, and what it may ask and record while it runs.

use std::fmt;

use vspec_ir::{Fault, Graph, NodeId, Violation, verify};

/// A pass over graphs: it takes one and gives one that computes the same.
#[derive(Clone, Copy)]
pub struct Pass {
    /// Its name on the command line, `simplify`.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Does it.
    pub run: fn(&Graph, &mut Context) -> Result<Graph, Error>,
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pass({})", self.name)
    }
}

/// What a rewrite does to the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Numerics {
    /// The same values bit for bit, up to the sign of zero and which NaN it is.
    Exact,
    /// Equal in exact arithmetic; each result is rounded at other places, or fewer times.
    Reassociating,
}

/// What is said about a graph that was optimised, for the person who wrote the specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Name of the pass.
    pub pass: &'static str,
    /// Name of the rule, if one did it.
    pub rule: &'static str,
    /// The node that it is about, in the graph that the pass was given.
    pub node: NodeId,
}

/// What passes share while they run one after the other.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The most rewrites that are still done; without a number, all of them. To find a wrong one by halving.
    pub fuel: Option<u64>,
    /// Leaves out whatever is not [`Numerics::Exact`].
    pub exact: bool,
    /// What was done, in order.
    pub remarks: Vec<Remark>,
    pass: &'static str,
}

impl Context {
    /// Asks to apply a rule at a node and records it. `false` once the fuel is spent, or when the rule is not allowed.
    pub fn apply(&mut self, rule: &'static str, numerics: Numerics, node: NodeId) -> bool {
        if self.exact && numerics != Numerics::Exact || self.fuel == Some(0) {
            return false;
        }
        if let Some(fuel) = &mut self.fuel {
            *fuel -= 1;
        }
        self.remarks.push(Remark { pass: self.pass, rule, node });
        true
    }

    /// How many rewrites were done.
    pub fn applied(&self) -> usize {
        self.remarks.len()
    }
}

/// Why a pass gave no graph. Each is a mistake in this crate, never in a specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// A new node breaks a constraint of the op table.
    Violation {
        /// The node on whose behalf it was built.
        node: NodeId,
        /// What is broken.
        violation: Violation,
    },
    /// The graph that a pass gave does not pass the verifier.
    Faults {
        /// Name of the pass.
        pass: &'static str,
        /// The last rule that was applied, if there was one.
        rule: Option<&'static str>,
        /// What the verifier found.
        faults: Vec<Fault>,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Violation { node, violation } => {
                write!(f, "what takes the place of {node} is ill typed: {violation}")
            }
            Error::Faults { pass, rule, faults } => {
                let rule = rule.map(|rule| format!(" (last rule: {rule})")).unwrap_or_default();
                write!(f, "`{pass}`{rule} gave a graph that is wrong; this is a bug in vspecc")?;
                faults.iter().take(3).try_for_each(|fault| write!(f, "\n{fault}"))
            }
        }
    }
}

impl std::error::Error for Error {}

/// When the verifier looks at the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// After each pass: what tests and debug builds do.
    Each,
    /// After the last one.
    Last,
}

impl Default for Verify {
    fn default() -> Self {
        if cfg!(debug_assertions) { Verify::Each } else { Verify::Last }
    }
}

/// Runs passes one after the other.
///
/// # Errors
/// When a pass builds something ill typed, or the verifier finds fault with what it gave.
pub fn run(passes: &[&Pass], graph: &Graph, cx: &mut Context, when: Verify) -> Result<Graph, Error> {
    let mut graph = graph.clone();
    for (i, pass) in passes.iter().enumerate() {
        cx.pass = pass.name;
        let before = cx.applied();
        graph = (pass.run)(&graph, cx)?;
        if when == Verify::Each || i + 1 == passes.len() {
            graph = checked(pass.name, cx.remarks[before..].last().map(|r| r.rule), graph)?;
        }
    }
    Ok(graph)
}

fn checked(pass: &'static str, rule: Option<&'static str>, graph: Graph) -> Result<Graph, Error> {
    match verify(graph) {
        Ok(verified) => Ok(verified.into_graph()),
        Err(faults) => Err(Error::Faults { pass, rule, faults }),
    }
}
