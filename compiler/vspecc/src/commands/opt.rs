//! `vspecc opt`: passes over graphs in the text form.

use std::path::Path;

use vspec_ir::{Graph, verify};
use vspec_optimize::{Context, Numerics, Pass, Rule, Verify, fold, run, simplify};

use crate::cli::{OptArgs, VerifyWhen};
use crate::console;
use crate::failure::{CommandResult, Exit, Failure};
use crate::package::{read_file, read_stdin};
use crate::passes::{chosen, line};

/// Prints what passes make of the graphs of a file.
pub(super) fn opt(args: &OptArgs) -> CommandResult {
    let passes = chosen(&args.passes)?;
    let Some(file) = args.file.as_deref().filter(|_| !args.rules) else {
        console::print(&rules());
        return Ok(Exit::Fine);
    };
    let mut texts = vec![];
    for graph in graphs(file)? {
        let mut cx = Context::default();
        (cx.fuel, cx.exact) = (args.fuel, args.passes.exact);
        texts.push(format!("{}\n", optimized(args, &passes, graph, &mut cx)?));
    }
    console::print(&texts.join("\n"));
    Ok(Exit::Fine)
}

/// The graphs of a file in the text form, each of which passes the verifier.
pub(super) fn graphs(file: &Path) -> CommandResult<Vec<Graph>> {
    let text = if file == Path::new("-") { read_stdin()? } else { read_file(file)? };
    let parsed = vspec_ir::text::parse_all(&text)
        .map_err(|error| Failure::input(format!("{}:{error}", file.display())))?;
    if parsed.is_empty() {
        return Err(Failure::input(format!("`{}` has no graph", file.display()))
            .hint("`vspecc ir FILE.vspec` prints the graphs of a specification"));
    }
    let checked = |graph: Graph| {
        let name = graph.name.clone();
        verify(graph).map(vspec_ir::Verified::into_graph).map_err(|faults| {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            Failure::input(format!("graph `{name}` is wrong: {first}"))
        })
    };
    parsed.into_iter().map(checked).collect()
}

fn optimized(
    args: &OptArgs,
    passes: &[&'static Pass],
    graph: Graph,
    cx: &mut Context,
) -> CommandResult<Graph> {
    let bug = |error: vspec_optimize::Error| Failure::run(error.to_string());
    if !args.remarks {
        let when = if args.verify == VerifyWhen::Each { Verify::Each } else { Verify::Last };
        return run(passes, &graph, cx, when).map_err(bug);
    }
    // Nodes of remarks are those of the graph that the pass was given.
    let mut given = graph;
    for pass in passes {
        let before = cx.applied();
        let after = run(&[pass], &given, cx, Verify::Last).map_err(bug)?;
        for remark in &cx.remarks[before..] {
            console::error(&format!("{}: {}: {}", pass.name, remark.rule, line(&given, remark.node)));
        }
        given = after;
    }
    Ok(given)
}

/// Every rule, one a line: name, numerics, algebra, conditions.
fn rules() -> String {
    let describe = |(pass, rule): (&str, &Rule)| {
        let numerics = if rule.numerics == Numerics::Exact { "exact" } else { "reassociating" };
        let when = if rule.when.is_empty() { String::new() } else { format!("   if {}", rule.when) };
        format!("{pass:8}  {:24}  {numerics:13}  {}{when}\n", rule.name, rule.algebra)
    };
    let fold = fold::RULES.iter().map(|rule| ("fold", rule));
    let simplify = simplify::RULES.iter().copied().flatten().map(|rule| ("simplify", rule));
    fold.chain(simplify).map(describe).collect()
}
