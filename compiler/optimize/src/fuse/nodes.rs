//! What fusion has to know about each node, said once: its role, its shape, and what it reads through which change of indices.

use std::collections::BTreeSet;

use vspec_ir::ops::OpClass;
use vspec_ir::plan::Index;
use vspec_ir::{Graph, Node, NodeId, Op};

use super::views::{self, Through};

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It lies in memory when a run begins.
    Memory,
    /// It costs nothing and is written down wherever it is used: numbers and indices.
    Free,
    /// It is looked through.
    View,
    /// Each of its elements is computed from elements: it may be part of any kernel.
    Map,
    /// It folds axes: the kernel that it is part of goes through rows.
    Fold,
    /// A kernel begins with it.
    Anchor,
}

/// One way in which a node reads another one: from each of its points one element.
#[derive(Debug, Clone)]
pub(super) struct Read {
    /// What is read; never a view.
    pub(super) of: NodeId,
    /// For each axis of what is read the axis of the reader that runs along it (none where the size is 1), if it is as simple as that.
    pub(super) aligned: Option<Vec<Option<usize>>>,
    /// Whether the element has to lie in memory: data names its place, or an anchor reads it.
    pub(super) from_memory: bool,
}

/// The nodes of a bound graph, as fusion sees them.
pub(super) struct Nodes<'g> {
    pub(super) graph: &'g Graph,
    roles: Vec<Role>,
    shapes: Vec<Vec<usize>>,
    reads: Vec<Vec<Read>>,
    users: Vec<Vec<NodeId>>,
    /// Whether a node looks at its operands in another arrangement, also where that has to be copied.
    views: Vec<bool>,
    /// Whether an output of the graph is this node.
    outputs: Vec<bool>,
    /// Nodes that compute something a second time.
    copies: BTreeSet<NodeId>,
}

impl<'g> Nodes<'g> {
    /// Looks at every node that an output needs. Sizes must be bound.
    pub(super) fn of(graph: &'g Graph) -> Result<Self, String> {
        let live = graph.live(graph.outputs());
        let mut nodes = Nodes {
            graph,
            roles: vec![Role::Free; graph.len()],
            shapes: vec![vec![]; graph.len()],
            reads: vec![vec![]; graph.len()],
            users: vec![vec![]; graph.len()],
            views: vec![false; graph.len()],
            outputs: vec![false; graph.len()],
            copies: BTreeSet::new(),
        };
        graph.outputs().iter().for_each(|o| nodes.outputs[o.node.index()] = true);
        for (id, node) in graph.nodes().filter(|(id, _)| live[id.index()]) {
            let shape = node.ty.const_shape().ok_or_else(|| format!("{id} has a size without a value"))?;
            nodes.shapes[id.index()] = shape;
            nodes.roles[id.index()] = nodes.role_of(node);
            nodes.views[id.index()] = nodes.role(id) == Role::View;
        }
        nodes.set_apart_what_gradients_are_by(&live);
        nodes.copy_what_must_lie_in_memory(&live);
        for (id, _) in graph.nodes().filter(|(id, _)| live[id.index()]) {
            nodes.look(id);
        }
        Ok(nodes)
    }

    /// Where an engine has a tape: what a gradient is taken by is a value of its own. A kernel that computed it together with what reads it
    /// would be one operation on the tape, which knows no way from the one to the other.
    fn set_apart_what_gradients_are_by(&mut self, live: &[bool]) {
        for (_, node) in
            self.graph.nodes().filter(|(id, node)| live[id.index()] && node.op == Op::Gradient {})
        {
            let role = &mut self.roles[node.inputs[1].index()];
            *role = if *role == Role::Memory { Role::Memory } else { Role::Anchor };
        }
    }

    /// The same, where some nodes are known to compute something a second time.
    pub(super) fn with_copies(self, copies: &BTreeSet<NodeId>) -> Self {
        Nodes { copies: copies.clone(), ..self }
    }

    pub(super) fn is_copy(&self, id: NodeId) -> bool {
        self.copies.contains(&id)
    }

    pub(super) fn first_copy(&self) -> Option<NodeId> {
        self.copies.first().copied()
    }

    pub(super) fn role(&self, id: NodeId) -> Role {
        self.roles[id.index()]
    }

    pub(super) fn shape(&self, id: NodeId) -> &[usize] {
        &self.shapes[id.index()]
    }

