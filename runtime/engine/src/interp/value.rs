//! Values of the interpreter and the precision they are computed in.

use vspec_ir::DType;

use super::array::Array;
use crate::{Buffer, EngineError, HostTensor};

/// The type that `f32` values are computed in. Sums are accumulated in double precision in both.
pub(crate) trait Real: Copy + PartialOrd + 'static {
    fn from_f64(value: f64) -> Self;
    fn to_f64(self) -> f64;
    fn buffer(values: Vec<Self>) -> Buffer;
    /// The number that begins with the first of some bytes.
    fn from_bytes(bytes: &[u8]) -> Self;
    /// Writes the number at the start of some bytes.
    fn to_bytes(self, bytes: &mut [u8]);
}

impl Real for f32 {
    fn from_f64(value: f64) -> Self {
        value as f32
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    fn buffer(values: Vec<Self>) -> Buffer {
        Buffer::F32(values)
    }
    fn from_bytes(bytes: &[u8]) -> Self {
        let mut own = [0; 4];
        own.copy_from_slice(&bytes[..4]);
        f32::from_ne_bytes(own)
    }
    fn to_bytes(self, bytes: &mut [u8]) {
        bytes[..4].copy_from_slice(&self.to_ne_bytes());
    }
}

impl Real for f64 {
    fn from_f64(value: f64) -> Self {
        value
    }
    fn to_f64(self) -> f64 {
        self
    }
    fn buffer(values: Vec<Self>) -> Buffer {
        Buffer::F64(values)
    }
    fn from_bytes(bytes: &[u8]) -> Self {
        let mut own = [0; 8];
        own.copy_from_slice(&bytes[..8]);
        f64::from_ne_bytes(own)
    }
    fn to_bytes(self, bytes: &mut [u8]) {
        bytes[..8].copy_from_slice(&self.to_ne_bytes());
    }
}

/// A value of any element type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<T> {
    Float(Array<T>),
    Int(Array<i32>),
    Bool(Array<bool>),
}

impl<T: Real> Value<T> {
    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        match self {
            Value::Float(a) => a.data.len(),
            Value::Int(a) => a.data.len(),
            Value::Bool(a) => a.data.len(),
        }
    }

    /// Element type.
    pub(crate) fn dtype(&self) -> DType {
        match self {
            Value::Float(_) => DType::F32,
            Value::Int(_) => DType::I32,
            Value::Bool(_) => DType::Bool,
        }
    }

    pub(crate) fn from_host(tensor: &HostTensor) -> Self {
        let shape = tensor.shape().to_vec();
        match tensor.buffer() {
            Buffer::F32(v) => Value::Float(Array::from_fn(shape, |i| T::from_f64(f64::from(v[i])))),
            Buffer::F64(v) => Value::Float(Array::from_fn(shape, |i| T::from_f64(v[i]))),
            Buffer::I32(v) => Value::Int(Array { shape, data: v.clone() }),
            Buffer::Bool(v) => Value::Bool(Array { shape, data: v.clone() }),
        }
    }

    pub(crate) fn into_host(self) -> Result<HostTensor, EngineError> {
        let (shape, buffer) = match self {
            Value::Float(a) => (a.shape, T::buffer(a.data)),
            Value::Int(a) => (a.shape, Buffer::I32(a.data)),
            Value::Bool(a) => (a.shape, Buffer::Bool(a.data)),
        };
        HostTensor::new(shape, buffer)
            .ok_or_else(|| EngineError::Unsupported("a value does not fill its shape".to_string()))
    }

    /// The elements as double precision, which holds all of them exactly; booleans are 0 and 1.
    pub(crate) fn wide(&self) -> Array<f64> {
        match self {
            Value::Float(a) => a.map(Real::to_f64),
            Value::Int(a) => a.map(f64::from),
            Value::Bool(a) => a.map(|v| f64::from(u8::from(v))),
        }
    }

    /// Numbers as an element type: integers truncate towards zero and saturate, and any mask but 0 is true.
    pub(crate) fn from_wide(dtype: DType, values: &Array<f64>) -> Self {
        match dtype {
            DType::F32 => Value::Float(values.map(T::from_f64)),
            DType::I32 => Value::Int(values.map(|v| v as i32)),
            DType::Bool => Value::Bool(values.map(|v| v != 0.0)),
        }
    }

    /// The floats of an operand that the verifier knows to be one.
    pub(crate) fn float(&self) -> Result<&Array<T>, EngineError> {
        match self {
            Value::Float(a) => Ok(a),
            _ => Err(EngineError::Unsupported("an operand is not a float".to_string())),
        }
    }

    /// The integers of an operand that the verifier knows to be one.
    pub(crate) fn int(&self) -> Result<&Array<i32>, EngineError> {
        match self {
            Value::Int(a) => Ok(a),
            _ => Err(EngineError::Unsupported("an operand is not an integer".to_string())),
        }
    }

    /// The mask of an operand that the verifier knows to be one.
    pub(crate) fn mask(&self) -> Result<&Array<bool>, EngineError> {
        match self {
            Value::Bool(a) => Ok(a),
            _ => Err(EngineError::Unsupported("an operand is not a mask".to_string())),
        }
    }
}

/// Applies an expression to the array inside a value, whatever its element type.
macro_rules! for_any {
    ($value:expr, $array:ident => $body:expr) => {
        match $value {
            $crate::interp::value::Value::Float($array) => $crate::interp::value::Value::Float($body),
            $crate::interp::value::Value::Int($array) => $crate::interp::value::Value::Int($body),
            $crate::interp::value::Value::Bool($array) => $crate::interp::value::Value::Bool($body),
        }
    };
}

pub(crate) use for_any;
