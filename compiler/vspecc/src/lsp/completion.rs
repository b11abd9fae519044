//! What can be written at the cursor: fields, named arguments, names.
//!
//! The text around the cursor is seldom whole, so that the place is found in the text itself; what is offered comes from the
//! last analysis that knows it.

use std::collections::BTreeSet;

use lsp_types::{CompletionItem, CompletionItemKind, Documentation, MarkupContent, MarkupKind};
use vspec_elaborate::{NameInfo, NameKind, stdlib};
use vspec_syntax::FileId;

use super::analysis::Analysis;

/// Words that items start with, at the margin.
const ITEMS: [&str; 11] =
    ["use", "let", "record", "fn", "host", "module", "loss", "optimizer", "experiment", "entry", "test"];

/// Everything that can stand at a byte of `text`, most specific first.
pub(super) fn complete(text: &str, byte: usize, analyses: &[&Analysis]) -> Vec<CompletionItem> {
    let before = text.get(..byte).unwrap_or(text);
    let before = before.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
    let line = before.rsplit('\n').next().unwrap_or(before);
    if let Some(path) = line.strip_prefix("use ") {
        return imports(path);
    }
    if let Some(receiver) = before.strip_suffix('.').map(receiver).filter(|r| !r.is_empty()) {
        return fields(receiver, analyses);
    }
    if line.is_empty() {
        return ITEMS.iter().map(|word| simple(word, CompletionItemKind::KEYWORD)).collect();
    }
    let arguments = callee(before).map(|callee| arguments(callee, analyses)).unwrap_or_default();
    let local = binders(item(before)).into_iter().map(|name| simple(name, CompletionItemKind::VARIABLE));
    arguments.into_iter().chain(local).chain(names(analyses)).collect()
}

fn simple(label: &str, kind: CompletionItemKind) -> CompletionItem {
    CompletionItem { label: label.to_string(), kind: Some(kind), ..CompletionItem::default() }
}

/// Folders of the library after `use std.`, and the names of a folder after `use std.nn.` and `use std.nn.{`.
fn imports(path: &str) -> Vec<CompletionItem> {
    let path = path.split('{').next().unwrap_or(path).trim_end_matches('.');
    match path.split_once('.') {
        None if path == "std" => {
            let folder = |f: &str| simple(f, CompletionItemKind::FOLDER);
            stdlib::folders().into_iter().map(folder).collect()
        }
        None => vec![simple("std", CompletionItemKind::FOLDER)],
        Some((_, folder)) => {
            let names: BTreeSet<&str> = stdlib::names(folder).collect();
            names.into_iter().map(|name| simple(name, CompletionItemKind::REFERENCE)).collect()
        }
    }
}

/// The expression in front of a dot, if it is names with dots and numbers between them.
fn receiver(before: &str) -> &str {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let start = before.char_indices().rev().take_while(|(_, c)| part(*c)).last();
    start.map_or("", |(i, _)| &before[i..])
}

/// Fields of what the same text stood for elsewhere; the place nearest to the end of the file is the best guess.
fn fields(receiver: &str, analyses: &[&Analysis]) -> Vec<CompletionItem> {
    let of = |analysis: &&Analysis| {
        let stands_for = |span: &vspec_syntax::Span| {
            span.file == FileId(0)
                && analysis.text.get(span.start as usize..span.end as usize) == Some(receiver)
        };
        analysis.index.fields.iter().rev().find(|(span, _)| stands_for(span)).map(|(_, f)| f.clone())
    };
    let fields = analyses.iter().find_map(of).unwrap_or_default();
    fields.iter().map(|field| simple(field, CompletionItemKind::FIELD)).collect()
}

