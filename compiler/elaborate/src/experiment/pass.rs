//! What a step sees of a whole pass over its data: `collect`, `finish`, and tables.

use std::rc::Rc;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use vspec_ir::{
    BATCH, Condition, Dim, Graph, NodeId, Op, Output, OutputKind, PASS, PASS_BATCHES, PASS_ITEMS, PREDICT,
    Type,
};
use vspec_syntax::ast::{Block, Expr, ExprKind, Ident, StepDef};
use vspec_syntax::{Diagnostic, Span};

use super::outputs;
use crate::codes;
use crate::eval::{Eval, Evaluator, Place, tensor};
use crate::scope::Scope;
use crate::value::Value;

/// Rows that a step collects over a pass.
#[derive(Debug, Clone)]
pub(crate) struct Collected {
    name: Ident,
    /// What each batch adds, by name: fields of records have dotted ones.
    nodes: Vec<(Arc<str>, NodeId)>,
    /// All of it, as `finish` sees it.
    rows: Value,
}

impl Collected {
    pub(super) fn outputs(&self) -> impl Iterator<Item = Output> {
        let output = |(name, node): &(Arc<str>, NodeId)| Output {
            name: name.clone(),
            kind: OutputKind::Collect,
            node: *node,
        };
        self.nodes.iter().map(output)
    }
}

/// What is collected of a value so far.
struct Gathering {
    span: Span,
    nodes: Vec<(Arc<str>, NodeId)>,
    /// Padded sizes of a batch, and what they are called in the pass.
    sizes: IndexMap<Dim, Dim>,
}

/// What happens at the end of a pass.
#[derive(Debug, Default)]
pub(crate) struct Finish {
    /// Where it is written.
    span: Option<Span>,
    /// Whether its statements are being evaluated.
    inside: bool,
    outputs: Vec<Output>,
    /// Names that it reports.
    pub(super) reported: Vec<Arc<str>>,
}

impl Finish {
    /// Whether its statements are being evaluated.
    pub(crate) fn is_inside(&self) -> bool {
        self.inside
    }
}

