//! Element types, tensor types and literals.

use std::fmt;
use std::sync::Arc;

use crate::{Dim, DimError};

/// Element type of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DType {
    /// The floating-point type; engines may compute it in double precision when asked.
    F32,
    /// Indices, labels and counts.
    I32,
    /// Masks.
    Bool,
}

impl DType {
    /// The name in specifications.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::I32 => "i32",
            DType::Bool => "bool",
        }
    }

    /// The type with that name.
    pub fn from_name(name: &str) -> Option<DType> {
        [DType::F32, DType::I32, DType::Bool].into_iter().find(|d| d.name() == name)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Type of a value: element type and shape, `f32[B, 64, H//4, W//4]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Type {
    /// Element type.
    pub dtype: DType,
    /// Size of each axis; empty for a scalar.
    pub shape: Vec<Dim>,
}

impl Type {
    /// A type from its parts.
    pub fn new(dtype: DType, shape: Vec<Dim>) -> Self {
        Type { dtype, shape }
    }

    /// The scalar of an element type.
    pub fn scalar(dtype: DType) -> Self {
        Type { dtype, shape: vec![] }
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    pub fn elements(&self) -> Result<Dim, DimError> {
        self.shape.iter().try_fold(Dim::from(1i64), |n, d| n.checked_mul(d))
    }

    /// The sizes, if none depends on a named size.
    pub fn const_shape(&self) -> Option<Vec<usize>> {
        self.shape.iter().map(|d| d.as_const().and_then(|d| usize::try_from(d).ok())).collect()
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.dtype)?;
        write_shape(f, &self.shape)
    }
}

pub(crate) fn write_shape(f: &mut dyn fmt::Write, shape: &[Dim]) -> fmt::Result {
    f.write_str("[")?;
    for (i, d) in shape.iter().enumerate() {
        write!(f, "{}{d}", if i == 0 { "" } else { ", " })?;
    }
    f.write_str("]")
}

/// A constant tensor. `f64` holds every `f32`, `i32` and `bool` exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// Element type.
    pub dtype: DType,
    /// Size of each axis.
    pub shape: Vec<usize>,
    /// Elements in row-major order; booleans are 0 and 1.
    pub values: Arc<[f64]>,
}

impl Literal {
    /// A scalar.
    pub fn scalar(dtype: DType, value: f64) -> Self {
        Literal { dtype, shape: vec![], values: Arc::from([value]) }
    }
}
