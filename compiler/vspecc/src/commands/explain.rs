//! `vspecc explain`: what a diagnostic code means, or what becomes of a file.

use std::path::Path;

use vspec_elaborate::catalogue;
use vspec_syntax::codes::CodeInfo;
use vspec_syntax::did_you_mean;

use super::{fusion, rules};
use crate::cli::ExplainArgs;
use crate::console;
use crate::explain::{self, Example};
use crate::failure::{CommandResult, Exit, Failure};

/// Explains one code or one file, or lists all codes.
pub(super) fn explain(args: &ExplainArgs) -> CommandResult {
    if let Some(file) = args.what.as_deref().map(Path::new).filter(|file| is_file(file)) {
        return match &args.rules {
            Some(folder) => rules::draw(file, folder, args),
            None => fusion::explain(file, args),
        };
    }
    if args.rules.is_some() {
        return Err(Failure::input("`--rules` draws the rules of a file")
            .hint("vspecc explain my.vspec --rules pictures"));
    }
    let text = match &args.what {
        None => catalogue().iter().map(|info| format!("{}  {}\n", info.code, info.title)).collect(),
        Some(code) => match explain::find(code) {
            Some((info, example)) => page(&info, example),
            None => return Err(unknown(code)),
        },
    };
    console::print(&text);
    Ok(Exit::Fine)
}

/// Codes have neither folders nor endings.
fn is_file(path: &Path) -> bool {
    path.extension().is_some() || path.components().count() > 1 || path.exists()
}

fn page(info: &CodeInfo, example: Option<&Example>) -> String {
    let mut text = format!("{}: {}\n\n{}\n", info.code, info.title, wrapped(&explain::explanation(info)));
    if let Some(example) = example {
        text += &format!("\nWrong:\n\n{}\n", indented(example.wrong));
        text += &format!("\n{}\n", indented(&explain::message(example.wrong)));
        text += &format!("\nRight:\n\n{}\n", indented(example.fixed));
    }
    text
}

fn unknown(code: &str) -> Failure {
    let codes: Vec<&str> = catalogue().iter().map(|info| info.code).collect();
    let failure = Failure::input(format!("there is no diagnostic code `{code}`"));
    match did_you_mean(&code.to_uppercase(), codes) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`vspecc explain` lists them"),
    }
}

fn indented(text: &str) -> String {
    let line = |line: &str| if line.is_empty() { String::new() } else { format!("    {line}") };
    text.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The paragraph in lines of at most 80 columns.
fn wrapped(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > 80 {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out += word;
        column += width;
    }
    out
}
