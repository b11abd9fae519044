//! Random sizes and graphs for property tests.
//!
//! A random graph is a list of [`Recipe`]s: numbers from which one op, its operands and its attributes are chosen, in
//! that order. What the op table does not allow is left out, so that every list is a valid graph, and shrinking a list
//! shrinks the graph. Operands of ops with a limited domain (`log`, `div`) are mapped into it, and repeated products are
//! squashed, so that values stay finite and engines can be compared on them.

mod attrs;
mod build;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::{DType, Dim, Facts, Graph, Type};

/// Which graphs are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GraphOptions {
    /// The most recipes; each makes one to four nodes.
    pub recipes: usize,
    /// Whether sizes may be named: `B`, and `H`, a multiple of 4.
    pub symbolic: bool,
    /// Whether ops may occur whose result jumps where an operand barely changes (`floor`, comparisons): engines that round
    /// differently may disagree about them.
    pub jumps: bool,
    /// Whether only ops may occur that do not round short numbers: sums, products of what is small, choices, views. Of means and
    /// long products some are rounded all the same. Engines have to agree about such graphs at ties and kinks, too.
    pub exact: bool,
}

impl Default for GraphOptions {
    fn default() -> Self {
        GraphOptions { recipes: 12, symbolic: true, jumps: true, exact: false }
    }
}

/// Numbers that choose one op with everything that belongs to it.
type Recipe = Vec<u32>;

/// Numbers in a recipe; when more are asked for, they are 0.
const RECIPE_LENGTH: usize = 20;

/// Well-typed graphs with names, scopes and outputs.
pub fn graphs(options: GraphOptions) -> impl Strategy<Value = Graph> {
    let recipe = vec(0u32..1 << 16, RECIPE_LENGTH);
    vec(recipe, 1..=options.recipes).prop_map(move |recipes: Vec<Recipe>| build::graph(&recipes, options))
}

/// Sizes over `B`, `H` and `W`: sums, products and quotients.
pub fn dims() -> impl Strategy<Value = Dim> {
    let leaf = prop_oneof![
        (-4i64..40).prop_map(Dim::from),
        prop_oneof![Just("B"), Just("H"), Just("W")].prop_map(Dim::symbol),
    ];
    leaf.prop_recursive(5, 24, 2, |inner| {
        (inner.clone(), inner, 0..5u8).prop_map(|(a, b, op)| combine(&a, &b, op))
    })
}

/// One of two sizes combined, or the first where they do not combine.
fn combine(a: &Dim, b: &Dim, op: u8) -> Dim {
    let facts = Facts::default();
    let result = match op {
        0 => a.checked_add(b),
        1 => a.checked_sub(b),
        2 => a.checked_mul(b),
        3 => a.floor_div(b, &facts),
        _ => a.rem(b, &facts),
    };
    result.unwrap_or_else(|_| a.clone())
}

/// Tensor types of up to four axes.
pub fn types() -> impl Strategy<Value = Type> {
    let dtype = prop_oneof![Just(DType::F32), Just(DType::I32), Just(DType::Bool)];
    (dtype, vec(dims(), 0..=4)).prop_map(|(dtype, shape)| Type::new(dtype, shape))
}

#[cfg(test)]
mod tests;
