//! The examples, shipped inside the program.

/// A specification with a mistake, and the same without it.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// The code that the wrong form is reported with.
    pub code: &'static str,
    /// The wrong form.
    pub wrong: &'static str,
    /// The corrected form: nothing is reported about it.
    pub fixed: &'static str,
}

/// Declares the examples: two files of the book for each code.
macro_rules! examples {
    ($($code:literal)*) => {
        /// Every example, by code.
        pub static EXAMPLES: &[Example] = &[$(Example {
            code: $code,
            wrong: include_str!(concat!("../../../../book/examples/diagnostics/", $code, ".wrong.vspec")),
            fixed: include_str!(concat!("../../../../book/examples/diagnostics/", $code, ".fixed.vspec")),
        }),*];
    };
}

examples! {
    "V0001"
    "V0002"
    "V0003"
    "V0004"
    "V0005"
    "V0006"
    "V0007"
    "V0008"
    "V0010"
    "V0011"
    "V0012"
    "V0013"
    "V0101"
    "V0102"
    "V0103"
    "V0104"
    "V0105"
    "V0106"
    "V0110"
    "V0111"
    "V0112"
    "V0113"
    "V0114"
    "V0115"
    "V0116"
    "V0120"
    "V0121"
    "V0122"
    "V0201"
    "V0203"
    "V0204"
    "V0205"
    "V0206"
    "V0207"
    "V0208"
    "V0209"
    "V0210"
    "V0211"
    "V0220"
    "V0221"
    "V0222"
    "V0223"
    "V0224"
    "V0230"
    "V0231"
    "V0232"
    "V0233"
    "V0234"
    "V0240"
    "V0241"
    "V0242"
    "V0243"
    "V0250"
}
