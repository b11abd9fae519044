//! The `.vspec` language: from text to a syntax tree, and from a syntax tree back to text.
//!
//! Parsing is pure and bounded; it never panics, reports every item that is wrong and keeps the others.
//! The parser generator's types never leave this crate.

pub mod ast;
mod build;
pub mod codes;
mod diagnostic;
mod dump;
mod explain;
mod grammar;
mod hints;
mod layout;
mod lexer;
mod parse;
mod print;
mod recover;
mod span;

pub use diagnostic::{Diagnostic, Label, Severity, did_you_mean};
pub use dump::dump;
pub use parse::{MAX_FILE_SIZE, parse, parse_expr, parse_params};
pub use print::{format, print_expr, print_file};
pub use span::{FileId, Source, Sources, Span};
