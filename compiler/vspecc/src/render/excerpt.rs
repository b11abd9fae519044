//! The text that a message shows. A line of thousands of characters is cut around the place that matters.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use vspec_syntax::{FileId, Sources, Span};

/// Lines longer than this are cut.
const LONG_LINE: usize = 240;
/// Bytes that are kept on either side of the place in a long line.
const AROUND: usize = 60;

/// A source text, or one piece of a long line of it.
#[derive(Debug)]
pub(super) struct Excerpt {
    name: String,
    text: String,
    /// Where the piece begins: bytes, lines and columns before it.
    start: usize,
    line: usize,
    column: usize,
}

impl Excerpt {
    /// The file, or, when the primary place lies in a very long line, the part of that line around it.
    pub(super) fn of(file: FileId, sources: &Sources, primary: Span) -> Excerpt {
        let Some(source) = sources.get(file) else {
            return Excerpt { name: String::new(), text: String::new(), start: 0, line: 0, column: 0 };
        };
        let (name, text) = (source.name.to_string(), &*source.text);
        let at = boundary(text, primary.start as usize);
        let line_start = text[..at].rfind('\n').map_or(0, |i| i + 1);
        let line_end = text[at..].find('\n').map_or(text.len(), |i| at + i);
        if line_end - line_start <= LONG_LINE {
            return Excerpt { name, text: text.to_string(), start: 0, line: 0, column: 0 };
        }
        let start = boundary(text, at.saturating_sub(AROUND)).max(line_start);
        let end = boundary(text, at + AROUND).min(line_end);
        let line = text[..start].matches('\n').count();
        let column = text[line_start..start].chars().count();
        Excerpt { name, text: text[start..end].to_string(), start, line, column }
    }

    /// A place of the file as a place of the excerpt, as much of it as is in there.
    pub(super) fn place(&self, span: Span) -> Option<SourceSpan> {
        let start = (span.start as usize).checked_sub(self.start).filter(|s| *s <= self.text.len())?;
        let end = (span.end as usize).saturating_sub(self.start).clamp(start, self.text.len());
        Some((start, end - start).into())
    }
}

/// The last character boundary at or before a byte.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.read_span(span, before, after)?;
        let column = if inner.line() == 0 { self.column + inner.column() } else { inner.column() };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            inner.data(),
            *inner.span(),
            self.line + inner.line(),
            column,
            inner.line_count(),
        )))
    }
}
