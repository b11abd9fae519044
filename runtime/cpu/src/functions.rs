//! Functions of single precision without branches, which the compiler makes vector instructions of.
//!
//! Each is a range reduction and a polynomial (coefficients of `exp`, `log` and `tanh`: S. Moshier, Cephes, single precision; of `erf`:
//! N. Juffa), in single precision and without fused operations, so that results are the same on every machine and for every width of
//! vectors. The tests state how far each is from the nearest number.

/// Added and taken away again it rounds to the nearest integer.
pub(crate) const ROUNDER: f32 = 12_582_912.0;
/// `ln 2` in two parts; products of the first one with small integers are exact.
pub(crate) const LN2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// Coefficients of `(e^x - 1 - x) / x^2`, as of all polynomials here that of the highest power first.
pub(crate) const EXP: [f32; 6] =
    [1.987_569_1e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
/// Of `(ln (1 + x) - x + x^2 / 2) / x^3`.
pub(crate) const LOG: [f32; 9] = [
    7.037_683_6e-2,
    -1.151_461e-1,
    1.167_699_9e-1,
    -1.242_014_1e-1,
    1.424_932_3e-1,
    -1.666_805_8e-1,
    2.000_071_5e-1,
    -2.499_999_4e-1,
    3.333_333e-1,
];
/// Of `(tanh x - x) / x^3` in `x^2`, for sizes below [`TANH_SPLIT`].
pub(crate) const TANH: [f32; 5] =
    [-5.704_988_7e-3, 2.063_909e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1];
/// From this size on `tanh` is computed from `exp`.
pub(crate) const TANH_SPLIT: f32 = 0.625;
/// Of `erf x / x - 1` in `x^2`, for sizes up to [`ERF_SPLIT`].
pub(crate) const ERF_NEAR: [f32; 6] =
    [-5.967_617e-4, 4.991_194_2e-3, -2.676_813_5e-2, 1.128_199_25e-1, -3.761_253_4e-1, 1.283_791_7e-1];
/// Of `(ln (1 - erf x) + x) / x`, above it.
pub(crate) const ERF_FAR: [f32; 7] = [
    -1.728_534_7e-5,
    3.831_971_3e-4,
    -3.883_964_4e-3,
    2.425_462_2e-2,
    -1.067_778_8e-1,
    -6.348_467e-1,
    -1.287_175_1e-1,
];
/// Above this size `erf` is computed from `exp`.
pub(crate) const ERF_SPLIT: f32 = 0.927_734_4;

/// `e^x`
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Outside the result is infinite or 0 anyway; NaN stays.
    let high = if x > 89.0 { 89.0 } else { x };
    let x = if high < -104.0 { -104.0 } else { high };
    let rounded = x * std::f32::consts::LOG2_E + ROUNDER;
    let n = rounded - ROUNDER;
    let r = x - n * LN2[0] - n * LN2[1];
    let p = polynomial(r, EXP);
    let power = (rounded.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32);
    // In two steps, as `2^n` itself may be too large or too small.
    let half = power >> 1;
    (p * r * r + r + 1.0) * two_to(half) * two_to(power - half)
}

/// `2^n` for `n` in -126..=127.
#[inline(always)]
fn two_to(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// The coefficient of the highest power comes first.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    coefficients.into_iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// Natural logarithm.
#[inline(always)]
pub(crate) fn log(x: f32) -> f32 {
    let small = x < f32::MIN_POSITIVE;
    let bits = (if small { x * 8_388_608.0 } else { x }).to_bits();
    // The mantissa in [sqrt(1/2), sqrt(2)), and the exponent that belongs to it.
    let shifted = bits.wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits());
    let exponent = (shifted as i32) >> 23;
    let m =
        f32::from_bits((shifted & 0x007F_FFFF).wrapping_add(std::f32::consts::FRAC_1_SQRT_2.to_bits())) - 1.0;
    let e = exponent as f32 - if small { 23.0 } else { 0.0 };
    let p = polynomial(m, LOG);
    let z = m * m;
    let near = p * m * z + e * LN2[1] - 0.5 * z;
    let result = m + near + e * LN2[0];
    let result = if x == 0.0 { f32::NEG_INFINITY } else { result };
    let result = if x < 0.0 { f32::NAN } else { result };
    // Infinity and NaN stay.
    if x < f32::INFINITY { result } else { x }
}

