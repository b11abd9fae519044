//! Decides where statements and items end, before the grammar sees the text.
//!
//! The outcome is a *masked* text of the same length, in which comments are blank and a line end is left only where
//! it separates something: between two statements, two fields or two members inside `{ }`. Inside `( )` and `[ ]`, after
//! an operator and before an operator (but not before `-`, which may start a statement) line ends are blank as well.
//! So the grammar needs no notion of lines, and its byte offsets are those of the file.
//!
//! Brackets are matched here too, because an unclosed one must point at its opener, must not swallow the items
//! after it, and must be counted before any recursion follows it.

use std::ops::Range;

use crate::lexer::{Token, TokenKind, Tokens, ends_operand};
use crate::{Diagnostic, FileId, Span, codes};

/// Bounds brackets inside brackets, together with the `if` and `fold` that wait for their braces.
pub(crate) const MAX_BRACKETS: usize = 100;

/// Words that start a top-level item.
pub(crate) const ITEM_WORDS: [&str; 12] = [
    "use",
    "let",
    "record",
    "fn",
    "host",
    "module",
    "loss",
    "optimizer",
    "assign",
    "experiment",
    "entry",
    "test",
];

/// One top-level item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemText {
    /// Its tokens.
    pub(crate) tokens: Range<usize>,
    /// Whether its tokens or brackets are wrong, which has been reported.
    pub(crate) broken: bool,
}

/// The text as the grammar sees it.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// Same length as the text.
    pub(crate) masked: String,
    pub(crate) items: Vec<ItemText>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Offset of each opening bracket with the offset of its closing one, by opening offset.
    pub(crate) brackets: Vec<(usize, usize)>,
}

/// Lays out a whole file.
pub(crate) fn lay_out(file: FileId, text: &str, tokens: &Tokens) -> Layout {
    let mut layout = Scan::new(file, text, tokens, false).run();
    if !layout.diagnostics.is_empty() {
        // Only when brackets do not fit is a keyword at the left margin taken for the start of an item, whatever is open.
        layout = Scan::new(file, text, tokens, true).run();
    }
    layout.brackets.sort_unstable();
    let broken = |item: &ItemText| {
        let first = tokens.tokens.get(item.tokens.start).map_or(0, |t| t.start);
        let last = tokens.tokens.get(item.tokens.end.saturating_sub(1)).map_or(0, |t| t.end);
        let next = tokens.diagnostics.partition_point(|d| (d.primary.span.start as usize) < first);
        tokens.diagnostics.get(next).is_some_and(|d| d.primary.span.start as usize <= last)
    };
    layout.items.iter_mut().for_each(|item| item.broken |= broken(item));
    layout
}

/// Lays out a text that is one expression or one list: line ends count only inside braces.
pub(crate) fn lay_out_part(file: FileId, text: &str, tokens: &Tokens) -> Layout {
    let mut scan = Scan::new(file, text, tokens, false);
    scan.part = true;
    scan.run()
}

/// An open bracket.
struct Frame {
    token: usize,
    /// Indentation of the line that it stands on.
    indent: usize,
    /// `if` and `fold` directly inside whose brace has not come yet.
    waiting: usize,
}

struct Scan<'t> {
    file: FileId,
    text: &'t str,
    tokens: &'t [Token],
    restart: bool,
    part: bool,
    stack: Vec<Frame>,
    /// `if` and `fold` that wait for their brace, in all frames and outside them.
    waiting: usize,
    /// Those outside all brackets.
    outside: usize,
    indent: usize,
    masked: Vec<u8>,
    /// A closed pair whose indentation does not fit, in the current item: likely the place of a missing bracket.
    suspect: Option<usize>,
    layout: Layout,
}

impl<'t> Scan<'t> {
    fn new(file: FileId, text: &'t str, tokens: &'t Tokens, restart: bool) -> Self {
        Scan {
            file,
            text,
            tokens: &tokens.tokens,
            restart,
            part: false,
            stack: vec![],
            waiting: 0,
            outside: 0,
            indent: 0,
            masked: vec![b' '; text.len()],
            suspect: None,
            layout: Layout::default(),
        }
    }

    fn run(mut self) -> Layout {
        let tokens = self.tokens;
        for (i, token) in tokens.iter().enumerate() {
            if token.first {
                self.indent = token.indent;
            }
            self.before(i, token);
            if let (Some(to), Some(from)) = (
                self.masked.get_mut(token.start..token.end),
                self.text.as_bytes().get(token.start..token.end),
            ) {
                to.copy_from_slice(from);
            }
            match token.kind {
                TokenKind::Open => self.open(i),
                TokenKind::Close => self.close(i, token),
                TokenKind::Word if matches!(token.of(self.text), "if" | "fold") => self.wait(i),
                TokenKind::Word | TokenKind::Number | TokenKind::Text | TokenKind::Punct => {}
            }
        }
        self.finish()
    }

