//! Arguments to parameters: by position, then by name, then defaults.

use std::rc::Rc;

use vspec_syntax::ast::{Ident, Param, TypeKind};
use vspec_syntax::{Diagnostic, Span, did_you_mean};

use super::{Eval, Evaluator, Stop};
use crate::codes;
use crate::scope::Scope;
use crate::value::{Callable, Given, Value};

/// For each parameter, the argument that was given for it.
pub(crate) type Slots = Vec<Option<Given>>;

/// What a call needs to know about its callee's parameters.
pub(crate) struct Signature<'a> {
    /// Name of the callee, for messages.
    pub(crate) callee: &'a str,
    pub(crate) names: Vec<&'a str>,
}

impl Evaluator<'_> {
    /// Sorts arguments into parameters.
    pub(crate) fn match_arguments(&mut self, signature: &Signature<'_>, args: Vec<Given>) -> Eval<Slots> {
        let mut slots: Slots = signature.names.iter().map(|_| None).collect();
        let (named, positional): (Vec<Given>, Vec<Given>) = args.into_iter().partition(|a| a.name.is_some());
        let taken: Vec<&str> = named.iter().filter_map(|a| a.name.as_ref()).map(|n| &*n.name).collect();
        let mut free = (0..slots.len())
            .filter(|i| !taken.contains(&signature.names[*i]))
            .collect::<Vec<_>>()
            .into_iter();
        for arg in positional {
            match free.next() {
                Some(i) => slots[i] = Some(arg),
                None => return self.too_many(signature, arg.span),
            }
        }
        for arg in named {
            let Some(name) = arg.name.clone() else { continue };
            match signature.names.iter().position(|n| *n == &*name.name) {
                Some(i) if slots[i].is_none() => slots[i] = Some(arg),
                Some(_) => {
                    let message = format!("`{}` is given twice", name.name);
                    return self.error(codes::UNKNOWN_ARGUMENT, name.span, message);
                }
                None => return self.unknown_argument(signature, &name),
            }
        }
        Ok(slots)
    }

    fn too_many<T>(&mut self, signature: &Signature<'_>, span: Span) -> Eval<T> {
        let message = format!("`{}` takes {} arguments", signature.callee, signature.names.len());
        let error = Diagnostic::error(codes::TOO_MANY_ARGUMENTS, span, message).label("this is one too many");
        self.fail(match signature.names.is_empty() {
            true => error,
            false => error.hint(format!("they are {}", signature.names.join(", "))),
        })
    }

    fn unknown_argument<T>(&mut self, signature: &Signature<'_>, name: &Ident) -> Eval<T> {
        let message = format!("`{}` has no parameter `{}`", signature.callee, name.name);
        let error = Diagnostic::error(codes::UNKNOWN_ARGUMENT, name.span, message);
        let hint = match did_you_mean(&name.name, signature.names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if signature.names.is_empty() => "it has none".to_string(),
            None => format!("it has {}", signature.names.join(", ")),
        };
        self.fail(error.hint(hint))
    }

    /// Binds parameters in a scope: arguments checked against their types, defaults evaluated there.
    pub(crate) fn bind_parameters(
        &mut self,
        callee: &str,
        params: &[Param],
        slots: Slots,
        scope: &Rc<Scope>,
        call: Span,
    ) -> Eval<()> {
        let mut failed = false;
        for (param, slot) in params.iter().zip(slots) {
            failed |= self.bind_parameter(callee, param, slot, scope, call).is_err();
        }
        if failed { Err(Stop) } else { Ok(()) }
    }

    fn bind_parameter(
        &mut self,
        callee: &str,
        param: &Param,
        slot: Option<Given>,
        scope: &Rc<Scope>,
        call: Span,
    ) -> Eval<()> {
        let name = &param.name;
        let bound = match (slot, &param.default) {
            (Some(given), _) => Ok(given),
            (None, Some(default)) => self.given(None, default, scope),
            (None, None) => self.missing(callee, &[name], call),
        };
        let value = bound.and_then(|given| match &param.ty {
            Some(ty) => {
                let what = format!("`{}` of `{callee}`", name.name);
                let value = self.conform(&given, ty, scope, &what)?;
                Ok((value, given.origin))
            }
            None => Ok((given.value, given.origin)),
        });
        match value {
            Ok((value, origin)) => {
                self.observe(name.span, &value);
                scope.bind(name.name.clone(), value, origin);
                Ok(())
            }
            Err(stop) => {
                scope.bind(name.name.clone(), Value::Poison, name.span);
                Err(stop)
            }
        }
    }

    /// Arguments without which the call has no meaning.
    pub(crate) fn missing<T>(&mut self, callee: &str, names: &[&Ident], call: Span) -> Eval<T> {
        self.fail(needs(callee, names, call))
    }

    /// Refuses a module without all of its static arguments that is called as if it were an instance: `Net()(x)`.
    pub(crate) fn completed(
        &mut self,
        callable: &Callable,
        earlier: &[Given],
        args: &[Given],
        [made, call]: [Span; 2],
    ) -> Eval<()> {
        let Callable::Module(item) = callable else { return Ok(()) };
        let is_tensor = |given: &Given| matches!(given.value, Value::Tensor(_) | Value::Type(_));
        let (params, name) = (&item.def.params, &item.def.name.name);
        let names = params.iter().map(|p| &*p.name.name).collect();
        let slots = self.match_arguments(&Signature { callee: name, names }, earlier.to_vec())?;
        let missing = missing(params, &slots);
        if missing.is_empty() || !missing.iter().any(|p| is_static(p)) || !args.iter().any(is_tensor) {
            return Ok(());
        }
        let names: Vec<&Ident> = missing.iter().map(|p| &p.name).collect();
        let error = needs(name, &names, made);
        self.fail(match (made.file, made.start) == (call.file, call.start) {
            true => error,
            false => error.also(call, "a tensor is given here, to an instance that is not there yet"),
        })
    }

    /// Whether every parameter without a default has an argument.
    pub(crate) fn complete(params: &[Param], slots: &Slots) -> bool {
        missing(params, slots).is_empty()
    }
}

/// Parameters without a default that have no argument.
pub(super) fn missing<'p>(params: &'p [Param], slots: &Slots) -> Vec<&'p Param> {
    let unfilled = params.iter().zip(slots).filter(|(p, s)| s.is_none() && p.default.is_none());
    unfilled.map(|(p, _)| p).collect()
}

/// The message that a call lacks arguments.
pub(crate) fn needs(callee: &str, names: &[&Ident], call: Span) -> Diagnostic {
    let list: Vec<String> = names.iter().map(|n| format!("`{}`", n.name)).collect();
    let message = format!("`{callee}` needs {}", list.join(" and "));
    let error = Diagnostic::error(codes::MISSING_ARGUMENT, call, message);
    match names.first().filter(|n| n.span != Span::default()) {
        Some(first) => error.also(first.span, "declared here without a default"),
        None => error,
    }
}

/// Whether a parameter takes a static value: a tensor for it is meant for something else.
fn is_static(param: &Param) -> bool {
    match param.ty.as_ref().map(|ty| &ty.kind) {
        Some(TypeKind::Named(name)) => matches!(&*name.name, "int" | "float" | "bool" | "string"),
        Some(TypeKind::Fn { .. } | TypeKind::Module(_)) => true,
        _ => false,
    }
}