    pub(super) fn node(&self, id: NodeId) -> &'g Node {
        self.graph.node(id)
    }

    /// What a node reads, views looked through.
    pub(super) fn reads(&self, id: NodeId) -> &[Read] {
        &self.reads[id.index()]
    }

    /// Nodes other than views that read a node, ascending.
    pub(super) fn users(&self, id: NodeId) -> &[NodeId] {
        &self.users[id.index()]
    }

    pub(super) fn is_output(&self, id: NodeId) -> bool {
        self.outputs[id.index()]
    }

    /// Whether a kernel computes it.
    pub(super) fn is_computed(&self, id: NodeId) -> bool {
        matches!(self.role(id), Role::Map | Role::Fold | Role::Anchor)
    }

    /// The axes whose points a node is computed at: those of its result, or of what it folds.
    pub(super) fn points(&self, id: NodeId) -> &[usize] {
        match self.role(id) {
            Role::Fold => self.shape(self.node(id).inputs[0]),
            _ => self.shape(id),
        }
    }

    /// Bytes that it takes in memory.
    pub(super) fn bytes(&self, id: NodeId) -> usize {
        self.shape(id).iter().product::<usize>() * vspec_ir::plan::size_of(self.node(id).ty.dtype)
    }

    /// Outputs that are views or numbers, and views that an anchor cannot read as a change of indices, become copies.
    fn copy_what_must_lie_in_memory(&mut self, live: &[bool]) {
        let outputs: Vec<NodeId> = self.graph.outputs().iter().map(|o| o.node).collect();
        for id in outputs {
            self.copy(id);
        }
        let live = self.graph.nodes().filter(|(id, _)| live[id.index()]);
        for (id, node) in live {
            match (self.role(id), &node.op) {
                (Role::Anchor, _) => {
                    let hidden = node.inputs.iter().filter(|input| !self.is_plainly_seen(**input));
                    let hidden: Vec<NodeId> = hidden.copied().collect();
                    hidden.into_iter().for_each(|input| self.copy(input));
                }
                // A place that data names cannot be followed through a view.
                (Role::Map, Op::Gather { .. } | Op::TakeAlong { .. }) => self.copy(node.inputs[0]),
                _ => {}
            }
        }
    }

    fn copy(&mut self, id: NodeId) {
        if matches!(self.role(id), Role::View | Role::Free) {
            self.roles[id.index()] = Role::Map;
        }
    }

    /// Whether every element of a value is an element of one value in memory.
    fn is_plainly_seen(&self, id: NodeId) -> bool {
        let node = self.node(id);
        match self.role(id) {
            Role::View => match node.op {
                Op::Pad { .. } | Op::Concat { .. } => false,
                _ => self.is_plainly_seen(node.inputs[0]),
            },
            Role::Free => false,
            _ => true,
        }
    }

    /// Follows what a node reads to what is no view.
    fn look(&mut self, id: NodeId) {
        if !self.is_computed(id) {
            return;
        }
        let points = self.points(id).to_vec();
        let own: Vec<Index> = (0..points.len()).map(|axis| Index::counter(axis, &points)).collect();
        let node = self.node(id);
        let mut reads = vec![];
        match (self.role(id), &node.op) {
            (Role::Anchor, _) => {
                for input in &node.inputs {
                    self.in_memory(*input, &mut reads);
                }
            }
            (Role::Map, Op::Gather { axis }) => {
                self.in_memory(node.inputs[0], &mut reads);
                let rank = self.shape(node.inputs[1]).len();
                let place = own[*axis as usize..*axis as usize + rank].to_vec();
                self.follow(node.inputs[1], &place, &points, &mut reads);
            }
            (Role::Map, Op::TakeAlong { .. }) => {
                self.in_memory(node.inputs[0], &mut reads);
                self.follow(node.inputs[1], &own, &points, &mut reads);
            }
            // A copy of a view.
            (Role::Map, _) if self.is_view(id) => {
                self.follow_view(id, &own, &points, &mut reads);
            }
            _ => {
                for input in &node.inputs {
                    let place = views::broadcast(self.shape(*input), &own);
                    self.follow(*input, &place, &points, &mut reads);
                }
            }
        }
        for read in &reads {
            let users = &mut self.users[read.of.index()];
            if users.last() != Some(&id) {
                users.push(id);
            }
        }
        self.reads[id.index()] = reads;
    }

    fn in_memory(&self, id: NodeId, reads: &mut Vec<Read>) {
        let mut of = id;
        while self.role(of) == Role::View {
            of = self.node(of).inputs[0];
        }
        reads.push(Read { of, aligned: None, from_memory: true });
    }

    fn follow(&self, id: NodeId, at: &[Index], points: &[usize], reads: &mut Vec<Read>) {
        match self.role(id) {
            Role::View => self.follow_view(id, at, points, reads),
            Role::Free => {}
            _ => reads.push(Read { of: id, aligned: self.alignment(id, at, points), from_memory: false }),
        }
    }

    fn follow_view(&self, id: NodeId, at: &[Index], points: &[usize], reads: &mut Vec<Read>) {
        let node = self.node(id);
        let shapes: Vec<&[usize]> = node.inputs.iter().map(|i| self.shape(*i)).collect();
        match views::through(&node.op, &shapes, self.shape(id), at, points) {
            Some(Through::One(at)) => self.follow(node.inputs[0], &at, points, reads),
            Some(Through::Padded { at, .. }) => self.unaligned(node.inputs[0], &at, points, reads),
            Some(Through::Pieces { at, .. }) => {
                for (input, at) in node.inputs.iter().zip(at) {
                    self.unaligned(*input, &at, points, reads);
                }
            }
            None => {}
        }
    }

    /// As `follow`, for what is not read at every point.
    fn unaligned(&self, id: NodeId, at: &[Index], points: &[usize], reads: &mut Vec<Read>) {
        let before = reads.len();
        self.follow(id, at, points, reads);
        reads[before..].iter_mut().for_each(|read| read.aligned = None);
    }

    /// For each axis the axis of the reader that runs along it, if each is one of the reader's own or has one place.
    fn alignment(&self, id: NodeId, at: &[Index], points: &[usize]) -> Option<Vec<Option<usize>>> {
        let mut taken = vec![];
        let one = |(index, size): (&Index, &usize)| match (index.as_counter(), size) {
            (_, 1) => Some(None),
            (Some(axis), size) if points[axis] == *size && !taken.contains(&axis) => {
                taken.push(axis);
                Some(Some(axis))
            }
            _ => None,
        };
        at.iter().zip(self.shape(id)).map(one).collect()
    }

    fn role_of(&self, node: &Node) -> Role {
        match (&node.op, node.op.decl().class) {
            (Op::Input { .. } | Op::Param { .. } | Op::State { .. }, _) => Role::Memory,
            (Op::Constant { value }, _) if value.values.len() > 1 => Role::Memory,
            (Op::Constant { .. } | Op::Cotangent {}, _) | (_, OpClass::Source) => Role::Free,
            (op, _) if views::is_view(op, node.inputs.len()) => Role::View,
            (Op::Gather { .. } | Op::TakeAlong { .. }, _) => Role::Map,
            (_, OpClass::Elementwise | OpClass::Random) => Role::Map,
            (op, OpClass::Reduce) => self.role_of_fold(op, node.inputs[0]),
            // Gradients, too, where an engine has a tape.
            _ => Role::Anchor,
        }
    }

    /// What folds nothing but axes of size 1 only drops them.
    fn role_of_fold(&self, op: &Op, of: NodeId) -> Role {
        let shape = self.shape(of);
        match op {
            _ if folded_axes(op).0.iter().any(|axis| shape[*axis] != 1) => Role::Fold,
            Op::Argmax { .. } => Role::Anchor,
            _ => Role::View,
        }
    }

    /// Whether a node looks at its operands in another arrangement, also where that has to be copied.
    pub(super) fn is_view(&self, id: NodeId) -> bool {
        self.views[id.index()]
    }
}

/// The axes that a fold folds, and whether they stay with size 1.
pub(super) fn folded_axes(op: &Op) -> (Vec<usize>, bool) {
    let (axes, keeps) = match op {
        Op::Sum { axes, keepdims } | Op::Mean { axes, keepdims } => (axes.clone(), *keepdims),
        Op::ReduceMax { axes, keepdims } | Op::ReduceMin { axes, keepdims } => (axes.clone(), *keepdims),
        Op::Argmax { axis } => (vec![*axis], false),
        _ => (vec![], true),
    };
    (axes.into_iter().map(|axis| axis as usize).collect(), keeps)
}
