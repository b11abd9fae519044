//! Functions that the compiler itself provides: one for each op of the graph, and what works on static values.
//!
//! Everything that can be written with these is written in the standard library instead.

mod arguments;
mod data;
mod detection;
pub(crate) mod docs;
mod draws;
mod elementwise;
mod gradient;
mod masks;
mod modules;
mod order;
mod patterns;
pub(crate) mod random;
mod reduce;
mod shape;
mod statics;
mod transforms;
mod window;

use vspec_syntax::Span;

use crate::eval::call::Slots;
use crate::eval::{Eval, Evaluator};
use crate::value::{Given, Value};

/// A built-in function.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    /// Parameters separated by commas; `?` marks those that may be left out.
    pub(crate) params: &'static str,
    /// Whether further named arguments are taken, for what names them: sizes in a pattern.
    pub(crate) open: bool,
    /// Whether its name alone stands for a function of a tensor that is still to come (`shuffle`, `relu`).
    pub(crate) transform: bool,
    pub(crate) run: Run,
}

type Run = fn(&mut Evaluator<'_>, &Call) -> Eval<Value>;

/// A call of a built-in: its arguments by parameter.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) slots: Slots,
    /// Named arguments beyond the parameters, of a built-in that takes them.
    pub(crate) extra: Vec<Given>,
    pub(crate) builtin: &'static Builtin,
    pub(crate) span: Span,
}

impl Builtin {
    pub(crate) const fn new(name: &'static str, params: &'static str, run: Run) -> Self {
        Builtin { name, params, open: false, transform: false, run }
    }

    pub(crate) fn parameter_names(&self) -> Vec<&'static str> {
        self.parameters().map(|p| p.trim_end_matches('?')).collect()
    }

    /// The first parameter that has to be given and is not.
    pub(crate) fn missing(&self, slots: &Slots) -> Option<&'static str> {
        self.parameters().zip(slots).find(|(p, s)| s.is_none() && !p.ends_with('?')).map(|(p, _)| p)
    }

    fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.params.split(", ").filter(|p| !p.is_empty())
    }
}

/// Built-ins that belong together, and what they are called together.
const FAMILIES: &[(&str, &[Builtin])] = &[
    ("Element by element", elementwise::BUILTINS),
    ("Reductions", reduce::BUILTINS),
    ("Shapes", shape::BUILTINS),
    ("Windows", window::BUILTINS),
    ("Gradients", gradient::BUILTINS),
    ("Modules and their parameters", modules::BUILTINS),
    ("Padded rows", masks::BUILTINS),
    ("Order and places", order::BUILTINS),
    ("Patterns", patterns::BUILTINS),
    ("Random numbers", random::BUILTINS),
    ("Static values", statics::BUILTINS),
    ("Data sets of images and frames, and stages", data::BUILTINS),
    ("Data sets of images with boxes", detection::BUILTINS),
    ("Which items are drawn", draws::BUILTINS),
    ("Transforms of images", transforms::BUILTINS),
];

/// The families in order, each with the names and parameters of its functions.
pub(crate) fn families() -> impl Iterator<Item = (&'static str, &'static [Builtin])> {
    FAMILIES.iter().copied()
}

fn all() -> impl Iterator<Item = &'static Builtin> {
    FAMILIES.iter().flat_map(|(_, family)| family.iter())
}

/// The built-in function of a name.
pub(crate) fn find(name: &str) -> Option<&'static Builtin> {
    all().find(|b| b.name == name)
}

/// Whether a name only has a meaning in a data pipeline, so that nothing is lost when a value is called so: `pairs`, `batch`.
pub(crate) fn is_stage(name: &str) -> bool {
    let behind_data = data::BUILTINS.iter().filter(|b| b.params.starts_with("data"));
    behind_data.chain(draws::BUILTINS).any(|b| b.name == name)
}

/// Names that are no functions but have a meaning everywhere.
pub(crate) const CONSTANTS: &[&str] = &["epoch", "iteration", "progress", "training", "pi", "inf"];

/// Every name that needs no definition.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    all().map(|b| b.name).chain(CONSTANTS.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_is_found_once_by_its_name() {
        let all: Vec<&str> = names().collect();
        for name in &all {
            assert_eq!(all.iter().filter(|n| n == &name).count(), 1, "{name} is declared twice");
        }
    }
}
