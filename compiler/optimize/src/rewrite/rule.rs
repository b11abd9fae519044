//! What a rule is, and what it may ask.

use vspec_ir::{DType, Dim, Graph, Node, NodeId, Op, Type};

use crate::pass::Numerics;

/// A rewrite with a name.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name in remarks, `mul-one`.
    pub name: &'static str,
    /// What equals what, in one line: `x * 1 = x`.
    pub algebra: &'static str,
    /// Under which conditions, beyond those that the algebra shows. In every case the types of both sides have to be equal.
    pub when: &'static str,
    /// Names of the ops that it is about.
    pub on: &'static [&'static str],
    /// What it does to the numbers.
    pub numerics: Numerics,
    /// What takes the place of a node; nothing if the rule does not fit.
    pub(crate) rewrite: fn(&Scope<'_>, &Node) -> Option<Term>,
}

/// What takes the place of a node.
#[derive(Debug, Clone)]
pub(crate) enum Term {
    /// A value that is there.
    Is(NodeId),
    /// An op that is applied to others.
    Of(Op, Vec<Term>),
}

impl From<NodeId> for Term {
    fn from(id: NodeId) -> Term {
        Term::Is(id)
    }
}

impl Term {
    pub(crate) fn unary(op: Op, x: impl Into<Term>) -> Term {
        Term::Of(op, vec![x.into()])
    }

    pub(crate) fn binary(op: Op, a: impl Into<Term>, b: impl Into<Term>) -> Term {
        Term::Of(op, vec![a.into(), b.into()])
    }

    pub(crate) fn mul(a: impl Into<Term>, b: impl Into<Term>) -> Term {
        Term::binary(Op::Mul {}, a, b)
    }

    pub(crate) fn neg(x: impl Into<Term>) -> Term {
        Term::unary(Op::Neg {}, x)
    }

    /// One number everywhere.
    pub(crate) fn full(value: f64, ty: &Type) -> Term {
        Term::Of(Op::Full { value, dtype: ty.dtype, shape: ty.shape.clone() }, vec![])
    }

    /// A number that broadcasts.
    pub(crate) fn number(value: f64, dtype: DType) -> Term {
        Term::full(value, &Type::scalar(dtype))
    }

    pub(crate) fn reshape(x: impl Into<Term>, shape: &[Dim]) -> Term {
        Term::unary(Op::Reshape { shape: shape.to_vec() }, x)
    }

    pub(crate) fn broadcast(x: impl Into<Term>, shape: &[Dim]) -> Term {
        Term::unary(Op::Broadcast { shape: shape.to_vec() }, x)
    }
}

/// The part of the new graph that is there already.
pub(crate) struct Scope<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) uses: &'a [usize],
}

impl<'a> Scope<'a> {
    pub(crate) fn node(&self, id: NodeId) -> &'a Node {
        self.graph.node(id)
    }

    pub(crate) fn ty(&self, id: NodeId) -> &'a Type {
        self.graph.ty(id)
    }

    /// Whether at most one node uses a value, so that it goes away with that.
    pub(crate) fn is_single(&self, id: NodeId) -> bool {
        self.uses.get(id.index()).is_none_or(|uses| *uses <= 1)
    }

    /// The number that every element of a constant is.
    pub(crate) fn uniform(&self, id: NodeId) -> Option<f64> {
        match &self.node(id).op {
            Op::Full { value, .. } => Some(*value),
            Op::Constant { value } => {
                let first = *value.values.first()?;
                value.values.iter().all(|v| v.to_bits() == first.to_bits()).then_some(first)
            }
            _ => None,
        }
    }

    /// The operands of a node of two, the uniform one last: `(x, c)` for `x + c` and for `c + x`.
    pub(crate) fn with_constant(&self, node: &Node) -> Option<(NodeId, f64)> {
        let [a, b] = *node.inputs.as_slice() else { return None };
        match (self.uniform(a), self.uniform(b)) {
            (_, Some(c)) => Some((a, c)),
            (Some(c), None) => Some((b, c)),
            (None, None) => None,
        }
    }

    /// The operand of a node, if it is an instance of an op of one operand.
    pub(crate) fn operand_of(&self, id: NodeId, op: &Op) -> Option<NodeId> {
        let node = self.node(id);
        (node.op == *op).then(|| node.inputs.first().copied()).flatten()
    }

    /// The operands of a node, if it is an instance of an op of two.
    pub(crate) fn operands_of(&self, id: NodeId, op: &Op) -> Option<[NodeId; 2]> {
        let node = self.node(id);
        match *node.inputs.as_slice() {
            [a, b] if node.op == *op => Some([a, b]),
            _ => None,
        }
    }

    /// A value stretched to a type, of which it may have all already.
    pub(crate) fn stretched(&self, id: NodeId, ty: &Type) -> Term {
        if self.ty(id) == ty { id.into() } else { Term::broadcast(id, &ty.shape) }
    }

    /// Whether a size is at least 1, whatever sizes are bound.
    pub(crate) fn is_positive(dim: &Dim) -> bool {
        dim.range().0.is_some_and(|low| low >= 1)
    }

    /// The product of some sizes.
    pub(crate) fn product<'d>(sizes: impl IntoIterator<Item = &'d Dim>) -> Option<Dim> {
        sizes.into_iter().try_fold(Dim::from(1i64), |n, d| n.checked_mul(d).ok())
    }
}
