//! From graphs to text.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::sync::Arc;

use super::attrs::write_attrs;
use super::lexer::is_word;
use super::names::{Labels, is_plain};
use crate::infer::{Obligation, infer};
use crate::{Facts, Graph, Node, NodeId, Type};

/// What the text form shows. The default reads back as an equal graph, but for locations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PrintOptions {
    /// Whether each node says where it stands in the source.
    pub locations: bool,
    /// Shows at most this many values of a constant; a text that leaves some out cannot be read back.
    pub max_values: Option<usize>,
}

/// A graph that displays as text.
pub struct Printer<'a> {
    graph: &'a Graph,
    labels: Labels,
    options: PrintOptions,
}

impl<'a> Printer<'a> {
    /// Prepares the labels.
    pub fn new(graph: &'a Graph, options: PrintOptions) -> Self {
        Printer { graph, labels: Labels::of(graph), options }
    }

    /// The line of a node, without indentation; an unknown id is shown as missing.
    pub fn line(&self, id: NodeId) -> String {
        let mut line = String::new();
        // Writing to a string cannot fail.
        let _ = match self.graph.get(id) {
            Some(node) => self.node(&mut line, id, node),
            None => write!(line, "{}", self.labels.show(id)),
        };
        line
    }

    /// The line of an output, without indentation; empty if there is no such output.
    pub fn output_line(&self, index: usize) -> String {
        let Some(output) = self.graph.outputs().get(index) else { return String::new() };
        format!("{} {} = {}", output.kind.name(), Name(&output.name), self.labels.show(output.node))
    }

    /// The line of an obligation, without indentation; empty if there is no such obligation.
    pub fn obligation_line(&self, index: usize) -> String {
        let Some((id, obligation)) = self.graph.obligations().get(index) else { return String::new() };
        format!("require {obligation} for {}", self.labels.show(*id))
    }

    /// The label of a node, `%attention.1`.
    pub fn label(&self, id: NodeId) -> String {
        self.labels.show(id).to_string()
    }

    /// The attributes of a node as its line shows them, ` axis=1 step=2`.
    pub(crate) fn attrs(&self, id: NodeId) -> String {
        let mut attrs = String::new();
        // Writing to a string cannot fail.
        let _ = self.graph.get(id).map(|n| write_attrs(&mut attrs, &n.op, &n.ty, self.max_values()));
        attrs
    }

    fn max_values(&self) -> usize {
        self.options.max_values.unwrap_or(usize::MAX)
    }

    fn node(&self, f: &mut dyn Write, id: NodeId, node: &Node) -> fmt::Result {
        let decl = node.op.decl();
        write!(f, "{} = {}", self.labels.show(id), decl.name)?;
        if !(decl.operands.is_empty() && node.inputs.is_empty()) {
            self.operands(f, &node.inputs)?;
        }
        write_attrs(f, &node.op, &node.ty, self.max_values())?;
        write!(f, " : {}", node.ty)?;
        self.origin(f, node)
    }

    fn operands(&self, f: &mut dyn Write, inputs: &[NodeId]) -> fmt::Result {
        f.write_char('(')?;
        for (i, input) in inputs.iter().enumerate() {
            write!(f, "{}{}", if i == 0 { "" } else { ", " }, self.labels.show(*input))?;
        }
        f.write_char(')')
    }

    fn origin(&self, f: &mut dyn Write, node: &Node) -> fmt::Result {
        let origin = &node.origin;
        if let Some(name) = origin.name.as_ref().filter(|n| !is_plain(n)) {
            write!(f, "   as {name:?}")?;
        }
        if let Some(scope) = &origin.scope {
            write!(f, "   in {}", Name(scope))?;
        }
        match origin.location.filter(|_| self.options.locations) {
            Some(at) => write!(f, "   at {}:{}..{}", at.file, at.start, at.end),
            None => Ok(()),
        }
    }

    /// `B: size, H: size % 32`
    fn sizes(&self, f: &mut dyn Write) -> fmt::Result {
        for (i, symbol) in symbols(self.graph).iter().enumerate() {
            write!(f, "{}{symbol}: size", if i == 0 { "" } else { ", " })?;
            match self.graph.facts().divisor(symbol) {
                1 => {}
                divisor => write!(f, " % {divisor}")?,
            }
            if let Some(value) = self.graph.facts().definition(symbol) {
                write!(f, " = {value}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Printer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "graph @{}(", Name(&self.graph.name))?;
        self.sizes(f)?;
        writeln!(f, ") {{")?;
        for condition in self.graph.facts().conditions() {
            writeln!(f, "  given {condition}")?;
        }
        for (id, _) in self.graph.nodes() {
            writeln!(f, "  {}", self.line(id))?;
        }
        for i in stated_obligations(self.graph) {
            writeln!(f, "  {}", self.obligation_line(i))?;
        }
        for i in 0..self.graph.outputs().len() {
            writeln!(f, "  {}", self.output_line(i))?;
        }
        f.write_char('}')
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printer::new(self, PrintOptions::default()).fmt(f)
    }
}

/// A name in quotes if it needs them.
struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_word(self.0) { f.write_str(self.0) } else { write!(f, "{:?}", self.0) }
    }
}

/// Every named size that occurs or of which something is known, sorted.
fn symbols(graph: &Graph) -> BTreeSet<Arc<str>> {
    let mut found = graph.symbols();
    found.extend(graph.facts().iter().map(|(s, _)| Arc::from(s)));
    found.extend(graph.facts().conditions().iter().flat_map(Obligation::symbols));
    for (symbol, value) in graph.facts().definitions() {
        found.insert(symbol.into());
        found.extend(value.symbols());
    }
    found
}

/// Indices of the obligations that the ops do not imply.
fn stated_obligations(graph: &Graph) -> impl Iterator<Item = usize> {
    let all = graph.obligations().iter().enumerate();
    all.filter(|(_, (id, o))| !implied_obligations(graph, *id).contains(o)).map(|(i, _)| i)
}

/// What a node needs because of its op; nothing if it is broken.
pub(super) fn implied_obligations(graph: &Graph, id: NodeId) -> Vec<Obligation> {
    let Some(node) = graph.get(id) else { return vec![] };
    let operands: Option<Vec<Type>> =
        node.inputs.iter().map(|i| graph.get(*i).map(|n| n.ty.clone())).collect();
    let facts: &Facts = graph.facts();
    operands.and_then(|o| infer(&node.op, &o, facts).ok()).map_or(vec![], |(_, obligations)| obligations)
}
