//! Calling functions, methods, modules and losses.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use vspec_syntax::Span;
use vspec_syntax::ast::{self, FnDef, Param};

use super::call::{Signature, Slots, missing};
use super::{Eval, Evaluator, Place, Stop};
use crate::builtins::Builtin;
use crate::codes;
use crate::load::{FnItem, LossItem};
use crate::scope::{Parent, Scope};
use crate::value::{Callable, Given, Instance, InstanceKind, Member, Value};

impl Evaluator<'_> {
    /// A call of something that a specification defines. With required arguments left out, the result is the callee with
    /// the arguments so far.
    pub(crate) fn call_defined(
        &mut self,
        callable: &Rc<Callable>,
        args: Vec<Given>,
        span: Span,
    ) -> Eval<Value> {
        let name = callable.name();
        if let Callable::Optimizer(item) = &**callable {
            return self.call_optimizer(item, args, span);
        }
        if let Callable::Assigner(item, scope) = &**callable {
            return self.call_rule(item, scope, args, span);
        }
        let Some(params) = parameters(callable) else {
            return self.error(codes::WRONG_KIND, span, format!("cannot call {}", callable.kind()));
        };
        let names = params.iter().map(|p| &*p.name.name).collect();
        self.observe_arguments(params, &args);
        let slots = self.match_arguments(&Signature { callee: &name, names }, args.clone())?;
        if !Self::complete(params, &slots) && !matches!(**callable, Callable::Method(..)) {
            return Ok(Value::Callable(Rc::new(Callable::Partial(callable.clone(), args, span))));
        }
        match &**callable {
            Callable::Function(item) => self.call_function(item, slots, span),
            Callable::Configured(item, scope) => {
                let scope = scope.inner();
                self.framed(span, format!("`{name}`, called here"), |e| {
                    e.run_body(&item.def, &name, slots, &scope, span)
                })
            }
            Callable::Method(instance, def) => self.call_method(instance, def, slots, span),
            Callable::Module(item) => self.instantiate(item, slots, span),
            Callable::Loss(item) => self.make_loss(item, slots, span),
            Callable::Rule(item) => {
                let scope = Scope::new(Parent::File(item.file.clone()));
                self.bind_parameters(&name, &item.def.params, slots, &scope, span)?;
                Ok(Value::Callable(Rc::new(Callable::Assigner(item.clone(), scope))))
            }
            Callable::Optimizer(_)
            | Callable::Builtin(_)
            | Callable::Partial(..)
            | Callable::Viewed(..)
            | Callable::Assigner(..) => Err(Stop),
        }
    }

    /// Lets the observer see which parameters named arguments are for.
    pub(super) fn observe_arguments(&mut self, params: &[Param], args: &[Given]) {
        let Some(observer) = &mut self.observer else { return };
        for name in args.iter().filter_map(|arg| arg.name.as_ref()) {
            if let Some(param) = params.iter().find(|p| p.name.name == name.name) {
                observer.refers(name.span, param.name.span);
            }
        }
    }

    fn call_function(&mut self, item: &Rc<FnItem>, slots: Slots, span: Span) -> Eval<Value> {
        let scope = Scope::new(Parent::File(item.file.clone()));
        let name = item.def.name.name.clone();
        if let Some(config) = &item.def.config {
            self.bind_parameters(&name, config, slots, &scope, span)?;
            return Ok(Value::Callable(Rc::new(Callable::Configured(item.clone(), scope))));
        }
        self.framed(span, format!("`{name}`, called here"), |e| {
            e.run_body(&item.def, &name, slots, &scope, span)
        })
    }

    /// Binds the parameters of a function and evaluates its body. `name` is what messages call it.
    fn run_body(
        &mut self,
        def: &FnDef,
        name: &str,
        slots: Slots,
        scope: &Rc<Scope>,
        span: Span,
    ) -> Eval<Value> {
        self.bind_parameters(name, &def.params, slots, scope, span)?;
        let Some(body) = &def.body else {
            return self.host_call(def, scope, span);
        };
        let value = self.block_in(body, scope)?;
        let value = self.conform_result(def.ret.as_ref(), value, body, scope, name)?;
        match &def.gradient {
            Some(gradient) => self.custom_gradient(def, gradient, &value, scope),
            None => Ok(value),
        }
    }

    /// Checks a result against the declared type.
    fn conform_result(
        &mut self,
        ret: Option<&ast::TypeExpr>,
        value: Value,
        body: &ast::Block,
        scope: &Rc<Scope>,
        name: &str,
    ) -> Eval<Value> {
        let Some(ret) = ret else { return Ok(value) };
        let span = body.value.as_ref().map_or(body.span, |v| v.span);
        let given = Given { name: None, value, span, origin: span };
        self.conform(&given, ret, scope, &format!("the result of `{name}`"))
    }

    /// `m(x)` calls `forward`; a loss calls itself.
    pub(crate) fn call_instance(
        &mut self,
        instance: &Rc<Instance>,
        args: Vec<Given>,
        span: Span,
    ) -> Eval<Value> {
        self.adopt(instance)?;
        match &instance.kind {
            InstanceKind::Loss(item) => self.call_loss(instance, &item.clone(), args, span),
            InstanceKind::Module(_) => match instance.member("forward") {
                Some(Member::Method(def)) => {
                    let method = Rc::new(Callable::Method(instance.clone(), def));
                    self.call_defined(&method, args, span)
                }
                _ => {
                    let message =
                        format!("module `{}` has no `forward`, so it cannot be called", instance.name);
                    self.error(codes::UNKNOWN_FIELD, span, message)
                }
            },
        }
    }

    /// In an entry or a test an instance needs no name: it gets a path of its own when it is first used.
    pub(crate) fn adopt(&mut self, instance: &Rc<Instance>) -> Eval<()> {
        if instance.path().is_some() || !matches!(self.place, Place::Entry | Place::Test) {
            return Ok(());
        }
        let count = self.step.instances;
        self.step.instances += 1;
        // The first one is what the entry is about: its parameters are named as in a checkpoint of it.
        let path = if count == 0 { String::new() } else { format!("instance{count}") };
        self.assign_path(&Value::Instance(instance.clone()), &path)
    }

    fn call_method(
        &mut self,
        instance: &Rc<Instance>,
        def: &Rc<FnDef>,
        slots: Slots,
        span: Span,
    ) -> Eval<Value> {
        let missing: Vec<&ast::Ident> = missing(&def.params, &slots).iter().map(|p| &p.name).collect();
        let name = match &*def.name.name {
            "forward" => instance.name.to_string(),
            method => format!("{}.{method}", instance.name),
        };
        if !missing.is_empty() {
            return self.missing(&name, &missing, span);
        }
        self.inside(instance, span, format!("`{name}`, called here"), |e| {
            let scope = Scope::new(Parent::Instance(instance.clone()));
            e.run_body(def, &name, slots, &scope, span)
        })
    }

    /// Evaluates something as part of an instance: nodes carry its path.
    pub(crate) fn inside<T>(
        &mut self,
        instance: &Rc<Instance>,
        span: Span,
        what: String,
        body: impl FnOnce(&mut Self) -> Eval<T>,
    ) -> Eval<T> {
        instance.used.set(true);
        let outer = match instance.path() {
            Some(path) => self.module_path.replace(path),
            None => self.module_path.clone(),
        };
        self.inside_instances += 1;
        let result = self.framed(span, what, |e| {
            e.called_on(instance);
            body(e)
        });
        self.inside_instances -= 1;
        self.module_path = outer;
        result
    }

    fn make_loss(&mut self, item: &Rc<LossItem>, slots: Slots, span: Span) -> Eval<Value> {
        let scope = Scope::new(Parent::File(item.file.clone()));
        let name = item.def.name.name.clone();
        let config = item.def.config.as_deref().unwrap_or_default();
        if item.def.config.is_some() {
            self.bind_parameters(&name, config, slots.clone(), &scope, span)?;
        }
        let instance = self.loss_instance(item, scope, span)?;
        match item.def.config {
            Some(_) => Ok(Value::Instance(instance)),
            None => self.call_loss(&instance, item, slots.into_iter().flatten().collect(), span),
        }
    }

    fn call_loss(
        &mut self,
        instance: &Rc<Instance>,
        item: &Rc<LossItem>,
        args: Vec<Given>,
        span: Span,
    ) -> Eval<Value> {
        let name = item.def.name.name.clone();
        let names = item.def.params.iter().map(|p| &*p.name.name).collect();
        let slots = self.match_arguments(&Signature { callee: &name, names }, args)?;
        self.inside(instance, span, format!("`{name}`, called here"), |e| {
            let scope = Scope::new(Parent::Instance(instance.clone()));
            e.bind_parameters(&name, &item.def.params, slots, &scope, span)?;
            let outer = std::mem::take(&mut e.step.terms);
            let value = e.block_in(&item.def.body, &scope);
            let terms = std::mem::replace(&mut e.step.terms, outer);
            let value = e.loss_value(value?, terms, span)?;
            e.conform_result(item.def.ret.as_ref(), value, &item.def.body, &scope, &name)
        })
    }

    pub(crate) fn call_builtin(
        &mut self,
        builtin: &'static Builtin,
        args: Vec<Given>,
        span: Span,
    ) -> Eval<Value> {
        let names = builtin.parameter_names();
        let known = |given: &Given| given.name.as_ref().is_none_or(|n| names.contains(&&*n.name));
        let (own, extra): (Vec<Given>, Vec<Given>) =
            args.iter().cloned().partition(|given| !builtin.open || known(given));
        let slots = self.match_arguments(&Signature { callee: builtin.name, names }, own)?;
        let missing = builtin.missing(&slots);
        match missing {
            // A transform or a reduction that waits for its tensor is a value; without any argument it is a mistake.
            Some(_) if !args.is_empty() || builtin.transform => {
                let whole = Rc::new(Callable::Builtin(builtin));
                Ok(Value::Callable(Rc::new(Callable::Partial(whole, args, span))))
            }
            Some(name) => {
                let name = ast::Ident { name: name.into(), span: Span::default() };
                self.missing(builtin.name, &[&name], span)
            }
            None => (builtin.run)(self, &crate::builtins::Call { slots, extra, builtin, span }),
        }
    }

    /// An empty instance; its members are added by who makes it.
    pub(crate) fn new_instance(&self, kind: InstanceKind, scope: Rc<Scope>, span: Span) -> Rc<Instance> {
        let name = match &kind {
            InstanceKind::Module(item) => item.def.name.name.clone(),
            InstanceKind::Loss(item) => item.def.name.name.clone(),
        };
        let (members, path, used) = (RefCell::default(), RefCell::default(), Cell::new(false));
        Rc::new(Instance { name, kind, scope, members, path, span, used })
    }
}

/// The parameter list that a call of this fills.
fn parameters(callable: &Callable) -> Option<&[Param]> {
    match callable {
        Callable::Function(item) => Some(item.def.config.as_deref().unwrap_or(&item.def.params)),
        Callable::Configured(item, _) => Some(&item.def.params),
        Callable::Method(_, def) => Some(&def.params),
        Callable::Module(item) => Some(&item.def.params),
        Callable::Loss(item) => Some(item.def.config.as_deref().unwrap_or(&item.def.params)),
        Callable::Optimizer(item) => Some(&item.def.params),
        Callable::Rule(item) => Some(&item.def.params),
        Callable::Builtin(_) | Callable::Partial(..) | Callable::Viewed(..) | Callable::Assigner(..) => None,
    }
}
