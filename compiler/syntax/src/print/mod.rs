//! Writes trees as text: the canonical form of a file with its comments, or a tree that has no text.
//!
//! With a source the printer keeps what the tree does not hold: comments, blank lines, parentheses, the spelling of
//! numbers and whether a short block stands on one line. Without one it chooses a form that reads back as the same tree.

mod branches;
mod comments;
mod doc;
mod experiment;
mod expression;
mod item;
mod operators;
mod rule;
mod statement;
mod types;

use std::cell::Cell;

use crate::ast::{Expr, File};
use crate::layout::lay_out;
use crate::lexer::{Comment, tokenize};
use crate::{Diagnostic, FileId, Span, parse};
use doc::{Doc, group, indent, join, render, text};

/// Writes a file in canonical form: two spaces of indentation, at most 110 columns, every comment kept.
///
/// Formatting twice gives the same text, and the result reads as the same tree.
///
/// # Errors
/// Every syntax error, when there is one; such a text is left alone.
pub fn format(file: FileId, source: &str) -> Result<String, Vec<Diagnostic>> {
    let (tree, diagnostics) = parse(file, source);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(diagnostics);
    }
    let tokens = tokenize(file, source);
    let brackets = lay_out(file, source, &tokens).brackets;
    let mut by_close: Vec<(usize, usize)> = brackets.iter().map(|(open, close)| (*close, *open)).collect();
    by_close.sort_unstable();
    let source = Text { text: source, comments: tokens.comments, brackets, by_close };
    Ok(Printer { source: Some(source), next_comment: Cell::new(0) }.whole_file(&tree))
}

/// Writes a tree as a file, with its doc comments but, as it has none, without other comments.
pub fn print_file(file: &File) -> String {
    Printer::bare().whole_file(file)
}

/// Writes an expression, on one line if it fits.
pub fn print_expr(expr: &Expr) -> String {
    render(&Printer::bare().expr(expr))
}

/// The text that a tree comes from.
struct Text<'t> {
    text: &'t str,
    comments: Vec<Comment>,
    /// Opening and closing offsets, by opening offset.
    brackets: Vec<(usize, usize)>,
    /// Closing and opening offsets, by closing offset.
    by_close: Vec<(usize, usize)>,
}

struct Printer<'t> {
    source: Option<Text<'t>>,
    /// First comment that has not been written.
    next_comment: Cell<usize>,
}

impl<'t> Printer<'t> {
    fn bare() -> Self {
        Printer { source: None, next_comment: Cell::new(0) }
    }

    fn whole_file(&self, file: &File) -> String {
        let mut out = render(&self.file(file));
        if !out.is_empty() {
            out.push('\n');
        }
        out
    }

    /// The text of a span, if there is a source.
    fn slice(&self, span: Span) -> Option<&'t str> {
        self.source.as_ref()?.text.get(span.start as usize..span.end as usize)
    }

    /// The bracket that the one at offset `close` closes.
    fn opening(&self, close: usize) -> Option<usize> {
        let pairs = &self.source.as_ref()?.by_close;
        let found = pairs.binary_search_by_key(&close, |(close, _)| *close).ok()?;
        pairs.get(found).map(|(_, open)| *open)
    }

    /// Whether the author broke the line after the bracket at `open`.
    fn line_ends_behind(&self, open: usize) -> bool {
        let inner = self.source.as_ref().and_then(|s| s.text.get(open + 1..)).unwrap_or("");
        let line = inner.split('\n').next().unwrap_or("").trim_start();
        line.is_empty() || line.starts_with("//")
    }
}

/// `open a, b, c close` with one element a line when broken.
fn bracketed(open: &str, elements: Vec<Doc>, close: &str) -> Doc {
    listed((open, close), elements, Doc::Soft, vec![])
}

/// `{ a, b }`
fn braced(elements: Vec<Doc>) -> Doc {
    listed(("{", "}"), elements, Doc::Line, vec![])
}

/// `edge` stands inside each bracket, `last` are comments after the last element.
fn listed(brackets: (&str, &str), elements: Vec<Doc>, edge: Doc, last: Vec<Doc>) -> Doc {
    if elements.is_empty() && last.is_empty() {
        return text(format!("{}{}", brackets.0, brackets.1));
    }
    let mut inner = vec![edge.clone()];
    if !elements.is_empty() {
        inner.extend(join(elements, &[text(","), Doc::Line]));
        inner.push(Doc::Choice(",", ""));
    }
    inner.extend(last);
    group(vec![text(brackets.0), indent(inner), edge, text(brackets.1)])
}

/// `/// line` for each line, each ended.
fn doc_lines(mark: &str, lines: Option<&String>) -> Vec<Doc> {
    let Some(lines) = lines else { return vec![] };
    lines.split('\n').flat_map(|l| [text(format!("{mark} {l}").trim_end()), Doc::Hard]).collect()
}
