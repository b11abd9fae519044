//! What an op declares about itself, and the macro that turns the table into Rust types.

use std::sync::Arc;

use super::Op;
use crate::infer::{Checks, Violation};
use crate::{DType, Dim, Literal, Type};

/// How an op relates the elements of its operands to the elements of its result. Passes ask for the class, not for the op.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OpClass {
    /// No operands: inputs, variables, constants.
    Source,
    /// Each result element depends on the elements at the same place.
    Elementwise,
    /// Axes are folded into one value.
    Reduce,
    /// Each result element depends on those before it along an axis.
    Scan,
    /// Elements are put in order.
    Sort,
    /// Products summed over shared axes.
    Contract,
    /// Each result element depends on a window of an operand.
    Window,
    /// The same elements in another arrangement.
    View,
    /// Places are read from data.
    Gather,
    /// Values are drawn from a stream.
    Random,
    /// Says something about differentiation.
    Control,
    /// Computed outside the graph: how elements relate is not known.
    Opaque,
}

/// What an op does beyond computing its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Equal operands give equal results.
    Pure,
    /// Depends on the seed and the step as well.
    Random,
    /// Reads an input, a parameter or a state.
    Reads,
}

/// What differentiation does with an op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gradient {
    /// Has a gradient with respect to its float operands.
    Yes,
    /// Constant almost everywhere, or not of a float type: no gradient flows.
    Zero,
}

/// Which element types an operand accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    /// `f32`
    Float,
    /// `i32`
    Int,
    /// `bool`
    Bool,
    /// `f32` or `i32`
    Number,
    /// Every type.
    Any,
}

impl Accepts {
    /// Whether an operand of this element type is accepted.
    pub fn allows(self, dtype: DType) -> bool {
        match self {
            Accepts::Float => dtype == DType::F32,
            Accepts::Int => dtype == DType::I32,
            Accepts::Bool => dtype == DType::Bool,
            Accepts::Number => dtype != DType::Bool,
            Accepts::Any => true,
        }
    }

    /// For messages: `f32 or i32`.
    pub fn describe(self) -> &'static str {
        match self {
            Accepts::Float => "f32",
            Accepts::Int => "i32",
            Accepts::Bool => "bool",
            Accepts::Number => "f32 or i32",
            Accepts::Any => "any type",
        }
    }
}

/// Where sample values of an operand are drawn from, so that no test feeds zeros to `log`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// Around zero, both signs.
    Real,
    /// Above zero.
    Positive,
    /// Both signs, away from zero.
    NonZero,
    /// Non-negative indices; the op's other operand says how many there are.
    Index,
}

/// An operand of an op.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperandDecl {
    /// Its name in documentation and messages.
    pub name: &'static str,
    /// Element types.
    pub accepts: Accepts,
    /// Sample values.
    pub domain: Domain,
}

/// An attribute of an op.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttrDecl {
    /// Its name in the text form.
    pub name: &'static str,
    /// Its type.
    pub kind: AttrKind,
}

/// The declaration of an op: everything that can be said about it without running it.
pub struct OpDecl {
    /// Name in the text form.
    pub name: &'static str,
    /// What it computes; the first sentence is the short description.
    pub doc: &'static str,
    /// How elements relate.
    pub class: OpClass,
    /// What else it does.
    pub effect: Effect,
    /// Operands in order.
    pub operands: &'static [OperandDecl],
    /// Whether the last operand may repeat.
    pub variadic: bool,
    /// Attributes in order.
    pub attrs: &'static [AttrDecl],
    /// Constraint `c1`, `c2`, .. in order. (`c0`, for every op: number and element types of the operands.)
    pub constraints: &'static [&'static str],
    /// What differentiation does.
    pub gradient: Gradient,
    /// Instances for tests: operand types, then attributes, as in the text form.
    pub samples: &'static [&'static str],
    /// Result type of an instance.
    pub(crate) infer: fn(&Op, &[Type], &mut Checks<'_>) -> Result<Type, Violation>,
}

/// The type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttrKind {
    /// `3`
    Int,
    /// `0.5`
    Float,
    /// `true`
    Bool,
    /// `"layer1.0.conv1.weight"`
    Str,
    /// `f32`
    DType,
    /// `H//2`
    Dim,
    /// `[B, 64, H//2]`
    Dims,
    /// `[1, 1]`
    Ints,
    /// `[[1, 1], [0, 2]]`
    Pairs,
    /// `f32[2, 2]{1, 2, 3, 4}`
    Literal,
}

