//! From a syntax tree to graphs.
