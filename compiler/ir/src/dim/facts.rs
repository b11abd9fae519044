//! What is known about named sizes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::poly::gcd;

/// What is known about named sizes beyond being positive: `H % 32 == 0`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Only divisors above 1.
    multiples: BTreeMap<Arc<str>, i64>,
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

    /// The facts as `(symbol, divisor)`, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.multiples.iter().map(|(s, d)| (&**s, *d))
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.multiples.is_empty()
    }
}
