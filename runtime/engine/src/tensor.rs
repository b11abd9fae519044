//! Tensors in host memory: what goes into an engine and what comes out.

use vspec_ir::{DType, Literal};

/// Elements of a tensor in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub enum Buffer {
    /// Single precision.
    F32(Vec<f32>),
    /// `f32` values of a run in double precision.
    F64(Vec<f64>),
    /// Integers.
    I32(Vec<i32>),
    /// Masks.
    Bool(Vec<bool>),
}

impl Buffer {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Buffer::F32(v) => v.len(),
            Buffer::F64(v) => v.len(),
            Buffer::I32(v) => v.len(),
            Buffer::Bool(v) => v.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element type of the graph value that such a buffer holds.
    pub fn dtype(&self) -> DType {
        match self {
            Buffer::F32(_) | Buffer::F64(_) => DType::F32,
            Buffer::I32(_) => DType::I32,
            Buffer::Bool(_) => DType::Bool,
        }
    }
}

/// A dense tensor in host memory.
#[derive(Debug, Clone, PartialEq)]
pub struct HostTensor {
    shape: Vec<usize>,
    buffer: Buffer,
}

impl HostTensor {
    /// A tensor from its parts, if the number of elements fits the shape.
    pub fn new(shape: Vec<usize>, buffer: Buffer) -> Option<Self> {
        (shape.iter().product::<usize>() == buffer.len()).then_some(HostTensor { shape, buffer })
    }

    /// A scalar.
    pub fn scalar(value: f32) -> Self {
        HostTensor { shape: vec![], buffer: Buffer::F32(vec![value]) }
    }

    /// A literal with its floats in double precision: not every one is a number of single precision.
    pub fn wide(literal: &Literal) -> Self {
        match literal.dtype {
            DType::F32 => {
                HostTensor { shape: literal.shape.clone(), buffer: Buffer::F64(literal.values.to_vec()) }
            }
            DType::I32 | DType::Bool => HostTensor::from(literal),
        }
    }

    /// Size of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// The elements, given away.
    pub fn into_buffer(self) -> Buffer {
        self.buffer
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.buffer.dtype()
    }

    /// Elements as double precision; booleans are 0 and 1.
    pub fn to_f64(&self) -> Vec<f64> {
        match &self.buffer {
            Buffer::F32(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Buffer::F64(v) => v.clone(),
            Buffer::I32(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Buffer::Bool(v) => v.iter().map(|x| f64::from(u8::from(*x))).collect(),
        }
    }

    /// The value of a tensor with one element.
    pub fn item(&self) -> Option<f64> {
        (self.buffer.len() == 1).then(|| self.to_f64()[0])
    }
}

impl From<&Literal> for HostTensor {
    fn from(literal: &Literal) -> Self {
        let values = literal.values.iter();
        let buffer = match literal.dtype {
            DType::F32 => Buffer::F32(values.map(|v| *v as f32).collect()),
            DType::I32 => Buffer::I32(values.map(|v| *v as i32).collect()),
            DType::Bool => Buffer::Bool(values.map(|v| *v != 0.0).collect()),
        };
        HostTensor { shape: literal.shape.clone(), buffer }
    }
}
