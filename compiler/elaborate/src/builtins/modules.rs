//! Views of modules, and their parameters as a list.

use std::rc::Rc;
use std::sync::Arc;

use super::{Builtin, Call};
use crate::codes;
use crate::eval::{Eval, Evaluator};
use crate::value::{Instance, Mode, Value};

pub(super) const BUILTINS: &[Builtin] = &[
    Builtin::new("frozen", "module, only?", frozen),
    Builtin::new("eval_mode", "module", |e, c| {
        e.viewed(&c.value("module"), Mode::Training(false), c.span_of("module"))
    }),
    Builtin::new("train_mode", "module", |e, c| {
        e.viewed(&c.value("module"), Mode::Training(true), c.span_of("module"))
    }),
    Builtin::new("leaves", "tree", leaves),
];

/// Parameters that get no gradient: all, or those whose paths match a pattern or one of a list.
fn frozen(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let module = call.value("module");
    let patterns: Vec<Arc<str>> = match call.get("only").map(|g| &g.value) {
        None => vec!["**".into()],
        Some(Value::Str(pattern)) => vec![pattern.clone()],
        Some(Value::List(items)) if items.iter().all(|i| matches!(i, Value::Str(_))) => {
            items.iter().filter_map(|i| if let Value::Str(s) = i { Some(s.clone()) } else { None }).collect()
        }
        Some(other) => {
            let message = format!("`only` is a pattern or a list of patterns, not {}", other.kind());
            return e.error(codes::WRONG_KIND, call.span_of("only"), message);
        }
    };
    e.check_patterns(&module, &patterns, call.span_of("only"))?;
    let instance: Rc<Instance> = match &module {
        Value::View(view) => view.base.clone(),
        Value::Instance(instance) => instance.clone(),
        _ => return e.error(codes::WRONG_KIND, call.span, "only a module can be frozen"),
    };
    e.viewed(&module, Mode::Frozen { instance, patterns }, call.span)
}

/// The tensors of a set of parameters, in order.
fn leaves(e: &mut Evaluator<'_>, call: &Call) -> Eval<Value> {
    let Value::Tree(tree) = call.value("tree") else {
        let message = format!("`leaves` takes a set such as `net.params`, not {}", call.value("tree").kind());
        return e.error(codes::WRONG_KIND, call.span_of("tree"), message);
    };
    let nodes: Eval<Vec<Value>> =
        tree.leaves.values().map(|leaf| e.leaf(leaf, call.span).map(Value::Tensor)).collect();
    nodes.map(Value::list)
}
