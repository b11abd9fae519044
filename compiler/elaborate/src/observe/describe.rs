//! Values in one line, as people read them.

use vspec_ir::Graph;
use vspec_syntax::ast::Param;

use crate::eval::blocks::show;
use crate::scope::Scope;
use crate::value::{Callable, Instance, InstanceKind, Value};

/// The longest description, in characters.
const MAX_LENGTH: usize = 200;
/// How deep lists and records are opened.
const MAX_DEPTH: usize = 3;
/// How many elements of a list are written.
const MAX_ELEMENTS: usize = 8;

/// `f32[B, 64, 8, 8]` for a tensor, `int = 3` for a number, `Conv(inputs = 3, outputs = 16)` for an instance.
pub(super) fn describe(value: &Value, graph: &Graph) -> String {
    let text = match value {
        Value::Int(_) => format!("int = {}", show(value)),
        Value::Float(_) => format!("float = {}", show(value)),
        Value::Bool(_) => format!("bool = {}", show(value)),
        Value::Str(_) => format!("string = {}", show(value)),
        Value::Dim(_) => format!("size = {}", show(value)),
        other => inner(other, graph, 0),
    };
    match text.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn inner(value: &Value, graph: &Graph, depth: usize) -> String {
    match value {
        // A value of another graph has no type here.
        Value::Tensor(node) => graph.get(*node).map_or("tensor".to_string(), |n| n.ty.to_string()),
        Value::Type(literal) => literal.ty.to_string(),
        Value::Instance(instance) => instance_text(instance),
        Value::View(view) => instance_text(&view.base),
        Value::Callable(callable) => callable_text(callable),
        Value::List(items) => format!("[{}]", elements(items, graph, depth)),
        Value::Tuple(items) => format!("({})", elements(items, graph, depth)),
        Value::Record(_) if depth >= MAX_DEPTH => "{ .. }".to_string(),
        Value::Record(record) => {
            let field = |(name, value)| format!("{name}: {}", inner(value, graph, depth + 1));
            let fields: Vec<String> = record.iter().take(MAX_ELEMENTS).map(field).collect();
            format!("{{ {}{} }}", fields.join(", "), rest(record.len()))
        }
        Value::Tree(tree) => format!("{} tensors by name", tree.leaves.len()),
        Value::Optimizer(optimizer) => {
            let def = &optimizer.item.def;
            format!("{}({})", def.name.name, parameters(&optimizer.scope, &def.params))
        }
        Value::Pipeline(pipeline) => {
            format!("data set, {} stages{}", pipeline.stages.len(), classes(pipeline.classes))
        }
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Str(_) | Value::Dim(_) => show(value),
        Value::Poison | Value::Undecided(_) | Value::Stage(_) | Value::Unit => value.kind().to_string(),
    }
}

fn elements(items: &[Value], graph: &Graph, depth: usize) -> String {
    if depth >= MAX_DEPTH && !items.is_empty() {
        return "..".to_string();
    }
    let texts: Vec<String> = items.iter().take(MAX_ELEMENTS).map(|v| inner(v, graph, depth + 1)).collect();
    format!("{}{}", texts.join(", "), rest(items.len()))
}

fn rest(count: usize) -> &'static str {
    if count > MAX_ELEMENTS { ", .." } else { "" }
}

fn classes(classes: Option<usize>) -> String {
    classes.map_or(String::new(), |n| format!(", {n} classes"))
}

fn instance_text(instance: &Instance) -> String {
    let params = match &instance.kind {
        InstanceKind::Module(item) => item.def.params.as_slice(),
        InstanceKind::Loss(item) => item.def.config.as_deref().unwrap_or_default(),
    };
    format!("{}({})", instance.name, parameters(&instance.scope, params))
}

/// The static parameters of something with their values: `inputs = 3, outputs = 16`.
fn parameters(scope: &Scope, params: &[Param]) -> String {
    let text = |value: &Value| match value {
        Value::Callable(callable) => callable.name().to_string(),
        Value::Instance(instance) => instance.name.to_string(),
        Value::List(items) if items.len() > MAX_ELEMENTS => "[..]".to_string(),
        other => inner(other, &Graph::new(""), MAX_DEPTH),
    };
    let shown = scope.each(|name, value| {
        params.iter().any(|p| *p.name.name == *name).then(|| format!("{name} = {}", text(value)))
    });
    shown.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn callable_text(callable: &Callable) -> String {
    match callable {
        Callable::Builtin(builtin) => format!("{}({})", builtin.name, builtin.params),
        other => format!("{} {}", other.kind().trim_start_matches("a "), other.name()),
    }
}
