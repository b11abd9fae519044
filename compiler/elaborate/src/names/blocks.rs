//! Names in blocks and statements.

use vspec_syntax::ast::{Block, Expr, Ident, Let, Require, Statement, StatementKind, TypeKind, VarDef};

use super::Checker;
use super::scope::{Kind, pattern_names};

impl Checker<'_> {
    pub(super) fn block(&mut self, block: &Block) {
        self.scoped(|c| {
            block.statements.iter().for_each(|statement| c.statement(statement));
            block.value.iter().for_each(|value| c.expr(value));
        });
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Let(def) => self.let_statement(def),
            StatementKind::Update { target, value } => {
                self.expr(value);
                self.target(target);
            }
            StatementKind::Param(def) => self.param(def),
            StatementKind::Minimize { loss, over, by } => self.minimize(loss, over, by),
            StatementKind::Apply { gradient, to, by } => [gradient, to, by].iter().for_each(|e| self.expr(e)),
            StatementKind::Term { value, .. } | StatementKind::Report { value, .. } => self.expr(value),
            StatementKind::ReportTable { columns, .. } => {
                columns.iter().for_each(|column| self.column(column))
            }
            StatementKind::Collect { name, value } => {
                self.expr(value);
                self.collected.push(name.clone());
            }
            StatementKind::Finish(body) => self.scoped(|c| {
                std::mem::take(&mut c.collected).iter().for_each(|name| c.define(name, Kind::Variable));
                c.block(body);
            }),
            StatementKind::Require(require) => self.require(require),
            StatementKind::For { pattern, iter, body } => {
                self.expr(iter);
                self.scoped(|c| {
                    c.bind_pattern(pattern);
                    c.block(body);
                });
            }
            StatementKind::Shape { value, expected } => {
                self.expr(value);
                match &expected.kind {
                    TypeKind::Shaped { dims, .. } => dims.iter().for_each(|d| self.literal_size(&d.size)),
                    _ => self.scoped(|c| c.binding_type(expected)),
                }
            }
            StatementKind::Assert(condition) => self.expr(condition),
            StatementKind::Expr(expr) => self.expr(expr),
        }
    }

    /// The value does not see what the `let` binds.
    pub(super) fn let_statement(&mut self, def: &Let) {
        self.expr(&def.value);
        def.ty.iter().for_each(|ty| self.binding_type(ty));
        pattern_names(&def.pattern).into_iter().for_each(|name| self.warn_hiding(name));
        self.bind_pattern(&def.pattern);
    }

    /// `terms`, the sum of all terms so far, is a name only in what is minimized.
    fn minimize(&mut self, loss: &Expr, over: &Expr, by: &Expr) {
        self.scoped(|c| {
            c.bind(&Ident { name: "terms".into(), span: loss.span }, Kind::Silent);
            c.expr(loss);
        });
        self.expr(over);
        self.expr(by);
    }

    /// A bare name is a column of that name.
    fn column(&mut self, (name, value): &(Ident, Option<Expr>)) {
        match value {
            Some(value) => self.expr(value),
            None => self.read(&name.name, name.span),
        }
    }

    pub(super) fn require(&mut self, require: &Require) {
        self.expr(&require.condition);
        require.message.iter().for_each(|message| self.expr(message));
    }

    /// The type and the values of a variable, but not its name.
    pub(super) fn variable(&mut self, def: &VarDef) {
        def.ty.iter().for_each(|ty| self.checked_type(ty));
        [&def.manifold, &def.init, &def.guard].into_iter().flatten().for_each(|e| self.expr(e));
    }

    /// A `param` at the top of a loss was looked at with the others; anywhere else it is an error of the evaluator's.
    fn param(&mut self, def: &VarDef) {
        if !self.is_bound_at(&def.name) {
            self.variable(def);
            self.bind(&def.name, Kind::Silent);
        }
    }
}
