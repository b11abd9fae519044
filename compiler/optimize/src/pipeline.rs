//! Which passes run, and in which order.
//!
//! The order is the rule: differentiation first, because every other pass needs the whole graph; then what is equal becomes one node, so
//! that rules which compare operands see it; then rules, which rewrite until none fits, constants folded on the way; then once more,
//! because rules make equal nodes, and merged nodes are used less often or more often than they were. `dead` comes last. A second run of
//! a pipeline finds nothing in any of this project's specifications, which a test checks. Each pass takes time that grows with the graph
//! as a line does.
//!
//! No pass here computes cheap values again instead of keeping them: whether that pays depends on which kernel reads them and on sizes, so
//! that [`crate::fuse`] decides it, for readers of its kernels and between the way forth and the way back.

use crate::pass::Pass;
use crate::{common, dead, differentiate, fold_norm, simplify};

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only what an engine without gradients needs: the graph as it was written.
    O0,
    /// What never costs anything: equations, constants and common subexpressions.
    O1,
    /// What pays off where a network is only applied, too: normalisation goes into the weights.
    O2,
}

/// The passes of a level, in order.
pub fn pipeline(level: Level) -> &'static [&'static Pass] {
    match level {
        Level::O0 => O0,
        Level::O1 => O1,
        Level::O2 => O2,
    }
}

static O0: &[&Pass] = &[&differentiate::PASS];

static O1: &[&Pass] = &[
    &differentiate::PASS,
    &common::PASS,
    &simplify::PASS,
    &common::PASS,
    &simplify::PASS,
    &common::PASS,
    &dead::PASS,
];

static O2: &[&Pass] = &[
    &differentiate::PASS,
    &common::PASS,
    &simplify::PASS,
    &common::PASS,
    &simplify::PASS,
    &fold_norm::PASS,
    &common::PASS,
    &simplify::PASS,
    &common::PASS,
    &dead::PASS,
];
