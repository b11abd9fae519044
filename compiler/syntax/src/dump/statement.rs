//! Dumps statements.

use super::expression::{block, expr, pattern, ty};
use super::{Node, atom, list, maybe};
use crate::ast::{Let, Require, Statement, StatementKind, VarDef};

pub(super) fn statement(statement: &Statement) -> Node {
    let mut parts = vec![];
    let head = match &statement.kind {
        StatementKind::Let(binding) => let_binding(binding, &mut parts),
        StatementKind::Update { target, value } => fill("update", &mut parts, [expr(target), expr(value)]),
        StatementKind::Param(v) => var("param", v, &mut parts),
        StatementKind::Term { name, value } => fill("term", &mut parts, [atom(&*name.name), expr(value)]),
        StatementKind::Minimize { loss, over, by } => {
            fill("minimize", &mut parts, [expr(loss), expr(over), expr(by)])
        }
        StatementKind::Apply { gradient, to, by } => {
            fill("apply", &mut parts, [expr(gradient), expr(to), expr(by)])
        }
        StatementKind::Report { name: Some(name), value } => {
            fill("report", &mut parts, [atom(&*name.name), expr(value)])
        }
        StatementKind::Report { name: None, value } => fill("report-all", &mut parts, [expr(value)]),
        StatementKind::ReportTable { name, columns } => {
            parts.push(atom(format!("{name:?}")));
            parts.extend(columns.iter().map(|(name, value)| list(&name.name, value.as_ref().map(expr))));
            "report-table"
        }
        StatementKind::Collect { name, value } => {
            fill("collect", &mut parts, [atom(&*name.name), expr(value)])
        }
        StatementKind::Finish(body) => fill("finish", &mut parts, [block(body)]),
        StatementKind::Require(r) => require(r, &mut parts),
        StatementKind::For { pattern: p, iter, body } => {
            fill("for", &mut parts, [pattern(p), expr(iter), block(body)])
        }
        StatementKind::Shape { value, expected } => fill("shape", &mut parts, [expr(value), ty(expected)]),
        StatementKind::Assert(condition) => fill("assert", &mut parts, [expr(condition)]),
        StatementKind::Expr(value) => fill("do", &mut parts, [expr(value)]),
    };
    list(head, parts)
}

fn fill<const N: usize>(head: &'static str, parts: &mut Vec<Node>, nodes: [Node; N]) -> &'static str {
    parts.extend(nodes);
    head
}

pub(super) fn let_binding(binding: &Let, parts: &mut Vec<Node>) -> &'static str {
    parts.push(pattern(&binding.pattern));
    parts.extend(maybe(":", binding.ty.as_ref().map(ty)));
    parts.push(expr(&binding.value));
    "let"
}

pub(super) fn require(require: &Require, parts: &mut Vec<Node>) -> &'static str {
    parts.push(expr(&require.condition));
    parts.extend(require.message.as_ref().map(expr));
    "require"
}

pub(super) fn var(head: &'static str, var: &VarDef, parts: &mut Vec<Node>) -> &'static str {
    parts.push(atom(&*var.name.name));
    parts.extend(maybe(":", var.ty.as_ref().map(ty)));
    parts.extend(maybe("on", var.manifold.as_ref().map(expr)));
    parts.extend(maybe("=", var.init.as_ref().map(expr)));
    parts.extend(maybe("if", var.guard.as_ref().map(expr)));
    head
}
