//! Turns the generated parser's pairs into the syntax tree.
//!
//! The grammar guarantees the order of children, so that these functions only pick them up. Where a child that the
//! grammar promises is missing they return an internal error rather than panic.

mod experiment;
mod expression;
mod item;
mod literal;
mod operators;
mod rule;
mod statement;
mod types;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use pest::iterators::{Pair, Pairs};

use crate::ast::Ident;
use crate::grammar::Rule;
use crate::{Diagnostic, FileId, Span, codes};

/// Bounds the depth of the tree, so that whoever walks or drops it recurses in bounded stack.
///
/// A chain such as `a + b + c` counts its operators: its left operand lies that deep.
pub(crate) const MAX_DEPTH: usize = 256;

/// Boxed, because errors are rare and trees are built often.
pub(crate) type Built<T> = Result<T, Box<Diagnostic>>;

/// Documentation comments by the offset of the token that follows them.
#[derive(Debug, Default)]
pub(crate) struct Docs {
    /// Offset of the documented token and the text, in order.
    pub(crate) texts: Vec<(usize, String)>,
    used: RefCell<BTreeSet<usize>>,
}

impl Docs {
    fn take(&self, offset: usize) -> Option<String> {
        let i = self.texts.binary_search_by_key(&offset, |(at, _)| *at).ok()?;
        self.used.borrow_mut().insert(offset);
        self.texts.get(i).map(|(_, text)| text.clone())
    }

    /// Accepts documentation that the tree has no place for: of a field, a parameter or a part of an experiment.
    fn accept(&self, span: Span) {
        self.used.borrow_mut().insert(span.start as usize);
    }

    /// Offsets of documentation that nothing has taken.
    pub(crate) fn lost(&self) -> Vec<usize> {
        let used = self.used.borrow();
        self.texts.iter().map(|(at, _)| *at).filter(|at| !used.contains(at)).collect()
    }
}

/// What building one item needs to know.
pub(crate) struct Builder<'a> {
    pub(crate) file: FileId,
    /// Offset of the item in its file.
    pub(crate) base: usize,
    /// Masked text of the item.
    pub(crate) text: &'a str,
    pub(crate) docs: &'a Docs,
    depth: Cell<usize>,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(file: FileId, base: usize, text: &'a str, docs: &'a Docs) -> Self {
        Builder { file, base, text, docs, depth: Cell::new(0) }
    }

    /// Where a pair stands, without the blanks that the grammar may have skipped at its end.
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let start = self.base + pair.as_span().start();
        Span::new(self.file, start, start + pair.as_str().trim_end().len())
    }

    fn ident(&self, pair: Pair<'_, Rule>) -> Ident {
        Ident { name: pair.as_str().trim_end().into(), span: self.span(&pair) }
    }

    /// The children of a pair that carry something into the tree.
    fn children<'i>(&self, pair: Pair<'i, Rule>) -> Children<'i> {
        Children { span: self.span(&pair), pairs: pair.into_inner() }
    }

    /// Runs `build` with `levels` more levels of the tree above it.
    fn deeper<T>(&self, levels: usize, at: Span, build: impl FnOnce() -> Built<T>) -> Built<T> {
        let depth = self.depth.get();
        if depth + levels > MAX_DEPTH {
            return Err(Box::new(too_deep(at)));
        }
        self.depth.set(depth + levels);
        let built = build();
        self.depth.set(depth);
        built
    }
}

fn too_deep(at: Span) -> Diagnostic {
    Diagnostic::error(codes::TOO_DEEP, at, "nested too deeply")
        .label(format!("more than {MAX_DEPTH} operators, calls and branches stand inside each other here"))
        .hint("name parts of it with `let`")
}

/// Children of a pair, without words and marks.
struct Children<'i> {
    pairs: Pairs<'i, Rule>,
    span: Span,
}

impl<'i> Children<'i> {
    /// The next child if it is a `rule`.
    fn maybe(&mut self, rule: Rule) -> Option<Pair<'i, Rule>> {
        self.skip_marks();
        if self.pairs.peek()?.as_rule() == rule { self.pairs.next() } else { None }
    }

    /// The next child, which the grammar says is there.
    fn one(&mut self) -> Built<Pair<'i, Rule>> {
        self.next().ok_or_else(|| Box::new(internal(self.span)))
    }

    /// Every following child that is a `rule`.
    fn all(&mut self, rule: Rule) -> Vec<Pair<'i, Rule>> {
        std::iter::from_fn(|| self.maybe(rule)).collect()
    }

    fn skip_marks(&mut self) {
        while self.pairs.peek().is_some_and(|p| p.as_rule().is_mark()) {
            self.pairs.next();
        }
    }
}

impl<'i> Iterator for Children<'i> {
    type Item = Pair<'i, Rule>;

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_marks();
        self.pairs.next()
    }
}

fn internal(at: Span) -> Diagnostic {
    Diagnostic::error(codes::INTERNAL, at, "the parser does not understand its own grammar here")
        .hint("please report this text; it is a fault of the compiler")
}
