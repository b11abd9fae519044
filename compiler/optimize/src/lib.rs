//! Passes over the graph.
//!
//! A pass takes a graph and gives a new one that computes the same. [`differentiate`] turns `gradient` nodes into the graph
//! that computes them.

pub mod differentiate;
