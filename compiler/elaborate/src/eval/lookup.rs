//! What a name stands for: scopes, members, items of the file, the prelude, built-ins.

use std::rc::Rc;

use vspec_ir::{CLOCK_EPOCH, CLOCK_ITERATION, CLOCK_PROGRESS, DType, Op};
use vspec_syntax::{Diagnostic, Span, did_you_mean};

use super::{Eval, Evaluator, Place, Stop};
use crate::load::{Definition, FileScope};
use crate::scope::{Binding, Parent, Scope};
use crate::value::{Callable, Instance, Member, Value};
use crate::{builtins, codes};

impl Evaluator<'_> {
    /// The value of a name, and where it was first written down.
    pub(crate) fn lookup(&mut self, name: &str, span: Span, scope: &Rc<Scope>) -> Eval<Binding> {
        let mut at = scope.clone();
        loop {
            if let Some(binding) = at.own(name) {
                return match binding.value {
                    Value::Poison => Err(Stop),
                    _ => Ok(binding),
                };
            }
            at = match &at.parent {
                Parent::Scope(outer) => outer.clone(),
                Parent::Instance(instance) => {
                    if let Some(found) = self.instance_name(instance, name, span)? {
                        return Ok(Binding { value: found, origin: span });
                    }
                    instance.scope.clone()
                }
                Parent::File(file) => {
                    let value = self.file_name(&file.clone(), name, span)?;
                    return Ok(Binding { value, origin: span });
                }
            }
        }
    }

    /// A member of the instance whose method is being evaluated, or `self`.
    fn instance_name(&mut self, instance: &Rc<Instance>, name: &str, span: Span) -> Eval<Option<Value>> {
        if name == "self" {
            return Ok(Some(Value::Instance(instance.clone())));
        }
        match self.member_of(instance, name) {
            Some(member) => self.member_value(instance, name, member, span).map(Some),
            None => Ok(None),
        }
    }

    /// The value of a member: children as they are, variables as tensors, methods bound to the instance.
    pub(crate) fn member_value(
        &mut self,
        instance: &Rc<Instance>,
        name: &str,
        member: Member,
        span: Span,
    ) -> Eval<Value> {
        match member {
            Member::Value(Value::Poison) => Err(Stop),
            Member::Value(value) => Ok(value),
            Member::Method(def) => Ok(Value::Callable(Rc::new(Callable::Method(instance.clone(), def)))),
            Member::Variable(decl) => self.read_variable(instance, name, &decl, span).map(Value::Tensor),
        }
    }

    fn file_name(&mut self, file: &Rc<FileScope>, name: &str, span: Span) -> Eval<Value> {
        if let Some(definition) = file.definition(name) {
            return self.definition_value(definition, span);
        }
        if let Some(definition) = self.loader.prelude(name) {
            return self.definition_value(definition, span);
        }
        if let Some(builtin) = builtins::find(name) {
            return Ok(Value::Callable(Rc::new(Callable::Builtin(builtin))));
        }
        match name {
            "epoch" => self.clock(CLOCK_EPOCH, span),
            "iteration" => self.clock(CLOCK_ITERATION, span),
            "progress" => self.clock(CLOCK_PROGRESS, span),
            "training" => Ok(Value::Bool(self.training)),
            "pi" => Ok(Value::Float(std::f64::consts::PI)),
            "inf" => Ok(Value::Float(f64::INFINITY)),
            _ => self.unknown_name(file, name, span),
        }
    }

    fn unknown_name(&mut self, file: &Rc<FileScope>, name: &str, span: Span) -> Eval<Value> {
        let names = file.names();
        let mut candidates: Vec<&str> = names.iter().map(|n| &**n).collect();
        builtins::names().for_each(|n| candidates.push(n));
        let error =
            Diagnostic::error(codes::UNKNOWN_NAME, span, format!("cannot find `{name}` in this scope"));
        let hint = crate::stdlib::suggest(name)
            .or_else(|| did_you_mean(name, candidates).map(|near| format!("did you mean `{near}`?")));
        self.fail(match hint {
            Some(hint) => error.hint(hint),
            None => error,
        })
    }

    pub(crate) fn definition_value(&mut self, definition: Definition, span: Span) -> Eval<Value> {
        Ok(Value::Callable(Rc::new(match definition {
            Definition::Function(f) => Callable::Function(f),
            Definition::Module(m) => Callable::Module(m),
            Definition::Loss(l) => Callable::Loss(l),
            Definition::Optimizer(o) => Callable::Optimizer(o),
            Definition::Assign(rule) => Callable::Rule(rule),
            Definition::Constant(c) => return self.constant(&c, span),
            Definition::Broken => return Err(Stop),
            Definition::Record(r) => {
                return self.error(
                    codes::WRONG_KIND,
                    span,
                    format!("`{}` is a record type, not a value", r.name.name),
                );
            }
        })))
    }

    /// A reading of the run clock.
    fn clock(&mut self, name: &str, span: Span) -> Eval<Value> {
        if !matches!(self.place, Place::Experiment | Place::Step | Place::Test) {
            let what = name.trim_start_matches("clock.");
            return self.fail(
                Diagnostic::error(codes::WRONG_PLACE, span, format!("`{what}` is the clock of a run"))
                    .label("there is no run here")
                    .hint("pass it in: a parameter of type `f32[]` takes a schedule"),
            );
        }
        if let Some(node) = self.current.get(name) {
            return Ok(Value::Tensor(*node));
        }
        let op = Op::Input { name: name.into(), dtype: DType::F32, shape: vec![] };
        let node = self.emit(op, &[], span)?;
        self.current.insert(name.into(), node);
        Ok(Value::Tensor(node))
    }
}
