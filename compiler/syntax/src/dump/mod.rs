//! Writes a tree as nested lists, `(kind part part)`, for `--stage ast` and for comparing trees without their spans.
//!
//! The dump holds everything but spans: two trees with the same dump mean the same.

mod expression;
mod item;
mod rule;
mod statement;

use crate::ast::File;

/// The whole tree, without spans.
pub fn dump(file: &File) -> String {
    let mut out = String::new();
    for node in item::file(file) {
        node.write(&mut out, 0);
        out.push('\n');
    }
    out
}

/// Longest line that a list is kept on.
const WIDTH: usize = 100;

/// An atom or a list.
#[derive(Debug, Clone)]
enum Node {
    Atom(String),
    /// The parts and their length on one line.
    List(Vec<Node>, usize),
}

fn atom(text: impl Into<String>) -> Node {
    Node::Atom(text.into())
}

/// `(head part part)`
fn list(head: &str, parts: impl IntoIterator<Item = Node>) -> Node {
    let nodes: Vec<Node> = std::iter::once(atom(head)).chain(parts).collect();
    let width = nodes.iter().map(|n| n.width() + 1).sum::<usize>() + 1;
    Node::List(nodes, width)
}

/// `(head part)` when there is a part.
fn maybe(head: &str, part: Option<Node>) -> Option<Node> {
    part.map(|p| list(head, [p]))
}

impl Node {
    fn width(&self) -> usize {
        match self {
            Node::Atom(text) => text.chars().count(),
            Node::List(_, width) => *width,
        }
    }

    fn write(&self, out: &mut String, indent: usize) {
        match self {
            Node::Atom(text) => out.push_str(text),
            Node::List(nodes, width) => {
                let fits = indent + width <= WIDTH;
                // Names and literals follow the head even when the lists after them need lines of their own.
                let mut atoms = true;
                out.push('(');
                for (i, node) in nodes.iter().enumerate() {
                    atoms &= matches!(node, Node::Atom(_));
                    match i {
                        0 => {}
                        _ if fits || atoms => out.push(' '),
                        _ => {
                            out.push('\n');
                            out.extend(std::iter::repeat_n(' ', indent + 2));
                        }
                    }
                    node.write(out, indent + 2);
                }
                out.push(')');
            }
        }
    }
}
