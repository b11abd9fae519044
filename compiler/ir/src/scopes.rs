//! Module paths as a tree.

use std::collections::BTreeMap;

/// Levels of a path that are told apart; what lies deeper belongs to the last one. Real networks have about ten.
const MAX_DEPTH: usize = 64;

/// The paths of a module and of all modules around it, outermost first: `a`, `a.b`, `a.b.c`.
pub(crate) fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
    ends.take(MAX_DEPTH).map(|end| &path[..end]).filter(|p| !p.is_empty())
}

/// All paths and the modules around them, each before what it contains, otherwise in order of first appearance.
pub(crate) fn preorder<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut ranks: BTreeMap<&str, usize> = BTreeMap::new();
    let mut keys: BTreeMap<Vec<usize>, &str> = BTreeMap::new();
    for path in paths {
        let mut key = vec![];
        for prefix in prefixes(path) {
            let next = ranks.len();
            key.push(*ranks.entry(prefix).or_insert(next));
            keys.entry(key.clone()).or_insert(prefix);
        }
    }
    keys.into_values().collect()
}

/// How many modules lie around a path.
pub(crate) fn depth(path: &str) -> usize {
    prefixes(path).count().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_come_before_their_parts_in_order_of_appearance() {
        let paths = ["stem", "layer2.1.conv", "layer10", "layer2.0", "stem.bn"];
        let rows = preorder(paths.into_iter());
        let expected = ["stem", "stem.bn", "layer2", "layer2.1", "layer2.1.conv", "layer2.0", "layer10"];
        assert_eq!(rows, expected);
        assert_eq!(depth("layer2.1.conv"), 2);
    }

    #[test]
    fn very_deep_paths_are_cut() {
        let deep = "a.".repeat(10_000);
        assert_eq!(prefixes(&deep).count(), MAX_DEPTH);
    }
}