impl Evaluator<'_> {
    /// `collect e = value`: in `finish`, `e` is the rows of all batches.
    pub(crate) fn collect_statement(&mut self, name: &Ident, value: &Expr, scope: &Rc<Scope>) -> Eval<()> {
        self.in_evaluation("collect", name.span)?;
        if let Some(finish) = self.step.finish.span {
            let message = format!("`{}` is collected too late", name.name);
            let error = Diagnostic::error(codes::WRONG_PLACE, name.span, message);
            return self.fail(error.also(finish, "this sees only what is collected before it"));
        }
        if let Some(other) = self.step.collected.iter().find(|c| c.name.name == name.name) {
            let first = other.name.span;
            let error = Diagnostic::error(
                codes::WRONG_PLACE,
                name.span,
                format!("`{}` is collected twice", name.name),
            );
            return self.fail(error.also(first, "here, too"));
        }
        let found = self.expr(value, scope)?;
        let mut gathering = Gathering { span: value.span, nodes: vec![], sizes: IndexMap::new() };
        let rows = self.gather(&name.name, &found, &mut gathering)?;
        self.step.collected.push(Collected { name: name.clone(), nodes: gathering.nodes, rows });
        Ok(())
    }

    /// A tensor or a record of them, all batches below each other.
    fn gather(&mut self, name: &str, value: &Value, gathering: &mut Gathering) -> Eval<Value> {
        if let Value::Record(fields) = value {
            let mut rows = IndexMap::new();
            for (field, part) in fields.iter() {
                rows.insert(field.clone(), self.gather(&format!("{name}.{field}"), part, gathering)?);
            }
            return Ok(Value::Record(Rc::new(rows)));
        }
        let node = self.tensor(value, gathering.span)?;
        match self.masked_axes(node)[..] {
            [] => self.gather_rows(name, node, gathering).map(Value::Tensor),
            [axis] if axis > 0 => self.gather_padded(name, node, axis, gathering).map(Value::Tensor),
            _ => {
                let message = "rows that are padding themselves cannot be collected";
                let error = Diagnostic::error(codes::MASKED, gathering.span, message);
                self.fail(error.hint("`filled(x, 0)` gives padding a value; collect `valid(x)` beside it"))
            }
        }
    }

    fn gather_rows(&mut self, name: &str, node: NodeId, gathering: &mut Gathering) -> Eval<NodeId> {
        let shape = self.shape_of_pass(node, gathering.span)?;
        let input: Arc<str> = format!("{PASS}{name}").into();
        self.step.input_axes.insert(input.clone(), vec![gathering.span; shape.len()]);
        let op = Op::Input { name: input, dtype: self.graph.ty(node).dtype, shape };
        gathering.nodes.push((name.into(), node));
        self.at_place(Place::Step, |e| e.emit(op, &[], gathering.span))
    }

    /// Rows with a padded axis behind the batch axis: the mask is collected beside them, once for each size that has one.
    fn gather_padded(
        &mut self,
        name: &str,
        node: NodeId,
        axis: usize,
        gathering: &mut Gathering,
    ) -> Eval<NodeId> {
        let span = gathering.span;
        let size = self.graph.ty(node).shape[axis].clone();
        let plain = self.plain_size(&size);
        let filled = self.filled(node, &[axis], 0.0, span)?;
        let rows = self.resized(filled, axis, plain.clone(), span)?;
        let rows = self.gather_rows(name, rows, gathering)?;
        let known = gathering.sizes.get(&size).cloned();
        let padded = match (known, self.mask_of(&size)) {
            (Some(padded), _) => padded,
            (None, Some(mask)) if self.graph.ty(mask).rank() == axis + 1 => {
                let mask = self.resized(mask, axis, plain.clone(), span)?;
                let mask = self.gather_rows(&format!("{name}.there"), mask, gathering)?;
                let padded = self.masked_size(plain, mask, span)?;
                gathering.sizes.insert(size, padded.clone());
                padded
            }
            _ => {
                let message = "this padding is the same for all items, and cannot be collected with them";
                let error = Diagnostic::error(codes::MASKED, span, message);
                return self.fail(error.hint("`filled(x, 0)` gives padding a value"));
            }
        };
        self.resized(rows, axis, padded, span)
    }

    /// The shape of the rows of all batches: `[B, ..]` becomes `[N, ..]`, a number becomes one row a batch.
    fn shape_of_pass(&mut self, node: NodeId, span: Span) -> Eval<Vec<Dim>> {
        let ty = self.graph.ty(node).clone();
        let (first, rest) = match ty.shape.split_first() {
            None => return Ok(vec![Dim::symbol(PASS_BATCHES)]),
            Some((first, rest)) => (first, rest),
        };
        let rows = match (first.as_const(), first.as_symbol()) {
            (Some(rows), _) => Dim::from(rows).checked_mul(&Dim::symbol(PASS_BATCHES)).ok(),
            (None, Some(symbol)) => symbol
                .strip_prefix(BATCH)
                .filter(|b| b.is_empty() || b.starts_with('_'))
                .map(|batch| Dim::symbol(&format!("{PASS_ITEMS}{batch}"))),
            (None, None) => None,
        };
        let constant = rest.iter().all(|dim| dim.as_const().is_some());
        match rows.filter(|_| constant) {
            Some(rows) => Ok(std::iter::once(rows).chain(rest.iter().cloned()).collect()),
            None => self.cannot_collect(&ty, span),
        }
    }

    fn cannot_collect<T>(&mut self, ty: &Type, span: Span) -> Eval<T> {
        let error = Diagnostic::error(
            codes::SHAPE_MISMATCH,
            span,
            format!(
                "rows are collected along the batch axis, and the sizes after it must be known; this is {ty}"
            ),
        );
        self.fail(error.hint("put the batch axis first, as in `f32[B, 128]`"))
    }

    /// `finish { .. }`: runs once at the end of a pass, on what was collected.
    pub(crate) fn finish_statement(&mut self, body: &Block, span: Span, scope: &Rc<Scope>) -> Eval<()> {
        self.in_evaluation("finish", span)?;
        if let Some(first) = self.step.finish.span.replace(span) {
            let error = Diagnostic::error(codes::WRONG_PLACE, span, "a step finishes once");
            return self.fail(error.also(first, "here already"));
        }
        let inner = scope.inner();
        for collected in &self.step.collected {
            inner.bind(collected.name.name.clone(), collected.rows.clone(), collected.name.span);
        }
        let current = self.current.clone();
        self.current.retain(|name, _| name.starts_with("clock."));
        let written = std::mem::take(&mut self.written);
        let columns = std::mem::take(&mut self.step.columns);
        let before = self.step.reports.len();
        self.step.finish.inside = true;
        let result = self.block_in(body, &inner);
        self.step.finish.inside = false;
        let reports = self.step.reports.split_off(before.min(self.step.reports.len()));
        let columns = std::mem::replace(&mut self.step.columns, columns);
        let written = std::mem::replace(&mut self.written, written);
        self.current = current;
        self.step.finish.outputs = outputs(&reports, &columns, &written);
        self.step.finish.reported = reports.into_iter().map(|(name, _)| name).collect();
        result.map(|_| ())
    }

    /// What belongs to passes stands in a step that trains nothing: while a network changes, its rows do not belong together.
    fn in_evaluation(&mut self, what: &str, span: Span) -> Eval<()> {
        if self.place != Place::Step || self.step.finish.inside {
            let message = format!("`{what}` stands in a step of an experiment");
            return self.error(codes::WRONG_PLACE, span, message);
        }
        if self.training {
            let message = format!("a step that minimizes has no `{what}`: the network changes during a pass");
            let error = Diagnostic::error(codes::WRONG_PLACE, span, message);
            return self
                .fail(error.hint("write a second step that reads the same data, and run it now and then"));
        }
        Ok(())
    }

    /// Refuses what has no meaning at the end of a pass.
    pub(super) fn not_in_finish(&mut self, what: &str, span: Span) -> Eval<()> {
        match self.step.finish.inside {
            true => self.error(codes::WRONG_PLACE, span, format!("`{what}` has no place in `finish`")),
            false => Ok(()),
        }
    }

    /// The graph that runs at the end of a pass; what it writes counts as trained.
    pub(super) fn finish_graph(
        &mut self,
        def: &StepDef,
        trained: &mut IndexSet<Arc<str>>,
    ) -> Eval<Option<Graph>> {
        let Some(span) = self.step.finish.span else {
            return match self.step.collected.first().map(|c| c.name.clone()) {
                // What it collects is what people want to see.
                Some(name) if *def.name.name != *PREDICT => self.never_finished(&name),
                _ => Ok(None),
            };
        };
        let found = std::mem::take(&mut self.step.finish.outputs);
        trained.extend(found.iter().filter(|o| o.kind == OutputKind::Write).map(|o| o.name.clone()));
        if self.finishes_by_batch() {
            return self.finish_by_batch(def);
        }
        let graph = self.cut(format!("{}.finish", def.name.name), &found, true);
        for (_, node) in graph.nodes() {
            if let Op::Input { name, .. } = &node.op
                && !name.starts_with(PASS)
                && !name.starts_with("clock.")
            {
                return self.of_one_batch(name, node.origin.location.map_or(span, tensor::span_of), span);
            }
        }
        Ok(Some(graph))
    }

    /// Whether a condition in `finish` is on the size of a batch.
    fn finishes_by_batch(&self) -> bool {
        let of_batch = |symbol: Arc<str>| {
            symbol.strip_prefix(BATCH).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        self.answers.assumed(true).iter().any(|condition| match condition {
            Condition::Sizes(relation) => relation.symbols().any(of_batch),
            Condition::Clock(_) => false,
        })
    }

    /// At the end of a pass there is no batch whose sizes could choose what happens.
    pub(super) fn finish_by_batch<T>(&mut self, def: &StepDef) -> Eval<T> {
        let error = Diagnostic::error(
            codes::WRONG_PLACE,
            def.name.span,
            format!(
                "what step `{}` does at the end of a pass depends on the sizes of one batch",
                def.name.name
            ),
        );
        self.fail(error.hint("keep `finish` out of conditions on the sizes of batches"))
    }

    fn never_finished<T>(&mut self, name: &Ident) -> Eval<T> {
        let message = format!("`{}` is collected, and nothing is made of it", name.name);
        let error = Diagnostic::error(codes::WRONG_PLACE, name.span, message);
        let hint = format!("`finish {{ report r1 = recall_at(1, {}, labels) }}`", name.name);
        self.fail(
            error.hint(format!("{hint}; only a step called `{PREDICT}` needs none, for `vspecc predict`")),
        )
    }

    fn of_one_batch<T>(&mut self, input: &str, at: Span, finish: Span) -> Eval<T> {
        let message = format!("`finish` needs `{input}`, which is of one batch");
        let error = Diagnostic::error(codes::WRONG_PLACE, finish, message);
        let name = input.rsplit('.').next().unwrap_or(input);
        self.fail(
            error.also(at, "it comes from here").hint(format!("`collect {name} = {input}` before `finish`")),
        )
    }

    /// `report table "curves/negative" { s, w = f(s) }`
    pub(crate) fn report_table(
        &mut self,
        name: &Arc<str>,
        columns: &[(Ident, Option<Expr>)],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        if self.place != Place::Step {
            return self.error(codes::WRONG_PLACE, span, "`report table` stands in a step of an experiment");
        }
        self.table_name(name, span)?;
        let mut table: IndexMap<Arc<str>, NodeId> = IndexMap::new();
        let mut rows: Option<(Dim, Span)> = None;
        for (column, value) in columns {
            let bare = Expr { kind: ExprKind::Name(column.name.clone()), span: column.span };
            let node = self.column(value.as_ref().unwrap_or(&bare), scope, &mut rows)?;
            if table.insert(format!("{name}/{}", column.name).into(), node).is_some() {
                let message = format!("column `{}` is there twice", column.name);
                return self.error(codes::WRONG_PLACE, column.span, message);
            }
        }
        self.step.columns.extend(table);
        Ok(())
    }

    /// A table is a file below the run folder: its name is a relative path of plain words, used once in a step.
    fn table_name(&mut self, name: &str, span: Span) -> Eval<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let part = |p: &str| !p.is_empty() && !p.starts_with('.') && p.chars().all(plain);
        if !name.split('/').all(part) {
            let error =
                Diagnostic::error(codes::OUT_OF_RANGE, span, format!("a table cannot be called `{name}`"));
            return self.fail(error.hint("letters, digits, `_`, `-` and `.`, with `/` between folders"));
        }
        let taken =
            |(column, _): &(Arc<str>, NodeId)| column.rsplit_once('/').is_some_and(|(t, _)| t == name);
        match self.step.columns.iter().any(taken) {
            true => self.error(codes::WRONG_PLACE, span, format!("table `{name}` is recorded twice")),
            false => Ok(()),
        }
    }

    /// A column: one number a row, as many rows as the first column has.
    fn column(&mut self, value: &Expr, scope: &Rc<Scope>, rows: &mut Option<(Dim, Span)>) -> Eval<NodeId> {
        let found = self.expr(value, scope)?;
        let node = self.tensor(&found, value.span)?;
        let ty = self.graph.ty(node).clone();
        let [size] = ty.shape.as_slice() else {
            let message = format!("a column has one axis, not {ty}");
            return self.error(codes::SHAPE_MISMATCH, value.span, message);
        };
        match rows {
            Some((first, at)) if first != size => {
                let message = format!("this column has {size} rows, the first one {first}");
                let error = Diagnostic::error(codes::SHAPE_MISMATCH, value.span, message);
                self.fail(error.also(*at, "the first column"))
            }
            Some(_) => Ok(node),
            None => {
                *rows = Some((size.clone(), value.span));
                Ok(node)
            }
        }
    }
}
