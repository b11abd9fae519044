//! Builds assignment rules.

use pest::iterators::Pair;

use super::{Builder, Built, internal};
use crate::ast::{AssignDef, Expr, Ident, RuleClause, RuleKind, TypeExpr};
use crate::grammar::Rule;

impl Builder<'_> {
    pub(super) fn assign(&self, pair: Pair<'_, Rule>) -> Built<AssignDef> {
        let mut children = self.children(pair);
        let name = self.ident(children.one()?);
        let params = children.maybe(Rule::params).map(|p| self.params(p)).transpose()?.unwrap_or_default();
        let (rows, cols) = (self.side(children.one()?)?, self.side(children.one()?)?);
        let body = children.one()?;
        let span = self.span(&body);
        let clauses = self.children(body).map(|c| self.rule_clause(c)).collect::<Built<_>>()?;
        Ok(AssignDef { name, params, rows, cols, clauses, body: span })
    }

    fn side(&self, pair: Pair<'_, Rule>) -> Built<(Ident, TypeExpr)> {
        let mut children = self.children(pair);
        Ok((self.ident(children.one()?), self.type_expr(children.one()?)?))
    }

    fn rule_clause(&self, pair: Pair<'_, Rule>) -> Built<RuleClause> {
        let span = self.span(&pair);
        self.docs.accept(span);
        let kind = match pair.as_rule() {
            Rule::let_def => RuleKind::Let(self.let_def(pair)?),
            Rule::require_def => RuleKind::Require(self.require(pair)?),
            Rule::pick_one => self.pick_one(pair)?,
            Rule::pick_where => RuleKind::PickWhere(self.only_expr(pair)?),
            Rule::pick_best => self.pick_best(pair)?,
            Rule::keep_pairs => RuleKind::Keep(self.only_expr(pair)?),
            Rule::resolve_def => {
                let mut children = self.children(pair);
                RuleKind::Resolve { by: self.simple(children.one()?)?, per: self.ident(children.one()?) }
            }
            Rule::ignore_def => {
                let mut children = self.children(pair);
                RuleKind::Ignore { rows: self.ident(children.one()?), condition: self.expr(children.one()?)? }
            }
            Rule::sample_def => self.sample(pair)?,
            Rule::give_def => self.give(pair)?,
            Rule::pairs_def => {
                let (positive, condition) = self.pair_side(pair)?;
                RuleKind::Pairs { positive, condition }
            }
            Rule::weight_def => {
                let (positive, value) = self.pair_side(pair)?;
                RuleKind::Weight { positive, value }
            }
            _ => return Err(Box::new(internal(span))),
        };
        Ok(RuleClause { kind, span })
    }

    fn only_expr(&self, pair: Pair<'_, Rule>) -> Built<Expr> {
        self.expr(self.children(pair).one()?)
    }

    fn pick_one(&self, pair: Pair<'_, Rule>) -> Built<RuleKind> {
        let mut children = self.children(pair);
        let cost = self.simple(children.one()?)?;
        let narrowed = children.maybe(Rule::narrowed).map(|n| self.only_expr(n)).transpose()?;
        Ok(RuleKind::PickOneToOne { cost, narrowed })
    }

    fn pick_best(&self, pair: Pair<'_, Rule>) -> Built<RuleKind> {
        let mut children = self.children(pair);
        let (count, by) = (self.simple(children.one()?)?, self.simple(children.one()?)?);
        let per = self.ident(children.one()?);
        let group = children.maybe(Rule::simple).map(|g| self.simple(g)).transpose()?;
        let narrowed = children.maybe(Rule::narrowed).map(|n| self.only_expr(n)).transpose()?;
        Ok(RuleKind::PickBest { count, by, per, group, narrowed })
    }

    fn sample(&self, pair: Pair<'_, Rule>) -> Built<RuleKind> {
        let mut children = self.children(pair);
        let (count, rows) = (self.simple(children.one()?)?, self.ident(children.one()?));
        let repeating = children.maybe(Rule::repeating).is_some();
        let (mut positives, mut negatives) = (None, None);
        for share in children {
            let mut parts = self.children(share);
            let which = parts.one()?.as_rule();
            // `<=` stands between.
            parts.one()?;
            let share = Some(self.simple(parts.one()?)?);
            match which {
                Rule::at_positives => positives = share,
                _ => negatives = share,
            }
        }
        Ok(RuleKind::Sample { count, rows, repeating, positives, negatives })
    }

    fn give(&self, pair: Pair<'_, Rule>) -> Built<RuleKind> {
        let mut children = self.children(pair);
        let (name, value) = (self.ident(children.one()?), self.expr(children.one()?)?);
        let otherwise = children.maybe(Rule::expr).map(|e| self.expr(e)).transpose()?;
        Ok(RuleKind::Give { name, value, otherwise })
    }

    fn pair_side(&self, pair: Pair<'_, Rule>) -> Built<(bool, Expr)> {
        let mut children = self.children(pair);
        let side = children.one()?;
        Ok((side.as_str().trim_end() == "positive", self.expr(children.one()?)?))
    }
}
