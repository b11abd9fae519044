//! Functions of elements at one place.

use vspec_ir::{NodeId, Op};

use super::super::back::{Back, Built};

type Parts = Built<Vec<Option<NodeId>>>;

/// `g sign(x)`
pub(super) fn abs(b: &mut Back<'_>, x: NodeId, g: NodeId) -> Built {
    let sign = b.unary(Op::Sign {}, x)?;
    b.mul(g, sign)
}

/// `g / (1 + x)`
pub(super) fn log1p(b: &mut Back<'_>, x: NodeId, g: NodeId) -> Built {
    let one = b.number(1.0)?;
    let below = b.binary(Op::Add {}, x, one)?;
    b.div(g, below)
}

/// `g / (2 y)`
pub(super) fn sqrt(b: &mut Back<'_>, y: NodeId, g: NodeId) -> Built {
    let half = b.scaled(g, 0.5)?;
    b.div(half, y)
}

/// `g cos(x)`
pub(super) fn sin(b: &mut Back<'_>, x: NodeId, g: NodeId) -> Built {
    let cos = b.unary(Op::Cos {}, x)?;
    b.mul(g, cos)
}

/// `-g sin(x)`
pub(super) fn cos(b: &mut Back<'_>, x: NodeId, g: NodeId) -> Built {
    let sin = b.unary(Op::Sin {}, x)?;
    let product = b.mul(g, sin)?;
    b.neg(product)
}

/// `g / (1 + x^2)`
pub(super) fn atan(b: &mut Back<'_>, x: NodeId, g: NodeId) -> Built {
    let (one, square) = (b.number(1.0)?, b.mul(x, x)?);
    let below = b.binary(Op::Add {}, square, one)?;
    b.div(g, below)
}

/// `g (1 - y^2)`
pub(super) fn tanh(b: &mut Back<'_>, y: NodeId, g: NodeId) -> Built {
    let (one, square) = (b.number(1.0)?, b.mul(y, y)?);
    let slope = b.binary(Op::Sub {}, one, square)?;
    b.mul(g, slope)
}

/// `g y (1 - y)`
pub(super) fn sigmoid(b: &mut Back<'_>, y: NodeId, g: NodeId) -> Built {
    let one = b.number(1.0)?;
    let rest = b.binary(Op::Sub {}, one, y)?;
    let slope = b.mul(y, rest)?;
    b.mul(g, slope)
}

/// `g 2 / sqrt(pi) e^(-x^2)`
pub(super) fn erf(b: &mut Back<'_>, x: NodeId, g: NodeId) -> Built {
    let square = b.mul(x, x)?;
    let power = b.neg(square)?;
    let bell = b.unary(Op::Exp {}, power)?;
    let slope = b.scaled(bell, std::f64::consts::FRAC_2_SQRT_PI)?;
    b.mul(g, slope)
}

/// `g` where `x > 0`
pub(super) fn relu(b: &mut Back<'_>, x: NodeId, g: NodeId) -> Built {
    let zero = b.number(0.0)?;
    let positive = b.binary(Op::Lt {}, zero, x)?;
    b.masked(positive, g)
}

fn shaped(b: &mut Back<'_>, like: NodeId, g: NodeId) -> Built<Option<NodeId>> {
    b.unbroadcast(g, &b.shape(like)).map(Some)
}

pub(super) fn add(b: &mut Back<'_>, x: &[NodeId], g: NodeId) -> Parts {
    Ok(vec![shaped(b, x[0], g)?, shaped(b, x[1], g)?])
}

pub(super) fn sub(b: &mut Back<'_>, x: &[NodeId], g: NodeId) -> Parts {
    // The sum before the sign: it is never larger.
    let right = b.unbroadcast(g, &b.shape(x[1]))?;
    Ok(vec![shaped(b, x[0], g)?, Some(b.neg(right)?)])
}

/// `g b` and `g a`
pub(super) fn mul(b: &mut Back<'_>, x: &[NodeId], g: NodeId, wanted: &[bool]) -> Parts {
    let mut part = |i: usize| match wanted[i] {
        true => {
            let product = b.mul(g, x[1 - i])?;
            shaped(b, x[i], product)
        }
        false => Ok(None),
    };
    Ok(vec![part(0)?, part(1)?])
}