    fn finish(mut self) -> Layout {
        self.unclosed();
        if let Some(item) = self.layout.items.last_mut() {
            item.tokens.end = self.tokens.len();
        }
        // Only whole tokens were copied, so this never has to replace anything.
        self.layout.masked = String::from_utf8_lossy(&self.masked).into_owned();
        self.layout
    }

    /// Decides about the line end before a token, and whether an item starts with it.
    fn before(&mut self, i: usize, token: &Token) {
        let previous = i.checked_sub(1).and_then(|p| self.tokens.get(p));
        let Some(previous) = previous else { return self.begin(i) };
        let word = ITEM_WORDS.contains(&token.of(self.text));
        if self.part {
            self.separate(previous, token);
        } else if self.restart && word && token.first && token.indent == 0 {
            self.unclosed();
            self.begin(i);
        } else if self.stack.is_empty() && self.starts_item(previous, token, word) {
            self.begin(i);
        } else {
            self.separate(previous, token);
        }
    }

    fn starts_item(&self, previous: &Token, token: &Token, word: bool) -> bool {
        if !token.first {
            return previous.of(self.text) == ";";
        }
        let margin = token.indent == 0 && token.kind != TokenKind::Open && starts_statement(token, self.text);
        let ended = ends_operand(previous, self.text);
        (word && (token.indent == 0 || ended)) || (margin && ended)
    }

    fn begin(&mut self, i: usize) {
        if let Some(last) = self.layout.items.last_mut() {
            last.tokens.end = i;
        }
        self.suspect = None;
        (self.waiting, self.outside) = (0, 0);
        self.layout.items.push(ItemText { tokens: i..i, broken: false });
    }

    /// Keeps the line end where it separates.
    fn separate(&mut self, previous: &Token, token: &Token) {
        let inside = self.stack.last().and_then(|f| self.tokens.get(f.token)).map(|t| t.of(self.text));
        let counts = match inside {
            Some(bracket) => bracket == "{",
            None => !self.part && token.of(self.text) != "{",
        };
        if token.first && counts && ends_operand(previous, self.text) && starts_statement(token, self.text) {
            // Directly behind the token, so that an error at a line end points there and not past a comment.
            if let Some(byte) = self.masked.get_mut(previous.end) {
                *byte = b'\n';
            }
        }
    }

    fn open(&mut self, i: usize) {
        let brace = self.tokens.get(i).is_some_and(|t| t.of(self.text) == "{");
        let waiting = self.innermost();
        if brace && *waiting > 0 {
            *waiting -= 1;
            self.waiting -= 1;
        }
        self.stack.push(Frame { token: i, indent: self.indent, waiting: 0 });
        self.check_depth(i);
    }

    fn wait(&mut self, i: usize) {
        *self.innermost() += 1;
        self.waiting += 1;
        self.check_depth(i);
    }

    /// How many `if` and `fold` wait in the innermost bracket, or outside all of them.
    fn innermost(&mut self) -> &mut usize {
        self.stack.last_mut().map_or(&mut self.outside, |f| &mut f.waiting)
    }

    fn check_depth(&mut self, i: usize) {
        if self.stack.len() + self.waiting <= MAX_BRACKETS || self.item_broken() {
            return;
        }
        let error = Diagnostic::error(codes::TOO_DEEP, self.span(i), "nested too deeply")
            .label(format!("more than {MAX_BRACKETS} levels of brackets, `if` and `fold` are open here"))
            .hint("name parts of it with `let`, or move them into a function");
        self.report(error);
    }

    fn close(&mut self, i: usize, token: &Token) {
        let opener = match token.of(self.text) {
            ")" => "(",
            "]" => "[",
            _ => "{",
        };
        // An item with more open brackets is rejected anyway, and searching them all each time would be quadratic.
        let near = self.stack.len().saturating_sub(2 * MAX_BRACKETS);
        let opens = |f: &Frame| self.tokens.get(f.token).is_some_and(|t| t.of(self.text) == opener);
        let matching = self.stack.iter().skip(near).rposition(opens).map(|i| near + i);
        let Some(matching) = matching else { return self.stray(i) };
        if matching + 1 < self.stack.len() {
            self.report_open(Some(i));
        }
        let closed = self.stack.split_off(matching);
        self.waiting -= closed.iter().map(|f| f.waiting).sum::<usize>();
        let Some(frame) = closed.first() else { return };
        if token.first && token.indent != frame.indent && self.suspect.is_none() {
            self.suspect = Some(frame.token);
        }
        if let Some(open) = self.tokens.get(frame.token) {
            self.layout.brackets.push((open.start, token.start));
        }
    }

