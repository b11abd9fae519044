//! Builds blocks and statements.

use pest::iterators::Pair;

use super::{Builder, Built, internal};
use crate::Span;
use crate::ast::{Block, Expr, ExprKind, Ident, Let, Require, Statement, StatementKind};
use crate::grammar::Rule;

impl Builder<'_> {
    pub(super) fn block(&self, pair: Pair<'_, Rule>) -> Built<Block> {
        let span = self.span(&pair);
        self.deeper(1, span, || {
            let mut statements = self.children(pair).map(|s| self.statement(s)).collect::<Built<Vec<_>>>()?;
            let value = match statements.pop() {
                Some(Statement { kind: StatementKind::Expr(value), .. }) => Some(Box::new(value)),
                last => {
                    statements.extend(last);
                    None
                }
            };
            Ok(Block { statements, value, span })
        })
    }

    fn statement(&self, pair: Pair<'_, Rule>) -> Built<Statement> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::let_def => StatementKind::Let(self.let_def(pair)?),
            Rule::for_def => self.for_def(pair)?,
            Rule::update_def => self.update(pair)?,
            Rule::param_def => StatementKind::Param(self.var(pair, "param", true)?),
            Rule::term_def => self.named(pair, |name, value| StatementKind::Term { name, value })?,
            Rule::collect_def => self.named(pair, |name, value| StatementKind::Collect { name, value })?,
            Rule::minimize_def => {
                self.three(pair, |loss, over, by| StatementKind::Minimize { loss, over, by })?
            }
            Rule::apply_def => {
                self.three(pair, |gradient, to, by| StatementKind::Apply { gradient, to, by })?
            }
            Rule::report_table => self.report_table(pair)?,
            Rule::report_def => self.report(pair)?,
            Rule::finish_def => StatementKind::Finish(self.block(self.children(pair).one()?)?),
            Rule::require_def => StatementKind::Require(self.require(pair)?),
            Rule::shape_def => self.shape(pair)?,
            Rule::assert_def => StatementKind::Assert(self.expr(self.children(pair).one()?)?),
            Rule::expr_statement => StatementKind::Expr(self.expr(self.children(pair).one()?)?),
            _ => return Err(Box::new(internal(span))),
        };
        Ok(Statement { kind, span })
    }

    pub(super) fn let_def(&self, pair: Pair<'_, Rule>) -> Built<Let> {
        let mut children = self.children(pair);
        let pattern = self.pattern(children.one()?)?;
        let ty = children.maybe(Rule::type_expr).map(|t| self.type_expr(t)).transpose()?;
        Ok(Let { pattern, ty, value: self.expr(children.one()?)? })
    }

    pub(super) fn require(&self, pair: Pair<'_, Rule>) -> Built<Require> {
        let mut children = self.children(pair);
        let condition = self.expr(children.one()?)?;
        let message = children.maybe(Rule::expr).map(|e| self.expr(e)).transpose()?;
        Ok(Require { condition, message })
    }

    fn named(&self, pair: Pair<'_, Rule>, make: fn(Ident, Expr) -> StatementKind) -> Built<StatementKind> {
        let mut children = self.children(pair);
        Ok(make(self.ident(children.one()?), self.expr(children.one()?)?))
    }

    fn three(
        &self,
        pair: Pair<'_, Rule>,
        make: fn(Expr, Expr, Expr) -> StatementKind,
    ) -> Built<StatementKind> {
        let mut children = self.children(pair);
        let mut next = || self.expr(children.one()?);
        Ok(make(next()?, next()?, next()?))
    }

    fn for_def(&self, pair: Pair<'_, Rule>) -> Built<StatementKind> {
        let mut children = self.children(pair);
        let pattern = self.pattern(children.one()?)?;
        let iter = self.expr(children.one()?)?;
        Ok(StatementKind::For { pattern, iter, body: self.block(children.one()?)? })
    }

    fn update(&self, pair: Pair<'_, Rule>) -> Built<StatementKind> {
        let mut children = self.children(pair);
        let target = self.place(children.one()?)?;
        Ok(StatementKind::Update { target, value: self.expr(children.one()?)? })
    }

    fn place(&self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let whole = self.span(&pair);
        let mut children = self.children(pair);
        let name = self.ident(children.one()?);
        let target = Expr { kind: ExprKind::Name(name.name), span: name.span };
        let postfixes: Vec<_> = children.collect();
        self.deeper(postfixes.len(), whole, || {
            postfixes.into_iter().try_fold(target, |target, postfix| self.postfix(target, postfix))
        })
    }

    fn report(&self, pair: Pair<'_, Rule>) -> Built<StatementKind> {
        let mut children = self.children(pair);
        let name = children.maybe(Rule::name).map(|n| self.ident(n));
        Ok(StatementKind::Report { name, value: self.expr(children.one()?)? })
    }

    fn report_table(&self, pair: Pair<'_, Rule>) -> Built<StatementKind> {
        let mut children = self.children(pair);
        let name = self.string(&children.one()?)?;
        let columns = children.map(|c| self.column(c)).collect::<Built<_>>()?;
        Ok(StatementKind::ReportTable { name, columns })
    }

    fn column(&self, pair: Pair<'_, Rule>) -> Built<(Ident, Option<Expr>)> {
        let mut children = self.children(pair);
        let name = self.ident(children.one()?);
        let value = children.maybe(Rule::expr).map(|e| self.expr(e)).transpose()?;
        Ok((name, value))
    }

    fn shape(&self, pair: Pair<'_, Rule>) -> Built<StatementKind> {
        let mut parts = pair.into_inner().filter(|p| matches!(p.as_rule(), Rule::tested | Rule::type_expr));
        match (parts.next(), parts.next()) {
            (Some(value), Some(expected)) => {
                Ok(StatementKind::Shape { value: self.simple(value)?, expected: self.type_expr(expected)? })
            }
            _ => Err(Box::new(internal(Span::default()))),
        }
    }
}
