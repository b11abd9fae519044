//! Views of modules: the same parameters, another behaviour.
//!
//! A view changes nothing in the instance. Its modes hold while one of its methods runs, in everything that the method calls; so a
//! view of a network also is a view of its layers.

use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use vspec_ir::NodeId;
use vspec_syntax::ast::{Expr, Ident};
use vspec_syntax::{Diagnostic, Span, did_you_mean};

use super::instance::joined;
use super::{Eval, Evaluator};
use crate::scope::Scope;
use crate::value::{Callable, DeclKind, Instance, Member, Mode, Value, View};
use crate::{codes, globs};

impl Evaluator<'_> {
    /// Evaluates something under further modes.
    pub(crate) fn with_modes<T>(
        &mut self,
        modes: &[Mode],
        body: impl FnOnce(&mut Self) -> Eval<T>,
    ) -> Eval<T> {
        let depth = self.modes.len();
        let training = self.training;
        for mode in modes {
            if let Mode::Training(on) = mode {
                self.training = *on;
            }
            self.modes.push(mode.clone());
        }
        let result = body(self);
        self.modes.truncate(depth);
        self.training = training;
        result
    }

    /// A view of an instance or of a view; the newer mode goes inside.
    pub(crate) fn viewed(&mut self, value: &Value, mode: Mode, span: Span) -> Eval<Value> {
        let (base, mut modes) = self.looked_at(value, span)?;
        modes.push(mode);
        Ok(Value::View(Rc::new(View { base, modes: Rc::new(modes) })))
    }

    fn looked_at(&mut self, value: &Value, span: Span) -> Eval<(Rc<Instance>, Vec<Mode>)> {
        match value {
            Value::Instance(instance) => Ok((instance.clone(), vec![])),
            Value::View(view) => Ok((view.base.clone(), view.modes.to_vec())),
            other => {
                let message = format!("only a module instance can be seen differently, not {}", other.kind());
                self.error(codes::WRONG_KIND, span, message)
            }
        }
    }

    /// `base with a = b, c = d`: other members of a module, other fields of a record.
    pub(crate) fn with(
        &mut self,
        base: &Expr,
        changes: &[(Ident, Expr)],
        span: Span,
        scope: &Rc<Scope>,
    ) -> Eval<Value> {
        let mut value = self.expr(base, scope)?;
        for (name, change) in changes {
            let new = self.expr(change, scope)?;
            value = match &value {
                Value::Record(fields) => self.changed_field(&fields.clone(), name, new)?,
                _ => self.changed_member(&value, name, (new, change.span), span)?,
            };
        }
        Ok(value)
    }

    fn changed_field(
        &mut self,
        fields: &Rc<IndexMap<Arc<str>, Value>>,
        name: &Ident,
        new: Value,
    ) -> Eval<Value> {
        if !fields.contains_key(&name.name) {
            let known = fields.keys().map(|k| &**k).collect();
            return self.no_field(&Value::Record(fields.clone()), name, known);
        }
        let mut fields = IndexMap::clone(fields);
        fields.insert(name.name.clone(), new);
        Ok(Value::Record(Rc::new(fields)))
    }

    fn changed_member(
        &mut self,
        value: &Value,
        name: &Ident,
        (new, at): (Value, Span),
        span: Span,
    ) -> Eval<Value> {
        let (base, _) = self.looked_at(value, span)?;
        self.adopt(&base)?;
        let mode = match (&*name.name, base.member(&name.name)) {
            ("params", _) => Mode::Params(Rc::new(self.substitution(&base, &new, at)?)),
            (_, Some(Member::Value(_))) => {
                Mode::Member { instance: base, name: name.name.clone(), value: new }
            }
            (_, Some(_)) => {
                let message =
                    format!("`{}` is no child module; `with` changes children and `params`", name.name);
                return self.error(codes::WRONG_KIND, name.span, message);
            }
            (_, None) if base.scope.own(&name.name).is_some() => return self.fixed_argument(&base, name),
            (_, None) => {
                let members: Vec<Arc<str>> = base.members.borrow().keys().cloned().collect();
                let names = members.iter().map(|n| &**n).chain(["params"]).collect();
                return self.no_field(value, name, names);
            }
        };
        self.viewed(value, mode, span)
    }

    fn fixed_argument<T>(&mut self, base: &Instance, name: &Ident) -> Eval<T> {
        let message = format!("`{}` was an argument when `{}` was made", name.name, base.name);
        self.fail(
            Diagnostic::error(codes::WRONG_KIND, name.span, message)
                .also(base.span, "made here")
                .hint("`with` changes child modules and `params`; make another instance for other arguments"),
        )
    }

    /// New values for every parameter of an instance.
    fn substitution(
        &mut self,
        base: &Rc<Instance>,
        new: &Value,
        span: Span,
    ) -> Eval<IndexMap<Arc<str>, NodeId>> {
        let own = self.variables_of(base, DeclKind::Param, span)?;
        let Value::Tree(new) = new else {
            let message = format!("`params` is a set of parameters, not {}", new.kind());
            return self.error(codes::WRONG_KIND, span, message);
        };
        self.same_leaves(&own, new, [span, span])?;
        let mut map = IndexMap::new();
        let prefix = base.path().unwrap_or_default();
        for (name, leaf) in &new.leaves {
            let path: Arc<str> = joined(&prefix, name).into();
            let node = self.leaf(leaf, span)?;
            if let Some(ty) = self.declared.get(&path).map(|d| d.ty.clone()) {
                self.fit(node, &ty, span)?;
            }
            map.insert(path, node);
        }
        Ok(map)
    }

    /// `view.member`: methods and children see the view's modes.
    pub(crate) fn view_field(&mut self, view: &Rc<View>, field: &Ident) -> Eval<Value> {
        let base = Value::Instance(view.base.clone());
        let value = self.with_modes(&view.modes, |e| e.instance_field(&view.base, &base, field))?;
        Ok(under(value, &view.modes))
    }

    /// A member of an instance, or what a view put in its place.
    pub(crate) fn member_of(&self, instance: &Rc<Instance>, name: &str) -> Option<Member> {
        let replaced = self.modes.iter().rev().find_map(|mode| match mode {
            Mode::Member { instance: changed, name: member, value } => {
                (Rc::ptr_eq(changed, instance) && **member == *name).then(|| Member::Value(value.clone()))
            }
            _ => None,
        });
        replaced.or_else(|| instance.member(name))
    }

    /// The value that a view gives to a parameter.
    pub(crate) fn substituted(&self, path: &str) -> Option<NodeId> {
        self.modes.iter().rev().find_map(|mode| match mode {
            Mode::Params(map) => map.get(path).copied(),
            _ => None,
        })
    }

    /// Whether updates of states are dropped, because parameters were substituted.
    pub(crate) fn drops_updates(&self) -> bool {
        self.modes.iter().any(|mode| matches!(mode, Mode::Params(_)))
    }

    /// Whether a view keeps a parameter from being trained.
    pub(crate) fn is_frozen(&self, path: &str) -> bool {
        self.modes.iter().any(|mode| match mode {
            Mode::Frozen { instance, patterns } => {
                let prefix = instance.path().unwrap_or_default();
                patterns.iter().any(|pattern| globs::matches(&joined(&prefix, pattern), path))
            }
            _ => false,
        })
    }

    /// Patterns for `frozen`: each has to match a parameter of the instance.
    pub(crate) fn check_patterns(&mut self, value: &Value, patterns: &[Arc<str>], span: Span) -> Eval<()> {
        let (base, _) = self.looked_at(value, span)?;
        let names: Vec<Arc<str>> = parameter_names(&base);
        for pattern in patterns {
            if names.iter().any(|name| globs::matches(pattern, name)) {
                continue;
            }
            let message = format!("no parameter of `{}` matches `{pattern}`", base.name);
            let near = did_you_mean(
                pattern.trim_end_matches(".**"),
                names.iter().filter_map(|n| n.split('.').next()),
            );
            let hint = match near {
                Some(near) => format!("did you mean `{near}.**`?"),
                None => "`*` stands for one component of a path, `**` for any number".to_string(),
            };
            return self.fail(Diagnostic::error(codes::UNKNOWN_FIELD, span, message).hint(hint));
        }
        Ok(())
    }
}