/// `g / b` and `-g y / b`
pub(super) fn div(b: &mut Back<'_>, x: &[NodeId], y: NodeId, g: NodeId, wanted: &[bool]) -> Parts {
    let share = b.div(g, x[1])?;
    let left = shaped(b, x[0], share)?;
    if !wanted[1] {
        return Ok(vec![left, None]);
    }
    let product = b.mul(share, y)?;
    let summed = b.unbroadcast(product, &b.shape(x[1]))?;
    Ok(vec![left, Some(b.neg(summed)?)])
}

/// `g` and `-g n`, where `n` is the whole number of times that `b` was taken from `a`: `y` is `a - n b`. It is read off `y`, since
/// rounding may take `a / b` over a whole number that the exact remainder has not reached.
pub(super) fn rem(b: &mut Back<'_>, x: &[NodeId], y: NodeId, g: NodeId, wanted: &[bool]) -> Parts {
    let left = shaped(b, x[0], g)?;
    if !wanted[1] {
        return Ok(vec![left, None]);
    }
    let taken = b.binary(Op::Sub {}, x[0], y)?;
    let times = b.div(taken, x[1])?;
    let half = b.number(0.5)?;
    let above = b.binary(Op::Add {}, times, half)?;
    let whole = b.unary(Op::Floor {}, above)?;
    let product = b.mul(g, whole)?;
    let summed = b.unbroadcast(product, &b.shape(x[1]))?;
    Ok(vec![left, Some(b.neg(summed)?)])
}

/// `g b a^(b - 1)`, and `g y log(a)` where `a` is positive. Where `b` is 0 the first is 0 for every `a`.
pub(super) fn pow(b: &mut Back<'_>, x: &[NodeId], y: NodeId, g: NodeId, wanted: &[bool]) -> Parts {
    let (zero, one) = (b.number(0.0)?, b.number(1.0)?);
    let mut parts = vec![None, None];
    if wanted[0] {
        let lower = b.binary(Op::Sub {}, x[1], one)?;
        let power = b.binary(Op::Pow {}, x[0], lower)?;
        let slope = b.mul(x[1], power)?;
        let flat = b.binary(Op::Eq {}, x[1], zero)?;
        let slope = b.add(Op::Where {}, &[flat, zero, slope])?;
        let part = b.mul(g, slope)?;
        parts[0] = shaped(b, x[0], part)?;
    }
    if wanted[1] {
        let positive = b.binary(Op::Lt {}, zero, x[0])?;
        // 1 in place of what has no logarithm, so that no gradient of this ever is not a number.
        let safe = b.add(Op::Where {}, &[positive, x[0], one])?;
        let log = b.unary(Op::Log {}, safe)?;
        let slope = b.mul(y, log)?;
        let part = b.mul(g, slope)?;
        let part = b.masked(positive, part)?;
        parts[1] = shaped(b, x[1], part)?;
    }
    Ok(parts)
}

/// `g b / (a^2 + b^2)` and `-g a / (a^2 + b^2)`
pub(super) fn atan2(b: &mut Back<'_>, x: &[NodeId], g: NodeId) -> Parts {
    let (p, q) = (b.mul(x[0], x[0])?, b.mul(x[1], x[1])?);
    let length = b.binary(Op::Add {}, p, q)?;
    let share = b.div(g, length)?;
    let (up, down) = (b.mul(share, x[1])?, b.mul(share, x[0])?);
    let down = b.neg(down)?;
    Ok(vec![shaped(b, x[0], up)?, shaped(b, x[1], down)?])
}

/// The gradient to where `less` says that one of `x` wins, half of it to each at a tie. `x[0]` wins where `less[0] < less[1]`.
pub(super) fn max(b: &mut Back<'_>, x: [NodeId; 2], less: [NodeId; 2], g: NodeId) -> Parts {
    let wins = b.binary(Op::Lt {}, less[0], less[1])?;
    let equal = b.binary(Op::Eq {}, less[0], less[1])?;
    let half = b.scaled(g, 0.5)?;
    let shared = b.masked(equal, half)?;
    let first = b.add(Op::Where {}, &[wins, g, shared])?;
    let second = b.binary(Op::Sub {}, g, first)?;
    Ok(vec![shaped(b, x[0], first)?, shaped(b, x[1], second)?])
}

pub(super) fn select(b: &mut Back<'_>, x: &[NodeId], g: NodeId) -> Parts {
    let zero = b.number(0.0)?;
    let chosen = b.masked(x[0], g)?;
    let other = b.add(Op::Where {}, &[x[0], zero, g])?;
    Ok(vec![None, shaped(b, x[1], chosen)?, shaped(b, x[2], other)?])
}
