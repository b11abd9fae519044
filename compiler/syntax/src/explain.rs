//! Says what is wrong in the author's terms when the grammar rejects a text.

use pest::error::{Error, ErrorVariant, InputLocation};

use crate::grammar::Rule;
use crate::hints;
use crate::layout::ITEM_WORDS;
use crate::lexer::{Token, TokenKind};
use crate::{Diagnostic, FileId, Span, codes, did_you_mean};

/// A text with its tokens.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) file: FileId,
    pub(crate) text: &'a str,
    pub(crate) tokens: &'a [Token],
}

impl<'a> Place<'a> {
    /// Text of a token; empty past the end.
    pub(crate) fn word(&self, i: usize) -> &'a str {
        self.tokens.get(i).map_or("", |t| t.of(self.text))
    }

    /// Where a token stands.
    pub(crate) fn span(&self, i: usize) -> Span {
        self.tokens.get(i).map(|t| Span::new(self.file, t.start, t.end)).unwrap_or_default()
    }
}

/// What was found where the grammar gave up.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) place: Place<'a>,
    /// The token there, or the one after the line end there.
    pub(crate) token: usize,
    /// Whether it is the end of a line, or of the text.
    pub(crate) ended: Option<&'static str>,
}

impl<'a> Found<'a> {
    /// The text of the token that lies `back` tokens before the one found.
    pub(crate) fn before(&self, back: usize) -> &'a str {
        self.token.checked_sub(back).map_or("", |i| self.place.word(i))
    }

    /// The text of what was found; empty at the end of a line.
    pub(crate) fn text(&self) -> &'a str {
        if self.ended.is_some() { "" } else { self.place.word(self.token) }
    }

    fn span(&self) -> Span {
        if self.ended.is_none() {
            return self.place.span(self.token);
        }
        let end = self.token.checked_sub(1).map_or(0, |i| self.place.span(i).end as usize);
        // The line end, or at the end of the text the last character, so that there is something to underline.
        let start = if end < self.place.text.len() { end } else { end.saturating_sub(1) };
        Span::new(self.place.file, start, (start + 1).min(self.place.text.len()))
    }

    fn described(&self) -> String {
        match self.ended {
            Some(end) => end.to_owned(),
            None => format!("`{}`", clipped(self.text())),
        }
    }
}

/// Turns a rejection of `masked`, which starts at `base` of the file, into a message; also returns its offset in the file.
pub(crate) fn explain(
    place: Place<'_>,
    masked: &str,
    base: usize,
    error: &Error<Rule>,
) -> (Diagnostic, usize) {
    let local = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let offset = base + local;
    let token = place.tokens.partition_point(|t| t.end <= offset);
    let ended = match masked.as_bytes().get(local) {
        Some(b'\n') => Some("the end of the line"),
        Some(_) => None,
        None if place.tokens.get(token).is_some() => Some("the end of the item"),
        None => Some("the end of the text"),
    };
    let found = Found { place, token, ended };
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else {
        let error = Diagnostic::error(codes::TOO_DEEP, found.span(), "nested too deeply");
        return (error.hint("name parts of it with `let`"), offset);
    };
    let expected = expected(positives);
    (message(found, &expected).unwrap_or_else(|| plain(found, &expected)), offset)
}

/// A message of its own for mistakes with a known cause.
fn message(found: Found<'_>, expected: &[&'static str]) -> Option<Diagnostic> {
    let word = found.text();
    if expected.contains(&"a name") && hints::is_reserved(word) && word != "fn" {
        let error =
            Diagnostic::error(codes::UNEXPECTED, found.span(), format!("`{word}` is a reserved word"))
                .label("expected a name")
                .hint("choose another name");
        return Some(error);
    }
    None
}

fn plain(found: Found<'_>, expected: &[&'static str]) -> Diagnostic {
    let what = found.described();
    let message = match expected {
        [] => format!("unexpected {}", what.trim_start_matches("the ")),
        some => format!("expected {}, found {what}", listed(some)),
    };
    let mut error = Diagnostic::error(codes::UNEXPECTED, found.span(), message);
    error.hint = hints::hint(found, expected);
    error
}

/// Names for the rules that were tried, the telling ones only.
fn expected(positives: &[Rule]) -> Vec<&'static str> {
    let has = |rule| positives.contains(&rule);
    let after_operand = has(Rule::operator_ahead) || has(Rule::pipe);
    let at_statement = has(Rule::expr_statement);
    let at_operand = has(Rule::hole) && has(Rule::string);
    let hidden = |rule: Rule| match rule {
        Rule::name | Rule::string | Rule::lbrace if at_operand => true,
        // Any operand can go on with these, so that naming them says nothing.
        Rule::lparen | Rule::lbracket => after_operand || at_operand,
        Rule::dot | Rule::kw_with | Rule::field | Rule::call | Rule::index => after_operand,
        Rule::equals => after_operand && !has(Rule::type_expr),
        Rule::sep => has(Rule::rbrace) || has(Rule::EOI),
        Rule::lbrace | Rule::let_def | Rule::data_def => at_statement,
        Rule::paren | Rule::simple | Rule::changed => has(Rule::expr),
        Rule::eq => after_operand && has(Rule::comma),
        other => other.is_infix(),
    };
    let mut names: Vec<&'static str> = vec![];
    for rule in positives.iter().filter(|r| !hidden(**r)) {
        let name = match rule {
            Rule::rbrace if has(Rule::sep) && after_operand => Some("the end of the statement"),
            Rule::hole if at_operand => Some("an expression"),
            rule => rule.described(),
        };
        if let Some(name) = name.filter(|n| !names.contains(n)) {
            names.push(name);
        }
    }
    names.truncate(5);
    names
}

/// `a`, `a or b`, `a, b or c`
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn clipped(text: &str) -> String {
    let short: String = text.chars().take(30).collect();
    if short.len() < text.len() { format!("{short}..") } else { short }
}

/// An item whose first word starts no item.
pub(crate) fn unknown_item(place: Place<'_>, token: usize) -> Diagnostic {
    let word = place.word(token);
    let is_word = place.tokens.get(token).is_some_and(|t| t.kind == TokenKind::Word);
    let message = format!("expected an item, found `{}`", clipped(word));
    let error = Diagnostic::error(codes::UNKNOWN_ITEM, place.span(token), message);
    if let Some(known) = did_you_mean(word, ITEM_WORDS).filter(|_| is_word) {
        return error.hint(format!("did you mean `{known}`?"));
    }
    match hints::foreign_item(word) {
        Some(hint) => error.hint(hint),
        None => error.hint(format!("items start with `{}`", ITEM_WORDS.join("`, `"))),
    }
}
