//! A place in the tokens, and the smallest things to read there.

use super::ParseError;
use super::lexer::{Placed, Token, tokens};

/// Brackets within brackets in a size. Real ones have a handful; the limit keeps the parser's stack small on any text.
const MAX_NESTING: usize = 64;

pub(super) struct Cursor<'a> {
    tokens: Vec<Placed<'a>>,
    at: usize,
    nesting: usize,
}

/// A place in the text to complain about later.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    line: usize,
    column: usize,
}

impl Place {
    pub(super) fn error(self, message: impl Into<String>) -> ParseError {
        ParseError { line: self.line, column: self.column, message: message.into() }
    }
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, ParseError> {
        Ok(Cursor { tokens: tokens(text)?, at: 0, nesting: 0 })
    }

    pub(super) fn peek(&self) -> &Token<'a> {
        &self.tokens[self.at].token
    }

    /// The token after the next one.
    pub(super) fn peek_second(&self) -> &Token<'a> {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)].token
    }

    /// Takes a token; the end is never passed.
    pub(super) fn next(&mut self) -> Token<'a> {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    pub(super) fn place(&self) -> Place {
        let Placed { line, column, .. } = self.tokens[self.at];
        Place { line, column }
    }

    /// The error that something else was expected here.
    pub(super) fn expected<T>(&self, what: &str) -> Result<T, ParseError> {
        Err(self.place().error(format!("expected {what}, found {}", self.peek())))
    }

    pub(super) fn accept(&mut self, sign: &'static str) -> bool {
        let found = *self.peek() == Token::Sign(sign);
        if found {
            self.next();
        }
        found
    }

    pub(super) fn expect(&mut self, sign: &'static str) -> Result<(), ParseError> {
        if self.accept(sign) { Ok(()) } else { self.expected(&format!("`{sign}`")) }
    }

    pub(super) fn accept_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(w) if *w == word);
        if found {
            self.next();
        }
        found
    }

    pub(super) fn word(&mut self, what: &str) -> Result<&'a str, ParseError> {
        let Token::Word(word) = *self.peek() else { return self.expected(what) };
        self.next();
        Ok(word)
    }

    pub(super) fn label(&mut self) -> Result<&'a str, ParseError> {
        let Token::Label(label) = *self.peek() else { return self.expected("a value such as `%0`") };
        self.next();
        Ok(label)
    }

    /// A word, or any text in quotes.
    pub(super) fn name(&mut self, what: &str) -> Result<String, ParseError> {
        match self.peek() {
            Token::Word(_) | Token::Quoted(_) => Ok(match self.next() {
                Token::Quoted(text) => text,
                Token::Word(word) => word.to_string(),
                _ => String::new(),
            }),
            _ => self.expected(what),
        }
    }

    pub(super) fn quoted(&mut self) -> Result<String, ParseError> {
        match self.peek() {
            Token::Quoted(_) => self.name("text in quotes"),
            _ => self.expected("text in quotes"),
        }
    }

    /// Digits without a sign that fit the type.
    pub(super) fn natural<T: std::str::FromStr>(&mut self) -> Result<T, ParseError> {
        let Token::Number(digits) = *self.peek() else { return self.expected("a whole number") };
        let Ok(value) = digits.parse() else {
            return Err(self.place().error(format!("`{digits}` is out of range")));
        };
        self.next();
        Ok(value)
    }

    pub(super) fn int(&mut self) -> Result<i64, ParseError> {
        let place = self.place();
        let minus = if self.accept("-") { "-" } else { "" };
        let Token::Number(digits) = *self.peek() else { return self.expected("a whole number") };
        let text = format!("{minus}{digits}");
        let value =
            text.parse().map_err(|_| place.error(format!("`{text}` is not a whole number of 64 bits")))?;
        self.next();
        Ok(value)
    }

    pub(super) fn float(&mut self) -> Result<f64, ParseError> {
        let minus = self.accept("-");
        let value = match *self.peek() {
            Token::Number(digits) => digits.parse().ok(),
            Token::Word("inf") => Some(f64::INFINITY),
            Token::Word("nan") => Some(f64::NAN),
            _ => None,
        };
        let Some(value) = value else { return self.expected("a number") };
        self.next();
        Ok(if minus { -value } else { value })
    }

    /// Items in brackets, separated by commas.
    pub(super) fn list<T>(
        &mut self,
        [open, close]: [&'static str; 2],
        mut item: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        self.expect(open)?;
        let mut items = vec![];
        while !self.accept(close) {
            if !items.is_empty() {
                self.expect(",")?;
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Reads something in brackets, unless brackets are nested too deep.
    pub(super) fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if self.nesting == MAX_NESTING {
            return Err(self.place().error("brackets are nested too deep"));
        }
        self.nesting += 1;
        let value = inner(self)?;
        self.nesting -= 1;
        Ok(value)
    }

    pub(super) fn skip_newlines(&mut self) {
        while *self.peek() == Token::Newline {
            self.next();
        }
    }

    /// The end of a statement.
    pub(super) fn end_of_line(&mut self) -> Result<(), ParseError> {
        match self.peek() {
            Token::Newline | Token::End => {
                self.next();
                Ok(())
            }
            _ => self.expected("the end of the line"),
        }
    }

    pub(super) fn end_of_text(&mut self) -> Result<(), ParseError> {
        self.skip_newlines();
        if *self.peek() == Token::End { Ok(()) } else { self.expected("the end of the text") }
    }
}
