//! Dead code: what no output needs goes away.
//!
//! ```text
//! %1 = exp(%0)
//! %2 = neg(%0)        ->    %1 = neg(%0)
//! value y = %2              value y = %1
//! ```
//!
//! Legal always: ops have no effects but their results; what is written or reported is an output. Numerics: exact. Not counted as a
//! rewrite, since leaving it out changes nothing that can be seen.

use vspec_ir::Graph;

use crate::pass::{Context, Error, Pass};

/// The pass.
pub static PASS: Pass = Pass { name: "dead", summary: "leaves out what no output needs", run };

fn run(graph: &Graph, _: &mut Context) -> Result<Graph, Error> {
    Ok(graph.extract(graph.name.clone(), graph.outputs()))
}
