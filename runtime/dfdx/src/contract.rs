//! Matrix products by dfdx, and convolution as blocked im2col with matrix products, a custom operation.
//!
//! A block of output positions has its columns in cache while it is multiplied. Images are spread over threads; sums over images
//! are taken in a fixed number of groups and added in order, so that results do not depend on the number of threads.

use std::ops::Range;
use std::sync::Arc;

use dfdx::prelude::{ReshapeTo, TryMatMul};
use rayon::prelude::*;

use crate::backend::Backend;
use crate::channels_last::ChannelsLast;
use crate::element::{Element, Matrix};
use crate::im2col::{Places, Window};
use crate::record::{Float, Recorder, float};

/// `[.., M, K] x [.., K, N]`
pub(crate) fn matmul<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    a: &Float<E, D>,
    b: &Float<E, D>,
) -> Float<E, D> {
    let rank = a.shape.len();
    let (m, k, n) = (a.shape[rank - 2], a.shape[rank - 1], b.shape[rank - 1]);
    let batch: usize = a.shape[..rank - 2].iter().product();
    let mut shape = a.shape.clone();
    shape[rank - 1] = n;
    // cuBLAS multiplies nothing without elements; sums of nothing are 0, and no gradient comes through them.
    if [batch, m, k, n].contains(&0) {
        let zeros = vec![E::default(); shape.iter().product()];
        return float(&r.device(), zeros, shape);
    }
    let b = r.distinct(b, a);
    let right = b.tensor.clone().reshape_like(&(batch, k, n));
    r.op(a, shape, |t| t.reshape_like(&(batch, m, k)).matmul(right))
}

/// Number of groups that a sum over images is split into.
const GROUPS: usize = 8;
/// Elements of the columns of one block: they stay in a core's cache.
const BLOCK: usize = 48 * 1024;

/// Sizes of one convolution.
#[derive(Clone)]
struct Conv {
    images: usize,
    inputs: usize,
    outputs: usize,
    groups: usize,
    places: Arc<Places>,
}

impl Conv {
    /// Input channels of a group.
    fn own_inputs(&self) -> usize {
        self.inputs / self.groups
    }

    /// Output channels of a group.
    fn own_outputs(&self) -> usize {
        self.outputs / self.groups
    }

    /// Rows of the columns: taps of all input channels of a group.
    fn depth(&self) -> usize {
        self.own_inputs() * self.places.taps
    }

    fn input_len(&self) -> usize {
        self.inputs * self.places.plane
    }

