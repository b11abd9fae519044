//! One way back from a loss.

use std::collections::BTreeMap;

use vspec_ir::ops::Gradient;
use vspec_ir::{DType, Graph, NodeId, Op, Type};

use super::back::Back;
use super::{custom, rules};
use crate::pass::Error;

/// Gradients of a scalar by some values, as new nodes of the graph; zero where the loss does not depend on a value.
pub(super) fn gradients(graph: &mut Graph, loss: NodeId, wrt: &[NodeId]) -> Result<Vec<NodeId>, Error> {
    let way = on_the_way(graph, loss, wrt);
    let origin = graph.node(loss).origin.clone();
    let fail = |node| move |violation| Error::Violation { node, violation };
    let one = Op::Full { value: 1.0, dtype: DType::F32, shape: vec![] };
    let one = graph.add(one, &[], origin).map_err(fail(loss))?;
    let mut arrived: BTreeMap<NodeId, NodeId> = BTreeMap::from([(loss, one)]);
    // Users come after what they use, so that the gradient of a node is whole when its turn comes.
    for index in (0..=loss.index()).rev() {
        let id = NodeId::from_index(index);
        let Some(g) = arrived.get(&id).copied().filter(|_| way[index]) else { continue };
        for (input, part) in contributions(graph, id, g, &way).map_err(fail(id))? {
            let sum = match arrived.get(&input) {
                Some(other) => Back::at(graph, id).binary(Op::Add {}, *other, part).map_err(fail(id))?,
                None => part,
            };
            arrived.insert(input, sum);
        }
    }
    let zero = |graph: &mut Graph, id: NodeId| {
        let Type { dtype, shape } = graph.ty(id).clone();
        graph.add(Op::Full { value: 0.0, dtype, shape }, &[], graph.node(id).origin.clone())
    };
    let found = |id: &NodeId| match arrived.get(id).filter(|_| id.index() <= loss.index()) {
        Some(g) => Ok(*g),
        None => zero(graph, *id).map_err(fail(*id)),
    };
    wrt.iter().map(found).collect()
}

/// What a node adds to the gradients of its operands.
fn contributions(
    graph: &mut Graph,
    id: NodeId,
    g: NodeId,
    way: &[bool],
) -> Result<Vec<(NodeId, NodeId)>, vspec_ir::Violation> {
    let inputs = graph.node(id).inputs.clone();
    let wanted = |input: &NodeId| way.get(input.index()).copied().unwrap_or(false);
    if let Op::CustomGradient {} = graph.node(id).op {
        return custom::contributions(graph, id, g, wanted);
    }
    let mask: Vec<bool> = inputs.iter().map(wanted).collect();
    if graph.node(id).op.decl().gradient != Gradient::Yes || !mask.contains(&true) {
        return Ok(vec![]);
    }
    let parts = rules::parts(&mut Back::at(graph, id), id, g, &mask)?;
    let flows = inputs.into_iter().zip(parts).zip(mask).filter(|(_, wanted)| *wanted);
    Ok(flows.filter_map(|((input, part), _)| Some((input, part?))).collect())
}

/// Which nodes up to the loss pass a gradient on to one of the values.
fn on_the_way(graph: &Graph, loss: NodeId, wrt: &[NodeId]) -> Vec<bool> {
    let mut way = vec![false; loss.index() + 1];
    for (id, node) in graph.nodes().take(loss.index() + 1) {
        let flows = match node.op {
            Op::CustomGradient {} => custom::arguments(node).iter().any(|i| way[i.index()]),
            _ => node.op.decl().gradient == Gradient::Yes && node.inputs.iter().any(|i| way[i.index()]),
        };
        way[id.index()] = node.ty.dtype == DType::F32 && (flows || wrt.contains(&id));
    }
    way
}