/// `ln (1 + x)`: the logarithm of the rounded sum, and what rounding took away.
#[inline(always)]
pub(crate) fn log1p(x: f32) -> f32 {
    let sum = 1.0 + x;
    let lost = x - (sum - 1.0);
    let result = log(sum) + lost / sum;
    // Small numbers stay, infinity and NaN too, and at -1 nothing is lost.
    let result = if sum == 0.0 { f32::NEG_INFINITY } else { result };
    let result = if sum == 1.0 { x } else { result };
    if x < f32::INFINITY { result } else { x }
}

/// Hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let z = x * x;
    let p = polynomial(z, TANH);
    let near = x + x * z * p;
    let far = (1.0 - 2.0 / (exp(2.0 * size) + 1.0)).copysign(x);
    if size < TANH_SPLIT { near } else { far }
}

/// `1 / (1 + e^-x)`; the exponential is only taken of negative numbers, so that it never overflows.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    let above = if x >= 0.0 { 1.0 } else { e };
    above / (1.0 + e)
}

/// Gauss error function.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let (size, z) = (x.abs(), x * x);
    let p = polynomial(z, ERF_NEAR);
    let near = x + x * p;
    // 1 from here on.
    let t = if size > 4.0 { 4.0 } else { size };
    let q = polynomial(t, ERF_FAR);
    let far = (1.0 - exp(q * t - t)).copysign(x);
    let result = if size > ERF_SPLIT { far } else { near };
    if x.is_nan() { x } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name, a function, what it should be, and how far off it may be.
    type Known = (&'static str, fn(f32) -> f32, fn(f64) -> f64, f64);

    /// Distance from the true value in units of the last place of the nearest number, the largest one over floats of all sizes.
    fn worst(f: fn(f32) -> f32, truth: fn(f64) -> f64, over: impl Fn(f32) -> bool) -> (f64, f32) {
        let mut worst = (0.0, 0.0);
        for bits in (0..=u32::MAX).step_by(4001) {
            let x = f32::from_bits(bits);
            let want = truth(f64::from(x));
            if !over(x) || want.is_nan() {
                let same = !over(x) || f(x).is_nan();
                assert!(same, "{x} gives {}", f(x));
                continue;
            }
            let nearest = want as f32;
            if nearest.is_infinite() {
                assert_eq!(f(x), nearest, "at {x}");
                continue;
            }
            let unit = f64::from(nearest.abs().max(f32::MIN_POSITIVE).next_up())
                - f64::from(nearest.abs().max(f32::MIN_POSITIVE));
            let off = (f64::from(f(x)) - want).abs() / unit;
            if off.is_nan() || off > worst.0 {
                worst = (off, x);
            }
        }
        worst
    }

    #[test]
    fn functions_are_close_to_the_nearest_number() {
        let all = |_: f32| true;
        let sigmoid64: fn(f64) -> f64 = |x| 1.0 / (1.0 + libm::exp(-x));
        let bounds: [Known; 6] = [
            ("exp", exp, libm::exp, 1.0),
            ("log", log, libm::log, 1.0),
            ("log1p", log1p, libm::log1p, 1.5),
            ("tanh", tanh, libm::tanh, 1.5),
            ("sigmoid", sigmoid, sigmoid64, 2.5),
            ("erf", erf, libm::erf, 1.25),
        ];
        for (name, f, truth, bound) in bounds {
            let (off, at) = worst(f, truth, all);
            println!("{name}: {off:.2} ulp at {at}");
            assert!(off <= bound, "{name} is {off} ulp off at {at}");
        }
    }

    #[test]
    fn limits_are_exact() {
        assert_eq!([exp(f32::NEG_INFINITY), exp(f32::INFINITY), exp(0.0)], [0.0, f32::INFINITY, 1.0]);
        assert_eq!([log(0.0), log(f32::INFINITY), log(1.0)], [f32::NEG_INFINITY, f32::INFINITY, 0.0]);
        assert_eq!([tanh(-100.0), tanh(f32::INFINITY), sigmoid(f32::NEG_INFINITY)], [-1.0, 1.0, 0.0]);
        assert_eq!([erf(f32::INFINITY), erf(-9.0)], [1.0, -1.0]);
        assert_eq!([log1p(-1.0), log1p(f32::INFINITY)], [f32::NEG_INFINITY, f32::INFINITY]);
        assert!(log1p(-0.0).is_sign_negative() && log1p(-1.5).is_nan());
        for f in [exp, log, log1p, tanh, sigmoid, erf] {
            assert!(f(f32::NAN).is_nan());
        }
        assert!(log(-1.0).is_nan());
    }
}
