//! From text to tree: the whole file item by item, or one expression, or one parameter list.

use pest::Parser;
use pest::iterators::Pair;

use crate::ast::{Expr, File, Item, Param};
use crate::build::{Builder, Built, Docs};
use crate::explain::{Place, explain, unknown_item};
use crate::grammar::{Grammar, Rule};
use crate::layout::{ITEM_WORDS, ItemText, Layout, lay_out, lay_out_part};
use crate::lexer::{CommentKind, Tokens, tokenize};
use crate::recover::blank_statement;
use crate::{Diagnostic, FileId, Span, codes};

/// Largest text that is read, in bytes.
pub const MAX_FILE_SIZE: usize = 4 << 20;

/// How many errors of one item are looked for.
const MAX_ITEM_ERRORS: usize = 10;
/// How many errors of one file are reported.
const MAX_ERRORS: usize = 100;

/// Reads a file: every item without errors, and everything that is wrong with the others, in the order of the text.
///
/// Never panics, whatever the text. The tree is at most some hundred levels deep.
pub fn parse(file: FileId, text: &str) -> (File, Vec<Diagnostic>) {
    if text.len() > MAX_FILE_SIZE {
        return (File::default(), vec![too_large(file, text)]);
    }
    let tokens = tokenize(file, text);
    let layout = lay_out(file, text, &tokens);
    let (doc, docs) = collect_docs(text, &tokens);
    let place = Place { file, text, tokens: &tokens.tokens };
    let mut out = File { doc, items: vec![] };
    let mut diagnostics = layout.diagnostics.clone();
    diagnostics.retain(|d| !swallowed(d, &tokens, text));
    diagnostics.extend(tokens.diagnostics.iter().cloned());
    for item in layout.items.iter().filter(|item| !item.broken) {
        if diagnostics.len() > MAX_ERRORS {
            break;
        }
        let mut reader = ItemReader { place, layout: &layout, docs: &docs, errors: vec![] };
        out.items.extend(reader.read(item));
        diagnostics.extend(reader.errors);
    }
    if diagnostics.is_empty() {
        diagnostics.extend(lost_docs(file, &tokens, &docs));
    }
    (out, in_order(diagnostics))
}

/// Reads one expression, such as the value of `--set a.b=VALUE`; its spans start at `offset` of `file`.
///
/// # Errors
/// The first thing that is wrong.
#[expect(
    clippy::result_large_err,
    reason = "a diagnostic is plain data everywhere; these are called a few times"
)]
pub fn parse_expr(file: FileId, text: &str, offset: usize) -> Result<Expr, Diagnostic> {
    let exprs = parse_part(Part { file, text, offset }, Rule::only_expr, |builder, pair| builder.expr(pair))?;
    let empty =
        || Diagnostic::error(codes::UNEXPECTED, Span::new(file, offset, offset), "expected an expression");
    exprs.into_iter().next().ok_or_else(empty)
}

/// Reads a parameter list without its parentheses: `x, axis: int = -1`.
///
/// # Errors
/// The first thing that is wrong.
#[expect(
    clippy::result_large_err,
    reason = "a diagnostic is plain data everywhere; these are called a few times"
)]
pub fn parse_params(file: FileId, text: &str) -> Result<Vec<Param>, Diagnostic> {
    parse_part(Part { file, text, offset: 0 }, Rule::only_params, |builder, pair| builder.param(pair))
}

/// A text that is not a file, and where its spans start.
#[derive(Clone, Copy)]
struct Part<'a> {
    file: FileId,
    text: &'a str,
    offset: usize,
}

#[expect(
    clippy::result_large_err,
    reason = "a diagnostic is plain data everywhere; these are called a few times"
)]
fn parse_part<T>(
    part: Part<'_>,
    rule: Rule,
    build: impl Fn(&Builder<'_>, Pair<'_, Rule>) -> Built<T>,
) -> Result<Vec<T>, Diagnostic> {
    let Part { file, text, offset } = part;
    if text.len() > MAX_FILE_SIZE {
        return Err(too_large(file, text));
    }
    let tokens = tokenize(file, text);
    let layout = lay_out_part(file, text, &tokens);
    if let Some(error) = tokens.diagnostics.first().or(layout.diagnostics.first()) {
        return Err(moved(error.clone(), offset));
    }
    let place = Place { file, text, tokens: &tokens.tokens };
    let pairs = Grammar::parse(rule, &layout.masked)
        .map_err(|e| moved(explain(place, layout.masked.trim_end(), 0, &e).0, offset))?;
    let docs = Docs::default();
    let builder = Builder::new(file, offset, &layout.masked, &docs);
    let parts = pairs.filter(|p| !p.as_rule().is_mark()).map(|p| build(&builder, p));
    parts.collect::<Built<_>>().map_err(|e| *e)
}

/// Whether a bracket is open only because a string that is not closed holds the rest of its line.
fn swallowed(error: &Diagnostic, tokens: &Tokens, text: &str) -> bool {
    let opener = error.primary.span.start as usize;
    let on_its_line = |string: usize| text.get(opener..string).is_some_and(|between| !between.contains('\n'));
    let strings = tokens.diagnostics.iter().filter(|d| d.code == codes::OPEN_STRING);
    let mut strings = strings.map(|d| d.primary.span.start as usize);
    error.code == codes::OPEN_BRACKET && strings.any(on_its_line)
}

