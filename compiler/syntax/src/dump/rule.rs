//! Dumps assignment rules.

use super::expression::{expr, param, ty};
use super::statement::{let_binding, require};
use super::{Node, atom, list, maybe};
use crate::ast::{AssignDef, Ident, RuleClause, RuleKind, TypeExpr};

pub(super) fn rule(rule: &AssignDef, parts: &mut Vec<Node>) -> &'static str {
    let side = |head: &str, (name, t): &(Ident, TypeExpr)| list(head, [atom(&*name.name), ty(t)]);
    parts.push(atom(&*rule.name.name));
    parts.push(list("params", rule.params.iter().map(param)));
    parts.extend([side("rows", &rule.rows), side("cols", &rule.cols)]);
    parts.extend(rule.clauses.iter().map(clause));
    "assign"
}

fn clause(clause: &RuleClause) -> Node {
    let name = |ident: &Ident| atom(&*ident.name);
    let side = |positive: bool| atom(if positive { "positive" } else { "negative" });
    match &clause.kind {
        RuleKind::Let(binding) => {
            let mut parts = vec![];
            let head = let_binding(binding, &mut parts);
            list(head, parts)
        }
        RuleKind::Require(r) => {
            let mut parts = vec![];
            let head = require(r, &mut parts);
            list(head, parts)
        }
        RuleKind::PickBest { count, by, per, group, narrowed } => {
            let rest =
                [maybe("group", group.as_ref().map(expr)), maybe("where", narrowed.as_ref().map(expr))];
            list("pick", [expr(count), expr(by), name(per)].into_iter().chain(rest.into_iter().flatten()))
        }
        RuleKind::PickWhere(condition) => list("pick-where", [expr(condition)]),
        RuleKind::PickOneToOne { cost, narrowed } => {
            let narrowed = maybe("where", narrowed.as_ref().map(expr));
            list("pick-one-to-one", [expr(cost)].into_iter().chain(narrowed))
        }
        RuleKind::Keep(condition) => list("keep", [expr(condition)]),
        RuleKind::Resolve { by, per } => list("resolve", [expr(by), name(per)]),
        RuleKind::Ignore { rows, condition } => list("ignore", [name(rows), expr(condition)]),
        RuleKind::Sample { count, rows, repeating, positives, negatives } => {
            let rest = [
                repeating.then(|| atom("repeating")),
                maybe("positives", positives.as_ref().map(expr)),
                maybe("negatives", negatives.as_ref().map(expr)),
            ];
            list("sample", [expr(count), name(rows)].into_iter().chain(rest.into_iter().flatten()))
        }
        RuleKind::Give { name: n, value, otherwise } => {
            let otherwise = maybe("else", otherwise.as_ref().map(expr));
            list("give", [name(n), expr(value)].into_iter().chain(otherwise))
        }
        RuleKind::Pairs { positive, condition } => list("pairs", [side(*positive), expr(condition)]),
        RuleKind::Weight { positive, value } => list("weight", [side(*positive), expr(value)]),
    }
}
