//! What the suites share: compiling a text without a file system, running its steps, and finding the project's folders.

pub mod judges;
mod planned;
pub mod random;
mod running;
pub mod samples;

use std::path::{Path, PathBuf};

use vspec_elaborate::{Compiled, SourceInfo, World, compile};
use vspec_ir::Source;
use vspec_syntax::Diagnostic;

pub use planned::{
    direct, fused, fused_at, fused_in, fused_saving, fusing, in_blocks, planned, planned_at, saving,
};
pub use running::{Running, close};

/// A world without files and data sets: only the standard library can be used.
pub struct NoWorld;

impl World for NoWorld {
    fn read(&self, _: &Path) -> Result<String, String> {
        Err("no such file".to_string())
    }

    fn inspect(&self, _: &Source) -> Result<SourceInfo, String> {
        Err("no data folder was given".to_string())
    }
}

/// Compiles a text that uses the standard library at most.
pub fn compile_text(text: &str) -> Compiled {
    compile(&NoWorld, Path::new("test.vspec"), text, &[])
}

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Reads a file of the project.
pub fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every `.vspec` file below a folder of the project, sorted.
pub fn vspec_files(folder: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    collect(&root().join(folder), &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "vspec") {
            found.push(path);
        }
    }
}

/// Diagnostics in the form that suites compare: code, place, the text there, message, hint.
pub fn plain(compiled: &Compiled) -> String {
    compiled.diagnostics.iter().map(|d| plain_one(compiled, d)).collect()
}

fn plain_one(compiled: &Compiled, d: &Diagnostic) -> String {
    let sources = &compiled.sources;
    let (line, column) = sources.line_column(d.primary.span.file, d.primary.span.start);
    let mut out = format!("{} {line}:{column} `{}` {}\n", d.code, sources.slice(d.primary.span), d.message);
    for label in &d.secondary {
        out += &format!("  `{}` {}\n", sources.slice(label.span), label.text);
    }
    if let Some(note) = &d.note {
        out += &format!("  note: {note}\n");
    }
    if let Some(hint) = &d.hint {
        out += &format!("  hint: {hint}\n");
    }
    out
}

/// Panics with the diagnostics when there is one, warnings included.
pub fn assert_clean(compiled: &Compiled, what: &str) {
    assert!(compiled.diagnostics.is_empty(), "{what}:\n{}", plain(compiled));
}
