//! Blanks the statement with an error, so that the rest of its item can still be checked.

use crate::explain::Place;
use crate::lexer::TokenKind;

/// Replaces the statement, member or phase around `offset` by blanks in `masked`, which starts at `base` of the file.
///
/// Returns whether there was one: an error in the head of an item has none. `first` is the item's first token.
pub(crate) fn blank_statement(
    place: Place<'_>,
    masked: &mut String,
    base: usize,
    error: (usize, usize),
) -> bool {
    let (first, offset) = error;
    let at_line_end = masked.as_bytes().get(offset - base) == Some(&b'\n');
    let mut anchor = place.tokens.partition_point(|t| t.end <= offset);
    let closes = place.tokens.get(anchor).is_none_or(|t| t.kind == TokenKind::Close);
    if at_line_end || closes {
        anchor = anchor.saturating_sub(1);
    }
    let Some(open) = enclosing_block(place, first, anchor) else { return false };
    if open >= anchor {
        return false;
    }
    let (start, end) = statement_around(place, masked, base, (open, anchor));
    let (Some(start), Some(end)) = (place.tokens.get(start), place.tokens.get(end)) else { return false };
    // The separator goes too, since none may stand before the first statement.
    let to = (end.end - base + 1).min(masked.len());
    let to = if separates(masked, end.end - base) { to } else { to - 1 };
    blank(masked, start.start - base, to)
}

fn blank(masked: &mut String, from: usize, to: usize) -> bool {
    let Some(text) = masked.get(from..to) else { return false };
    if text.trim().is_empty() {
        return false;
    }
    masked.replace_range(from..to, &" ".repeat(to - from));
    true
}

/// The innermost brace of a block around token `anchor`; braces of records and patterns do not count.
fn enclosing_block(place: Place<'_>, first: usize, anchor: usize) -> Option<usize> {
    let mut depth = 0usize;
    for i in (first..=anchor).rev() {
        match place.tokens.get(i)?.kind {
            TokenKind::Close => depth += 1,
            TokenKind::Open if i == anchor => {}
            TokenKind::Open if depth > 0 => depth -= 1,
            TokenKind::Open if opens_block(place, i) => return Some(i),
            TokenKind::Open | TokenKind::Word | TokenKind::Number | TokenKind::Text | TokenKind::Punct => {}
        }
    }
    None
}

fn opens_block(place: Place<'_>, i: usize) -> bool {
    let before = i.checked_sub(1).and_then(|b| place.tokens.get(b));
    place.word(i) == "{" && before.is_some_and(|t| !matches!(t.kind, TokenKind::Punct | TokenKind::Open))
}

/// First and last token of the statement of the block at `open` that holds `anchor`.
fn statement_around(
    place: Place<'_>,
    masked: &str,
    base: usize,
    (open, anchor): (usize, usize),
) -> (usize, usize) {
    let (mut start, mut depth) = (open + 1, 0usize);
    for (i, token) in place.tokens.iter().enumerate().skip(open + 1) {
        match token.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close if depth == 0 => return (start, i - 1),
            TokenKind::Close => depth -= 1,
            TokenKind::Word | TokenKind::Number | TokenKind::Text | TokenKind::Punct => {}
        }
        if depth == 0 && (separates(masked, token.end - base) || place.word(i) == ";") {
            if i >= anchor {
                return (start, i);
            }
            start = i + 1;
        }
    }
    (start, anchor)
}

fn separates(masked: &str, at: usize) -> bool {
    masked.as_bytes().get(at) == Some(&b'\n')
}
