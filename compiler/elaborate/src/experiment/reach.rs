//! What a gradient of a loss reaches, and what stands in its way elsewhere.
//!
//! A gradient flows into the float operands of ops that have a derivative. A value that the loss depends on and no gradient reaches is
//! one of two things. Either some `stop_gradient` or custom gradient lies on the way: that is what the author wants. Or each path leads
//! through an op like `floor` or a comparison: the author asks for what does not exist, and is told where the path ends. A path beside
//! it that can be differentiated is enough, so that masks and assignments remain what they are.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::sync::Arc;

use vspec_ir::ops::Gradient;
use vspec_ir::{DType, Graph, Node, NodeId, Op};
use vspec_syntax::{Diagnostic, Span};

use crate::codes;
use crate::eval::tensor::span_of;
use crate::eval::{Eval, Evaluator, Stop};

/// How many ops of a path are shown at either end, and on either side of the one that blocks it.
const SHOWN: usize = 2;

/// What a loss depends on through ops that have derivatives.
#[derive(Debug)]
pub(crate) struct Reach {
    loss: NodeId,
    seen: Vec<bool>,
    /// For each value that the loss depends on what uses it, on a shortest path to the loss.
    users: OnceCell<Vec<Option<NodeId>>>,
}

/// A path from a value to a loss that cannot be differentiated.
#[derive(Debug)]
pub(crate) struct Route {
    /// From the value, which is not on it, to the loss.
    ops: Vec<NodeId>,
    /// Which of them has no derivative, the first from the value.
    blocking: usize,
}

/// Values whose paths to a loss end at the same op.
#[derive(Debug)]
pub(crate) struct Blocked {
    /// What the values are called; at least one.
    pub(crate) names: Vec<Arc<str>>,
    /// The path of the first.
    pub(crate) route: Route,
}

impl Reach {
    /// Everything that a gradient of a loss flows into.
    pub(crate) fn of(graph: &Graph, loss: NodeId) -> Reach {
        let mut seen = vec![false; graph.len()];
        let mut stack = vec![loss];
        while let Some(id) = stack.pop() {
            if !std::mem::replace(&mut seen[id.index()], true) {
                let float = |i: &&NodeId| graph.ty(**i).dtype == DType::F32;
                stack.extend(flows(graph.node(id)).iter().filter(float));
            }
        }
        Reach { loss, seen, users: OnceCell::new() }
    }

    /// What is differentiated.
    pub(crate) fn loss(&self) -> NodeId {
        self.loss
    }

    /// Whether the loss has a gradient with respect to a value.
    pub(crate) fn has(&self, value: NodeId) -> bool {
        self.seen.get(value.index()).is_some_and(|seen| *seen)
    }

    /// A path from a value that no gradient reaches to the loss, if there is one that nobody cut on purpose.
    pub(crate) fn blocked(&self, graph: &Graph, value: NodeId) -> Option<Route> {
        let users = self.users.get_or_init(|| users(graph, self.loss));
        let user = |id: NodeId| users.get(id.index()).copied().flatten();
        let ops: Vec<NodeId> = std::iter::successors(user(value), |id| user(*id)).collect();
        let blocking = ops.iter().position(|id| flows(graph.node(*id)).is_empty())?;
        Some(Route { ops, blocking })
    }
}

impl Route {
    /// The op that has no derivative.
    fn blocking(&self) -> NodeId {
        self.ops[self.blocking]
    }

    /// `net.weight -> matmul -> floor -> mean -> the loss`, with the middle of long stretches left out.
    fn describe(&self, graph: &Graph, value: &str) -> String {
        let last = self.ops.len() - 1;
        let near = |i: usize| i < SHOWN || i + SHOWN > last || i.abs_diff(self.blocking) < SHOWN;
        // A gap of one is as long as what it leaves out.
        let shown = |i: usize| near(i) || near(i - 1) && near(i + 1);
        let mut text = format!("`{value}`");
        for (i, id) in self.ops.iter().enumerate() {
            match shown(i) {
                true => text += &format!(" -> {}", graph.node(*id).op.decl().name),
                false if i == 0 || shown(i - 1) => text += " -> ..",
                false => {}
            }
        }
        text + " -> the loss"
    }
}

/// What uses each value on a shortest path to a loss.
fn users(graph: &Graph, loss: NodeId) -> Vec<Option<NodeId>> {
    let mut users: Vec<Option<NodeId>> = vec![None; graph.len()];
    let mut queue = VecDeque::from([loss]);
    while let Some(id) = queue.pop_front() {
        for operand in data_flows(graph.node(id)) {
            if *operand != loss && users[operand.index()].is_none() {
                users[operand.index()] = Some(id);
                queue.push_back(*operand);
            }
        }
    }
    users
}

/// The operands that a gradient of a node may flow into, if they are floats.
fn flows(node: &Node) -> &[NodeId] {
    match node.op {
        // A gradient depends on whatever its loss depends on.
        Op::Gradient {} => &node.inputs,
        Op::CustomGradient {} => named(node),
        _ if node.op.decl().gradient == Gradient::Yes && node.ty.dtype == DType::F32 => &node.inputs,
        _ => &[],
    }
}

/// The operands that a node depends on, but for those behind a gradient that is cut on purpose.
fn data_flows(node: &Node) -> &[NodeId] {
    match node.op {
        Op::StopGradient {} | Op::Cotangent {} => &[],
        Op::CustomGradient {} => named(node),
        _ => &node.inputs,
    }
}

