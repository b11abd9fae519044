//! Statements of steps: batches, terms, `minimize`, `report`.

use std::rc::Rc;
use std::sync::Arc;

use vspec_ir::{BATCH, DType, Dim, NodeId, Op, Stage, StepBatch, Type};
use vspec_syntax::ast::{Block, Expr, ExprKind, Ident, StatementKind, StepDef};
use vspec_syntax::{Diagnostic, Span};

use super::item::nested;
use super::reach::Reach;
use super::{Term, optimizer};
use crate::codes;
use crate::eval::call::needs;
use crate::eval::{Eval, Evaluator, Place, Stop};
use crate::scope::Scope;
use crate::value::{Callable, OptimizerValue, Pipeline, Value};

/// Whether a step minimizes something, so that modules behave as in training.
pub(super) fn trains(block: &Block) -> bool {
    let in_expr = |e: &Expr| match &e.kind {
        ExprKind::If { then, otherwise, .. } => trains(then) || otherwise.as_ref().is_some_and(trains),
        ExprKind::Block(block) => trains(block),
        _ => false,
    };
    block.value.as_deref().is_some_and(in_expr)
        || block.statements.iter().any(|s| match &s.kind {
            StatementKind::Minimize { .. } | StatementKind::Apply { .. } => true,
            StatementKind::For { body, .. } => trains(body),
            StatementKind::Expr(e) => in_expr(e),
            _ => false,
        })
}

/// The name of the size of one of several batches of a step.
fn batch_symbol(batch: &str, count: usize) -> String {
    if count == 1 { BATCH.to_string() } else { format!("{BATCH}_{batch}") }
}

/// The sizes of the batches of a step, by the names that its graph has for them.
pub(super) fn batch_sizes(batches: &[StepBatch], data: &[Rc<Pipeline>]) -> Vec<(String, i64)> {
    let size = |batch: &StepBatch| match data.get(batch.data)?.stages.last()? {
        Stage::Batch { size, .. } => {
            Some((batch_symbol(&batch.name, batches.len()), i64::try_from(*size).ok()?))
        }
        _ => None,
    };
    batches.iter().filter_map(size).collect()
}

