//! A lexical pass over a file: names that stand for nothing, and definitions that nothing uses.
//!
//! Nothing is evaluated, so that code is looked at whether or not an entry or an experiment reaches it, and a misspelt
//! name is one message however often a module is instantiated. What a value *has* (fields, parameters of a callee) is not
//! known here; the evaluator checks that.
//!
//! Order matters within a block and within the `data` and `let` parts of an experiment. Items of a file, members of a
//! module and steps of an experiment see each other whatever their order.

mod blocks;
mod codes;
mod experiment;
mod expr;
mod foreign;
mod items;
mod modules;
mod rules;
mod scope;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vspec_syntax::{Diagnostic, Span, ast};

use crate::{builtins, stdlib};

pub(crate) use codes::CODES;
use experiment::StepName;
pub(crate) use scope::pattern_names;
use scope::{Frame, Unread};

/// What the check of a file comes to.
pub(crate) struct Checked {
    /// In the order of the text.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Uses of names that are bound in the file, and of those that need no definition there.
    pub(crate) uses: Vec<Use>,
}

/// A use of a name.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    pub(crate) name: Arc<str>,
    pub(crate) span: Span,
    /// Where the file binds it.
    pub(crate) binding: Option<Span>,
}

/// What a file sees without defining or importing it.
pub(crate) struct Surroundings<'a> {
    /// Whether a name has a meaning everywhere: built-ins, the prelude, the run clock.
    pub(crate) builtin: &'a dyn Fn(&str) -> bool,
    /// All such names, to find what a misspelt one was meant to be.
    pub(crate) builtin_names: Vec<&'a str>,
    /// The `use` line that would bring a name into scope.
    pub(crate) suggest_import: &'a dyn Fn(&str) -> Option<String>,
}

/// Checks a file against the compiler's own built-ins and its standard library. Names of `broken` items are known, but not
/// what they are.
pub(crate) fn check_file(file: &ast::File, broken: &[Arc<str>]) -> Checked {
    let names: BTreeSet<&str> = builtins::names().chain(stdlib::names("prelude")).collect();
    let surroundings = Surroundings {
        builtin: &|name| names.contains(name) || broken.iter().any(|b| &**b == name),
        builtin_names: names.iter().copied().collect(),
        suggest_import: &stdlib::suggest,
    };
    check(file, &surroundings)
}

/// Errors for unknown and duplicate names, warnings for unused ones, in the order of the text.
pub(crate) fn check(file: &ast::File, surroundings: &Surroundings<'_>) -> Checked {
    let mut checker = Checker {
        surroundings,
        frames: vec![],
        own: None,
        steps: BTreeMap::new(),
        collected: vec![],
        later: BTreeSet::new(),
        in_type: false,
        fields: BTreeSet::new(),
        unread: vec![],
        unknown: 0,
        uses: vec![],
        found: vec![],
    };
    checker.file(file);
    let Checker { mut found, unread, fields, uses, .. } = checker;
    found.extend(unread.into_iter().filter(|u| !fields.contains(&u.name)).map(|u| u.warning));
    found.sort_by_key(|d| (d.primary.span.start, d.primary.span.end));
    Checked { diagnostics: found, uses }
}

struct Checker<'a> {
    surroundings: &'a Surroundings<'a>,
    /// Scopes, outermost first.
    frames: Vec<Frame>,
    /// The member whose initial value is being looked at: there, its name still means what lies outside the module.
    own: Option<vspec_syntax::Span>,
    /// Steps of the experiment around.
    steps: BTreeMap<Arc<str>, StepName>,
    /// What the step around collects; `finish` sees it.
    collected: Vec<ast::Ident>,
    /// Names that the experiment around defines further down.
    later: BTreeSet<Arc<str>>,
    /// Whether the expression is a size in a type.
    in_type: bool,
    /// Every field that is read somewhere: `net.trunk` is a use of any member `trunk`.
    fields: BTreeSet<Arc<str>>,
    /// Members that no method of their module reads.
    unread: Vec<Unread>,
    /// Number of unknown names so far.
    unknown: usize,
    uses: Vec<Use>,
    found: Vec<Diagnostic>,
}

#[cfg(test)]
mod tests;
