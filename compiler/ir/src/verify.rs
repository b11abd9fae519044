//! What must hold of a graph before anything runs it.
//!
//! [`verify`] checks every node and reports everything that it finds. A [`Fault`] is a bug in the compiler (or in a
//! hand-written `.vir` file), never in a specification. Only this module makes a [`Verified`], so that whoever
//! takes one may rely on all of this without asking again:
//!
//! - every constraint of the op table, for each instance: `conv.c3`. `c0`, for every op, is the number and the element
//!   types of the operands;
//! - `graph.g1` to `graph.g9`, the [`GRAPH_CONSTRAINTS`].
//!
//! Not checked yet:
//!
//! - that what the outputs need has no gradients left (whether that is right depends on the stage);
//! - that names of sizes are plain words, on which the text form relies;
//! - that obligations can be met by any sizes at all;
//! - that the streams of different random nodes differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Deref;

use crate::infer::infer;
use crate::text::{PrintOptions, Printer};
use crate::{Dim, Facts, Graph, Node, NodeId, Obligation, Op, OutputKind, Relation, Type};

/// What must hold of a graph as a whole: `graph.g1` is the first.
pub const GRAPH_CONSTRAINTS: &[&str] = &[
    "each operand is a node of the graph that precedes its user",
    "the edges of the graph are the operands in order",
    "the stored type is the one that follows from the operands",
    "each output is a node of the graph",
    "names of outputs of one kind are distinct and not empty",
    "a variable that is read and written keeps its type",
    "all reads of an input or a variable agree on what it is",
    "the loss of a gradient was computed from what the gradient is with respect to",
    "each obligation belongs to a node of the graph",
];

/// Lines shown before and after the one that is wrong.
const CONTEXT: usize = 4;
/// Values of a constant that are shown.
const MAX_VALUES: usize = 8;

/// A graph that passed [`verify`].
#[derive(Debug, Clone, PartialEq)]
pub struct Verified(Graph);

impl Verified {
    /// The graph, to be changed; it must be verified again afterwards.
    pub fn into_graph(self) -> Graph {
        self.0
    }
}

impl Deref for Verified {
    type Target = Graph;
    fn deref(&self) -> &Graph {
        &self.0
    }
}

/// The part of a graph that a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A node.
    Node(NodeId),
    /// The output at this index.
    Output(usize),
    /// The obligation at this index.
    Obligation(usize),
}

/// A constraint that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Label of the constraint: `conv.c3`, `graph.g1`.
    pub label: String,
    /// What it is about.
    pub part: Part,
    /// What is wrong, with the values.
    pub detail: String,
    /// The printed line, marked, and a few around it.
    pub context: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n{}", self.label, self.detail, self.context)
    }
}

impl std::error::Error for Fault {}

/// Checks all constraints.
///
/// # Errors
/// Every fault, in the order of the parts that they are about.
pub fn verify(graph: Graph) -> Result<Verified, Vec<Fault>> {
    let mut check = Check { graph: &graph, found: vec![] };
    for (id, node) in graph.nodes() {
        check.node(id, node);
    }
    check.reads();
    check.outputs();
    check.obligations();
    let faults = check.faults();
    if faults.is_empty() { Ok(Verified(graph)) } else { Err(faults) }
}

/// A fault before it is rendered.
struct Found {
    part: Part,
    label: String,
    detail: String,
}

struct Check<'a> {
    graph: &'a Graph,
    found: Vec<Found>,
}

impl<'a> Check<'a> {
    /// Records that `graph.g<number>` does not hold.
    fn fail(&mut self, number: usize, part: Part, detail: String) {
        self.found.push(Found { part, label: format!("graph.g{number}"), detail });
    }

    fn node(&mut self, id: NodeId, node: &Node) {
        self.edges(id, node);
        if !self.operands(id, node) {
            return;
        }
        let types: Vec<Type> = node.inputs.iter().map(|i| self.graph.ty(*i).clone()).collect();
        let part = Part::Node(id);
        match infer(&node.op, &types, self.graph.facts()) {
            Err(v) => self.found.push(Found { part, label: v.label(), detail: v.detail }),
            Ok((ty, _)) if same_type(&ty, &node.ty, self.graph.facts()) => self.gradient(id, node),
            Ok((ty, _)) => self.fail(3, part, format!("the type is {}, but the operands give {ty}", node.ty)),
        }
    }

    /// g1
    fn operands(&mut self, id: NodeId, node: &Node) -> bool {
        let before = self.found.len();
        for input in &node.inputs {
            let problem = match self.graph.get(*input) {
                None => "does not exist",
                Some(_) if *input >= id => "does not precede its user",
                Some(_) => continue,
            };
            self.fail(1, Part::Node(id), format!("an operand {problem}"));
        }
        self.found.len() == before
    }

    /// g2; an operand that does not exist cannot have an edge.
    fn edges(&mut self, id: NodeId, node: &Node) {
        let existing = node.inputs.iter().enumerate().filter(|(_, i)| self.graph.get(**i).is_some());
        let expected: Vec<(u32, NodeId)> = existing.map(|(at, i)| (at as u32, *i)).collect();
        let edges = self.graph.edges_into(id);
        if edges != expected {
            self.fail(2, Part::Node(id), format!("{} edges for {} operands", edges.len(), expected.len()));
        }
    }

