//! `--set path=value`: edits of the text, so that the resolved specification can be saved and run again.
//!
//! `opt.lr` is the argument `lr` of a call in the pipeline that `let opt` names; `train.batch` is the first argument of
//! `batch(..)` there; `train.batch.drop_last` is an argument of it; `width` is the whole value of `let width`;
//! `run.epochs` is the count of the first phase.

use std::rc::Rc;

use vspec_syntax::ast::{Arg, ExperimentDef, ExperimentPart, Expr, ExprKind, ItemKind, Pattern, RunKind};
use vspec_syntax::{Diagnostic, Span, did_you_mean};

use crate::load::{Definition, FileScope, Loader};
use crate::{Override, builtins, codes};

/// Something that a path can name: what to put where.
struct Setting {
    path: String,
    /// The text that is replaced; empty to insert before its start.
    at: Span,
    /// What stands before the value when it is inserted: `, momentum = `.
    prefix: String,
}

/// The text with every override in place.
pub(crate) fn apply(
    loader: &mut Loader<'_>,
    file: &Rc<FileScope>,
    text: &str,
    overrides: &[Override],
) -> Result<String, Vec<Diagnostic>> {
    let settings = settings(loader, file, text);
    let mut edits: Vec<Edit> = vec![];
    let mut errors = vec![];
    for o in overrides {
        match edit(loader, &settings, o) {
            Ok(edit) => edits.push(edit),
            Err(error) => errors.push(*error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    // From the end, so that earlier places stay where they are; of two values for one place the later one wins.
    edits.reverse();
    edits.sort_by(|a, b| b.at.start.cmp(&a.at.start).then_with(|| a.prefix.cmp(&b.prefix)));
    edits.dedup_by(|a, b| a.at == b.at && a.prefix == b.prefix);
    let mut out = text.to_string();
    let mut behind: Option<Span> = None;
    for Edit { at, prefix, value } in edits {
        // Of two arguments that are added to a call without any, the first one needs a comma.
        let comma = if behind == Some(at) && !prefix.starts_with(',') { ", " } else { "" };
        out.replace_range(at.start as usize..at.end as usize, &format!("{prefix}{value}{comma}"));
        behind = Some(at);
    }
    Ok(out)
}

/// A value and where it goes.
struct Edit {
    at: Span,
    prefix: String,
    value: String,
}

fn edit(loader: &mut Loader<'_>, settings: &[Setting], o: &Override) -> Result<Edit, Box<Diagnostic>> {
    let source = loader.sources.add("--set", format!("{}={}", o.path, o.value));
    let path_span = Span::new(source, 0, o.path.len());
    let value = match vspec_syntax::parse_expr(source, &o.value, o.path.len() + 1) {
        Ok(value) => value,
        Err(error) => return Err(Box::new(error)),
    };
    match settings.iter().find(|s| s.path == o.path) {
        Some(setting) => {
            let value = if o.path.starts_with("run.") { count(&value, &o.value) } else { o.value.clone() };
            Ok(Edit { at: setting.at, prefix: setting.prefix.clone(), value })
        }
        None => {
            let error = Diagnostic::error(
                codes::UNKNOWN_SETTING,
                path_span,
                format!("nothing is called `{}`", o.path),
            );
            let known: Vec<&str> = settings.iter().map(|s| &*s.path).collect();
            Err(Box::new(match did_you_mean(&o.path, known.iter().copied()) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("what can be set: {}", nearby(&o.path, &known).join(", "))),
            }))
        }
    }
}

/// The count of a phase: what is more than a number or a name stands in parentheses there.
fn count(value: &Expr, text: &str) -> String {
    match value.kind {
        ExprKind::Int(_) | ExprKind::Name(_) => text.to_string(),
        _ => format!("({text})"),
    }
}

/// Settings of the same part of the experiment, without the longer of two paths to the same value; all parts where it has none.
fn nearby<'a>(path: &str, known: &[&'a str]) -> Vec<&'a str> {
    let part = path.split('.').next().unwrap_or_default();
    let same: Vec<&str> = known.iter().copied().filter(|k| k.split('.').next() == Some(part)).collect();
    let of_part = if same.is_empty() { known.to_vec() } else { same };
    let short: Vec<&str> = of_part.iter().copied().filter(|k| k.split('.').count() <= 2).collect();
    if short.is_empty() { of_part } else { short }
}

fn settings(loader: &mut Loader<'_>, file: &Rc<FileScope>, text: &str) -> Vec<Setting> {
    let mut out = vec![];
    for item in &file.ast.items {
        if let ItemKind::Experiment(def) = &item.kind {
            experiment_settings(loader, file, text, def, &mut out);
        }
    }
    out
}

