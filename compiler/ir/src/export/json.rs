//! Graphs as JSON.
//!
//! ```json
//! {"format": "vspec-graph/1", "name": "block",
//!  "sizes": [{"name": "H", "multiple_of": 32}],
//!  "nodes": [{"id": 0, "label": "x", "op": "input", "inputs": [], "attrs": {"name": "b.image"},
//!             "dtype": "f32", "shape": ["B", 3, "H//2"], "name": "x", "scope": null}],
//!  "outputs": [{"kind": "value", "name": "y", "node": 0}]}
//! ```
//!
//! Sizes are numbers when they are constant and text otherwise; numbers that JSON lacks are the text `inf`, `-inf` and
//! `nan`. Every attribute is written, `id` is the position in `nodes`, and operands are ids. The format's number changes
//! when a reader of the old one could misunderstand the new one; new keys do not change it.

use std::fmt;

use crate::ops::Attr;
use crate::text::{PrintOptions, Printer, write_float};
use crate::{Dim, Graph, Literal, Node, NodeId, Output};

/// The graph as JSON, one node a line.
pub fn json(graph: &Graph) -> String {
    let printer = Printer::new(graph, PrintOptions::default());
    let lines = |items: Vec<Json>| {
        let lines: Vec<String> = items.iter().map(|i| format!("\n    {i}")).collect();
        lines.join(",")
    };
    let size =
        |(name, d): (&str, i64)| object([("name", text(name)), ("multiple_of", Json::Number(d.to_string()))]);
    let sizes = graph.facts().iter().map(size).collect();
    let nodes = graph.nodes().map(|(id, n)| node(&printer, id, n)).collect();
    let outputs = graph.outputs().iter().map(output).collect();
    format!(
        "{{\n  \"format\": \"vspec-graph/1\",\n  \"name\": {},\n  \"sizes\": [{}],\n  \"nodes\": [{}],\n  \"outputs\": [{}]\n}}\n",
        text(&graph.name),
        lines(sizes),
        lines(nodes),
        lines(outputs)
    )
}

enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

fn text(value: &str) -> Json {
    Json::Text(value.to_string())
}

fn list<T>(items: &[T], item: impl Fn(&T) -> Json) -> Json {
    Json::List(items.iter().map(item).collect())
}

fn object<const N: usize>(entries: [(&str, Json); N]) -> Json {
    Json::Object(entries.into_iter().map(|(k, v)| (k.to_string(), v)).collect())
}

fn node(printer: &Printer<'_>, id: NodeId, node: &Node) -> Json {
    let optional = |v: &Option<std::sync::Arc<str>>| v.as_deref().map_or(Json::Null, text);
    let attrs = node.op.attrs().into_iter().map(|(name, value)| (name.to_string(), attr(&value)));
    object([
        ("id", Json::Number(id.index().to_string())),
        ("label", text(printer.label(id).trim_start_matches('%'))),
        ("op", text(node.op.decl().name)),
        ("inputs", list(&node.inputs, |i| Json::Number(i.index().to_string()))),
        ("attrs", Json::Object(attrs.collect())),
        ("dtype", text(node.ty.dtype.name())),
        ("shape", list(&node.ty.shape, dim)),
        ("name", optional(&node.origin.name)),
        ("scope", optional(&node.origin.scope)),
    ])
}

fn output(output: &Output) -> Json {
    object([
        ("kind", text(output.kind.name())),
        ("name", text(&output.name)),
        ("node", Json::Number(output.node.index().to_string())),
    ])
}

fn attr(value: &Attr) -> Json {
    match value {
        Attr::Int(v) => int(v),
        Attr::Float(v) => float(v),
        Attr::Bool(v) => Json::Bool(*v),
        Attr::Str(v) => text(v),
        Attr::DType(v) => text(v.name()),
        Attr::Dim(v) => dim(v),
        Attr::Dims(v) => list(v, dim),
        Attr::Ints(v) => list(v, int),
        Attr::Pairs(v) => list(v, |pair| list(pair, int)),
        Attr::Literal(v) => literal(v),
    }
}

fn literal(value: &Literal) -> Json {
    object([
        ("dtype", text(value.dtype.name())),
        ("shape", list(&value.shape, |d| Json::Number(d.to_string()))),
        ("values", list(&value.values, float)),
    ])
}

fn int(value: &i64) -> Json {
    Json::Number(value.to_string())
}

fn float(value: &f64) -> Json {
    let mut digits = String::new();
    // Writing to a string cannot fail.
    let _ = write_float(&mut digits, *value);
    if value.is_finite() { Json::Number(digits) } else { Json::Text(digits) }
}

fn dim(value: &Dim) -> Json {
    match value.as_const() {
        Some(c) => int(&c),
        None => text(&value.to_string()),
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Bool(v) => write!(f, "{v}"),
            Json::Number(digits) => f.write_str(digits),
            Json::Text(v) => write_text(f, v),
            Json::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Json::Object(entries) => {
                f.write_str("{")?;
                for (i, (key, value)) in entries.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    write_text(f, key)?;
                    write!(f, ": {value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in value.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            c if c.is_control() => write!(f, "\\u{:04x}", c as u32)?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}
