//! What is known about named sizes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Dim;
use super::poly::gcd;
use crate::infer::{Obligation, Relation};

/// What is known about named sizes beyond being positive: `H % 32 == 0`, `kept = N + 4` for sizes that the program itself
/// names, and the conditions under which a graph is the one that runs, `W <= 19`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Only divisors above 1.
    multiples: BTreeMap<Arc<str>, i64>,
    /// Sizes that follow from others.
    defined: BTreeMap<Arc<str>, Dim>,
    /// Relations that were assumed, in the order in which they were.
    pub(super) conditions: Vec<Obligation>,
}

impl Facts {
    /// Records that `symbol` is a multiple of `divisor`; several facts about one symbol combine. A divisor that is not
    /// positive says nothing.
    pub fn assume_multiple(&mut self, symbol: &str, divisor: i64) {
        let known = self.divisor(symbol);
        // A combination that does not fit leaves what was known.
        let common = i64::try_from(gcd(known, divisor)).ok().filter(|_| divisor > 0);
        if let Some(combined) = common.and_then(|c| (known / c).checked_mul(divisor)).filter(|c| *c > 1) {
            self.multiples.insert(symbol.into(), combined);
        }
    }

    /// A number that is known to divide every value of the symbol.
    pub fn divisor(&self, symbol: &str) -> i64 {
        self.multiples.get(symbol).copied().unwrap_or(1)
    }

    /// Gives a new symbol its value.
    pub fn define(&mut self, symbol: &str, value: Dim) {
        self.defined.insert(symbol.into(), value);
    }

    /// What a symbol stands for, if the program defined it.
    pub fn definition(&self, symbol: &str) -> Option<&Dim> {
        self.defined.get(symbol)
    }

    /// Every defined symbol and its value, by name.
    pub fn definitions(&self) -> impl Iterator<Item = (&str, &Dim)> {
        self.defined.iter().map(|(s, d)| (&**s, d))
    }

    /// Forgets definitions that nothing needs: `used` are the symbols that occur.
    pub(crate) fn keep_definitions(&mut self, used: &BTreeSet<Arc<str>>) {
        let mut needed = used.clone();
        loop {
            let before = needed.len();
            let values = self.defined.iter().filter(|(s, _)| needed.contains(*s)).map(|(_, d)| d.symbols());
            let more: Vec<Arc<str>> = values.flatten().collect();
            needed.extend(more);
            if needed.len() == before {
                break;
            }
        }
        self.defined.retain(|symbol, _| needed.contains(symbol));
    }

    /// Records that a relation holds. Divisibility of a named size by a number is known from here on to all of arithmetic.
    pub fn assume(&mut self, condition: Obligation) {
        if condition.relation == Relation::MultipleOf
            && let (Some(symbol), Some(divisor)) = (condition.left.as_symbol(), condition.right.as_const())
        {
            let symbol = symbol.to_string();
            self.assume_multiple(&symbol, divisor);
        }
        if !self.conditions.contains(&condition) {
            self.conditions.push(condition);
        }
    }

    /// Relations that were assumed.
    pub fn conditions(&self) -> &[Obligation] {
        &self.conditions
    }

    /// Forgets what is known about sizes but for what they stand for, and takes that from `other`.
    pub fn go_back_to(&mut self, other: &Facts) {
        self.multiples.clone_from(&other.multiples);
        self.conditions.clone_from(&other.conditions);
    }

    /// Forgets conditions.
    pub fn retain_conditions(&mut self, keep: impl FnMut(&Obligation) -> bool) {
        self.conditions.retain(keep);
    }

    /// Forgets conditions on sizes that do not occur.
    pub(crate) fn keep_conditions(&mut self, used: &BTreeSet<Arc<str>>) {
        self.conditions.retain(|c| c.symbols().all(|s| used.contains(&s)));
    }

    /// The facts as `(symbol, divisor)`, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.multiples.iter().map(|(s, d)| (&**s, *d))
    }

    /// Whether nothing is known about divisors.
    pub fn is_empty(&self) -> bool {
        self.multiples.is_empty()
    }
}
