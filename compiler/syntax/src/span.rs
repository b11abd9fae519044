//! Places in source text.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Index of a source file in the [`Sources`] of one compilation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(pub u32);

impl FileId {
    /// The first id of texts that are the same in every compilation; the files of one are numbered below.
    pub const FIRST_SHARED: FileId = FileId(1 << 31);
}

/// A half-open byte range of one source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The file that the range lies in.
    pub file: FileId,
    /// Byte offset of the first character.
    pub start: u32,
    /// Byte offset just past the last character.
    pub end: u32,
}

impl Span {
    /// A span from byte offsets.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        Span { file, start: start as u32, end: end as u32 }
    }

    /// The smallest span that covers `self` and `other`, which lie in the same file.
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether the range holds no character.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// One source text and the name that messages give it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path as the user wrote it, or `std.nn.conv` for the standard library.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

/// Every source text of one compilation; spans point into it.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
    /// Texts under ids of their own, those from [`FileId::FIRST_SHARED`] on.
    shared: BTreeMap<FileId, Source>,
}

impl Sources {
    /// Adds a text and returns the id that its spans carry.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        self.files.push(Source { name: name.into(), text: text.into() });
        FileId(self.files.len() as u32 - 1)
    }

    /// Adds a text under an id that it has in every compilation, so that its tree can be read once for all of them.
    pub fn add_shared(&mut self, id: FileId, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) {
        self.shared.insert(id, Source { name: name.into(), text: text.into() });
    }

    /// The source of a file, if the id belongs to this compilation.
    pub fn get(&self, file: FileId) -> Option<&Source> {
        match file < FileId::FIRST_SHARED {
            true => self.files.get(file.0 as usize),
            false => self.shared.get(&file),
        }
    }

    /// The text that a span covers, or the empty string when it points outside.
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.file).and_then(|s| s.text.get(span.start as usize..span.end as usize)).unwrap_or("")
    }

    /// One-based line and column (in characters) of a byte offset.
    pub fn line_column(&self, file: FileId, offset: u32) -> (usize, usize) {
        let Some(source) = self.get(file) else { return (0, 0) };
        let before = source.text.get(..offset as usize).unwrap_or(&source.text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let column = before.get(line_start..).map_or(0, |s| s.chars().count());
        (before.matches('\n').count() + 1, column + 1)
    }
}
