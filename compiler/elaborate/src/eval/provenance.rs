//! Where a size came from: following one axis of a tensor back to the place that set it.

use vspec_ir::{Dim, Node, NodeId, Op};
use vspec_syntax::Span;

use super::Evaluator;
use super::tensor::span_of;

/// How far back a size is followed.
const MAX_STEPS: usize = 10_000;

impl Evaluator<'_> {
    /// The place that gave an axis of a tensor its size, and a phrase for it: "`outputs` is 64".
    pub(crate) fn size_origin(&self, node: NodeId, axis: usize) -> Option<(Span, String)> {
        let (mut node, mut axis) = (node, axis);
        for _ in 0..MAX_STEPS {
            match self.previous(node, axis) {
                Some(next) => (node, axis) = next,
                None => break,
            }
        }
        self.introduced(node, axis)
    }

    /// The operand and the axis of it that an axis takes its size from.
    fn previous(&self, id: NodeId, axis: usize) -> Option<(NodeId, usize)> {
        let node = self.graph.node(id);
        let size = node.ty.shape.get(axis)?;
        match &node.op {
            Op::Conv { .. } if axis == 1 => Some((node.inputs[1], 0)),
            Op::Conv { .. } | Op::MaxPool { .. } | Op::AvgPool { .. } if axis == 0 => {
                Some((node.inputs[0], 0))
            }
            Op::MaxPool { .. } | Op::AvgPool { .. } if axis == 1 => Some((node.inputs[0], 1)),
            Op::Matmul {} if axis + 1 == node.ty.rank() => Some((node.inputs[1], axis)),
            Op::Matmul {} => Some((node.inputs[0], axis)),
            Op::Permute { axes } => Some((node.inputs[0], *axes.get(axis)? as usize)),
            Op::Slice { axis: cut, .. } | Op::Pad { axis: cut, .. } | Op::Concat { axis: cut }
                if *cut as usize != axis =>
            {
                Some((node.inputs[0], axis))
            }
            Op::Sum { axes, keepdims } | Op::Mean { axes, keepdims } => {
                Some((node.inputs[0], kept_axis(axes, *keepdims, axis)))
            }
            Op::Conv { .. } | Op::MaxPool { .. } | Op::AvgPool { .. } => None,
            Op::Slice { .. } | Op::Pad { .. } | Op::Concat { .. } | Op::Gather { .. } => None,
            _ => self.aligned(node, axis, size),
        }
    }

    /// For ops that keep sizes: the first operand that has this size at the axis, counted from the right; for a reshape, the
    /// only axis of this size.
    fn aligned(&self, node: &Node, axis: usize, size: &Dim) -> Option<(NodeId, usize)> {
        if let Op::Reshape { .. } = node.op {
            let input = *node.inputs.first()?;
            let shape = &self.graph.ty(input).shape;
            let mut same = (0..shape.len()).filter(|i| shape[*i] == *size);
            return same.next().filter(|_| same.next().is_none()).map(|at| (input, at));
        }
        let from_right = node.ty.rank() - axis;
        node.inputs.iter().find_map(|input| {
            let shape = &self.graph.ty(*input).shape;
            let at = shape.len().checked_sub(from_right)?;
            (shape[at] == *size).then_some((*input, at))
        })
    }

    /// The phrase for the node that introduced a size.
    fn introduced(&self, id: NodeId, axis: usize) -> Option<(Span, String)> {
        let node = self.graph.node(id);
        let size = node.ty.shape.get(axis)?;
        match &node.op {
            Op::Param { path, .. } | Op::State { path, .. } => {
                self.declared.get(path).and_then(|d| d.axes.get(axis).cloned())
            }
            Op::Input { name, .. } => {
                let span = self.step.input_axes.get(name).and_then(|axes| axes.get(axis).copied());
                let span = span.or_else(|| node.origin.location.map(span_of))?;
                Some((span, format!("size {size} comes in here")))
            }
            _ => Some((span_of(node.origin.location?), format!("size {size} is computed here"))),
        }
    }
}

/// The operand's axis that a reduction's result axis is.
fn kept_axis(axes: &[i64], keepdims: bool, axis: usize) -> usize {
    if keepdims {
        return axis;
    }
    axes.iter().fold(axis, |at, gone| if *gone as usize <= at { at + 1 } else { at })
}