    fn output_len(&self) -> usize {
        self.outputs * self.places.positions
    }

    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let step = (BLOCK / self.depth().max(1)).max(16);
        let positions = self.places.positions;
        (0..positions).step_by(step).map(move |start| start..(start + step).min(positions))
    }

    /// Columns of a block: `depth` rows of one element for each position, zero on padding.
    fn columns<E: Element>(&self, image: &[E], group: usize, block: &Range<usize>, columns: &mut Vec<E>) {
        let width = block.len();
        columns.clear();
        columns.resize(self.depth() * width, E::default());
        for (row, out) in columns.chunks_exact_mut(width).enumerate() {
            let (plane, tap) = (self.plane(group, row), row % self.places.taps);
            let plane = &image[plane];
            for run in self.places.runs(tap, block.clone()) {
                let at = run.position - block.start;
                out[at..at + run.len].copy_from_slice(&plane[run.place..run.place + run.len]);
            }
        }
    }

    /// Adds columns back to where they were read.
    fn scatter<E: Element>(&self, columns: &[E], group: usize, block: &Range<usize>, image: &mut [E]) {
        for (row, values) in columns.chunks_exact(block.len()).enumerate() {
            let (plane, tap) = (self.plane(group, row), row % self.places.taps);
            let plane = &mut image[plane];
            for run in self.places.runs(tap, block.clone()) {
                let at = run.position - block.start;
                let target = &mut plane[run.place..run.place + run.len];
                target.iter_mut().zip(&values[at..at + run.len]).for_each(|(t, v)| *t += *v);
            }
        }
    }

    /// The elements of an image that a row of a group's columns reads.
    fn plane(&self, group: usize, row: usize) -> Range<usize> {
        let channel = group * self.own_inputs() + row / self.places.taps;
        channel * self.places.plane..(channel + 1) * self.places.plane
    }

    fn forward_image<E: Element>(&self, image: &[E], weight: &[E], out: &mut [E]) {
        let (mut columns, depth, rows) = (vec![], self.depth(), self.own_outputs());
        for group in 0..self.groups {
            for block in self.blocks() {
                self.columns(image, group, &block, &mut columns);
                let a = &weight[group * rows * depth..(group + 1) * rows * depth];
                let c = &mut out[group * rows * self.places.positions..][block.start..];
                let row = self.places.positions;
                product(
                    [rows, depth, block.len()],
                    (a, [depth, 1]),
                    (&columns, [block.len(), 1]),
                    (c, row),
                    false,
                );
            }
        }
    }

    fn backward_image<E: Element>(&self, dy: &[E], weight: &[E], dx: &mut [E]) {
        let (depth, rows) = (self.depth(), self.own_outputs());
        let mut columns = vec![];
        for group in 0..self.groups {
            for block in self.blocks() {
                columns.resize(depth * block.len(), E::default());
                let a = &weight[group * rows * depth..(group + 1) * rows * depth];
                let b = &dy[group * rows * self.places.positions..][block.start..];
                let size = [depth, rows, block.len()];
                product(
                    size,
                    (a, [1, depth]),
                    (b, [self.places.positions, 1]),
                    (&mut columns, block.len()),
                    false,
                );
                self.scatter(&columns, group, &block, dx);
            }
        }
    }

    fn weight_image<E: Element>(&self, image: &[E], dy: &[E], dw: &mut [E]) {
        let (mut columns, depth, rows) = (vec![], self.depth(), self.own_outputs());
        for group in 0..self.groups {
            for block in self.blocks() {
                self.columns(image, group, &block, &mut columns);
                let a = &dy[group * rows * self.places.positions..][block.start..];
                let c = &mut dw[group * rows * depth..(group + 1) * rows * depth];
                let size = [rows, block.len(), depth];
                product(
                    size,
                    (a, [self.places.positions, 1]),
                    (&columns, [1, block.len()]),
                    (c, depth),
                    true,
                );
            }
        }
    }

    /// All images, each on its own.
    fn forward<E: Element>(&self, x: &[E], weight: &[E], y: &mut [E]) {
        if self.output_len() > 0 {
            let image = |i: usize| &x[i * self.input_len()..(i + 1) * self.input_len()];
            let outs = y.par_chunks_mut(self.output_len()).enumerate();
            outs.for_each(|(i, out)| self.forward_image(image(i), weight, out));
        }
    }

    /// Adds the gradient of all images.
    fn backward<E: Element>(&self, dy: &[E], weight: &[E], dx: &mut [E]) {
        if self.output_len() > 0 && self.input_len() > 0 {
            let part = |i: usize| &dy[i * self.output_len()..(i + 1) * self.output_len()];
            let images = dx.par_chunks_mut(self.input_len()).enumerate();
            images.for_each(|(i, dx)| self.backward_image(part(i), weight, dx));
        }
    }

    fn weight_gradient<E: Element>(&self, x: &[E], dy: &[E], dw: &mut [E]) {
        let images: Vec<usize> = (0..self.images).collect();
        let share = self.images.div_ceil(GROUPS).max(1);
        let parts: Vec<Vec<E>> = images
            .par_chunks(share)
            .map(|images| {
                let mut part = vec![E::default(); dw.len()];
                for i in images {
                    let image = &x[i * self.input_len()..(i + 1) * self.input_len()];
                    self.weight_image(
                        image,
                        &dy[i * self.output_len()..(i + 1) * self.output_len()],
                        &mut part,
                    );
                }
                part
            })
            .collect();
        for part in parts {
            dw.iter_mut().zip(&part).for_each(|(w, p)| *w += *p);
        }
    }
}

/// `c = a b`, or `c += a b`: sizes, then each matrix with its row and column steps.
pub(crate) fn product<E: Element>(
    [m, k, n]: [usize; 3],
    (a, [ar, ac]): (&[E], [usize; 2]),
    (b, [br, bc]): (&[E], [usize; 2]),
    (c, cr): (&mut [E], usize),
    accumulate: bool,
) {
    let last = |rows: usize, columns: usize, r: usize, c: usize| (rows - 1) * r + (columns - 1) * c;
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    assert!(last(m, k, ar, ac) < a.len() && last(k, n, br, bc) < b.len() && last(m, n, cr, 1) < c.len());
    let a = Matrix { start: a.as_ptr(), row: ar, column: ac };
    let b = Matrix { start: b.as_ptr(), row: br, column: bc };
    let c = Matrix { start: c.as_mut_ptr(), row: cr, column: 1 };
    // SAFETY: the last element of each matrix was just checked to lie in its slice, and `c` is borrowed exclusively.
    unsafe { E::gemm([m, k, n], a, b, c, accumulate) }
}

