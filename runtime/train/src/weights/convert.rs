//! Tensors of a file in the type of a variable.

use safetensors::tensor::{Dtype, TensorView};
use vspec_engine::{Buffer, HostTensor};
use vspec_ir::{DType, Type};

/// The tensor in the variable's type, if the shape is the variable's and the elements can be brought into its type: floats of
/// any width, and whole numbers that fit.
pub(super) fn convert(view: &TensorView<'_>, ty: &Type) -> Option<HostTensor> {
    let shape = ty.const_shape().filter(|s| s == view.shape())?;
    let buffer = match ty.dtype {
        DType::F32 => Buffer::F32(floats(view)?),
        DType::I32 => Buffer::I32(integers(view)?),
        DType::Bool if view.dtype() == Dtype::BOOL => {
            Buffer::Bool(view.data().iter().map(|b| *b != 0).collect())
        }
        _ => return None,
    };
    HostTensor::new(shape, buffer)
}

fn floats(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = view.data();
    Some(match view.dtype() {
        Dtype::F32 => chunks(data).map(f32::from_le_bytes).collect(),
        Dtype::F64 => chunks(data).map(|b| f64::from_le_bytes(b) as f32).collect(),
        Dtype::F16 => chunks(data).map(|b| half(u16::from_le_bytes(b))).collect(),
        Dtype::BF16 => chunks(data).map(|b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)).collect(),
        _ => return None,
    })
}

fn integers(view: &TensorView<'_>) -> Option<Vec<i32>> {
    match view.dtype() {
        Dtype::I32 => Some(chunks(view.data()).map(i32::from_le_bytes).collect()),
        Dtype::I64 => chunks(view.data()).map(|b| i64::from_le_bytes(b).try_into().ok()).collect(),
        _ => None,
    }
}

fn chunks<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks::<N>().0.iter().copied()
}

/// A number of IEEE 754's half precision: 1 bit of sign, 5 of exponent, 10 of mantissa.
fn half(bits: u16) -> f32 {
    let (exponent, mantissa) = ((bits >> 10) & 0x1F, f32::from(bits & 0x3FF));
    let magnitude = match exponent {
        0 => mantissa * 2f32.powi(-24),
        0x1F if mantissa == 0.0 => f32::INFINITY,
        0x1F => f32::NAN,
        e => (1.0 + mantissa / 1024.0) * 2f32.powi(i32::from(e) - 15),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

/// A tensor's type as messages write it: `f32[64, 3, 7, 7]`.
pub(super) fn described(view: &TensorView<'_>) -> String {
    format!("{}{:?}", format!("{:?}", view.dtype()).to_lowercase(), view.shape())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_read_exactly() {
        let known =
            [(0x0000, 0.0), (0x3C00, 1.0), (0xC000, -2.0), (0x7BFF, 65504.0), (0x0001, 2f32.powi(-24))];
        for (bits, value) in known {
            assert_eq!(half(bits), value, "{bits:04x}");
        }
        assert_eq!(half(0x3555), 0.333_251_95);
        assert_eq!((half(0x7C00), half(0xFC00)), (f32::INFINITY, f32::NEG_INFINITY));
        assert!(half(0x7E00).is_nan());
    }
}
