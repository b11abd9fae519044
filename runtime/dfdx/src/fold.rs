//! Reductions over axes as custom operations.

use rayon::prelude::*;

use crate::backend::Backend;
use crate::dense::GRAIN;
use crate::element::Element;
use crate::record::{Float, Recorder};
use crate::view::{row_sum, strides, walk};

/// Which axes go away, and the shape that is left.
pub(crate) struct Axes<'a> {
    pub(crate) axes: &'a [i64],
    pub(crate) keepdims: bool,
}

impl Axes<'_> {
    pub(crate) fn gone(&self, axis: usize) -> bool {
        self.axes.contains(&(axis as i64))
    }

    /// The shape that is left of an operand's.
    pub(crate) fn result(&self, shape: &[usize]) -> Vec<usize> {
        let kept = shape.iter().enumerate();
        match self.keepdims {
            true => kept.map(|(i, d)| if self.gone(i) { 1 } else { *d }).collect(),
            false => kept.filter(|(i, _)| !self.gone(*i)).map(|(_, d)| *d).collect(),
        }
    }

    /// For each element of an operand, the element of the result that it is folded into.
    fn targets(&self, shape: &[usize]) -> Vec<usize> {
        let kept: Vec<usize> =
            shape.iter().enumerate().map(|(i, d)| if self.gone(i) { 1 } else { *d }).collect();
        let own = strides(&kept);
        let steps: Vec<usize> = (0..shape.len()).map(|i| if self.gone(i) { 0 } else { own[i] }).collect();
        walk(shape, &steps, 0)
    }

    /// `(outer, kept, inner)` when the axes that stay are next to each other.
    fn blocks(&self, shape: &[usize]) -> Option<[usize; 3]> {
        let first = (0..shape.len()).find(|i| !self.gone(*i)).unwrap_or(shape.len());
        let end = (first..shape.len()).find(|i| self.gone(*i)).unwrap_or(shape.len());
        let rest = (end..shape.len()).all(|i| self.gone(i));
        let product = |range: std::ops::Range<usize>| shape[range].iter().product();
        rest.then(|| [product(0..first), product(first..end), product(end..shape.len())])
    }
}

/// Sum, or mean, over axes.
pub(crate) fn sum<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    axes: &Axes<'_>,
    mean: bool,
) -> Float<E, D> {
    let shape = axes.result(&x.shape);
    let count = x.len() / shape.iter().product::<usize>().max(1);
    let scale = E::of(if mean { 1.0 / count.max(1) as f64 } else { 1.0 });
    let mut values = match axes.blocks(&x.shape) {
        Some(blocks) => sum_blocks(&x.read(), blocks),
        None => sum_places(&x.read(), &axes.targets(&x.shape), shape.iter().product()),
    };
    values.iter_mut().for_each(|v| *v *= scale);
    match axes.blocks(&x.shape) {
        Some(blocks) => {
            r.custom(&[x], values, shape, move |dy, dx| spread_blocks(dy, &mut dx[0], blocks, scale))
        }
        None => {
            let targets = axes.targets(&x.shape);
            r.custom(&[x], values, shape, move |dy, dx| {
                dx[0].iter_mut().zip(&targets).for_each(|(g, t)| *g += dy[*t] * scale);
            })
        }
    }
}

fn sum_blocks<E: Element>(x: &[E], [outer, kept, inner]: [usize; 3]) -> Vec<E> {
    if inner == 1 {
        return sum_rows(x.chunks_exact(kept.max(1)), kept);
    }
    // Rows are summed wherever there is a thread, and their sums added in order.
    let rows: Vec<E> =
        x.par_chunks(inner.max(1)).with_min_len((GRAIN / inner.max(1)).max(1)).map(row_sum).collect();
    sum_rows(rows.chunks(kept.max(1)).take(outer), kept)
}

/// The sum of rows of `n` elements, in double precision.
fn sum_rows<'x, E: Element>(rows: impl Iterator<Item = &'x [E]>, n: usize) -> Vec<E> {
    let mut sums = vec![0.0; n];
    for row in rows {
        sums.iter_mut().zip(row).for_each(|(s, v)| *s += v.wide());
    }
    sums.into_iter().map(E::of).collect()
}

fn spread_blocks<E: Element>(dy: &[E], dx: &mut [E], [_, kept, inner]: [usize; 3], scale: E) {
    if inner == 0 || kept == 0 {
        return;
    }
    let rows = dx.par_chunks_exact_mut(inner).with_min_len((GRAIN / inner).max(1)).enumerate();
    rows.for_each(|(i, row)| {
        let g = dy[i % kept] * scale;
        row.iter_mut().for_each(|v| *v += g);
    });
}

fn sum_places<E: Element>(x: &[E], targets: &[usize], n: usize) -> Vec<E> {
    let mut sums = vec![0.0; n];
    x.iter().zip(targets).for_each(|(v, t)| sums[*t] += v.wide());
    sums.into_iter().map(E::of).collect()
}

/// Largest or smallest element over axes. dfdx gives the whole gradient to every one of equal elements; here the first has it.
pub(crate) fn extreme<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    axes: &Axes<'_>,
    better: fn(E, E) -> bool,
) -> Float<E, D> {
    let shape = axes.result(&x.shape);
    let (source, targets) = (x.read(), axes.targets(&x.shape));
    let mut winners: Vec<Option<usize>> = vec![None; shape.iter().product()];
    for (i, target) in targets.iter().enumerate() {
        let wins = winners[*target].is_none_or(|w| better(source[i], source[w]));
        if wins {
            winners[*target] = Some(i);
        }
    }
    // An empty maximum is the one that everything is better than.
    let empty = if better(E::of(1.0), E::of(0.0)) { f64::NEG_INFINITY } else { f64::INFINITY };
    let values = winners.iter().map(|w| w.map_or(E::of(empty), |w| source[w])).collect();
    r.custom(&[x], values, shape, move |dy, dx| {
        for (g, winner) in dy.iter().zip(&winners) {
            if let Some(winner) = winner {
                dx[0][*winner] += *g;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sums_keep_their_digits() {
        let n = 1 << 22;
        let x = vec![0.1_f32; n];
        let targets = vec![0; n];
        for (sum, count) in [
            (sum_blocks(&x, [1, 1, n])[0], n),
            (sum_blocks(&x, [n / 2, 2, 1])[0], n / 2),
            (sum_blocks(&x, [n / 4, 2, 2])[0], n / 2),
            (sum_places(&x, &targets, 1)[0], n),
        ] {
            let want = 0.1_f32 * count as f32;
            assert!((sum - want).abs() < 1e-6 * want, "{sum}, not {want}");
        }
    }
}