/// `[N, C, ..] * [O, C / groups, ..] -> [N, O, ..]`
pub(crate) fn conv<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    weight: &Float<E, D>,
    (stride, padding, dilation): (&[i64], &[[i64; 2]], &[i64]),
    groups: usize,
) -> Float<E, D> {
    let window = Window { kernel: &weight.shape[2..], stride, padding, dilation };
    let places = Arc::new(Places::new(&window, &x.shape[2..]));
    let (images, inputs, outputs) = (x.shape[0], x.shape[1], weight.shape[0]);
    if groups == 1 && x.len() > 0 && weight.len() > 0 && places.positions > 0 {
        return one_group(
            r,
            x,
            weight,
            ChannelsLast::new([images, inputs, outputs], places.clone()),
            &places,
        );
    }
    let conv = Conv { images, inputs, outputs, groups, places };
    let (input, kernel) = (x.to_vec(), weight.to_vec());
    let mut values = vec![E::default(); images * conv.output_len()];
    conv.forward(&input, &kernel, &mut values);
    let mut shape = vec![images, outputs];
    shape.extend(&conv.places.count);
    r.custom(&[x, weight], values, shape, move |dy, gradients| {
        if conv.output_len() == 0 || conv.input_len() == 0 {
            return;
        }
        let [dx, dw] = gradients else { return };
        conv.backward(dy, &kernel, dx);
        conv.weight_gradient(&input, dy, dw);
    })
}

/// The transpose of a convolution in its input: `[N, O, ..] * [O, C / groups, ..] -> [N, C, ..size]`
pub(crate) fn conv_input<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    [y, weight]: [&Float<E, D>; 2],
    (stride, padding, dilation): (&[i64], &[[i64; 2]], &[i64]),
    groups: usize,
    size: &[usize],
) -> Float<E, D> {
    let window = Window { kernel: &weight.shape[2..], stride, padding, dilation };
    let places = Arc::new(Places::new(&window, size));
    let (images, inputs, outputs) = (y.shape[0], weight.shape[1] * groups, weight.shape[0]);
    let conv = Conv { images, inputs, outputs, groups, places };
    let (output, kernel) = (y.to_vec(), weight.to_vec());
    let mut values = vec![E::default(); images * conv.input_len()];
    conv.backward(&output, &kernel, &mut values);
    let mut shape = vec![images, inputs];
    shape.extend(size);
    r.custom(&[y, weight], values, shape, move |g, gradients| {
        let [dy, dw] = gradients else { return };
        let mut through = vec![E::default(); dy.len()];
        conv.forward(g, &kernel, &mut through);
        dy.iter_mut().zip(&through).for_each(|(d, t)| *d += *t);
        conv.weight_gradient(g, &output, dw);
    })
}

/// The transpose of a convolution in its weight: `[N, C, ..] * [N, O, ..] -> [O, C / groups, ..kernel]`
pub(crate) fn conv_weight<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    [x, y]: [&Float<E, D>; 2],
    (stride, padding, dilation): (&[i64], &[[i64; 2]], &[i64]),
    groups: usize,
    kernel: &[usize],
) -> Float<E, D> {
    let window = Window { kernel, stride, padding, dilation };
    let places = Arc::new(Places::new(&window, &x.shape[2..]));
    let (images, inputs, outputs) = (x.shape[0], x.shape[1], y.shape[1]);
    let conv = Conv { images, inputs, outputs, groups, places };
    let (input, output) = (x.to_vec(), y.to_vec());
    let mut shape = vec![outputs, inputs / groups.max(1)];
    shape.extend(kernel);
    let mut values = vec![E::default(); shape.iter().product()];
    conv.weight_gradient(&input, &output, &mut values);
    r.custom(&[x, y], values, shape, move |g, gradients| {
        let [dx, dy] = gradients else { return };
        conv.backward(&output, g, dx);
        let mut through = vec![E::default(); dy.len()];
        conv.forward(&input, g, &mut through);
        dy.iter_mut().zip(&through).for_each(|(d, t)| *d += *t);
    })
}

fn one_group<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    weight: &Float<E, D>,
    conv: ChannelsLast,
    places: &Places,
) -> Float<E, D> {
    let (input, kernel) = (conv.input_last(&x.read()), conv.weight_last(&weight.read()));
    let values = conv.forward(&input, &kernel);
    let through = !r.is_constant(x);
    let mut shape = vec![x.shape[0], weight.shape[0]];
    shape.extend(&places.count);
    r.custom(&[x, weight], values, shape, move |dy, gradients| {
        if let [dx, dw] = gradients {
            let dx = if through { &mut dx[..] } else { &mut [] };
            conv.backward((&input, &kernel), dy, dx, dw);
        }
    })
}
