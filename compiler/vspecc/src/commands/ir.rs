//! `vspecc ir`: the syntax tree or the graphs of a file.

use vspec_elaborate::Compiled;
use vspec_ir::{Graph, Step, export};
use vspec_optimize::differentiate;
use vspec_syntax::Sources;

use super::{choice, front};
use crate::cli::{Format, IrArgs, Stage};
use crate::console;
use crate::failure::{CommandResult, Exit, Failure};
use crate::package::read_file;

/// Prints what the options ask for.
pub(super) fn ir(args: &IrArgs) -> CommandResult {
    match args.stage {
        Stage::Ast => ast(args),
        Stage::Graph | Stage::Gradients => graphs(args),
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
    let mut graphs: Vec<Graph> = selected(args, &compiled)?.into_iter().cloned().collect();
    if args.stage == Stage::Gradients {
        let expanded: Result<Vec<Graph>, _> = graphs.iter().map(differentiate::expand).collect();
        graphs = expanded.map_err(|error| Failure::input(error.to_string()))?;
    }
    match (args.format, graphs.as_slice()) {
        (_, []) => {
            return Err(Failure::input("the file has neither an entry nor an experiment")
                .hint("`entry net = Net()(f32[1, 3, 224, 224])` names something to look at"));
        }
        (Format::Text, graphs) => {
            let texts: Vec<String> = graphs.iter().map(|g| format!("{g}\n")).collect();
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

/// The graphs that the options name: all, or one.
fn selected<'c>(args: &IrArgs, compiled: &'c Compiled) -> CommandResult<Vec<&'c Graph>> {
    if let Some(name) = &args.entry {
        let names: Vec<&str> = compiled.entries.iter().map(|e| e.name.as_str()).collect();
        let found = compiled.entries.iter().find(|e| e.name == *name);
        return found.map(|e| vec![&e.graph]).ok_or_else(|| choice::unknown("entry", name, &names));
    }
    let wanted = args.experiment.experiment.as_deref();
    if let Some(name) = &args.step {
        let steps = &choice::experiment(compiled, wanted)?.steps;
        let names: Vec<&str> = steps.iter().map(|s| s.name.as_str()).collect();
        let found = steps.iter().find(|s| s.name == *name);
        return found.map(|s| graphs_of(s).collect()).ok_or_else(|| choice::unknown("step", name, &names));
    }
    if wanted.is_some() {
        return Ok(choice::experiment(compiled, wanted)?.steps.iter().flat_map(graphs_of).collect());
    }
    let entries = compiled.entries.iter().map(|e| &e.graph);
    let steps = compiled.programs.iter().flat_map(|p| &p.steps).flat_map(graphs_of);
    Ok(entries.chain(steps).collect())
}

/// The graphs of a step: of each batch, and of the end of a pass.
fn graphs_of(step: &Step) -> impl Iterator<Item = &Graph> {
    std::iter::once(&step.graph).chain(&step.finish)
}
