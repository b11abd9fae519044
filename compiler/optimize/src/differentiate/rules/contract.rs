//! Products summed over shared axes. The convolution and its two transposes are each other's gradients.

use vspec_ir::{Node, NodeId, Op};

use super::super::back::{Back, Built};

type Parts = Built<Vec<Option<NodeId>>>;

/// `g b^T` and `a^T g`
pub(super) fn matmul(b: &mut Back<'_>, x: &[NodeId], g: NodeId, wanted: &[bool]) -> Parts {
    let mut parts = vec![None, None];
    if wanted[0] {
        let right = transposed(b, x[1])?;
        parts[0] = Some(b.binary(Op::Matmul {}, g, right)?);
    }
    if wanted[1] {
        let left = transposed(b, x[0])?;
        parts[1] = Some(b.binary(Op::Matmul {}, left, g)?);
    }
    Ok(parts)
}

fn transposed(b: &mut Back<'_>, x: NodeId) -> Built {
    let rank = b.shape(x).len();
    let mut axes: Vec<usize> = (0..rank).collect();
    axes.swap(rank - 1, rank - 2);
    b.permute(x, &axes)
}

/// The three ops that one convolution is part of: `y = x * w`, by what each computes.
struct Family {
    conv: Op,
    node: Node,
}

impl Family {
    fn of(node: &Node) -> Option<Family> {
        let conv = match node.op.clone() {
            Op::Conv { stride, padding, dilation, groups }
            | Op::ConvInput { stride, padding, dilation, groups, .. }
            | Op::ConvWeight { stride, padding, dilation, groups, .. } => {
                Op::Conv { stride, padding, dilation, groups }
            }
            _ => return None,
        };
        Some(Family { conv, node: node.clone() })
    }

    fn y(&self, b: &mut Back<'_>, [x, w]: [NodeId; 2]) -> Built {
        b.binary(self.conv.clone(), x, w)
    }

    /// `x`, of the size of `like`.
    fn x(&self, b: &mut Back<'_>, [y, w]: [NodeId; 2], like: NodeId) -> Built {
        let Op::Conv { stride, padding, dilation, groups } = self.conv.clone() else { return Ok(like) };
        let size = b.shape(like).split_off(2);
        b.binary(Op::ConvInput { stride, padding, dilation, groups, size }, y, w)
    }

    /// `w`, of the size of `like`.
    fn w(&self, b: &mut Back<'_>, [x, y]: [NodeId; 2], like: NodeId) -> Built {
        let Op::Conv { stride, padding, dilation, groups } = self.conv.clone() else { return Ok(like) };
        let kernel = b.shape(like).split_off(2);
        b.binary(Op::ConvWeight { stride, padding, dilation, groups, kernel }, x, y)
    }
}

/// What flows into one of two operands, given both and the gradient of the result.
type Part = fn(&Family, &mut Back<'_>, [NodeId; 2], NodeId) -> Built;

/// Both parts of a node of two operands, those that are wanted.
fn both(b: &mut Back<'_>, node: &Node, wanted: &[bool], parts: [Part; 2], g: NodeId) -> Parts {
    let Some(family) = Family::of(node) else { return Ok(vec![None, None]) };
    let x = [family.node.inputs[0], family.node.inputs[1]];
    let mut part = |i: usize| if wanted[i] { parts[i](&family, b, x, g).map(Some) } else { Ok(None) };
    Ok(vec![part(0)?, part(1)?])
}

pub(super) fn conv(b: &mut Back<'_>, node: &Node, g: NodeId, wanted: &[bool]) -> Parts {
    both(b, node, wanted, [|f, b, [x, w], g| f.x(b, [g, w], x), |f, b, [x, w], g| f.w(b, [x, g], w)], g)
}

pub(super) fn conv_input(b: &mut Back<'_>, node: &Node, g: NodeId, wanted: &[bool]) -> Parts {
    both(b, node, wanted, [|f, b, [_, w], g| f.y(b, [g, w]), |f, b, [y, w], g| f.w(b, [g, y], w)], g)
}

pub(super) fn conv_weight(b: &mut Back<'_>, node: &Node, g: NodeId, wanted: &[bool]) -> Parts {
    both(b, node, wanted, [|f, b, [x, y], g| f.x(b, [y, g], x), |f, b, [x, _], g| f.y(b, [x, g])], g)
}
