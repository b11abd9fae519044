//! Whether passes keep what a graph computes.

use vspec_engine::draw::{Drawn, difference};
use vspec_engine::{HostTensor, Interpreter, Precision};
use vspec_ir::{Graph, verify};
use vspec_optimize::{Context, Pass, Verify, differentiate, run};

/// Passes, and what counts as a change of what a graph computes.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    pub(crate) passes: Vec<&'static Pass>,
    pub(crate) exact: bool,
    /// By how much values may differ, as a share of the largest one of their tensor.
    pub(crate) tolerance: f64,
    /// Key of the drawn numbers.
    pub(crate) seed: u64,
}

/// What passes do to a graph.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// It computes the same.
    Same,
    /// It computes something else.
    Differs(String),
    /// A pass fails, or what it gives cannot be run.
    Fails(String),
}

impl Outcome {
    /// Whether two outcomes are of one kind, whatever they say.
    pub(crate) fn is_like(&self, other: &Outcome) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// A graph with numbers, and what the interpreter makes of them.
pub(crate) struct Reference {
    drawn: Drawn,
    values: Vec<HostTensor>,
}

impl Trial {
    fn engine() -> Interpreter {
        Interpreter::new(Precision::F64)
    }

    /// What a graph computes as it is. Gradients are written out for it.
    ///
    /// # Errors
    /// What is wrong with the graph, or why it cannot be run.
    pub(crate) fn reference(&self, graph: &Graph) -> Result<Reference, String> {
        if let Err(faults) = verify(graph.clone()) {
            return Err(faults.first().map(ToString::to_string).unwrap_or_default());
        }
        let graph = differentiate::expand(graph).map_err(|e| e.to_string())?;
        let drawn = Drawn::for_graph(&graph, &Self::engine(), self.seed).map_err(|e| e.to_string())?;
        let values = drawn.run(&graph, &Self::engine()).map_err(|e| e.to_string())?;
        Ok(Reference { drawn, values })
    }

    /// The graph after the passes and what they recorded, with at most so many rewrites.
    pub(crate) fn passed(&self, graph: &Graph, fuel: Option<u64>) -> (Result<Graph, String>, Context) {
        let mut cx = Context::default();
        (cx.exact, cx.fuel) = (self.exact, fuel);
        let after = run(&self.passes, graph, &mut cx, Verify::Each).map_err(|e| e.to_string());
        (after, cx)
    }

    /// What the passes do to a graph, with at most so many rewrites.
    pub(crate) fn outcome(&self, graph: &Graph, reference: &Reference, fuel: Option<u64>) -> Outcome {
        let after = match self
            .passed(graph, fuel)
            .0
            .and_then(|g| differentiate::expand(&g).map_err(|e| e.to_string()))
        {
            Ok(after) => after,
            Err(error) => return Outcome::Fails(error),
        };
        let values = match reference.drawn.run(&after, &Self::engine()) {
            Ok(values) => values,
            Err(error) => return Outcome::Fails(format!("what comes out cannot be run: {error}")),
        };
        if values.len() != reference.values.len() {
            return Outcome::Fails("an output is lost".to_string());
        }
        match difference(&values, &reference.values, self.tolerance) {
            None => Outcome::Same,
            Some(found) => {
                let name = graph.outputs().get(found.output).map(|o| o.name.to_string()).unwrap_or_default();
                let (got, want, at) = (found.got, found.want, found.element);
                Outcome::Differs(format!("element {at} of `{name}` becomes {got:?}, where it was {want:?}"))
            }
        }
    }
}
