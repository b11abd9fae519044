//! Plans are applied to small arrays and compared with loops over indices.

mod arrays;
mod einsums;
mod errors;
mod random;
mod rearranges;

use vspec_ir::{Dim, Facts};

use super::*;

fn dims(sizes: &[i64]) -> Vec<Dim> {
    sizes.iter().map(|n| Dim::from(*n)).collect()
}

fn symbols(names: &str) -> Vec<Dim> {
    let dim = |word: &str| word.parse::<i64>().map_or_else(|_| Dim::symbol(word), Dim::from);
    names.split_whitespace().map(dim).collect()
}

fn sizes(pairs: &[(&str, i64)]) -> Vec<(String, Dim)> {
    pairs.iter().map(|(name, n)| (name.to_string(), Dim::from(*n))).collect()
}

/// A call of `rearrange`, `reduce` or `repeat`, as a function of its operand.
type Call<'a> = &'a dyn Fn(&Operand<'_>) -> Result<Vec<Step>, PatternError>;

fn on(shape: &[Dim], pairs: &[(&str, i64)], call: Call<'_>) -> Result<Vec<Step>, PatternError> {
    call(&Operand { shape, sizes: &sizes(pairs), facts: &Facts::default() })
}
