//! What `--set` can reach in a file: every path, and the place in the text that it stands for.

use std::rc::Rc;

use vspec_syntax::Span;
use vspec_syntax::ast::{
    Arg, ExperimentDef, ExperimentPart, Expr, ExprKind, ItemKind, Let, Pattern, RunDef, RunKind,
};

use crate::builtins;
use crate::load::{Definition, FileScope, Loader};

/// Something that a path can name: what to put where.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) path: String,
    /// The experiment that it belongs to; none for a constant of the file.
    pub(super) experiment: Option<String>,
    /// In how many arguments of other calls it stands. What stands further out takes a path from what stands further in.
    pub(super) depth: usize,
    /// The text that is replaced; empty to insert before its start.
    pub(super) at: Span,
    /// What stands before the value when it is inserted: `, momentum = `.
    pub(super) prefix: String,
}

/// Everything that can be set, in the order of the text.
pub(super) fn of_file(loader: &mut Loader<'_>, file: &Rc<FileScope>, text: &str) -> Vec<Setting> {
    let mut settings = Settings { loader, file, text, experiment: None, found: vec![] };
    for item in &file.ast.items {
        match &item.kind {
            ItemKind::Let(def) => settings.constant(def),
            ItemKind::Experiment(def) => settings.experiment(def),
            _ => {}
        }
    }
    settings.found
}

/// Settings while they are collected.
struct Settings<'a, 'w> {
    loader: &'a mut Loader<'w>,
    file: &'a Rc<FileScope>,
    text: &'a str,
    experiment: Option<String>,
    found: Vec<Setting>,
}

/// Where a call stands.
#[derive(Clone, Copy)]
struct Place<'n> {
    /// The `let` or data set whose value it is part of.
    owner: &'n str,
    /// In how many arguments it stands.
    depth: usize,
}

impl Settings<'_, '_> {
    fn push(&mut self, path: String, depth: usize, at: Span, prefix: &str) {
        let experiment = self.experiment.clone();
        self.found.push(Setting { path, experiment, depth, at, prefix: prefix.to_string() });
    }

    /// `let WIDTH = 16` at the top of the file: the whole value, whatever it is.
    fn constant(&mut self, def: &Let) {
        if let Pattern::Name(name) = &def.pattern {
            self.push(name.name.to_string(), 0, def.value.span, "");
        }
    }

    fn experiment(&mut self, def: &ExperimentDef) {
        self.experiment = Some(def.name.name.to_string());
        for part in &def.parts {
            match part {
                ExperimentPart::Data { name, value } => self.named(&name.name, value),
                ExperimentPart::Let(Let { pattern: Pattern::Name(name), value, .. }) => {
                    self.named(&name.name, value);
                }
                ExperimentPart::Run(run) => self.run(run),
                ExperimentPart::Let(_) | ExperimentPart::Step(_) => {}
            }
        }
        self.experiment = None;
    }

    /// A value of an experiment: as a whole if it is no call, and what its calls are given.
    fn named(&mut self, owner: &str, value: &Expr) {
        if !matches!(value.kind, ExprKind::Call(..) | ExprKind::Pipe(..)) {
            self.push(owner.to_string(), 0, value.span, "");
        }
        self.calls(Place { owner, depth: 0 }, value, false);
    }

    /// The first count of epochs, and the first one of iterations.
    fn run(&mut self, run: &RunDef) {
        let mut seen = vec![];
        for phase in &run.phases {
            if let RunKind::Steps { count: Some(count), epochs, .. } = &phase.kind {
                let unit = if *epochs { "run.epochs" } else { "run.iterations" };
                if !seen.contains(&unit) {
                    seen.push(unit);
                    self.push(unit.to_string(), 0, count.span, "");
                }
            }
        }
    }

