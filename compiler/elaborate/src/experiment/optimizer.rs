//! Applying update rules: one gradient, one set of states and one new value for each parameter.

use std::rc::Rc;
use std::sync::Arc;

use vspec_ir::{NodeId, Op, Type, Variable, VariableKind};
use vspec_syntax::ast::{Expr, ExprKind, FnDef, MemberKind, VarDef};
use vspec_syntax::{Diagnostic, Span};

use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::scope::{Parent, Scope};
use crate::value::{DeclKind, OptimizerValue, Value, VariableDecl};

/// The update of one parameter that is being evaluated.
#[derive(Debug, Clone)]
pub(crate) struct OptimizerFrame {
    /// The scope that state names are bound in.
    scope: Rc<Scope>,
    /// Path of each state and its type.
    states: Vec<(Arc<str>, Arc<str>, Type)>,
    /// States that were written.
    written: Vec<Arc<str>>,
}

/// A parameter's path, its value and its gradient.
type Update = (Arc<str>, [NodeId; 2]);

/// Adds gradients of `loss` and the updates of `params` to the step.
pub(super) fn apply(
    e: &mut Evaluator<'_>,
    optimizer: &Rc<OptimizerValue>,
    loss: NodeId,
    params: &[(Arc<str>, NodeId)],
    span: Span,
) -> Eval<()> {
    let gradients: Eval<Vec<Update>> = params
        .iter()
        .map(|(path, p)| Ok((path.clone(), [*p, e.emit(Op::Gradient {}, &[loss, *p], span)?])))
        .collect();
    update(e, optimizer, &gradients?, span)
}

/// Adds the updates of parameters, each with its value and its gradient, to the step.
pub(super) fn update(
    e: &mut Evaluator<'_>,
    optimizer: &Rc<OptimizerValue>,
    updates: &[Update],
    span: Span,
) -> Eval<()> {
    let Some(rule) = method(optimizer, "apply") else {
        return no_method(e, optimizer, "apply(p, g)");
    };
    report_rate(e, optimizer);
    e.step.optimizers.push(optimizer.clone());
    let updates = optimizer
        .before
        .iter()
        .try_fold(updates.to_vec(), |updates, before| transform(e, before, updates, span))?;
    let name = optimizer.name.borrow().clone().unwrap_or_default();
    let outer = e.module_path.replace(name.clone());
    let result = updates.iter().try_for_each(|(path, pair)| {
        let what = format!("update of `{path}`");
        e.framed(span, what, |e| update_one(e, optimizer, rule, path, *pair))
    });
    e.module_path = outer;
    result
}

/// Passes all gradients through a transform: `transform(gradients, params)`, which gives as many gradients.
fn transform(
    e: &mut Evaluator<'_>,
    before: &OptimizerValue,
    updates: Vec<Update>,
    span: Span,
) -> Eval<Vec<Update>> {
    let Some(rule) = method(before, "transform") else {
        return no_method(e, before, "transform(gradients)");
    };
    let scope = Scope::new(Parent::Scope(before.scope.clone()));
    let list = |i: usize| Value::list(updates.iter().map(|(_, pair)| Value::Tensor(pair[i])).collect());
    for (param, value) in rule.params.iter().zip([list(1), list(0)]) {
        scope.bind(param.name.name.clone(), value, param.name.span);
    }
    let Some(body) = &rule.body else { return no_host_rule(e, rule.name.span) };
    let what = format!("`{}`, on the gradients", before.item.def.name.name);
    let Value::List(changed) = e.framed(span, what, |e| e.block(body, &scope))? else {
        return e.error(codes::WRONG_KIND, rule.name.span, "a transform gives a list of gradients");
    };
    if changed.len() != updates.len() {
        let message = format!("{} gradients for {} parameters", changed.len(), updates.len());
        return e.error(codes::SHAPE_MISMATCH, rule.name.span, message);
    }
    let pair = |((path, [p, _]), g): (Update, &Value)| {
        let (node, ty) = (e.tensor(g, rule.name.span)?, e.graph.ty(p).clone());
        Ok((path, [p, e.fit(node, &ty, rule.name.span)?]))
    };
    updates.into_iter().zip(changed.iter()).map(pair).collect()
}

