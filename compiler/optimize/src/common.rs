//! Common subexpressions: what is computed twice is computed once.
//!
//! ```text
//! %1 = exp(%0)
//! %2 = exp(%0)        ->    %1 = exp(%0)
//! %3 = add(%1, %2)          %2 = add(%1, %1)
//! ```
//!
//! Legal when the ops and their attributes are equal, their operands are the same nodes and both give the same type. Random ops of one
//! stream draw the same numbers in one run, and reads of one input or variable see one value, so that they count as well. Declines for a
//! graph that still has gradients: which of two equal values a loss was computed from is what its gradient is about. Numerics: exact.

use std::collections::BTreeMap;

use vspec_ir::{Graph, Node, NodeId, Op, Type};

use crate::pass::{Context, Error, Numerics, Pass};
use crate::rebuild::Rebuild;
use crate::rewrite::is_differentiated;

/// The pass.
pub static PASS: Pass = Pass { name: "common", summary: "computes once what is computed several times", run };

fn run(graph: &Graph, cx: &mut Context) -> Result<Graph, Error> {
    if !is_differentiated(graph) {
        return Ok(graph.clone());
    }
    let mut rebuild = Rebuild::of(graph);
    // Few nodes share an op's name and operands, so that attributes are compared only where it matters.
    let mut known: BTreeMap<(&'static str, Vec<NodeId>, String), Vec<NodeId>> = BTreeMap::new();
    for index in 0..rebuild.len() {
        let Some((id, node)) = rebuild.next(index) else { continue };
        // Sources have no operands by which to tell them apart.
        let source = if node.inputs.is_empty() { format!("{:?}", node.op) } else { String::new() };
        let alike = known.entry((node.op.decl().name, node.inputs.clone(), source)).or_default();
        let twin = alike.iter().copied().find(|other| same(rebuild.new.node(*other), &node.op, &node.ty));
        match twin {
            Some(twin) if cx.apply("common", Numerics::Exact, id) => rebuild.set(id, twin),
            _ => {
                let new = rebuild.keep(id, node);
                alike.push(new);
            }
        }
    }
    Ok(rebuild.finish())
}

/// Whether a node computes what an op with the same operands would.
fn same(node: &Node, op: &Op, ty: &Type) -> bool {
    node.op == *op && node.ty == *ty
}
