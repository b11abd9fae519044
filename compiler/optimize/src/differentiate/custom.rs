//! Gradients that the specification gives: `custom_gradient(y, dy, x1, .., dx1, ..)` has the value `y`; what flows back into `x1` is
//! `dx1`, an expression in which `dy` stands for what has arrived.

use vspec_ir::{Graph, Node, NodeId, Op, Output, Violation};

/// The operands that gradients flow into.
pub(super) fn arguments(node: &Node) -> &[NodeId] {
    let rest = node.inputs.get(2..).unwrap_or_default();
    &rest[..rest.len() / 2]
}

/// The expressions of the gradients of [`arguments`].
fn expressions(node: &Node) -> &[NodeId] {
    let rest = node.inputs.get(2..).unwrap_or_default();
    &rest[rest.len() / 2..]
}

/// What flows into each argument: its expression with `g` in the place of `dy`.
pub(super) fn contributions(
    graph: &mut Graph,
    id: NodeId,
    g: NodeId,
    wanted: impl Fn(&NodeId) -> bool,
) -> Result<Vec<(NodeId, NodeId)>, Violation> {
    let node = graph.node(id).clone();
    let Some(dy) = node.inputs.get(1).copied() else { return Ok(vec![]) };
    let mut replaced: Vec<Option<NodeId>> = vec![None; id.index()];
    replaced[dy.index()] = Some(g);
    let pairs = arguments(&node).iter().zip(expressions(&node)).filter(|(x, _)| wanted(x));
    let pairs: Vec<(NodeId, NodeId)> = pairs.map(|(x, dx)| (*x, *dx)).collect();
    Ok(pairs.into_iter().map(|(x, dx)| (x, replace(graph, dx, &mut replaced))).collect())
}

/// Copies of the nodes up to `end` that depend on something replaced; everything else stays what it is.
fn replace(graph: &mut Graph, end: NodeId, replaced: &mut [Option<NodeId>]) -> NodeId {
    let output = Output { name: "end".into(), kind: vspec_ir::OutputKind::Value, node: end };
    let live = graph.live(&[output]);
    for index in 0..=end.index() {
        let node = graph.node(NodeId::from_index(index));
        let changes = node.inputs.iter().any(|i| replaced[i.index()].is_some());
        if live[index] && changes && replaced[index].is_none() {
            let inputs = node.inputs.iter().map(|i| replaced[i.index()].unwrap_or(*i)).collect();
            let copy = Node { inputs, ..node.clone() };
            replaced[index] = Some(graph.push(copy));
        }
    }
    replaced[end.index()].unwrap_or(end)
}

/// The part of a graph that its outputs need, with every custom gradient replaced by its value.
pub(super) fn removed(graph: &Graph, outputs: &[Output]) -> Graph {
    let mut out = Graph::new(graph.name.clone());
    *out.facts_mut() = graph.facts().clone();
    let mut renamed: Vec<NodeId> = vec![];
    for (_, node) in graph.nodes() {
        let inputs: Vec<NodeId> = node.inputs.iter().map(|i| renamed[i.index()]).collect();
        renamed.push(match node.op {
            Op::CustomGradient {} => inputs[0],
            _ => out.push(Node { inputs, ..node.clone() }),
        });
    }
    for (id, obligation) in graph.obligations() {
        out.oblige(renamed[id.index()], obligation.clone());
    }
    let outputs: Vec<Output> =
        outputs.iter().map(|o| Output { node: renamed[o.node.index()], ..o.clone() }).collect();
    out.extract(graph.name.clone(), &outputs)
}
