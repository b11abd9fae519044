//! What is known about one state of a document, and how its places carry over to a later state.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsp_types::{Location, Url};
use vspec_elaborate::{Index, SourceInfo, World, analyse};
use vspec_ir::Source;
use vspec_syntax::{Diagnostic, FileId, Sources, Span};

use super::cache::library_file;
use super::position;
use crate::package::Package;

/// The first code that is no syntax error.
const AFTER_SYNTAX: &str = "V0100";

/// What the compiler says about one state of a document.
pub(super) struct Analysis {
    pub(super) url: Url,
    pub(super) text: Arc<str>,
    pub(super) sources: Sources,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) index: Index,
    root: PathBuf,
}

impl Analysis {
    /// Analyses a document. Files that it uses are read from `open` where an editor has them open.
    pub(super) fn of(url: &Url, text: Arc<str>, open: &BTreeMap<PathBuf, Arc<str>>) -> Analysis {
        let path = url.to_file_path().ok();
        let data = std::env::var_os("VSPEC_DATA").map(PathBuf::from);
        let package = path.as_deref().map(|path| Package::of(path, data.as_deref()));
        let root = package.as_ref().map(|p| p.root().to_path_buf()).unwrap_or_default();
        let path = path.unwrap_or_else(|| PathBuf::from("untitled.vspec"));
        // Other files of the package use this one under its path below the root.
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        let name = real.strip_prefix(&root).unwrap_or(&real).to_path_buf();
        let (mut compiled, index) = analyse(&Workspace { package, open }, &name, &text);
        for test in &mut compiled.tests {
            compiled.diagnostics.append(&mut test.failures);
        }
        let (sources, diagnostics) = (compiled.sources, compiled.diagnostics);
        Analysis { url: url.clone(), text, sources, diagnostics, index, root }
    }

    /// Whether the whole text could be read.
    pub(super) fn is_whole(&self) -> bool {
        !self.diagnostics.iter().any(|d| d.is_error() && d.code < AFTER_SYNTAX)
    }

    /// The document that a file of the compilation is.
    pub(super) fn url_of(&self, file: FileId) -> Option<Url> {
        if file == FileId(0) {
            return Some(self.url.clone());
        }
        let name = &self.sources.get(file)?.name;
        let path = library_file(name).unwrap_or_else(|| self.root.join(&**name));
        Url::from_file_path(path).ok()
    }

    /// Whether a file belongs to the package rather than to the library.
    pub(super) fn is_own(&self, file: FileId) -> bool {
        self.sources.get(file).is_some_and(|source| !source.name.starts_with("std."))
    }

    /// A span as a place in a document.
    pub(super) fn location(&self, span: Span) -> Option<Location> {
        let text = &self.sources.get(span.file)?.text;
        Some(Location { uri: self.url_of(span.file)?, range: position::range(text, span) })
    }
}

/// The files that a document may use.
struct Workspace<'a> {
    package: Option<Package>,
    open: &'a BTreeMap<PathBuf, Arc<str>>,
}

impl World for Workspace<'_> {
    fn read(&self, path: &Path) -> Result<String, String> {
        let Some(package) = &self.package else { return Err("this document is not saved yet".to_string()) };
        let inside = package.inside(path)?;
        match self.open.get(&inside) {
            Some(text) => Ok(text.to_string()),
            None => package.read(path),
        }
    }

    fn inspect(&self, source: &Source) -> Result<SourceInfo, String> {
        match &self.package {
            Some(package) => package.inspect(source),
            None => Err("this document is not saved yet".to_string()),
        }
    }
}

/// The byte of `old` that a byte of `new` was, if it lies outside of what changed between them.
pub(super) fn carried(new: &str, old: &str, byte: usize) -> Option<usize> {
    let same = |(a, b): &(u8, u8)| a == b;
    let start = new.bytes().zip(old.bytes()).take_while(same).count();
    if byte < start {
        return Some(byte);
    }
    let most = new.len().min(old.len()) - start;
    let end = new.bytes().rev().zip(old.bytes().rev()).take_while(same).count().min(most);
    (byte >= new.len() - end).then(|| byte + old.len() - new.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_outside_a_change_carry_over() {
        let (old, new) = ("let a = f(x)\nlet b = 2\n", "let a = f(x, \nlet b = 2\n");
        assert_eq!(carried(new, old, 4), Some(4));
        assert_eq!(carried(new, old, new.find('b').unwrap_or(0)), old.find('b'));
        assert_eq!(carried(new, old, new.find(", ").unwrap_or(0)), None);
    }

    #[test]
    fn equal_texts_carry_everything_over() {
        assert_eq!((0..4).map(|i| carried("abc", "abc", i)).collect::<Vec<_>>(), [0, 1, 2, 3].map(Some));
        assert_eq!(carried("", "abc", 0), Some(3));
    }
}
