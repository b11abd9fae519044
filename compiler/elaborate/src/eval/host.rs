//! `host fn`: functions of the runtime.

use std::rc::Rc;

use vspec_ir::{DType, HostFn, NodeId, Op};
use vspec_syntax::ast::{FnDef, Param, TypeKind};
use vspec_syntax::{Diagnostic, Span, did_you_mean};

use super::{Eval, Evaluator, Place};
use crate::codes;
use crate::scope::Scope;
use crate::value::{Given, Value};

impl Evaluator<'_> {
    /// A call of a function of the runtime, whose parameters are bound.
    pub(super) fn host_call(&mut self, def: &FnDef, scope: &Rc<Scope>, span: Span) -> Eval<Value> {
        let name = &def.name;
        let Some(function) = HostFn::from_name(&name.name) else { return self.unknown_host_fn(def) };
        if !function.is_tensor_work() {
            self.outside_modules(def, span)?;
        }
        let mut operands = vec![];
        for param in &def.params {
            operands.push(self.host_operand(param, scope)?);
        }
        self.settle_padding(function, &mut operands, def, span)?;
        let types: Vec<vspec_ir::Type> = operands.iter().map(|o| self.graph.ty(*o).clone()).collect();
        if let Err(reason) = function.result(&types) {
            let error = Diagnostic::error(codes::OP_CONSTRAINT, span, format!("`{}`: {reason}", name.name));
            return self.fail(error.also(name.span, "declared here").hint(function.signature()));
        }
        let node = self.emit(Op::HostCall { function: function.name().into() }, &operands, span)?;
        let value = Value::Tensor(node);
        let Some(ret) = &def.ret else { return Ok(value) };
        let given = Given { name: None, value, span, origin: span };
        self.conform(&given, ret, scope, &format!("the result of `{}`", name.name))
    }

    /// Padding is nobody's value: it counts as 0 where it stays padding, and is an error elsewhere.
    fn settle_padding(
        &mut self,
        function: HostFn,
        operands: &mut [NodeId],
        def: &FnDef,
        span: Span,
    ) -> Eval<()> {
        for (i, (operand, param)) in operands.iter_mut().zip(&def.params).enumerate() {
            if i == 0 && function.keeps_padding() {
                *operand = self.zero_padding(*operand, span)?;
            } else if !self.masked_axes(*operand).is_empty() {
                let message = format!("`{}` would take padding for values", def.name.name);
                let error =
                    Diagnostic::error(codes::MASKED, span, message).also(param.name.span, "given here");
                return self.fail(error.hint("`filled(x, 0)` gives padding a value"));
            }
        }
        Ok(())
    }

    fn unknown_host_fn<T>(&mut self, def: &FnDef) -> Eval<T> {
        let name = &def.name;
        let names = HostFn::ALL.map(HostFn::name);
        let message = format!("the runtime has no function `{}`", name.name);
        let error = Diagnostic::error(codes::UNKNOWN_NAME, name.span, message);
        self.fail(match did_you_mean(&name.name, names) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("it has {}", names.join(", "))),
        })
    }

    /// A module is tensor work as a whole, so that any engine can run it in one piece and differentiate it.
    fn outside_modules(&mut self, def: &FnDef, span: Span) -> Eval<()> {
        let name = &def.name.name;
        if self.inside_instances > 0 {
            let message = format!("`{name}` runs on the host, so that no module can call it");
            let error =
                Diagnostic::error(codes::WRONG_PLACE, span, message).also(def.name.span, "declared here");
            return self.fail(error.hint("call it in a step, on what the module gives"));
        }
        match self.place {
            Place::Step | Place::Test | Place::Entry => Ok(()),
            Place::Static | Place::Init | Place::Item | Place::Experiment => {
                let message = format!("`{name}` is a function of the run, and there is no run here");
                self.error(codes::WRONG_PLACE, span, message)
            }
        }
    }

    /// What was given for a parameter, a number as a tensor of the declared type.
    fn host_operand(&mut self, param: &Param, scope: &Rc<Scope>) -> Eval<NodeId> {
        let span = param.name.span;
        let value = self.lookup(&param.name.name, span, scope)?.value;
        let dtype = param.ty.as_ref().and_then(|ty| match &ty.kind {
            TypeKind::Shaped { element, .. } => DType::from_name(&element.name),
            _ => None,
        });
        match dtype {
            Some(dtype) => self.number(&value, dtype, span),
            None => self.tensor(&value, span),
        }
    }
}