fn experiment_settings(
    loader: &mut Loader<'_>,
    file: &Rc<FileScope>,
    text: &str,
    def: &ExperimentDef,
    out: &mut Vec<Setting>,
) {
    for part in &def.parts {
        let (name, value) = match part {
            ExperimentPart::Data { name, value } => (name, value),
            ExperimentPart::Let(def) => match &def.pattern {
                Pattern::Name(name) => (name, &def.value),
                _ => continue,
            },
            ExperimentPart::Run(run) => {
                run_settings(run, out);
                continue;
            }
            ExperimentPart::Step(_) => continue,
        };
        let plain = !matches!(value.kind, ExprKind::Call(..) | ExprKind::Pipe(..));
        if plain {
            out.push(Setting { path: name.name.to_string(), at: value.span, prefix: String::new() });
        }
        call_settings(loader, file, text, &name.name, value, false, out);
    }
}

fn run_settings(run: &vspec_syntax::ast::RunDef, out: &mut Vec<Setting>) {
    for phase in &run.phases {
        if let RunKind::Steps { count: Some(count), epochs, .. } = &phase.kind {
            let unit = if *epochs { "run.epochs" } else { "run.iterations" };
            if !out.iter().any(|s| s.path == unit) {
                out.push(Setting { path: unit.to_string(), at: count.span, prefix: String::new() });
            }
        }
    }
}

/// Settings of every call along a pipeline and of the calls that are arguments of its stages.
fn call_settings(
    loader: &mut Loader<'_>,
    file: &Rc<FileScope>,
    text: &str,
    owner: &str,
    expr: &Expr,
    piped: bool,
    out: &mut Vec<Setting>,
) {
    match &expr.kind {
        ExprKind::Pipe(left, right) => {
            call_settings(loader, file, text, owner, left, false, out);
            call_settings(loader, file, text, owner, right, true, out);
        }
        ExprKind::Call(callee, args) => {
            let ExprKind::Name(name) = &callee.kind else { return };
            let names = parameter_names(loader, file, name);
            // A pipe fills the first parameter, but for optimizers: gradients that pass a transform first are no argument.
            let filled = piped && !is_optimizer(loader, file, name);
            let own = names.get(usize::from(filled)..).unwrap_or_default();
            let positional = args.iter().filter(|a| a.name.is_none());
            for (param, arg) in own.iter().zip(positional) {
                push(out, owner, name, param, arg.value.span, String::new());
            }
            for arg in args {
                if let Some(param) = &arg.name {
                    push(out, owner, name, &param.name, arg.value.span, String::new());
                }
                call_settings(loader, file, text, owner, &arg.value, false, out);
            }
            inserted(text, owner, name, own, args, expr.span, out);
        }
        // `warmup(40) * cosine(0.1)`
        ExprKind::Binary(_, a, b) => {
            call_settings(loader, file, text, owner, a, false, out);
            call_settings(loader, file, text, owner, b, false, out);
        }
        _ => {}
    }
}

/// Parameters that the call leaves to their defaults: set by adding an argument.
fn inserted(
    text: &str,
    owner: &str,
    callee: &str,
    own: &[String],
    args: &[Arg],
    call: Span,
    out: &mut Vec<Setting>,
) {
    let given = args.iter().filter(|a| a.name.is_none()).count();
    let close = call.end.saturating_sub(1);
    if text.get(close as usize..call.end as usize) != Some(")") {
        return;
    }
    // Behind the last argument, before a trailing comma.
    let end = args.last().map_or(close, |a| a.value.span.end);
    let at = Span { start: end, end, ..call };
    let comma = if args.is_empty() { "" } else { ", " };
    for param in own.iter().skip(given) {
        if !args.iter().any(|a| a.name.as_ref().is_some_and(|n| *n.name == **param)) {
            push(out, owner, callee, param, at, format!("{comma}{param} = "));
        }
    }
}

/// A parameter is `owner.parameter`, `owner.callee.parameter`, and, where it is the callee's first, `owner.callee`.
fn push(out: &mut Vec<Setting>, owner: &str, callee: &str, param: &str, at: Span, prefix: String) {
    let paths =
        [format!("{owner}.{param}"), format!("{owner}.{callee}.{param}"), format!("{owner}.{callee}")];
    for path in paths {
        if !out.iter().any(|s| s.path == path) {
            out.push(Setting { path, at, prefix: prefix.clone() });
        }
    }
}

fn is_optimizer(loader: &mut Loader<'_>, file: &Rc<FileScope>, name: &str) -> bool {
    let definition = file.definition(name).or_else(|| loader.prelude(name));
    matches!(definition, Some(Definition::Optimizer(_)))
}

fn parameter_names(loader: &mut Loader<'_>, file: &Rc<FileScope>, name: &str) -> Vec<String> {
    let definition = file.definition(name).or_else(|| loader.prelude(name));
    let params = match &definition {
        Some(Definition::Function(f)) => f.def.config.as_ref().unwrap_or(&f.def.params),
        Some(Definition::Module(m)) => &m.def.params,
        Some(Definition::Loss(l)) => l.def.config.as_ref().unwrap_or(&l.def.params),
        Some(Definition::Optimizer(o)) => &o.def.params,
        _ => {
            let builtin = builtins::find(name);
            return builtin
                .map(|b| b.parameter_names())
                .unwrap_or_default()
                .iter()
                .map(|s| s.to_string())
                .collect();
        }
    };
    params.iter().map(|p| p.name.name.to_string()).collect()
}
