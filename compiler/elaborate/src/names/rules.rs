//! Names in assignment rules.

use vspec_syntax::ast::{AssignDef, Expr, Ident, RuleClause, RuleKind};

use super::Checker;
use super::scope::Kind;

impl Checker<'_> {
    /// The parameters, then the row and the column; sizes that their fields name are visible in the clauses.
    pub(super) fn assign(&mut self, def: &AssignDef) {
        self.scoped(|c| {
            c.params(&def.params, Kind::Parameter);
            c.scoped(|c| {
                for (name, ty) in [&def.rows, &def.cols] {
                    c.binding_type(ty);
                    c.define(name, Kind::Silent);
                }
                for name in ["picked", "ignored"] {
                    c.bind(&Ident { name: name.into(), span: def.name.span }, Kind::Silent);
                }
                def.clauses.iter().for_each(|clause| c.rule_clause(def, clause));
            });
        });
    }

    fn rule_clause(&mut self, def: &AssignDef, clause: &RuleClause) {
        match &clause.kind {
            RuleKind::Let(binding) => self.let_statement(binding),
            RuleKind::Require(require) => self.require(require),
            RuleKind::PickBest { count, by, per, group, narrowed } => {
                self.all([Some(count), Some(by), group.as_ref(), narrowed.as_ref()]);
                self.read(&per.name, per.span);
            }
            RuleKind::PickWhere(condition) | RuleKind::Keep(condition) => self.expr(condition),
            RuleKind::PickOneToOne { cost, narrowed } => self.all([Some(cost), narrowed.as_ref()]),
            RuleKind::Resolve { by, per } => {
                self.expr(by);
                self.read(&per.name, per.span);
            }
            RuleKind::Ignore { rows, condition } => {
                self.read(&rows.name, rows.span);
                self.expr(condition);
            }
            RuleKind::Sample { count, rows, positives, negatives, .. } => {
                self.read(&rows.name, rows.span);
                self.all([Some(count), positives.as_ref(), negatives.as_ref()]);
            }
            RuleKind::Give { value, otherwise, .. } => self.all([Some(value), otherwise.as_ref()]),
            RuleKind::Weight { value, .. } => self.expr(value),
            RuleKind::Pairs { positive, condition } => {
                self.expr(condition);
                let name = if *positive { "positive" } else { "negative" };
                self.bind(&Ident { name: name.into(), span: def.name.span }, Kind::Silent);
            }
        }
    }

    fn all<'e>(&mut self, exprs: impl IntoIterator<Item = Option<&'e Expr>>) {
        exprs.into_iter().flatten().for_each(|e| self.expr(e));
    }
}