fn moved(mut diagnostic: Diagnostic, by: usize) -> Diagnostic {
    let labels = std::iter::once(&mut diagnostic.primary).chain(&mut diagnostic.secondary);
    for label in labels {
        label.span.start = label.span.start.saturating_add(by as u32);
        label.span.end = label.span.end.saturating_add(by as u32);
    }
    diagnostic
}

/// Reads one item, statement by statement when it has errors.
struct ItemReader<'a> {
    place: Place<'a>,
    layout: &'a Layout,
    docs: &'a Docs,
    errors: Vec<Diagnostic>,
}

impl ItemReader<'_> {
    fn read(&mut self, item: &ItemText) -> Option<Item> {
        let first = self.place.tokens.get(item.tokens.start)?;
        let last = self.place.tokens.get(item.tokens.end.checked_sub(1)?)?;
        if !ITEM_WORDS.contains(&first.of(self.place.text)) {
            self.errors.push(unknown_item(self.place, item.tokens.start));
            return None;
        }
        let masked = self.layout.masked.get(first.start..last.end)?;
        if let Some(read) = self.attempt(masked, first.start) {
            return read;
        }
        self.recover(item, masked.to_owned(), first.start);
        None
    }

    /// The item, or nothing when the tree could not be built, or `None` when the grammar rejects the text.
    fn attempt(&mut self, masked: &str, base: usize) -> Option<Option<Item>> {
        let pairs = Grammar::parse(Rule::item, masked).ok()?;
        let builder = Builder::new(self.place.file, base, masked, self.docs);
        let pair = pairs.into_iter().find(|p| !p.as_rule().is_mark())?;
        match builder.item(pair) {
            Ok(item) => Some(Some(item)),
            Err(error) => {
                self.errors.push(*error);
                Some(None)
            }
        }
    }

    /// Reports one error after the other, each time without the statement of the last.
    fn recover(&mut self, item: &ItemText, mut masked: String, base: usize) {
        for _ in 0..MAX_ITEM_ERRORS {
            let Err(error) = Grammar::parse(Rule::item, &masked) else { return };
            let (diagnostic, offset) = explain(self.place, &masked, base, &error);
            let seen = self.errors.iter().any(|e| e.primary.span == diagnostic.primary.span);
            if seen {
                return;
            }
            self.errors.push(diagnostic);
            if !blank_statement(self.place, &mut masked, base, (item.tokens.start, offset)) {
                return;
            }
        }
    }
}

/// The text of the `//!` lines at the top, and that of the `///` lines by the token that follows them.
fn collect_docs(text: &str, tokens: &Tokens) -> (Option<String>, Docs) {
    let (mut file_doc, mut docs): (Option<String>, Docs) = (None, Docs::default());
    for comment in &tokens.comments {
        let next = tokens.index_at(comment.start);
        let line = text.get(comment.start + 3..comment.end).unwrap_or("");
        let line = line.strip_prefix(' ').unwrap_or(line);
        match (comment.kind, tokens.tokens.get(next)) {
            (CommentKind::FileDoc, _) if next == 0 => append(file_doc.get_or_insert_default(), line),
            (CommentKind::Doc, Some(token)) => match docs.texts.last_mut() {
                Some((at, doc)) if *at == token.start => append(doc, line),
                _ => docs.texts.push((token.start, line.to_owned())),
            },
            (CommentKind::FileDoc | CommentKind::Doc | CommentKind::Plain, _) => {}
        }
    }
    (file_doc, docs)
}

fn append(doc: &mut String, line: &str) {
    if !doc.is_empty() {
        doc.push('\n');
    }
    doc.push_str(line);
}

/// Warnings for doc comments that stand where nothing takes them.
fn lost_docs(file: FileId, tokens: &Tokens, docs: &Docs) -> Vec<Diagnostic> {
    let lost = docs.lost();
    let is_lost = |kind: CommentKind, next: usize| match (kind, tokens.tokens.get(next)) {
        (CommentKind::Doc, Some(token)) => lost.binary_search(&token.start).is_ok(),
        (CommentKind::Doc, None) => true,
        (CommentKind::FileDoc, _) => next > 0,
        (CommentKind::Plain, _) => false,
    };
    let mut out: Vec<Diagnostic> = vec![];
    let mut last = None;
    for comment in &tokens.comments {
        let next = tokens.index_at(comment.start);
        // Consecutive lines are one comment.
        if is_lost(comment.kind, next) && last != Some(next) {
            let span = Span::new(file, comment.start, comment.end);
            let warning = Diagnostic::warning(codes::LOST_DOC, span, "doc comment documents nothing")
                .hint("write `//` for an ordinary comment");
            out.push(warning);
            last = Some(next);
        }
    }
    out
}

fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|d| d.primary.span.start);
    if diagnostics.len() > MAX_ERRORS {
        diagnostics.truncate(MAX_ERRORS);
        if let Some(last) = diagnostics.last() {
            let message = format!("too many errors; only the first {MAX_ERRORS} are shown");
            diagnostics.push(Diagnostic::error(codes::TOO_MANY, last.primary.span, message));
        }
    }
    diagnostics
}

fn too_large(file: FileId, text: &str) -> Diagnostic {
    let message = format!("the text has {} bytes, more than {MAX_FILE_SIZE}", text.len());
    Diagnostic::error(codes::TOO_LARGE, Span::new(file, 0, 0), message)
        .hint("numbers in bulk belong in a data set or a checkpoint")
}