fn no_method<T>(e: &mut Evaluator<'_>, optimizer: &OptimizerValue, method: &str) -> Eval<T> {
    let def = &optimizer.item.def.name;
    let error = Diagnostic::error(
        codes::UNKNOWN_FIELD,
        optimizer.span,
        format!("optimizer `{}` has no `{method}`", def.name),
    );
    let error = error.also(def.span, "defined here");
    e.fail(
        error.hint("gradients pass transforms first, the rule comes last: `clip_norm(10) |> sgd(lr = 0.1)`"),
    )
}

fn method<'a>(optimizer: &'a OptimizerValue, name: &str) -> Option<&'a FnDef> {
    optimizer.item.def.members.iter().find_map(|m| match &m.kind {
        MemberKind::Method(def) if &*def.name.name == name => Some(def),
        _ => None,
    })
}

/// The learning rate is worth recording: `lr`, or `lr.name` for a further optimizer.
fn report_rate(e: &mut Evaluator<'_>, optimizer: &OptimizerValue) {
    let Some(rate) = optimizer.scope.own("lr") else { return };
    let Ok(node) = e.tensor(&rate.value, optimizer.span) else { return };
    let taken = e.step.reports.iter().any(|(name, _)| &**name == "lr");
    let name = match (taken, &*optimizer.name.borrow()) {
        (true, Some(name)) => format!("lr.{name}"),
        _ => "lr".to_string(),
    };
    if !e.step.reports.iter().any(|(n, _)| **n == *name) {
        e.step.reports.push((name.into(), node));
    }
}

/// `p = apply(p, g)` with the states of this parameter in scope.
fn update_one(
    e: &mut Evaluator<'_>,
    optimizer: &Rc<OptimizerValue>,
    rule: &FnDef,
    path: &Arc<str>,
    [p, g]: [NodeId; 2],
) -> Eval<()> {
    let scope = Scope::new(Parent::Scope(optimizer.scope_for(path).clone()));
    let ty = e.graph.ty(p).clone();
    // Another `minimize` of this step may have changed the parameter already.
    let current = e.current.get(path).copied().unwrap_or(p);
    let declared = e.declared.get(path).cloned();
    let g = match &declared {
        Some(decl) => e.along_manifold(decl, [current, g])?,
        None => g,
    };
    for (param, value) in rule.params.iter().zip([current, g]) {
        scope.bind(param.name.name.clone(), Value::Tensor(value), param.name.span);
    }
    let decls = bind_states(e, optimizer, path, &ty, &scope)?;
    let states = decls.iter().map(|(name, path, d, _)| (name.clone(), path.clone(), d.ty.clone())).collect();
    let frame = OptimizerFrame { scope: scope.clone(), states, written: vec![] };
    let outer = e.step.optimizer.replace(frame);
    let value = match &rule.body {
        Some(body) => e.block(body, &scope),
        None => no_host_rule(e, rule.name.span),
    };
    let frame = std::mem::replace(&mut e.step.optimizer, outer);
    let node = e.tensor(&value?, rule.name.span)?;
    let node = e.fit(node, &ty, rule.name.span)?;
    let node = match &declared {
        Some(decl) => e.onto_manifold(decl, node)?,
        None => node,
    };
    e.written.insert(path.clone(), node);
    e.current.insert(path.clone(), node);
    let written = frame.map(|f| f.written).unwrap_or_default();
    decls.into_iter().try_for_each(|(_, path, decl, node)| register_used(e, path, decl, node, &written))
}

type BoundState = (Arc<str>, Arc<str>, VariableDecl, NodeId);

