//! The graph: values, the ops that compute them, and what is read out at the end.
//!
//! Every node computes one value. An operand is always added before its users, so that ascending ids are a topological
//! order and nothing ever has to check for cycles; a pass that removes nodes makes a new graph ([`Graph::extract`]).
//! Operand order is explicit in [`Node::inputs`]; the edges of the underlying petgraph are derived from it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};

use crate::infer::{Obligation, Violation, infer};
use crate::ops::Attr;
use crate::{Dim, Facts, Op, Type};

/// A node of one graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// Position in the graph's order, from 0.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The node at a position.
    pub fn from_index(index: usize) -> Self {
        NodeId(index as u32)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// A byte range of a source file of the specification; the numbers are those of the front end's spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Location {
    /// Index of the file.
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// Where a node comes from in the specification. Survives every pass, so that each message and profile row can name a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The name that the specification gives the value.
    pub name: Option<Arc<str>>,
    /// Path of the module instance that computes it, `layer1.0.conv1`; empty outside modules.
    pub scope: Option<Arc<str>>,
    /// The expression.
    pub location: Option<Location>,
}

/// One computed value.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What computes it.
    pub op: Op,
    /// Operands in order; each was added before this node.
    pub inputs: Vec<NodeId>,
    /// Its type.
    pub ty: Type,
    /// Where it comes from.
    pub origin: Origin,
}

impl Node {
    /// Adds the names that the sizes of its type and its attributes depend on.
    fn collect_symbols(&self, found: &mut BTreeSet<Arc<str>>) {
        let named = self.ty.shape.iter().filter(|d| d.as_const().is_none());
        found.extend(named.flat_map(Dim::symbols));
        // Only these have sizes that their types do not show.
        if matches!(self.op, Op::Size { .. } | Op::Slice { .. }) {
            found.extend(self.sizes().iter().flat_map(Dim::symbols));
        }
    }

    /// Every size in its type and its attributes.
    pub(crate) fn sizes(&self) -> Vec<Dim> {
        let mut sizes = self.ty.shape.clone();
        for (_, attr) in self.op.attrs() {
            match attr {
                Attr::Dim(size) => sizes.push(size),
                Attr::Dims(shape) => sizes.extend(shape),
                _ => {}
            }
        }
        sizes
    }
}

/// What an output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputKind {
    /// A result that the caller asked for.
    Value,
    /// A number that is recorded: a loss term or a metric.
    Report,
    /// The next value of the parameter or state whose path is the output's name.
    Write,
    /// Rows that are gathered over a pass, for the graph that finishes it.
    Collect,
    /// A column of a table that is recorded: `<table>/<column>`.
    Column,
}

impl OutputKind {
    /// Word in the text form.
    pub fn name(self) -> &'static str {
        match self {
            OutputKind::Value => "value",
            OutputKind::Report => "report",
            OutputKind::Write => "write",
            OutputKind::Collect => "collect",
            OutputKind::Column => "column",
        }
    }

    /// The kind with that word.
    pub fn from_name(name: &str) -> Option<OutputKind> {
        use OutputKind::{Collect, Column, Report, Value, Write};
        [Value, Report, Write, Collect, Column].into_iter().find(|k| k.name() == name)
    }
}

/// A value that is read out of the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Name of the result or the metric, or path of the variable that is written.
    pub name: Arc<str>,
    /// What it is for.
    pub kind: OutputKind,
    /// The value.
    pub node: NodeId,
}

/// A dataflow graph over symbolic shapes.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Its name: an entry, a step, an initialiser.
    pub name: String,
    nodes: StableDiGraph<Node, u32>,
    outputs: Vec<Output>,
    facts: Facts,
    obligations: Vec<(NodeId, Obligation)>,
    stamp: u64,
}

/// The stamp of the next graph that is changed.
static NEXT_STAMP: AtomicU64 = AtomicU64::new(1);

impl Graph {
    /// An empty graph.
    pub fn new(name: impl Into<String>) -> Self {
        Graph { name: name.into(), ..Graph::default() }
    }

    /// A number that two graphs share only if one is an unchanged copy of the other: what was made of one serves the other, too.
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    fn changed(&mut self) {
        self.stamp = NEXT_STAMP.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds a node whose type follows from its operands, which must be nodes of this graph.
    pub fn add(&mut self, op: Op, inputs: &[NodeId], origin: Origin) -> Result<NodeId, Violation> {
        let types: Vec<Type> = inputs.iter().map(|i| self.node(*i).ty.clone()).collect();
        let (ty, obligations) = infer(&op, &types, &self.facts)?;
        let id = self.push(Node { op, inputs: inputs.to_vec(), ty, origin });
        self.obligations.extend(obligations.into_iter().map(|o| (id, o)));
        Ok(id)
    }

    /// Adds a node as it is. The verifier is what finds out whether it is right.
    pub fn push(&mut self, node: Node) -> NodeId {
        self.changed();
        let inputs = node.inputs.clone();
        let index = self.nodes.add_node(node);
        for (position, input) in inputs.iter().enumerate() {
            if self.nodes.contains_node(NodeIndex::new(input.index())) {
                self.nodes.add_edge(NodeIndex::new(input.index()), index, position as u32);
            }
        }
        NodeId::from_index(index.index())
    }

    /// A node of this graph.
    ///
    /// # Panics
    /// When the id belongs to another, larger graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[NodeIndex::new(id.index())]
    }