impl Evaluator<'_> {
    /// Binds the batches of a step as records of inputs.
    pub(super) fn batches(
        &mut self,
        def: &StepDef,
        scope: &Rc<Scope>,
        data: &[Rc<Pipeline>],
    ) -> Eval<Vec<StepBatch>> {
        let mut batches = vec![];
        for (name, from) in &def.batches {
            if matches!(scope.parent_binding(&from.name), Some(Value::Poison)) {
                return Err(Stop);
            }
            let Some(index) = data.iter().position(|p| p.name.as_deref() == Some(&from.name)) else {
                let known: Vec<&str> = data.iter().filter_map(|p| p.name.as_deref()).collect();
                return self.unknown_part("data set", from, &known);
            };
            let size = match def.batches.len() {
                // A batch of one item is one, first and last alike.
                _ if data[index].holds_one() => Dim::from(1i64),
                count => Dim::symbol(&batch_symbol(&name.name, count)),
            };
            self.read_set(from, &data[index])?;
            let record = self.batch_record(name, &data[index], size)?;
            scope.bind(name.name.clone(), record, name.span);
            batches.push(StepBatch { name: name.name.to_string(), data: index, fields: vec![] });
        }
        Ok(batches)
    }

    /// A record of graph inputs `b.image`, `b.label`, with a leading batch axis. Fields of a pair are `b.first.image` and so on.
    fn batch_record(&mut self, name: &Ident, pipeline: &Pipeline, size: Dim) -> Eval<Value> {
        let mut fields = vec![];
        for (field, ty) in pipeline.item.clone() {
            let shape: Vec<Dim> = std::iter::once(size.clone()).chain(ty.shape).collect();
            let input: Arc<str> = format!("{}.{field}", name.name).into();
            self.step.input_axes.insert(input.clone(), vec![pipeline.span; shape.len()]);
            let op = Op::Input { name: input, dtype: ty.dtype, shape };
            let node = self.at_place(Place::Step, |e| e.emit(op, &[], name.span))?;
            if let Some(origin) = self.graph.origin_mut(node) {
                origin.name = Some(field.as_str().into());
            }
            fields.push((field, Value::Tensor(node)));
        }
        self.at_place(Place::Step, |e| e.mask_truths(&mut fields, name.span))?;
        Ok(nested(fields))
    }

    /// `term name = value`: a named part of a loss.
    pub(crate) fn term(&mut self, name: &Ident, value: &Expr, scope: &Rc<Scope>) -> Eval<()> {
        let outer = std::mem::take(&mut self.step.inner_terms);
        let result = self.expr(value, scope);
        let inner = std::mem::replace(&mut self.step.inner_terms, outer);
        let node = result.and_then(|v| self.scalar(&v, value.span, &format!("term `{}`", name.name)));
        self.step.broken |= node.is_err();
        let node = node?;
        if let Some(origin) = self.graph.origin_mut(node) {
            origin.name.get_or_insert_with(|| name.name.clone());
        }
        self.step.terms.push(Term { name: name.name.clone(), node, span: name.span });
        for part in inner {
            let path = format!("{}.{}", name.name, part.name);
            if self.place == Place::Step && self.step.optimizer.is_none() {
                self.step.reports.push((path.into(), part.node));
            }
        }
        if self.place == Place::Step {
            self.record_number(name.name.clone(), node, name.span)?;
        }
        Ok(())
    }

    /// A float scalar, as every loss and metric is.
    fn scalar(&mut self, value: &Value, span: Span, what: &str) -> Eval<NodeId> {
        let node = self.tensor(value, span)?;
        let ty = self.graph.ty(node).clone();
        match ty == Type::scalar(DType::F32) {
            true => Ok(node),
            false => self.fail(
                Diagnostic::error(
                    codes::SHAPE_MISMATCH,
                    span,
                    format!("{what} must be a scalar f32[], not {ty}"),
                )
                .hint("`mean(x)` or `sum(x)` makes one number of it"),
            ),
        }
    }

    /// The value of a loss: its last expression, or the sum of its terms.
    pub(crate) fn loss_value(&mut self, value: Value, terms: Vec<Term>, span: Span) -> Eval<Value> {
        let sum = match value {
            Value::Unit => self.sum_of(&terms, span)?.map(Value::Tensor),
            other => Some(other),
        };
        self.step.inner_terms.extend(terms);
        match sum {
            Some(sum) => Ok(sum),
            None => self.error(codes::WRONG_KIND, span, "the loss has neither a value nor terms"),
        }
    }

    fn sum_of(&mut self, terms: &[Term], span: Span) -> Eval<Option<NodeId>> {
        let Some((first, rest)) = terms.split_first() else { return Ok(None) };
        let mut sum = first.node;
        for term in rest {
            sum = self.emit(Op::Add {}, &[sum, term.node], span)?;
        }
        Ok(Some(sum))
    }

    /// Records a number of the step under a name that is still free.
    fn record_number(&mut self, name: Arc<str>, node: NodeId, span: Span) -> Eval<()> {
        if self.step.reports.iter().any(|(n, _)| *n == name) || self.step.finish.reported.contains(&name) {
            let message = format!("`{name}` is reported twice");
            return self.error(codes::WRONG_PLACE, span, message);
        }
        self.step.reports.push((name, node));
        Ok(())
    }

    /// `report name = value`, or `report record`.
    pub(crate) fn report_statement(
        &mut self,
        name: Option<&Ident>,
        value: &Expr,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        if self.place != Place::Step {
            return self.error(codes::WRONG_PLACE, span, "`report` stands in a step of an experiment");
        }
        let found = self.expr(value, scope)?;
        match (name, &found) {
            (Some(name), _) => {
                let node = self.scalar(&found, value.span, &format!("report `{}`", name.name))?;
                self.record_number(name.name.clone(), node, name.span)
            }
            (None, Value::Record(fields)) => fields.iter().try_for_each(|(field, part)| {
                let node = self.scalar(part, value.span, &format!("report `{field}`"))?;
                self.record_number(field.clone(), node, value.span)
            }),
            (None, _) => self.fail(
                Diagnostic::error(codes::WRONG_KIND, value.span, "a report needs a name")
                    .hint("`report accuracy = accuracy(scores, labels)`"),
            ),
        }
    }

    /// `minimize loss over params by optimizer`
    pub(crate) fn minimize(
        &mut self,
        loss: &Expr,
        over: &Expr,
        by: &Expr,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        if self.place != Place::Step {
            return self.error(codes::WRONG_PLACE, span, "`minimize` stands in a step of an experiment");
        }
        self.not_in_finish("minimize", span)?;
        // All three are looked at, even after one failed.
        let node = self.loss_node(loss, scope);
        let paths = self.trained_paths(over, scope);
        let optimizer = self.optimizer(by, scope);
        let (node, paths, optimizer) = (node?, paths?, optimizer?);
        self.step.minimized.push(node);
        let reach = Reach::of(&self.graph, node);
        let reached = self.reached_params(&reach);
        self.step.reached.extend(reached.iter().map(|(path, _)| (path.clone(), loss.span)));
        self.check_reached(&paths, &reach, [loss.span, over.span])?;
        let trained: Vec<(Arc<str>, NodeId)> =
            reached.into_iter().filter(|(path, _)| paths.contains(path)).collect();
        optimizer::apply(self, &optimizer, node, &trained, span)
    }

    fn loss_node(&mut self, loss: &Expr, scope: &Rc<Scope>) -> Eval<NodeId> {
        let inner = scope.inner();
        let terms = std::mem::take(&mut self.step.terms);
        let sum = self.sum_of(&terms, loss.span)?;
        match sum {
            _ if self.step.broken => inner.bind("terms", Value::Poison, loss.span),
            Some(sum) => inner.bind("terms", Value::Tensor(sum), loss.span),
            None => {}
        }
        let value = self.expr(loss, &inner)?;
        let node = self.scalar(&value, loss.span, "what is minimized")?;
        if terms.len() != 1 || sum != Some(node) {
            let count = self.step.reports.iter().filter(|(n, _)| n.starts_with("loss")).count();
            let name = if count == 0 { "loss".to_string() } else { format!("loss{count}") };
            self.step.reports.push((name.into(), node));
        }
        self.step.terms = terms;
        Ok(node)
    }

    fn optimizer(&mut self, by: &Expr, scope: &Rc<Scope>) -> Eval<Rc<OptimizerValue>> {
        match self.expr(by, scope)? {
            Value::Optimizer(optimizer) if optimizer.name.borrow().is_some() => Ok(optimizer),
            Value::Optimizer(_) => self.fail(
                Diagnostic::error(
                    codes::NO_PATH,
                    by.span,
                    "an optimizer needs a name, because it keeps state",
                )
                .hint("`let opt = sgd(..)` in the experiment, then `by opt`"),
            ),
            Value::Callable(callable) => self.no_optimizer_yet(&callable, by.span),
            other => self.no_optimizer(other.kind(), by.span),
        }
    }

    fn no_optimizer<T>(&mut self, found: &str, span: Span) -> Eval<T> {
        self.error(codes::WRONG_KIND, span, format!("`by` takes an optimizer, not {found}"))
    }

    /// `sgd()` without what it needs, or `sgd` itself.
    fn no_optimizer_yet<T>(&mut self, callable: &Callable, span: Span) -> Eval<T> {
        match callable {
            Callable::Partial(inner, given, made) => match &**inner {
                Callable::Optimizer(item) => {
                    let missing = self.missing_of_optimizer(item, given)?;
                    let names: Vec<&Ident> = missing.iter().collect();
                    self.fail(needs(&item.def.name.name, &names, *made).also(span, "it is used here"))
                }
                _ => self.no_optimizer(callable.kind(), span),
            },
            Callable::Optimizer(item) => {
                let message = format!("`{}` was not given its arguments", item.def.name.name);
                let hint = format!("`let opt = {}(..)` in the experiment, then `by opt`", item.def.name.name);
                self.fail(Diagnostic::error(codes::WRONG_KIND, span, message).hint(hint))
            }
            _ => self.no_optimizer(callable.kind(), span),
        }
    }

    /// `apply g to params by optimizer`: an update with a gradient that is ready.
    pub(crate) fn apply_statement(
        &mut self,
        gradient: &Expr,
        [to, by]: [&Expr; 2],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        if self.place != Place::Step {
            return self.error(codes::WRONG_PLACE, span, "`apply` stands in a step of an experiment");
        }
        self.not_in_finish("apply", span)?;
        let gradients =
            self.expr(gradient, scope).and_then(|value| self.ready_gradients(&value, gradient.span));
        let paths = self.trained_paths(to, scope);
        let optimizer = self.optimizer(by, scope);
        let (gradients, paths, optimizer) = (gradients?, paths?, optimizer?);
        if gradients.len() != paths.len() {
            let message = format!("{} gradients for {} parameters", gradients.len(), paths.len());
            return self.error(codes::SHAPE_MISMATCH, span, message);
        }
        let mut updates = vec![];
        for (g, path) in gradients.into_iter().zip(&paths) {
            updates.push((path.clone(), [self.read_path(path, to.span)?, g]));
        }
        optimizer::update(self, &optimizer, &updates, span)
    }
}
