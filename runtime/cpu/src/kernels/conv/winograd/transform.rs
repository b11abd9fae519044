//! Transforms of rows, and of squares: each is applied to the columns and then to the rows of a square, in all lanes of vectors.

use std::marker::PhantomData;

use crate::kernels::simd::Simd;

/// A transform of rows of `I` numbers to rows of `O`.
pub(super) trait Transform<const I: usize, const O: usize>: Sync {
    fn of<S: Simd>(simd: S, row: &[S::V; I]) -> [S::V; O];
}

/// A transform of squares.
pub(super) trait Planar: Sync {
    /// Sides of a square, and of what it becomes.
    const FROM: usize;
    const TO: usize;

    /// `get` and `put` are given a row and a column.
    fn of<S: Simd>(simd: S, get: impl Fn(usize, usize) -> S::V, put: impl FnMut(usize, usize, S::V));
}

/// The transform of squares that is made of one of rows.
pub(super) struct Square<F, const I: usize, const O: usize>(PhantomData<F>);

impl<F: Transform<I, O>, const I: usize, const O: usize> Planar for Square<F, I, O> {
    const FROM: usize = I;
    const TO: usize = O;

    #[inline(always)]
    fn of<S: Simd>(simd: S, get: impl Fn(usize, usize) -> S::V, mut put: impl FnMut(usize, usize, S::V)) {
        let mut half = [[simd.splat(0.0); I]; O];
        for j in 0..I {
            let mut column = [simd.splat(0.0); I];
            for (i, v) in column.iter_mut().enumerate() {
                *v = get(i, j);
            }
            let column = F::of(simd, &column);
            half.iter_mut().zip(&column).for_each(|(half, v)| half[j] = *v);
        }
        // Arrays are not iterated by value: that copies them.
        for (i, row) in half.iter().enumerate() {
            for (j, v) in F::of(simd, row).iter().enumerate() {
                put(i, j, *v);
            }
        }
    }
}

/// `a + by * b`
#[inline(always)]
pub(super) fn plus<S: Simd>(simd: S, a: S::V, by: f32, b: S::V) -> S::V {
    simd.mul_add(simd.splat(by), b, a)
}

#[inline(always)]
pub(super) fn times<S: Simd>(simd: S, by: f32, a: S::V) -> S::V {
    simd.mul(simd.splat(by), a)
}