    /// A node, if the graph has one with that id.
    pub fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.node_weight(NodeIndex::new(id.index()))
    }

    /// Where a node comes from, to be made more precise.
    pub fn origin_mut(&mut self, id: NodeId) -> Option<&mut Origin> {
        self.changed();
        self.nodes.node_weight_mut(NodeIndex::new(id.index())).map(|n| &mut n.origin)
    }

    /// Type of a node.
    pub fn ty(&self, id: NodeId) -> &Type {
        &self.node(id).ty
    }

    /// Nodes in topological order.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (NodeId, &Node)> {
        (0..self.len()).map(|i| {
            let id = NodeId::from_index(i);
            (id, self.node(id))
        })
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.node_count()
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Nodes that use a value, in ascending order, each once.
    pub fn users(&self, id: NodeId) -> Vec<NodeId> {
        let at = NodeIndex::new(id.index());
        let mut users: Vec<_> = self.nodes.neighbors_directed(at, Direction::Outgoing).collect();
        users.sort_unstable();
        users.dedup();
        users.into_iter().map(|n| NodeId::from_index(n.index())).collect()
    }

    /// Operands of a node according to the edges, for the verifier to compare with [`Node::inputs`].
    pub(crate) fn edges_into(&self, id: NodeId) -> Vec<(u32, NodeId)> {
        use petgraph::visit::EdgeRef;
        let at = NodeIndex::new(id.index());
        let mut edges: Vec<_> = self
            .nodes
            .edges_directed(at, Direction::Incoming)
            .map(|e| (*e.weight(), NodeId::from_index(e.source().index())))
            .collect();
        edges.sort_unstable();
        edges
    }

    /// What is read out, in order.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Adds an output.
    pub fn output(&mut self, name: impl Into<Arc<str>>, kind: OutputKind, node: NodeId) {
        self.changed();
        self.outputs.push(Output { name: name.into(), kind, node });
    }

    /// What is known about named sizes.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Adds to what is known about named sizes; nodes added later may rely on it.
    pub fn facts_mut(&mut self) -> &mut Facts {
        self.changed();
        &mut self.facts
    }

    /// What must be checked when sizes are bound, and the node that needs it.
    pub fn obligations(&self) -> &[(NodeId, Obligation)] {
        &self.obligations
    }

    /// Adds an obligation that the specification states itself.
    pub fn oblige(&mut self, node: NodeId, obligation: Obligation) {
        self.changed();
        self.obligations.push((node, obligation));
    }

    /// The part of the graph that the given outputs need, as a graph of its own.
    ///
    /// An input stays if it is what gives a size its value. So do inputs whose sizes the conditions among the facts are about: they
    /// tell whether the graph is the one to run.
    pub fn extract(&self, name: impl Into<String>, outputs: &[Output]) -> Graph {
        let live = self.needed(outputs);
        let mut part = Graph { name: name.into(), facts: self.facts.clone(), ..Graph::default() };
        let mut renamed: Vec<Option<NodeId>> = vec![None; self.len()];
        for (id, node) in self.nodes().filter(|(id, _)| live[id.index()]) {
            let inputs = node.inputs.iter().filter_map(|i| *renamed.get(i.index())?).collect();
            renamed[id.index()] = Some(part.push(Node { inputs, ..node.clone() }));
        }
        let rename = |id: NodeId| renamed.get(id.index()).copied().flatten();
        let kept = self.obligations.iter().filter_map(|(id, o)| rename(*id).map(|id| (id, o.clone())));
        part.obligations = kept.collect();
        part.changed();
        part.outputs =
            outputs.iter().filter_map(|o| rename(o.node).map(|node| Output { node, ..o.clone() })).collect();
        let used = part.symbols();
        part.facts.keep_definitions(&used);
        part.facts.keep_conditions(&part.bound_symbols());
        part
    }

    /// Marks an input for each size that a condition is about and that no input binds yet.
    fn keep_conditions_live(&self, live: &mut [bool]) {
        let conditions = self.facts.conditions().iter().flat_map(Obligation::symbols);
        let mut wanted: BTreeSet<Arc<str>> = conditions.collect();
        let defined = self.facts.definitions().filter(|(s, _)| wanted.contains(*s));
        let behind: Vec<Arc<str>> = defined.flat_map(|(_, value)| value.symbols()).collect();
        wanted.extend(behind);
        let binds = |node: &Node, symbol: &str| {
            matches!(node.op, Op::Input { .. }) && node.ty.shape.iter().any(|d| d.as_symbol() == Some(symbol))
        };
        for symbol in wanted {
            let inputs = self.nodes().filter(|(_, node)| binds(node, &symbol)).map(|(id, _)| id.index());
            let inputs: Vec<usize> = inputs.collect();
            if let Some(first) = inputs.first().filter(|_| !inputs.iter().any(|i| live[*i])) {
                live[*first] = true;
            }
        }
    }

    /// Sizes that inputs bind, and those that follow from them.
    fn bound_symbols(&self) -> BTreeSet<Arc<str>> {
        let inputs = self.nodes().filter(|(_, node)| matches!(node.op, Op::Input { .. }));
        let mut bound: BTreeSet<Arc<str>> =
            inputs.flat_map(|(_, node)| node.ty.shape.iter().flat_map(Dim::symbols)).collect();
        loop {
            let before = bound.len();
            let known = |value: &Dim| value.symbols().iter().all(|s| bound.contains(s));
            let more: Vec<Arc<str>> =
                self.facts.definitions().filter(|(_, v)| known(v)).map(|(s, _)| s.into()).collect();
            bound.extend(more);
            if bound.len() == before {
                return bound;
            }
        }
    }

    /// Every named size that occurs in types, attributes and obligations.
    pub fn symbols(&self) -> BTreeSet<Arc<str>> {
        let mut found = BTreeSet::new();
        for (_, node) in self.nodes() {
            found.extend(node.sizes().iter().flat_map(Dim::symbols));
        }
        for (_, Obligation { left, right, .. }) in &self.obligations {
            found.extend(left.symbols());
            found.extend(right.symbols());
        }
        found
    }

    /// For each node, whether one of the outputs needs it.
    pub fn live(&self, outputs: &[Output]) -> Vec<bool> {
        let mut live = vec![false; self.len()];
        let mark = |live: &mut [bool], id: NodeId| {
            if let Some(needed) = live.get_mut(id.index()) {
                *needed = true;
            }
        };
        outputs.iter().for_each(|o| mark(&mut live, o.node));
        for i in (0..self.len()).rev() {
            if live[i] {
                self.node(NodeId::from_index(i)).inputs.iter().for_each(|input| mark(&mut live, *input));
            }
        }
        live
    }
}

