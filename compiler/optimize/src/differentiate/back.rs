//! Building the graph of a gradient: nodes that come from where the differentiated node comes from.

use vspec_ir::{DType, Dim, Graph, NodeId, Op, Origin, Type, Violation};

/// A result of building.
pub(super) type Built<T = NodeId> = Result<T, Violation>;

/// Adds nodes on behalf of one node that is differentiated.
pub(super) struct Back<'g> {
    graph: &'g mut Graph,
    origin: Origin,
}

impl<'g> Back<'g> {
    /// For a node; what is built has its place in the specification, and no name.
    pub(super) fn at(graph: &'g mut Graph, id: NodeId) -> Self {
        let origin = Origin { name: None, ..graph.node(id).origin.clone() };
        Back { graph, origin }
    }

    pub(super) fn graph(&self) -> &Graph {
        self.graph
    }

    pub(super) fn ty(&self, id: NodeId) -> Type {
        self.graph.ty(id).clone()
    }

    pub(super) fn shape(&self, id: NodeId) -> Vec<Dim> {
        self.graph.ty(id).shape.clone()
    }

    pub(super) fn add(&mut self, op: Op, inputs: &[NodeId]) -> Built {
        self.graph.add(op, inputs, self.origin.clone())
    }

    pub(super) fn unary(&mut self, op: Op, x: NodeId) -> Built {
        self.add(op, &[x])
    }

    pub(super) fn binary(&mut self, op: Op, a: NodeId, b: NodeId) -> Built {
        self.add(op, &[a, b])
    }

    pub(super) fn mul(&mut self, a: NodeId, b: NodeId) -> Built {
        self.binary(Op::Mul {}, a, b)
    }

    pub(super) fn div(&mut self, a: NodeId, b: NodeId) -> Built {
        self.binary(Op::Div {}, a, b)
    }

    pub(super) fn neg(&mut self, x: NodeId) -> Built {
        self.unary(Op::Neg {}, x)
    }

    /// A number that broadcasts.
    pub(super) fn number(&mut self, value: f64) -> Built {
        self.full(value, vec![])
    }

    pub(super) fn full(&mut self, value: f64, shape: Vec<Dim>) -> Built {
        self.add(Op::Full { value, dtype: DType::F32, shape }, &[])
    }

    pub(super) fn scaled(&mut self, x: NodeId, by: f64) -> Built {
        let by = self.number(by)?;
        self.mul(x, by)
    }

    /// `x` where the mask is true, 0 elsewhere.
    pub(super) fn masked(&mut self, mask: NodeId, x: NodeId) -> Built {
        let zero = self.number(0.0)?;
        self.add(Op::Where {}, &[mask, x, zero])
    }

    pub(super) fn reshape(&mut self, x: NodeId, shape: Vec<Dim>) -> Built {
        if self.shape(x) == shape { Ok(x) } else { self.unary(Op::Reshape { shape }, x) }
    }

    pub(super) fn broadcast(&mut self, x: NodeId, shape: Vec<Dim>) -> Built {
        if self.shape(x) == shape { Ok(x) } else { self.unary(Op::Broadcast { shape }, x) }
    }

    pub(super) fn permute(&mut self, x: NodeId, axes: &[usize]) -> Built {
        let identity = axes.iter().enumerate().all(|(i, a)| i == *a);
        let axes = axes.iter().map(|a| *a as i64).collect();
        if identity { Ok(x) } else { self.unary(Op::Permute { axes }, x) }
    }

    /// Sums what broadcasting repeated: from the shape of `g` back to another one.
    pub(super) fn unbroadcast(&mut self, g: NodeId, shape: &[Dim]) -> Built {
        let own = self.shape(g);
        let new = own.len() - shape.len().min(own.len());
        let repeated = |i: &usize| *i < new || shape[*i - new].is_one() && !own[*i].is_one();
        let axes: Vec<i64> = (0..own.len()).filter(repeated).map(|i| i as i64).collect();
        let summed = match axes.is_empty() {
            true => g,
            false => self.unary(Op::Sum { axes, keepdims: true }, g)?,
        };
        self.reshape(summed, shape.to_vec())
    }

    /// The product of some sizes.
    pub(super) fn product(&self, sizes: &[Dim]) -> Built<Dim> {
        sizes.iter().try_fold(Dim::from(1i64), |n, d| self.size(n.checked_mul(d)))
    }

    /// Turns sizes that are too large into a violation.
    pub(super) fn size(&self, dim: Result<Dim, vspec_ir::DimError>) -> Built<Dim> {
        dim.map_err(|e| Violation { op: "gradient", constraint: 0, detail: e.to_string(), blame: vec![] })
    }
}
