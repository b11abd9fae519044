//! Functions of single precision as instructions: those of [`crate::functions`] and [`crate::element`], operation by operation, so that
//! results are the same bits.

use super::ir::{Binary, Block, Compare, Inst, Shift, Source, Unary};
use crate::functions::{ERF_FAR, ERF_NEAR, ERF_SPLIT, EXP, LN2, LOG, ROUNDER, TANH, TANH_SPLIT};

const SIGN: u32 = 0x8000_0000;

/// The larger one, or `extreme = Min` the smaller one; NaN wins.
pub(super) fn extreme(block: &mut Block, extreme: Binary, a: Source, b: Source) -> Source {
    let larger = block.binary(extreme, a, b);
    let nan = block.compare(Compare::Unordered, a, a);
    block.select(nan, a, larger)
}

pub(super) fn abs(block: &mut Block, x: Source) -> Source {
    let mask = block.bits(!SIGN);
    block.binary(Binary::And, x, mask)
}

/// The number that something is the magnitude of.
fn signed(block: &Block, x: Source) -> Option<Source> {
    let Source::Var(var) = x else { return None };
    let is_rest = |source: Source| match source {
        Source::Constant(constant) => block.constants.get(constant as usize) == Some(&!SIGN),
        Source::Var(_) | Source::Uniform(_) => false,
    };
    match block.code.get(var.index())? {
        Inst::Binary(Binary::And, a, b) if is_rest(*b) => Some(*a),
        Inst::Binary(Binary::And, a, b) if is_rest(*a) => Some(*b),
        _ => None,
    }
}

pub(super) fn neg(block: &mut Block, x: Source) -> Source {
    let mask = block.bits(SIGN);
    // What has no sign gets one: the same as what a sigmoid begins with.
    if let Some(signed) = signed(block, x) {
        return block.binary(Binary::Or, signed, mask);
    }
    block.binary(Binary::Xor, x, mask)
}

/// -1, 0 or 1; NaN stays.
pub(super) fn sign(block: &mut Block, x: Source) -> Source {
    let (zero, one, minus) = (block.float(0.0), block.float(1.0), block.float(-1.0));
    let below = block.compare(Compare::Lt, x, zero);
    let rest = block.select(below, minus, x);
    let above = block.compare(Compare::Lt, zero, x);
    block.select(above, one, rest)
}

/// The size of one with the sign of the other.
fn copysign(block: &mut Block, size: Source, sign: Source) -> Source {
    let size = abs(block, size);
    let mask = block.bits(SIGN);
    let sign = block.binary(Binary::And, sign, mask);
    block.binary(Binary::Or, size, sign)
}

/// The coefficient of the highest power comes first.
fn polynomial(block: &mut Block, x: Source, coefficients: &[f32]) -> Source {
    let mut sum = block.float(coefficients.first().copied().unwrap_or(0.0));
    for coefficient in coefficients.iter().skip(1) {
        let coefficient = block.float(*coefficient);
        let product = block.mul(sum, x);
        sum = block.add(product, coefficient);
    }
    sum
}

/// `2^n` for an integer `n` in -126..=127.
fn two_to(block: &mut Block, n: Source) -> Source {
    let bias = block.int(127);
    let biased = block.binary(Binary::AddInt, n, bias);
    block.shift(Shift::Left, biased, 23)
}

pub(super) fn exp(block: &mut Block, x: Source) -> Source {
    let (high, low) = (block.float(89.0), block.float(-104.0));
    let x = block.binary(Binary::Min, high, x);
    let x = block.binary(Binary::Max, low, x);
    let (log2e, rounder) = (block.float(std::f32::consts::LOG2_E), block.float(ROUNDER));
    let scaled = block.mul(x, log2e);
    let rounded = block.add(scaled, rounder);
    let n = block.sub(rounded, rounder);
    let (first, second) = (block.float(LN2[0]), block.float(LN2[1]));
    let part = block.mul(n, first);
    let r = block.sub(x, part);
    let part = block.mul(n, second);
    let r = block.sub(r, part);
    let p = polynomial(block, r, &EXP);
    let p = block.mul(p, r);
    let p = block.mul(p, r);
    let p = block.add(p, r);
    let one = block.float(1.0);
    let p = block.add(p, one);
    let power = block.binary(Binary::SubInt, rounded, rounder);
    let half = block.shift(Shift::Signed, power, 1);
    let rest = block.binary(Binary::SubInt, power, half);
    let (half, rest) = (two_to(block, half), two_to(block, rest));
    let p = block.mul(p, half);
    block.mul(p, rest)
}

