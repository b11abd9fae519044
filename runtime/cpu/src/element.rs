//! The type that `f32` values are computed in.

use vspec_engine::Buffer;

use crate::functions;
use crate::kernels::micro;
use crate::kernels::vector::Isa;
use crate::memory::Plain;

/// Single precision, or double precision for checking; no other type can be one, since kernels see their memory as such.
pub trait Element: Plain + Default + PartialOrd + std::fmt::Debug + 'static {
    /// The nearest value to a number.
    fn of(value: f64) -> Self;
    /// The same number in double precision.
    fn wide(self) -> f64;
    /// The same numbers as elements, where they are of this type.
    fn slice_of(values: &[f32]) -> Option<&[Self]>;
    /// Elements as floats, where they are of that type.
    fn floats(elements: &[Self]) -> Option<&[f32]>;
    /// The same, to be written.
    fn floats_mut(elements: &mut [Self]) -> Option<&mut [f32]>;
    /// Elements as the buffer of a host tensor.
    fn buffer(values: Vec<Self>) -> Buffer;
    /// A function of double precision, rounded once.
    #[inline]
    fn through(self, f: fn(f64) -> f64) -> Self {
        Self::of(f(self.wide()))
    }
    /// Whether it is not a number.
    fn is_nan(self) -> bool;
    /// `-x`
    fn neg(self) -> Self;
    /// `|x|`
    fn abs(self) -> Self;
    /// `e^x`
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn log(self) -> Self;
    /// `ln (1 + x)`
    fn log1p(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// `1 / (1 + e^-x)`
    fn sigmoid(self) -> Self;
    /// Gauss error function.
    fn erf(self) -> Self;
    /// Largest integer that is not above.
    fn floor(self) -> Self;
    /// `x^y`
    fn pow(self, y: Self) -> Self;
    /// `x + y`
    fn add(self, y: Self) -> Self;
    /// `x - y`
    fn sub(self, y: Self) -> Self;
    /// `x * y`
    fn mul(self, y: Self) -> Self;
    /// `x / y`
    fn div(self, y: Self) -> Self;
    /// The first columns of a block of a product of matrices: `c = a' b` or `c + a' b` for `a` of columns of 8 and `b` of rows of 32
    /// elements; `c` are up to 8 rows, all as long.
    fn block(isa: Isa, a: &[Self], b: &[Self], c: &mut [&mut [Self]], add: bool);
}

macro_rules! element {
    ($t:ty, $buffer:ident, $slice:expr, $slice_mut:expr, $exp:path, $log:path, $log1p:path, $tanh:path, $sigmoid:path, $erf:path, $pow:path, $block:expr) => {
        impl Element for $t {
            #[inline(always)]
            fn of(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn wide(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn slice_of(values: &[f32]) -> Option<&[Self]> {
                $slice(values)
            }
            #[inline(always)]
            fn floats(elements: &[Self]) -> Option<&[f32]> {
                $slice(elements)
            }
            #[inline(always)]
            fn floats_mut(elements: &mut [Self]) -> Option<&mut [f32]> {
                $slice_mut(elements)
            }
            #[inline(always)]
            fn buffer(values: Vec<Self>) -> Buffer {
                Buffer::$buffer(values)
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                <$t>::is_nan(self)
            }
            #[inline(always)]
            fn neg(self) -> Self {
                -self
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                $exp(self)
            }
            #[inline(always)]
            fn log(self) -> Self {
                $log(self)
            }
            #[inline(always)]
            fn log1p(self) -> Self {
                $log1p(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                $tanh(self)
            }
            #[inline(always)]
            fn sigmoid(self) -> Self {
                $sigmoid(self)
            }
            #[inline(always)]
            fn erf(self) -> Self {
                $erf(self)
            }
            #[inline(always)]
            fn floor(self) -> Self {
                <$t>::floor(self)
            }
            #[inline(always)]
            fn pow(self, y: Self) -> Self {
                $pow(self, y)
            }
            #[inline(always)]
            fn add(self, y: Self) -> Self {
                self + y
            }
            #[inline(always)]
            fn sub(self, y: Self) -> Self {
                self - y
            }
            #[inline(always)]
            fn mul(self, y: Self) -> Self {
                self * y
            }
            #[inline(always)]
            fn div(self, y: Self) -> Self {
                self / y
            }
            #[inline(always)]
            fn block(isa: Isa, a: &[Self], b: &[Self], c: &mut [&mut [Self]], add: bool) {
                $block(isa, a, b, c, add)
            }
        }
    };
}

// In single precision without branches, in double precision from a library: either way the same on every machine.
element!(
    f32,
    F32,
    Some,
    Some,
    functions::exp,
    functions::log,
    functions::log1p,
    functions::tanh,
    functions::sigmoid,
    functions::erf,
    libm::powf,
    micro::block
);
element!(
    f64,
    F64,
    |_| None,
    |_| None,
    libm::exp,
    libm::log,
    libm::log1p,
    libm::tanh,
    sigmoid,
    libm::erf,
    libm::pow,
    |_, a, b, c, add| micro::block_of(a, b, c, add)
);

/// `1 / (1 + e^-x)`; the exponential is only taken of negative numbers, so that it never overflows.
fn sigmoid(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

/// The larger one; NaN wins.
#[inline(always)]
pub(crate) fn max<T: Element>(a: T, b: T) -> T {
    // Two selections, so that the compiler makes vector instructions of it.
    let larger = if a > b { a } else { b };
    if a.is_nan() { a } else { larger }
}

/// The smaller one; NaN wins.
#[inline(always)]
pub(crate) fn min<T: Element>(a: T, b: T) -> T {
    let smaller = if a < b { a } else { b };
    if a.is_nan() { a } else { smaller }
}

/// -1, 0 or 1; NaN stays.
#[inline(always)]
pub(crate) fn sign<T: Element>(x: T) -> T {
    let zero = T::default();
    if x > zero {
        T::of(1.0)
    } else if x < zero {
        T::of(-1.0)
    } else {
        x
    }
}

/// Remainder with the sign of the divisor.
pub(crate) fn rem<T: Element>(a: T, b: T) -> T {
    let (x, y) = (a.wide(), b.wide());
    let r = libm::fmod(x, y);
    T::of(if r != 0.0 && (r < 0.0) != (y < 0.0) { r + y } else { r })
}

/// Division of integers that rounds towards minus infinity; by zero it gives 0.
pub(crate) fn floor_div(a: i32, b: i32) -> i32 {
    match b {
        0 => 0,
        _ if a.wrapping_rem(b) != 0 && (a < 0) != (b < 0) => a.wrapping_div(b) - 1,
        _ => a.wrapping_div(b),
    }
}

/// The remainder of that division.
pub(crate) fn floor_rem(a: i32, b: i32) -> i32 {
    a.wrapping_sub(b.wrapping_mul(floor_div(a, b)))
}
