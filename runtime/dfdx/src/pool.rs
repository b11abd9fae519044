//! Pooling as custom operations.

use rayon::prelude::*;

use crate::backend::Backend;
use crate::element::{Element, above};
use crate::im2col::{OUTSIDE, Places, Window};
use crate::record::{Float, Recorder};

/// Maps that one task works on at least.
const MAPS: usize = 16;

fn result_shape(x: &[usize], places: &Places) -> Vec<usize> {
    x[..2].iter().chain(&places.count).copied().collect()
}

/// Largest element of each window; the gradient goes to the first of equal ones.
pub(crate) fn max_pool<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    window: &Window<'_>,
) -> Float<E, D> {
    let places = Places::new(window, &x.shape[2..]);
    let (source, maps) = (x.read(), x.shape[0] * x.shape[1]);
    let mut winners = vec![0; maps * places.positions];
    let rows = winners.par_chunks_exact_mut(places.positions.max(1)).enumerate();
    rows.with_min_len(MAPS).for_each(|(map, winners)| {
        let plane = &source[map * places.plane..(map + 1) * places.plane];
        let best = largest(plane, &places);
        winners.iter_mut().zip(&best).for_each(|(w, b)| *w = map * places.plane + *b as usize);
    });
    let values =
        winners.iter().map(|w| source.get(*w).copied().unwrap_or(E::of(f64::NEG_INFINITY))).collect();
    r.custom(&[x], values, result_shape(&x.shape, &places), move |dy, dx| {
        for (g, winner) in dy.iter().zip(&winners) {
            if let Some(slot) = dx[0].get_mut(*winner) {
                *slot += *g;
            }
        }
    })
}

/// The place of the first largest element of each window.
fn largest<E: Element>(plane: &[E], places: &Places) -> Vec<u32> {
    let mut best = vec![OUTSIDE; places.positions];
    for tap in 0..places.taps {
        for (best, place) in best.iter_mut().zip(places.row(tap, 0..places.positions)) {
            let wins = *place != OUTSIDE
                && plane.get(*best as usize).is_none_or(|b| above(plane[*place as usize], *b));
            if wins {
                *best = *place;
            }
        }
    }
    best
}

/// Mean of each window.
pub(crate) fn avg_pool<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    window: &Window<'_>,
    count_padding: bool,
) -> Float<E, D> {
    let places = Places::new(window, &x.shape[2..]);
    let (source, maps) = (x.read(), x.shape[0] * x.shape[1]);
    let all = 0..places.positions;
    let mut inside = vec![0usize; places.positions];
    for tap in 0..places.taps {
        inside
            .iter_mut()
            .zip(places.row(tap, all.clone()))
            .for_each(|(n, p)| *n += usize::from(*p != OUTSIDE));
    }
    let scale: Vec<E> = inside
        .iter()
        .map(|n| E::of(1.0 / if count_padding { places.taps } else { (*n).max(1) } as f64))
        .collect();
    let mut values = vec![E::default(); maps * places.positions];
    for (map, out) in values.chunks_exact_mut(places.positions.max(1)).enumerate() {
        let plane = &source[map * places.plane..(map + 1) * places.plane];
        for tap in 0..places.taps {
            for (out, place) in out.iter_mut().zip(places.row(tap, all.clone())) {
                *out += plane.get(*place as usize).copied().unwrap_or_default();
            }
        }
        out.iter_mut().zip(&scale).for_each(|(v, s)| *v *= *s);
    }
    let shape = result_shape(&x.shape, &places);
    r.custom(&[x], values, shape, move |dy, dx| {
        for (map, dy) in dy.chunks_exact(places.positions.max(1)).enumerate() {
            let plane = &mut dx[0][map * places.plane..(map + 1) * places.plane];
            for tap in 0..places.taps {
                for (i, place) in places.row(tap, 0..places.positions).iter().enumerate() {
                    if let Some(slot) = plane.get_mut(*place as usize) {
                        *slot += dy[i] * scale[i];
                    }
                }
            }
        }
    })
}