/// What a custom gradient names, not what its value was computed from.
fn named(node: &Node) -> &[NodeId] {
    let pairs = node.inputs.get(2..).unwrap_or_default();
    &pairs[..pairs.len() / 2]
}

/// What a person calls an op that has no derivative.
fn spoken(node: &Node) -> String {
    match &node.op {
        Op::Eq {} | Op::Lt {} | Op::Le {} => "a comparison".to_string(),
        Op::Cast { .. } => format!("a conversion to {}", node.ty.dtype),
        Op::HostCall { function } => format!("`{function}`"),
        op => format!("`{}`", op.decl().name),
    }
}

fn and_more(names: &[Arc<str>]) -> String {
    let more = if names.len() == 1 { String::new() } else { format!(" and {} more", names.len() - 1) };
    format!("`{}`{more}", names.first().map_or("", |name| name))
}

impl Evaluator<'_> {
    /// The parameters that a gradient of a loss reaches, in order of declaration.
    pub(super) fn reached_params(&self, reach: &Reach) -> Vec<(Arc<str>, NodeId)> {
        let mut found: Vec<(Arc<str>, NodeId)> = self.params().filter(|(_, id)| reach.has(*id)).collect();
        found.sort_by_key(|(path, _)| self.variables.get_index_of(path));
        found
    }

    /// The parameters that were read.
    fn params(&self) -> impl Iterator<Item = (Arc<str>, NodeId)> {
        self.graph.nodes().filter_map(|(id, node)| match &node.op {
            Op::Param { path, .. } => Some((path.clone(), id)),
            _ => None,
        })
    }

    /// Complains about parameters that are to be trained and that no gradient reaches: a warning where the loss does not depend on
    /// them, an error where it does and no path can be differentiated.
    pub(super) fn check_reached(&mut self, paths: &[Arc<str>], reach: &Reach, spans: [Span; 2]) -> Eval<()> {
        let mut without: Vec<(Arc<str>, Vec<NodeId>)> = vec![];
        for path in paths.iter().filter(|path| !self.step.frozen.contains(*path)) {
            let nodes: Vec<NodeId> = self.params().filter(|(p, _)| p == path).map(|(_, id)| id).collect();
            if !nodes.iter().any(|id| reach.has(*id)) {
                without.push((path.clone(), nodes));
            }
        }
        let (mut idle, mut blocked): (Vec<Arc<str>>, Vec<Blocked>) = (vec![], vec![]);
        for (path, nodes) in without {
            let Some(route) = nodes.iter().find_map(|id| reach.blocked(&self.graph, *id)) else {
                idle.push(path);
                continue;
            };
            match blocked.iter_mut().find(|b| b.route.blocking() == route.blocking()) {
                Some(known) => known.names.push(path),
                None => blocked.push(Blocked { names: vec![path], route }),
            }
        }
        match idle.is_empty() && blocked.is_empty() {
            true => self.warn_untrained(paths, reach, spans[1]),
            false => self.warn_idle(&idle, spans[1]),
        }
        let failed = blocked.iter().filter(|b| self.cannot_differentiate::<()>(b, spans).is_err()).count();
        if failed == 0 { Ok(()) } else { Err(Stop) }
    }

    fn warn_idle(&mut self, idle: &[Arc<str>], span: Span) {
        if idle.is_empty() {
            return;
        }
        let message = format!("the loss does not depend on {}", and_more(idle));
        self.report(
            Diagnostic::warning(codes::NOT_REACHED, span, message)
                .label("these parameters stay as they are")
                .hint("use them in the loss, or leave them out of `over`"),
        );
    }

    /// Warns about `minimize` over nothing but parameters that no gradient reaches because they were read as `frozen`.
    fn warn_untrained(&mut self, paths: &[Arc<str>], reach: &Reach, span: Span) {
        let reached = |path: &Arc<str>| self.params().any(|(p, id)| p == *path && reach.has(id));
        if paths.is_empty() || paths.iter().any(reached) {
            return;
        }
        let message = format!("no gradient of the loss reaches {}", and_more(paths));
        self.report(
            Diagnostic::warning(codes::NOT_REACHED, span, message)
                .label("these parameters stay as they are")
                .hint("the loss reads them as `frozen`; leave that out, or train others"),
        );
    }

    /// The message about a gradient that does not exist; `spans` are those of the loss and of what it is to be differentiated by.
    pub(crate) fn cannot_differentiate<T>(&mut self, blocked: &Blocked, [loss, wrt]: [Span; 2]) -> Eval<T> {
        let node = self.graph.node(blocked.route.blocking());
        let (what, names) = (spoken(node), and_more(&blocked.names));
        let place = node.origin.location.map_or(loss, span_of);
        let first = blocked.names.first().map_or("", |name| name);
        let note = format!("the path is {}", blocked.route.describe(&self.graph, first));
        let mut error = Diagnostic::error(
            codes::NO_DERIVATIVE,
            place,
            format!("no path from {names} to the loss can be differentiated"),
        )
        .label(format!("{what} has no derivative"));
        if loss != place {
            error = error.also(loss, "the loss");
        }
        error = error.also(wrt, "its gradient with respect to this is asked for");
        self.fail(error.note(note).hint(
            "`straight_through(hard, soft)` has the gradient of another value, `with gradient` gives a function its own; \
             `stop_gradient(x)` says that there is none",
        ))
    }
}
