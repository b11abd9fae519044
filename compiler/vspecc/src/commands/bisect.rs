//! `vspecc bisect`: the rewrite that changes what a graph computes.

use vspec_elaborate::Compiled;
use vspec_ir::{Graph, Location};
use vspec_syntax::{FileId, Sources};

use super::{choice, front, opt};
use crate::cli::{BisectArgs, JudgeArgs, PassArgs, SubjectArgs};
use crate::console;
use crate::failure::{CommandResult, Exit, Failure};
use crate::passes::{Found, Outcome, Trial, chosen, first_wrong, line};

/// Says which rewrite it is.
pub(super) fn bisect(args: &BisectArgs) -> CommandResult {
    let trial = trial(&args.passes, &args.judge)?;
    let mut exit = Exit::Fine;
    let (graphs, sources) = subjects(&args.subject)?;
    for graph in graphs {
        let found = first_wrong(&trial, &graph)
            .map_err(|why| Failure::input(format!("graph `{}` cannot be run: {why}", graph.name)))?;
        console::print(&format!("{}: {}\n", graph.name, described(&found, &sources)));
        if !matches!(found, Found::Nothing { .. }) {
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

/// Passes and what counts as a change, from options.
pub(super) fn trial(passes: &PassArgs, judge: &JudgeArgs) -> CommandResult<Trial> {
    if !(judge.tolerance >= 0.0 && judge.tolerance.is_finite()) {
        return Err(Failure::input("a tolerance is not negative").hint("0 asks for the same bits"));
    }
    let (exact, tolerance, seed) = (passes.exact, judge.tolerance, judge.seed);
    Ok(Trial { passes: chosen(passes)?, exact, tolerance, seed })
}

/// The graphs that options name, and the sources that their nodes come from.
pub(super) fn subjects(args: &SubjectArgs) -> CommandResult<(Vec<Graph>, Sources)> {
    let is_spec = args.file.extension().is_some_and(|e| e == "vspec");
    let (graphs, sources) = match is_spec {
        true => {
            let compiled = front::compile_experiment(&args.file, &args.experiment)?;
            (of_specification(args, &compiled)?, compiled.sources)
        }
        false if args.step.is_some() => {
            return Err(Failure::input("steps are parts of a specification").hint("--graph names a graph"));
        }
        false => (opt::graphs(&args.file)?, Sources::default()),
    };
    let names: Vec<String> = graphs.iter().map(|g| g.name.clone()).collect();
    match &args.graph {
        None => Ok((graphs, sources)),
        Some(name) => match graphs.into_iter().find(|g| g.name == *name) {
            Some(graph) => Ok((vec![graph], sources)),
            None => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                Err(choice::unknown("graph", name, &names))
            }
        },
    }
}

fn of_specification(args: &SubjectArgs, compiled: &Compiled) -> CommandResult<Vec<Graph>> {
    if let Some(name) = &args.step {
        let program = choice::experiment(compiled, args.experiment.experiment.as_deref())?;
        let names: Vec<&str> = program.steps.iter().map(|s| s.name.as_str()).collect();
        let step = program.steps.iter().find(|s| s.name == *name);
        let step = step.ok_or_else(|| choice::unknown("step", name, &names))?;
        return Ok(step.all_graphs().cloned().collect());
    }
    let entries = compiled.entries.iter().map(|e| &e.graph);
    let steps = compiled.programs.iter().flat_map(|p| &p.steps);
    let steps = steps.flat_map(vspec_ir::Step::all_graphs);
    let graphs: Vec<Graph> = entries.chain(steps).cloned().collect();
    match graphs.is_empty() {
        true => Err(Failure::input("the file has neither an entry nor an experiment")),
        false => Ok(graphs),
    }
}

fn described(found: &Found, sources: &Sources) -> String {
    match found {
        Found::Nothing { rewrites } => format!("{rewrites} rewrites change nothing"),
        Found::Uncounted { outcome } => format!("without any rewrite, {}", said(outcome)),
        Found::Rewrite { number, remark, given, outcome } => {
            let place = given.get(remark.node).and_then(|n| place(n.origin.location?, sources));
            let place = place.map(|place| format!("\n  from {place}")).unwrap_or_default();
            format!(
                "rewrite {number} changes what is computed: rule `{}` of `{}`\n  at {}{place}\n  {}",
                remark.rule,
                remark.pass,
                line(given, remark.node),
                said(outcome)
            )
        }
    }
}

pub(super) fn said(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Same => "nothing changes",
        Outcome::Differs(what) | Outcome::Fails(what) => what,
    }
}

/// `tiny.vspec:12`
fn place(location: Location, sources: &Sources) -> Option<String> {
    let file = FileId(location.file);
    let name = &sources.get(file)?.name;
    Some(format!("{name}:{}", sources.line_column(file, location.start).0))
}
