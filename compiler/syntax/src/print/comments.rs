//! Puts comments back where they were: before, behind and inside the elements of lists, blocks and files.
//!
//! Comments are taken in order. What stands where no element begins or ends, in the middle of an
//! expression, moves to the nearest element boundary; none is lost.

use super::Printer;
use super::doc::{Doc, concat, text};
use crate::lexer::Comment;

impl Printer<'_> {
    fn pending(&self) -> Option<&Comment> {
        self.source.as_ref()?.comments.get(self.next_comment.get())
    }

    fn take_if(&self, wanted: impl Fn(&Comment) -> bool) -> Option<&Comment> {
        let comment = self.pending().filter(|c| wanted(c))?;
        self.next_comment.set(self.next_comment.get() + 1);
        Some(comment)
    }

    fn comment_text(&self, comment: &Comment) -> String {
        let source = self.source.as_ref().map_or("", |s| s.text);
        source.get(comment.start..comment.end).unwrap_or("").to_owned()
    }

    /// Whether an empty line stands before the line of `offset`.
    fn blank_before(&self, offset: usize) -> bool {
        let before = self.source.as_ref().and_then(|s| s.text.get(..offset)).unwrap_or("");
        let mut lines = before.rsplit('\n').skip(1);
        lines.next().is_some_and(|line| line.trim().is_empty())
    }

    /// The comments before `offset`, each on its line, and whether a blank line separates the first line from what was before.
    fn leading(&self, offset: usize) -> (Vec<Doc>, bool) {
        let (mut out, mut blank) = (vec![], None);
        while let Some(comment) = self.take_if(|c| c.start < offset) {
            let separated = comment.own_line && self.blank_before(comment.start);
            match blank {
                None => blank = Some(separated),
                Some(_) => out.push(if separated { Doc::Blank } else { Doc::Hard }),
            }
            out.push(text(self.comment_text(comment)));
        }
        if blank.is_some() {
            out.push(if self.blank_before(offset) { Doc::Blank } else { Doc::Hard });
        }
        (out, blank.unwrap_or_else(|| self.blank_before(offset)))
    }

    /// A comment right behind the bracket at `offset`.
    pub(super) fn behind_open(&self, offset: usize) -> Doc {
        self.behind(offset + 1)
    }

    /// A comment on the line that ends at `offset`, up to a comma.
    fn behind(&self, offset: usize) -> Doc {
        let source = self.source.as_ref().map_or("", |s| s.text);
        let comment = self.take_if(|c| {
            let between = source.get(offset..c.start);
            !c.own_line && between.is_some_and(|b| b.chars().all(|c| matches!(c, ' ' | '\t' | ',' | ';')))
        });
        comment.map_or_else(Doc::empty, |c| Doc::Suffix(self.comment_text(c)))
    }

    /// An element from `span.0` to `span.1` with the comments before, inside and behind it; also whether a blank line precedes it.
    pub(super) fn element(&self, span: (usize, usize), build: impl FnOnce() -> Doc) -> (Doc, bool) {
        let (inner, blank) = self.open_element(span, build);
        (concat(vec![inner, self.behind(span.1)]), blank)
    }

    /// As [`Printer::element`], for the last part of something: what stands behind it belongs to the whole.
    pub(super) fn open_element(&self, span: (usize, usize), build: impl FnOnce() -> Doc) -> (Doc, bool) {
        if self.source.is_none() {
            return (build(), false);
        }
        let (mut out, blank) = self.leading(span.0);
        let body = build();
        // Whatever no inner element has taken.
        let mut behind = vec![];
        while let Some(comment) = self.take_if(|c| c.start < span.1) {
            let comment_text = self.comment_text(comment);
            match comment.own_line {
                true => out.extend([text(comment_text), Doc::Hard]),
                false => behind.push(Doc::Suffix(comment_text)),
            }
        }
        out.push(body);
        out.extend(behind);
        (concat(out), blank)
    }

    /// The comments before the closing bracket or the end at `offset`, as lines after the last element.
    pub(super) fn closing(&self, offset: usize, first: bool) -> Vec<Doc> {
        if self.pending().is_none_or(|c| c.start >= offset) {
            return vec![];
        }
        let (mut out, blank) = self.leading(offset);
        out.pop();
        if !first {
            out.insert(0, if blank { Doc::Blank } else { Doc::Hard });
        }
        out
    }
}
