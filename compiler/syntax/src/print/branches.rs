//! Prints `if`: all branches on one line, one branch a line, or braces on lines of their own.

use super::Printer;
use super::doc::{Doc, broken, concat, group, text};
use crate::ast::{Block, Expr, ExprKind};

/// `if c { .. }`, `else if c { .. }` or `else { .. }`
struct Branch {
    docs: Vec<Doc>,
    tall: bool,
}

impl Printer<'_> {
    /// An `if` inside an expression.
    pub(super) fn if_expr(&self, expr: &Expr) -> Doc {
        together(self.branches(expr))
    }

    /// An `if` that is a statement: its branches may also stand below each other.
    pub(super) fn if_statement(&self, expr: &Expr) -> Doc {
        if self.in_parentheses(expr) {
            return self.expr(expr);
        }
        let branches = self.branches(expr);
        // An inner `if` of this form would be copied again at each level around it.
        let plain = |b: &Branch| !b.tall && !b.docs.iter().any(Doc::has_arms);
        if branches.len() < 2 || !branches.iter().all(plain) {
            return together(branches);
        }
        let lines = branches.iter().map(|b| group(b.docs.clone())).collect();
        Doc::Arms(lines, Box::new(broken(one_after_another(branches))))
    }

    fn branches(&self, expr: &Expr) -> Vec<Branch> {
        let mut out: Vec<Branch> = vec![];
        let mut rest = Some(expr);
        while let Some(ExprKind::If { condition, then, otherwise }) = rest.map(|e| &e.kind) {
            let word = if out.is_empty() { "if " } else { "else if " };
            out.push(self.branch(vec![text(word), self.expr(condition), text(" ")], then));
            rest = otherwise.as_ref().and_then(else_if);
            if let (None, Some(last)) = (rest, otherwise) {
                out.push(self.branch(vec![text("else ")], last));
            }
        }
        out
    }

    fn branch(&self, mut head: Vec<Doc>, block: &Block) -> Branch {
        let body = self.block_body(block);
        head.extend(body.docs);
        Branch { docs: head, tall: body.tall }
    }
}

/// All branches on one line, or none.
fn together(branches: Vec<Branch>) -> Doc {
    let tall = branches.iter().any(|b| b.tall);
    let docs = one_after_another(branches);
    if tall { broken(docs) } else { group(docs) }
}

fn one_after_another(branches: Vec<Branch>) -> Vec<Doc> {
    let docs = branches.into_iter().map(|b| concat(b.docs));
    super::doc::join(docs, &[text(" ")])
}

/// The `if` behind `else if`.
fn else_if(block: &Block) -> Option<&Expr> {
    let value = block.value.as_deref().filter(|_| block.statements.is_empty())?;
    matches!(value.kind, ExprKind::If { .. }).then_some(value)
}
