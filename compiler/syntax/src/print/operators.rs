//! Prints operators with the parentheses that they need and those that the author wrote.

use super::Printer;
use super::doc::{Doc, concat, group, indent, text};
use crate::ast::{BinaryOp, Expr, ExprKind, UnaryOp};

/// An argument or the inside of parentheses.
pub(super) const ARGUMENT: u8 = 0;
/// `|>`
pub(super) const PIPE: u8 = 1;
/// `with`
pub(super) const WITH: u8 = 2;
/// Anything but `|>` and `with`.
pub(super) const SIMPLE: u8 = 3;
const NOT: u8 = 5;
const RANGE: u8 = 7;
const NEG: u8 = 10;
const POW: u8 = 11;
/// Fields, calls and indices, and what they stand on.
pub(super) const POSTFIX: u8 = 12;

impl BinaryOp {
    /// The operator's text.
    pub fn symbol(self) -> &'static str {
        use BinaryOp::*;
        match self {
            Or => "or",
            And => "and",
            Eq => "==",
            Ne => "!=",
            Lt => "<",
            Le => "<=",
            Gt => ">",
            Ge => ">=",
            Add => "+",
            Sub => "-",
            Mul => "*",
            Div => "/",
            FloorDiv => "//",
            Rem => "%",
            Pow => "^",
        }
    }

    fn precedence(self) -> u8 {
        use BinaryOp::*;
        match self {
            Or => 3,
            And => 4,
            Eq | Ne | Lt | Le | Gt | Ge => 6,
            Add | Sub => 8,
            Mul | Div | FloorDiv | Rem => 9,
            Pow => POW,
        }
    }
}

/// How tightly the outermost operator of an expression binds.
fn precedence(expr: &Expr) -> u8 {
    match &expr.kind {
        ExprKind::Per { .. } => ARGUMENT,
        ExprKind::Pipe(..) => PIPE,
        ExprKind::With(..) => WITH,
        ExprKind::Binary(..) if chained(expr).is_some() => 6,
        ExprKind::Binary(op, ..) => op.precedence(),
        ExprKind::Unary(UnaryOp::Not, _) => NOT,
        ExprKind::Unary(UnaryOp::Neg, _) => NEG,
        ExprKind::Range(..) => RANGE,
        // No literal is negative in a text, but a tree that was computed may hold one.
        ExprKind::Int(value) if *value < 0 => NEG,
        ExprKind::Float(value) if value.is_sign_negative() => NEG,
        _ => POSTFIX,
    }
}

/// The comparison before and the one added by `a <= b < c`, which share an operand.
fn chained(expr: &Expr) -> Option<(&Expr, BinaryOp, &Expr)> {
    let ExprKind::Binary(BinaryOp::And, before, last) = &expr.kind else { return None };
    let ExprKind::Binary(op, shared, right) = &last.kind else { return None };
    let middle = match chained(before) {
        Some((_, _, middle)) => middle,
        None => match &before.kind {
            ExprKind::Binary(first, _, middle) if first.is_comparison() => middle,
            _ => return None,
        },
    };
    let same = middle.span == shared.span && !shared.span.is_empty();
    (op.is_comparison() && same).then_some((before, *op, right))
}

impl Printer<'_> {
    /// An expression where only those that bind at least as tightly as `least` may stand bare.
    pub(super) fn at(&self, expr: &Expr, least: u8) -> Doc {
        if precedence(expr) < least || self.in_parentheses(expr) {
            return group(vec![
                text("("),
                indent(vec![Doc::Soft, self.bare_expr(expr)]),
                Doc::Soft,
                text(")"),
            ]);
        }
        self.bare_expr(expr)
    }

    /// Whether the author wrote parentheses around it.
    pub(super) fn in_parentheses(&self, expr: &Expr) -> bool {
        let Some(source) = &self.source else { return false };
        if matches!(expr.kind, ExprKind::Tuple(_)) {
            return false;
        }
        let (start, end) = (expr.span.start as usize, expr.span.end as usize);
        let pair = source.brackets.binary_search_by_key(&start, |(open, _)| *open).ok();
        let closes = pair.and_then(|i| source.brackets.get(i)).is_some_and(|(_, close)| close + 1 == end);
        closes && source.text.as_bytes().get(start) == Some(&b'(')
    }

    /// An expression that does not start with a sign, which would be read as subtraction from the word before it.
    pub(super) fn unsigned(&self, expr: &Expr) -> Doc {
        if self.starts_with_sign(expr) { self.at(expr, POSTFIX + 1) } else { self.expr(expr) }
    }

    fn starts_with_sign(&self, expr: &Expr) -> bool {
        if self.in_parentheses(expr) {
            return false;
        }
        match &expr.kind {
            ExprKind::Pipe(left, _) | ExprKind::With(left, _) | ExprKind::Range(left, _) => {
                self.starts_with_sign(left)
            }
            ExprKind::Binary(_, left, _) => self.starts_with_sign(left),
            ExprKind::Unary(UnaryOp::Neg, _) => true,
            _ => precedence(expr) == NEG,
        }
    }

    pub(super) fn unary(&self, op: UnaryOp, operand: &Expr) -> Doc {
        match op {
            UnaryOp::Neg => concat(vec![text("-"), self.at(operand, NEG)]),
            UnaryOp::Not => concat(vec![text("not "), self.at(operand, NOT)]),
        }
    }

    pub(super) fn range(&self, from: &Expr, to: &Expr) -> Doc {
        concat(vec![self.at(from, RANGE + 1), text(".."), self.at(to, RANGE + 1)])
    }

    /// A row of operators of one precedence; when broken, each line ends with its operator.
    pub(super) fn binary(&self, expr: &Expr) -> Doc {
        let mut row = vec![];
        let first = self.row(expr, &mut row);
        let mut docs = vec![first];
        docs.push(indent(row));
        group(docs)
    }

    /// Collects `op operand` from left to right and returns the leftmost operand.
    fn row(&self, expr: &Expr, row: &mut Vec<Doc>) -> Doc {
        if let Some((before, op, right)) = chained(expr) {
            let first = self.row(before, row);
            self.push_operand(op, right, row);
            return first;
        }
        let ExprKind::Binary(op, left, right) = &expr.kind else { return self.bare_expr(expr) };
        let continues = precedence(left) == op.precedence() && !op.is_comparison() && *op != BinaryOp::Pow;
        let first = if continues && !self.in_parentheses(left) {
            self.row(left, row)
        } else {
            self.at(left, op.precedence() + u8::from(op.is_comparison() || *op == BinaryOp::Pow))
        };
        self.push_operand(*op, right, row);
        first
    }

    fn push_operand(&self, op: BinaryOp, right: &Expr, row: &mut Vec<Doc>) {
        // A sign may follow any operator.
        let signed = matches!(right.kind, ExprKind::Unary(UnaryOp::Neg, _)) && op == BinaryOp::Pow;
        let least = if signed { NEG } else { op.precedence() + u8::from(op != BinaryOp::Pow) };
        row.extend([text(format!(" {}", op.symbol())), Doc::Line, self.at(right, least)]);
    }
}
