//! Fusion for an engine that has a tape: regions of a graph, each with its way back.
//!
//! Such an engine goes through a graph node by node and records what it does. A region goes onto its tape as one operation: a plan that
//! computes what others need of it, and a plan that turns the gradients of that into gradients of what it read. The second one comes
//! from our own differentiation of the region; everything between regions, and the order of it all, stays the engine's.

use std::collections::{BTreeMap, BTreeSet};

use vspec_ir::plan::{Backward, Fusion, Fusions, Plan, Unit};
use vspec_ir::{DType, Graph, Node, NodeId, Op, Origin, OutputKind, Type};

use super::group::{Group, GroupId, Groups};
use super::nodes::{Nodes, Role};
use super::{Anchors, Declined, Options, fuse, merge_readers};
use crate::{Context, Level, Verify, memory, pipeline, run};

/// Nodes of the smallest region that is worth an operation of its own.
const SMALLEST: usize = 2;

/// The regions of a graph whose sizes are bound; gradients may be left in it.
///
/// # Errors
/// When a region cannot be planned, which is a mistake in this crate.
pub fn regions(graph: &Graph) -> Result<Fusions, String> {
    let nodes = Nodes::of(graph)?;
    let mut groups = Groups::single(&nodes);
    merge_readers(&nodes, &mut groups, &mut Declined::new(), Anchors::Alone);
    let mut fusions = Fusions::default();
    let mut of: BTreeMap<GroupId, usize> = BTreeMap::new();
    for (id, group) in groups.in_order() {
        if group.anchor.is_none() && group.members.len() >= SMALLEST {
            of.insert(id, fusions.fusions.len());
            fusions.fusions.push(Region { nodes: &nodes, groups: &groups, group, id }.fusion()?);
        }
    }
    let place = |node: NodeId| groups.of(node).and_then(|group| of.get(&group).copied());
    fusions.units = order(&nodes, &fusions.fusions, &place);
    Ok(fusions)
}

/// An order of nodes and regions: whatever is read comes first. Nodes that only a region looks through are left out.
fn order(nodes: &Nodes<'_>, fusions: &[Fusion], place: &dyn Fn(NodeId) -> Option<usize>) -> Vec<Unit> {
    let mut units = vec![];
    let mut done: BTreeSet<NodeId> = BTreeSet::new();
    let mut ran: BTreeSet<usize> = BTreeSet::new();
    for output in nodes.graph.outputs() {
        // A node stays on the stack until what it reads is done.
        let mut open = vec![output.node];
        while let Some(id) = open.last().copied() {
            let region = place(id);
            if done.contains(&id) || region.is_some_and(|region| ran.contains(&region)) {
                open.pop();
                continue;
            }
            let reads = region.map_or(&nodes.node(id).inputs, |region| &fusions[region].inputs);
            let ready = |read: &NodeId| done.contains(read) || place(*read).is_some_and(|r| ran.contains(&r));
            let missing: Vec<NodeId> = reads.iter().filter(|read| !ready(read)).copied().collect();
            if missing.is_empty() {
                open.pop();
                match region {
                    Some(region) => {
                        ran.insert(region);
                        units.push(Unit::Fusion(region));
                    }
                    None => {
                        done.insert(id);
                        units.push(Unit::Node(id));
                    }
                }
            }
            open.extend(missing);
        }
    }
    units
}

struct Region<'r, 'g> {
    nodes: &'r Nodes<'g>,
    groups: &'r Groups,
    group: &'r Group,
    id: GroupId,
}

impl Region<'_, '_> {
    fn fusion(&self) -> Result<Fusion, String> {
        let needed = |id: &&NodeId| self.groups.is_needed_outside(self.nodes, **id, [self.id, self.id]);
        let outputs: Vec<NodeId> = self.group.members.iter().filter(needed).copied().collect();
        let mut forth = Body::of(self, &outputs)?;
        for (i, output) in outputs.iter().enumerate() {
            let node = forth.made[output];
            forth.graph.output(format!("y{i}"), OutputKind::Value, node);
        }
        let inputs: Vec<NodeId> = forth.inputs.clone();
        let backward = self.backward(&outputs)?;
        Ok(Fusion { inputs, outputs, forward: planned(&forth.graph)?, backward })
    }

