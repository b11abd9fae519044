//! What is wrong with a pattern, and where in it.

use std::ops::Range;

use vspec_ir::Dim;
use vspec_syntax::did_you_mean;

/// A pattern that cannot be read or that does not fit its operands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatternError {
    /// One phrase that names the part of the pattern and the axis of the operand.
    pub(crate) message: String,
    /// Bytes of the pattern that the message is about.
    pub(crate) range: Range<usize>,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl PatternError {
    pub(super) fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        PatternError { message: message.into(), range, hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Suggests the nearest of the names that could have been meant; the hint stays as it is when none is near. Names of
    /// one or two letters are near to all others of their kind.
    pub(super) fn suggest<'a>(self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match did_you_mean(name, known) {
            Some(near) if name.len() > 2 => self.hint(format!("did you mean `{near}`?")),
            _ => self,
        }
    }
}

/// A shape as messages write it: `[B, 3, H]`.
pub(super) fn show_shape(shape: &[Dim]) -> String {
    let sizes: Vec<String> = shape.iter().map(Dim::to_string).collect();
    format!("[{}]", sizes.join(", "))
}

/// `1 axis`, `2 axes`.
pub(super) fn count_axes(n: usize) -> String {
    format!("{n} {}", if n == 1 { "axis" } else { "axes" })
}
