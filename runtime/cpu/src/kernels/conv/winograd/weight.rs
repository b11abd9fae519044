//! The transpose in the weight: sums over tiles.

use std::ops::Range;

use rayon::prelude::*;

use super::transform::{OfGradient, OfTile, OfWeightSum, Transform, transform};
use super::{Images, PLACES, Tiles};
use crate::element::Element;
use crate::kernels::conv::Channels;
use crate::kernels::micro::{COLUMNS, ROWS};
use crate::kernels::scratch::Scratch;
use crate::kernels::vector::{isa, widest};
use crate::kernels::window::Moves;
use crate::memory::Shared;

/// Tiles that are transformed before their products are added up.
const TOGETHER: usize = 1024;
/// Tiles that a panel holds at a time.
const DEPTH: usize = 256;

/// `[N, C, ..] * [N, O, ..] -> [O, C / groups, 3, 3]`
pub(in crate::kernels::conv) fn weight<T: Element>(
    [(x, x_shape), (y, y_shape)]: [(&[T], &[usize]); 2],
    w: &mut [T],
    moves: &Moves<'_>,
    channels: Channels,
) {
    let area = channels.own * channels.shared * 9;
    for (group, w) in w.chunks_exact_mut(area).enumerate() {
        let size = [y_shape[2], y_shape[3]];
        let images = |elements, shape: &[usize], own: usize| Images {
            elements,
            channels: shape[1],
            first: group * own,
            size: [shape[2], shape[3]],
        };
        let (x, y) = (images(x, x_shape, channels.own), images(y, y_shape, channels.shared));
        let (tiles, low) = (Tiles::new(channels.images, size), [moves.low(0), moves.low(1)]);
        let (tall, wide) = (channels.shared.div_ceil(ROWS), channels.own.div_ceil(COLUMNS));
        let mut sums = Scratch::zeros(PLACES * tall * wide * ROWS * COLUMNS);
        for start in (0..tiles.count()).step_by(TOGETHER) {
            let own = start..(start + TOGETHER).min(tiles.count());
            let a = across::<OfGradient, T, 4, ROWS>(y, channels.shared, tiles, own.clone(), [0, 0]);
            let b = across::<OfTile, T, 6, COLUMNS>(x, channels.own, tiles, own.clone(), low);
            add_up(&a, &b, [tall, wide], own.len(), &mut sums);
        }
        let size = [channels.own, wide];
        w.par_chunks_exact_mut(channels.own * 9).enumerate().for_each(|(output, w)| {
            of_output(&sums, output, tall, size, w);
        });
    }
}

/// Tiles of all channels, transformed: for each place and each panel of `P` channels the panel's lanes for each tile.
fn across<F: Transform<S, 6>, T: Element, const S: usize, const P: usize>(
    images: Images<'_, T>,
    channels: usize,
    tiles: Tiles,
    own: Range<usize>,
    low: [isize; 2],
) -> Scratch<T> {
    let (panels, count) = (channels.div_ceil(P), own.len());
    let mut all = Scratch::of(PLACES * panels * count * P);
    let shared = &Shared::new(&mut all);
    (0..panels)
        .into_par_iter()
        .flat_map(|panel| (0..count.div_ceil(64)).into_par_iter().map(move |k| (panel, k)))
        .for_each(|(panel, part)| {
            let own_channels = panel * P..((panel + 1) * P).min(channels);
            let mut given = [[[T::default(); P]; S]; S];
            let mut done = [[[T::default(); P]; 6]; 6];
            widest(
                #[inline(always)]
                || {
                    for tile in part * 64..((part + 1) * 64).min(count) {
                        let [image, row, column] = tiles.place(own.start + tile);
                        let corner = [(row * 4) as isize - low[0], (column * 4) as isize - low[1]];
                        for (lane, channel) in own_channels.clone().enumerate() {
                            images.square(images.plane(image, channel), corner, lane, &mut given);
                        }
                        transform::<F, _, _, _, _>(&given, &mut done);
                        for (place, lanes) in done.iter().flatten().enumerate() {
                            shared
                                .run(((place * panels + panel) * count + tile) * P, P)
                                .copy_from_slice(lanes);
                        }
                    }
                },
            );
        });
    all
}

/// Adds the products of some tiles to the sums: for each place a block for each panel of outputs and each panel of inputs.
fn add_up<T: Element>(a: &[T], b: &[T], [tall, wide]: [usize; 2], count: usize, sums: &mut [T]) {
    let isa = isa();
    sums.par_chunks_exact_mut(wide * ROWS * COLUMNS).enumerate().for_each(|(number, sums)| {
        let place = number / tall;
        let mut block = [T::default(); ROWS * COLUMNS];
        for (panel, sums) in sums.chunks_exact_mut(ROWS * COLUMNS).enumerate() {
            for start in (0..count).step_by(DEPTH) {
                let own = DEPTH.min(count - start);
                let a = &a[(number * count + start) * ROWS..][..own * ROWS];
                let b = &b[((place * wide + panel) * count + start) * COLUMNS..][..own * COLUMNS];
                T::block(isa, a, b, &mut block);
                sums.iter_mut().zip(&block).for_each(|(sum, own)| *sum = sum.add(*own));
            }
        }
    });
}

/// Transforms the sums of one output channel back.
fn of_output<T: Element>(sums: &[T], output: usize, tall: usize, [own, wide]: [usize; 2], w: &mut [T]) {
    let mut given = [[[T::default(); COLUMNS]; 6]; 6];
    let mut done = [[[T::default(); COLUMNS]; 3]; 3];
    for panel in 0..wide {
        for (place, lanes) in given.iter_mut().flatten().enumerate() {
            let block = (place * tall + output / ROWS) * wide + panel;
            let start = block * ROWS * COLUMNS + output % ROWS * COLUMNS;
            lanes.copy_from_slice(&sums[start..start + COLUMNS]);
        }
        transform::<OfWeightSum, _, _, _, _>(&given, &mut done);
        for (lane, channel) in (panel * COLUMNS..((panel + 1) * COLUMNS).min(own)).enumerate() {
            let to = &mut w[channel * 9..(channel + 1) * 9];
            to.iter_mut().zip(done.iter().flatten()).for_each(|(to, lanes)| *to = lanes[lane]);
        }
    }
}
