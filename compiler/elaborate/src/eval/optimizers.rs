//! Making optimizers: their arguments, the gradient transforms in front of them, and groups of parameters with
//! arguments of their own.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use vspec_syntax::ast::{BinaryOp, Ident, MemberKind};
use vspec_syntax::{Diagnostic, Span, did_you_mean};

use super::call::{Signature, Slots, missing};
use super::{Eval, Evaluator};
use crate::codes;
use crate::load::OptimizerItem;
use crate::scope::{Parent, Scope};
use crate::value::{Callable, Given, OptimizerGroup, OptimizerValue, Value};

/// The argument that every optimizer takes beside its own.
const GROUPS: &str = "groups";
/// `lr_scale` multiplies the argument `lr`.
const SCALE: &str = "_scale";

impl Evaluator<'_> {
    /// `sgd(lr = 0.1, groups = { .. })`, or `clip_norm(10) |> sgd(..)`, in which the first argument is another optimizer.
    pub(super) fn call_optimizer(
        &mut self,
        item: &Rc<OptimizerItem>,
        mut args: Vec<Given>,
        span: Span,
    ) -> Eval<Value> {
        let name = item.def.name.name.clone();
        let before = take_before(&mut args);
        let groups = take_groups(item, &mut args);
        let params = &item.def.params;
        self.observe_arguments(params, &args);
        let names = params.iter().map(|p| &*p.name.name).collect();
        let slots = self.match_arguments(&Signature { callee: &name, names }, args.clone())?;
        if !Self::complete(params, &slots) {
            args.extend(groups);
            let whole = Rc::new(Callable::Optimizer(item.clone()));
            return Ok(Value::Callable(Rc::new(Callable::Partial(whole, args, span))));
        }
        let scope = self.optimizer_scope(item, slots.clone(), span)?;
        let groups = match groups {
            Some(groups) => self.optimizer_groups(item, &slots, &groups)?,
            None => vec![],
        };
        let mut chain = before.as_ref().map_or(vec![], |b| b.before.clone());
        chain.extend(before);
        let value = OptimizerValue {
            item: item.clone(),
            scope,
            before: chain,
            groups,
            name: RefCell::default(),
            span,
        };
        Ok(Value::Optimizer(Rc::new(value)))
    }

    /// What an optimizer still needs after some of its arguments.
    pub(crate) fn missing_of_optimizer(&mut self, item: &OptimizerItem, args: &[Given]) -> Eval<Vec<Ident>> {
        let mut args = args.to_vec();
        take_before(&mut args);
        take_groups(item, &mut args);
        let params = &item.def.params;
        let names = params.iter().map(|p| &*p.name.name).collect();
        let slots = self.match_arguments(&Signature { callee: &item.def.name.name, names }, args)?;
        Ok(missing(params, &slots).iter().map(|p| p.name.clone()).collect())
    }

    fn optimizer_scope(&mut self, item: &OptimizerItem, slots: Slots, span: Span) -> Eval<Rc<Scope>> {
        let scope = Scope::new(Parent::File(item.file.clone()));
        self.bind_parameters(&item.def.name.name, &item.def.params, slots, &scope, span)?;
        Ok(scope)
    }

    /// `{ "backbone.**": { lr_scale = 0.1 }, "**.bias": { weight_decay = 0 } }`
    fn optimizer_groups(
        &mut self,
        item: &OptimizerItem,
        slots: &Slots,
        given: &Given,
    ) -> Eval<Vec<OptimizerGroup>> {
        let Value::Record(groups) = &given.value else {
            let message = format!("`groups` is a record of records, not {}", given.value.kind());
            let error = Diagnostic::error(codes::WRONG_KIND, given.span, message);
            return self.fail(error.hint("`groups = { \"backbone.**\": { lr_scale = 0.1 } }`"));
        };
        let group = |(glob, changes): (&Arc<str>, &Value)| match changes {
            Value::Record(changes) => {
                let scope = self.group_scope(item, slots.clone(), changes, given.span)?;
                Ok(OptimizerGroup { glob: glob.clone(), scope, matched: Cell::new(false), span: given.span })
            }
            other => {
                let message = format!("group `{glob}` is a record of arguments, not {}", other.kind());
                self.error(codes::WRONG_KIND, given.span, message)
            }
        };
        groups.iter().map(group).collect()
    }

    /// The arguments of one group: those of the optimizer, changed.
    fn group_scope(
        &mut self,
        item: &OptimizerItem,
        mut slots: Slots,
        changes: &IndexMap<Arc<str>, Value>,
        span: Span,
    ) -> Eval<Rc<Scope>> {
        let position = |name: &str| item.def.params.iter().position(|p| &*p.name.name == name);
        let mut scales = vec![];
        for (key, value) in changes {
            let scaled = key.strip_suffix(SCALE).filter(|name| position(name).is_some());
            match (position(key), scaled) {
                (Some(i), _) => {
                    slots[i] = Some(Given { name: None, value: value.clone(), span, origin: span });
                }
                (None, Some(name)) => scales.push((name, value)),
                (None, None) => return self.unknown_group_argument(item, key, span),
            }
        }
        let scope = self.optimizer_scope(item, slots, span)?;
        for (name, factor) in scales {
            let Some(base) = scope.own(name) else { continue };
            let scaled = self.binary(BinaryOp::Mul, &base.value, factor, [span, span], span)?;
            scope.bind(name, scaled, span);
        }
        Ok(scope)
    }

    fn unknown_group_argument<T>(&mut self, item: &OptimizerItem, key: &str, span: Span) -> Eval<T> {
        let known: Vec<String> = item
            .def
            .params
            .iter()
            .flat_map(|p| [p.name.name.to_string(), format!("{}{SCALE}", p.name.name)])
            .collect();
        let message = format!("a group of `{}` cannot change `{key}`", item.def.name.name);
        let error = Diagnostic::error(codes::UNKNOWN_ARGUMENT, span, message);
        self.fail(match did_you_mean(key, known.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("it can change {}", known.join(", "))),
        })
    }
}

/// The optimizer that gradients pass first: what stands on the left of `|>`.
fn take_before(args: &mut Vec<Given>) -> Option<Rc<OptimizerValue>> {
    let first = args.first().filter(|given| given.name.is_none())?;
    let Value::Optimizer(before) = &first.value else { return None };
    let before = before.clone();
    args.remove(0);
    Some(before)
}

/// The argument `groups`, unless the rule has a parameter of this name itself or only transforms gradients.
fn take_groups(item: &OptimizerItem, args: &mut Vec<Given>) -> Option<Given> {
    let own = item.def.params.iter().any(|p| &*p.name.name == GROUPS);
    let applies = item
        .def
        .members
        .iter()
        .any(|m| matches!(&m.kind, MemberKind::Method(def) if &*def.name.name == "apply"));
    if own || !applies {
        return None;
    }
    let at = args.iter().position(|given| given.name.as_ref().is_some_and(|n| &*n.name == GROUPS))?;
    Some(args.remove(at))
}
