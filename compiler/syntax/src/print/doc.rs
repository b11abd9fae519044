//! A document that may be laid out on one line or on several, and its layout.
//!
//! A group stands on one line if it fits; otherwise all of its own line breaks are taken, and its inner groups decide
//! for themselves. Comments to the right are held back until the line ends, so that a comma may still follow their element.

/// Longest line.
const WIDTH: usize = 110;
/// Columns of one level.
const INDENT: usize = 2;

/// A piece of text with possible line breaks.
#[derive(Debug, Clone)]
pub(crate) enum Doc {
    Text(String),
    /// A space, or a line break in a broken group.
    Line,
    /// Nothing, or a line break in a broken group.
    Soft,
    /// A line break; the groups around it are broken.
    Hard,
    /// A line break and an empty line.
    Blank,
    /// A comment that ends the line.
    Suffix(String),
    /// Text that stands there only in a broken group (first) or only on one line (second).
    Choice(&'static str, &'static str),
    /// Lines that stand on one line or on one line each, or else the document instead.
    Arms(Vec<Doc>, Box<Doc>),
    Concat(Vec<Doc>),
    Indent(Vec<Doc>),
    Group {
        broken: bool,
        docs: Vec<Doc>,
    },
}

pub(crate) fn text(text: impl Into<String>) -> Doc {
    Doc::Text(text.into())
}

pub(crate) fn concat(docs: Vec<Doc>) -> Doc {
    Doc::Concat(docs)
}

pub(crate) fn indent(docs: Vec<Doc>) -> Doc {
    Doc::Indent(docs)
}

/// Broken when it does not fit, and always when something in it needs a line of its own.
pub(crate) fn group(docs: Vec<Doc>) -> Doc {
    let broken = docs.iter().any(Doc::breaks);
    Doc::Group { broken, docs }
}

/// A group that is broken even if it would fit.
pub(crate) fn broken(docs: Vec<Doc>) -> Doc {
    Doc::Group { broken: true, docs }
}

impl Doc {
    pub(crate) fn empty() -> Doc {
        Doc::Concat(vec![])
    }

    /// Whether lines below each other are an option somewhere in it.
    pub(crate) fn has_arms(&self) -> bool {
        match self {
            Doc::Arms(..) => true,
            Doc::Concat(docs) | Doc::Indent(docs) | Doc::Group { docs, .. } => docs.iter().any(Doc::has_arms),
            _ => false,
        }
    }

    /// Whether it cannot stand on one line.
    pub(crate) fn breaks(&self) -> bool {
        match self {
            Doc::Hard | Doc::Blank | Doc::Suffix(_) => true,
            Doc::Concat(docs) | Doc::Indent(docs) => docs.iter().any(Doc::breaks),
            Doc::Group { broken, .. } => *broken,
            Doc::Arms(lines, _) => lines.iter().any(Doc::breaks),
            Doc::Text(_) | Doc::Line | Doc::Soft | Doc::Choice(..) => false,
        }
    }
}

/// `docs` with `separator` between them.
pub(crate) fn join(docs: impl IntoIterator<Item = Doc>, separator: &[Doc]) -> Vec<Doc> {
    let mut out = vec![];
    for doc in docs {
        if !out.is_empty() {
            out.extend_from_slice(separator);
        }
        out.push(doc);
    }
    out
}

/// The laid out text, without a line break at its end.
pub(crate) fn render(doc: &Doc) -> String {
    let mut out = Layouter { out: String::new(), column: 0, suffix: String::new(), stack: vec![] };
    out.stack.push(Piece { indent: 0, flat: false, doc });
    while let Some(piece) = out.stack.pop() {
        out.place(piece);
    }
    out.flush_suffix();
    out.out
}

#[derive(Clone, Copy)]
struct Piece<'d> {
    indent: usize,
    flat: bool,
    doc: &'d Doc,
}

struct Layouter<'d> {
    out: String,
    column: usize,
    suffix: String,
    /// What is still to be placed, the next piece last.
    stack: Vec<Piece<'d>>,
}

impl<'d> Layouter<'d> {
    fn place(&mut self, piece: Piece<'d>) {
        let Piece { indent, flat, doc } = piece;
        match doc {
            Doc::Text(text) => self.text(text),
            Doc::Line if flat => self.text(" "),
            Doc::Soft if flat => {}
            Doc::Line | Doc::Soft | Doc::Hard => self.new_line(indent),
            Doc::Blank => {
                self.new_line(0);
                self.new_line(indent);
            }
            Doc::Suffix(comment) => self.suffix(comment),
            Doc::Choice(broken, on_line) => self.text(if flat { on_line } else { broken }),
            Doc::Arms(lines, instead) => self.arms(piece, lines, instead),
            Doc::Concat(docs) => self.push(docs, indent, flat),
            Doc::Indent(docs) => self.push(docs, indent + INDENT, flat),
            Doc::Group { broken, docs } => {
                let flat = flat || (!broken && self.fits(Piece { indent, flat: true, doc }));
                self.push(docs, indent, flat);
            }
        }
    }

