//! Rules that turn a file's names into the experiment's.

use std::str::FromStr;

/// One rule, `old.** -> new.**`: `*` stands for one member, `**` for any number of them, and what they stood for on the left
/// goes, in order, where they stand on the right. Nothing on the right leaves the tensors out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    from: Vec<String>,
    /// None: left out.
    to: Option<Vec<String>>,
}

/// What a rule makes of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Renamed {
    To(String),
    LeftOut,
}

impl Rename {
    /// What the first rule that fits makes of a name; the name itself if none does.
    pub(super) fn apply(rules: &[Rename], name: &str) -> Renamed {
        let parts: Vec<&str> = name.split('.').collect();
        let fitting = rules.iter().find_map(|rule| Some((rule, captures(&rule.from, &parts)?)));
        match fitting {
            None => Renamed::To(name.to_string()),
            Some((Rename { to: None, .. }, _)) => Renamed::LeftOut,
            Some((Rename { to: Some(to), .. }, captured)) => Renamed::To(filled(to, captured)),
        }
    }
}

/// What the stars of a pattern stand for; none if the name does not fit. `**` takes as little as it can.
fn captures(pattern: &[String], parts: &[&str]) -> Option<Vec<String>> {
    let Some((first, rest)) = pattern.split_first() else {
        return parts.is_empty().then(Vec::new);
    };
    if first == "**" {
        return (0..=parts.len()).find_map(|n| {
            let mut captured = captures(rest, &parts[n..])?;
            captured.insert(0, parts[..n].join("."));
            Some(captured)
        });
    }
    let (part, others) = parts.split_first()?;
    let mut captured = if first == "*" || first == part { captures(rest, others)? } else { return None };
    if first == "*" {
        captured.insert(0, part.to_string());
    }
    Some(captured)
}

fn filled(pattern: &[String], captured: Vec<String>) -> String {
    let mut captured = captured.into_iter();
    let mut fill =
        |part: &String| if is_star(part) { captured.next().unwrap_or_default() } else { part.clone() };
    let parts: Vec<String> = pattern.iter().map(&mut fill).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
    parts.join(".")
}

fn is_star(part: &str) -> bool {
    part == "*" || part == "**"
}

impl FromStr for Rename {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((from, to)) = text.split_once("->") else {
            return Err("write it as \"old.** -> new.**\"; \"old.** ->\" leaves tensors out".to_string());
        };
        let from = parts(from)?.ok_or_else(|| "there is nothing before `->`".to_string())?;
        let to = parts(to)?;
        let stars = |parts: &[String]| parts.iter().filter(|p| is_star(p)).cloned().collect::<Vec<_>>();
        match &to {
            Some(to) if stars(to) != stars(&from) => {
                Err("the same stars have to stand on both sides of `->`, in the same order".to_string())
            }
            _ => Ok(Rename { from, to }),
        }
    }
}

/// The members of a name with stars; none for an empty one.
fn parts(text: &str) -> Result<Option<Vec<String>>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let parts: Vec<String> = text.split('.').map(str::to_string).collect();
    match parts.iter().find(|p| p.is_empty() || p.contains('*') && !is_star(p)) {
        None => Ok(Some(parts)),
        Some(part) if part.is_empty() => Err(format!("`{text}` has an empty member")),
        Some(part) => Err(format!("a star stands for whole members, unlike in `{part}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(rules: &[&str], name: &str) -> Option<String> {
        let rules: Vec<Rename> = rules.iter().map(|r| r.parse().expect("a rule")).collect();
        match Rename::apply(&rules, name) {
            Renamed::To(name) => Some(name),
            Renamed::LeftOut => None,
        }
    }

    #[test]
    fn stars_stand_for_one_member_or_many() {
        let to = |rule: &str, name: &str| apply(&[rule], name).expect("not left out");
        assert_eq!(
            to("backbone.** -> net.**", "backbone.layer1.0.conv1.weight"),
            "net.layer1.0.conv1.weight"
        );
        assert_eq!(to("** -> net.**", "fc.bias"), "net.fc.bias");
        assert_eq!(to("module.** -> **", "module.fc.bias"), "fc.bias");
        assert_eq!(to("layer1.*.** -> blocks.*.**", "layer1.3.conv1.weight"), "blocks.3.conv1.weight");
        assert_eq!(to("**.gamma -> **.weight", "a.b.gamma"), "a.b.weight");
        assert_eq!(to("a.* -> b.*", "a.b.c"), "a.b.c");
        assert_eq!(to("fc.weight -> head.weight", "fc.weight"), "head.weight");
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rules = ["fc.** ->", "** -> net.**"];
        assert_eq!(apply(&rules, "fc.weight"), None);
        assert_eq!(apply(&rules, "conv1.weight").as_deref(), Some("net.conv1.weight"));
    }

    #[test]
    fn rules_that_mean_nothing_are_refused() {
        for wrong in ["a.**", "-> b", "a.** -> b", "a.* -> b.**", "a..b -> c", "conv* -> c*"] {
            assert!(wrong.parse::<Rename>().is_err(), "{wrong}");
        }
    }
}
