//! What elaboration may ask of the world outside the text.

use std::path::Path;

use vspec_ir::Source;

/// Answers about files and data sets. The compiler itself performs no input or output.
pub trait World: Sync {
    /// Text of a file of the package, for `use`. The error is a phrase such as `no such file`.
    fn read(&self, path: &Path) -> Result<String, String>;

    /// What a data set says about itself, for `train.classes` when the specification does not state it.
    fn inspect(&self, source: &Source) -> Result<SourceInfo, String>;
}

/// What a data set says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceInfo {
    /// Number of classes.
    pub classes: usize,
    /// Number of items.
    pub items: usize,
}
