//! Places as editors count them: lines, and columns in UTF-16 code units.

use lsp_types::{Position, Range};
use vspec_syntax::Span;

/// The position of a byte; one inside a character counts as its start.
pub(super) fn position(text: &str, byte: usize) -> Position {
    let byte = (0..=byte.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let before = &text[..byte];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let line = before.matches('\n').count();
    let character: usize = before[line_start..].chars().map(char::len_utf16).sum();
    Position { line: line as u32, character: character as u32 }
}

/// The byte of a position. A column beyond the end of its line is the line's end, a line beyond the text the text's end.
pub(super) fn byte(text: &str, position: Position) -> usize {
    let mut start = 0;
    for _ in 0..position.line {
        match text[start..].find('\n') {
            Some(end) => start += end + 1,
            None => return text.len(),
        }
    }
    let mut left = position.character as usize;
    for (i, c) in text[start..].char_indices() {
        if left < c.len_utf16() || c == '\n' {
            return start + i;
        }
        left -= c.len_utf16();
    }
    text.len()
}

/// The range of a span of this text.
pub(super) fn range(text: &str, span: Span) -> Range {
    Range { start: position(text, span.start as usize), end: position(text, span.end as usize) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a é𝄞b\n\nlast";

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn columns_are_utf16_code_units() {
        assert_eq!(position(TEXT, TEXT.find('b').unwrap_or(0)), at(0, 5));
        assert_eq!(byte(TEXT, at(0, 5)), TEXT.find('b').unwrap_or(0));
        assert_eq!(byte(TEXT, at(0, 4)), TEXT.find('𝄞').unwrap_or(0));
    }

    #[test]
    fn places_outside_the_text_are_its_nearest() {
        assert_eq!(position(TEXT, 999), at(2, 4));
        assert_eq!(byte(TEXT, at(0, 99)), TEXT.find('\n').unwrap_or(0));
        assert_eq!(byte(TEXT, at(9, 0)), TEXT.len());
        assert_eq!(byte("", at(0, 7)), 0);
    }

    #[test]
    fn every_byte_of_a_character_boundary_survives() {
        for (i, _) in TEXT.char_indices() {
            assert_eq!(byte(TEXT, position(TEXT, i)), i);
        }
    }
}
