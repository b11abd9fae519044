//! What becomes of the graphs of a file: kernels, memory, and why values are stored between kernels.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use vspec_cpu::{Estimate, estimates};
use vspec_elaborate::Compiled;
use vspec_ir::plan::Plan;
use vspec_ir::{BATCH, DimError, Graph, NodeId, Program, Stage, Step};
use vspec_optimize::fuse::Reason;
use vspec_optimize::{BindError, Level, PlanError, Planned, Target, plan};

use super::{choice, front};
use crate::cli::ExplainArgs;
use crate::console;
use crate::failure::{CommandResult, Exit, Failure};

/// Values that are shown when not all are asked for.
const SHOWN: usize = 12;

/// Explains the kernels of each entry and step.
pub(super) fn explain(file: &Path, args: &ExplainArgs) -> CommandResult {
    let compiled = front::compile_experiment(file, &args.experiment)?;
    let graphs = selected(args, &compiled)?;
    known_sizes(&graphs, &args.sizes)?;
    let mut texts = vec![];
    for graph in graphs {
        let unfused = planned(&compiled, graph, Level::O0, &args.sizes)?;
        let fused = planned(&compiled, graph, Level::O2, &args.sizes)?;
        texts.push(report(&unfused, &fused, args.all));
    }
    if texts.is_empty() {
        return Err(Failure::input("the file has neither an entry nor an experiment")
            .hint("`entry net = Net()(f32[1, 3, 224, 224])` names something to look at"));
    }
    console::print(&texts.join("\n"));
    Ok(Exit::Fine)
}

fn selected<'c>(args: &ExplainArgs, compiled: &'c Compiled) -> CommandResult<Vec<&'c Graph>> {
    let graphs = |step: &'c Step| step.graphs.iter().map(|variant| &variant.graph);
    if let Some(name) = &args.step {
        let program = choice::experiment(compiled, args.experiment.experiment.as_deref())?;
        return Ok(graphs(&program.steps[choice::step(program, Some(name))?]).collect());
    }
    let steps = compiled.programs.iter().flat_map(|p| &p.steps).flat_map(graphs);
    Ok(compiled.entries.iter().map(|entry| &entry.graph).chain(steps).collect())
}

