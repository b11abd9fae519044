//! From the text of a pattern to its axes.

use std::ops::Range;

use super::PatternError;

/// One place of a side: what a single axis of a tensor is called.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part<'p> {
    pub(super) kind: PartKind<'p>,
    /// Bytes of the pattern.
    pub(super) range: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum PartKind<'p> {
    /// `b`
    Name(&'p str),
    /// `1`
    Unit,
    /// `...`
    Ellipsis,
    /// `(s c)`: names, units and perhaps an ellipsis as one axis.
    Group(Vec<Part<'p>>),
}

/// A side of a pattern, or one operand of `einsum`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Side<'p> {
    pub(super) parts: Vec<Part<'p>>,
    pub(super) range: Range<usize>,
}

impl<'p> Side<'p> {
    /// All parts, those of groups in place of their group.
    pub(super) fn leaves(&self) -> impl Iterator<Item = &Part<'p>> {
        self.parts.iter().flat_map(|part| match &part.kind {
            PartKind::Group(inner) => inner.as_slice(),
            _ => std::slice::from_ref(part),
        })
    }

    /// Every name with its place.
    pub(super) fn names(&self) -> impl Iterator<Item = (&'p str, &Range<usize>)> {
        self.leaves().filter_map(|part| match part.kind {
            PartKind::Name(name) => Some((name, &part.range)),
            _ => None,
        })
    }

    /// A name or an ellipsis that stood in the side before, as an error.
    pub(super) fn check_once(&self) -> Result<(), PatternError> {
        let leaves: Vec<&Part<'p>> = self.leaves().filter(|p| p.kind != PartKind::Unit).collect();
        let again =
            leaves.iter().enumerate().find(|(i, part)| leaves[..*i].iter().any(|p| p.kind == part.kind));
        let Some((_, part)) = again else { return Ok(()) };
        let what = if let PartKind::Name(name) = part.kind { name } else { "..." };
        Err(PatternError::new(part.range.clone(), format!("`{what}` stands twice on one side")))
    }

    /// The ellipsis, wherever it stands.
    pub(super) fn ellipsis(&self) -> Option<&Part<'p>> {
        self.leaves().find(|part| part.kind == PartKind::Ellipsis)
    }
}

/// How the letters of a side are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// Names with spaces between: `batch head`.
    Words,
    /// Each letter is a name: `bh`.
    Letters,
}

/// The most names and units of a side; no tensor has as many axes.
const MAX_PARTS: usize = 64;

/// The two texts around the arrow, with the place where each starts.
pub(super) fn split_arrow(pattern: &str) -> Result<[(&str, usize); 2], PatternError> {
    let whole = 0..pattern.len();
    let Some((left, right)) = pattern.split_once("->") else {
        return Err(PatternError::new(whole, "the pattern has no `->`")
            .hint("write the axes of the input, `->`, and the axes of the result: `b c h w -> b (c h w)`"));
    };
    if let Some(second) = right.find("->") {
        let at = left.len() + 2 + second;
        return Err(PatternError::new(at..at + 2, "the pattern has a second `->`"));
    }
    Ok([(left, 0), (right, left.len() + 2)])
}

/// Reads one side, whose text starts at byte `offset` of the pattern.
pub(super) fn parse_side(text: &str, offset: usize, spelling: Spelling) -> Result<Side<'_>, PatternError> {
    let mut reader = Reader { text, offset, at: 0, spelling };
    let mut parts = vec![];
    let mut count = 0;
    while let Some(part) = reader.part()? {
        count += if let PartKind::Group(inner) = &part.kind { inner.len().max(1) } else { 1 };
        if count > MAX_PARTS {
            return Err(PatternError::new(part.range, format!("a pattern has at most {MAX_PARTS} axes")));
        }
        parts.push(part);
    }
    let start = offset + text.len() - text.trim_start().len();
    Ok(Side { parts, range: start..(offset + text.trim_end().len()).max(start) })
}

struct Reader<'p> {
    text: &'p str,
    offset: usize,
    /// Byte offset in the text.
    at: usize,
    spelling: Spelling,
}

impl<'p> Reader<'p> {
    fn rest(&self) -> &'p str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip_spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// A part of `len` bytes from here on.
    fn take(&mut self, len: usize, kind: PartKind<'p>) -> Part<'p> {
        let start = self.offset + self.at;
        self.at += len;
        Part { kind, range: start..start + len }
    }

    fn part(&mut self) -> Result<Option<Part<'p>>, PatternError> {
        self.skip_spaces();
        match self.rest().chars().next() {
            None => Ok(None),
            Some('(') => self.group().map(Some),
            Some(_) => self.leaf().map(Some),
        }
    }

    fn group(&mut self) -> Result<Part<'p>, PatternError> {
        let start = self.offset + self.at;
        self.at += 1;
        let mut inner = vec![];
        loop {
            self.skip_spaces();
            let here = self.offset + self.at;
            match self.rest().chars().next() {
                None => return Err(PatternError::new(start..start + 1, "`(` is not closed")),
                Some('(') => {
                    let error = PatternError::new(here..here + 1, "a group cannot hold another group");
                    return Err(error.hint("write the names without the inner parentheses: `(a b c)`"));
                }
                Some(')') => {
                    self.at += 1;
                    return Ok(Part { kind: PartKind::Group(inner), range: start..here + 1 });
                }
                Some(_) => inner.push(self.leaf()?),
            }
        }
    }

    /// A name, `1` or `...`.
    fn leaf(&mut self) -> Result<Part<'p>, PatternError> {
        let rest = self.rest();
        if rest.starts_with("...") {
            return Ok(self.take(3, PartKind::Ellipsis));
        }
        if let Some('…') = rest.chars().next() {
            return Ok(self.take('…'.len_utf8(), PartKind::Ellipsis));
        }
        let word_end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let word = &rest[..word_end];
        match (word.as_bytes().first(), self.spelling) {
            (None, _) => Err(self.unexpected()),
            (Some(b'1'), Spelling::Letters) => Ok(self.take(1, PartKind::Unit)),
            (Some(c), Spelling::Letters) if !c.is_ascii_digit() => {
                Ok(self.take(1, PartKind::Name(&word[..1])))
            }
            (Some(c), _) if c.is_ascii_digit() => self.number(word),
            _ => Ok(self.take(word.len(), PartKind::Name(word))),
        }
    }

    fn number(&mut self, word: &'p str) -> Result<Part<'p>, PatternError> {
        if word == "1" {
            return Ok(self.take(1, PartKind::Unit));
        }
        let part = self.take(word.len(), PartKind::Unit);
        let message = format!("`{word}` is no axis; the only number in a pattern is `1`");
        Err(PatternError::new(part.range, message)
            .hint("name the axis and give its size as an argument: `s = 4`"))
    }

    fn unexpected(&self) -> PatternError {
        let c = self.rest().chars().next().unwrap_or(' ');
        let start = self.offset + self.at;
        let error =
            PatternError::new(start..start + c.len_utf8(), format!("`{c}` has no meaning in a pattern"));
        match c {
            ')' => PatternError { message: "`)` closes no group".to_string(), ..error },
            '.' => error.hint("three dots, `...`, stand for any number of axes"),
            ',' => error.hint("axes are separated by spaces; only the operands of `einsum` by commas"),
            _ => error.hint("a pattern has names, `1`, `...`, groups in parentheses, and `->`"),
        }
    }
}
