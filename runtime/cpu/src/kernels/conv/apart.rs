//! Windows of one element that move by more than 1.
//!
//! The elements that they cover are taken out of images, or put back between zeros. What is left is a convolution whose windows are the
//! elements, for which there are faster ways.

use super::unravel;
use crate::element::Element;
use crate::kernels::deal::every;
use crate::kernels::scratch::Scratch;
use crate::kernels::window::Moves;
use crate::workers::pieces;

/// Such windows over planes.
pub(super) struct Apart {
    /// Where each row of windows begins.
    rows: Vec<usize>,
    /// How far windows of a row are apart, and how many they are.
    step: usize,
    count: usize,
    /// Elements of a plane.
    plane: usize,
    /// Moves of the windows over what was taken out.
    ones: Vec<i64>,
    none: Vec<[i64; 2]>,
}

impl Apart {
    /// Of shapes `[N, C, ..]`, `[O, C / groups, ..]` and `[N, O, ..]`, if those are the windows.
    pub(super) fn new([x, w, y]: [&[usize]; 3], moves: &Moves<'_>) -> Option<Self> {
        let apart = moves.stride.iter().any(|stride| *stride > 1);
        let plain = w[2..].iter().all(|taps| *taps == 1) && moves.padding.iter().all(|pad| *pad == [0, 0]);
        let (size, count) = (&x[2..], &y[2..]);
        let last = size.len().checked_sub(1).filter(|_| apart && plain)?;
        let mut at = vec![0; last];
        let start = |row: usize| {
            unravel(row, &count[..last], &mut at);
            let place = at.iter().enumerate();
            place.fold(0, |flat, (axis, at)| (flat + at * moves.stride(axis)) * size[axis + 1])
        };
        Some(Apart {
            rows: (0..count[..last].iter().product()).map(start).collect(),
            step: moves.stride(last),
            count: count[last],
            plane: size.iter().product(),
            ones: vec![1; size.len()],
            none: vec![[0, 0]; size.len()],
        })
    }

    /// How windows move over what was taken out.
    pub(super) fn moves(&self) -> Moves<'_> {
        Moves { stride: &self.ones, padding: &self.none, dilation: &self.ones }
    }

    /// What they cover in some planes.
    pub(super) fn taken<T: Element>(&self, x: &[T]) -> Scratch<T> {
        let covered = self.rows.len() * self.count;
        let mut taken = Scratch::of(x.len() / self.plane.max(1) * covered);
        pieces(&mut taken, covered, |plane, taken| {
            let x = &x[plane * self.plane..][..self.plane];
            let rows = self.rows.iter().zip(taken.chunks_exact_mut(self.count));
            rows.for_each(|(row, taken)| every(self.step, &x[*row..], taken));
        });
        taken
    }

    /// Puts what they cover back into planes of zeros.
    pub(super) fn put<T: Element>(&self, taken: &[T], x: &mut [T]) {
        let covered = self.rows.len() * self.count;
        pieces(x, self.plane, |plane, x| {
            x.fill(T::default());
            let rows = self.rows.iter().zip(taken[plane * covered..].chunks_exact(self.count));
            rows.for_each(|(row, taken)| {
                x[*row..].iter_mut().step_by(self.step).zip(taken).for_each(|(x, taken)| *x = *taken);
            });
        });
    }
}

/// A shape with the spatial sizes of another one.
pub(super) fn with_sizes(shape: &[usize], of: &[usize]) -> Vec<usize> {
    [&shape[..2], &of[2..]].concat()
}
