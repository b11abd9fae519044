//! `vspecc stats`: the cost of a network.

use serde_json::{Value, json};
use vspec_elaborate::Compiled;
use vspec_ir::{Condition, Dim, Graph, ModuleStats, Stats, Variable};

use super::{choice, front};
use crate::cli::StatsArgs;
use crate::console;
use crate::failure::{CommandResult, Exit, Failure};
use crate::numbers::grouped;

/// A graph that can be counted.
struct Candidate<'c> {
    name: String,
    when: Vec<String>,
    graph: &'c Graph,
    variables: &'c [Variable],
}

impl<'c> Candidate<'c> {
    fn of(name: &str, when: &[Condition], graph: &'c Graph, variables: &'c [Variable]) -> Self {
        let when = when.iter().map(ToString::to_string).collect();
        Candidate { name: name.to_string(), when, graph, variables }
    }
}

/// The cost of one entry.
struct Cost {
    name: String,
    /// The conditions under which it is this one.
    when: Vec<String>,
    stats: Stats,
}

/// Prints the cost of the entries, or, in a file without entries, of the steps that evaluate.
pub(super) fn stats(args: &StatsArgs) -> CommandResult {
    let compiled = front::compile_clean(&args.file, &args.data, &[])?;
    let costs = costs(&compiled, args.entry.as_deref())?;
    match args.json {
        true => console::print(&format!("{:#}\n", as_json(&costs))),
        false => console::print(&costs.iter().map(as_table).collect::<Vec<_>>().join("\n")),
    }
    Ok(Exit::Fine)
}

fn costs(compiled: &Compiled, wanted: Option<&str>) -> CommandResult<Vec<Cost>> {
    let entries = compiled.entries.iter();
    let entries = entries.map(|e| Candidate::of(&e.name, &e.when, &e.graph, &e.variables));
    let mut candidates: Vec<Candidate<'_>> = entries.collect();
    if candidates.is_empty() {
        let steps = compiled.programs.iter().flat_map(|p| p.steps.iter().map(move |s| (p, s)));
        let evaluating = steps.filter(|(_, s)| !s.trains);
        candidates.extend(evaluating.flat_map(|(p, s)| {
            let name = format!("{}.{}", p.name, s.name);
            s.graphs.iter().map(move |v| Candidate::of(&name, &v.when, &v.graph, &p.variables))
        }));
    }
    if candidates.is_empty() {
        return Err(Failure::input("the file has nothing to count")
            .hint("`entry net = Net()(f32[1, 3, 224, 224])` names a network and the size of its input"));
    }
    if let Some(name) = wanted {
        let names: Vec<String> = candidates.iter().map(|c| c.name.clone()).collect();
        candidates.retain(|c| c.name == name);
        if candidates.is_empty() {
            let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
            names.dedup();
            return Err(choice::unknown("entry", name, &names));
        }
    }
    let count = |Candidate { name, when, graph, variables }: Candidate<'_>| {
        let too_large = |e| {
            let message = format!("the cost of `{name}` cannot be counted: {e}");
            Failure::input(message).hint("elements, operations and bytes are counted with 64 bits")
        };
        let stats = Stats::of(graph, variables).map_err(too_large)?;
        Ok(Cost { name: name.clone(), when, stats })
    };
    candidates.into_iter().map(count).collect()
}

/// `{"entries": [..]}`; the numbers of a single entry stand at the top as well.
fn as_json(costs: &[Cost]) -> Value {
    let entries: Vec<Value> = costs.iter().map(entry_json).collect();
    let mut top = match entries.as_slice() {
        [only] => only.clone(),
        _ => json!({}),
    };
    top["entries"] = Value::Array(entries);
    top
}

fn entry_json(cost: &Cost) -> Value {
    let stats = &cost.stats;
    let modules: Vec<Value> = stats.modules.iter().map(module_json).collect();
    let mut entry = json!({
        "name": cost.name,
        "params": size_json(&stats.params),
        "param_tensors": stats.param_tensors,
        "state": size_json(&stats.state),
        "macs": size_json(&stats.macs),
        "macs_with_matmul": size_json(&stats.macs_with_matmul),
        "activation_bytes": size_json(&stats.activation_bytes),
        "modules": modules,
    });
    if !cost.when.is_empty() {
        entry["when"] = json!(cost.when);
    }
    entry
}

fn module_json(module: &ModuleStats) -> Value {
    json!({
        "path": &*module.path,
        "params": size_json(&module.params),
        "macs": size_json(&module.macs),
        "output": module.output.as_ref().map(ToString::to_string),
    })
}

/// A number, or a formula over the sizes that are not known.
fn size_json(size: &Dim) -> Value {
    size.as_const().map_or_else(|| json!(size.to_string()), |n| json!(n))
}

fn as_table(cost: &Cost) -> String {
    let stats = &cost.stats;
    let header = ["module", "output", "parameters", "MACs"].map(str::to_string);
    let rows = stats.modules.iter().map(|m| {
        let name = m.path.rsplit('.').next().unwrap_or_default();
        let output = m.output.as_ref().map(ToString::to_string).unwrap_or_default();
        [format!("{}{name}", "  ".repeat(m.depth)), output, size_text(&m.params), size_text(&m.macs)]
    });
    let rows: Vec<[String; 4]> = std::iter::once(header).chain(rows).collect();
    format!(
        "{}\n\n{}\n\
         parameters        {} in {} tensors, and {} elements of state\n\
         MACs              {}\n\
         MACs with matmul  {}\n\
         activations       {} bytes\n",
        title(cost),
        columns(&rows),
        size_text(&stats.params),
        stats.param_tensors,
        size_text(&stats.state),
        size_text(&stats.macs),
        size_text(&stats.macs_with_matmul),
        size_text(&stats.activation_bytes),
    )
}

/// The name, and when the numbers hold if that is not always.
fn title(cost: &Cost) -> String {
    match cost.when.as_slice() {
        [] => cost.name.clone(),
        when => format!("{} when {}", cost.name, when.join(" and ")),
    }
}

/// Rows with aligned columns: text to the left, numbers to the right.
fn columns(rows: &[[String; 4]]) -> String {
    let width = |i: usize| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0);
    let [a, b, c, d] = [0, 1, 2, 3].map(width);
    let line = |r: &[String; 4]| format!("{:a$}  {:b$}  {:>c$}  {:>d$}\n", r[0], r[1], r[2], r[3]);
    rows.iter().map(line).collect()
}

fn size_text(size: &Dim) -> String {
    let number = size.as_const().and_then(|n| u64::try_from(n).ok());
    number.map_or_else(|| size.to_string(), grouped)
}
