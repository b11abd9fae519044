//! Names in expressions.

use vspec_ir::DType;
use vspec_syntax::ast::{Expr, ExprKind, ForClause, IndexArg, RecordField};

use super::Checker;

impl Checker<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Str(_) | ExprKind::Bool(_) | ExprKind::Hole => {
            }
            ExprKind::Name(name) => self.read(name, expr.span),
            ExprKind::Rest(size) => size.iter().for_each(|e| self.expr(e)),
            ExprKind::List(items) => items.iter().for_each(|item| self.expr(&item.value)),
            ExprKind::Comprehension { element, clauses } => self.comprehension(element, clauses),
            ExprKind::Tuple(items) => items.iter().for_each(|item| self.expr(item)),
            ExprKind::Record(fields) => fields.iter().for_each(|field| self.record_field(field)),
            ExprKind::Field(base, field) => {
                self.fields.insert(field.name.clone());
                self.expr(base);
            }
            ExprKind::Index(base, args) => self.index(base, args),
            ExprKind::Call(callee, args) => {
                self.expr(callee);
                args.iter().for_each(|arg| self.expr(&arg.value));
                if matches!(&callee.kind, ExprKind::Name(name) if &**name == "mix" && !self.in_scope(name)) {
                    args.iter().for_each(|arg| self.mixed(&arg.value));
                }
            }
            ExprKind::Unary(_, e) => self.expr(e),
            ExprKind::Pipe(a, b) | ExprKind::Binary(_, a, b) | ExprKind::Range(a, b) => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition);
                self.block(then);
                otherwise.iter().for_each(|block| self.block(block));
            }
            ExprKind::Block(block) => self.block(block),
            ExprKind::Fold { pattern, iter, state, init, body } => {
                self.expr(iter);
                self.expr(init);
                self.scoped(|c| {
                    c.bind_pattern(state);
                    c.bind_pattern(pattern);
                    c.block(body);
                });
            }
            ExprKind::Per { value, over, per } => {
                self.expr(value);
                over.iter().filter(|o| &*o.name != "all").for_each(|o| self.read(&o.name, o.span));
                self.read(&per.name, per.span);
            }
            ExprKind::With(base, fields) => {
                self.expr(base);
                for (field, value) in fields {
                    self.fields.insert(field.name.clone());
                    self.expr(value);
                }
            }
        }
    }

    /// Each clause sees the variables of those before it.
    fn comprehension(&mut self, element: &Expr, clauses: &[ForClause]) {
        self.scoped(|c| {
            for clause in clauses {
                c.expr(&clause.iter);
                c.bind_pattern(&clause.pattern);
                clause.condition.iter().for_each(|condition| c.expr(condition));
            }
            c.expr(element);
        });
    }

    /// The key of a field is no name, but a bare one stands for its value.
    pub(super) fn record_field(&mut self, field: &RecordField) {
        match &field.value {
            Some(value) => self.expr(value),
            None if field.quoted => {}
            None => self.read(&field.key.name, field.key.span),
        }
    }

    fn index(&mut self, base: &Expr, args: &[IndexArg]) {
        self.expr(base);
        let literal = matches!(&base.kind, ExprKind::Name(name) if DType::from_name(name).is_some());
        for arg in args {
            match arg {
                IndexArg::At(e) if literal => self.literal_size(e),
                _ => self.index_arg(arg),
            }
        }
    }

    /// `B` or `H // 2` in the type literal `f32[B, 3, H // 2]`: a capitalised name may be one that only the literal itself names.
    pub(super) fn literal_size(&mut self, size: &Expr) {
        match &size.kind {
            ExprKind::Name(n) if n.starts_with(char::is_uppercase) && !self.in_scope(n) => {}
            ExprKind::Binary(_, a, b) => {
                self.literal_size(a);
                self.literal_size(b);
            }
            _ => self.expr(size),
        }
    }

    /// What an `update` writes: a state, a field of one, or entries of one.
    pub(super) fn target(&mut self, target: &Expr) {
        match &target.kind {
            ExprKind::Name(name) => self.write(name, target.span),
            ExprKind::Index(base, args) => {
                self.target(base);
                args.iter().for_each(|arg| self.index_arg(arg));
            }
            ExprKind::Field(base, field) if matches!(&base.kind, ExprKind::Name(n) if &**n == "self") => {
                self.expr(base);
                // Whether `self` has such a member is the evaluator's business; here it is only not a read.
                if self.in_scope(&field.name) {
                    self.write(&field.name, field.span);
                }
            }
            ExprKind::Field(base, _) => self.expr(base),
            _ => self.expr(target),
        }
    }

    fn index_arg(&mut self, arg: &IndexArg) {
        match arg {
            IndexArg::At(e) => self.expr(e),
            IndexArg::Slice { start, end, step, .. } => {
                [start, end, step].into_iter().flatten().for_each(|e| self.expr(e));
            }
            IndexArg::Ellipsis(_) => {}
        }
    }
}