    fn push(&mut self, docs: &'d [Doc], indent: usize, flat: bool) {
        self.stack.extend(docs.iter().rev().map(|doc| Piece { indent, flat, doc }));
    }

    fn arms(&mut self, piece: Piece<'d>, lines: &'d [Doc], instead: &'d Doc) {
        let flat = |doc| Piece { flat: true, doc, ..piece };
        let one_line = piece.flat || self.fits(flat(piece.doc));
        if !one_line && !lines.iter().all(|line| fits_in(WIDTH.saturating_sub(piece.indent), flat(line))) {
            return self.stack.push(Piece { doc: instead, ..piece });
        }
        let separator = if one_line { &Doc::Line } else { &Doc::Hard };
        for (i, line) in lines.iter().enumerate().rev() {
            self.stack.push(flat(line));
            if i > 0 {
                self.stack.push(Piece { doc: separator, flat: one_line, ..piece });
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn suffix(&mut self, comment: &str) {
        // Two comments that end on one line become one, which keeps both texts.
        self.suffix.push_str(if self.suffix.is_empty() { "  " } else { " " });
        self.suffix.push_str(comment);
    }

    fn flush_suffix(&mut self) {
        let suffix = std::mem::take(&mut self.suffix);
        self.out.push_str(&suffix);
    }

    fn new_line(&mut self, indent: usize) {
        self.flush_suffix();
        self.out.truncate(self.out.trim_end_matches(' ').len());
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    /// Whether `piece` and what follows it up to the next line break fit on the current line.
    fn fits(&self, piece: Piece<'d>) -> bool {
        let left = WIDTH.saturating_sub(self.column);
        fits(left, vec![piece], self.stack.iter().rev().copied())
    }
}

/// Whether a piece alone is at most `width` wide.
fn fits_in(width: usize, piece: Piece<'_>) -> bool {
    fits(width, vec![piece], std::iter::empty())
}

fn fits<'d>(
    mut left: usize,
    mut pending: Vec<Piece<'d>>,
    mut following: impl Iterator<Item = Piece<'d>>,
) -> bool {
    while let Some(Piece { flat, doc, indent }) = pending.pop().or_else(|| following.next()) {
        let width = match doc {
            Doc::Text(text) => text.chars().count(),
            Doc::Choice(broken, on_line) => {
                if flat {
                    on_line.len()
                } else {
                    broken.len()
                }
            }
            Doc::Line if flat => 1,
            Doc::Soft if flat => 0,
            Doc::Line | Doc::Soft | Doc::Hard | Doc::Blank => return true,
            Doc::Suffix(_) => 0,
            Doc::Arms(docs, _) => {
                pending.extend(docs.iter().rev().map(|doc| Piece { indent, flat, doc }));
                docs.len().saturating_sub(1)
            }
            Doc::Concat(docs) | Doc::Indent(docs) => {
                pending.extend(docs.iter().rev().map(|doc| Piece { indent, flat, doc }));
                0
            }
            Doc::Group { broken, docs } => {
                // What follows the piece may still break at its own first chance.
                let flat = flat && !broken;
                pending.extend(docs.iter().rev().map(|doc| Piece { indent, flat, doc }));
                0
            }
        };
        if width > left {
            return false;
        }
        left -= width;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(args: &[Doc]) -> Doc {
        let inner = join(args.iter().cloned(), &[text(","), Doc::Line]);
        group(vec![
            text("f("),
            indent([vec![Doc::Soft], inner, vec![Doc::Choice(",", "")]].concat()),
            Doc::Soft,
            text(")"),
        ])
    }

    #[test]
    fn a_group_that_fits_stays_on_its_line() {
        assert_eq!(render(&call(&[text("a"), text("b")])), "f(a, b)");
    }

    #[test]
    fn a_long_group_breaks_at_all_of_its_lines() {
        let long = "x".repeat(70);
        assert_eq!(render(&call(&[text(&long), text(&long)])), format!("f(\n  {long},\n  {long},\n)"));
    }

    #[test]
    fn a_comment_at_the_right_goes_behind_the_comma() {
        let commented = concat(vec![text("a"), Doc::Suffix("// why".into())]);
        assert_eq!(render(&call(&[commented, text("b")])), "f(\n  a,  // why\n  b,\n)");
    }
}