/// Refuses a size that none of the graphs has.
pub(super) fn known_sizes(graphs: &[&Graph], sizes: &[(String, i64)]) -> CommandResult<()> {
    let known: BTreeSet<Arc<str>> = graphs.iter().flat_map(|graph| graph.symbols()).collect();
    let known: Vec<&str> = known.iter().map(|name| &**name).collect();
    let Some((name, _)) = sizes.iter().find(|(name, _)| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let failure = Failure::input(format!("there is no size `{name}`"));
    Err(match known.is_empty() {
        true => failure.hint("every size is a number already"),
        false => failure.hint(format!("there is {}", known.join(", "))),
    })
}

/// The plan of a graph for the sizes that are given; the size of a step's batch is that of its data.
pub(super) fn planned(
    compiled: &Compiled,
    graph: &Graph,
    level: Level,
    sizes: &[(String, i64)],
) -> CommandResult<Planned> {
    let batch = compiled.programs.iter().find_map(|program| batch_of(program, graph));
    let lookup = |name: &str| {
        let given = sizes.iter().find(|(own, _)| own == name).map(|(_, value)| *value);
        given.or(batch.filter(|_| name == BATCH))
    };
    plan(graph, Target::dense(level), &lookup).map_err(|error| {
        let failure = Failure::input(format!("`{}`: {error}", graph.name));
        match error {
            PlanError::Bind(BindError::Size(DimError::Unbound(_))) => {
                failure.hint("`--size NAME=N` gives a size a value")
            }
            _ => failure,
        }
    })
}

/// Number of items of the batch that the step of a graph reads.
fn batch_of(program: &Program, graph: &Graph) -> Option<i64> {
    let own = |step: &&Step| step.graphs.iter().any(|variant| std::ptr::eq(&raw const variant.graph, graph));
    let step = program.steps.iter().find(own)?;
    let data = program.data.get(step.batches.first()?.data)?;
    data.stages.iter().find_map(|stage| match stage {
        Stage::Batch { size, .. } => i64::try_from(*size).ok(),
        _ => None,
    })
}

fn report(unfused: &Planned, fused: &Planned, all: bool) -> String {
    let (before, after) = (&unfused.plan, &fused.plan);
    let mut text = format!(
        "{}: {} kernels, {} without fusion; {} in memory, {} without fusion\n",
        after.name,
        after.kernels.len(),
        before.kernels.len(),
        bytes(fused.footprint.planned),
        bytes(unfused.footprint.planned),
    );
    let stored = stored(fused);
    if !stored.is_empty() {
        text += "stored between kernels, the largest first:\n";
    }
    let shown = if all { stored.len() } else { SHOWN.min(stored.len()) };
    for value in &stored[..shown] {
        text += &format!("{:>10}  {}\n", bytes(value.bytes), value.what);
        for (reason, readers) in &value.readers {
            text += &format!("            for {}: {reason}\n", readers.join(", "));
        }
    }
    if shown < stored.len() {
        text += &format!("            and {} more; --all shows them\n", stored.len() - shown);
    }
    text + &methods(after, all)
}

/// How each convolution is computed by the fused engine, and what other ways are expected to take.
fn methods(plan: &Plan, all: bool) -> String {
    let kernels = plan.kernels.iter().zip(estimates(plan));
    let mut chosen: Vec<(String, Vec<Estimate>)> =
        kernels.filter_map(|(kernel, estimates)| Some((kernel.title(), estimates?))).collect();
    chosen.sort_by(|a, b| b.1[0].milliseconds.total_cmp(&a.1[0].milliseconds));
    let shown = if all { chosen.len() } else { SHOWN.min(chosen.len()) };
    let one = |estimate: &Estimate| format!("{} {:.3} ms", estimate.method, estimate.milliseconds);
    let line = |(title, estimates): &(String, Vec<Estimate>)| {
        let others: Vec<String> = estimates[1..].iter().map(one).collect();
        let others = if others.is_empty() { "no other way".to_string() } else { others.join(", ") };
        format!("  {} ({others}): {title}\n", one(&estimates[0]))
    };
    let mut text: String = chosen[..shown].iter().map(line).collect();
    if !text.is_empty() {
        text.insert_str(0, "convolutions as they are expected to take longest, on one core with AVX-512:\n");
    }
    if shown < chosen.len() {
        text += &format!("  and {} more; --all shows them\n", chosen.len() - shown);
    }
    text
}

/// A value that lies in memory between kernels.
struct Stored {
    what: String,
    bytes: usize,
    readers: BTreeMap<Reason, Vec<String>>,
}

fn stored(fused: &Planned) -> Vec<Stored> {
    let mut values: BTreeMap<NodeId, Stored> = BTreeMap::new();
    for remark in &fused.remarks {
        let entry = values.entry(remark.node).or_insert_with(|| {
            let ty = &fused.graph.node(remark.node).ty;
            let count = ty.const_shape().map_or(0, |shape| shape.iter().product::<usize>());
            let size = count * vspec_ir::plan::size_of(ty.dtype);
            Stored { what: named(&fused.graph, remark.node), bytes: size, readers: BTreeMap::new() }
        });
        entry.readers.entry(remark.reason).or_default().push(named(&fused.graph, remark.reader));
    }
    let mut values: Vec<Stored> = values.into_values().collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.bytes));
    values
}

/// `y (conv in net.stem)`
fn named(graph: &Graph, id: NodeId) -> String {
    let node = graph.node(id);
    let op = node.op.decl().name;
    let place = node
        .origin
        .scope
        .as_deref()
        .map(|scope| format!("{op} in {scope}"))
        .unwrap_or_else(|| op.to_string());
    match &node.origin.name {
        Some(name) => format!("{name} ({place})"),
        None => place,
    }
}

fn bytes(count: usize) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{:.1} KiB", count as f64 / 1024.0),
        _ => format!("{:.1} MiB", count as f64 / 1_048_576.0),
    }
}
