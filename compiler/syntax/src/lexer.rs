//! Cuts a text into tokens and comments, just finely enough to see lines, brackets and strings.
//!
//! The grammar reads the text again by its own rules; the tokens serve the layout, which decides what line ends mean,
//! the messages and the formatter. Whether `//` starts a comment or divides is decided here: it is a comment at
//! the start of a line, after at least two spaces (or a tab), and wherever no operand stands before it.

use crate::{Diagnostic, FileId, Span, codes};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A name or a keyword.
    Word,
    /// Starts with a digit.
    Number,
    /// A string with its quotes.
    Text,
    /// One of `( [ {`.
    Open,
    /// One of `) ] }`.
    Close,
    /// Any other punctuation.
    Punct,
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether it is the first token of its line.
    pub(crate) first: bool,
    /// Number of bytes before it on its line when it is the first; 0 is the left margin.
    pub(crate) indent: usize,
}

impl Token {
    /// The token's text in the file that it comes from.
    pub(crate) fn of<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start..self.end).unwrap_or("")
    }
}

/// What a comment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommentKind {
    /// `//`
    Plain,
    /// `///` on a line of its own.
    Doc,
    /// `//!` on a line of its own.
    FileDoc,
}

/// One comment, up to the end of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) kind: CommentKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether nothing but space stands before it on its line.
    pub(crate) own_line: bool,
}

/// Tokens and comments of a text, each in order.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) tokens: Vec<Token>,
    pub(crate) comments: Vec<Comment>,
    /// Unknown characters, open strings, malformed numbers.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Tokens {
    /// Index of the first token that ends after `offset`.
    pub(crate) fn index_at(&self, offset: usize) -> usize {
        self.tokens.partition_point(|t| t.end <= offset)
    }
}

/// Cuts `text` into tokens; total: whatever is no token is reported and skipped.
pub(crate) fn tokenize(file: FileId, text: &str) -> Tokens {
    let mut lexer =
        Lexer { file, text, bytes: text.as_bytes(), at: 0, line: 0, first: true, out: Tokens::default() };
    lexer.byte_order_mark();
    while lexer.at < lexer.bytes.len() {
        lexer.step();
    }
    lexer.out
}

struct Lexer<'t> {
    file: FileId,
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    /// Start of the current line.
    line: usize,
    first: bool,
    out: Tokens,
}

impl Lexer<'_> {
    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Some editors begin a file with a mark of its encoding; the first line starts behind it.
    fn byte_order_mark(&mut self) {
        if self.text.starts_with('\u{feff}') {
            self.at = '\u{feff}'.len_utf8();
            self.line = self.at;
        }
    }

    fn step(&mut self) {
        match self.byte(0) {
            b'\n' => self.new_line(),
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'/' if self.byte(1) == b'/' && self.starts_comment() => self.comment(),
            b'"' => self.string(),
            b'0'..=b'9' => self.number(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b'(' | b'[' | b'{' => self.push(TokenKind::Open, 1),
            b')' | b']' | b'}' => self.push(TokenKind::Close, 1),
            _ => self.punctuation(),
        }
    }

    fn new_line(&mut self) {
        self.at += 1;
        self.line = self.at;
        self.first = true;
    }

    fn push(&mut self, kind: TokenKind, len: usize) {
        let indent = self.at - self.line;
        self.out.tokens.push(Token { kind, start: self.at, end: self.at + len, first: self.first, indent });
        self.at += len;
        self.first = false;
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.out.diagnostics.push(diagnostic);
    }

    fn span(&self, len: usize) -> Span {
        Span::new(self.file, self.at, self.at + len)
    }

    fn starts_comment(&self) -> bool {
        let before = self.bytes.get(self.line..self.at).unwrap_or_default();
        let after_operand = self.out.tokens.last().is_some_and(|t| ends_operand(t, self.text));
        self.first || !after_operand || before.ends_with(b"  ") || before.ends_with(b"\t")
    }

    fn comment(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let line = rest.split(|b| *b == b'\n').next().unwrap_or_default();
        let kind = match line.get(2) {
            Some(b'/') if self.first && line.get(3) != Some(&b'/') => CommentKind::Doc,
            Some(b'!') if self.first => CommentKind::FileDoc,
            _ => CommentKind::Plain,
        };
        let end = self.at + line.trim_ascii_end().len();
        self.out.comments.push(Comment { kind, start: self.at, end, own_line: self.first });
        self.at += line.len();
    }

    fn string(&mut self) {
        let mut len = 1;
        loop {
            match self.byte(len) {
                b'"' => return self.push(TokenKind::Text, len + 1),
                b'\\' if !matches!(self.byte(len + 1), 0 | b'\n') => len += 2,
                b'\n' => break,
                0 if self.at + len >= self.bytes.len() => break,
                _ => len += 1,
            }
        }
        let error = Diagnostic::error(codes::OPEN_STRING, self.span(1), "string is not closed")
            .label("opened here")
            .hint("add a closing `\"` on the same line");
        self.report(error);
        self.push(TokenKind::Text, len.min(self.bytes.len() - self.at));
    }

    fn number(&mut self) {
        let mut len = self.digits(0);
        // After a dot digits are a field of a tuple, so that `t.0.1` is no float.
        let is_field = self.out.tokens.last().is_some_and(|t| t.end == self.at && t.of(self.text) == ".");
        if !is_field {
            len = self.fraction(len);
        }
        let suffix = self.word_len(len);
        if suffix > 0 {
            let span = self.span(len + suffix);
            let text = self.text.get(self.at..self.at + len + suffix).unwrap_or("");
            let error = Diagnostic::error(codes::BAD_NUMBER, span, format!("`{text}` is not a number"))
                .hint("numbers are written as `600_000`, `0.1` or `1e-4`; a name cannot start with a digit");
            self.report(error);
        }
        self.push(TokenKind::Number, len + suffix);
    }

    fn digits(&self, from: usize) -> usize {
        let mut len = from;
        while matches!(self.byte(len), b'0'..=b'9' | b'_') {
            len += 1;
        }
        len
    }

    /// Length of the number with its fraction and exponent.
    fn fraction(&self, mut len: usize) -> usize {
        if self.byte(len) == b'.' && self.byte(len + 1).is_ascii_digit() {
            len = self.digits(len + 1);
        }
        let sign = usize::from(matches!(self.byte(len + 1), b'+' | b'-'));
        if matches!(self.byte(len), b'e' | b'E') && self.byte(len + 1 + sign).is_ascii_digit() {
            len = self.digits(len + 1 + sign);
        }
        len
    }

    fn word_len(&self, from: usize) -> usize {
        let rest = self.bytes.get(self.at + from..).unwrap_or_default();
        rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count()
    }

    fn word(&mut self) {
        self.push(TokenKind::Word, self.word_len(0));
    }

    fn punctuation(&mut self) {
        const LONG: [&str; 9] = ["...", "|>", "->", "//", "==", "!=", "<=", ">=", ".."];
        const SHORT: &[u8] = b"+-*/%^<>=:,;.?";
        let rest = self.text.get(self.at..).unwrap_or("");
        if let Some(long) = LONG.iter().find(|p| rest.starts_with(**p)) {
            self.push(TokenKind::Punct, long.len());
        } else if SHORT.contains(&self.byte(0)) {
            self.push(TokenKind::Punct, 1);
        } else {
            self.unknown(rest.chars().next());
        }
    }

    fn unknown(&mut self, found: Option<char>) {
        let found = found.unwrap_or(' ');
        let span = self.span(found.len_utf8());
        let mut error = Diagnostic::error(
            codes::UNKNOWN_CHARACTER,
            span,
            format!("unknown character `{}`", found.escape_debug()),
        );
        error.hint = character_hint(found).map(str::to_owned);
        // A run such as `&&` is one mistake.
        let again = self
            .out
            .diagnostics
            .last()
            .is_some_and(|d| d.code == error.code && d.primary.span.end == span.start);
        match self.out.diagnostics.last_mut() {
            Some(last) if again => last.primary.span.end = span.end,
            _ => self.report(error),
        }
        self.at += found.len_utf8();
        self.first = false;
    }
}

