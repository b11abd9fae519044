//! Sizes and types: `2*(H//2) - 1`, `f32[B, 3, H, W]`.
//!
//! Precedence is Python's: `^`, then a leading minus, then `*` and `//`, then `+` and `-`.

use super::ParseError;
use super::cursor::Cursor;
use super::lexer::Token;
use crate::{DType, Dim, DimError, Facts, Type};

/// The largest power that is written; higher ones have no use in shapes.
const MAX_POWER: u32 = 64;

pub(super) fn ty(c: &mut Cursor<'_>) -> Result<Type, ParseError> {
    let dtype = dtype(c)?;
    Ok(Type::new(dtype, dims(c)?))
}

pub(super) fn dtype(c: &mut Cursor<'_>) -> Result<DType, ParseError> {
    let place = c.place();
    let name = c.word("an element type")?;
    DType::from_name(name)
        .ok_or_else(|| place.error(format!("`{name}` is not an element type: f32, i32 or bool")))
}

pub(super) fn dims(c: &mut Cursor<'_>) -> Result<Vec<Dim>, ParseError> {
    c.list(["[", "]"], dim)
}

pub(super) fn dim(c: &mut Cursor<'_>) -> Result<Dim, ParseError> {
    let mut sum = term(c)?;
    loop {
        let place = c.place();
        let result = match c.peek() {
            Token::Sign("+") => {
                c.next();
                sum.checked_add(&term(c)?)
            }
            Token::Sign("-") => {
                c.next();
                sum.checked_sub(&term(c)?)
            }
            _ => return Ok(sum),
        };
        sum = result.map_err(|e| place.error(e.to_string()))?;
    }
}

fn term(c: &mut Cursor<'_>) -> Result<Dim, ParseError> {
    let mut product = factor(c)?;
    loop {
        let place = c.place();
        let result = match c.peek() {
            Token::Sign("*") => {
                c.next();
                product.checked_mul(&factor(c)?)
            }
            // Facts are not applied: what they simplify was simplified before it was written.
            Token::Sign("//") => {
                c.next();
                product.floor_div(&factor(c)?, &Facts::default())
            }
            _ => return Ok(product),
        };
        product = result.map_err(|e| place.error(e.to_string()))?;
    }
}

fn factor(c: &mut Cursor<'_>) -> Result<Dim, ParseError> {
    let place = c.place();
    let literal = matches!(c.peek_second(), Token::Number(_));
    match c.peek() {
        // The smallest number has no positive counterpart, so the sign belongs to the literal.
        Token::Sign("-") if literal => c.int().map(Dim::from),
        Token::Sign("-") => {
            c.next();
            power(c)?.checked_mul(&Dim::from(-1i64)).map_err(|e| place.error(e.to_string()))
        }
        _ => power(c),
    }
}

fn power(c: &mut Cursor<'_>) -> Result<Dim, ParseError> {
    let base = atom(c)?;
    let place = c.place();
    if !c.accept("^") {
        return Ok(base);
    }
    let exponent: u32 = c.natural()?;
    if exponent > MAX_POWER {
        return Err(place.error(DimError::TooLarge.to_string()));
    }
    let product = (0..exponent).try_fold(Dim::from(1i64), |p, _| p.checked_mul(&base));
    product.map_err(|e| place.error(e.to_string()))
}

fn atom(c: &mut Cursor<'_>) -> Result<Dim, ParseError> {
    match *c.peek() {
        Token::Number(_) => c.natural::<i64>().map(Dim::from),
        Token::Word(name) => {
            c.next();
            Ok(Dim::symbol(name))
        }
        Token::Sign("(") => {
            c.next();
            let inner = c.nested(dim)?;
            c.expect(")")?;
            Ok(inner)
        }
        _ => c.expected("a size"),
    }
}
