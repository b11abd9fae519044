//! Broadcasts: elementwise ops stretch their operands by themselves, and what is the same everywhere is computed once.

use vspec_ir::{Node, NodeId, Op, Type, infer};

use super::reshape::{reshaped, without_leading_ones};
use crate::pass::Numerics::Exact;
use crate::rewrite::{Rule, Scope, Term};

/// Every elementwise op. A test compares with the op table.
pub(crate) static ELEMENTWISE: &[&str] = &[
    "neg", "abs", "sign", "exp", "log", "log1p", "sqrt", "sin", "cos", "atan", "tanh", "sigmoid", "erf",
    "relu", "floor", "not", "cast", "add", "sub", "mul", "div", "rem", "pow", "atan2", "max", "min", "eq",
    "lt", "le", "and", "or", "where",
];

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "broadcast-broadcast",
        algebra: "broadcast(broadcast(x)) = broadcast(x)",
        when: "",
        on: &["broadcast"],
        numerics: Exact,
        rewrite: |s, n| Some(Term::broadcast(stretched(s, n.inputs[0])?, &n.ty.shape)),
    },
    Rule {
        name: "broadcast-leading-ones",
        algebra: "broadcast(reshape(x)) = broadcast(x)",
        when: "the reshape only adds or removes axes of size 1 at the front",
        on: &["broadcast"],
        numerics: Exact,
        rewrite: |s, n| Some(Term::broadcast(without_front(s, n.inputs[0])?, &n.ty.shape)),
    },
    Rule {
        name: "elementwise-broadcast",
        algebra: "f(broadcast(x), y) = f(x, y)",
        when: "f elementwise; the other operands give the result its shape",
        on: ELEMENTWISE,
        numerics: Exact,
        rewrite: elementwise_broadcast,
    },
    Rule {
        name: "broadcast-later",
        algebra: "f(broadcast(x), y) = broadcast(f(x, y))",
        when: "f elementwise; without the broadcast the result has fewer elements",
        on: ELEMENTWISE,
        numerics: Exact,
        rewrite: broadcast_later,
    },
    Rule {
        name: "elementwise-leading-ones",
        algebra: "f(reshape(x), y) = f(x, y)",
        when: "f elementwise; the reshape only adds or removes axes of size 1 at the front",
        on: ELEMENTWISE,
        numerics: Exact,
        rewrite: elementwise_leading_ones,
    },
    Rule {
        name: "view-of-one",
        algebra: "reshape(broadcast(x)) = broadcast(reshape(x)), and permute",
        when: "x has one element",
        on: &["reshape", "permute"],
        numerics: Exact,
        rewrite: view_of_one,
    },
];

/// `x` of `broadcast(x)`.
pub(super) fn stretched(s: &Scope<'_>, id: NodeId) -> Option<NodeId> {
    let node = s.node(id);
    matches!(node.op, Op::Broadcast { .. }).then(|| node.inputs[0])
}

/// `x` of a reshape that only changes how many axes of size 1 are at the front.
fn without_front(s: &Scope<'_>, id: NodeId) -> Option<NodeId> {
    let x = reshaped(s, id)?;
    (without_leading_ones(&s.ty(x).shape) == without_leading_ones(&s.ty(id).shape)).then_some(x)
}

/// The type of an op for other operands.
fn type_with(s: &Scope<'_>, op: &Op, inputs: &[NodeId]) -> Option<Type> {
    let types: Vec<Type> = inputs.iter().map(|i| s.ty(*i).clone()).collect();
    infer(op, &types, s.graph.facts()).ok().map(|(ty, _)| ty)
}

/// The operands of a node with those replaced that `f` has something for; nothing if it has for none.
fn replaced(n: &Node, f: impl Fn(NodeId) -> Option<NodeId>) -> Option<Vec<NodeId>> {
    let inputs: Vec<NodeId> = n.inputs.iter().map(|id| f(*id).unwrap_or(*id)).collect();
    (inputs != n.inputs).then_some(inputs)
}

fn applied(op: &Op, inputs: Vec<NodeId>) -> Term {
    Term::Of(op.clone(), inputs.into_iter().map(Term::Is).collect())
}

fn elementwise_broadcast(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let inputs = replaced(n, |id| stretched(s, id))?;
    (type_with(s, &n.op, &inputs)? == n.ty).then(|| applied(&n.op, inputs))
}

fn broadcast_later(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let inputs = replaced(n, |id| stretched(s, id))?;
    let smaller = type_with(s, &n.op, &inputs)? != n.ty;
    smaller.then(|| Term::broadcast(applied(&n.op, inputs), &n.ty.shape))
}

fn elementwise_leading_ones(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let all = replaced(n, |id| without_front(s, id))?;
    let fits = |inputs: &Vec<NodeId>| type_with(s, &n.op, inputs).as_ref() == Some(&n.ty);
    let one_by_one = (0..n.inputs.len()).map(|i| {
        let mut inputs = n.inputs.clone();
        inputs[i] = all[i];
        inputs
    });
    let changed = std::iter::once(all.clone()).chain(one_by_one).filter(|inputs| *inputs != n.inputs);
    Some(applied(&n.op, changed.into_iter().find(fits)?))
}

fn view_of_one(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let x = stretched(s, n.inputs[0])?;
    let one = s.ty(x).shape.iter().all(vspec_ir::Dim::is_one);
    one.then(|| Term::broadcast(Term::reshape(x, &[]), &n.ty.shape))
}

#[cfg(test)]
mod tests {
    use super::ELEMENTWISE;
    use vspec_ir::ops::{OpClass, TABLE};

    #[test]
    fn the_list_of_elementwise_ops_is_that_of_the_table() {
        let names: Vec<&str> =
            TABLE.iter().filter(|d| d.class == OpClass::Elementwise).map(|d| d.name).collect();
        assert_eq!(names, ELEMENTWISE);
    }
}
