//! Diagnostics as text for people. No other module knows how a message looks.

mod excerpt;
mod report;
mod style;

pub use style::Style;

use vspec_syntax::{Diagnostic, Sources};

use crate::numbers::counted;

/// Diagnostics in their order, each with the code it is about, and a blank line after each.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, style: &Style) -> String {
    diagnostics.iter().map(|d| report::render_one(d, sources, style) + "\n").collect()
}

/// `2 errors, 1 warning`; nothing if there are no diagnostics.
pub fn summary(diagnostics: &[Diagnostic]) -> Option<String> {
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    let warnings = diagnostics.len() - errors;
    let parts = [(errors, "error"), (warnings, "warning")].into_iter().filter(|(n, _)| *n > 0);
    let parts: Vec<String> = parts.map(|(n, what)| counted(n, what)).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests;
