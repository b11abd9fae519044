//! Standard normal numbers by Box and Muller's transform (1958): `sqrt(-2 ln u) cos(2 pi v)` of two random words.
//!
//! Functions of `libm` branch, so that numbers come one at a time; first values of a network's weights are millions. Here nothing branches
//! and all sums have one order: loops over lanes become vectors, and every machine draws the same bits. Both factors are within four units
//! in the last place.

use std::f64::consts::{LN_2, TAU};

/// Terms of the series of the logarithm, enough where its argument lies between the roots of 1/2 and of 2.
const ODD: [f64; 11] = odd();
/// Terms of those of the cosine and of the sine divided by its argument, enough for an eighth of a turn.
const COSINE: [f64; 9] = alternating(0);
const SINE: [f64; 9] = alternating(1);
/// Where the bits of a number say that it lies above the root of 1/2.
const ROOT_OF_HALF: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
/// A turn in steps of angles that words count.
const TURN: f64 = 4_294_967_296.0;

/// A number for two words.
#[inline(always)]
pub(super) fn normal(radius_word: u32, angle_word: u32) -> f64 {
    radius(radius_word) * cosine(angle_word)
}

/// `sqrt(-2 ln u)` for `u = (word + 1) / 2^32`: 0 is not among these, so that the logarithm exists.
#[inline(always)]
fn radius(word: u32) -> f64 {
    // `2^32 u` is `2^exponent m` with `m` between the roots of 1/2 and of 2, and `ln m` is `2 artanh s`.
    let scaled = f64::from(word) + 1.0;
    let exponent = (scaled.to_bits().wrapping_sub(ROOT_OF_HALF) >> 52) as i32;
    let m = f64::from_bits(scaled.to_bits().wrapping_sub((exponent as u64) << 52));
    let s = (m - 1.0) / (m + 1.0);
    let ln = f64::from(exponent - 32) * LN_2 + 2.0 * s * series(&ODD, s * s);
    (-2.0 * ln).sqrt()
}

/// `cos(2 pi v)` for `v = word / 2^32`.
#[inline(always)]
fn cosine(word: u32) -> f64 {
    // The nearest quarter of a turn, and the angle from there.
    let quarter = word.wrapping_add(1 << 29) >> 30;
    let angle = f64::from(word.wrapping_sub(quarter << 30) as i32) * (TAU / TURN);
    let (cosine, sine) = (series(&COSINE, angle * angle), angle * series(&SINE, angle * angle));
    let size = if quarter & 1 == 0 { cosine } else { sine };
    let is_turned = (quarter + 1) & 2;
    f64::from_bits(size.to_bits() ^ (u64::from(is_turned) << 62))
}

/// A sum of powers with coefficients.
#[inline(always)]
fn series<const N: usize>(coefficients: &[f64; N], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// `1, 1/3, 1/5, ..`
const fn odd<const N: usize>() -> [f64; N] {
    let (mut terms, mut n) = ([0.0; N], 0);
    while n < N {
        terms[n] = 1.0 / (2 * n + 1) as f64;
        n += 1;
    }
    terms
}

/// `1/k!, -1/(k + 2)!, 1/(k + 4)!, ..`, for a `k` of 0 or 1.
const fn alternating<const N: usize>(k: usize) -> [f64; N] {
    let (mut terms, mut term, mut n) = ([0.0; N], 1.0, 0);
    while n < N {
        terms[n] = term;
        term /= -(((2 * n + k + 1) * (2 * n + k + 2)) as f64);
        n += 1;
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words all over the range, and those where something begins or ends.
    fn words() -> impl Iterator<Item = u32> {
        let all = (0..1u32 << 16).map(|i| i.wrapping_mul(0x9E37_79B9));
        let bounds = (0..8u32).map(|eighth| eighth << 29);
        all.chain(bounds.flat_map(|at| [at.wrapping_sub(1), at, at + 1]))
            .chain((0..32).flat_map(|bit| [(1 << bit) - 1, 1 << bit]))
    }

    #[test]
    fn factors_are_those_of_libm() {
        for word in words() {
            let u = (f64::from(word) + 1.0) / TURN;
            let (got, want) = (radius(word), libm::sqrt(-2.0 * libm::log(u)));
            assert!((got - want).abs() <= 4.0 * f64::EPSILON * want, "radius of {word}: {got}, {want}");
            let (got, want) = (cosine(word), libm::cos(TAU * f64::from(word) / TURN));
            assert!((got - want).abs() <= 4.0 * f64::EPSILON, "cosine of {word}: {got}, {want}");
        }
    }

    #[test]
    fn the_ends_are_exact() {
        assert_eq!(radius(u32::MAX), 0.0);
        assert_eq!([0, 1 << 30, 1 << 31, 3 << 30].map(cosine), [1.0, 0.0, -1.0, 0.0]);
    }
}
