//! The innermost loops of products: a block of a product kept in registers.
//!
//! [`block`] adds up outer products of columns of 8 and rows of 32 elements, for operands that were copied into panels; [`strided`] does the
//! same for a left operand that lies in any order.

use super::simd::{LANES, Simd};
use super::vector::Isa;
use crate::element::Element;

/// Rows of a block.
pub(crate) const ROWS: usize = 8;
/// Columns of a block.
pub(crate) const COLUMNS: usize = 32;
/// Half of a block: what is wanted of a block that ends within it costs half as much.
const HALF: usize = COLUMNS / 2;

/// The first columns of `c = a' b`, or of `c + a' b`, for `a` of columns of [`ROWS`] and `b` of rows of [`COLUMNS`]. `c` are up to [`ROWS`]
/// rows of the same length, at most [`COLUMNS`], wherever they lie.
#[inline(always)]
pub(crate) fn block(isa: Isa, a: &[f32], b: &[f32], c: &mut [&mut [f32]], add: bool) {
    #[cfg(target_arch = "x86_64")]
    match (isa, c.first().is_none_or(|row| row.len() <= HALF)) {
        // Each is called only where its instructions were found.
        (Isa::Avx512, false) => return unsafe { x86::block_avx512::<2>(a, b, c, add) },
        (Isa::Avx512, true) => return unsafe { x86::block_avx512::<1>(a, b, c, add) },
        (Isa::Avx2, false) => return unsafe { x86::block_avx2::<2>(a, b, c, add) },
        (Isa::Avx2, true) => return unsafe { x86::block_avx2::<1>(a, b, c, add) },
        (Isa::Baseline, _) => {}
    }
    let _ = isa;
    block_of(a, b, c, add);
}

/// The same for any type.
pub(crate) fn block_of<T: Element>(a: &[T], b: &[T], c: &mut [&mut [T]], add: bool) {
    const WIDTH: usize = 8;
    let columns = c.first().map_or(0, |row| row.len());
    for from in (0..columns).step_by(WIDTH) {
        let mut sums = [[T::default(); WIDTH]; ROWS];
        for (a, b) in a.chunks_exact(ROWS).zip(b.chunks_exact(COLUMNS)) {
            let b = &b[from..from + WIDTH];
            for (sums, a) in sums.iter_mut().zip(a) {
                sums.iter_mut().zip(b).for_each(|(sum, b)| *sum = sum.add(a.mul(*b)));
            }
        }
        for (row, sums) in c.iter_mut().zip(&sums) {
            put(sums, &mut row[from..columns.min(from + WIDTH)], add);
        }
    }
}

/// Writes the first sums of a row, or adds them to what is there.
#[inline(always)]
fn put<T: Element>(sums: &[T], row: &mut [T], add: bool) {
    match add {
        false => row.copy_from_slice(&sums[..row.len()]),
        true => row.iter_mut().zip(sums).for_each(|(to, sum)| *to = to.add(*sum)),
    }
}

/// The left operand of [`strided`].
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    pub(crate) elements: &'a [f32],
    /// How far rows and terms are apart.
    pub(crate) row: usize,
    pub(crate) term: usize,
}

/// `c = a b`, or `c + a b`, for some rows of `a` and for `b` of rows of `W` elements, in parts of `R` rows and `N` vectors.
#[inline(always)]
pub(crate) fn strided<S: Simd, const R: usize, const N: usize, const W: usize>(
    simd: S,
    a: Left<'_>,
    b: &[f32],
    c: &mut [[f32; W]],
    add: bool,
) {
    let mut top = 0;
    while top < c.len() {
        let rows = (c.len() - top).min(R);
        let a = Left { elements: &a.elements[top * a.row..], ..a };
        let c = &mut c[top..top + rows];
        for left in (0..W).step_by(N * LANES) {
            match rows {
                1 => strided_part::<S, 1, N, W>(simd, a, b, c, left, add),
                2 => strided_part::<S, 2, N, W>(simd, a, b, c, left, add),
                3 => strided_part::<S, 3, N, W>(simd, a, b, c, left, add),
                4 => strided_part::<S, 4, N, W>(simd, a, b, c, left, add),
                5 => strided_part::<S, 5, N, W>(simd, a, b, c, left, add),
                6 => strided_part::<S, 6, N, W>(simd, a, b, c, left, add),
                7 => strided_part::<S, 7, N, W>(simd, a, b, c, left, add),
                _ => strided_part::<S, R, N, W>(simd, a, b, c, left, add),
            }
        }
        top += rows;
    }
}

