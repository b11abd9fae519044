//! Reverse-mode differentiation: `gradient` nodes become the graph that computes them.
//!
//! ```text
//! %2 = mul(%0, %0)               %2 = mul(%0, %0)
//! %3 = sum(%2)                   %3 = sum(%2)
//! %4 = gradient(%3, %0)    ->    %4 = full(1)
//!                                %5 = broadcast(%4)
//!                                %6 = mul(%5, %0), %7 = mul(%5, %0), %8 = add(%6, %7)
//! ```
//!
//! Legal always: the new nodes are the chain rule. Numerics class: exact, up to the order in which contributions are added, which is
//! that of the graph. One sweep from a loss answers every gradient of it. Nodes are visited in order, so that a gradient that a
//! later loss contains is a plain graph by then: nested gradients need nothing more.
//!
//! Custom gradients end here: a `custom_gradient` node steers the sweep and is replaced by its value afterwards.

mod back;
mod custom;
mod rules;
mod sweep;

use std::collections::BTreeMap;

use vspec_ir::{Graph, Node, NodeId, Op, Output, Program, Source, Stage};

use crate::pass::{Error, Pass};

/// The pass.
pub static PASS: Pass = Pass {
    name: "differentiate",
    summary: "writes every gradient out as a graph",
    run: |graph, _| expand(graph),
};

/// The same graph without `gradient` nodes and custom gradients.
///
/// # Errors
/// When a gradient's graph is ill typed.
pub fn expand(graph: &Graph) -> Result<Graph, Error> {
    let mut out = Graph::new(graph.name.clone());
    *out.facts_mut() = graph.facts().clone();
    let live = graph.live(graph.outputs());
    let mut renamed: Vec<Option<NodeId>> = vec![None; graph.len()];
    let mut answered: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    for (id, node) in graph.nodes().filter(|(id, _)| live[id.index()]) {
        if let Op::Gradient {} = node.op {
            if !answered.contains_key(&id) {
                let wanted = gradients_of(graph, &live, node.inputs[0], &renamed);
                let values = answer(&mut out, node.inputs[0], &wanted, &renamed)?;
                answered.extend(wanted.iter().map(|(gradient, _)| *gradient).zip(values));
            }
            renamed[id.index()] = answered.get(&id).copied();
            continue;
        }
        let inputs = node.inputs.iter().filter_map(|i| renamed[i.index()]).collect();
        renamed[id.index()] = Some(out.push(Node { inputs, ..node.clone() }));
    }
    for (id, obligation) in graph.obligations() {
        if let Some(new) = renamed[id.index()] {
            out.oblige(new, obligation.clone());
        }
    }
    let rename = |o: &Output| renamed[o.node.index()].map(|node| Output { node, ..o.clone() });
    let outputs: Vec<Output> = graph.outputs().iter().filter_map(rename).collect();
    Ok(custom::removed(&out, &outputs))
}

/// Whether a graph needs [`expand`] on an engine that differentiates by itself: it has gradients of gradients or custom ones.
pub fn is_beyond_a_tape(graph: &Graph) -> bool {
    let custom = graph.nodes().any(|(_, node)| matches!(node.op, Op::CustomGradient {}));
    custom || has_nested(graph)
}

/// Whether a gradient is differentiated.
fn has_nested(graph: &Graph) -> bool {
    let mut through = vec![false; graph.len()];
    for (id, node) in graph.nodes() {
        let flows = node.op.decl().gradient == vspec_ir::ops::Gradient::Yes;
        through[id.index()] = match node.op {
            Op::Gradient {} if through[node.inputs[0].index()] => return true,
            Op::Gradient {} => true,
            _ => flows && node.inputs.iter().any(|i| through[i.index()]),
        };
    }
    false
}

/// What an engine does with `gradient` nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tape {
    /// It answers those that are not nested, and it knows no custom ones.
    First,
    /// It has none.
    None,
}

/// Expands a graph if an engine cannot answer its gradients.
///
/// # Errors
/// When a gradient's graph is ill typed.
pub fn prepare(graph: &mut Graph, tape: Tape) -> Result<(), Error> {
    let has_gradients = || graph.nodes().any(|(_, node)| matches!(node.op, Op::Gradient {}));
    if is_beyond_a_tape(graph) || tape == Tape::None && has_gradients() {
        *graph = expand(graph)?;
    }
    Ok(())
}

/// Expands those graphs of a program whose gradients an engine cannot answer.
///
/// # Errors
/// When a gradient's graph is ill typed.
pub fn prepare_program(program: &mut Program, tape: Tape) -> Result<(), Error> {
    for step in &mut program.steps {
        for graph in step.all_graphs_mut() {
            prepare(graph, tape)?;
        }
    }
    program.data.iter_mut().try_for_each(|set| prepare_stages(&mut set.source, &mut set.stages))
}

/// Functions of items run on any engine, one without gradients included.
fn prepare_stages(source: &mut Source, stages: &mut [Stage]) -> Result<(), Error> {
    if let Source::Mix { parts } = source {
        parts.iter_mut().try_for_each(|part| prepare_stages(&mut part.source, &mut part.stages))?;
    }
    for stage in stages {
        if let Stage::Map(graph) = stage {
            prepare(graph, Tape::None)?;
        }
    }
    Ok(())
}

/// Every gradient of a loss whose argument is there already, with that argument: one sweep answers them all. An argument that
/// comes later cannot have been used by the loss.
fn gradients_of(
    graph: &Graph,
    live: &[bool],
    loss: NodeId,
    renamed: &[Option<NodeId>],
) -> Vec<(NodeId, Option<NodeId>)> {
    let of_loss = |(_, node): &(NodeId, &Node)| matches!(node.op, Op::Gradient {}) && node.inputs[0] == loss;
    let nodes = graph.nodes().filter(|(id, _)| live[id.index()]).filter(of_loss);
    nodes.map(|(id, node)| (id, renamed[node.inputs[1].index()])).filter(|(_, wrt)| wrt.is_some()).collect()
}

/// The gradients of a loss by each of the wanted values, in the new graph.
fn answer(
    out: &mut Graph,
    loss: NodeId,
    wanted: &[(NodeId, Option<NodeId>)],
    renamed: &[Option<NodeId>],
) -> Result<Vec<NodeId>, Error> {
    let Some(loss) = renamed[loss.index()] else { return Ok(vec![]) };
    let wrt: Vec<NodeId> = wanted.iter().filter_map(|(_, wrt)| *wrt).collect();
    sweep::gradients(out, loss, &wrt)
}
