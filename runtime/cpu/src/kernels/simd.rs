//! Vectors of 16 floats, in the registers of the machine.
//!
//! A [`Task`] is written once for any [`Simd`], and [`run`] compiles it for each set of instructions. Values of the sets' types exist only
//! where [`isa`] found their instructions, so that using them is safe; `unsafe` says just that, and that places were compared with the
//! length of what is read.

use super::micro::{self, COLUMNS, Left};
use super::vector::{Isa, isa};
use crate::workers::each_with;

/// Floats of a vector.
pub(crate) const LANES: usize = 16;

/// Places whose sums [`Simd::products`] adds up at a time.
pub(crate) const PLACES: usize = 9;

/// A set of instructions.
pub(crate) trait Simd: Copy + Send + Sync {
    /// 16 floats.
    type V: Copy;
    /// Sums that are kept in registers at a time, with room for what is added.
    const SUMS: usize;

    fn splat(self, x: f32) -> Self::V;
    fn load(self, from: &[f32; LANES]) -> Self::V;
    fn store(self, v: Self::V, to: &mut [f32; LANES]);
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`; whether it is rounded once or twice is the set's.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// In each lane the larger of two numbers, the first one of equal ones, NaN before any number; and which of two others goes with it.
    fn larger(self, best: [Self::V; 2], other: [Self::V; 2]) -> [Self::V; 2];
    /// Makes columns of 16 vectors vectors.
    fn transpose(self, rows: &mut [Self::V; LANES]);
    /// Lanes that a mask names, and of `outside` the others.
    ///
    /// # Safety
    /// What the mask names can be read; the rest need not be there.
    unsafe fn load_masked(self, from: *const f32, mask: u16, outside: Self::V) -> Self::V;
    /// `c = a b`, or `c + a b`, for rows of one or two vectors: see [`micro::strided`].
    fn product<const W: usize>(self, a: Left<'_>, b: &[f32], c: &mut [[f32; W]], add: bool);
    /// Adds outer products to sums: see [`outer`].
    fn outer(
        self,
        x: &[f32],
        places: &[usize; PLACES],
        windows: &[usize],
        gradient: [&[f32]; 2],
        sums: [&mut [f32]; 2],
    );
    /// Sums of products for 9 places: see [`products`].
    fn products(
        self,
        x: &[f32],
        places: &[usize; PLACES],
        terms: &[usize],
        right: [&[f32]; 2],
        put: impl FnMut(usize, usize, Self::V),
    );

    /// Has floats brought into the second cache that are read soon; nothing where there is no way to say so.
    #[inline(always)]
    fn fetch(self, from: &[f32]) {
        let _: &[f32] = from;
    }

    /// The first floats of a vector; the others are 0.
    #[inline(always)]
    fn load_some(self, from: &[f32]) -> Self::V {
        if let Some(from) = from.first_chunk() {
            return self.load(from);
        }
        let mut lanes = [0.0; LANES];
        lanes[..from.len()].copy_from_slice(from);
        self.load(&lanes)
    }

    /// Writes as many floats as there is room for.
    #[inline(always)]
    fn store_some(self, v: Self::V, to: &mut [f32]) {
        if let Some(to) = to.first_chunk_mut() {
            return self.store(v, to);
        }
        let mut lanes = [0.0; LANES];
        self.store(v, &mut lanes);
        let len = to.len();
        to.copy_from_slice(&lanes[..len]);
    }
}

/// Something to be done with vectors.
pub(crate) trait Task {
    /// Does it.
    fn run<S: Simd>(self, simd: S);
}

/// Does a task with the best instructions of the machine.
#[inline]
pub(crate) fn run(task: impl Task) {
    #[cfg(target_arch = "x86_64")]
    match isa() {
        // Each is called only where its instructions were found.
        Isa::Avx512 => return unsafe { x86::run_avx512(task) },
        Isa::Avx2 => return unsafe { x86::run_avx2(task) },
        Isa::Baseline => {}
    }
    let _: Isa = isa();
    task.run(Plain);
}

/// Work that is cut into numbered parts, each for one core.
pub(crate) trait Parts: Sync {
    /// Memory of one core, used for one part after the other.
    type Memory;
    /// Makes it.
    fn memory(&self) -> Self::Memory;
    /// Does one part.
    fn part<S: Simd>(&self, simd: S, number: usize, memory: &mut Self::Memory);
}

/// Does the first `count` parts on all cores.
pub(crate) fn in_parts<P: Parts>(count: usize, parts: &P) {
    struct One<'a, P: Parts>(&'a P, usize, &'a mut P::Memory);
    impl<P: Parts> Task for One<'_, P> {
        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            self.0.part(simd, self.1, self.2);
        }
    }
    let one = |memory: &mut P::Memory, number| run(One(parts, number, memory));
    each_with(count, || parts.memory(), one);
}

/// Turns 16 rows of `from` that lie `apart` into columns: `to[16 * i + r]` is place `i` of row `r`. Rows from `rows` on are 0.
#[inline(always)]
pub(crate) fn columns<S: Simd>(simd: S, from: &[f32], apart: usize, rows: usize, len: usize, to: &mut [f32]) {
    let zero = simd.splat(0.0);
    let (to, _) = to.as_chunks_mut::<LANES>();
    for (start, to) in (0..len).step_by(LANES).zip(to[..len].chunks_mut(LANES)) {
        let from = &from[start..];
        let mut block = [zero; LANES];
        // Whole squares are loops of known length: they stay in registers.
        match to.first_chunk_mut::<LANES>() {
            Some(to) if rows == LANES => {
                for (row, block) in block.iter_mut().enumerate() {
                    *block = simd.load_some(&from[row * apart..][..LANES]);
                }
                simd.transpose(&mut block);
                for place in 0..LANES {
                    simd.store(block[place], &mut to[place]);
                }
            }
            _ => {
                for (row, block) in block.iter_mut().enumerate().take(rows) {
                    *block = simd.load_some(&from[row * apart..][..to.len()]);
                }
                simd.transpose(&mut block);
                to.iter_mut().zip(&block).for_each(|(to, v)| simd.store(*v, to));
            }
        }
    }
}

/// Adds to the sums of each tap, a vector of each half of `sums`, what the tap covers in some windows times their gradient, of which there
/// is a vector for each window and half. Taps and windows are places in `x` and distances from those. In parts of `R` taps and `N` vectors,
/// each added up by itself before it is added.
#[inline(always)]
fn outer<S: Simd, const R: usize, const N: usize>(
    simd: S,
    x: &[f32],
    places: &[usize; PLACES],
    windows: &[usize],
    gradient: [&[f32]; 2],
    [low, high]: [&mut [f32]; 2],
) {
    let most = |places: &[usize]| places.iter().fold(0, |most: usize, place| most.max(*place));
    assert!(most(places) + most(windows) < x.len(), "all taps are there");
    assert!(gradient.iter().all(|half| half.len() >= windows.len() * LANES), "windows have vectors");
    let (places, _) = places.as_chunks::<R>();
    let mut sums = [low.as_chunks_mut::<LANES>().0, high.as_chunks_mut::<LANES>().0];
    for (part, places) in places.iter().enumerate() {
        for (number, sums) in sums.chunks_exact_mut(N).enumerate() {
            let left = number * N;
            let mut own = [[simd.splat(0.0); N]; R];
            for (number, window) in windows.iter().enumerate() {
                let mut right = [simd.splat(0.0); N];
                for (n, right) in right.iter_mut().enumerate() {
                    // In bounds: there is a vector for each window.
                    let from =
                        unsafe { gradient[left + n].as_ptr().add(number * LANES).cast::<[f32; LANES]>() };
                    *right = simd.load(unsafe { &*from });
                }
                for (place, own) in places.iter().zip(&mut own) {
                    // In bounds: the last place was compared.
                    let x = simd.splat(unsafe { *x.get_unchecked(place + window) });
                    for n in 0..N {
                        own[n] = simd.mul_add(x, right[n], own[n]);
                    }
                }
            }
            for (n, sums) in sums.iter_mut().enumerate() {
                for (sum, own) in sums[part * R..].iter_mut().zip(&own) {
                    simd.store(simd.add(simd.load(sum), own[n]), sum);
                }
            }
        }
    }
}

/// For each of some places in `x` the sum over terms of what lies the term's distance behind the place, times the term's vector: a vector of
/// each half of `right`. `put` is given a place, a half, and the sum. In parts of `R` places and `N` halves.
#[inline(always)]
fn products<S: Simd, const R: usize, const N: usize>(
    simd: S,
    x: &[f32],
    places: &[usize; PLACES],
    terms: &[usize],
    right: [&[f32]; 2],
    mut put: impl FnMut(usize, usize, S::V),
) {
    let most = |places: &[usize]| places.iter().fold(0, |most: usize, place| most.max(*place));
    assert!(most(places) + most(terms) < x.len(), "all terms are there");
    assert!(right.iter().all(|right| right.len() >= terms.len() * LANES), "terms have vectors");
    let (parts, _) = places.as_chunks::<R>();
    for (part, places) in parts.iter().enumerate() {
        for first in (0..right.len()).step_by(N) {
            let mut sums = [[simd.splat(0.0); N]; R];
            for (number, term) in terms.iter().enumerate() {
                let mut vectors = [simd.splat(0.0); N];
                for (n, vector) in vectors.iter_mut().enumerate() {
                    // In bounds: there is a vector for each term.
                    let from =
                        unsafe { right[first + n].as_ptr().add(number * LANES).cast::<[f32; LANES]>() };
                    *vector = simd.load(unsafe { &*from });
                }
                for (place, sums) in places.iter().zip(&mut sums) {
                    // In bounds: the last place was compared.
                    let x = simd.splat(unsafe { *x.get_unchecked(place + term) });
                    for (sum, vector) in sums.iter_mut().zip(&vectors) {
                        *sum = simd.mul_add(x, *vector, *sum);
                    }
                }
            }
            for (place, sums) in sums.iter().enumerate() {
                for (n, sum) in sums.iter().enumerate() {
                    put(part * R + place, first + n, *sum);
                }
            }
        }
    }
}

/// Turns vectors into rows: the opposite of [`columns`]. `put` is given the number of a row, where a piece of it begins, the length of the
/// piece, and the piece.
#[inline(always)]
pub(crate) fn rows<S: Simd>(
    simd: S,
    from: &[f32],
    rows: usize,
    mut put: impl FnMut(usize, usize, usize, S::V),
) {
    let zero = simd.splat(0.0);
    let (from, _) = from.as_chunks::<LANES>();
    for (number, from) in from.chunks(LANES).enumerate() {
        let (start, mut block) = (number * LANES, [zero; LANES]);
        match from.first_chunk::<LANES>() {
            Some(from) if rows == LANES => {
                for place in 0..LANES {
                    block[place] = simd.load(&from[place]);
                }
                simd.transpose(&mut block);
                for (row, v) in block.iter().enumerate() {
                    put(row, start, LANES, *v);
                }
            }
            _ => {
                block.iter_mut().zip(from).for_each(|(v, from)| *v = simd.load(from));
                simd.transpose(&mut block);
                block.iter().enumerate().take(rows).for_each(|(row, v)| put(row, start, from.len(), *v));
            }
        }
    }
}

/// Without any particular instructions.
#[derive(Clone, Copy)]
pub(crate) struct Plain;

impl Simd for Plain {
    type V = [f32; LANES];
    const SUMS: usize = 3;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        [x; LANES]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::V {
        *from
    }

    #[inline(always)]
    fn store(self, v: Self::V, to: &mut [f32; LANES]) {
        *to = v;
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn larger(self, best: [Self::V; 2], other: [Self::V; 2]) -> [Self::V; 2] {
        let above = |i: usize| other[0][i] > best[0][i] || other[0][i].is_nan() && !best[0][i].is_nan();
        [0, 1].map(|of| std::array::from_fn(|i| if above(i) { other[of][i] } else { best[of][i] }))
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] - b[i])
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    unsafe fn load_masked(self, from: *const f32, mask: u16, outside: Self::V) -> Self::V {
        let lane = |i: usize| match mask >> i & 1 {
            1 => unsafe { from.wrapping_add(i).read() },
            _ => outside[i],
        };
        std::array::from_fn(lane)
    }

    #[inline(always)]
    fn transpose(self, rows: &mut [Self::V; LANES]) {
        *rows = std::array::from_fn(|i| std::array::from_fn(|j| rows[j][i]));
    }

    #[inline(always)]
    fn product<const W: usize>(self, a: Left<'_>, b: &[f32], c: &mut [[f32; W]], add: bool) {
        micro::strided::<_, 4, 1, W>(self, a, b, c, add);
    }

    #[inline(always)]
    fn outer(
        self,
        x: &[f32],
        places: &[usize; PLACES],
        windows: &[usize],
        gradient: [&[f32]; 2],
        sums: [&mut [f32]; 2],
    ) {
        outer::<_, 3, 1>(self, x, places, windows, gradient, sums);
    }

    #[inline(always)]
    fn products(
        self,
        x: &[f32],
        places: &[usize; PLACES],
        terms: &[usize],
        right: [&[f32]; 2],
        put: impl FnMut(usize, usize, Self::V),
    ) {
        products::<_, 3, 1>(self, x, places, terms, right, put);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{COLUMNS, LANES, Left, PLACES, Simd, Task, micro};

    /// AVX-512.
    #[derive(Clone, Copy)]
    struct Avx512(());

    /// AVX2 and FMA.
    #[derive(Clone, Copy)]
    struct Avx2(());

    /// Floats of a cache line.
    const LINE: usize = 16;

    /// Has the lines of some floats brought into the second cache.
    #[inline(always)]
    fn fetch(from: &[f32]) {
        for line in from.chunks(LINE) {
            // No more than a hint, whatever the address is.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast()) };
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub(super) fn run_avx512(task: impl Task) {
        task.run(Avx512(()));
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn run_avx2(task: impl Task) {
        task.run(Avx2(()));
    }

    impl Simd for Avx512 {
        type V = __m512;
        const SUMS: usize = 24;

        #[inline(always)]
        fn fetch(self, from: &[f32]) {
            fetch(from);
        }

        #[inline(always)]
        fn splat(self, x: f32) -> __m512 {
            unsafe { _mm512_set1_ps(x) }
        }

        #[inline(always)]
        fn load(self, from: &[f32; LANES]) -> __m512 {
            unsafe { _mm512_loadu_ps(from.as_ptr()) }
        }

        #[inline(always)]
        fn store(self, v: __m512, to: &mut [f32; LANES]) {
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), v) }
        }

        #[inline(always)]
        fn load_some(self, from: &[f32]) -> __m512 {
            let mask = u16::MAX.checked_shr(16u32.saturating_sub(from.len() as u32)).unwrap_or(0);
            unsafe { _mm512_maskz_loadu_ps(mask, from.as_ptr()) }
        }

        #[inline(always)]
        fn store_some(self, v: __m512, to: &mut [f32]) {
            let mask = u16::MAX.checked_shr(16u32.saturating_sub(to.len() as u32)).unwrap_or(0);
            unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), mask, v) }
        }

        #[inline(always)]
        fn add(self, a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_add_ps(a, b) }
        }

        #[inline(always)]
        fn larger(self, best: [__m512; 2], other: [__m512; 2]) -> [__m512; 2] {
            unsafe {
                let (number, nan) = (
                    _mm512_cmp_ps_mask::<_CMP_ORD_Q>(best[0], best[0]),
                    _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(other[0], other[0]),
                );
                let above = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(other[0], best[0]) | number & nan;
                [0, 1].map(|of| _mm512_mask_blend_ps(above, best[of], other[of]))
            }
        }

        #[inline(always)]
        fn sub(self, a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_sub_ps(a, b) }
        }

        #[inline(always)]
        fn mul(self, a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_mul_ps(a, b) }
        }

        #[inline(always)]
        fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }

        #[inline(always)]
        unsafe fn load_masked(self, from: *const f32, mask: u16, outside: __m512) -> __m512 {
            unsafe { _mm512_mask_loadu_ps(outside, mask, from) }
        }

        #[inline(always)]
        fn transpose(self, r: &mut [__m512; LANES]) {
            // Quarter `q` of vector `4 * g + j` is column `4 * q + j` of rows `4 * g..4 * g + 4`.
            let mut fours = [self.splat(0.0); LANES];
            for g in [0, 4, 8, 12] {
                for j in 0..2 {
                    unsafe {
                        let (a, b) = match j {
                            0 => (_mm512_unpacklo_ps(r[g], r[g + 1]), _mm512_unpacklo_ps(r[g + 2], r[g + 3])),
                            _ => (_mm512_unpackhi_ps(r[g], r[g + 1]), _mm512_unpackhi_ps(r[g + 2], r[g + 3])),
                        };
                        let (a, b) = (_mm512_castps_pd(a), _mm512_castps_pd(b));
                        fours[g + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
                        fours[g + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
                    }
                }
            }
            for j in 0..4 {
                unsafe {
                    let even = _mm512_shuffle_f32x4::<0x88>(fours[j], fours[4 + j]);
                    let odd = _mm512_shuffle_f32x4::<0xDD>(fours[j], fours[4 + j]);
                    let even_below = _mm512_shuffle_f32x4::<0x88>(fours[8 + j], fours[12 + j]);
                    let odd_below = _mm512_shuffle_f32x4::<0xDD>(fours[8 + j], fours[12 + j]);
                    r[j] = _mm512_shuffle_f32x4::<0x88>(even, even_below);
                    r[4 + j] = _mm512_shuffle_f32x4::<0x88>(odd, odd_below);
                    r[8 + j] = _mm512_shuffle_f32x4::<0xDD>(even, even_below);
                    r[12 + j] = _mm512_shuffle_f32x4::<0xDD>(odd, odd_below);
                }
            }
        }

        #[inline(always)]
        fn product<const W: usize>(self, a: Left<'_>, b: &[f32], c: &mut [[f32; W]], add: bool) {
            match W {
                COLUMNS => micro::strided::<_, 8, 2, W>(self, a, b, c, add),
                _ => micro::strided::<_, 8, 1, W>(self, a, b, c, add),
            }
        }

        #[inline(always)]
        fn outer(
            self,
            x: &[f32],
            places: &[usize; PLACES],
            windows: &[usize],
            gradient: [&[f32]; 2],
            sums: [&mut [f32]; 2],
        ) {
            super::outer::<_, 9, 2>(self, x, places, windows, gradient, sums);
        }

        #[inline(always)]
        fn products(
            self,
            x: &[f32],
            places: &[usize; PLACES],
            terms: &[usize],
            right: [&[f32]; 2],
            put: impl FnMut(usize, usize, Self::V),
        ) {
            super::products::<_, 9, 2>(self, x, places, terms, right, put);
        }
    }

    impl Simd for Avx2 {
        type V = [__m256; 2];
        const SUMS: usize = 6;

        #[inline(always)]
        fn fetch(self, from: &[f32]) {
            fetch(from);
        }

        #[inline(always)]
        fn splat(self, x: f32) -> [__m256; 2] {
            unsafe { [_mm256_set1_ps(x); 2] }
        }

        #[inline(always)]
        fn load(self, from: &[f32; LANES]) -> [__m256; 2] {
            unsafe { [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from[8..].as_ptr())] }
        }

        #[inline(always)]
        fn store(self, v: [__m256; 2], to: &mut [f32; LANES]) {
            unsafe {
                _mm256_storeu_ps(to.as_mut_ptr(), v[0]);
                _mm256_storeu_ps(to[8..].as_mut_ptr(), v[1]);
            }
        }

        #[inline(always)]
        fn add(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
            unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
        }

        #[inline(always)]
        fn larger(self, best: [[__m256; 2]; 2], other: [[__m256; 2]; 2]) -> [[__m256; 2]; 2] {
            let mut larger = best;
            for half in 0..2 {
                let (known, x) = (best[0][half], other[0][half]);
                unsafe {
                    let nan = _mm256_and_ps(
                        _mm256_cmp_ps::<_CMP_ORD_Q>(known, known),
                        _mm256_cmp_ps::<_CMP_UNORD_Q>(x, x),
                    );
                    let above = _mm256_or_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(x, known), nan);
                    for of in 0..2 {
                        larger[of][half] = _mm256_blendv_ps(best[of][half], other[of][half], above);
                    }
                }
            }
            larger
        }

        #[inline(always)]
        fn sub(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
            unsafe { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
        }

        #[inline(always)]
        fn mul(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
            unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
        }

        #[inline(always)]
        fn mul_add(self, a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] {
            unsafe { [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])] }
        }

        #[inline(always)]
        unsafe fn load_masked(self, from: *const f32, mask: u16, outside: [__m256; 2]) -> [__m256; 2] {
            unsafe {
                let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
                [0, 1].map(
                    #[inline(always)]
                    |half: usize| {
                        let own = _mm256_set1_epi32(i32::from(mask >> (8 * half) & 0xFF));
                        let own = _mm256_cmpeq_epi32(_mm256_and_si256(own, bits), bits);
                        let found = _mm256_maskload_ps(from.wrapping_add(8 * half), own);
                        _mm256_blendv_ps(outside[half], found, _mm256_castsi256_ps(own))
                    },
                )
            }
        }

        #[inline(always)]
        fn transpose(self, rows: &mut [[__m256; 2]; LANES]) {
            let mut turned = [self.splat(0.0); LANES];
            for (top, left) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let mut square = [unsafe { _mm256_setzero_ps() }; 8];
                for i in 0..8 {
                    square[i] = rows[top * 8 + i][left];
                }
                turn_square(&mut square);
                for i in 0..8 {
                    turned[left * 8 + i][top] = square[i];
                }
            }
            *rows = turned;
        }

        #[inline(always)]
        fn product<const W: usize>(self, a: Left<'_>, b: &[f32], c: &mut [[f32; W]], add: bool) {
            micro::strided::<_, 4, 1, W>(self, a, b, c, add);
        }

        #[inline(always)]
        fn outer(
            self,
            x: &[f32],
            places: &[usize; PLACES],
            windows: &[usize],
            gradient: [&[f32]; 2],
            sums: [&mut [f32]; 2],
        ) {
            super::outer::<_, 3, 1>(self, x, places, windows, gradient, sums);
        }

        #[inline(always)]
        fn products(
            self,
            x: &[f32],
            places: &[usize; PLACES],
            terms: &[usize],
            right: [&[f32]; 2],
            put: impl FnMut(usize, usize, Self::V),
        ) {
            super::products::<_, 3, 1>(self, x, places, terms, right, put);
        }
    }

    /// Columns of 8 vectors of 8 floats; for [`Avx2`] only.
    #[inline(always)]
    fn turn_square(r: &mut [__m256; 8]) {
        let mut fours = [unsafe { _mm256_setzero_ps() }; 8];
        for g in [0, 4] {
            for j in 0..2 {
                unsafe {
                    let (a, b) = match j {
                        0 => (_mm256_unpacklo_ps(r[g], r[g + 1]), _mm256_unpacklo_ps(r[g + 2], r[g + 3])),
                        _ => (_mm256_unpackhi_ps(r[g], r[g + 1]), _mm256_unpackhi_ps(r[g + 2], r[g + 3])),
                    };
                    fours[g + 2 * j] = _mm256_shuffle_ps::<0x44>(a, b);
                    fours[g + 2 * j + 1] = _mm256_shuffle_ps::<0xEE>(a, b);
                }
            }
        }
        for j in 0..4 {
            unsafe {
                r[j] = _mm256_permute2f128_ps::<0x20>(fours[j], fours[4 + j]);
                r[4 + j] = _mm256_permute2f128_ps::<0x31>(fours[j], fours[4 + j]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::Mode;

    struct Turn<'a> {
        from: &'a [f32],
        rows: usize,
        len: usize,
        to: &'a mut [f32],
        back: &'a mut [f32],
    }

    impl Task for Turn<'_> {
        fn run<S: Simd>(self, simd: S) {
            columns(simd, self.from, self.len, self.rows, self.len, self.to);
            let (to, back, len) = (&*self.to, self.back, self.len);
            rows(simd, to, self.rows, |row, at, count, v| {
                simd.store_some(v, &mut back[row * len + at..][..count]);
            });
        }
    }

    #[test]
    fn rows_become_columns_and_rows_again() {
        for isa in [Isa::Baseline, Isa::Avx2, Isa::Avx512] {
            for (count, len) in [(16, 16), (16, 1), (16, 40), (5, 17), (1, 9), (16, 33)] {
                let from: Vec<f32> = (0..count * len).map(|i| i as f32 + 1.0).collect();
                let (mut to, mut back) = (vec![-1.0; len * LANES], vec![0.0; count * len]);
                let turn = Turn { from: &from, rows: count, len, to: &mut to, back: &mut back };
                Mode::only(isa).within(|| run(turn));
                for (place, lanes) in to.chunks_exact(LANES).enumerate() {
                    for (row, x) in lanes.iter().enumerate() {
                        let known = if row < count { from[row * len + place] } else { 0.0 };
                        assert_eq!(*x, known, "{isa:?}, {count} rows of {len}: place {place} of row {row}");
                    }
                }
                assert_eq!(back, from, "{isa:?}, {count} rows of {len}");
            }
        }
    }
}
