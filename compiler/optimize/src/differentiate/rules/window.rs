//! Pooling.

use vspec_ir::{Dim, Node, NodeId, Op};

use super::super::back::{Back, Built};

/// `g` at the place of each window's largest element.
pub(super) fn max_pool(b: &mut Back<'_>, node: &Node, g: NodeId) -> Built {
    let Op::MaxPool { kernel, stride, padding, dilation } = node.op.clone() else { return Ok(g) };
    let x = node.inputs[0];
    // The taps of a dilated window may all lie on padding: then it has no largest element, and its index says nothing.
    let may_miss = dilation.iter().zip(&padding).any(|(d, p)| *d > 1 && *p != [0, 0]);
    let g = if may_miss { of_windows_inside(b, node, g)? } else { g };
    let places = b.unary(Op::MaxPoolIndex { kernel, stride, padding, dilation }, x)?;
    let (index, values) = (planes(b, places)?, planes(b, g)?);
    let shape = b.shape(x);
    let area = b.product(&shape[2..])?;
    let zeros = b.full(0.0, vec![shape[0].clone(), shape[1].clone(), area])?;
    let sums = b.add(Op::ScatterAdd { axis: 2 }, &[zeros, index, values])?;
    b.reshape(sums, shape)
}

/// `g` where a window covers an element at all, 0 elsewhere: the largest of ones is 1 or, of nothing, minus infinity.
fn of_windows_inside(b: &mut Back<'_>, node: &Node, g: NodeId) -> Built {
    let shape = b.shape(node.inputs[0]);
    let single = [Dim::from(1i64), Dim::from(1i64)].into_iter().chain(shape[2..].iter().cloned());
    let ones = b.full(1.0, single.collect())?;
    let largest = b.unary(node.op.clone(), ones)?;
    let inside = b.unary(Op::Relu {}, largest)?;
    b.mul(g, inside)
}

/// `[N, C, ..]` as `[N, C, area]`.
fn planes(b: &mut Back<'_>, x: NodeId) -> Built {
    let shape = b.shape(x);
    let area = b.product(&shape[2..])?;
    b.reshape(x, vec![shape[0].clone(), shape[1].clone(), area])
}

/// `g` shared by the elements of each window: the transpose of a convolution with ones.
pub(super) fn avg_pool(b: &mut Back<'_>, node: &Node, g: NodeId) -> Built {
    let Op::AvgPool { kernel, stride, padding, count_padding } = node.op.clone() else { return Ok(g) };
    let (dilation, x) = (vec![1; kernel.len()], node.inputs[0]);
    let shape = b.shape(x);
    let one = Dim::from(1i64);
    let single = |rest: &[Dim]| [one.clone(), one.clone()].into_iter().chain(rest.iter().cloned()).collect();
    let window: Vec<Dim> = kernel.iter().map(|k| Dim::from(*k)).collect();
    let ones = b.full(1.0, single(&window))?;
    let share = match count_padding {
        true => b.scaled(g, 1.0 / kernel.iter().product::<i64>() as f64)?,
        false => {
            let inside = b.full(1.0, single(&shape[2..]))?;
            let (stride, padding, dilation) = (stride.clone(), padding.clone(), dilation.clone());
            let counts = b.binary(Op::Conv { stride, padding, dilation, groups: 1 }, inside, ones)?;
            b.div(g, counts)?
        }
    };
    // Channels are like images here: each has its own windows.
    let maps = b.product(&shape[..2])?;
    let mut folded = b.shape(share).split_off(2);
    folded.splice(0..0, [maps, one]);
    let share = b.reshape(share, folded)?;
    let op = Op::ConvInput { stride, padding, dilation, groups: 1, size: shape[2..].to_vec() };
    let spread = b.binary(op, share, ones)?;
    b.reshape(spread, shape)
}
