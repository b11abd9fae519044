//! Convolution as one gather and one matrix product for all groups, its transposes likewise, and pooling as a gather and a fold.

use super::elementwise::binary;
use super::fold::{Extreme, extreme_of_rows};
use super::read::{filled, read, read_all, sum_rows};
use crate::backend::Backend;
use crate::contract::matmul;
use crate::element::Element;
use crate::im2col::{OUTSIDE, Places, Window};
use crate::operands::Moves;
use crate::record::{Float, Recorder, float};
use crate::view::permuted_places;

/// Sizes of one convolution; channels are those of a group.
struct Conv {
    images: usize,
    groups: usize,
    inputs: usize,
    outputs: usize,
    places: Places,
}

impl Conv {
    fn new(
        [images, groups, inputs, outputs]: [usize; 4],
        kernel: &[usize],
        (stride, padding, dilation): Moves<'_>,
        spatial: &[usize],
    ) -> Self {
        let places = Places::new(&Window { kernel, stride, padding, dilation }, spatial);
        Conv { images, groups, inputs, outputs, places }
    }

    /// Elements of a column: taps of the channels of a group.
    fn depth(&self) -> usize {
        self.inputs * self.places.taps
    }

    /// Columns: positions in all images.
    fn width(&self) -> usize {
        self.images * self.places.positions
    }

    /// The place in the input that an element of the columns reads; nothing on padding.
    fn place(&self, group: usize, row: usize, column: usize) -> Option<usize> {
        let (channel, tap) = (row / self.places.taps, row % self.places.taps);
        let (image, position) = (column / self.places.positions, column % self.places.positions);
        let place = Some(self.places.row(tap, position..position + 1)[0]).filter(|p| *p != OUTSIDE)?;
        let plane = (image * self.groups + group) * self.inputs + channel;
        Some(plane * self.places.plane + place as usize)
    }

    /// `[groups, depth, width]`
    fn columns<E: Element, D: Backend<E>>(&self, r: &mut Recorder<E, D>, x: &Float<E, D>) -> Float<E, D> {
        let (depth, width) = (self.depth(), self.width());
        let place = |i: usize| self.place(i / width / depth, i / width % depth, i % width);
        read(r, x, (0..self.groups * depth * width).map(place), 0.0, vec![self.groups, depth, width])
    }

    /// `[N, O, ..]` as `[groups, outputs, width]`
    fn by_group<E: Element, D: Backend<E>>(&self, r: &mut Recorder<E, D>, y: &Float<E, D>) -> Float<E, D> {
        let split = y.with_shape(vec![self.images, self.groups, self.outputs, self.places.positions]);
        permuted(r, &split, &[1, 2, 0, 3]).with_shape(vec![self.groups, self.outputs, self.width()])
    }

    /// The weight as `[groups, outputs, depth]`
    fn weight<E: Element, D: Backend<E>>(&self, weight: &Float<E, D>) -> Float<E, D> {
        weight.with_shape(vec![self.groups, self.outputs, self.depth()])
    }

    /// The element of the columns that reads a place of the input with a tap; there is at most one.
    fn readers(&self) -> Vec<Vec<Option<usize>>> {
        let reader = |tap: usize| {
            let mut positions = vec![None; self.places.plane];
            let row = self.places.row(tap, 0..self.places.positions).iter().enumerate();
            row.filter(|(_, place)| **place != OUTSIDE)
                .for_each(|(position, place)| positions[*place as usize] = Some(position));
            positions
        };
        (0..self.places.taps).map(reader).collect()
    }
}

fn permuted<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    axes: &[usize],
) -> Float<E, D> {
    let places = permuted_places(&x.shape, axes);
    read_all(r, x, places)
}

/// `[groups, M, K] x [groups, K, N]`, a sum of nothing where there is nothing.
fn product<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    a: &Float<E, D>,
    b: &Float<E, D>,
) -> Float<E, D> {
    match a.len() > 0 && b.len() > 0 {
        true => matmul(r, a, b),
        false => filled(r, 0.0, vec![a.shape[0], a.shape[1], b.shape[2]]),
    }
}

