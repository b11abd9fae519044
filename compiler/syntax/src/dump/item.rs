//! Dumps items, members and experiments.

use super::expression::{block, expr, param, ty};
use super::statement::{let_binding, require, var};
use super::{Node, atom, list, maybe};
use crate::ast::{
    ExperimentPart, File, FnDef, GradientDef, Ident, Item, ItemKind, LossDef, Member, MemberKind, Param,
    RunClause, RunDef, RunKind, RunPhase, StepDef, TestDef, Use,
};

/// The nodes of a file.
pub(super) fn file(file: &File) -> Vec<Node> {
    doc(file.doc.as_ref()).into_iter().chain(file.items.iter().map(item)).collect()
}

fn doc(text: Option<&String>) -> Option<Node> {
    text.map(|text| list("doc", [atom(format!("{text:?}"))]))
}

fn name(ident: &Ident) -> Node {
    atom(&*ident.name)
}

fn item(item: &Item) -> Node {
    let mut parts = vec![];
    let head = match &item.kind {
        ItemKind::Use(names) => use_def(names, &mut parts),
        ItemKind::Let(binding) => let_binding(binding, &mut parts),
        ItemKind::Record(record) => {
            parts.push(name(&record.name));
            parts.extend(record.fields.iter().map(|(n, t)| list(&n.name, [ty(t)])));
            "record"
        }
        ItemKind::Fn(function) => {
            fn_def(function, &mut parts);
            if function.host { "host-fn" } else { "fn" }
        }
        ItemKind::Module(m) => with_members("module", (&m.name, &m.params), &m.members, &mut parts),
        ItemKind::Loss(loss) => loss_def(loss, &mut parts),
        ItemKind::Optimizer(o) => with_members("optimizer", (&o.name, &o.params), &o.members, &mut parts),
        ItemKind::Assign(rule) => super::rule::rule(rule, &mut parts),
        ItemKind::Experiment(experiment) => {
            parts.push(name(&experiment.name));
            parts.extend(experiment.parts.iter().map(part));
            "experiment"
        }
        ItemKind::Entry(entry) => {
            parts.extend([name(&entry.name), expr(&entry.value)]);
            "entry"
        }
        ItemKind::Test(test) => test_def(test, &mut parts),
    };
    parts.extend(doc(item.doc.as_ref()));
    list(head, parts)
}

fn use_def(names: &Use, parts: &mut Vec<Node>) -> &'static str {
    let path: Vec<&str> = names.path.iter().map(|p| &*p.name).collect();
    parts.push(atom(path.join(".")));
    parts.extend(names.names.iter().map(|(from, to)| match to {
        Some(to) => list("as", [name(from), name(to)]),
        None => name(from),
    }));
    "use"
}

fn params(head: &str, all: &[Param]) -> Node {
    list(head, all.iter().map(param))
}

fn fn_def(function: &FnDef, parts: &mut Vec<Node>) {
    parts.push(name(&function.name));
    parts.extend(function.config.as_ref().map(|c| params("config", c)));
    parts.push(params("params", &function.params));
    parts.extend(maybe("->", function.ret.as_ref().map(ty)));
    parts.extend(function.body.as_ref().map(block));
    parts.extend(function.gradient.as_ref().map(gradient));
}

fn gradient(gradient: &GradientDef) -> Node {
    let mut parts = vec![list("params", gradient.params.iter().map(name))];
    parts.extend(maybe("->", gradient.ret.as_ref().map(name)));
    parts.push(block(&gradient.body));
    list("gradient", parts)
}

fn loss_def(loss: &LossDef, parts: &mut Vec<Node>) -> &'static str {
    parts.push(name(&loss.name));
    parts.extend(loss.config.as_ref().map(|c| params("config", c)));
    parts.push(params("params", &loss.params));
    parts.extend(maybe("->", loss.ret.as_ref().map(ty)));
    parts.push(block(&loss.body));
    "loss"
}

fn test_def(test: &TestDef, parts: &mut Vec<Node>) -> &'static str {
    parts.extend([atom(format!("{:?}", test.name)), block(&test.body)]);
    "test"
}

