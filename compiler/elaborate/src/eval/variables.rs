//! Parameters and states: registering, initialising, reading, updating.

use std::rc::Rc;
use std::sync::Arc;

use vspec_ir::{DType, Graph, NodeId, Op, Output, OutputKind, Type, Variable, VariableKind};
use vspec_syntax::ast::{Expr, ExprKind, IndexArg};
use vspec_syntax::{Diagnostic, Span};

use super::instance::joined;
use super::{Eval, Evaluator, Place};
use crate::codes;
use crate::scope::Scope;
use crate::value::{DeclKind, Given, Instance, Member, Value, VariableDecl};

impl Evaluator<'_> {
    /// Registers a declaration under its path and computes its initialiser. Constants are no variables.
    pub(crate) fn register(&mut self, path: &str, decl: &Rc<VariableDecl>) -> Eval<()> {
        self.declared.insert(path.into(), decl.clone());
        let kind = match decl.kind {
            DeclKind::Param => VariableKind::Param,
            DeclKind::State => VariableKind::State,
            DeclKind::Const => return Ok(()),
        };
        let init = self.initialiser(path, decl)?;
        let variable = Variable { path: path.into(), kind, ty: decl.ty.clone(), init };
        self.variables.insert(path.into(), variable);
        Ok(())
    }

    /// The graph that computes a variable's first value; zeros when the declaration gives none.
    fn initialiser(&mut self, path: &str, decl: &Rc<VariableDecl>) -> Eval<Graph> {
        let stream = std::mem::replace(&mut self.stream, path.into());
        let streams = std::mem::take(&mut self.streams);
        let (node, graph) = self.in_graph(Place::Init, |e| {
            let node = e.initial_value(decl)?;
            e.onto_manifold(decl, node)
        });
        self.stream = stream;
        self.streams = streams;
        let output = Output { name: "init".into(), kind: OutputKind::Value, node: node? };
        Ok(graph.extract(path, &[output]))
    }

    fn initial_value(&mut self, decl: &Rc<VariableDecl>) -> Eval<NodeId> {
        let Type { dtype, shape } = decl.ty.clone();
        let span = decl.def.init.as_ref().map_or(decl.def.name.span, |i| i.span);
        let Some(init) = &decl.def.init else { return self.full(0.0, dtype, shape, span) };
        let mut value = self.expr(init, &decl.scope)?;
        if let Value::Callable(_) = value {
            let sizes = Value::list(shape.iter().map(Value::dim).collect());
            value =
                self.call(&value, vec![Given { name: None, value: sizes, span, origin: span }], span, span)?;
        }
        let node = match (&value, value.as_float()) {
            (_, Some(number)) => self.full(number, dtype, shape.clone(), span)?,
            _ => self.number(&value, dtype, span)?,
        };
        let found = self.graph.ty(node).clone();
        match found == decl.ty {
            true => Ok(node),
            false if found.dtype == dtype && found.rank() == 0 => {
                self.emit(Op::Broadcast { shape }, &[node], span)
            }
            false => {
                let message = format!("the initial value is {found}, the variable {}", decl.ty);
                self.error(codes::SHAPE_MISMATCH, span, message)
            }
        }
    }

    /// The current value of a variable: what was last written in this step, else what it was before.
    pub(crate) fn read_variable(
        &mut self,
        instance: &Rc<Instance>,
        name: &str,
        decl: &Rc<VariableDecl>,
        span: Span,
    ) -> Eval<NodeId> {
        if self.place == Place::Static || self.place == Place::Init {
            return self.error(
                codes::WRONG_PLACE,
                span,
                format!("`{name}` has a value only while a graph is built"),
            );
        }
        if self.place == Place::Item {
            let message = format!("`{name}` is a variable of a module, and a data stage has none");
            return self.error(codes::WRONG_PLACE, span, message);
        }
        let Some(path) = instance.path() else { return self.without_path(instance, span) };
        let path: Arc<str> = joined(&path, name).into();
        if let Some(node) = self.substituted(&path) {
            return Ok(node);
        }
        let node = match self.current.get(&path) {
            Some(node) => *node,
            None => {
                let node = match decl.kind {
                    DeclKind::Const => self.constant_value(&path, decl)?,
                    _ => self.variable_node(&path, decl, span)?,
                };
                self.current.insert(path.clone(), node);
                node
            }
        };
        if decl.kind != DeclKind::Param || !self.is_frozen(&path) {
            return Ok(node);
        }
        self.step.frozen.insert(path);
        self.emit(Op::StopGradient {}, &[node], span)
    }

    /// The current value of a variable that is known by its path.
    pub(crate) fn read_path(&mut self, path: &Arc<str>, span: Span) -> Eval<NodeId> {
        if let Some(node) = self.current.get(path) {
            return Ok(*node);
        }
        let Some(decl) = self.declared.get(path).cloned() else {
            return self.error(codes::WRONG_PLACE, span, format!("`{path}` has no value here"));
        };
        let node = self.variable_node(path, &decl, span)?;
        self.current.insert(path.clone(), node);
        Ok(node)
    }

    fn variable_node(&mut self, path: &str, decl: &VariableDecl, span: Span) -> Eval<NodeId> {
        let Type { dtype, shape } = decl.ty.clone();
        let op = match decl.kind {
            DeclKind::Param => Op::Param { path: path.into(), shape },
            _ => Op::State { path: path.into(), dtype, shape },
        };
        self.emit(op, &[], span)
    }

    /// A constant is computed in the graph that uses it.
    fn constant_value(&mut self, path: &str, decl: &Rc<VariableDecl>) -> Eval<NodeId> {
        let stream = std::mem::replace(&mut self.stream, path.into());
        let node = self.initial_value(decl);
        self.stream = stream;
        node
    }

    fn without_path<T>(&mut self, instance: &Rc<Instance>, span: Span) -> Eval<T> {
        let message = format!("this `{}` has parameters but no name", instance.name);
        self.fail(
            Diagnostic::error(codes::NO_PATH, instance.span, message)
                .label("made here")
                .also(span, "used here")
                .hint("make it a member of a module or a `let` of an experiment, so that its parameters have a path"),
        )
    }

    /// `update target = value`: the next value of a state, seen by every later read of the step.
    pub(crate) fn update(&mut self, target: &Expr, value: &Expr, scope: &Rc<Scope>) -> Eval<()> {
        if let ExprKind::Index(base, args) = &target.kind {
            return self.update_rows((base, args), target.span, value, scope);
        }
        if let Some(result) = self.update_optimizer_state(target, value, scope) {
            return result;
        }
        if let Some(tree) = self.tree_target(target, scope)? {
            return self.update_tree(&tree, value, scope);
        }
        let (path, decl) = self.update_target(target, scope)?;
        let given = self.given(None, value, scope)?;
        self.write(&path, &decl.ty, &given)
    }

    /// Makes a value the next one of a variable, unless a functional view of its module is looked at.
    pub(crate) fn write(&mut self, path: &Arc<str>, ty: &Type, given: &Given) -> Eval<()> {
        let node = self.number(&given.value, ty.dtype, given.span)?;
        let node = self.fit(node, ty, given.span)?;
        let node = match self.declared.get(path).cloned() {
            Some(decl) => self.onto_manifold(&decl, node)?,
            None => node,
        };
        if !self.drops_updates() {
            self.current.insert(path.clone(), node);
            self.written.insert(path.clone(), node);
        }
        Ok(())
    }

    /// `update bank[rows] = value`: rows of a state; of several values for one row the last one stays.
    fn update_rows(
        &mut self,
        (base, args): (&Expr, &[IndexArg]),
        span: Span,
        value: &Expr,
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        let (path, decl) = self.update_target(base, scope)?;
        let [IndexArg::At(index)] = args else {
            let message = "an update names rows along the first axis: `update bank[rows] = value`";
            return self.error(codes::WRONG_KIND, span, message);
        };
        let state = self.read_path(&path, base.span)?;
        let rows = self.row_index(index, scope)?;
        let given = self.given(None, value, scope)?;
        let new = self.number(&given.value, decl.ty.dtype, given.span)?;
        let mut shape = self.graph.ty(rows).shape.clone();
        let tail = decl.ty.shape.get(1..).unwrap_or_default().to_vec();
        let mut one = shape.clone();
        one.extend(tail.iter().map(|_| vspec_ir::Dim::from(1i64)));
        shape.extend(tail);
        let new = self.rows_of(new, &Type::new(decl.ty.dtype, shape.clone()), value.span)?;
        let index = self.emit(Op::Reshape { shape: one }, &[rows], span)?;
        let index = self.emit(Op::Broadcast { shape }, &[index], span)?;
        let next = self.emit(Op::Scatter { axis: 0 }, &[state, index, new], span)?;
        self.write(&path, &decl.ty, &Given { value: Value::Tensor(next), ..given })
    }

    /// The rows that an update names: `i32[n]`; one number is one row.
    fn row_index(&mut self, index: &Expr, scope: &Rc<Scope>) -> Eval<NodeId> {
        let value = self.expr(index, scope)?;
        let rows = self.number(&value, DType::I32, index.span)?;
        let ty = self.graph.ty(rows).clone();
        match (ty.dtype, ty.rank()) {
            (DType::I32, 0) => {
                self.emit(Op::Reshape { shape: vec![vspec_ir::Dim::from(1i64)] }, &[rows], index.span)
            }
            (DType::I32, 1) => Ok(rows),
            _ => self.error(codes::SHAPE_MISMATCH, index.span, format!("rows are named by i32[n], not {ty}")),
        }
    }

    /// New rows: one row, or one number, is written to all of them.
    fn rows_of(&mut self, new: NodeId, ty: &Type, span: Span) -> Eval<NodeId> {
        let found = self.graph.ty(new).clone();
        if found == *ty {
            return Ok(new);
        }
        let fits = found.dtype == ty.dtype && (found.rank() == 0 || found.shape[..] == ty.shape[1..]);
        if fits {
            return self.emit(Op::Broadcast { shape: ty.shape.clone() }, &[new], span);
        }
        self.error(
            codes::SHAPE_MISMATCH,
            span,
            format!("the new rows are {found}, the state has room for {ty}"),
        )
    }

    fn update_target(&mut self, target: &Expr, scope: &Rc<Scope>) -> Eval<(Arc<str>, Rc<VariableDecl>)> {
        let found = match &target.kind {
            ExprKind::Name(name) => scope.instance().map(|instance| (instance, name.clone())),
            ExprKind::Field(base, field) => match self.expr(base, scope)? {
                Value::Instance(instance) => Some((instance, field.name.clone())),
                _ => None,
            },
            _ => None,
        };
        let variable = found.and_then(|(instance, name)| match instance.member(&name) {
            Some(Member::Variable(decl)) if decl.kind == DeclKind::State => Some((instance, name, decl)),
            // A step may also set a parameter: a closed form, a projection.
            Some(Member::Variable(decl)) if decl.kind == DeclKind::Param && self.place == Place::Step => {
                Some((instance, name, decl))
            }
            _ => None,
        });
        let Some((instance, name, decl)) = variable else {
            let text = self.loader.sources.slice(target.span).to_string();
            let error = Diagnostic::error(codes::WRONG_KIND, target.span, format!("`{text}` is not a state"));
            return self.fail(error.hint("declare it: `state name: f32[..] = 0`"));
        };
        match instance.path() {
            Some(path) => Ok((joined(&path, &name).into(), decl)),
            None => self.without_path(&instance, target.span),
        }
    }

    /// A value of exactly this type: scalars are spread out, everything else has to match.
    pub(crate) fn fit(&mut self, node: NodeId, ty: &Type, span: Span) -> Eval<NodeId> {
        let found = self.graph.ty(node).clone();
        if found == *ty {
            return Ok(node);
        }
        if found.dtype == ty.dtype && found.rank() == 0 {
            return self.emit(Op::Broadcast { shape: ty.shape.clone() }, &[node], span);
        }
        let message = format!("the new value is {found}, the variable {ty}");
        self.error(codes::SHAPE_MISMATCH, span, message)
    }
}
