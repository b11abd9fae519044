//! Making a new graph out of an old one, node by node.
//!
//! Graphs are append-only, so that a pass never mends one: it goes through the old graph in order and adds to a new one whatever takes
//! the place of each node. [`Rebuild`] keeps the account of what became of what.

use std::collections::{BTreeSet, HashSet};

use vspec_ir::{Graph, Node, NodeId, Obligation, Output};

/// A graph that is being replaced.
pub(crate) struct Rebuild<'g> {
    old: &'g Graph,
    /// What replaces it, so far.
    pub(crate) new: Graph,
    became: Vec<Option<NodeId>>,
    live: Vec<bool>,
}

impl<'g> Rebuild<'g> {
    /// Nothing yet, with the facts of the old graph.
    pub(crate) fn of(old: &'g Graph) -> Self {
        let mut new = Graph::new(old.name.clone());
        *new.facts_mut() = old.facts().clone();
        Rebuild { old, new, became: vec![None; old.len()], live: old.needed(old.outputs()) }
    }

    /// Nodes of the old graph that an output needs, each with its operands in the new one.
    pub(crate) fn next(&self, index: usize) -> Option<(NodeId, Node)> {
        let id = NodeId::from_index(index);
        if !self.live[index] {
            return None;
        }
        let node = self.old.node(id);
        let inputs = node.inputs.iter().filter_map(|input| self.became[input.index()]).collect();
        Some((id, Node { inputs, ..node.clone() }))
    }

    /// Number of nodes of the old graph.
    pub(crate) fn len(&self) -> usize {
        self.old.len()
    }

    /// What a node became, if its turn has come.
    pub(crate) fn became(&self, old: NodeId) -> Option<NodeId> {
        self.became[old.index()]
    }

    /// Says what a node became.
    pub(crate) fn set(&mut self, old: NodeId, new: NodeId) {
        self.became[old.index()] = Some(new);
    }

    /// Adds a node as it is.
    pub(crate) fn keep(&mut self, old: NodeId, node: Node) -> NodeId {
        let new = self.new.push(node);
        self.set(old, new);
        new
    }

    /// The new graph, without what no output needs. A name that a replaced value had goes to what replaces it, if that has none.
    pub(crate) fn finish(self) -> Graph {
        self.finish_with(&BTreeSet::new()).0
    }

    /// The same, and what some nodes of the new graph are in it.
    pub(crate) fn finish_with(mut self, some: &BTreeSet<NodeId>) -> (Graph, BTreeSet<NodeId>) {
        for (id, node) in self.old.nodes() {
            let Some(new) = self.became[id.index()] else { continue };
            if let Some(origin) = self.new.origin_mut(new)
                && origin.name.is_none()
            {
                origin.name.clone_from(&node.origin.name);
            }
        }
        let renamed = |o: &Output| self.became[o.node.index()].map(|node| Output { node, ..o.clone() });
        let outputs: Vec<Output> = self.old.outputs().iter().filter_map(renamed).collect();
        self.carry_obligations(&outputs);
        let needed = self.new.needed(&outputs);
        let left = self.new.nodes().map(|(id, _)| id).filter(|id| needed[id.index()]).enumerate();
        let some =
            left.filter(|(_, id)| some.contains(id)).map(|(index, _)| NodeId::from_index(index)).collect();
        (self.new.extract(self.old.name.clone(), &outputs), some)
    }

    /// What was refused before is refused after: an obligation whose node is gone goes to an output.
    fn carry_obligations(&mut self, outputs: &[Output]) {
        let live = self.new.live(outputs);
        let of_live = self.new.obligations().iter().filter(|(id, _)| live[id.index()]);
        let mut known: HashSet<Obligation> = of_live.map(|(_, o)| o.clone()).collect();
        let mut placed: HashSet<(NodeId, Obligation)> = self.new.obligations().iter().cloned().collect();
        let mut homeless = vec![];
        for (id, obligation) in self.old.obligations() {
            match self.became[id.index()] {
                Some(new) if live[new.index()] => {
                    known.insert(obligation.clone());
                    if placed.insert((new, obligation.clone())) {
                        self.new.oblige(new, obligation.clone());
                    }
                }
                Some(_) => homeless.push(obligation),
                None => {}
            }
        }
        let Some(home) = outputs.first().map(|o| o.node) else { return };
        for obligation in homeless {
            if known.insert(obligation.clone()) {
                self.new.oblige(home, obligation.clone());
            }
        }
    }
}
