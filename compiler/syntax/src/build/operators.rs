//! Precedence, and what an operator makes of its operands.

use std::sync::LazyLock;

use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::{Builder, Built};
use crate::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::grammar::Rule;
use crate::{Diagnostic, codes};

/// Loosest first; `|>` and `with`, which are looser still, are rules of the grammar.
pub(super) static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::or_op))
        .op(left(Rule::and_op))
        .op(Op::prefix(Rule::not))
        .op(left(Rule::equals)
            | left(Rule::unequal)
            | left(Rule::le)
            | left(Rule::ge)
            | left(Rule::lt)
            | left(Rule::gt))
        .op(left(Rule::range))
        .op(left(Rule::add) | left(Rule::sub))
        .op(left(Rule::mul) | left(Rule::floor_div) | left(Rule::div) | left(Rule::rem))
        .op(Op::prefix(Rule::neg))
        .op(Op::infix(Rule::pow, Assoc::Right))
        .op(Op::postfix(Rule::field) | Op::postfix(Rule::call) | Op::postfix(Rule::index))
});

impl Builder<'_> {
    pub(super) fn unary(&self, op: Pair<'_, Rule>, operand: Built<Expr>) -> Built<Expr> {
        let operand = operand?;
        let span = self.span(&op).to(operand.span);
        let op = if op.as_rule() == Rule::neg { UnaryOp::Neg } else { UnaryOp::Not };
        Ok(Expr { kind: ExprKind::Unary(op, Box::new(operand)), span })
    }

    pub(super) fn infix(&self, left: Built<Expr>, op: Pair<'_, Rule>, right: Built<Expr>) -> Built<Expr> {
        let (left, right) = (left?, right?);
        let span = left.span.to(right.span);
        let Some(op) = binary_op(op.as_rule()) else {
            return Ok(Expr { kind: ExprKind::Range(Box::new(left), Box::new(right)), span });
        };
        if let Some(middle) = chain_middle(op, &left) {
            let middle = self.cheap_middle(middle)?;
            let second = binary(op, middle, right);
            return Ok(Expr { span, ..binary(BinaryOp::And, left, second) });
        }
        Ok(binary(op, left, right))
    }

    /// A copy of the middle operand of `a <= b < c`, which must hold no comparison: copies of copies would double at each level.
    fn cheap_middle(&self, middle: &Expr) -> Built<Expr> {
        let start = (middle.span.start as usize).saturating_sub(self.base);
        let text = self.text.get(start..start + middle.span.len()).unwrap_or("");
        let plain = text.replace("|>", "").replace("->", "");
        if plain.contains(['<', '>']) || plain.contains("==") || plain.contains("!=") {
            let error =
                Diagnostic::error(codes::COSTLY_CHAIN, middle.span, "comparison inside a comparison chain")
                    .label("this operand belongs to two comparisons")
                    .hint("name it with `let`, or write the two comparisons with `and`");
            return Err(Box::new(error));
        }
        Ok(middle.clone())
    }
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let span = left.span.to(right.span);
    Expr { kind: ExprKind::Binary(op, Box::new(left), Box::new(right)), span }
}

/// The operand shared with the comparison before, when `op` continues a chain.
fn chain_middle(op: BinaryOp, left: &Expr) -> Option<&Expr> {
    if !op.is_comparison() {
        return None;
    }
    let ExprKind::Binary(before, first, last) = &left.kind else { return None };
    // In parentheses a comparison is an ordinary operand; then its own span starts before that of its parts.
    if left.span.start != first.span.start {
        return None;
    }
    match (before, &last.kind) {
        (BinaryOp::And, ExprKind::Binary(inner, _, middle)) if inner.is_comparison() => Some(middle),
        (before, _) if before.is_comparison() => Some(last),
        _ => None,
    }
}

impl BinaryOp {
    /// Whether it compares: `==`, `!=`, `<`, `<=`, `>`, `>=`.
    pub fn is_comparison(self) -> bool {
        use BinaryOp::*;
        matches!(self, Eq | Ne | Lt | Le | Gt | Ge)
    }
}

fn binary_op(rule: Rule) -> Option<BinaryOp> {
    Some(match rule {
        Rule::or_op => BinaryOp::Or,
        Rule::and_op => BinaryOp::And,
        Rule::equals => BinaryOp::Eq,
        Rule::unequal => BinaryOp::Ne,
        Rule::lt => BinaryOp::Lt,
        Rule::le => BinaryOp::Le,
        Rule::gt => BinaryOp::Gt,
        Rule::ge => BinaryOp::Ge,
        Rule::add => BinaryOp::Add,
        Rule::sub => BinaryOp::Sub,
        Rule::mul => BinaryOp::Mul,
        Rule::div => BinaryOp::Div,
        Rule::floor_div => BinaryOp::FloorDiv,
        Rule::rem => BinaryOp::Rem,
        Rule::pow => BinaryOp::Pow,
        _ => return None,
    })
}