    fn stray(&mut self, i: usize) {
        let text = self.token_text(i);
        let error = Diagnostic::error(codes::STRAY_BRACKET, self.span(i), format!("`{text}` closes nothing"))
            .label("no bracket of this kind is open here");
        self.report(error);
    }

    /// Reports the brackets that are open although the item ends, and forgets them.
    fn unclosed(&mut self) {
        if !self.stack.is_empty() {
            self.report_open(None);
            self.stack.clear();
        }
    }

    /// Reports the innermost open bracket, which `closer` (or the end of the item) should have found closed.
    fn report_open(&mut self, closer: Option<usize>) {
        let Some(opener) = self.stack.last().map(|f| f.token) else { return };
        let text = self.token_text(opener);
        let mut error =
            Diagnostic::error(codes::OPEN_BRACKET, self.span(opener), format!("`{text}` is not closed"))
                .label("opened here");
        if let Some(closer) = closer {
            let found = self.token_text(closer);
            error =
                error.also(self.span(closer), format!("`{found}` comes first and closes another bracket"));
        } else if let Some(suspect) = self.suspect {
            let text = "the bracket that closes this one has another indentation; perhaps its own is missing";
            error = error.also(self.span(suspect), text);
        }
        self.report(error);
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        // One bracket error makes others in the same item, so that only the first says something.
        if !self.item_broken() {
            self.layout.diagnostics.push(diagnostic);
        }
        if let Some(item) = self.layout.items.last_mut() {
            item.broken = true;
        }
    }

    fn item_broken(&self) -> bool {
        self.layout.items.last().is_some_and(|item| item.broken)
    }

    fn token_text(&self, i: usize) -> &'t str {
        self.tokens.get(i).map_or("", |t| t.of(self.text))
    }

    fn span(&self, i: usize) -> Span {
        self.tokens.get(i).map(|t| Span::new(self.file, t.start, t.end)).unwrap_or_default()
    }
}

/// Whether a line that starts with this token may start a statement rather than continue the last one.
pub(crate) fn starts_statement(token: &Token, text: &str) -> bool {
    match token.kind {
        TokenKind::Word => !matches!(token.of(text), "and" | "or" | "else" | "with"),
        TokenKind::Number | TokenKind::Text | TokenKind::Open => true,
        TokenKind::Close => false,
        TokenKind::Punct => matches!(token.of(text), "-" | ".." | "..."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::tokenize;

    fn laid_out(text: &str) -> Layout {
        lay_out(FileId(0), text, &tokenize(FileId(0), text))
    }

    /// The masked text with the separating line ends made visible and runs of blanks made one.
    fn lines(text: &str) -> String {
        let masked = laid_out(text).masked.replace('\n', " ~ ");
        masked.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn operators_at_either_side_of_a_line_end_continue_the_line() {
        assert_eq!(lines("fn f() { x\n |> g\n + 1 -\n 2\n -3 }"), "fn f() { x |> g + 1 - 2 ~ -3 }");
        assert_eq!(
            lines("fn f() { if a { 1 }\n else { 2 }\n (b) }"),
            "fn f() { if a { 1 } else { 2 } ~ (b) }"
        );
    }

    #[test]
    fn parentheses_free_line_ends_and_braces_inside_them_do_not() {
        assert_eq!(
            lines("let a = f(\n-b\n[c], { d\n e\n\n f,\n g })"),
            "let a = f( -b [c], { d ~ e ~ f, g })"
        );
    }

    #[test]
    fn comments_are_blank_and_do_not_hide_line_ends() {
        assert_eq!(lines("fn f() {  // a\n x  // b { ( \n // c\n y }"), "fn f() { x ~ y }");
    }

    #[test]
    fn items_start_at_keywords_and_at_the_margin() {
        let layout = laid_out("use a.b\n  let c = 1\n  + 2\nfoo bar\nfn f()\n{ 1 }; test \"x\" { }");
        assert_eq!(layout.items.len(), 5);
    }

    #[test]
    fn an_unclosed_brace_costs_one_item_only() {
        let layout =
            laid_out("module A() {\n  f() { (1 }\n}\nlet a = 1\nmodule B() {\n  g() { 1 }\nlet b = 2");
        let broken: Vec<bool> = layout.items.iter().map(|i| i.broken).collect();
        assert_eq!(broken, [true, false, true, false]);
        assert_eq!(layout.diagnostics.len(), 2);
    }
}
