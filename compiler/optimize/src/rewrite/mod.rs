//! Rewriting by rules: each node is replaced by what the first rule that fits says, and that by what the next one says, until none fits.
//!
//! One sweep in the order of the graph is enough: a rule sees a node and what leads to it, and what a rule builds is rewritten in turn
//! before anything uses it. A second sweep finds something only where a rule asks how often a value is used, which what comes later in
//! the sweep may change. Rules are plain functions from a node to a [`Term`]; building it, checking that its type is that of what it replaces, fuel
//! and remarks are here.

mod rule;

use std::collections::BTreeMap;

use vspec_ir::{Graph, Node, NodeId, Op, Origin, Type, infer};

use crate::pass::{Context, Error};
use crate::rebuild::Rebuild;
pub use rule::Rule;
pub(crate) use rule::{Scope, Term};

/// The most rewrites on behalf of one node of the old graph. Each rule makes things smaller or brings them closer to an order that no
/// other rule undoes, so that this is never reached; it is what keeps a mistake in a rule from running for ever.
const MAX_REWRITES: usize = 100;

/// Whether a graph has no gradients to be answered any more. Before that, which of two equal values something was computed from
/// matters, so that nothing may be merged or replaced.
pub(crate) fn is_differentiated(graph: &Graph) -> bool {
    let waits = |op: &Op| matches!(op, Op::Gradient {} | Op::Cotangent {} | Op::CustomGradient {});
    !graph.nodes().any(|(_, node)| waits(&node.op))
}

/// The same graph after one sweep with some rules; as it is if it still has gradients.
pub(crate) fn rewrite(graph: &Graph, cx: &mut Context, rules: &[&'static [Rule]]) -> Result<Graph, Error> {
    if !is_differentiated(graph) {
        return Ok(graph.clone());
    }
    let mut sweep = Sweep {
        rebuild: Rebuild::of(graph),
        cx,
        rules: by_op(rules),
        uses: vec![],
        at: NodeId::from_index(0),
        origin: Origin::default(),
        left: 0,
    };
    for (index, users) in uses(graph).into_iter().enumerate() {
        let Some((id, node)) = sweep.rebuild.next(index) else { continue };
        sweep.at = id;
        sweep.origin = Origin { name: None, ..node.origin.clone() };
        sweep.left = MAX_REWRITES;
        let new = sweep.place(node, false)?;
        sweep.uses[new.index()] += users;
        sweep.rebuild.set(id, new);
    }
    Ok(sweep.rebuild.finish())
}

/// Rules by the name of the op that they are about.
fn by_op(rules: &[&'static [Rule]]) -> BTreeMap<&'static str, Vec<&'static Rule>> {
    let mut found: BTreeMap<&'static str, Vec<&'static Rule>> = BTreeMap::new();
    for rule in rules.iter().copied().flatten() {
        rule.on.iter().for_each(|op| found.entry(op).or_default().push(rule));
    }
    found
}

/// How often each node is used by a live one or is an output.
fn uses(graph: &Graph) -> Vec<usize> {
    let live = graph.live(graph.outputs());
    let mut uses = vec![0; graph.len()];
    let of_live = graph.nodes().filter(|(id, _)| live[id.index()]);
    of_live.flat_map(|(_, node)| &node.inputs).for_each(|input| uses[input.index()] += 1);
    graph.outputs().iter().for_each(|output| uses[output.node.index()] += 1);
    uses
}

struct Sweep<'g, 'c> {
    rebuild: Rebuild<'g>,
    cx: &'c mut Context,
    rules: BTreeMap<&'static str, Vec<&'static Rule>>,
    /// How often each new node is used: by new nodes, and by nodes of the old graph whose turn has not come.
    uses: Vec<usize>,
    /// The node of the old graph whose turn it is.
    at: NodeId,
    /// Where what is built for it comes from.
    origin: Origin,
    /// Rewrites that may still be done on its behalf.
    left: usize,
}

impl Sweep<'_, '_> {
    /// Adds a node, or what rules make of it. The obligations of a node of the old graph are carried over at the end, those of one that
    /// is `fresh` come with it.
    fn place(&mut self, node: Node, fresh: bool) -> Result<NodeId, Error> {
        let rules = self.rules.get(node.op.decl().name).cloned().unwrap_or_default();
        for rule in rules {
            let scope = Scope { graph: &self.rebuild.new, uses: &self.uses };
            let Some(term) = (rule.rewrite)(&scope, &node) else { continue };
            if self.left == 0 || type_of(&self.rebuild.new, &term).as_ref() != Some(&node.ty) {
                continue;
            }
            if self.cx.apply(rule.name, rule.numerics, self.at) {
                self.left -= 1;
                return self.replace(&node, term);
            }
        }
        let new = match fresh {
            true => self.added(node)?,
            false => self.rebuild.new.push(node),
        };
        self.uses.resize(self.rebuild.new.len(), 0);
        Ok(new)
    }

    /// The value of what takes the place of a node that is not there yet.
    fn replace(&mut self, node: &Node, term: Term) -> Result<NodeId, Error> {
        // What the term uses is counted before what the node used is released, so that nothing looks unused in between.
        self.pin(&term);
        node.inputs.iter().for_each(|input| self.release(*input));
        let new = self.build(&term)?;
        if let Term::Is(id) = term {
            self.uses[id.index()] -= 1;
        }
        Ok(new)
    }

    /// Counts the uses of values that a term refers to.
    fn pin(&mut self, term: &Term) {
        match term {
            Term::Is(id) => self.uses[id.index()] += 1,
            Term::Of(_, parts) => parts.iter().for_each(|part| self.pin(part)),
        }
    }

    /// Takes back one use of a value, and what it used itself if that was the last.
    fn release(&mut self, id: NodeId) {
        let mut released = vec![id];
        while let Some(id) = released.pop() {
            let uses = &mut self.uses[id.index()];
            *uses = uses.saturating_sub(1);
            if *uses == 0 {
                released.extend(&self.rebuild.new.node(id).inputs);
            }
        }
    }

    /// Adds a node that a rule asks for, with the obligations that it brings.
    fn added(&mut self, Node { op, inputs, origin, .. }: Node) -> Result<NodeId, Error> {
        let node = self.at;
        self.rebuild.new.add(op, &inputs, origin).map_err(|violation| Error::Violation { node, violation })
    }

    /// The value of a term, whose parts are rewritten as well.
    fn build(&mut self, term: &Term) -> Result<NodeId, Error> {
        let (op, parts) = match term {
            Term::Is(id) => return Ok(*id),
            Term::Of(op, parts) => (op.clone(), parts),
        };
        let mut inputs = vec![];
        for part in parts {
            let id = self.build(part)?;
            if let Term::Of(..) = part {
                self.uses[id.index()] += 1;
            }
            inputs.push(id);
        }
        let types: Vec<Type> = inputs.iter().map(|i| self.rebuild.new.ty(*i).clone()).collect();
        let node = self.at;
        let (ty, _) = infer(&op, &types, self.rebuild.new.facts())
            .map_err(|violation| Error::Violation { node, violation })?;
        self.place(Node { op, inputs, ty, origin: self.origin.clone() }, true)
    }
}

/// The type of a term; none if it is ill typed.
fn type_of(graph: &Graph, term: &Term) -> Option<Type> {
    match term {
        Term::Is(id) => Some(graph.ty(*id).clone()),
        Term::Of(op, parts) => {
            let types: Option<Vec<Type>> = parts.iter().map(|part| type_of(graph, part)).collect();
            Some(infer(op, &types?, graph.facts()).ok()?.0)
        }
    }
}
