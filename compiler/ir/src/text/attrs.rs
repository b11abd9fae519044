//! Attribute values, in both directions.

use std::fmt::{self, Write};

use super::ParseError;
use super::cursor::{Cursor, Place};
use super::defaults::default_attr;
use super::dims;
use super::lexer::Token;
use crate::ops::{self, Attr, AttrError, AttrKind, OpDecl};
use crate::types::write_shape;
use crate::{DType, Literal, Op, Type};

// ---- reading -------------------------------------------------------------------------------------------------------

/// `name=value` pairs as written; a literal may leave out its type, which the result type completes.
pub(super) struct Written {
    place: Place,
    decl: &'static OpDecl,
    attrs: Vec<(String, Attr)>,
    /// Values without a type.
    bare: Vec<(String, Vec<f64>)>,
}

/// The name of an op.
pub(super) fn op(c: &mut Cursor<'_>) -> Result<(&'static OpDecl, Place), ParseError> {
    let place = c.place();
    let name = c.word("an op")?;
    match ops::find(name) {
        Some(decl) => Ok((decl, place)),
        None => Err(place.error(format!("there is no op `{name}`"))),
    }
}

/// All attributes up to something else.
pub(super) fn attributes(
    c: &mut Cursor<'_>,
    (decl, place): (&'static OpDecl, Place),
) -> Result<Written, ParseError> {
    let mut written = Written { place, decl, attrs: vec![], bare: vec![] };
    while let Token::Word(name) = *c.peek() {
        let Some(attr) = decl.attrs.iter().find(|a| a.name == name) else {
            return Err(c.place().error(format!("`{}` has no attribute `{name}`", decl.name)));
        };
        if written.has(name) {
            return Err(c.place().error(format!("`{name}` is given twice")));
        }
        c.next();
        c.expect("=")?;
        if attr.kind == AttrKind::Literal && *c.peek() == Token::Sign("{") {
            written.bare.push((name.to_string(), values(c)?));
        } else {
            written.attrs.push((name.to_string(), value(c, attr.kind)?));
        }
    }
    Ok(written)
}

impl Written {
    fn has(&self, name: &str) -> bool {
        self.attrs.iter().any(|(n, _)| n == name) || self.bare.iter().any(|(n, _)| n == name)
    }

    /// The op with what was written, completed from the result type if there is one.
    pub(super) fn finish(mut self, ty: Option<&Type>) -> Result<Op, ParseError> {
        if let Some(ty) = ty {
            self.complete(ty)?;
        }
        let Written { place, decl, attrs, .. } = self;
        Op::from_attrs(decl.name, attrs).map_err(|e| place.error(describe(decl.name, &e)))
    }

    fn complete(&mut self, ty: &Type) -> Result<(), ParseError> {
        for (name, values) in std::mem::take(&mut self.bare) {
            let Some(shape) = ty.const_shape() else {
                return Err(self.place.error(format!("the values of `{name}` cannot have the type {ty}")));
            };
            let literal = Literal { dtype: ty.dtype, shape, values: values.into() };
            self.attrs.push((name, Attr::Literal(literal)));
        }
        for attr in self.decl.attrs {
            if let Some(value) = default_attr(self.decl.name, attr.name, ty).filter(|_| !self.has(attr.name))
            {
                self.attrs.push((attr.name.to_string(), value));
            }
        }
        Ok(())
    }
}

fn describe(op: &str, error: &AttrError) -> String {
    match error {
        AttrError::UnknownOp(name) => format!("there is no op `{name}`"),
        AttrError::Unknown(name) => format!("`{op}` has no attribute `{name}`"),
        AttrError::Missing(name) => format!("`{op}` needs the attribute `{name}`"),
        AttrError::Kind(name, kind) => format!("`{name}` of `{op}` must be: {}", kind.describe()),
    }
}

fn value(c: &mut Cursor<'_>, kind: AttrKind) -> Result<Attr, ParseError> {
    Ok(match kind {
        AttrKind::Int => Attr::Int(c.int()?),
        AttrKind::Float => Attr::Float(c.float()?),
        AttrKind::Bool => Attr::Bool(boolean(c)?),
        AttrKind::Str => Attr::Str(c.quoted()?.into()),
        AttrKind::DType => Attr::DType(dims::dtype(c)?),
        AttrKind::Dim => Attr::Dim(dims::dim(c)?),
        AttrKind::Dims => Attr::Dims(dims::dims(c)?),
        AttrKind::Ints => Attr::Ints(c.list(["[", "]"], Cursor::int)?),
        AttrKind::Pairs => Attr::Pairs(c.list(["[", "]"], pair)?),
        AttrKind::Literal => Attr::Literal(literal(c)?),
    })
}

fn boolean(c: &mut Cursor<'_>) -> Result<bool, ParseError> {
    if c.accept_word("true") {
        return Ok(true);
    }
    if c.accept_word("false") { Ok(false) } else { c.expected("`true` or `false`") }
}

fn pair(c: &mut Cursor<'_>) -> Result<[i64; 2], ParseError> {
    c.expect("[")?;
    let low = c.int()?;
    c.expect(",")?;
    let high = c.int()?;
    c.expect("]")?;
    Ok([low, high])
}

/// `f32[2]{1, 2}`
fn literal(c: &mut Cursor<'_>) -> Result<Literal, ParseError> {
    let dtype: DType = dims::dtype(c)?;
    let shape = c.list(["[", "]"], Cursor::natural)?;
    Ok(Literal { dtype, shape, values: values(c)?.into() })
}

fn values(c: &mut Cursor<'_>) -> Result<Vec<f64>, ParseError> {
    c.list(["{", "}"], Cursor::float)
}

// ---- writing -------------------------------------------------------------------------------------------------------

/// ` name=value` for each attribute that the result type does not imply. Literals show at most `max_values` values.
pub(super) fn write_attrs(f: &mut dyn Write, op: &Op, ty: &Type, max_values: usize) -> fmt::Result {
    let name = op.decl().name;
    for (attr, value) in op.attrs() {
        if default_attr(name, attr, ty).as_ref() == Some(&value) {
            continue;
        }
        write!(f, " {attr}=")?;
        match &value {
            Attr::Literal(literal) => write_literal(f, literal, ty, max_values)?,
            other => write_value(f, other)?,
        }
    }
    Ok(())
}

/// An attribute's value as it is read back.
fn write_value(f: &mut dyn Write, value: &Attr) -> fmt::Result {
    match value {
        Attr::Int(v) => write!(f, "{v}"),
        Attr::Float(v) => write_float(f, *v),
        Attr::Bool(v) => write!(f, "{v}"),
        Attr::Str(v) => write!(f, "{v:?}"),
        Attr::DType(v) => write!(f, "{v}"),
        Attr::Dim(v) => write!(f, "{v}"),
        Attr::Dims(v) => write_shape(f, v),
        Attr::Ints(v) => write!(f, "{v:?}"),
        Attr::Pairs(v) => write!(f, "{v:?}"),
        Attr::Literal(v) => write!(f, "{}{:?}{{..}}", v.dtype, v.shape),
    }
}

fn write_literal(f: &mut dyn Write, literal: &Literal, ty: &Type, max_values: usize) -> fmt::Result {
    let implied = literal.dtype == ty.dtype && ty.const_shape().as_ref() == Some(&literal.shape);
    if !implied {
        write!(f, "{}{:?}", literal.dtype, literal.shape)?;
    }
    f.write_char('{')?;
    for (i, v) in literal.values.iter().take(max_values).enumerate() {
        f.write_str(if i == 0 { "" } else { ", " })?;
        write_float(f, *v)?;
    }
    if literal.values.len() > max_values {
        write!(f, ", .. {} values", literal.values.len())?;
    }
    f.write_char('}')
}

/// The shortest digits that read back as the same number.
pub(crate) fn write_float(f: &mut dyn Write, value: f64) -> fmt::Result {
    let size = value.abs();
    if value.is_nan() {
        f.write_str("nan")
    } else if size == 0.0 || size.is_infinite() || (1e-5..1e16).contains(&size) {
        write!(f, "{value}")
    } else {
        write!(f, "{value:e}")
    }
}