    /// g8
    fn gradient(&mut self, id: NodeId, node: &Node) {
        if let (Op::Gradient {}, [loss, wrt]) = (&node.op, node.inputs.as_slice())
            && !depends_on(self.graph, *loss, *wrt)
        {
            self.fail(8, Part::Node(id), "the loss does not depend on the value".to_string());
        }
    }

    /// g7
    fn reads(&mut self) {
        let mut known: BTreeMap<(bool, &str), &'a Node> = BTreeMap::new();
        for (id, node) in self.graph.nodes() {
            let Some(key) = read(node) else { continue };
            let first = *known.entry(key).or_insert(node);
            if first.ty != node.ty || first.op.decl().name != node.op.decl().name {
                let (name, ty) = (first.op.decl().name, &first.ty);
                self.fail(7, Part::Node(id), format!("`{}` was read as {name} {ty} before", key.1));
            }
        }
    }

    fn outputs(&mut self) {
        let variables: BTreeMap<&str, &Type> = self.graph.nodes().filter_map(|(_, n)| variable(n)).collect();
        let mut names: BTreeSet<(&str, &str)> = BTreeSet::new();
        for (i, output) in self.graph.outputs().iter().enumerate() {
            if output.name.is_empty() || !names.insert((output.kind.name(), &output.name)) {
                self.fail(5, Part::Output(i), format!("the name {:?} is not distinct", output.name));
            }
            let Some(node) = self.graph.get(output.node) else {
                self.fail(4, Part::Output(i), "the value does not exist".to_string());
                continue;
            };
            if let (OutputKind::Write, Some(ty)) = (output.kind, variables.get(&*output.name))
                && !self.agree(ty, &node.ty)
            {
                self.fail(6, Part::Output(i), format!("{} is written to a variable of type {ty}", node.ty));
            }
        }
    }

    /// Whether types are equal, or an obligation makes them so when sizes are bound.
    fn agree(&self, a: &Type, b: &Type) -> bool {
        let obliged = |x: &Dim, y: &Dim| {
            self.graph.obligations().iter().any(|(_, Obligation { relation, left, right })| {
                *relation == Relation::Equal && (left == x && right == y || left == y && right == x)
            })
        };
        a.dtype == b.dtype
            && a.rank() == b.rank()
            && a.shape.iter().zip(&b.shape).all(|(x, y)| x == y || obliged(x, y))
    }

    /// g9
    fn obligations(&mut self) {
        for (i, (id, obligation)) in self.graph.obligations().iter().enumerate() {
            if self.graph.get(*id).is_none() {
                self.fail(
                    9,
                    Part::Obligation(i),
                    format!("`{obligation}` is for a node that does not exist"),
                );
            }
        }
    }

    fn faults(mut self) -> Vec<Fault> {
        if self.found.is_empty() {
            return vec![];
        }
        self.found.sort_by_key(|f| f.part);
        let options = PrintOptions { max_values: Some(MAX_VALUES), ..PrintOptions::default() };
        let printer = Printer::new(self.graph, options);
        let render = |f: Found| Fault {
            context: context(self.graph, &printer, f.part),
            label: f.label,
            part: f.part,
            detail: f.detail,
        };
        self.found.into_iter().map(render).collect()
    }
}

/// Equal for every value of the named sizes: facts that were learnt after a node was added may have simplified one of them.
fn same_type(a: &Type, b: &Type, facts: &Facts) -> bool {
    let simplified = |d: &Dim| d.substitute(&|_| None, facts);
    let same = |x: &Dim, y: &Dim| x == y || simplified(x) == simplified(y);
    a.dtype == b.dtype && a.rank() == b.rank() && a.shape.iter().zip(&b.shape).all(|(x, y)| same(x, y))
}

/// What a node reads from outside: whether it is a variable, and its name.
fn read(node: &Node) -> Option<(bool, &str)> {
    match &node.op {
        Op::Input { name, .. } => Some((false, name)),
        Op::Param { path, .. } | Op::State { path, .. } => Some((true, path)),
        _ => None,
    }
}

fn variable(node: &Node) -> Option<(&str, &Type)> {
    read(node).filter(|(variable, _)| *variable).map(|(_, path)| (path, &node.ty))
}

/// Whether `target` is among what `from` is computed from; both precede the node that asks, and operands go downwards.
fn depends_on(graph: &Graph, from: NodeId, target: NodeId) -> bool {
    let mut needed = vec![false; from.index() + 1];
    needed[from.index()] = true;
    for i in (target.index()..=from.index()).rev().filter(|_| target <= from) {
        if needed[i] {
            for input in graph.node(NodeId::from_index(i)).inputs.iter().filter(|n| n.index() < i) {
                needed[input.index()] = true;
            }
        }
    }
    needed.get(target.index()).copied().unwrap_or(false)
}

/// The line of a part with a mark, between its neighbours.
fn context(graph: &Graph, printer: &Printer<'_>, part: Part) -> String {
    let (at, count) = match part {
        Part::Node(id) => (id.index(), graph.len()),
        Part::Output(i) => (i, graph.outputs().len()),
        Part::Obligation(i) => (i, graph.obligations().len()),
    };
    let line = |i: usize| match part {
        Part::Node(_) => printer.line(NodeId::from_index(i)),
        Part::Output(_) => printer.output_line(i),
        Part::Obligation(_) => printer.obligation_line(i),
    };
    let shown = at.saturating_sub(CONTEXT)..count.min(at + CONTEXT + 1);
    let lines = shown.map(|i| format!("{} {}", if i == at { ">" } else { " " }, line(i)));
    lines.collect::<Vec<_>>().join("\n")
}
