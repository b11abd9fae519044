//! Reads numbers and strings.

use std::sync::Arc;

use super::{Builder, Built};
use crate::ast::ExprKind;
use crate::grammar::Rule;
use crate::{Diagnostic, Span, codes};
use pest::iterators::Pair;

impl Builder<'_> {
    /// The text of an int, a float, a string or a bool.
    pub(super) fn literal(&self, pair: &Pair<'_, Rule>) -> Built<ExprKind> {
        let text = pair.as_str();
        Ok(match pair.as_rule() {
            Rule::int => ExprKind::Int(self.int(pair)?),
            Rule::float => ExprKind::Float(self.float(pair)?),
            Rule::string => ExprKind::Str(self.string(pair)?),
            _ => ExprKind::Bool(text == "true"),
        })
    }

    fn int(&self, pair: &Pair<'_, Rule>) -> Built<i64> {
        let digits = pair.as_str().replace('_', "");
        digits.parse().map_err(|_| self.bad_number(pair, "does not fit into an int of 64 bits"))
    }

    fn float(&self, pair: &Pair<'_, Rule>) -> Built<f64> {
        let digits = pair.as_str().replace('_', "");
        let value = digits.parse().ok().filter(|v: &f64| v.is_finite());
        let too_large = || self.bad_number(pair, "is too large for a float").hint("`inf` is infinity");
        value.ok_or_else(|| Box::new(too_large()))
    }

    fn bad_number(&self, pair: &Pair<'_, Rule>, why: &str) -> Box<Diagnostic> {
        let message = format!("`{}` {why}", shortened(pair.as_str()));
        Box::new(Diagnostic::error(codes::BAD_NUMBER, self.span(pair), message))
    }

    /// The meaning of a string in quotes.
    pub(super) fn string(&self, pair: &Pair<'_, Rule>) -> Built<Arc<str>> {
        let quoted = pair.as_str();
        let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')).unwrap_or(quoted);
        if !inner.contains('\\') {
            return Ok(inner.into());
        }
        let mut out = String::with_capacity(inner.len());
        let mut chars = inner.char_indices();
        while let Some((at, c)) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            let escaped = chars.next().map_or('\\', |(_, e)| e);
            out.push(unescape(escaped).ok_or_else(|| self.bad_escape(pair, at + 1, escaped))?);
        }
        Ok(out.into())
    }

    /// `at` is the offset of the backslash from the opening quote.
    fn bad_escape(&self, pair: &Pair<'_, Rule>, at: usize, escaped: char) -> Box<Diagnostic> {
        let start = self.base + pair.as_span().start() + at;
        let span = Span::new(self.file, start, start + 1 + escaped.len_utf8());
        let message = format!("unknown escape `\\{}`", escaped.escape_debug());
        let hint = "write `\\\\` for a backslash; `\\n`, `\\t` and `\\\"` are the other escapes";
        Box::new(Diagnostic::error(codes::BAD_ESCAPE, span, message).hint(hint))
    }
}

fn unescape(escaped: char) -> Option<char> {
    Some(match escaped {
        'n' => '\n',
        't' => '\t',
        '"' | '\\' => escaped,
        _ => return None,
    })
}

fn shortened(text: &str) -> String {
    if text.len() > 40 { format!("{}..", text.get(..40).unwrap_or(text)) } else { text.to_owned() }
}
