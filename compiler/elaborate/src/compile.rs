//! The way from a text to everything that is in it.

use std::path::Path;

use vspec_syntax::ast::ItemKind;
use vspec_syntax::{FileId, Sources};

use crate::eval::Evaluator;
use crate::load::Loader;
use crate::names::Checked;
use crate::observe::{Index, Observer};
use crate::{Compiled, Override, World, overrides};

/// Stack of the evaluation thread. Calls nest at most a bounded number of times; this is enough for that many.
const STACK: usize = 512 << 20;

/// Compiles a file: reads what it uses, checks names, and elaborates its entries, experiments and tests.
pub fn compile(world: &dyn World, path: &Path, text: &str, overrides: &[Override]) -> Compiled {
    on_large_stack(|| compile_here(world, path, text, overrides, false))
}

/// Compiles a file as [`compile`] does, and keeps what the assignment rules of steps look at and decide.
pub fn compile_seeing_rules(world: &dyn World, path: &Path, text: &str, overrides: &[Override]) -> Compiled {
    on_large_stack(|| compile_here(world, path, text, overrides, true))
}

/// What somebody wants to know beside the programs of a file.
#[derive(Debug, Clone, Copy, Default)]
struct Wish {
    /// What an editor shows.
    index: bool,
    /// What rules look at and decide.
    rules: bool,
}

/// Runs on a thread whose stack is large enough for the deepest calls that are allowed.
fn on_large_stack<T: Send>(work: impl Fn() -> T + Sync) -> T {
    std::thread::scope(|scope| {
        match std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, &work) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            // No memory for the stack: the caller's own will do for all but the deepest recursion.
            Err(_) => work(),
        }
    })
}

fn compile_here(world: &dyn World, path: &Path, text: &str, overrides: &[Override], rules: bool) -> Compiled {
    match with_overrides(world, path, text, overrides) {
        Ok(resolved) => {
            let (mut compiled, _) = elaborate(world, path, &resolved, Wish { rules, ..Wish::default() });
            compiled.resolved = resolved;
            compiled
        }
        Err(compiled) => *compiled,
    }
}

/// The text with overrides in place. A text with syntax errors is left alone: compiling it shows them.
fn with_overrides(
    world: &dyn World,
    path: &Path,
    text: &str,
    set: &[Override],
) -> Result<String, Box<Compiled>> {
    if set.is_empty() {
        return Ok(text.to_string());
    }
    let mut loader = Loader::new(world);
    let file = loader.load_main(path, text);
    if loader.diagnostics.iter().any(|d| d.is_error()) {
        return Ok(text.to_string());
    }
    overrides::apply(&mut loader, &file, text, set).map_err(|diagnostics| {
        let sources = std::mem::take(&mut loader.sources);
        Box::new(Compiled { sources, diagnostics, ..Compiled::default() })
    })
}

/// Compiles a file as [`compile`] does, and remembers what an editor wants to know about it.
pub fn analyse(world: &dyn World, path: &Path, text: &str) -> (Compiled, Index) {
    on_large_stack(|| elaborate(world, path, text, Wish { index: true, ..Wish::default() }))
}

/// The file compiled; the index is empty unless somebody observes.
fn elaborate(world: &dyn World, path: &Path, text: &str, wish: Wish) -> (Compiled, Index) {
    let mut loader = Loader::new(world);
    let file = loader.load_main(path, text);
    let broken = file.broken();
    let Checked { mut diagnostics, uses } = crate::names::check_file(&file.ast, &broken);
    // What is unused may be used by an item that could not be read.
    diagnostics.retain(|d| broken.is_empty() || d.is_error());
    loader.diagnostics.extend(diagnostics);
    let mut evaluator = Evaluator::new(loader);
    evaluator.observer = wish.index.then(|| Observer::of(FileId(0)));
    evaluator.constants();
    let mut compiled = Compiled::default();
    for item in &file.ast.items {
        match &item.kind {
            ItemKind::Entry(def) => match evaluator.entries(def, &file) {
                Ok(entries) => compiled.entries.extend(entries),
                Err(_) => evaluator.note_stop(def.name.span),
            },
            ItemKind::Experiment(def) => {
                evaluator.sights = wish.rules.then(Vec::new);
                match evaluator.experiment(def, &file) {
                    Ok(program) => {
                        compiled.programs.push(program);
                        compiled.rules.push(evaluator.sights.take().unwrap_or_default());
                    }
                    Err(_) => evaluator.note_stop(def.name.span),
                }
            }
            _ => {}
        }
    }
    compiled.tests = evaluator.tests(&file);
    let index = evaluator.observer.take().map(|o| o.finish(&uses, &mut evaluator.loader, &file));
    compiled.diagnostics = std::mem::take(&mut evaluator.loader.diagnostics);
    compiled.sources = std::mem::take::<Sources>(&mut evaluator.loader.sources);
    compiled.diagnostics.sort_by_key(|d| (d.primary.span.file, d.primary.span.start));
    (compiled, index.unwrap_or_default())
}
