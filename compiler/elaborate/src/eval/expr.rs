//! Expressions.

use std::rc::Rc;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use vspec_ir::{NodeId, Op};
use vspec_syntax::ast::{self, BinaryOp, Expr, ExprKind, Pattern};
use vspec_syntax::{Diagnostic, Span, did_you_mean};

use super::{Eval, Evaluator, Place};
use crate::codes;
use crate::scope::Scope;
use crate::value::{Callable, DeclKind, Given, InstanceKind, Value};

/// How many elements a static list may have.
const MAX_LIST: i64 = 1_000_000;

impl Evaluator<'_> {
    /// The value of an expression.
    pub(crate) fn expr(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Eval<Value> {
        self.spend(expr.span)?;
        let value = self.expr_value(expr, scope)?;
        self.observe(expr.span, &value);
        Ok(value)
    }

    fn expr_value(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Eval<Value> {
        match &expr.kind {
            ExprKind::Int(i) => Ok(Value::Int(*i)),
            ExprKind::Float(f) => Ok(Value::Float(*f)),
            ExprKind::Str(s) => Ok(Value::Str(s.clone())),
            ExprKind::Bool(b) => Ok(Value::Bool(*b)),
            ExprKind::Name(name) => Ok(self.lookup(name, expr.span, scope)?.value),
            ExprKind::Hole | ExprKind::Rest(_) => {
                self.error(codes::WRONG_KIND, expr.span, "this stands for no value here")
            }
            ExprKind::List(items) => self.list(items, expr.span, scope),
            ExprKind::Comprehension { element, clauses } => self.comprehension(element, clauses, scope),
            ExprKind::Tuple(items) => {
                let values: Eval<Vec<Value>> = items.iter().map(|i| self.expr(i, scope)).collect();
                self.built(Value::Tuple(Rc::new(values?)), expr.span)
            }
            ExprKind::Record(fields) => self.record(fields, expr.span, scope),
            ExprKind::Field(base, field) => {
                let base = self.expr(base, scope)?;
                if let Some(observer) = &mut self.observer {
                    observer.field(&base, &field.name, field.span);
                }
                self.field(&base, field)
            }
            ExprKind::Index(base, args) => self.index(expr, base, args, scope),
            ExprKind::Call(callee, args) => self.call_expr(callee, args, None, expr.span, scope),
            ExprKind::Pipe(left, right) => self.pipe(left, right, expr.span, scope),
            ExprKind::Unary(op, operand) => {
                let operand = self.expr(operand, scope)?;
                self.unary(*op, &operand, expr.span)
            }
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), a, b) => self.logical(*op, a, b, scope),
            ExprKind::Binary(op, a, b) => {
                let (x, y) = (self.expr(a, scope)?, self.expr(b, scope)?);
                self.binary(*op, &x, &y, [a.span, b.span], expr.span)
            }
            ExprKind::Range(from, to) => self.range(from, to, scope),
            ExprKind::If { condition, then, otherwise } => {
                self.branch(condition, then, otherwise.as_ref(), scope)
            }
            ExprKind::Block(block) => self.block(block, scope),
            ExprKind::Fold { pattern, iter, state, init, body } => {
                let items = self.items(iter, scope)?;
                let mut value = self.expr(init, scope)?;
                for item in items {
                    let inner = scope.inner();
                    self.bind_pattern(pattern, item, iter.span, &inner)?;
                    self.bind_pattern(state, value, init.span, &inner)?;
                    value = self.block(body, &inner)?;
                }
                Ok(value)
            }
            ExprKind::Per { value, over, per } => self.per(value, over.as_ref(), per, expr.span, scope),
            ExprKind::With(base, changes) => self.with(base, changes, expr.span, scope),
        }
    }

    /// An expression as an argument: its value, and where a static value was first written down.
    pub(crate) fn given(&mut self, name: Option<&ast::Ident>, expr: &Expr, scope: &Rc<Scope>) -> Eval<Given> {
        let (value, origin) = match &expr.kind {
            ExprKind::Name(n) => {
                self.spend(expr.span)?;
                let binding = self.lookup(n, expr.span, scope)?;
                self.observe(expr.span, &binding.value);
                (binding.value, binding.origin)
            }
            _ => (self.expr(expr, scope)?, expr.span),
        };
        Ok(Given { name: name.cloned(), value, span: expr.span, origin })
    }

    fn list(&mut self, items: &[ast::ListItem], span: Span, scope: &Rc<Scope>) -> Eval<Value> {
        let mut values = vec![];
        for item in items {
            match item.spread {
                true => values.extend(self.items(&item.value, scope)?),
                false => values.push(self.expr(&item.value, scope)?),
            }
        }
        self.built(Value::list(values), span)
    }

    fn record(&mut self, fields: &[ast::RecordField], span: Span, scope: &Rc<Scope>) -> Eval<Value> {
        let mut record = IndexMap::new();
        for field in fields {
            let value = match &field.value {
                Some(value) => self.expr(value, scope)?,
                None => self.lookup(&field.key.name, field.key.span, scope)?.value,
            };
            record.insert(field.key.name.clone(), value);
        }
        self.built(Value::Record(Rc::new(record)), span)
    }

    fn comprehension(
        &mut self,
        element: &Expr,
        clauses: &[ast::ForClause],
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        let mut values = vec![];
        self.comprehend(element, clauses, scope, &mut values)?;
        self.built(Value::list(values), element.span)
    }

    fn comprehend(
        &mut self,
        element: &Expr,
        clauses: &[ast::ForClause],
        scope: &Rc<Scope>,
        out: &mut Vec<Value>,
    ) -> Eval<()> {
        let Some((clause, rest)) = clauses.split_first() else {
            out.push(self.expr(element, scope)?);
            return Ok(());
        };
        for item in self.items(&clause.iter, scope)? {
            let inner = scope.inner();
            self.bind_pattern(&clause.pattern, item, clause.iter.span, &inner)?;
            let wanted = match &clause.condition {
                Some(condition) => self.condition(condition, &inner)?,
                None => true,
            };
            if wanted {
                self.comprehend(element, rest, &inner, out)?;
            }
        }
        Ok(())
    }

    fn range(&mut self, from: &Expr, to: &Expr, scope: &Rc<Scope>) -> Eval<Value> {
        let (a, b) = (self.static_int(from, scope)?, self.static_int(to, scope)?);
        if b.saturating_sub(a) > MAX_LIST {
            let message = format!("a range of {} elements is too long", b.saturating_sub(a));
            return self.error(codes::LIMIT, from.span.to(to.span), message);
        }
        self.built(Value::list((a..b).map(Value::Int).collect()), from.span.to(to.span))
    }

    /// An int that is known now.
    pub(crate) fn static_int(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Eval<i64> {
        match self.expr(expr, scope)? {
            Value::Int(i) => Ok(i),
            Value::Dim(d) => self.not_static(expr.span, &format!("the size {d}")),
            Value::Tensor(_) => self.not_static(expr.span, "a tensor"),
            other => {
                self.error(codes::WRONG_KIND, expr.span, format!("expected an int, found {}", other.kind()))
            }
        }
    }

    pub(crate) fn not_static<T>(&mut self, span: Span, what: &str) -> Eval<T> {
        self.fail(
            Diagnostic::error(codes::NOT_STATIC, span, format!("{what} is not known at compile time"))
                .hint("loops, indices of lists and sizes of parameters have to be static"),
        )
    }

    /// The elements of a static list, tuple or range.
    pub(crate) fn items(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Eval<Vec<Value>> {
        match self.expr(expr, scope)? {
            Value::List(items) | Value::Tuple(items) => {
                self.charge(items.len() as u64, expr.span)?;
                Ok(items.to_vec())
            }
            other => self.unexpected("a list or a range", &other, expr.span),
        }
    }

    /// A value of the wrong kind. A set of parameters has to be taken apart first.
    pub(crate) fn unexpected<T>(&mut self, wanted: &str, found: &Value, span: Span) -> Eval<T> {
        let message = format!("expected {wanted}, found {}", found.kind());
        let error = Diagnostic::error(codes::WRONG_KIND, span, message);
        self.fail(match found {
            Value::Tree(_) => error.hint(
                "`leaves(g)` is the list of its tensors: `fold t in leaves(g) with total = 0.0 { total + sum(t * t) }`",
            ),
            _ => error,
        })
    }

    /// A condition that chooses code. One that nothing decides yet is answered in both ways, one after the other.
    pub(crate) fn condition(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Eval<bool> {
        match &expr.kind {
            ExprKind::Binary(BinaryOp::And, a, b) => {
                return Ok(self.condition(a, scope)? && self.condition(b, scope)?);
            }
            ExprKind::Binary(BinaryOp::Or, a, b) => {
                return Ok(self.condition(a, scope)? || self.condition(b, scope)?);
            }
            ExprKind::Unary(ast::UnaryOp::Not, of) => return Ok(!self.condition(of, scope)?),
            _ => {}
        }
        match self.expr(expr, scope)? {
            Value::Bool(b) => Ok(b),
            Value::Undecided(formula) => self.decide(&formula, expr.span),
            Value::Tensor(node) => match self.clock_formula(node) {
                Some(formula) => self.decide(&formula, expr.span),
                None => self.condition_on_data(node, expr.span),
            },
            other => {
                self.error(codes::WRONG_KIND, expr.span, format!("expected a bool, found {}", other.kind()))
            }
        }
    }

    fn condition_on_data<T>(&mut self, node: NodeId, span: Span) -> Eval<T> {
        if self.reads_clock_only(node) {
            return self.condition_on_clock(span);
        }
        let error = Diagnostic::error(codes::NOT_STATIC, span, "a condition on data cannot choose code");
        self.fail(error.hint("`where(mask, a, b)` selects between tensors"))
    }

    fn condition_on_clock<T>(&mut self, span: Span) -> Eval<T> {
        let (message, hint) = match self.place == Place::Step && self.depth() == 0 {
            true => (
                "a condition on the clock chooses code only by comparing it with a number",
                "for turns, write two steps and let the run alternate: `run { repeat 100 { 4 iterations of a; 1 iteration of b } }`",
            ),
            false => (
                "a condition on the clock chooses code only in a step itself",
                "a step itself may compare the clock with a number: `if epoch < 4 { .. }`",
            ),
        };
        self.fail(Diagnostic::error(codes::NOT_STATIC, span, message).hint(hint))
    }

    /// Whether a value is computed from the run clock and from numbers alone.
    fn reads_clock_only(&self, node: NodeId) -> bool {
        let (mut open, mut seen, mut found) = (vec![node], IndexSet::new(), false);
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let node = self.graph.node(id);
            match &node.op {
                Op::Input { name, .. } if name.starts_with("clock.") => found = true,
                Op::Full { .. } | Op::Size { .. } => {}
                _ if node.inputs.is_empty() => return false,
                _ => open.extend(node.inputs.iter().copied()),
            }
        }
        found
    }

    fn branch(
        &mut self,
        condition: &Expr,
        then: &ast::Block,
        otherwise: Option<&ast::Block>,
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        match (self.condition(condition, scope)?, otherwise) {
            (true, _) => self.block(then, scope),
            (false, Some(block)) => self.block(block, scope),
            (false, None) => Ok(Value::Unit),
        }
    }

    /// `and` and `or` look at the right side only when the left leaves the answer open.
    fn logical(&mut self, op: BinaryOp, a: &Expr, b: &Expr, scope: &Rc<Scope>) -> Eval<Value> {
        let x = self.expr(a, scope)?;
        if let Value::Bool(x) = x
            && x == (op == BinaryOp::Or)
        {
            return Ok(Value::Bool(x));
        }
        let y = self.expr(b, scope)?;
        self.binary(op, &x, &y, [a.span, b.span], a.span.to(b.span))
    }

    /// `x |> f(a)` is `f(x, a)`.
    fn pipe(&mut self, left: &Expr, right: &Expr, span: Span, scope: &Rc<Scope>) -> Eval<Value> {
        let first = self.given(None, left, scope)?;
        match &right.kind {
            ExprKind::Call(callee, args) => self.call_expr(callee, args, Some(first), span, scope),
            _ => {
                let callee = self.expr(right, scope)?;
                self.call(&callee, vec![first], span, right.span)
            }
        }
    }

    fn call_expr(
        &mut self,
        callee: &Expr,
        args: &[ast::Arg],
        first: Option<Given>,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        let function = self.expr(callee, scope)?;
        let mut given: Vec<Given> = first.into_iter().collect();
        let mut failed = None;
        for arg in args {
            match self.given(arg.name.as_ref(), &arg.value, scope) {
                Ok(g) => given.push(g),
                Err(stop) => failed = Some(stop),
            }
        }
        match failed {
            Some(stop) => Err(stop),
            None => self.call(&function, given, span, callee.span),
        }
    }

    /// `base.field`
    pub(crate) fn field(&mut self, base: &Value, field: &ast::Ident) -> Eval<Value> {
        match base {
            Value::Record(record) => match record.get(&field.name) {
                Some(value) => Ok(value.clone()),
                None => self.no_field(base, field, record.keys().map(|k| &**k).collect()),
            },
            Value::List(items) | Value::Tuple(items) => match field.name.parse::<usize>() {
                Ok(i) if i < items.len() => Ok(items[i].clone()),
                _ => self.no_field(base, field, vec![]),
            },
            Value::Instance(instance) => self.instance_field(instance, base, field),
            Value::View(view) => self.view_field(&view.clone(), field),
            Value::Tree(tree) => self.tree_field(tree, base, field),
            Value::Pipeline(pipeline) => self.pipeline_field(&pipeline.clone(), base, field),
            _ => self.no_field(base, field, vec![]),
        }
    }

    pub(crate) fn instance_field(
        &mut self,
        instance: &Rc<crate::value::Instance>,
        base: &Value,
        field: &ast::Ident,
    ) -> Eval<Value> {
        self.adopt(instance)?;
        if let Some(kind) = DeclKind::of_tree(&field.name) {
            return self.variables_of(instance, kind, field.span).map(|t| Value::Tree(Rc::new(t)));
        }
        if let Some(member) = self.member_of(instance, &field.name) {
            return self.member_value(instance, &field.name, member, field.span);
        }
        if let Some(binding) = instance.scope.own(&field.name) {
            return Ok(binding.value);
        }
        let names: Vec<Arc<str>> = instance.members.borrow().keys().cloned().collect();
        self.no_field(base, field, names.iter().map(|n| &**n).chain(["params", "state"]).collect())
    }

    pub(crate) fn no_field<T>(&mut self, base: &Value, field: &ast::Ident, names: Vec<&str>) -> Eval<T> {
        let what = match base {
            Value::Instance(i) => match i.kind {
                InstanceKind::Module(_) => format!("module `{}`", i.name),
                InstanceKind::Loss(_) => format!("loss `{}`", i.name),
            },
            other => other.kind().to_string(),
        };
        let error =
            Diagnostic::error(codes::UNKNOWN_FIELD, field.span, format!("{what} has no `{}`", field.name));
        let hint = match did_you_mean(&field.name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => return self.fail(error),
            None => format!("it has {}", names.join(", ")),
        };
        self.fail(error.hint(hint))
    }

    /// Binds the names of a pattern; all of them to poison where the value is not of its form.
    pub(crate) fn bind_pattern(
        &mut self,
        pattern: &Pattern,
        value: Value,
        origin: Span,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        let bound = self.bind_parts(pattern, value, origin, scope);
        if bound.is_err() {
            self.poison_pattern(pattern, scope);
        }
        bound
    }

    fn bind_parts(&mut self, pattern: &Pattern, value: Value, origin: Span, scope: &Rc<Scope>) -> Eval<()> {
        match pattern {
            Pattern::Name(name) => {
                self.name_value(&value, &name.name);
                self.observe(name.span, &value);
                scope.bind(name.name.clone(), value, origin);
                Ok(())
            }
            Pattern::Tuple(parts, span) | Pattern::List(parts, span) => match &value {
                Value::Tuple(items) | Value::List(items) if items.len() == parts.len() => parts
                    .iter()
                    .zip(items.iter())
                    .try_for_each(|(p, v)| self.bind_parts(p, v.clone(), origin, scope)),
                other => self.cannot_take(parts.len(), other, *span, origin),
            },
            Pattern::Record(fields, _) => fields.iter().try_for_each(|field| {
                let part = self.field(&value, field)?;
                scope.bind(field.name.clone(), part, origin);
                Ok(())
            }),
        }
    }

    /// A pattern of `wanted` parts against a value that has another number of them, or none at all.
    fn cannot_take(&mut self, wanted: usize, value: &Value, pattern: Span, origin: Span) -> Eval<()> {
        let values = if wanted == 1 { "value" } else { "values" };
        let message = format!("cannot take {wanted} {values} from {}", value.kind());
        let error = Diagnostic::error(codes::WRONG_KIND, pattern, message);
        let (Value::Tuple(items) | Value::List(items)) = value else {
            return self
                .fail(error.hint("only lists and tuples are taken apart so; a part of a tensor is `x[i]`, and of a record `x.name`"));
        };
        let (what, held) = (if matches!(value, Value::List(_)) { "list" } else { "tuple" }, items.len());
        let advice = if wanted < held { "; `_` stands for a value that is not needed" } else { "" };
        self.fail(
            error
                .also(origin, format!("the {what} has {held}"))
                .hint(format!("the pattern has {wanted} and the {what} has {held}{advice}")),
        )
    }

    /// Binds every name of a pattern to poison, after its value failed.
    pub(crate) fn poison_pattern(&self, pattern: &Pattern, scope: &Rc<Scope>) {
        match pattern {
            Pattern::Name(name) => scope.bind(name.name.clone(), Value::Poison, name.span),
            Pattern::Tuple(parts, _) | Pattern::List(parts, _) => {
                parts.iter().for_each(|p| self.poison_pattern(p, scope))
            }
            Pattern::Record(fields, _) => {
                fields.iter().for_each(|f| scope.bind(f.name.clone(), Value::Poison, f.span));
            }
        }
    }

    /// Gives the node of a tensor the name of the `let` that binds it.
    fn name_value(&mut self, value: &Value, name: &Arc<str>) {
        if let Value::Tensor(node) = value
            && let Some(origin) = self.graph.origin_mut(*node)
            && origin.name.is_none()
        {
            origin.name = Some(name.clone());
        }
    }

    /// `f(args)` for any value.
    pub(crate) fn call(
        &mut self,
        callee: &Value,
        args: Vec<Given>,
        span: Span,
        callee_span: Span,
    ) -> Eval<Value> {
        let result = self.call_value(callee, args, span, callee_span)?;
        self.observe_result(callee_span, &result);
        Ok(result)
    }

    fn call_value(&mut self, callee: &Value, args: Vec<Given>, span: Span, callee_span: Span) -> Eval<Value> {
        match callee {
            Value::Callable(callable) => self.call_callable(callable, args, span),
            Value::Instance(instance) => self.call_instance(instance, args, span),
            Value::View(view) => {
                let view = view.clone();
                self.with_modes(&view.modes, |e| e.call_instance(&view.base, args, span))
            }
            other => {
                let message = format!("cannot call {}", other.kind());
                self.error(codes::WRONG_KIND, callee_span, message)
            }
        }
    }

    fn call_callable(&mut self, callable: &Rc<Callable>, args: Vec<Given>, span: Span) -> Eval<Value> {
        match &**callable {
            Callable::Partial(inner, earlier, made) => {
                self.completed(inner, earlier, &args, [*made, span])?;
                let all = earlier.iter().cloned().chain(args).collect();
                self.call_callable(inner, all, span)
            }
            Callable::Builtin(builtin) => self.call_builtin(builtin, args, span),
            Callable::Viewed(inner, modes) => self.with_modes(modes, |e| e.call_callable(inner, args, span)),
            _ => self.call_defined(callable, args, span),
        }
    }
}
