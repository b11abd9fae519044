//! Transposes around matrix products.

use vspec_ir::{Node, NodeId, Op};

use super::reshape::permuted;
use crate::pass::Numerics::Exact;
use crate::rewrite::{Rule, Scope, Term};

pub(super) static RULES: &[Rule] = &[Rule {
    name: "matmul-transposed",
    algebra: "transpose(matmul(transpose(a), b)) = matmul(transpose(b), a)",
    when: "transposes of the last two axes, of one operand or both; no other use of the product",
    on: &["permute"],
    numerics: Exact,
    rewrite: matmul_transposed,
}];

/// Whether a permutation swaps the last two axes and nothing else.
fn is_transpose(axes: &[i64]) -> bool {
    let rank = axes.len();
    rank >= 2
        && axes[rank - 2..] == [rank as i64 - 1, rank as i64 - 2]
        && axes[..rank - 2].iter().enumerate().all(|(i, axis)| *axis == i as i64)
}

/// `x` of a transpose of `x`.
fn transposed(s: &Scope<'_>, id: NodeId) -> Option<NodeId> {
    permuted(s, id).filter(|(_, axes)| is_transpose(axes)).map(|(x, _)| x)
}

fn matmul_transposed(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let Op::Permute { axes } = &n.op else { return None };
    let product = n.inputs[0];
    let [a, b] =
        s.operands_of(product, &Op::Matmul {}).filter(|_| is_transpose(axes) && s.is_single(product))?;
    let (left, right) = (transposed(s, a), transposed(s, b));
    left.or(right)?;
    let flipped = |id: NodeId, inner: Option<NodeId>| match inner {
        Some(inner) => Term::Is(inner),
        None => Term::unary(n.op.clone(), id),
    };
    Some(Term::binary(Op::Matmul {}, flipped(b, right), flipped(a, left)))
}