impl AttrKind {
    /// For documentation: `list of integers`.
    pub fn describe(self) -> &'static str {
        match self {
            AttrKind::Int => "integer",
            AttrKind::Float => "number",
            AttrKind::Bool => "`true` or `false`",
            AttrKind::Str => "text",
            AttrKind::DType => "element type",
            AttrKind::Dim => "size",
            AttrKind::Dims => "shape",
            AttrKind::Ints => "list of integers",
            AttrKind::Pairs => "list of pairs of integers",
            AttrKind::Literal => "tensor",
        }
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each variant is named as its kind")]
pub enum Attr {
    Int(i64),
    Float(f64),
    Bool(bool),
    Str(Arc<str>),
    DType(DType),
    Dim(Dim),
    Dims(Vec<Dim>),
    Ints(Vec<i64>),
    Pairs(Vec<[i64; 2]>),
    Literal(Literal),
}

/// A Rust type that can be the value of an attribute.
pub(crate) trait AttrType: Sized {
    const KIND: AttrKind;
    fn to_attr(&self) -> Attr;
    fn from_attr(attr: Attr) -> Option<Self>;
}

macro_rules! attr_type {
    ($($rust:ty => $variant:ident),* $(,)?) => {$(
        impl AttrType for $rust {
            const KIND: AttrKind = AttrKind::$variant;
            fn to_attr(&self) -> Attr {
                Attr::$variant(self.clone())
            }
            fn from_attr(attr: Attr) -> Option<Self> {
                match attr {
                    Attr::$variant(value) => Some(value),
                    _ => None,
                }
            }
        }
    )*};
}

attr_type! {
    i64 => Int, f64 => Float, bool => Bool, Arc<str> => Str, DType => DType,
    Dim => Dim, Vec<Dim> => Dims, Vec<i64> => Ints, Vec<[i64; 2]> => Pairs, Literal => Literal,
}

/// Why attributes do not make an instance of an op.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttrError {
    /// No op has this name.
    UnknownOp(String),
    /// The op has no such attribute.
    Unknown(String),
    /// An attribute is absent.
    Missing(&'static str),
    /// An attribute has a value of another kind.
    Kind(&'static str, AttrKind),
}

/// Turns the table into the [`Op`] enum and its declarations.
macro_rules! ops {
    ($(
        $(#[doc = $doc:literal])*
        $variant:ident $name:literal ( $($operand:ident : $accepts:ident in $domain:ident),* $(; $variadic:ident)? )
        { $($attr:ident : $attr_ty:ty),* }
        $class:ident $effect:ident grad $gradient:ident by $infer:path
        where [ $($constraint:literal),* $(,)? ]
        samples [ $($sample:literal),* $(,)? ]
    )*) => {
        /// An operation of the graph with its attributes. One line of documentation for each is in its declaration.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, reason = "attributes are documented with the op")]
        pub enum Op {
            $( $(#[doc = $doc])* $variant { $($attr: $attr_ty),* } ),*
        }

        /// Every op in the order of the table.
        pub static TABLE: &[OpDecl] = &[$(
            OpDecl {
                name: $name,
                doc: concat!($($doc, "\n"),*),
                class: OpClass::$class,
                effect: Effect::$effect,
                operands: &[$(OperandDecl {
                    name: stringify!($operand), accepts: Accepts::$accepts, domain: Domain::$domain
                }),*],
                variadic: false $(|| ops!(@true $variadic))?,
                attrs: &[$(AttrDecl { name: stringify!($attr), kind: <$attr_ty as AttrType>::KIND }),*],
                constraints: &[$($constraint),*],
                gradient: Gradient::$gradient,
                samples: &[$($sample),*],
                infer: $infer,
            }
        ),*];

        #[derive(Clone, Copy)]
        enum Position { $($variant),* }

        impl Op {
            /// The declaration of this op.
            pub fn decl(&self) -> &'static OpDecl {
                let index = match self { $(Op::$variant { .. } => Position::$variant),* };
                &TABLE[index as usize]
            }

            /// The attributes of this instance, by name, in declared order.
            pub fn attrs(&self) -> Vec<(&'static str, Attr)> {
                match self {
                    $(Op::$variant { $($attr),* } => vec![$((stringify!($attr), AttrType::to_attr($attr))),*]),*
                }
            }

            /// The op called `name` with these attributes, in any order.
            pub fn from_attrs(name: &str, mut attrs: Vec<(String, Attr)>) -> Result<Op, AttrError> {
                let op = match name {
                    $($name => Op::$variant { $($attr: take_attr(&mut attrs, stringify!($attr))?),* },)*
                    _ => return Err(AttrError::UnknownOp(name.to_string())),
                };
                match attrs.pop() {
                    Some((unknown, _)) => Err(AttrError::Unknown(unknown)),
                    None => Ok(op),
                }
            }
        }
    };
    (@true $any:ident) => { true };
}

pub(crate) use ops;

/// Removes one attribute from a list and converts it.
pub(crate) fn take_attr<T: AttrType>(
    attrs: &mut Vec<(String, Attr)>,
    name: &'static str,
) -> Result<T, AttrError> {
    let at = attrs.iter().position(|(n, _)| n == name).ok_or(AttrError::Missing(name))?;
    T::from_attr(attrs.remove(at).1).ok_or(AttrError::Kind(name, T::KIND))
}