/// The name in front of the innermost bracket that is open at the end of the text.
fn callee(before: &str) -> Option<&str> {
    let mut depth = 0usize;
    for (i, c) in item(before).char_indices().rev() {
        match c {
            ')' | ']' | '}' => depth += 1,
            '(' if depth == 0 => {
                let head = item(before)[..i].trim_end();
                let part = |c: char| c.is_alphanumeric() || c == '_';
                let start = head.char_indices().rev().take_while(|(_, c)| part(*c)).last()?.0;
                return Some(&head[start..]);
            }
            '[' | '{' if depth == 0 => return None,
            '(' | '[' | '{' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn arguments(callee: &str, analyses: &[&Analysis]) -> Vec<CompletionItem> {
    let info = analyses.iter().find_map(|analysis| analysis.index.names.get(callee));
    let params = info.map(|info| info.params.as_slice()).unwrap_or_default();
    params.iter().map(|param| argument(param)).collect()
}

/// `stride = ` for the parameter `stride: int = 1`.
fn argument(param: &str) -> CompletionItem {
    let name = param.split([':', ' ']).next().unwrap_or(param);
    CompletionItem {
        label: format!("{name} ="),
        kind: Some(CompletionItemKind::FIELD),
        detail: Some(param.to_string()),
        insert_text: Some(format!("{name} = ")),
        filter_text: Some(name.to_string()),
        // Arguments come before everything else that could stand there.
        sort_text: Some(format!("0{name}")),
        ..CompletionItem::default()
    }
}

/// The text of the item around the end of a text: from the last line at the margin that starts one.
fn item(before: &str) -> &str {
    let starts =
        |line: &str| ITEMS.iter().any(|w| line.strip_prefix(w).is_some_and(|r| r.starts_with([' ', '\n'])));
    let mut start = before.len();
    for line in before.split_inclusive('\n').rev() {
        start -= line.len();
        if starts(line) {
            break;
        }
    }
    &before[start..]
}

/// Names that the text of an item binds so far: those before `=` or `:`, and those after the words that bind.
fn binders(item: &str) -> BTreeSet<&str> {
    const BINDING: [&str; 8] = ["let", "param", "state", "const", "for", "data", "step", "with"];
    let mut names = BTreeSet::new();
    let (mut previous, mut typed) = ("", false);
    let mut rest = item;
    while let Some(start) = rest.find(|c: char| c.is_alphabetic() || c == '_') {
        rest = &rest[start..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let next = after.trim_start();
        let bound = next.starts_with(':') || next.starts_with('=') && !next.starts_with("==");
        if (bound && !typed || BINDING.contains(&previous)) && !BINDING.contains(&word) {
            names.insert(word);
        }
        // What follows a colon is a type, even if a default follows that.
        typed = next.starts_with(':');
        previous = word;
        rest = after;
    }
    names
}

/// Everything that the file can use.
fn names(analyses: &[&Analysis]) -> Vec<CompletionItem> {
    let index = analyses.iter().map(|a| &a.index).find(|index| !index.names.is_empty());
    index.into_iter().flat_map(|index| &index.names).map(|(name, info)| of_name(name, info)).collect()
}

fn of_name(name: &str, info: &NameInfo) -> CompletionItem {
    let kind = match info.kind {
        NameKind::Function | NameKind::Optimizer => CompletionItemKind::FUNCTION,
        NameKind::Module | NameKind::Loss | NameKind::Assign => CompletionItemKind::CLASS,
        NameKind::Record => CompletionItemKind::STRUCT,
        NameKind::Constant => CompletionItemKind::CONSTANT,
    };
    let markup = |value: &String| MarkupContent { kind: MarkupKind::Markdown, value: value.clone() };
    CompletionItem {
        detail: Some(info.signature.clone()),
        documentation: info.doc.as_ref().map(|doc| Documentation::MarkupContent(markup(doc))),
        ..simple(name, kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callee_of_the_innermost_open_call_is_found() {
        assert_eq!(callee("module M() {\n  conv = Conv(3, f(1), "), Some("Conv"));
        assert_eq!(callee("fn f(x) {\n  g(h(x"), Some("h"));
        assert_eq!(callee("fn f(x) {\n  g([1, "), None);
        assert_eq!(callee("fn f(x) {\n  "), None);
    }

    #[test]
    fn names_that_an_item_binds_are_found_in_broken_text() {
        let text = "let a = 1\nmodule M(width: int) {\n  conv = Conv(3\n  param w: f32[2]\n  f(x: f32[N]) { let y = x == ";
        assert_eq!(binders(item(text)).into_iter().collect::<Vec<_>>(), ["conv", "w", "width", "x", "y"]);
    }

    #[test]
    fn what_stands_before_a_dot_is_found() {
        assert_eq!(receiver("let y = mean(b.truths"), "b.truths");
        assert_eq!(receiver("f(x)"), "");
    }
}