fn character_hint(found: char) -> Option<&'static str> {
    Some(match found {
        '&' => "write `and`",
        '|' => "write `or`, or `|>` for a pipe",
        '!' => "write `not`",
        '@' => "write `matmul(a, b)`",
        '\'' | '`' | '“' | '”' => "strings have straight double quotes: `\"..\"`",
        '#' => "comments start with `//`",
        '−' | '–' => "write an ASCII minus, `-`",
        '×' => "write `*`",
        '\u{a0}' => "this is a no-break space; write an ordinary one",
        c if c.is_alphabetic() => "names consist of ASCII letters, digits and `_`",
        _ => return None,
    })
}

/// Whether an operand may end with this token, so that an operator or the end of a statement may follow.
pub(crate) fn ends_operand(token: &Token, text: &str) -> bool {
    match token.kind {
        TokenKind::Word => !matches!(
            token.of(text),
            "and" | "or" | "not" | "let" | "if" | "else" | "for" | "fold" | "with" | "fn" | "use"
        ),
        TokenKind::Number | TokenKind::Text | TokenKind::Close => true,
        TokenKind::Open => false,
        TokenKind::Punct => matches!(token.of(text), "?" | ".." | "..."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        tokenize(FileId(0), text).tokens.iter().map(|t| t.of(text)).collect()
    }

    fn comments(text: &str) -> Vec<&str> {
        tokenize(FileId(0), text).comments.iter().map(|c| &text[c.start..c.end]).collect()
    }

    #[test]
    fn single_spaces_divide_and_two_spaces_comment() {
        assert_eq!(words("a // b"), ["a", "//", "b"]);
        assert_eq!(words("a//b"), ["a", "//", "b"]);
        assert_eq!(comments("a  // b \nc\t// d\n  // e"), ["// b", "// d", "// e"]);
    }

    #[test]
    fn a_byte_order_mark_is_no_text_and_tokens_keep_their_places() {
        let out = tokenize(FileId(0), "\u{feff}let a = \u{feff}");
        let first = out.tokens[0];
        assert_eq!((first.start, first.end, first.first, first.indent), (3, 6, true, 0));
        // Elsewhere it is as unknown as any other character.
        assert_eq!(out.diagnostics.len(), 1);
        assert_eq!(out.diagnostics[0].primary.span.start, 11);
    }

    #[test]
    fn where_no_operand_stands_before_it_a_comment_starts() {
        assert_eq!(comments("f( // b\n a, // c\n)"), ["// b", "// c"]);
    }

    #[test]
    fn ranges_tuple_fields_and_floats_are_told_apart() {
        assert_eq!(words("0..n"), ["0", "..", "n"]);
        assert_eq!(words("t.0.1 + 0.1e-3"), ["t", ".", "0", ".", "1", "+", "0.1e-3"]);
    }

    #[test]
    fn comment_marks_inside_strings_are_text() {
        assert_eq!(words(r#""a  // \" b" c"#), [r#""a  // \" b""#, "c"]);
    }

    #[test]
    fn a_run_of_unknown_characters_is_one_message() {
        let out = tokenize(FileId(0), "a && b @ c");
        assert_eq!(out.diagnostics.len(), 2);
        assert_eq!(out.diagnostics[0].hint.as_deref(), Some("write `and`"));
    }
}
