//! The library's assignment rules against references that were written apart from them, and properties that hold for all.
//!
//! Rules of the golden cases (`tests/fixtures/assign`) are compared there; here they take part in the properties.

mod pairs;
mod properties;
mod reference;
mod samples;
mod scene;
mod tracker;
