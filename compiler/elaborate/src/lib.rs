//! From a syntax tree to graphs: names, static evaluation, modules, losses, tests, experiments.
//!
//! Everything known at compile time is evaluated here; evaluating an expression on tensors adds nodes to a graph.
//! Elaboration is pure (files and data sets come through a [`World`]), bounded and never panics.

mod assumed;
mod builtins;
mod codes;
mod compile;
mod einops;
mod entry;
mod eval;
mod experiment;
mod globs;
mod load;
mod names;
mod observe;
mod overrides;
mod reference;
mod scope;
pub mod stdlib;
mod value;
mod world;

pub use compile::{analyse, compile, compile_seeing_rules};
pub use observe::{Index, NameInfo, NameKind, Seen};
pub use reference::{functions_markdown, library_markdown};
pub use world::{SourceInfo, World};

use vspec_ir::{Condition, Entry, Graph, Program, Variable};
use vspec_syntax::codes::CodeInfo;
use vspec_syntax::{Diagnostic, Sources, Span};

/// The code of a test that does not hold, whether elaboration finds that or an engine.
pub const TEST_FAILED: &str = codes::TEST_FAILED;

/// Every diagnostic code of the front end, by code.
pub fn catalogue() -> Vec<CodeInfo> {
    let all = vspec_syntax::codes::CODES.iter().chain(codes::ALL).chain(names::CODES);
    let mut codes: Vec<CodeInfo> = all.copied().collect();
    codes.sort_by_key(|c| c.code);
    codes
}

/// `--set path=value`: another value for something that the experiment names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// `opt.lr`
    pub path: String,
    /// `0.02`, as an expression of the language.
    pub value: String,
}

/// What a compilation produced. With errors among the diagnostics, the other parts hold what could be made sense of.
#[derive(Debug, Default)]
pub struct Compiled {
    /// Every text that spans point into.
    pub sources: Sources,
    /// Errors and warnings, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// Entries of the file.
    pub entries: Vec<Entry>,
    /// Experiments of the file.
    pub programs: Vec<Program>,
    /// For each experiment, what the rules of its steps look at; empty unless asked for with [`compile_seeing_rules`].
    pub rules: Vec<Vec<RuleSight>>,
    /// Tests of the file.
    pub tests: Vec<TestCase>,
    /// The file with every override in place, formatted: running it repeats the run.
    pub resolved: String,
}

impl Compiled {
    /// Whether any diagnostic is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// What an assignment rule of a step looks at and decides.
#[derive(Debug, Clone)]
pub struct RuleSight {
    /// Name of the step.
    pub step: String,
    /// When the step's graph is the one that calls the rule: all of these hold.
    pub when: Vec<Condition>,
    /// Name of the rule.
    pub rule: String,
    /// Its collected results are what the rule was given, `rows.point` or `columns.box`, what it returned, `result.picked`, and `there`,
    /// which columns are no padding, where some are.
    pub graph: Graph,
}

/// A `test` block. Shapes are decided during elaboration; assertions on values need an engine.
#[derive(Debug)]
pub struct TestCase {
    /// Name of the module that the test is in and its own name, `BatchNorm: keeps the shape`.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    /// What already failed.
    pub failures: Vec<Diagnostic>,
    /// One `bool[..]` output for each assertion; it holds when all elements are true.
    pub graph: Graph,
    /// Where each assertion stands, in the order of the graph's outputs.
    pub assertions: Vec<Span>,
    /// Variables of the instances that the test makes.
    pub variables: Vec<Variable>,
}

impl TestCase {
    /// What keeps it from being run: all failures but those of what it states.
    pub fn mistakes(&self) -> impl Iterator<Item = &Diagnostic> {
        self.failures.iter().filter(|failure| failure.code != codes::TEST_FAILED)
    }
}
