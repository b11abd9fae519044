//! The type that `f32` values are computed in.

use vspec_engine::Buffer;

use crate::kernels::micro::{self, Block, LEFT, RIGHT};
use crate::kernels::vector::Isa;

/// Single precision, or double precision for checking.
pub trait Element: Copy + Default + PartialOrd + Send + Sync + std::fmt::Debug + 'static {
    /// The nearest value to a number.
    fn of(value: f64) -> Self;
    /// The same number in double precision.
    fn wide(self) -> f64;
    /// The same numbers as elements, where they are of this type.
    fn slice_of(values: &[f32]) -> Option<&[Self]>;
    /// Elements as the buffer of a host tensor.
    fn buffer(values: Vec<Self>) -> Buffer;
    /// A function of double precision, rounded once.
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
    /// Square root.
    fn sqrt(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
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
    /// A block of a product of matrices: `c = a' b` for `a` of columns of 8 and `b` of rows of 32 elements.
    fn block(isa: Isa, a: &[Self], b: &[Self], c: &mut Block<Self>);
    /// The products of each of some rows with each of some others; all are equally long, a multiple of 16.
    fn dots(isa: Isa, a: [&[Self]; LEFT], b: [&[Self]; RIGHT]) -> [[Self; RIGHT]; LEFT];
}

macro_rules! element {
    ($t:ty, $buffer:ident, $slice:expr, $exp:path, $log:path, $tanh:path, $pow:path, $block:expr, $dots:expr) => {
        impl Element for $t {
            fn of(value: f64) -> Self {
                value as $t
            }
            fn wide(self) -> f64 {
                f64::from(self)
            }
            fn slice_of(values: &[f32]) -> Option<&[Self]> {
                $slice(values)
            }
            fn buffer(values: Vec<Self>) -> Buffer {
                Buffer::$buffer(values)
            }
            fn is_nan(self) -> bool {
                <$t>::is_nan(self)
            }
            fn neg(self) -> Self {
                -self
            }
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            fn exp(self) -> Self {
                $exp(self)
            }
            fn log(self) -> Self {
                $log(self)
            }
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            fn tanh(self) -> Self {
                $tanh(self)
            }
            fn floor(self) -> Self {
                <$t>::floor(self)
            }
            fn pow(self, y: Self) -> Self {
                $pow(self, y)
            }
            fn add(self, y: Self) -> Self {
                self + y
            }
            fn sub(self, y: Self) -> Self {
                self - y
            }
            fn mul(self, y: Self) -> Self {
                self * y
            }
            fn div(self, y: Self) -> Self {
                self / y
            }
            fn block(isa: Isa, a: &[Self], b: &[Self], c: &mut Block<Self>) {
                $block(isa, a, b, c)
            }
            fn dots(isa: Isa, a: [&[Self]; LEFT], b: [&[Self]; RIGHT]) -> [[Self; RIGHT]; LEFT] {
                $dots(isa, a, b)
            }
        }
    };
}

// From a library, so that results are the same on every machine.
element!(f32, F32, Some, libm::expf, libm::logf, libm::tanhf, libm::powf, micro::block, micro::dots);
element!(f64, F64, |_| None, libm::exp, libm::log, libm::tanh, libm::pow, |_, a, b, c| micro::block_of(a, b, c), |_, a, b| micro::dots_of(a, b));

/// `1 / (1 + e^-x)`; the exponential is only taken of negative numbers, so that it never overflows.
pub(crate) fn sigmoid<T: Element>(x: T) -> T {
    let one = T::of(1.0);
    let e = x.abs().neg().exp();
    if x >= T::default() { one.div(one.add(e)) } else { e.div(one.add(e)) }
}

/// The larger one; NaN wins.
pub(crate) fn max<T: Element>(a: T, b: T) -> T {
    if a.is_nan() || a > b { a } else { b }
}

/// The smaller one; NaN wins.
pub(crate) fn min<T: Element>(a: T, b: T) -> T {
    if a.is_nan() || a < b { a } else { b }
}

/// -1, 0 or 1; NaN stays.
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
