//! From characters to tokens.

use std::fmt;

use super::ParseError;

/// A piece of text that the parser looks at as one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    /// `graph`, `B`, `layer1.0.conv1`
    Word(&'a str),
    /// `12`, `0.5`, `1e-7`; never signed.
    Number(&'a str),
    /// `"any text"`, without quotes and escapes.
    Quoted(String),
    /// `%attention.1`, without the percent sign.
    Label(&'a str),
    /// `(`, `==`, `//`
    Sign(&'static str),
    /// The end of a line.
    Newline,
    /// The end of the text.
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(w) | Token::Number(w) => write!(f, "`{w}`"),
            Token::Quoted(text) => write!(f, "{text:?}"),
            Token::Label(label) => write!(f, "`%{label}`"),
            Token::Sign(sign) => write!(f, "`{sign}`"),
            Token::Newline => write!(f, "the end of the line"),
            Token::End => write!(f, "the end of the text"),
        }
    }
}

/// A token and the place where it starts, both from 1.
#[derive(Debug, Clone)]
pub(super) struct Placed<'a> {
    pub(super) token: Token<'a>,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Longer signs come before their beginnings.
const SIGNS: &[&str] = &[
    "//", "==", "!=", "<=", "..", "(", ")", "[", "]", "{", "}", ",", "=", ":", "+", "-", "*", "%", "^", "@",
    "<", ">",
];

/// All tokens of a text; the last one is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Placed<'_>>, ParseError> {
    let mut lexer = Lexer { rest: text, line: 1, column: 1, after_space: true };
    let mut out = vec![];
    loop {
        lexer.skip_blanks();
        let (line, column) = (lexer.line, lexer.column);
        let token = lexer.token()?;
        let end = token == Token::End;
        out.push(Placed { token, line, column });
        if end {
            return Ok(out);
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
    /// Whether the next character starts a line or follows a blank, so that `//` is a comment there.
    after_space: bool,
}

impl<'a> Lexer<'a> {
    fn skip_blanks(&mut self) {
        loop {
            let blanks = self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\r']).len();
            self.after_space |= blanks > 0;
            self.take(blanks);
            if !(self.after_space && self.rest.starts_with("//")) {
                return;
            }
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
    }

    fn token(&mut self) -> Result<Token<'a>, ParseError> {
        self.after_space = false;
        let Some(first) = self.rest.chars().next() else { return Ok(Token::End) };
        match first {
            '\n' => Ok(self.newline()),
            '"' => self.quoted(),
            '%' if self.rest[1..].starts_with(is_word_char) => Ok(self.label()),
            c if c.is_ascii_digit() => Ok(Token::Number(self.take(number_length(self.rest)))),
            c if is_word_char(c) => Ok(Token::Word(self.take(word_length(self.rest)))),
            _ => self.sign(),
        }
    }

    fn newline(&mut self) -> Token<'a> {
        self.take(1);
        (self.line, self.column, self.after_space) = (self.line + 1, 1, true);
        Token::Newline
    }

    fn label(&mut self) -> Token<'a> {
        self.take(1);
        Token::Label(self.take(word_length(self.rest)))
    }

    fn sign(&mut self) -> Result<Token<'a>, ParseError> {
        match SIGNS.iter().find(|s| self.rest.starts_with(**s)) {
            Some(sign) => {
                self.take(sign.len());
                Ok(Token::Sign(sign))
            }
            None => Err(self.error("this character has no meaning here")),
        }
    }

    fn quoted(&mut self) -> Result<Token<'a>, ParseError> {
        let start = self.error("the text in quotes does not end on this line");
        self.take(1);
        let mut text = String::new();
        loop {
            match self.rest.chars().next() {
                Some('"') => {
                    self.take(1);
                    return Ok(Token::Quoted(text));
                }
                Some('\\') => text.push(self.escape()?),
                None | Some('\n') => return Err(start),
                Some(c) => {
                    self.take(c.len_utf8());
                    text.push(c);
                }
            }
        }
    }

    /// The escapes that Rust's `{:?}` writes.
    fn escape(&mut self) -> Result<char, ParseError> {
        let error = self.error("this escape does not exist");
        self.take(1);
        let Some(kind) = self.rest.chars().next() else { return Err(error) };
        self.take(kind.len_utf8());
        match kind {
            'n' => Ok('\n'),
            't' => Ok('\t'),
            'r' => Ok('\r'),
            '0' => Ok('\0'),
            '"' | '\'' | '\\' => Ok(kind),
            'u' => self.code_point().ok_or(error),
            _ => Err(error),
        }
    }

    /// `{1f600}`
    fn code_point(&mut self) -> Option<char> {
        let digits = self.rest.strip_prefix('{')?.split_once('}')?.0;
        let c = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
        self.take(digits.len() + 2);
        Some(c)
    }

    /// Consumes some bytes of the line.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        self.column += taken.chars().count();
        taken
    }

    fn error(&self, message: &str) -> ParseError {
        ParseError { line: self.line, column: self.column, message: message.to_string() }
    }
}

fn is_word_char(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Whether a name can be written without quotes.
pub(super) fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| is_word_char(c) && !c.is_ascii_digit()) && word_length(name) == name.len()
}

/// Bytes of the word at the start: letters, digits and `_`, with dots between them.
fn word_length(text: &str) -> usize {
    let mut length = 0;
    loop {
        let rest = &text[length..];
        length += rest.len() - rest.trim_start_matches(is_word_char).len();
        match text[length..].strip_prefix('.') {
            Some(more) if more.starts_with(is_word_char) => length += 1,
            _ => return length,
        }
    }
}

/// Bytes of the number at the start: digits, an optional fraction and an optional exponent.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| {
        text[from..].len() - text[from..].trim_start_matches(|c: char| c.is_ascii_digit()).len()
    };
    let mut length = digits(0);
    if text[length..].starts_with('.') && digits(length + 1) > 0 {
        length += 1 + digits(length + 1);
    }
    if text[length..].starts_with(['e', 'E']) {
        let sign = usize::from(text[length + 1..].starts_with(['+', '-']));
        let exponent = digits(length + 1 + sign);
        length += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    length
}