/// `R` rows and `N` vectors from a column on.
#[inline(always)]
fn strided_part<S: Simd, const R: usize, const N: usize, const W: usize>(
    simd: S,
    a: Left<'_>,
    b: &[f32],
    c: &mut [[f32; W]],
    left: usize,
    add: bool,
) {
    let terms = b.len() / W;
    assert!(left + N * LANES <= W && c.len() >= R, "a part lies within the block");
    assert!(terms == 0 || a.elements.len() > (R - 1) * a.row + (terms - 1) * a.term, "all terms are there");
    let mut sums = [[simd.splat(0.0); N]; R];
    for k in 0..terms {
        // In bounds: `b` has `terms` rows, and `a` was compared with its last place.
        let mut right = [simd.splat(0.0); N];
        for (n, right) in right.iter_mut().enumerate() {
            let from = unsafe { b.as_ptr().add(k * W + left + n * LANES).cast::<[f32; LANES]>() };
            *right = simd.load(unsafe { &*from });
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            let x = simd.splat(unsafe { *a.elements.get_unchecked(row * a.row + k * a.term) });
            for n in 0..N {
                sums[n] = simd.mul_add(x, right[n], sums[n]);
            }
        }
    }
    for row in 0..R {
        let (c, _) = c[row][left..].as_chunks_mut::<LANES>();
        for n in 0..N {
            let sum = if add { simd.add(simd.load(&c[n]), sums[row][n]) } else { sums[row][n] };
            simd.store(sum, &mut c[n]);
        }
    }
}

/// The blocks in vector registers. `unsafe` are only loads and stores of lanes that a chunk has.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{COLUMNS, ROWS, put};

    /// `N` vectors of each row.
    #[target_feature(enable = "avx512f")]
    pub(super) fn block_avx512<const N: usize>(a: &[f32], b: &[f32], c: &mut [&mut [f32]], add: bool) {
        let mut sums = [[_mm512_setzero_ps(); N]; ROWS];
        for (a, b) in a.chunks_exact(ROWS).zip(b.chunks_exact(COLUMNS)) {
            let right: [__m512; N] =
                std::array::from_fn(|n| unsafe { _mm512_loadu_ps(b[n * 16..].as_ptr()) });
            for row in 0..ROWS {
                let x = _mm512_set1_ps(a[row]);
                for n in 0..N {
                    sums[row][n] = _mm512_fmadd_ps(x, right[n], sums[row][n]);
                }
            }
        }
        for (row, sums) in c.iter_mut().zip(sums) {
            for (to, sum) in row.chunks_mut(16).zip(sums) {
                write(sum, to, add);
            }
        }
    }

    /// Writes as many lanes as there is room for, or adds them to what is there.
    #[target_feature(enable = "avx512f")]
    fn write(mut sum: __m512, to: &mut [f32], add: bool) {
        let some = u16::MAX.checked_shr(16u32.saturating_sub(to.len() as u32)).unwrap_or(0);
        if add {
            sum = _mm512_add_ps(unsafe { _mm512_maskz_loadu_ps(some, to.as_ptr()) }, sum);
        }
        match some {
            u16::MAX => unsafe { _mm512_storeu_ps(to.as_mut_ptr(), sum) },
            _ => unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), some, sum) },
        }
    }

    /// In parts of 4 rows and 16 columns, each of which fits 16 registers; of each row `N` parts.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn block_avx2<const N: usize>(a: &[f32], b: &[f32], c: &mut [&mut [f32]], add: bool) {
        for part in 0..2 * N {
            let (top, left) = (part / N * 4, part % N * 16);
            let mut sums = [[_mm256_setzero_ps(); 2]; 4];
            for (a, b) in a.chunks_exact(ROWS).zip(b.chunks_exact(COLUMNS)) {
                let b = &b[left..left + 16];
                let (low, high) = unsafe { (_mm256_loadu_ps(b.as_ptr()), _mm256_loadu_ps(b[8..].as_ptr())) };
                for row in 0..4 {
                    let x = _mm256_set1_ps(a[top + row]);
                    sums[row][0] = _mm256_fmadd_ps(x, low, sums[row][0]);
                    sums[row][1] = _mm256_fmadd_ps(x, high, sums[row][1]);
                }
            }
            for (row, sums) in c.iter_mut().skip(top).zip(sums) {
                let mut own = [0.0; 16];
                unsafe {
                    _mm256_storeu_ps(own.as_mut_ptr(), sums[0]);
                    _mm256_storeu_ps(own[8..].as_mut_ptr(), sums[1]);
                }
                match row[left..].first_chunk_mut::<16>() {
                    Some(row) => put(&own, row, add),
                    None => put(&own, &mut row[left..], add),
                }
            }
        }
    }
}
