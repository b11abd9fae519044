//! Pages of the book that list what can be called: the built-ins and the prelude, and the standard library.

use std::fmt::Write;

use vspec_syntax::ast::{Item, ItemKind};

use crate::builtins;
use crate::observe::names::{builtin_signature, signature};
use crate::stdlib::{self, LibraryFile};

/// What needs no `use`: built-in functions by subject, constants, and the functions of the prelude.
pub fn functions_markdown() -> String {
    let mut page = String::from(
        "# Functions that need no `use`\n\n\
         A `?` marks what may be left out. Arguments have names, `sum(x, axis = 1)`, and `x |> reshape([B, 8])` is \
         `reshape(x, [B, 8])`.\n",
    );
    for (title, family) in builtins::families() {
        let _ = write!(page, "\n## {title}\n\n");
        family
            .iter()
            .for_each(|builtin| entry(&mut page, &builtin_signature(builtin.name), doc(builtin.name)));
    }
    page += "\n## Constants and the clock of a run\n\n";
    builtins::CONSTANTS.iter().for_each(|name| entry(&mut page, name, doc(name)));
    for file in stdlib::files("prelude") {
        let _ = write!(page, "\n## {}\n\n", title(file));
        items(&mut page, file);
    }
    page
}

/// What `use std...` brings: every definition of the standard library, folder by folder.
pub fn library_markdown() -> String {
    let mut page = String::from(
        "# The standard library\n\nWhat a file needs it names: `use std.nn.{Conv, Linear}`. Each definition says where it comes from; \
         `vspecc stats` counts what a network of them has.\n",
    );
    for folder in stdlib::folders() {
        let _ = write!(page, "\n## `std.{}`\n", folder.replace('/', "."));
        for file in stdlib::files(folder) {
            let _ = write!(page, "\n### {}\n\n", title(file));
            items(&mut page, file);
        }
    }
    page
}

fn doc(builtin: &str) -> &'static str {
    builtins::docs::of(builtin).unwrap_or_default()
}

/// The first sentence of what a file says about itself, without its full stop.
fn title(file: LibraryFile) -> String {
    let about = file.text().lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let about: Vec<&str> = about.take_while(|line| !line.is_empty()).collect();
    let about = about.join(" ");
    let sentence = about.find(". ").map_or(about.as_str(), |end| &about[..end]);
    sentence.trim_end_matches('.').to_string()
}

/// The definitions of a file.
fn items(page: &mut String, file: LibraryFile) {
    for item in file.parsed().0.items.iter().filter(|item| is_listed(item)) {
        let text = |span: vspec_syntax::Span| &file.text()[span.start as usize..span.end as usize];
        entry(page, &signature(item, text), item.doc.as_deref().unwrap_or_default());
    }
}

fn is_listed(item: &Item) -> bool {
    let defines = matches!(item.kind, ItemKind::Record(_) | ItemKind::Fn(_) | ItemKind::Module(_));
    let configures = matches!(item.kind, ItemKind::Loss(_) | ItemKind::Optimizer(_) | ItemKind::Assign(_));
    item.doc.is_some() && (defines || configures)
}

fn entry(page: &mut String, signature: &str, doc: &str) {
    let _ = writeln!(page, "- `{signature}`  ");
    doc.trim().lines().for_each(|line| {
        let _ = writeln!(page, "  {}", line.trim());
    });
}
