//! Blocks and statements.

use std::rc::Rc;

use vspec_ir::{Obligation, Relation};
use vspec_syntax::Diagnostic;
use vspec_syntax::ast::{self, BinaryOp, Block, Expr, ExprKind, Statement, StatementKind};

use super::{Eval, Evaluator, Stop};
use crate::codes;
use crate::scope::Scope;
use crate::value::Value;

impl Evaluator<'_> {
    /// A block in a scope of its own. All statements are looked at, even after one failed.
    pub(crate) fn block(&mut self, block: &Block, scope: &Rc<Scope>) -> Eval<Value> {
        self.block_in(block, &scope.inner())
    }

    /// A block whose names are bound in the given scope.
    pub(crate) fn block_in(&mut self, block: &Block, scope: &Rc<Scope>) -> Eval<Value> {
        let mut failed = false;
        for statement in &block.statements {
            failed |= self.statement(statement, scope).is_err();
            if failed && self.saturated() {
                return Err(Stop);
            }
        }
        let value = match &block.value {
            Some(value) => self.expr(value, scope)?,
            None => Value::Unit,
        };
        if failed { Err(Stop) } else { Ok(value) }
    }

    fn statement(&mut self, statement: &Statement, scope: &Rc<Scope>) -> Eval<()> {
        let span = statement.span;
        match &statement.kind {
            StatementKind::Let(def) => self.let_statement(def, scope),
            StatementKind::Update { target, value } => self.update(target, value, scope),
            StatementKind::Param(def) => self.misplaced_param(def),
            StatementKind::Term { name, value } => self.term(name, value, scope),
            StatementKind::Minimize { loss, over, by } => self.minimize(loss, over, by, span, scope),
            StatementKind::Report { name, value } => self.report_statement(name.as_ref(), value, span, scope),
            StatementKind::Require(require) => self.require(require, scope),
            StatementKind::For { pattern, iter, body } => self.for_statement(pattern, iter, body, scope),
            StatementKind::Shape { value, expected } => self.shape_statement(value, expected, span, scope),
            StatementKind::Assert(condition) => self.assert_statement(condition, span, scope),
            StatementKind::Expr(expr) => self.expr(expr, scope).map(|_| ()),
            StatementKind::Apply { gradient, to, by } => {
                self.apply_statement(gradient, [to, by], span, scope)
            }
            StatementKind::ReportTable { name, columns } => self.report_table(name, columns, span, scope),
            StatementKind::Collect { name, value } => self.collect_statement(name, value, scope),
            StatementKind::Finish(body) => self.finish_statement(body, span, scope),
        }
    }

    fn misplaced_param(&mut self, def: &ast::VarDef) -> Eval<()> {
        let message = format!("parameter `{}` is not at the top of a loss", def.name.name);
        self.error(codes::WRONG_PLACE, def.name.span, message)
    }

    /// `let x: T = value`
    pub(crate) fn let_statement(&mut self, def: &ast::Let, scope: &Rc<Scope>) -> Eval<()> {
        let given = self.given(None, &def.value, scope).and_then(|given| match &def.ty {
            Some(ty) => {
                let value = self.conform(&given, ty, scope, "the binding")?;
                Ok((value, given.origin))
            }
            None => Ok((given.value, given.origin)),
        });
        match given {
            Ok((value, origin)) => self.bind_pattern(&def.pattern, value, origin, scope),
            Err(stop) => {
                self.poison_pattern(&def.pattern, scope);
                Err(stop)
            }
        }
    }

    fn for_statement(
        &mut self,
        pattern: &ast::Pattern,
        iter: &Expr,
        body: &Block,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        for item in self.items(iter, scope)? {
            let inner = scope.inner();
            self.bind_pattern(pattern, item, iter.span, &inner)?;
            self.block(body, &inner)?;
        }
        Ok(())
    }

    /// `require condition, "message"`: an error when it is false; a fact or an obligation when sizes decide it later.
    pub(crate) fn require(&mut self, require: &ast::Require, scope: &Rc<Scope>) -> Eval<()> {
        let condition = &require.condition;
        match self.expr(condition, scope)? {
            Value::Bool(true) => Ok(()),
            Value::Undecided(formula) => match formula.relations() {
                Some(relations) => {
                    relations.into_iter().for_each(|relation| self.assume(relation));
                    Ok(())
                }
                None => self.fail(
                    Diagnostic::error(
                        codes::NOT_STATIC,
                        condition.span,
                        "which of the two holds is not known",
                    )
                    .hint("sizes are required one condition at a time"),
                ),
            },
            Value::Bool(false) => {
                let message = match &require.message {
                    Some(text) => self.expr(text, scope)?,
                    None => Value::Unit,
                };
                let values = self.sides(condition, scope);
                let text = match message {
                    Value::Str(s) => s.to_string(),
                    _ => "requirement does not hold".to_string(),
                };
                self.fail(Diagnostic::error(codes::REQUIREMENT, condition.span, text).label(values))
            }
            other => {
                let message = format!("a requirement is a bool, not {}", other.kind());
                self.error(codes::WRONG_KIND, condition.span, message)
            }
        }
    }

    /// What a requirement on sizes means until they are bound: divisibility of a named size is known from here on.
    fn assume(&mut self, obligation: Obligation) {
        if obligation.relation == Relation::MultipleOf
            && let (Some(symbol), Some(divisor)) = (obligation.left.as_symbol(), obligation.right.as_const())
        {
            let symbol = symbol.to_string();
            self.graph.facts_mut().assume_multiple(&symbol, divisor);
        }
        self.step.obligations.push(obligation);
    }

    /// `3 and 4` for a comparison whose sides are 3 and 4, to show next to it.
    fn sides(&mut self, condition: &Expr, scope: &Rc<Scope>) -> String {
        let ExprKind::Binary(op, a, b) = &condition.kind else { return String::new() };
        if matches!(op, BinaryOp::And | BinaryOp::Or) {
            return String::new();
        }
        match (self.expr(a, scope), self.expr(b, scope)) {
            (Ok(a), Ok(b)) => format!("this compares {} with {}", show(&a), show(&b)),
            _ => String::new(),
        }
    }
}

/// How many elements of a list messages show, and how deep lists within lists.
const SHOWN: usize = 8;
/// How many lists within each other messages show.
const SHOWN_DEPTH: usize = 3;

/// A static value as the specification would write it; long lists are cut.
pub(crate) fn show(value: &Value) -> String {
    show_within(value, SHOWN_DEPTH)
}

fn show_within(value: &Value, depth: usize) -> String {
    match value {
        Value::Int(i) => i.to_string(),
        Value::Float(f) => format!("{f:?}"),
        Value::Bool(b) => b.to_string(),
        Value::Str(s) => format!("{s:?}"),
        Value::Dim(d) => d.to_string(),
        Value::List(items) => format!("[{}]", show_all(items, depth)),
        Value::Tuple(items) => format!("({})", show_all(items, depth)),
        other => other.kind().to_string(),
    }
}

fn show_all(items: &[Value], depth: usize) -> String {
    let shown = if depth == 0 { 0 } else { SHOWN };
    let texts = items.iter().take(shown).map(|item| show_within(item, depth.saturating_sub(1)));
    let rest = (items.len() > shown).then(|| "..".to_string());
    texts.chain(rest).collect::<Vec<_>>().join(", ")
}
