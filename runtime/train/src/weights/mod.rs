//! Variables from files that other runs or other programs wrote: names that differ, and parts that are missing.

mod convert;
mod rename;
mod transfer;

pub use rename::Rename;
pub use transfer::{Transfer, Weights};
