//! The `.vir` text form: a graph as text that reads back as an equal graph.
//!
//! ```text
//! graph @block(B: size, H: size % 32) {
//!   %x = input name="b.image" : f32[B, 3, H, H]
//!   %w = param path="conv1.weight" : f32[64, 3, 3, 3]
//!   %0 = conv(%x, %w) padding=[[1, 1], [1, 1]] : f32[B, 64, H, H]   in conv1
//!   %features = relu(%0) : f32[B, 64, H, H]
//!   value features = %features
//! }
//! ```
//!
//! - One node a line: label, op, operands, attributes, type, then where it comes from (`as` its name when the label
//!   cannot show it, `in` its scope, `at` its location `file:start..end`). The type is never left out.
//! - A node that has a name in the specification is labelled with it, the second one of that name `%name.1`; the others
//!   are numbered. Nodes that no output needs are numbered last, so that they never shift the labels of the rest.
//! - An attribute that follows from the type (`dtype`, `shape`) or has its usual value (a stride of 1) is left out; see
//!   `defaults`, which printer and parser share.
//! - The header declares every named size with what is known about it. Sizes are polynomials, `//` floors: `(H + 1)//2`.
//! - `value`, `report` and `write` lines are the outputs in order. `require H <= W for %3` is an obligation that does not
//!   follow from the ops.
//! - `given W <= 19` is a condition under which the graph runs; the ops may rely on it.
//! - A `//` after a space starts a comment; as floor division it follows its left side without one.
//! - Words that are not plain (letters, digits, `_`, dots between them) are quoted.
//! - A graph may be broken: the printer writes an operand that does not exist as `<missing %7>`, and the parser
//!   reads that and operands that are defined further down. Whether a graph is right is the verifier's business.

mod attrs;
mod cursor;
mod defaults;
mod dims;
mod error;
mod lexer;
mod names;
mod parse;
mod print;

pub(crate) use attrs::write_float;
pub use error::ParseError;
pub use parse::{parse, parse_all, parse_dim, parse_instance, parse_type};
pub use print::{PrintOptions, Printer};

#[cfg(test)]
mod tests;
