//! Names of other languages and libraries, and what is written here.

/// Advice on a name that nothing has, if another language has it.
pub(super) fn hint(name: &str) -> Option<&'static str> {
    Some(match name {
        "True" => "write `true`",
        "False" => "write `false`",
        "None" | "null" | "nil" | "nullptr" => "there is no null; leave the argument out",
        "str" => "write `string`",
        "Tensor" => "a tensor has its element type and its sizes: `f32[B, 3, H, W]`",
        _ if is_number_type(name) => {
            "tensors hold `f32`, `i32` or `bool`; a single number known at compile time is an `int` or a `float`"
        }
        _ => return None,
    })
}

/// `f16`, `bfloat16`, `i64`, `uint8`: a kind of number and its bits.
fn is_number_type(name: &str) -> bool {
    let bits = name.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let kind = &name[..name.len() - bits.len()];
    let kinds = ["f", "bf", "i", "u", "float", "bfloat", "int", "uint"];
    let with_bits = kinds.contains(&kind) && matches!(bits, "8" | "16" | "32" | "64" | "128");
    with_bits || matches!(name, "half" | "double" | "long" | "byte" | "usize")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_other_bits_are_known_and_names_with_numbers_are_not_types() {
        assert!(
            ["f16", "bf16", "f64", "float32", "i64", "u8", "uint8", "int64"]
                .iter()
                .all(|n| is_number_type(n))
        );
        assert!(!["f1", "conv16", "x8", "f", "size", "B16", ""].iter().any(|n| is_number_type(n)));
    }
}
