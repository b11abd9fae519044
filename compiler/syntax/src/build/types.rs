//! Builds types and patterns.

use pest::iterators::Pair;

use super::{Builder, Built, internal};
use crate::Span;
use crate::ast::{DimExpr, Expr, ExprKind, Ident, Pattern, TypeExpr, TypeKind};
use crate::grammar::Rule;

impl Builder<'_> {
    pub(super) fn type_expr(&self, pair: Pair<'_, Rule>) -> Built<TypeExpr> {
        let span = self.span(&pair);
        let inner = self.children(pair).one()?;
        let kind = self.deeper(1, span, || self.type_kind(inner))?;
        Ok(TypeExpr { kind, span })
    }

    fn type_kind(&self, pair: Pair<'_, Rule>) -> Built<TypeKind> {
        match pair.as_rule() {
            Rule::named_type => self.named_type(pair),
            Rule::record_type => self.record_type(pair),
            Rule::list_type => Ok(TypeKind::List(Box::new(self.type_expr(self.children(pair).one()?)?))),
            Rule::tuple_type => Ok(TypeKind::Tuple(self.type_list(pair)?)),
            Rule::fn_type => self.fn_type(pair),
            Rule::module_type => self.module_type(pair),
            _ => Err(Box::new(internal(self.span(&pair)))),
        }
    }

    fn named_type(&self, pair: Pair<'_, Rule>) -> Built<TypeKind> {
        let mut children = self.children(pair);
        let element = self.ident(children.one()?);
        let Some(dims) = children.maybe(Rule::dims) else { return Ok(TypeKind::Named(element)) };
        let dims = self.children(dims).map(|d| self.dim(d)).collect::<Built<_>>()?;
        Ok(TypeKind::Shaped { element, dims })
    }

    fn dim(&self, pair: Pair<'_, Rule>) -> Built<DimExpr> {
        let mut children = self.children(pair);
        let size = match children.maybe(Rule::dots) {
            Some(dots) => self.rest(self.span(&dots), children.next())?,
            None => self.simple(children.one()?)?,
        };
        Ok(DimExpr { size, masked: children.maybe(Rule::question).is_some() })
    }

    /// `..` alone or `..sizes`
    fn rest(&self, dots: Span, sizes: Option<Pair<'_, Rule>>) -> Built<Expr> {
        let sizes = sizes.map(|s| self.simple(s).map(Box::new)).transpose()?;
        let span = sizes.as_ref().map_or(dots, |s| dots.to(s.span));
        Ok(Expr { kind: ExprKind::Rest(sizes), span })
    }

    fn record_type(&self, pair: Pair<'_, Rule>) -> Built<TypeKind> {
        let (mut fields, mut open) = (vec![], false);
        for part in self.children(pair) {
            match part.as_rule() {
                Rule::dots => open = true,
                _ => fields.push(self.type_field(part)?),
            }
        }
        Ok(TypeKind::Record { fields, open })
    }

    /// `image: f32[3, H, W]`
    pub(super) fn type_field(&self, pair: Pair<'_, Rule>) -> Built<(Ident, TypeExpr)> {
        self.docs.accept(self.span(&pair));
        let mut children = self.children(pair);
        Ok((self.ident(children.one()?), self.type_expr(children.one()?)?))
    }

    fn type_list(&self, pair: Pair<'_, Rule>) -> Built<Vec<TypeExpr>> {
        self.children(pair).map(|t| self.type_expr(t)).collect()
    }

    fn fn_type(&self, pair: Pair<'_, Rule>) -> Built<TypeKind> {
        let mut children = self.children(pair);
        let params = self.type_list(children.one()?)?;
        let ret = children.maybe(Rule::type_expr).map(|t| self.type_expr(t).map(Box::new)).transpose()?;
        Ok(TypeKind::Fn { params, ret })
    }

    fn module_type(&self, pair: Pair<'_, Rule>) -> Built<TypeKind> {
        let params = self.children(pair).maybe(Rule::tuple_type);
        Ok(TypeKind::Module(params.map(|p| self.type_list(p)).transpose()?))
    }

    pub(super) fn pattern(&self, pair: Pair<'_, Rule>) -> Built<Pattern> {
        let inner = self.children(pair).one()?;
        let span = self.span(&inner);
        match inner.as_rule() {
            Rule::tuple_pattern => Ok(Pattern::Tuple(self.patterns(inner)?, span)),
            Rule::list_pattern => Ok(Pattern::List(self.patterns(inner)?, span)),
            Rule::record_pattern => {
                Ok(Pattern::Record(self.children(inner).map(|n| self.ident(n)).collect(), span))
            }
            _ => Ok(Pattern::Name(self.ident(inner))),
        }
    }

    /// What stands between the brackets of a tuple or a list.
    fn patterns(&self, pair: Pair<'_, Rule>) -> Built<Vec<Pattern>> {
        let span = self.span(&pair);
        self.deeper(1, span, || self.children(pair).map(|p| self.pattern(p)).collect())
    }
}
