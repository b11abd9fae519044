//! Prints assignment rules.

use super::Printer;
use super::doc::{Doc, concat, indent, text};
use super::operators::SIMPLE;
use super::types::offsets;
use crate::ast::{AssignDef, Expr, Ident, RuleClause, RuleKind, TypeExpr};

impl Printer<'_> {
    pub(super) fn rule(&self, rule: &AssignDef) -> Doc {
        let params = if rule.params.is_empty() { text("()") } else { self.params(&rule.params) };
        let side = |word: &str, (name, ty): &(Ident, TypeExpr)| {
            let build = || concat(vec![text(format!("{word} {}: ", name.name)), self.ty(ty)]);
            self.element(offsets(name.span.to(ty.span)), build).0
        };
        let sides = vec![Doc::Hard, side("rows", &rule.rows), Doc::Hard, side("cols", &rule.cols)];
        let body = self.body(rule.body, || rule.clauses.iter().map(|c| self.clause_line(c)).collect());
        let head = vec![text(format!("assign {}", rule.name.name)), params, indent(sides), Doc::Hard];
        concat(vec![concat(head), body.broken()])
    }

    fn clause_line(&self, clause: &RuleClause) -> (Doc, bool) {
        self.element(offsets(clause.span), || self.rule_clause(clause))
    }

    fn rule_clause(&self, clause: &RuleClause) -> Doc {
        match &clause.kind {
            RuleKind::Let(binding) => self.let_binding(binding),
            RuleKind::Require(require) => self.require(require),
            RuleKind::PickBest { count, by, per, group, narrowed } => {
                let mut docs = vec![text("pick "), self.at(count, SIMPLE), text(" of "), self.at(by, SIMPLE)];
                docs.push(text(format!(" per {}", per.name)));
                docs.extend(group.iter().flat_map(|g| [text(", "), self.at(g, SIMPLE)]));
                docs.push(self.narrowed(narrowed.as_ref()));
                concat(docs)
            }
            RuleKind::PickWhere(condition) => concat(vec![text("pick where "), self.expr(condition)]),
            RuleKind::PickOneToOne { cost, narrowed } => {
                let head = vec![text("pick one to one minimizing "), self.at(cost, SIMPLE)];
                concat(vec![concat(head), self.narrowed(narrowed.as_ref())])
            }
            RuleKind::Keep(condition) => concat(vec![text("keep "), self.expr(condition)]),
            RuleKind::Resolve { by, per } => {
                let per = text(format!(" per {}", per.name));
                concat(vec![text("resolve by "), self.at(by, SIMPLE), per])
            }
            RuleKind::Ignore { rows, condition } => {
                concat(vec![text(format!("ignore {} where ", rows.name)), self.expr(condition)])
            }
            RuleKind::Sample { count, rows, repeating, positives, negatives } => {
                self.sample(count, rows, *repeating, [positives.as_ref(), negatives.as_ref()])
            }
            RuleKind::Give { name, value, otherwise } => self.give(name, value, otherwise.as_ref()),
            RuleKind::Pairs { positive, condition } => {
                concat(vec![text(format!("{} where ", side(*positive))), self.expr(condition)])
            }
            RuleKind::Weight { positive, value } => {
                concat(vec![text(format!("weight {} ", side(*positive))), self.expr(value)])
            }
        }
    }

    fn narrowed(&self, condition: Option<&Expr>) -> Doc {
        condition.map_or_else(Doc::empty, |c| concat(vec![text(" where "), self.expr(c)]))
    }

    fn sample(&self, count: &Expr, rows: &Ident, repeating: bool, shares: [Option<&Expr>; 2]) -> Doc {
        let mut docs = vec![text("sample "), self.at(count, SIMPLE), text(format!(" {}", rows.name))];
        docs.extend(repeating.then(|| text(" repeating")));
        let mut mark = " with ";
        for (word, share) in ["positives", "negatives"].into_iter().zip(shares) {
            let Some(share) = share else { continue };
            docs.extend([text(format!("{mark}{word} <= ")), self.at(share, SIMPLE)]);
            mark = ", ";
        }
        concat(docs)
    }

    fn give(&self, name: &Ident, value: &Expr, otherwise: Option<&Expr>) -> Doc {
        let given = self.assign("give ", text(&*name.name), value);
        match otherwise {
            Some(otherwise) => concat(vec![given, text(" else "), self.expr(otherwise)]),
            None => given,
        }
    }
}

fn side(positive: bool) -> &'static str {
    if positive { "positive" } else { "negative" }
}
