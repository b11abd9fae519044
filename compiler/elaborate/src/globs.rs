//! Globs over paths of variables: `*` stands for one component, or a part of one, `**` for any number of them.

/// Whether a dotted path matches a pattern.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('.').collect();
    let path: Vec<&str> = path.split('.').collect();
    components(&pattern, &path)
}

fn components(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => {
            components(rest, path) || path.split_first().is_some_and(|(_, tail)| components(pattern, tail))
        }
        (Some((first, rest)), Some((name, tail))) => part(first, name) && components(rest, tail),
        _ => false,
    }
}

/// One component, in which `*` stands for any characters.
fn part(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => {
            let Some(rest) = name.strip_prefix(before) else { return false };
            (0..=rest.len())
                .filter(|i| rest.is_char_boundary(*i))
                .any(|i| part(after, rest.get(i..).unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stand_for_components() {
        assert!(matches("layer1.**", "layer1.0.conv1.weight"));
        assert!(matches("**.bias", "layer1.0.bias"));
        assert!(matches("**", "weight"));
        assert!(matches("layer*.0.*.weight", "layer3.0.conv1.weight"));
        assert!(matches("a.**.b", "a.b"));
    }

    #[test]
    fn other_paths_do_not_match() {
        assert!(!matches("layer1.*", "layer1.0.conv1.weight"));
        assert!(!matches("layer1", "layer1.weight"));
        assert!(!matches("layer1.**", "layer10.weight"));
        assert!(!matches("*.bias", "bias"));
    }
}
