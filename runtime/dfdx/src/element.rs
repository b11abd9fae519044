//! The element types that floats are computed in.

use dfdx::prelude::Dtype;

/// A matrix in memory: its start and the distances between rows and between columns.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<P> {
    pub(crate) start: P,
    pub(crate) row: usize,
    pub(crate) column: usize,
}

/// `f32` or `f64`, with everything that dfdx's CPU device and this crate's kernels need.
pub(crate) trait Element:
    Dtype + PartialOrd + std::iter::Sum + std::ops::Neg<Output = Self> + vspec_cpu::Element
{
    fn powf(self, exponent: Self) -> Self;
    fn ln(self) -> Self;
    fn atan2(self, abscissa: Self) -> Self;
    /// `c += a b` for an `m` by `k` and a `k` by `n` matrix, or `c = a b` when not `accumulate`, on the calling thread.
    ///
    /// # Safety
    /// All three matrices lie within memory that is valid for their sizes, and `c` overlaps neither `a` nor `b`.
    unsafe fn gemm(
        size: [usize; 3],
        a: Matrix<*const Self>,
        b: Matrix<*const Self>,
        c: Matrix<*mut Self>,
        accumulate: bool,
    );
}

macro_rules! element {
    ($t:ty) => {
        impl Element for $t {
            fn powf(self, exponent: Self) -> Self {
                self.powf(exponent)
            }
            fn ln(self) -> Self {
                self.ln()
            }
            fn atan2(self, abscissa: Self) -> Self {
                self.atan2(abscissa)
            }
            unsafe fn gemm(
                [m, k, n]: [usize; 3],
                a: Matrix<*const Self>,
                b: Matrix<*const Self>,
                c: Matrix<*mut Self>,
                accumulate: bool,
            ) {
                let keep = if accumulate { 1.0 } else { 0.0 };
                // SAFETY: the caller's promise is the promise that `gemm` asks for.
                unsafe {
                    gemm::gemm(
                        m,
                        n,
                        k,
                        c.start,
                        c.column as isize,
                        c.row as isize,
                        accumulate,
                        a.start,
                        a.column as isize,
                        a.row as isize,
                        b.start,
                        b.column as isize,
                        b.row as isize,
                        keep,
                        1.0,
                        false,
                        false,
                        false,
                        gemm::Parallelism::None,
                    );
                }
            }
        }
    };
}

element!(f32);
element!(f64);

/// Whether `a` and not `b` is the maximum of both: NaN is, as in the reference, so that a broken value is seen at the end.
pub(crate) fn above<E: Element>(a: E, b: E) -> bool {
    a > b || (a.is_nan() && !b.is_nan())
}

/// The same for minima.
pub(crate) fn below<E: Element>(a: E, b: E) -> bool {
    a < b || (a.is_nan() && !b.is_nan())
}