    /// Settings of every call along a pipeline and of the calls that are arguments of its stages.
    fn calls(&mut self, place: Place<'_>, expr: &Expr, piped: bool) {
        match &expr.kind {
            ExprKind::Pipe(left, right) => {
                self.calls(place, left, false);
                self.calls(place, right, true);
            }
            ExprKind::Call(callee, args) => {
                if let ExprKind::Name(name) = &callee.kind {
                    self.call(place, name, args, expr.span, piped);
                }
            }
            // `warmup(40) * cosine(0.1)`
            ExprKind::Binary(_, a, b) => {
                self.calls(place, a, false);
                self.calls(place, b, false);
            }
            _ => {}
        }
    }

    fn call(&mut self, place: Place<'_>, callee: &str, args: &[Arg], span: Span, piped: bool) {
        let names = self.parameter_names(callee);
        // A pipe fills the first parameter, but for optimizers: gradients that pass a transform first are no argument.
        let filled = piped && !self.is_optimizer(callee);
        let own = names.get(usize::from(filled)..).unwrap_or_default();
        let positional = args.iter().filter(|a| a.name.is_none());
        for (i, (param, arg)) in own.iter().zip(positional).enumerate() {
            self.argument(place, callee, (param.as_str(), i == 0), arg.value.span, "");
        }
        for arg in args {
            if let Some(param) = &arg.name {
                let first = own.first().is_some_and(|first| **first == *param.name);
                self.argument(place, callee, (&*param.name, first), arg.value.span, "");
            }
            self.calls(Place { depth: place.depth + 1, ..place }, &arg.value, false);
        }
        self.defaults(place, callee, own, args, span);
    }

    /// Parameters that the call leaves to their defaults: set by adding an argument.
    fn defaults(&mut self, place: Place<'_>, callee: &str, own: &[String], args: &[Arg], call: Span) {
        let given = args.iter().filter(|a| a.name.is_none()).count();
        let close = call.end.saturating_sub(1);
        if self.text.get(close as usize..call.end as usize) != Some(")") {
            return;
        }
        // Behind the last argument, before a trailing comma.
        let end = args.last().map_or(close, |a| a.value.span.end);
        let at = Span { start: end, end, ..call };
        let comma = if args.is_empty() { "" } else { ", " };
        for (i, param) in own.iter().enumerate().skip(given) {
            if !args.iter().any(|a| a.name.as_ref().is_some_and(|n| *n.name == **param)) {
                self.argument(place, callee, (param.as_str(), i == 0), at, &format!("{comma}{param} = "));
            }
        }
    }

    /// A parameter is `owner.parameter`, `owner.callee.parameter`, and, where it is the callee's first, `owner.callee`.
    fn argument(
        &mut self,
        Place { owner, depth }: Place<'_>,
        callee: &str,
        (param, first): (&str, bool),
        at: Span,
        prefix: &str,
    ) {
        self.push(format!("{owner}.{param}"), depth, at, prefix);
        self.push(format!("{owner}.{callee}.{param}"), depth, at, prefix);
        if first && callee != param {
            self.push(format!("{owner}.{callee}"), depth, at, prefix);
        }
    }

    fn definition(&mut self, name: &str) -> Option<Definition> {
        self.file.definition(name).or_else(|| self.loader.prelude(name))
    }

    fn is_optimizer(&mut self, name: &str) -> bool {
        matches!(self.definition(name), Some(Definition::Optimizer(_)))
    }

    fn parameter_names(&mut self, name: &str) -> Vec<String> {
        let definition = self.definition(name);
        let params = match &definition {
            Some(Definition::Function(f)) => f.def.config.as_ref().unwrap_or(&f.def.params),
            Some(Definition::Module(m)) => &m.def.params,
            Some(Definition::Loss(l)) => l.def.config.as_ref().unwrap_or(&l.def.params),
            Some(Definition::Optimizer(o)) => &o.def.params,
            _ => {
                let names = builtins::find(name).map(|b| b.parameter_names()).unwrap_or_default();
                return names.iter().map(|s| s.to_string()).collect();
            }
        };
        params.iter().map(|p| p.name.name.to_string()).collect()
    }
}