/// Children and methods that are reached through a view.
fn under(value: Value, modes: &Rc<Vec<Mode>>) -> Value {
    match value {
        Value::Instance(base) => Value::View(Rc::new(View { base, modes: modes.clone() })),
        Value::View(view) => {
            let modes = modes.iter().chain(view.modes.iter()).cloned().collect();
            Value::View(Rc::new(View { base: view.base.clone(), modes: Rc::new(modes) }))
        }
        Value::List(items) => Value::list(items.iter().map(|i| under(i.clone(), modes)).collect()),
        Value::Callable(callable) if matches!(*callable, Callable::Method(..)) => {
            Value::Callable(Rc::new(Callable::Viewed(callable, modes.clone())))
        }
        other => other,
    }
}

/// Names of an instance's parameters below it, before it has a path.
fn parameter_names(instance: &Rc<Instance>) -> Vec<Arc<str>> {
    fn walk(value: &Value, path: &str, out: &mut Vec<Arc<str>>) {
        match value {
            Value::Instance(instance) => members(instance, path, out),
            Value::View(view) => members(&view.base, path, out),
            Value::List(items) | Value::Tuple(items) => {
                items.iter().enumerate().for_each(|(i, v)| walk(v, &joined(path, &i.to_string()), out));
            }
            Value::Record(fields) => fields.iter().for_each(|(n, v)| walk(v, &joined(path, n), out)),
            _ => {}
        }
    }
    fn members(instance: &Rc<Instance>, path: &str, out: &mut Vec<Arc<str>>) {
        for (name, member) in instance.members.borrow().iter() {
            match member {
                Member::Variable(decl) if decl.kind == DeclKind::Param => out.push(joined(path, name).into()),
                Member::Value(value) => walk(value, &joined(path, name), out),
                _ => {}
            }
        }
    }
    let mut out = vec![];
    members(instance, "", &mut out);
    out
}
