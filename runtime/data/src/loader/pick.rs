//! One drawing of an item in an epoch.

use vspec_engine::rng::mix;

/// An item of a flow, and the key of what is random about it. An item that comes twice in one epoch has two keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pick {
    /// Number of the item. The number of items is checked to fit.
    pub(super) item: u32,
    /// Below 2^56, so that there is room for the numbers that a drawing needs.
    pub(super) key: u64,
}

const KEYS: u64 = 1 << 56;

impl Pick {
    /// The only drawing of an item, or the first.
    pub(super) fn first(item: u32) -> Self {
        Pick { item, key: u64::from(item) }
    }

    /// Another drawing of the same item: the one that `by` counts.
    pub(super) fn again(self, by: u64) -> Self {
        Pick { key: mix(self.key ^ mix(by)) % KEYS, ..self }
    }

    /// This drawing as it appears in another one, which may itself be a repetition.
    pub(super) fn within(self, outer: Pick) -> Self {
        if outer.key == u64::from(outer.item) { self } else { self.again(outer.key) }
    }
}

/// The numbers below `items` in order.
pub(super) fn all(items: usize) -> Vec<Pick> {
    (0..items as u32).map(Pick::first).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_of_an_item_have_different_keys() {
        let first = Pick::first(7);
        let mut keys: Vec<u64> = (1..1000).map(|by| first.again(by).key).chain([first.key]).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 1000);
        assert!(keys.iter().all(|k| *k < KEYS));
    }

    #[test]
    fn within_a_first_drawing_nothing_changes() {
        let (inner, outer) = (Pick::first(3), Pick::first(9));
        assert_eq!(inner.within(outer), inner);
        assert_ne!(inner.within(outer.again(1)), inner);
    }
}
