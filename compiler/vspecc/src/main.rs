//! The vspec compiler.

fn main() {}
