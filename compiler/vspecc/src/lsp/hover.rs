//! What stands under the cursor: shapes and values, and how things are defined.

use vspec_elaborate::{Index, NameInfo, Seen};
use vspec_syntax::{FileId, Span};

use super::analysis::Analysis;

/// Expressions longer than this are cut.
const MAX_EXPRESSION: usize = 60;

/// The text of a hover at a byte of the document, as markdown, and the place that it is about.
pub(super) fn hover(analysis: &Analysis, byte: usize) -> Option<(String, Span)> {
    let index = &analysis.index;
    let span = innermost(index, byte).or_else(|| word(&analysis.text, byte))?;
    let lines = code(analysis, span);
    let named = named(analysis, byte);
    let signature = named.map(|info| info.signature.clone());
    // The value of a built-in function is its signature again.
    let says_more = |line: &String| signature.as_ref().is_none_or(|s| !line.ends_with(s.as_str()));
    let lines: Vec<String> = lines.into_iter().filter(says_more).collect();
    let fenced: Vec<String> = signature.into_iter().chain(lines).collect();
    let doc = named.and_then(|info| info.doc.clone());
    if fenced.is_empty() && doc.is_none() {
        return None;
    }
    let code = format!("```vspec\n{}\n```", fenced.join("\n"));
    Some((std::iter::once(code).chain(doc).collect::<Vec<_>>().join("\n\n"), span))
}

/// What the expression came to, and what calling it came to, one line for each different value.
fn code(analysis: &Analysis, span: Span) -> Vec<String> {
    let text = shortened(analysis.text.get(span.start as usize..span.end as usize).unwrap_or(""));
    let values = analysis.index.values.get(&span);
    let results = analysis.index.results.get(&span);
    let value = |value: &String| match value.strip_prefix("module ").or(value.strip_prefix("function ")) {
        // The signature of a definition says this and more.
        Some(name) if *name == text => None,
        _ => Some(format!("{text}: {value}")),
    };
    let values = values.into_iter().flat_map(|seen| lines(seen, value));
    let results = results.into_iter().flat_map(|seen| lines(seen, |v| Some(format!("{text}(..): {v}"))));
    values.chain(results).collect()
}

fn lines(seen: &Seen, line: impl Fn(&String) -> Option<String>) -> Vec<String> {
    let more = seen.more.then(|| "// and more".to_string());
    seen.texts.iter().filter_map(line).chain(more).collect()
}

fn shortened(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MAX_EXPRESSION) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The smallest place around a byte at which a value or a result is known. A place that ends at the byte counts when no
/// other holds it, because a cursor stands between characters.
fn innermost(index: &Index, byte: usize) -> Option<Span> {
    let places = || index.values.keys().chain(index.results.keys()).filter(|s| s.file == FileId(0));
    let holding = places().filter(|s| (s.start as usize) <= byte && byte < s.end as usize);
    let ending = places().filter(|s| s.end as usize == byte);
    holding.min_by_key(|s| s.len()).or_else(|| ending.min_by_key(|s| s.len())).copied()
}

/// What is known about the name under the cursor, if it is one that the whole file can use.
fn named(analysis: &Analysis, byte: usize) -> Option<&NameInfo> {
    let word = word(&analysis.text, byte)?;
    let info = analysis.index.names.get(analysis.text.get(word.start as usize..word.end as usize)?)?;
    match analysis.index.uses.get(&word) {
        Some(definition) => Some(info).filter(|info| info.span == Some(*definition)),
        // A built-in is defined nowhere; anything else may be a field or an argument that happens to have the name.
        None => {
            let own = info.span == Some(word);
            let valued =
                analysis.index.values.contains_key(&word) || analysis.index.results.contains_key(&word);
            Some(info).filter(|info| own || info.span.is_none() && valued)
        }
    }
}

/// The word around a byte of the document.
pub(super) fn word(text: &str, byte: usize) -> Option<Span> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let before = text.get(..byte)?;
    let start = before.char_indices().rev().take_while(|(_, c)| part(*c)).last().map_or(byte, |(i, _)| i);
    let end = byte + text.get(byte..)?.find(|c| !part(c)).unwrap_or(text.len() - byte);
    (start < end).then(|| Span::new(FileId(0), start, end))
}
