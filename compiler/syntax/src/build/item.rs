//! Builds top-level items and members.

use pest::iterators::Pair;

use super::{Builder, Built, internal};
use crate::ast::{
    EntryDef, Expr, FnDef, GradientDef, Ident, Item, ItemKind, LossDef, Member, MemberKind, ModuleDef,
    OptimizerDef, Param, RecordDef, TestDef, TypeExpr, Use, VarDef,
};
use crate::grammar::Rule;
use crate::{Diagnostic, Span, codes};

/// What stands between a name and a body.
struct Signature {
    config: Option<Vec<Param>>,
    params: Vec<Param>,
    ret: Option<TypeExpr>,
}

impl Builder<'_> {
    pub(crate) fn item(&self, pair: Pair<'_, Rule>) -> Built<Item> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::use_def => ItemKind::Use(self.use_def(pair)?),
            Rule::let_def => ItemKind::Let(self.let_def(pair)?),
            Rule::record_def => ItemKind::Record(self.record_def(pair)?),
            Rule::fn_def => ItemKind::Fn(self.fn_def(pair)?),
            Rule::host_fn => ItemKind::Fn(self.host_fn(pair)?),
            Rule::module_def => ItemKind::Module(self.module(pair)?),
            Rule::loss_def => ItemKind::Loss(self.loss(pair)?),
            Rule::optimizer_def => ItemKind::Optimizer(self.optimizer(pair)?),
            Rule::assign_def => ItemKind::Assign(self.assign(pair)?),
            Rule::experiment_def => ItemKind::Experiment(self.experiment(pair)?),
            Rule::entry_def => ItemKind::Entry(self.entry(pair)?),
            Rule::test_def => ItemKind::Test(self.test(pair)?),
            _ => return Err(Box::new(internal(span))),
        };
        Ok(Item { doc: self.docs.take(span.start as usize), kind, span })
    }

    fn use_def(&self, pair: Pair<'_, Rule>) -> Built<Use> {
        let mut children = self.children(pair);
        let path = children.all(Rule::name).into_iter().map(|n| self.ident(n)).collect();
        let last = children.one()?;
        let names = match last.as_rule() {
            Rule::use_list => self.children(last).map(|n| self.use_name(n)).collect::<Built<_>>()?,
            _ => vec![self.use_name(last)?],
        };
        Ok(Use { path, names })
    }

    fn use_name(&self, pair: Pair<'_, Rule>) -> Built<(Ident, Option<Ident>)> {
        let mut children = self.children(pair);
        Ok((self.ident(children.one()?), children.next().map(|n| self.ident(n))))
    }

    fn record_def(&self, pair: Pair<'_, Rule>) -> Built<RecordDef> {
        let mut children = self.children(pair);
        let name = self.ident(children.one()?);
        Ok(RecordDef { name, fields: children.map(|f| self.type_field(f)).collect::<Built<_>>()? })
    }

    /// A function with its keyword, or a method, which has none.
    fn fn_def(&self, pair: Pair<'_, Rule>) -> Built<FnDef> {
        let mut children = self.children(pair);
        let name = self.ident(children.one()?);
        let Signature { config, params, ret } = self.signature(children.one()?)?;
        let body = Some(self.block(children.one()?)?);
        let gradient = children.maybe(Rule::gradient).map(|g| self.gradient(g)).transpose()?;
        Ok(FnDef { name, host: false, config, params, ret, body, gradient })
    }

    fn host_fn(&self, pair: Pair<'_, Rule>) -> Built<FnDef> {
        let mut children = self.children(pair);
        let name = self.ident(children.one()?);
        let Signature { config, params, ret } = self.signature(children.one()?)?;
        Ok(FnDef { name, host: true, config, params, ret, body: None, gradient: None })
    }

    fn signature(&self, pair: Pair<'_, Rule>) -> Built<Signature> {
        let mut children = self.children(pair);
        let first = self.params(children.one()?)?;
        let second = children.maybe(Rule::params).map(|p| self.params(p)).transpose()?;
        let ret = children.maybe(Rule::type_expr).map(|t| self.type_expr(t)).transpose()?;
        Ok(match second {
            Some(params) => Signature { config: Some(first), params, ret },
            None => Signature { config: None, params: first, ret },
        })
    }

    pub(super) fn params(&self, pair: Pair<'_, Rule>) -> Built<Vec<Param>> {
        self.children(pair).map(|p| self.param(p)).collect()
    }

    pub(crate) fn param(&self, pair: Pair<'_, Rule>) -> Built<Param> {
        self.docs.accept(self.span(&pair));
        let mut children = self.children(pair);
        let name = self.ident(children.one()?);
        let ty = children.maybe(Rule::type_expr).map(|t| self.type_expr(t)).transpose()?;
        let default = children.maybe(Rule::expr).map(|e| self.expr(e)).transpose()?;
        Ok(Param { name, ty, default })
    }

    fn gradient(&self, pair: Pair<'_, Rule>) -> Built<GradientDef> {
        let span = self.span(&pair);
        // The name after the arrow is a name like the parameters, so that only the arrow tells it from them.
        let (mut params, mut ret, mut body, mut arrow) = (vec![], None, None, false);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::arrow => arrow = true,
                Rule::name if arrow => ret = Some(self.ident(part)),
                Rule::name => params.push(self.ident(part)),
                Rule::block => body = Some(self.block(part)?),
                _ => {}
            }
        }
        let body = body.ok_or_else(|| Box::new(internal(span)))?;
        Ok(GradientDef { params, ret, body, span })
    }

    fn module(&self, pair: Pair<'_, Rule>) -> Built<ModuleDef> {
        let mut children = self.children(pair);
        let name = self.ident(children.one()?);
        let params = self.params(children.one()?)?;
        Ok(ModuleDef { name, params, members: self.members(children.one()?, true)? })
    }

    fn optimizer(&self, pair: Pair<'_, Rule>) -> Built<OptimizerDef> {
        let mut children = self.children(pair);
        let name = self.ident(children.one()?);
        let params = self.params(children.one()?)?;
        Ok(OptimizerDef { name, params, members: self.members(children.one()?, false)? })
    }

    fn loss(&self, pair: Pair<'_, Rule>) -> Built<LossDef> {
        let mut children = self.children(pair);
        let name = self.ident(children.one()?);
        let Signature { config, params, ret } = self.signature(children.one()?)?;
        Ok(LossDef { name, config, params, ret, body: self.block(children.one()?)? })
    }

    fn entry(&self, pair: Pair<'_, Rule>) -> Built<EntryDef> {
        let mut children = self.children(pair);
        Ok(EntryDef { name: self.ident(children.one()?), value: self.expr(children.one()?)? })
    }

    fn test(&self, pair: Pair<'_, Rule>) -> Built<TestDef> {
        let mut children = self.children(pair);
        let name = children.one()?;
        let name_span = self.span(&name);
        Ok(TestDef { name: self.string(&name)?, name_span, body: self.block(children.one()?)? })
    }

    /// `typed`: whether a state must say its type, which only those of an optimizer need not.
    fn members(&self, pair: Pair<'_, Rule>, typed: bool) -> Built<Vec<Member>> {
        self.children(pair).map(|m| self.member(m, typed)).collect()
    }

    fn member(&self, pair: Pair<'_, Rule>, typed: bool) -> Built<Member> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::param_def => MemberKind::Param(self.var(pair, "param", true)?),
            Rule::state_def => MemberKind::State(self.var(pair, "state", typed)?),
            Rule::const_def => MemberKind::Const(self.var(pair, "const", true)?),
            Rule::let_def => MemberKind::Let(self.let_def(pair)?),
            Rule::require_def => MemberKind::Require(self.require(pair)?),
            Rule::test_def => MemberKind::Test(self.test(pair)?),
            Rule::method => MemberKind::Method(self.fn_def(pair)?),
            Rule::child => self.child(pair)?,
            _ => return Err(Box::new(internal(span))),
        };
        Ok(Member { doc: self.docs.take(span.start as usize), kind, span })
    }

    fn child(&self, pair: Pair<'_, Rule>) -> Built<MemberKind> {
        let mut children = self.children(pair);
        let name = self.ident(children.one()?);
        let ty = children.maybe(Rule::type_expr).map(|t| self.type_expr(t)).transpose()?;
        Ok(MemberKind::Child { name, ty, value: self.expr(children.one()?)? })
    }

    pub(super) fn var(&self, pair: Pair<'_, Rule>, word: &str, typed: bool) -> Built<VarDef> {
        let mut children = self.children(pair);
        let name = self.ident(children.one()?);
        let ty = children.maybe(Rule::type_expr).map(|t| self.type_expr(t)).transpose()?;
        if typed && ty.is_none() {
            return Err(missing_type(word, &name.name, name.span));
        }
        let manifold = children.maybe(Rule::manifold).map(|m| self.only_simple(m)).transpose()?;
        let init = children.maybe(Rule::expr).map(|e| self.expr(e)).transpose()?;
        let guard = children.maybe(Rule::guard).map(|g| self.only_simple(g)).transpose()?;
        Ok(VarDef { name, ty, manifold, init, guard })
    }

    fn only_simple(&self, pair: Pair<'_, Rule>) -> Built<Expr> {
        self.simple(self.children(pair).one()?)
    }
}

fn missing_type(word: &str, name: &str, span: Span) -> Box<Diagnostic> {
    let error = Diagnostic::error(codes::MISSING_TYPE, span, format!("`{word} {name}` has no type"))
        .label("element type and sizes must be written")
        .hint(format!("write `{word} {name}: f32[..] = ..` with its sizes in the brackets"));
    Box::new(error)
}
