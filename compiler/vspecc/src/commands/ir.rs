//! `vspecc ir`: the syntax tree or the graphs of a file.

use vspec_elaborate::Compiled;
use vspec_ir::{Condition, Entry, Graph, Step, export};
use vspec_optimize::{Context, Level, Verify, pipeline, run};
use vspec_syntax::Sources;

use super::{choice, front, fusion};
use crate::cli::{Format, IrArgs, Stage};
use crate::console;
use crate::failure::{CommandResult, Exit, Failure};
use crate::package::read_file;
use crate::passes;

/// Prints what the options ask for.
pub(super) fn ir(args: &IrArgs) -> CommandResult {
    if args.level.is_some() && !matches!(args.stage, Stage::Simplified | Stage::Fused) {
        return Err(Failure::input("-O says how much is simplified or fused").hint("add --stage simplified"));
    }
    if !args.sizes.is_empty() && args.stage != Stage::Fused {
        return Err(Failure::input("only kernels are made for given sizes").hint("add --stage fused"));
    }
    match args.stage {
        Stage::Ast => ast(args),
        Stage::Graph | Stage::Gradients | Stage::Simplified => graphs(args),
        Stage::Fused => plans(args),
    }
}

fn ast(args: &IrArgs) -> CommandResult {
    if args.format != Format::Text || args.entry.is_some() || args.step.is_some() {
        return Err(Failure::input("the syntax tree is shown as a whole and as text")
            .hint("leave out --format, --entry and --step, or --stage ast"));
    }
    let text = read_file(&args.file)?;
    let mut sources = Sources::default();
    let file = sources.add(args.file.display().to_string(), text.as_str());
    let (tree, diagnostics) = vspec_syntax::parse(file, &text);
    front::show(&diagnostics, &sources);
    console::print(&vspec_syntax::dump(&tree));
    match diagnostics.iter().any(|d| d.is_error()) {
        true => Err(front::has_errors(&args.file, &diagnostics)),
        false => Ok(Exit::Fine),
    }
}

fn graphs(args: &IrArgs) -> CommandResult {
    let compiled = front::compile_experiment(&args.file, &args.experiment)?;
    let selected = selected(args, &compiled)?;
    let conditions: Vec<&[Condition]> = selected.iter().map(|(when, _)| *when).collect();
    let graphs: Vec<Graph> =
        selected.iter().map(|(_, graph)| staged(args, graph)).collect::<CommandResult<_>>()?;
    match (args.format, graphs.as_slice()) {
        (_, []) => {
            return Err(Failure::input("the file has neither an entry nor an experiment")
                .hint("`entry net = Net()(f32[1, 3, 224, 224])` names something to look at"));
        }
        (Format::Text, graphs) => {
            let text = |(when, graph): (&&[Condition], &Graph)| format!("{}{graph}\n", comment(when));
            let texts: Vec<String> = conditions.iter().zip(graphs).map(text).collect();
            console::print(&texts.join("\n"));
        }
        (Format::Dot, [graph]) => console::print(&export::dot(graph)),
        (Format::Json, [graph]) => console::print(&export::json(graph)),
        (_, several) => {
            let names: Vec<&str> = several.iter().map(|g| g.name.as_str()).collect();
            return Err(Failure::input("this format shows one graph, and the file has several")
                .hint(format!("pick one with --entry or --step: {}", names.join(", "))));
        }
    }
    Ok(Exit::Fine)
}

/// The kernels of each graph.
fn plans(args: &IrArgs) -> CommandResult {
    if args.format != Format::Text {
        return Err(Failure::input("kernels are shown as text").hint("leave out --format, or --stage fused"));
    }
    let compiled = front::compile_experiment(&args.file, &args.experiment)?;
    let level = args.level.map_or(Level::O2, |level| passes::level(Some(level)));
    let selected = selected(args, &compiled)?;
    let graphs: Vec<&Graph> = selected.iter().map(|(_, graph)| *graph).collect();
    fusion::known_sizes(&graphs, &args.sizes)?;
    let mut texts = vec![];
    for (when, graph) in selected {
        let planned = fusion::planned(&compiled, graph, level, &args.sizes)?;
        texts.push(format!("{}{}", comment(when), planned.plan));
    }
    console::print(&texts.join("\n"));
    Ok(Exit::Fine)
}

/// A line about when a graph is the one that runs; none if it always is.
fn comment(when: &[Condition]) -> String {
    let conditions: Vec<String> = when.iter().map(ToString::to_string).collect();
    if when.is_empty() { String::new() } else { format!("// when {}\n", conditions.join(" and ")) }
}

/// A graph as far as it is to be compiled.
fn staged(args: &IrArgs, graph: &Graph) -> CommandResult<Graph> {
    let passes = match args.stage {
        Stage::Ast | Stage::Graph | Stage::Fused => return Ok(graph.clone()),
        Stage::Gradients => pipeline(Level::O0),
        Stage::Simplified => pipeline(passes::level(args.level)),
    };
    run(passes, graph, &mut Context::default(), Verify::Last).map_err(|e| Failure::input(e.to_string()))
}

/// A graph, and when it is the one that runs.
type Conditional<'c> = (&'c [Condition], &'c Graph);

/// The graphs that the options name: all, or those of one name.
fn selected<'c>(args: &IrArgs, compiled: &'c Compiled) -> CommandResult<Vec<Conditional<'c>>> {
    let entries = compiled.entries.iter();
    if let Some(name) = &args.entry {
        let names: Vec<&str> = entries.clone().map(|e| e.name.as_str()).collect();
        let found: Vec<Conditional<'c>> = entries.filter(|e| e.name == *name).map(of_entry).collect();
        return if found.is_empty() { Err(choice::unknown("entry", name, &names)) } else { Ok(found) };
    }
    let wanted = args.experiment.experiment.as_deref();
    if let Some(name) = &args.step {
        let steps = &choice::experiment(compiled, wanted)?.steps;
        let names: Vec<&str> = steps.iter().map(|s| s.name.as_str()).collect();
        let found = steps.iter().find(|s| s.name == *name);
        return found.map(|s| of_step(s).collect()).ok_or_else(|| choice::unknown("step", name, &names));
    }
    if wanted.is_some() {
        return Ok(choice::experiment(compiled, wanted)?.steps.iter().flat_map(of_step).collect());
    }
    let steps = compiled.programs.iter().flat_map(|p| &p.steps).flat_map(of_step);
    Ok(entries.map(of_entry).chain(steps).collect())
}

fn of_entry(entry: &Entry) -> Conditional<'_> {
    (&entry.when, &entry.graph)
}

/// The graphs of a step: of each batch, and of the end of a pass.
fn of_step(step: &Step) -> impl Iterator<Item = Conditional<'_>> {
    step.graphs.iter().chain(&step.finish).map(|v| (v.when.as_slice(), &v.graph))
}
