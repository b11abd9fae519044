//! Graphs for other programs: Graphviz and JSON.

mod dot;
mod json;

pub use dot::dot;
pub use json::json;

#[cfg(test)]
mod tests;
