//! The ways to run a graph that have to agree: every engine on what every pipeline of passes makes of it.

use vspec_dfdx::DfdxEngine;
use vspec_engine::{Engine, EngineError, HostTensor, Inputs, Interpreter, Precision, RunKey};
use vspec_ir::{Graph, Op};
use vspec_optimize::fuse::Options;
use vspec_optimize::{Context, Error, Pass, Verify, common, dead, differentiate, simplify};

use crate::{fused, fusing, in_blocks, planned};

/// Passes that run one after the other before a graph is run.
pub struct Pipeline {
    /// For messages.
    pub name: &'static str,
    /// In order.
    pub passes: &'static [&'static Pass],
}

/// Every pipeline; a line here is a column of every test that compares.
pub const PIPELINES: &[Pipeline] = &[
    Pipeline { name: "as it is", passes: &[] },
    Pipeline { name: "written out", passes: &[&differentiate::PASS] },
    Pipeline { name: "with common values", passes: &[&differentiate::PASS, &common::PASS, &dead::PASS] },
    Pipeline {
        name: "exactly simplified",
        passes: &[&differentiate::PASS, &common::PASS, &simplify::PASS, &dead::PASS],
    },
];

/// An engine that has to agree.
pub struct Judge {
    /// For messages.
    pub name: &'static str,
    /// Whether it answers gradients itself.
    pub tape: bool,
    /// In a precision.
    pub engine: fn(Precision) -> Box<dyn Engine>,
}

/// Every engine, the reference first.
pub const JUDGES: &[Judge] = &[
    Judge { name: "interp", tape: false, engine: |p| Box::new(Interpreter::new(p)) },
    Judge { name: "dfdx", tape: true, engine: |p| Box::new(DfdxEngine::new(p)) },
    Judge { name: "dfdx-composed", tape: true, engine: |p| Box::new(DfdxEngine::new(p).composed()) },
    Judge { name: "dfdx-fused", tape: true, engine: |p| Box::new(fusing(p)) },
    Judge { name: "plans", tape: false, engine: |p| Box::new(planned(p, Options::default())) },
    Judge { name: "plans in blocks", tape: false, engine: |p| Box::new(in_blocks(p)) },
    Judge { name: "fused", tape: false, engine: |p| Box::new(fused(p, Options::default())) },
];

/// One way to run a graph.
pub struct Column {
    /// What passes have made of it.
    pub graph: Graph,
    pipeline: &'static Pipeline,
    judge: &'static Judge,
}

impl Column {
    /// `dfdx, written out`
    pub fn name(&self) -> String {
        format!("{}, {}", self.judge.name, self.pipeline.name)
    }

    /// Whether passes have made the same of the graph for both.
    pub fn has_the_graph_of(&self, other: &Column) -> bool {
        self.pipeline.name == other.pipeline.name
    }

    /// The values of the outputs.
    ///
    /// # Errors
    /// What the engine says.
    pub fn run(
        &self,
        precision: Precision,
        inputs: &Inputs,
        key: RunKey,
    ) -> Result<Vec<Vec<f64>>, EngineError> {
        let results = (self.judge.engine)(precision).session().run(&self.graph, inputs, key)?;
        Ok(results.iter().map(HostTensor::to_f64).collect())
    }
}

/// The ways to run a graph, the reference first: the interpreter on the least rewritten graph that it can run. Pipelines that make
/// of a graph what an earlier one did are left out.
///
/// # Errors
/// When a pass fails, or gives a graph that the verifier refuses.
pub fn columns(graph: &Graph) -> Result<Vec<Column>, Error> {
    let mut columns: Vec<Column> = vec![];
    let mut seen = vec![];
    for pipeline in PIPELINES {
        // What differs in a bit is no mistake of an engine: what passes may round is judged by tests of their own.
        let mut cx = Context::default();
        cx.exact = true;
        let rewritten = vspec_optimize::run(pipeline.passes, graph, &mut cx, Verify::Each)?;
        let text = rewritten.to_string();
        if seen.contains(&text) {
            continue;
        }
        seen.push(text);
        let needs_tape = rewritten.nodes().any(|(_, node)| matches!(node.op, Op::Gradient {}));
        let judges = JUDGES.iter().filter(|judge| judge.tape || !needs_tape);
        columns.extend(judges.map(|judge| Column { graph: rewritten.clone(), pipeline, judge }));
    }
    let reference = columns.iter().position(|column| column.judge.name == JUDGES[0].name).unwrap_or(0);
    let first = columns.remove(reference);
    columns.insert(0, first);
    Ok(columns)
}