/// `[N, C, ..] * [O, C / groups, ..] -> [N, O, ..]`
pub(super) fn conv<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    [x, weight]: [&Float<E, D>; 2],
    moves: Moves<'_>,
    groups: usize,
) -> Float<E, D> {
    let (images, outputs) = (x.shape[0], weight.shape[0]);
    let sizes = [images, groups, weight.shape[1], outputs / groups];
    let conv = Conv::new(sizes, &weight.shape[2..], moves, &x.shape[2..]);
    let columns = conv.columns(r, x);
    let y = product(r, &conv.weight(weight), &columns);
    let y = y.with_shape(vec![groups, conv.outputs, images, conv.places.positions]);
    let mut shape = vec![images, outputs];
    shape.extend(&conv.places.count);
    permuted(r, &y, &[2, 0, 1, 3]).with_shape(shape)
}

/// The transpose of a convolution in its input: `[N, O, ..] * [O, C / groups, ..] -> [N, C, ..size]`
pub(super) fn conv_input<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    [y, weight]: [&Float<E, D>; 2],
    moves: Moves<'_>,
    groups: usize,
    size: &[usize],
) -> Float<E, D> {
    let (images, inputs) = (y.shape[0], weight.shape[1]);
    let sizes = [images, groups, inputs, weight.shape[0] / groups];
    let conv = Conv::new(sizes, &weight.shape[2..], moves, size);
    let turned = permuted(r, &conv.weight(weight), &[0, 2, 1]);
    let y = conv.by_group(r, y);
    let columns = product(r, &turned, &y);
    let (readers, taps, plane) = (conv.readers(), conv.places.taps, conv.places.plane);
    let place = |i: usize| {
        let (tap, at, map) = (i % taps, i / taps % plane, i / taps / plane);
        let (image, channel) = (map / (groups * inputs), map % (groups * inputs));
        let column = image * conv.places.positions + readers[tap][at]?;
        Some((channel * taps + tap) * conv.width() + column)
    };
    let total = images * groups * inputs * plane * taps;
    let read = read(r, &columns, (0..total).map(place), 0.0, vec![total]);
    let mut shape = vec![images, groups * inputs];
    shape.extend(size);
    sum_rows(r, &read, taps, shape)
}

/// The transpose of a convolution in its weight: `[N, C, ..] * [N, O, ..] -> [O, C / groups, ..kernel]`
pub(super) fn conv_weight<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    [x, y]: [&Float<E, D>; 2],
    moves: Moves<'_>,
    groups: usize,
    kernel: &[usize],
) -> Float<E, D> {
    let (inputs, outputs) = (x.shape[1] / groups, y.shape[1]);
    let conv = Conv::new([x.shape[0], groups, inputs, outputs / groups], kernel, moves, &x.shape[2..]);
    let columns = conv.columns(r, x);
    let turned = permuted(r, &columns, &[0, 2, 1]);
    let y = conv.by_group(r, y);
    let mut shape = vec![outputs, inputs];
    shape.extend(kernel);
    product(r, &y, &turned).with_shape(shape)
}

/// For each window of each map the places that its taps cover, and the shape of the result.
fn windows(shape: &[usize], places: &Places) -> (Vec<Option<usize>>, Vec<usize>) {
    let (taps, positions) = (places.taps, places.positions);
    let maps = shape[0] * shape[1];
    let place = |i: usize| {
        let (tap, position, map) = (i % taps, i / taps % positions, i / taps / positions);
        let place = Some(places.row(tap, position..position + 1)[0]).filter(|p| *p != OUTSIDE)?;
        Some(map * places.plane + place as usize)
    };
    let result = shape[..2].iter().chain(&places.count).copied().collect();
    ((0..maps * positions * taps).map(place).collect(), result)
}

/// Largest element of each window.
pub(super) fn max_pool<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    window: &Window<'_>,
) -> Float<E, D> {
    let places = Places::new(window, &x.shape[2..]);
    let (rows, shape) = windows(&x.shape, &places);
    extreme_of_rows(r, x, (rows, places.taps), shape, Extreme::Largest)
}

/// Mean of each window.
pub(super) fn avg_pool<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    window: &Window<'_>,
    count_padding: bool,
) -> Float<E, D> {
    let places = Places::new(window, &x.shape[2..]);
    let (rows, shape) = windows(&x.shape, &places);
    let counted = |row: &[Option<usize>]| match count_padding {
        true => row.len(),
        false => row.iter().flatten().count().max(1),
    };
    let counts = rows.chunks(places.taps).map(|row| E::of(counted(row) as f64)).collect();
    let counts = float(&r.device(), counts, shape.clone());
    let elements = rows.len();
    let read = read(r, x, rows.into_iter(), 0.0, vec![elements]);
    let sums = sum_rows(r, &read, places.taps, shape);
    match sums.len() {
        0 => sums,
        _ => binary(r, &sums, &counts, |t, u| t / u),
    }
}
