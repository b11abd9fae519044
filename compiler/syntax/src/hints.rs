//! Advice for mistakes that are likely: habits from other languages and the traps of this one.

use crate::explain::Found;

/// Words that are never names.
const RESERVED: [&str; 13] =
    ["let", "if", "else", "for", "fold", "with", "not", "and", "or", "true", "false", "fn", "use"];

/// Whether a word cannot be a name.
pub(crate) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

/// Advice on a rejected text, if its cause can be guessed.
pub(crate) fn hint(found: Found<'_>, expected: &[&str]) -> Option<String> {
    let fixed = foreign_word(found)
        .or_else(|| comment(found))
        .or_else(|| brace_on_next_line(found, expected))
        .or_else(|| binding(found, expected))
        .or_else(|| punctuation(found, expected));
    fixed.map(str::to_owned).or_else(|| augmented(found))
}

/// `x += 1`: a state is updated, any other name is bound again.
fn augmented(found: Found<'_>) -> Option<String> {
    let (operator, name) = (found.before(1), found.before(2));
    if found.text() != "=" || !matches!(operator, "+" | "-" | "*" | "/") {
        return None;
    }
    let place = found.place;
    let is_state = |i: usize| place.word(i) == "state" && place.word(i + 1) == name;
    // What follows a dot or a bracket is a part of something, and only states have parts that change.
    let is_part = found.before(3) == "." || !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    Some(match is_part || (0..place.tokens.len()).any(is_state) {
        true if is_part => "there is no assignment with an operator; write `update x = x + ..`".to_owned(),
        true => {
            format!("there is no assignment with an operator; write `update {name} = {name} {operator} ..`")
        }
        false => format!(
            "there is no assignment with an operator; bind a new value: `let {name} = {name} {operator} ..`"
        ),
    })
}

/// Words of other languages, found or just before what was found.
fn foreign_word(found: Found<'_>) -> Option<&'static str> {
    statement_of_another_language(found.before(1)).or_else(|| statement_of_another_language(found.text()))
}

fn statement_of_another_language(word: &str) -> Option<&'static str> {
    Some(match word {
        "return" => "the last expression of a block is its value; leave `return` out",
        "elif" => "write `else if`",
        "while" => "there is no `while`; `for` and `fold` run over static ranges and lists",
        "def" | "func" | "function" => "methods are written `name(x: ..) -> .. { .. }`, functions with `fn`",
        "class" => "write `module Name(..) { .. }`",
        "lambda" => "there are no functions without a name; write an `fn`",
        "var" | "val" => "write `let`",
        "import" | "from" => "write `use std.nn.{Conv}`",
        "None" | "null" => "there is no null; leave the argument out",
        "self" => "members are named without `self.`",
        _ => return None,
    })
}

/// Advice on the first word of an item that is none.
pub(crate) fn foreign_item(word: &str) -> Option<&'static str> {
    match word {
        "def" | "func" | "function" => Some("write `fn name(..) { .. }`"),
        "param" | "state" | "const" | "forward" => Some("this belongs inside a `module { .. }`"),
        "data" | "step" | "run" => Some("this belongs inside an `experiment { .. }`"),
        "@" => None,
        other => statement_of_another_language(other),
    }
}

/// `x = a // note`: with one space before it `//` divides.
fn comment(found: Found<'_>) -> Option<&'static str> {
    let line_end = found.ended.map_or(found.token + 1, |_| found.token);
    let mut line = (0..line_end).rev().take(40).take_while(|i| {
        // Tokens of the line back to its first, which is included.
        *i + 1 == line_end || found.place.tokens.get(i + 1).is_none_or(|t| !t.first)
    });
    let divides = line.any(|i| found.place.word(i) == "//");
    divides.then_some("`//` divides here; a comment after code needs two spaces before it")
}

fn brace_on_next_line(found: Found<'_>, expected: &[&str]) -> Option<&'static str> {
    let next_is_brace = found.ended.is_some() && found.place.word(found.token) == "{";
    (next_is_brace && expected.contains(&"`{`"))
        .then_some("`{` must stand on the same line as what it belongs to")
}

fn binding(found: Found<'_>, expected: &[&str]) -> Option<&'static str> {
    let keyword = found.before(2);
    if expected.contains(&"`=`") && keyword == "let" {
        return Some("write `let name = value`");
    }
    if found.text() == "=" && expected.contains(&"the end of the statement") {
        return Some(match found.before(2) {
            "{" => {
                "a body is a block: bind with `let`; a record as its value needs braces of its own, `{ { a = 1 } }`"
            }
            _ => "write `let name = value` to bind a name, `update name = value` to change a state",
        });
    }
    None
}

fn punctuation(found: Found<'_>, expected: &[&str]) -> Option<&'static str> {
    let wants = |name| expected.contains(&name);
    Some(match (found.text(), found.before(1)) {
        (":", _) if wants("`,`") && wants("`)`") => "arguments are given as `name = value`",
        ("=", _) if wants("`:`") => "a type follows `:`",
        ("==", _) if wants("`=`") => "`=` binds; `==` compares",
        ("*", "*") => "a power is written `^`",
        ("fn", _) if wants("an expression") => {
            "there are no functions without a name; write `fn name(..) { .. }` at the top of the file, and its name here"
        }
        ("fn", _) => "methods are written without `fn`",
        ("->", ")") => "the result type stands before the body",
        (".", _) if wants("`,`") => "fields are separated by `,`",
        ("?", _) => "`?` marks a masked dimension and stands only in types",
        _ => return None,
    })
}
