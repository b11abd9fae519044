//! Builds expressions.

use pest::iterators::Pair;

use super::operators::PRECEDENCE;
use super::{Builder, Built, internal};
use crate::Span;
use crate::ast::{Arg, Block, Expr, ExprKind, ForClause, Ident, IndexArg, ListItem, RecordField};
use crate::grammar::Rule;

impl Builder<'_> {
    pub(crate) fn expr(&self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let span = self.span(&pair);
        let steps: Vec<_> = self.children(pair).collect();
        self.deeper(steps.len(), span, || {
            let mut steps = steps.into_iter();
            let first = steps.next().ok_or_else(|| Box::new(internal(span)))?;
            steps.try_fold(self.changed(first)?, |left, right| {
                let right = self.changed(right)?;
                let span = left.span.to(right.span);
                Ok(Expr { kind: ExprKind::Pipe(Box::new(left), Box::new(right)), span })
            })
        })
    }

    /// `m with a = b`
    fn changed(&self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let span = self.span(&pair);
        let mut children = self.children(pair);
        let base = children.one()?;
        let clauses = children.all(Rule::with_clause);
        self.deeper(clauses.len(), span, || {
            clauses.into_iter().try_fold(self.simple(base)?, |base, clause| {
                let span = base.span.to(self.span(&clause));
                let bindings = self.children(clause).map(|b| self.binding(b)).collect::<Built<_>>()?;
                Ok(Expr { kind: ExprKind::With(Box::new(base), bindings), span })
            })
        })
    }

    fn binding(&self, pair: Pair<'_, Rule>) -> Built<(Ident, Expr)> {
        let mut children = self.children(pair);
        Ok((self.ident(children.one()?), self.simple(children.one()?)?))
    }

    /// Operands and operators in a row.
    pub(super) fn simple(&self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        // Most rows are one operand, for which precedence has nothing to decide.
        if parts.len() == 1 {
            let only = parts.next().ok_or_else(|| Box::new(internal(span)))?;
            return self.primary(only);
        }
        let levels = parts.clone().filter(|p| p.as_rule().is_operator()).count();
        self.deeper(levels, span, || {
            PRECEDENCE
                .map_primary(|p| self.primary(p))
                .map_prefix(|op, operand| self.unary(op, operand))
                .map_infix(|left, op, right| self.infix(left, op, right))
                .map_postfix(|operand, op| self.postfix(operand?, op))
                .parse(parts)
        })
    }

    fn primary(&self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::int | Rule::float | Rule::string | Rule::bool => self.literal(&pair)?,
            Rule::name => ExprKind::Name(pair.as_str().into()),
            Rule::hole => ExprKind::Hole,
            Rule::paren => return self.deeper(1, span, || self.paren(pair)),
            Rule::list => self.deeper(1, span, || self.list(pair))?,
            Rule::record => self.deeper(1, span, || self.record(pair))?,
            Rule::block_expr => ExprKind::Block(self.block(self.children(pair).one()?)?),
            Rule::if_expr => return self.if_expr(pair),
            Rule::fold_expr => self.deeper(1, span, || self.fold(pair))?,
            _ => return Err(Box::new(internal(span))),
        };
        Ok(Expr { kind, span })
    }

    /// Keeps the parentheses in the span, which tells `(a < b) < c` from a chain.
    fn paren(&self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let span = self.span(&pair);
        let commas = pair.clone().into_inner().any(|p| p.as_rule() == Rule::comma);
        let mut parts = vec![];
        for part in self.children(pair) {
            match (part.as_rule(), parts.pop()) {
                (Rule::group, Some(value)) => parts.push(self.group(value, part)?),
                (_, before) => {
                    parts.extend(before);
                    parts.push(self.expr(part)?);
                }
            }
        }
        match parts.pop() {
            Some(only) if parts.is_empty() && !commas => Ok(Expr { kind: only.kind, span }),
            last => {
                parts.extend(last);
                Ok(Expr { kind: ExprKind::Tuple(parts), span })
            }
        }
    }

    fn list(&self, pair: Pair<'_, Rule>) -> Built<ExprKind> {
        let mut children = self.children(pair);
        let mut items = vec![];
        for item in children.all(Rule::list_item) {
            items.push(self.list_item(item)?);
        }
        let clauses = children.map(|c| self.for_clause(c)).collect::<Built<Vec<_>>>()?;
        match items.pop() {
            Some(only) if !clauses.is_empty() => {
                Ok(ExprKind::Comprehension { element: Box::new(only.value), clauses })
            }
            last => {
                items.extend(last);
                Ok(ExprKind::List(items))
            }
        }
    }

    fn list_item(&self, pair: Pair<'_, Rule>) -> Built<ListItem> {
        let mut children = self.children(pair);
        let spread = children.maybe(Rule::dots).is_some();
        Ok(ListItem { spread, value: self.expr(children.one()?)? })
    }

    fn for_clause(&self, pair: Pair<'_, Rule>) -> Built<ForClause> {
        let mut children = self.children(pair);
        let pattern = self.pattern(children.one()?)?;
        let iter = self.expr(children.one()?)?;
        let condition = children.maybe(Rule::expr).map(|e| self.expr(e)).transpose()?;
        Ok(ForClause { pattern, iter, condition })
    }

    fn record(&self, pair: Pair<'_, Rule>) -> Built<ExprKind> {
        // The look-ahead that chose a record leaves a pair of its own.
        let fields = self.children(pair).filter(|p| p.as_rule() == Rule::record_field);
        Ok(ExprKind::Record(fields.map(|f| self.record_field(f)).collect::<Built<_>>()?))
    }

    fn record_field(&self, pair: Pair<'_, Rule>) -> Built<RecordField> {
        let mut children = self.children(pair);
        let key = children.one()?;
        let quoted = key.as_rule() == Rule::string;
        let name = if quoted { self.string(&key)? } else { key.as_str().into() };
        let key = Ident { name, span: self.span(&key) };
        let value = children.maybe(Rule::expr).map(|e| self.expr(e)).transpose()?;
        Ok(RecordField { key, quoted, value })
    }

    fn if_expr(&self, pair: Pair<'_, Rule>) -> Built<Expr> {
        let whole = self.span(&pair);
        let branches = pair.clone().into_inner().filter(|p| p.as_rule() == Rule::kw_if);
        let starts: Vec<Span> = branches.map(|p| self.span(&p)).collect();
        self.deeper(starts.len(), whole, || {
            let mut children = self.children(pair);
            let mut arms = vec![];
            for start in starts {
                let condition = self.expr(children.one()?)?;
                arms.push((start, condition, self.block(children.one()?)?));
            }
            let mut otherwise = children.maybe(Rule::block).map(|b| self.block(b)).transpose()?;
            let mut chain = None;
            while let Some((start, condition, then)) = arms.pop() {
                if let Some(inner) = chain.take() {
                    otherwise = Some(only_value(inner));
                }
                let kind = ExprKind::If { condition: Box::new(condition), then, otherwise: otherwise.take() };
                chain = Some(Expr { kind, span: start.to(whole) });
            }
            chain.ok_or_else(|| Box::new(internal(whole)))
        })
    }

    fn fold(&self, pair: Pair<'_, Rule>) -> Built<ExprKind> {
        let mut children = self.children(pair);
        let pattern = self.pattern(children.one()?)?;
        let iter = Box::new(self.simple(children.one()?)?);
        let state = self.pattern(children.one()?)?;
        let init = Box::new(self.expr(children.one()?)?);
        let body = self.block(children.one()?)?;
        Ok(ExprKind::Fold { pattern, iter, state, init, body })
    }

    /// A field, a call or an index after `operand`.
    pub(super) fn postfix(&self, operand: Expr, op: Pair<'_, Rule>) -> Built<Expr> {
        let span = operand.span.to(self.span(&op));
        let operand = Box::new(operand);
        let kind = match op.as_rule() {
            Rule::field => ExprKind::Field(operand, self.ident(self.children(op).one()?)),
            Rule::call => {
                ExprKind::Call(operand, self.children(op).map(|a| self.arg(a)).collect::<Built<_>>()?)
            }
            _ => {
                ExprKind::Index(operand, self.children(op).map(|a| self.index_arg(a)).collect::<Built<_>>()?)
            }
        };
        Ok(Expr { kind, span })
    }

    fn arg(&self, pair: Pair<'_, Rule>) -> Built<Arg> {
        let mut children = self.children(pair);
        let name = children.maybe(Rule::name).map(|n| self.ident(n));
        let value = self.expr(children.one()?)?;
        let value = match children.maybe(Rule::group) {
            Some(group) => self.group(value, group)?,
            None => value,
        };
        Ok(Arg { name, value })
    }

    /// `x over picked per t`
    fn group(&self, value: Expr, pair: Pair<'_, Rule>) -> Built<Expr> {
        let span = value.span.to(self.span(&pair));
        let mut names: Vec<Ident> = self.children(pair).map(|n| self.ident(n)).collect();
        let per = names.pop().ok_or_else(|| Box::new(internal(span)))?;
        let kind = ExprKind::Per { value: Box::new(value), over: names.pop(), per };
        Ok(Expr { kind, span })
    }

    fn index_arg(&self, pair: Pair<'_, Rule>) -> Built<IndexArg> {
        let span = self.span(&pair);
        let mut children = self.children(pair);
        if let Some(ellipsis) = children.maybe(Rule::ellipsis) {
            return Ok(IndexArg::Ellipsis(self.span(&ellipsis)));
        }
        let start = children.maybe(Rule::expr).map(|e| self.expr(e)).transpose()?;
        match (start, children.maybe(Rule::slice)) {
            (start, Some(slice)) => self.slice(start, slice, span),
            (Some(at), None) => Ok(IndexArg::At(at)),
            (None, None) => Err(Box::new(internal(span))),
        }
    }

    /// The colons decide which of the optional parts an expression is.
    fn slice(&self, start: Option<Expr>, pair: Pair<'_, Rule>, span: Span) -> Built<IndexArg> {
        let (mut end, mut step, mut colons) = (None, None, 0);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::colon => colons += 1,
                _ if colons == 1 => end = Some(self.expr(part)?),
                _ => step = Some(self.expr(part)?),
            }
        }
        Ok(IndexArg::Slice { start, end, step, span })
    }
}

/// A block that holds nothing but a value: what follows an `else` before another `if`.
fn only_value(value: Expr) -> Block {
    Block { statements: vec![], span: value.span, value: Some(Box::new(value)) }
}