    /// The gradient of `sum(y0 * g0) + sum(y1 * g1) + ..` by each float input; none where no gradient flows.
    fn backward(&self, outputs: &[NodeId]) -> Result<Option<Backward>, String> {
        let mut body = Body::of(self, outputs)?;
        let floats = |id: &NodeId| self.nodes.node(*id).ty.dtype == DType::F32;
        let given: Vec<usize> = (0..outputs.len()).filter(|i| floats(&outputs[*i])).collect();
        let mut loss = None;
        for (k, i) in given.iter().enumerate() {
            let y = body.made[&outputs[*i]];
            let part = body.weighted(y, k)?;
            loss = Some(match loss {
                Some(sum) => body.add(Op::Add {}, &[sum, part])?,
                None => part,
            });
        }
        let Some(loss) = loss else { return Ok(None) };
        let mut wanted = vec![];
        for (i, input) in body.inputs.clone().into_iter().enumerate().filter(|(_, id)| floats(id)) {
            let x = body.made[&input];
            let gradient = body.add(Op::Gradient {}, &[loss, x])?;
            body.graph.output(format!("d{i}"), OutputKind::Value, gradient);
            wanted.push(i);
        }
        let mut cx = Context::default();
        let graph = run(pipeline(Level::O1), &body.graph, &mut cx, Verify::Last)
            .map_err(|error| error.to_string())?;
        // What is 0 whatever arrives needs no plan.
        let flows = |o: &&vspec_ir::Output| !matches!(graph.node(o.node).op, Op::Full { value: 0.0, .. });
        let kept: Vec<vspec_ir::Output> = graph.outputs().iter().filter(flows).cloned().collect();
        let named = |i: &usize| kept.iter().any(|o| *o.name == format!("d{i}"));
        let wanted: Vec<usize> = wanted.into_iter().filter(named).collect();
        if wanted.is_empty() {
            return Ok(None);
        }
        let graph = graph.extract("backward", &kept);
        Ok(Some(Backward { wanted, given, plan: planned(&graph)? }))
    }
}

fn planned(graph: &Graph) -> Result<Plan, String> {
    let mut plan = fuse(graph, Options::default())?.plan;
    memory::place(&mut plan);
    Ok(plan)
}

/// A region as a graph of its own.
struct Body {
    graph: Graph,
    made: BTreeMap<NodeId, NodeId>,
    inputs: Vec<NodeId>,
}

impl Body {
    fn of(region: &Region<'_, '_>, outputs: &[NodeId]) -> Result<Self, String> {
        let mut inside: BTreeSet<NodeId> = BTreeSet::new();
        let mut inputs: BTreeSet<NodeId> = BTreeSet::new();
        let mut open = outputs.to_vec();
        while let Some(id) = open.pop() {
            let looked_through = matches!(region.nodes.role(id), Role::View | Role::Free);
            if !looked_through && !region.group.computes(id) {
                inputs.insert(id);
            } else if inside.insert(id) {
                open.extend(&region.nodes.node(id).inputs);
            }
        }
        let mut body =
            Body { graph: Graph::new("region"), made: BTreeMap::new(), inputs: inputs.into_iter().collect() };
        for (i, id) in body.inputs.clone().into_iter().enumerate() {
            let Type { dtype, shape } = region.nodes.node(id).ty.clone();
            let input = Op::Input { name: format!("x{i}").into(), dtype, shape };
            let new = body.add(input, &[])?;
            body.made.insert(id, new);
        }
        for id in inside {
            let node = region.nodes.node(id);
            let inputs = node.inputs.iter().filter_map(|input| body.made.get(input).copied()).collect();
            let new = body.graph.push(Node { inputs, ..node.clone() });
            body.made.insert(id, new);
        }
        Ok(body)
    }

    fn add(&mut self, op: Op, inputs: &[NodeId]) -> Result<NodeId, String> {
        self.graph.add(op, inputs, Origin::default()).map_err(|violation| violation.to_string())
    }

    /// `sum(y * g)` for an input `g` called `g0`, `g1`, ..
    fn weighted(&mut self, y: NodeId, number: usize) -> Result<NodeId, String> {
        let Type { dtype, shape } = self.graph.ty(y).clone();
        let axes: Vec<i64> = (0..shape.len() as i64).collect();
        let g = self.add(Op::Input { name: format!("g{number}").into(), dtype, shape }, &[])?;
        let product = self.add(Op::Mul {}, &[y, g])?;
        match axes.is_empty() {
            true => Ok(product),
            false => self.add(Op::Sum { axes, keepdims: false }, &[product]),
        }
    }
}
