//! The label of each node in the text form.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::lexer::is_word;
use crate::{Graph, NodeId};

/// Labels by node, without the percent sign.
pub(crate) struct Labels(Vec<String>);

impl Labels {
    /// Names where the specification gives one, numbers elsewhere; live nodes come first.
    pub(crate) fn of(graph: &Graph) -> Self {
        let live = graph.live(graph.outputs());
        let mut labels = vec![String::new(); graph.len()];
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let nodes = || graph.nodes().zip(&live);
        let (needed, dead) = (nodes().filter(|(_, live)| **live), nodes().filter(|(_, live)| !**live));
        for ((id, node), _) in needed.chain(dead) {
            let name = node.origin.name.as_deref().filter(|n| is_plain(n)).unwrap_or("");
            let count = seen.entry(name).or_insert(0);
            labels[id.index()] = match (name, *count) {
                ("", n) => n.to_string(),
                (name, 0) => name.to_string(),
                (name, n) => format!("{name}.{n}"),
            };
            *count += 1;
        }
        Labels(labels)
    }

    /// What stands for a node in the text, also when it does not exist.
    pub(crate) fn show(&self, id: NodeId) -> Shown<'_> {
        Shown { label: self.0.get(id.index()).map(String::as_str), id }
    }
}

/// A node as an operand.
pub(crate) struct Shown<'a> {
    label: Option<&'a str>,
    id: NodeId,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.label {
            Some(label) => write!(f, "%{label}"),
            None => write!(f, "<missing {}>", self.id),
        }
    }
}

/// Whether a label can carry the name: a word none of whose parts could be taken for a number.
pub(super) fn is_plain(name: &str) -> bool {
    is_word(name) && !name.split('.').any(|part| part.starts_with(|c: char| c.is_ascii_digit()))
}

/// The name that a label carries: `attention` for `attention.1`, none for `12`.
pub(super) fn name_of(label: &str) -> Option<Arc<str>> {
    let name = match label.rsplit_once('.') {
        Some((name, count)) if count.chars().all(|c| c.is_ascii_digit()) => name,
        _ => label,
    };
    is_plain(name).then(|| name.into())
}
