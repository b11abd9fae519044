//! What a diagnostic code means: its entry in the catalogue, a specification that has it and the corrected one.
//!
//! The examples are files of the book, the messages are what the compiler says about them, so that neither can be out of date.

mod examples;

pub use examples::{EXAMPLES, Example};

use std::path::Path;

use vspec_elaborate::{Compiled, Override, SourceInfo, World, catalogue, compile};
use vspec_ir::Source;
use vspec_syntax::codes::CodeInfo;

use crate::render::{Style, render};

/// The name under which an example is compiled; one of them uses itself.
const FILE: &str = "example.vspec";

/// The catalogue's entry and the example of a code, if it has one.
pub fn find(code: &str) -> Option<(CodeInfo, Option<&'static Example>)> {
    let info = catalogue().into_iter().find(|info| info.code.eq_ignore_ascii_case(code))?;
    Some((info, EXAMPLES.iter().find(|example| example.code == info.code)))
}

/// The explanation as one paragraph.
pub fn explanation(info: &CodeInfo) -> String {
    info.explanation.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_string()
}

/// Compiles an example without files and data. What its tests report is among the diagnostics.
pub fn compile_example(text: &str) -> Compiled {
    let mut compiled = compile(&Nothing, Path::new(FILE), text, &settings(text));
    for test in &mut compiled.tests {
        compiled.diagnostics.append(&mut test.failures);
    }
    compiled
}

/// What the compiler says about an example.
pub fn message(text: &str) -> String {
    let compiled = compile_example(text);
    render(&compiled.diagnostics, &compiled.sources, &Style::plain()).trim_end().to_string()
}

/// The `--set` of the command line that the first line of an example shows.
fn settings(text: &str) -> Vec<Override> {
    let line = text.lines().next().and_then(|line| line.strip_prefix("// vspecc run"));
    let assignment = line.and_then(|line| line.split_once("--set ")?.1.split_once('='));
    assignment.map(|(path, value)| Override { path: path.into(), value: value.into() }).into_iter().collect()
}

/// A world in which there is nothing but the text.
struct Nothing;

impl World for Nothing {
    fn read(&self, _: &Path) -> Result<String, String> {
        Err("no such file".to_string())
    }

    fn inspect(&self, _: &Source) -> Result<SourceInfo, String> {
        Err("no folder of data sets is known".to_string())
    }
}
