//! Any text is elaborated or refused, with and without an editor that looks on.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use vspec_elaborate::{SourceInfo, World, analyse};
use vspec_ir::Source;

/// A world with nothing in it.
struct Nothing;

impl World for Nothing {
    fn read(&self, _: &Path) -> Result<String, String> {
        Err("no such file".to_string())
    }

    fn inspect(&self, _: &Source) -> Result<SourceInfo, String> {
        Err("no data folder was given".to_string())
    }
}

fuzz_target!(|text: &str| {
    let (compiled, _) = analyse(&Nothing, Path::new("any.vspec"), text);
    for d in &compiled.diagnostics {
        assert!(compiled.sources.get(d.primary.span.file).is_some(), "{}", d.message);
    }
});