pub(super) fn log(block: &mut Block, x: Source) -> Source {
    let (least, scale) = (block.float(f32::MIN_POSITIVE), block.float(8_388_608.0));
    let small = block.compare(Compare::Lt, x, least);
    let scaled = block.mul(x, scale);
    let bits = block.select(small, scaled, x);
    let root = block.float(std::f32::consts::FRAC_1_SQRT_2);
    let shifted = block.binary(Binary::SubInt, bits, root);
    let exponent = block.shift(Shift::Signed, shifted, 23);
    let mantissa = block.bits(0x007F_FFFF);
    let m = block.binary(Binary::And, shifted, mantissa);
    let m = block.binary(Binary::AddInt, m, root);
    let one = block.float(1.0);
    let m = block.sub(m, one);
    let (zero, lift) = (block.float(0.0), block.float(23.0));
    let lift = block.select(small, lift, zero);
    let e = block.unary(Unary::ToFloat, exponent);
    let e = block.sub(e, lift);
    let p = polynomial(block, m, &LOG);
    let result = near_one(block, m, e, p);
    limits_of_log(block, x, result)
}

/// `p m^3 + e ln 2 - m^2 / 2 + m`, small parts first.
fn near_one(block: &mut Block, m: Source, e: Source, p: Source) -> Source {
    let z = block.mul(m, m);
    let p = block.mul(p, m);
    let p = block.mul(p, z);
    let (first, second, half) = (block.float(LN2[0]), block.float(LN2[1]), block.float(0.5));
    let part = block.mul(e, second);
    let near = block.add(p, part);
    let part = block.mul(half, z);
    let near = block.sub(near, part);
    let sum = block.add(m, near);
    let part = block.mul(e, first);
    block.add(sum, part)
}

fn limits_of_log(block: &mut Block, x: Source, result: Source) -> Source {
    let zero = block.float(0.0);
    let (low, high) = (block.float(f32::NEG_INFINITY), block.float(f32::INFINITY));
    let nan = block.float(f32::NAN);
    let at_zero = block.compare(Compare::Eq, x, zero);
    let result = block.select(at_zero, low, result);
    let below = block.compare(Compare::Lt, x, zero);
    let result = block.select(below, nan, result);
    let finite = block.compare(Compare::Lt, x, high);
    block.select(finite, result, x)
}

pub(super) fn log1p(block: &mut Block, x: Source) -> Source {
    let (zero, one) = (block.float(0.0), block.float(1.0));
    let (low, high) = (block.float(f32::NEG_INFINITY), block.float(f32::INFINITY));
    let sum = block.add(one, x);
    let rest = block.sub(sum, one);
    let lost = block.sub(x, rest);
    let part = block.binary(Binary::Div, lost, sum);
    let log = log(block, sum);
    let result = block.add(log, part);
    let at_zero = block.compare(Compare::Eq, sum, zero);
    let result = block.select(at_zero, low, result);
    let small = block.compare(Compare::Eq, sum, one);
    let result = block.select(small, x, result);
    let finite = block.compare(Compare::Lt, x, high);
    block.select(finite, result, x)
}

pub(super) fn tanh(block: &mut Block, x: Source) -> Source {
    let size = abs(block, x);
    let z = block.mul(x, x);
    let p = polynomial(block, z, &TANH);
    let near = block.mul(x, z);
    let near = block.mul(near, p);
    let near = block.add(x, near);
    let (one, two) = (block.float(1.0), block.float(2.0));
    let twice = block.mul(two, size);
    let e = exp(block, twice);
    let e = block.add(e, one);
    let part = block.binary(Binary::Div, two, e);
    let far = block.sub(one, part);
    let far = copysign(block, far, x);
    let split = block.float(TANH_SPLIT);
    let small = block.compare(Compare::Lt, size, split);
    block.select(small, near, far)
}

pub(super) fn sigmoid(block: &mut Block, x: Source) -> Source {
    let (sign, zero, one) = (block.bits(SIGN), block.float(0.0), block.float(1.0));
    let below = block.binary(Binary::Or, x, sign);
    let e = exp(block, below);
    let is_above = block.compare(Compare::Ge, x, zero);
    let above = block.select(is_above, one, e);
    let sum = block.add(one, e);
    block.binary(Binary::Div, above, sum)
}

pub(super) fn erf(block: &mut Block, x: Source) -> Source {
    let size = abs(block, x);
    let z = block.mul(x, x);
    let p = polynomial(block, z, &ERF_NEAR);
    let near = block.mul(x, p);
    let near = block.add(x, near);
    let (four, one) = (block.float(4.0), block.float(1.0));
    let t = block.binary(Binary::Min, four, size);
    let q = polynomial(block, t, &ERF_FAR);
    let q = block.mul(q, t);
    let q = block.sub(q, t);
    let e = exp(block, q);
    let far = block.sub(one, e);
    let far = copysign(block, far, x);
    let split = block.float(ERF_SPLIT);
    let is_near = block.compare(Compare::Le, size, split);
    let result = block.select(is_near, near, far);
    let nan = block.compare(Compare::Unordered, x, x);
    block.select(nan, x, result)
}