fn with_members(
    head: &'static str,
    declared: (&Ident, &[Param]),
    members: &[Member],
    parts: &mut Vec<Node>,
) -> &'static str {
    parts.extend([name(declared.0), params("params", declared.1)]);
    parts.extend(members.iter().map(member));
    head
}

fn member(member: &Member) -> Node {
    let mut parts = vec![];
    let head = match &member.kind {
        MemberKind::Child { name: n, ty: annotation, value } => {
            parts.push(name(n));
            parts.extend(maybe(":", annotation.as_ref().map(ty)));
            parts.push(expr(value));
            "child"
        }
        MemberKind::Param(v) => var("param", v, &mut parts),
        MemberKind::State(v) => var("state", v, &mut parts),
        MemberKind::Const(v) => var("const", v, &mut parts),
        MemberKind::Let(binding) => let_binding(binding, &mut parts),
        MemberKind::Method(function) => {
            fn_def(function, &mut parts);
            "method"
        }
        MemberKind::Require(r) => require(r, &mut parts),
        MemberKind::Test(test) => test_def(test, &mut parts),
    };
    parts.extend(doc(member.doc.as_ref()));
    list(head, parts)
}

fn part(part: &ExperimentPart) -> Node {
    let mut parts = vec![];
    let head = match part {
        ExperimentPart::Data { name: n, value } => {
            parts.extend([name(n), expr(value)]);
            "data"
        }
        ExperimentPart::Let(binding) => let_binding(binding, &mut parts),
        ExperimentPart::Step(s) => step(s, &mut parts),
        ExperimentPart::Run(r) => run(r, &mut parts),
    };
    list(head, parts)
}

fn step(step: &StepDef, parts: &mut Vec<Node>) -> &'static str {
    parts.push(name(&step.name));
    parts.extend(step.batches.iter().map(|(n, data)| list("from", [name(n), name(data)])));
    parts.push(block(&step.body));
    "step"
}

fn run(run: &RunDef, parts: &mut Vec<Node>) -> &'static str {
    if let Some(per) = &run.per {
        let reset = list("reset", per.reset.iter().map(name));
        parts.push(list("per", [name(&per.unit), name(&per.data), reset]));
    }
    parts.extend(run.phases.iter().map(phase));
    "run"
}

fn phase(phase: &RunPhase) -> Node {
    let mut parts = vec![];
    let head = match &phase.kind {
        RunKind::Steps { count, epochs, step } => {
            parts.push(name(step));
            parts.extend(count.as_ref().map(|c| list(unit(*epochs), [expr(c)])));
            "steps"
        }
        RunKind::Repeat { count, until, phases } => {
            parts.push(expr(count));
            parts.extend(maybe("until", until.as_ref().map(expr)));
            parts.extend(phases.iter().map(self::phase));
            "repeat"
        }
        RunKind::On { step, part } => {
            parts.extend([name(step), name(part)]);
            "on"
        }
    };
    parts.extend(phase.clauses.iter().map(clause));
    list(head, parts)
}

fn unit(epochs: bool) -> &'static str {
    if epochs { "epochs" } else { "iterations" }
}

fn clause(clause: &RunClause) -> Node {
    match clause {
        RunClause::Every { step, count, epochs } => {
            let count = list(unit(*epochs), count.as_ref().map(expr));
            list("every", [name(step), count])
        }
        RunClause::KeepLast(count) => list("keep-last", [expr(count)]),
        RunClause::KeepBest { count, lowest, metric } => {
            let head = if *lowest { "keep-lowest" } else { "keep-best" };
            list(head, count.iter().chain([metric]).map(expr))
        }
        RunClause::StopWhen { lowest, metric, by, count, epochs } => {
            let head = if *lowest { "stop-when-lowest" } else { "stop-when" };
            let parts = [Some(expr(metric)), maybe("by", by.as_ref().map(expr))];
            list(head, parts.into_iter().flatten().chain([list(unit(*epochs), [expr(count)])]))
        }
        RunClause::Expect(condition) => list("expect", [expr(condition)]),
    }
}
