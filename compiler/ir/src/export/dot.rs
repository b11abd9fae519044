//! Graphs as Graphviz text, with a box around each module.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::scopes::{depth, preorder};
use crate::text::{PrintOptions, Printer};
use crate::{Graph, Node, NodeId};

/// Values of a constant that fit a box of the drawing.
const MAX_VALUES: usize = 4;

/// The graph for `dot -Tsvg`: values as boxes, outputs as ovals.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_dot(&mut out, graph);
    out
}

fn write_dot(f: &mut dyn Write, graph: &Graph) -> fmt::Result {
    let options = PrintOptions { max_values: Some(MAX_VALUES), ..PrintOptions::default() };
    let printer = Printer::new(graph, options);
    writeln!(f, "digraph {:?} {{", graph.name)?;
    writeln!(f, "  node [shape=box, fontname=monospace];")?;
    write_clusters(f, graph, &printer)?;
    for (id, node) in graph.nodes() {
        for input in &node.inputs {
            writeln!(f, "  n{} -> n{};", input.index(), id.index())?;
        }
    }
    for (i, output) in graph.outputs().iter().enumerate() {
        let label = format!("{} {}", output.kind.name(), output.name);
        writeln!(f, "  o{i} [shape=oval, label={label:?}];")?;
        writeln!(f, "  n{} -> o{i};", output.node.index())?;
    }
    writeln!(f, "}}")
}

/// Nodes inside the boxes of their modules; a module that has another name than a node around it is still one box.
fn write_clusters(f: &mut dyn Write, graph: &Graph, printer: &Printer<'_>) -> fmt::Result {
    let mut members: BTreeMap<&str, Vec<(NodeId, &Node)>> = BTreeMap::new();
    for (id, node) in graph.nodes() {
        members.entry(node.origin.scope.as_deref().unwrap_or("")).or_default().push((id, node));
    }
    let mut open = 0;
    for (i, path) in preorder(members.keys().copied()).into_iter().enumerate() {
        write!(f, "{}", "}".repeat(open - depth(path).min(open)))?;
        open = depth(path) + 1;
        writeln!(f, "\n  subgraph cluster_{i} {{ label={path:?};")?;
        write_nodes(f, printer, members.get(path))?;
    }
    writeln!(f, "{}", "}".repeat(open))?;
    write_nodes(f, printer, members.get(""))
}

fn write_nodes(
    f: &mut dyn Write,
    printer: &Printer<'_>,
    nodes: Option<&Vec<(NodeId, &Node)>>,
) -> fmt::Result {
    for (id, node) in nodes.into_iter().flatten() {
        let label =
            format!("{}\n{}{}\n{}", printer.label(*id), node.op.decl().name, printer.attrs(*id), node.ty);
        writeln!(f, "  n{} [label={label:?}];", id.index())?;
    }
    Ok(())
}
