//! The colours of the editor extension know every word of the grammar.

use std::collections::BTreeSet;

use serde_json::Value;
use vspec_tests::read;

/// Words that the grammar gives a meaning: those of its keyword rules, and those that are never names.
fn keywords(grammar: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut in_rule = false;
    for line in grammar.lines().filter(|line| !line.starts_with("//")) {
        in_rule |= ["kw_", "reserved", "bool"].iter().any(|rule| line.starts_with(rule));
        if in_rule {
            let quoted = line.split('"').skip(1).step_by(2);
            let word = |w: &&str| w.len() > 1 && w.chars().all(char::is_alphabetic);
            words.extend(quoted.filter(word).map(str::to_owned));
        }
        in_rule &= !line.contains('}');
    }
    words
}

/// Words that the extension colours as keywords: the alternatives of `\b(a|b|cs?)\b`.
fn coloured(rules: &Value) -> BTreeSet<String> {
    let patterns = rules["repository"]["keywords"]["patterns"].as_array().expect("a list of patterns");
    let texts = patterns.iter().filter_map(|p| p["match"].as_str());
    let inside = texts.filter_map(|t| t.strip_prefix("\\b(")?.strip_suffix(")\\b"));
    inside.flat_map(|t| t.split('|')).map(|w| w.trim_end_matches("s?").to_owned()).collect()
}

#[test]
fn every_keyword_of_the_grammar_is_coloured() {
    let words = keywords(&read("compiler/syntax/src/grammar.pest"));
    assert!(words.len() > 50 && words.contains("minimize") && words.contains("false"), "{words:?}");
    let rules = serde_json::from_str(&read("book/editors/vscode/syntaxes/vspec.tmLanguage.json"));
    let coloured = coloured(&rules.expect("the colours are JSON"));
    let missing: Vec<&String> = words.difference(&coloured).collect();
    assert!(missing.is_empty(), "not coloured: {missing:?}");
}

#[test]
fn the_extension_names_files_that_exist() {
    let folder = "book/editors/vscode";
    let package: Value = serde_json::from_str(&read(&format!("{folder}/package.json"))).expect("JSON");
    let contributes = &package["contributes"];
    let files = [
        &package["main"],
        &contributes["languages"][0]["configuration"],
        &contributes["grammars"][0]["path"],
    ];
    for file in files {
        let file = file.as_str().expect("a path");
        assert!(!read(&format!("{folder}/{file}")).is_empty());
    }
    serde_json::from_str::<Value>(&read(&format!("{folder}/language-configuration.json"))).expect("JSON");
    assert!(read(&format!("{folder}/extension.js")).contains("\"lsp\""));
}