/// Evaluates the rule's `let`s and binds its states for one parameter.
fn bind_states(
    e: &mut Evaluator<'_>,
    optimizer: &OptimizerValue,
    path: &str,
    ty: &Type,
    scope: &Rc<Scope>,
) -> Eval<Vec<BoundState>> {
    let name = optimizer.name.borrow().clone().unwrap_or_default();
    let mut states = vec![];
    for member in &optimizer.item.def.members {
        match &member.kind {
            MemberKind::Let(def) => e.let_statement(def, scope)?,
            MemberKind::State(def) => {
                let state: Arc<str> = format!("{name}.{}.{path}", def.name.name).into();
                let decl = state_decl(e, def, ty, scope)?;
                let node = read(e, &state, &decl.ty, def.name.span)?;
                scope.bind(def.name.name.clone(), Value::Tensor(node), def.name.span);
                states.push((def.name.name.clone(), state, decl, node));
            }
            _ => {}
        }
    }
    Ok(states)
}

/// A state without a type is like the parameter.
fn state_decl(e: &mut Evaluator<'_>, def: &VarDef, ty: &Type, scope: &Rc<Scope>) -> Eval<VariableDecl> {
    match def.ty {
        Some(_) => e.declare(DeclKind::State, def, scope),
        None => Ok(VariableDecl {
            kind: DeclKind::State,
            ty: ty.clone(),
            def: Rc::new(def.clone()),
            scope: scope.clone(),
            axes: vec![],
        }),
    }
}

fn read(e: &mut Evaluator<'_>, path: &Arc<str>, ty: &Type, span: Span) -> Eval<NodeId> {
    if let Some(node) = e.current.get(path) {
        return Ok(*node);
    }
    e.emit(Op::State { path: path.clone(), dtype: ty.dtype, shape: ty.shape.clone() }, &[], span)
}

/// A state that the rule used becomes a variable; one that these arguments leave alone does not exist.
fn register_used(
    e: &mut Evaluator<'_>,
    path: Arc<str>,
    decl: VariableDecl,
    node: NodeId,
    written: &[Arc<str>],
) -> Eval<()> {
    let used = written.contains(&path) || !e.graph.users(node).is_empty();
    if !used || e.variables.contains_key(&path) {
        return Ok(());
    }
    let span = decl.def.name.span;
    e.register(&path, &Rc::new(decl))?;
    if let Some(Variable { kind, .. }) = e.variables.get_mut(&path) {
        *kind = VariableKind::Optimizer;
    } else {
        return e.error(codes::WRONG_PLACE, span, "an optimizer's state is no constant");
    }
    Ok(())
}

impl Evaluator<'_> {
    /// `update velocity = ..` inside an update rule; `None` when the target is no state of one.
    pub(crate) fn update_optimizer_state(
        &mut self,
        target: &Expr,
        value: &Expr,
        scope: &Rc<Scope>,
    ) -> Option<Eval<()>> {
        let ExprKind::Name(name) = &target.kind else { return None };
        let frame = self.step.optimizer.clone()?;
        let (_, path, ty) = frame.states.iter().find(|(state, ..)| state == name)?.clone();
        Some(self.write_state(&frame, &path, &ty, (target, value), scope))
    }

    fn write_state(
        &mut self,
        frame: &OptimizerFrame,
        path: &Arc<str>,
        ty: &Type,
        (target, value): (&Expr, &Expr),
        scope: &Rc<Scope>,
    ) -> Eval<()> {
        let given = self.given(None, value, scope)?;
        let node = self.number(&given.value, ty.dtype, given.span)?;
        let node = self.fit(node, ty, value.span)?;
        if let ExprKind::Name(name) = &target.kind {
            frame.scope.bind(name.clone(), Value::Tensor(node), target.span);
        }
        self.current.insert(path.clone(), node);
        self.written.insert(path.clone(), node);
        if let Some(frame) = &mut self.step.optimizer {
            frame.written.push(path.clone());
        }
        Ok(())
    }
}

/// Parameters live where the engine computes, and so does what changes them.
fn no_host_rule<T>(e: &mut Evaluator<'_>, span: Span) -> Eval<T> {
    e.error(codes::WRONG_PLACE, span, "no part of an optimizer runs on the host")
}