impl Graph {
    /// The same as [`Graph::live`], with the inputs from whose shapes the sizes of live nodes and of conditions are learnt.
    pub fn needed(&self, outputs: &[Output]) -> Vec<bool> {
        let mut live = self.live(outputs);
        self.keep_conditions_live(&mut live);
        let mut unknown: BTreeSet<Arc<str>> = BTreeSet::new();
        for (_, node) in self.nodes().filter(|(id, _)| live[id.index()]) {
            node.collect_symbols(&mut unknown);
        }
        let obliged = self.obligations.iter().filter(|(id, _)| live.get(id.index()) == Some(&true));
        unknown.extend(obliged.flat_map(|(_, o)| [o.left.symbols(), o.right.symbols()]).flatten());
        // What a definition is made of has to be known as well.
        while let Some(defined) = unknown.iter().find(|s| self.facts.definition(s).is_some()).cloned() {
            unknown.remove(&defined);
            unknown.extend(self.facts.definition(&defined).map(Dim::symbols).unwrap_or_default());
        }
        let bound = |node: &Node| -> Vec<Arc<str>> {
            let input = matches!(node.op, Op::Input { .. });
            let names = node.ty.shape.iter().filter(|_| input).filter_map(Dim::as_symbol);
            names.map(Arc::from).collect()
        };
        for (_, node) in self.nodes().filter(|(id, _)| live[id.index()]) {
            for symbol in bound(node) {
                unknown.remove(&symbol);
            }
        }
        for (id, node) in self.nodes() {
            if unknown.is_empty() {
                break;
            }
            let found: Vec<Arc<str>> = bound(node).into_iter().filter(|s| unknown.remove(s)).collect();
            live[id.index()] |= !found.is_empty();
        }
        live
    }
}

impl PartialEq for Graph {
    /// Same nodes, outputs and facts; obligations follow from them.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.outputs == other.outputs
            && self.facts == other.facts
            && self.len() == other.len()
            && self.nodes().zip(other.nodes()).all(|(a, b)| a.1 == b.1)
    }
}
