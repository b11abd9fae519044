//! Attributes that the text form leaves out because the result type or custom says what they are.
//!
//! Printer and parser ask the same function, so that what one drops the other restores.

use crate::Type;
use crate::ops::Attr;

/// The value that an attribute has when it is not written, if it may be left out.
pub(super) fn default_attr(op: &str, attr: &str, ty: &Type) -> Option<Attr> {
    let spatial = ty.rank().saturating_sub(2);
    match (op, attr) {
        (_, "dtype") => Some(Attr::DType(ty.dtype)),
        (_, "shape") => Some(Attr::Dims(ty.shape.clone())),
        ("conv_input", "size") | ("conv_weight", "kernel") => Some(Attr::Dims(ty.shape.get(2..)?.to_vec())),
        ("conv" | "conv_input" | "conv_weight", "stride") | (_, "dilation") => {
            Some(Attr::Ints(vec![1; spatial]))
        }
        (_, "padding") => Some(Attr::Pairs(vec![[0, 0]; spatial])),
        (_, "groups") => Some(Attr::Int(1)),
        (_, "keepdims") => Some(Attr::Bool(false)),
        (_, "step") => Some(Attr::Int(1)),
        _ => None,
    }
}
