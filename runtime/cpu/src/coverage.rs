//! How much of regions is machine code.

use std::collections::BTreeMap;

use crate::jit::Nest;
use crate::tile::{Code, Program};

/// How many steps of programs are done how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Programs all of whose steps along lines are machine code.
    pub whole: usize,
    /// Those of them whose lines run through rows.
    pub lines_of_rows: usize,
    /// Those that do many rows along memory at a time.
    pub rows: usize,
    /// Those that do many short lines at a time.
    pub short_lines: usize,
    /// All programs.
    pub programs: usize,
    /// Steps along lines, and folds, that are machine code.
    pub native: usize,
    /// All such steps.
    pub steps: usize,
    /// Bytes of machine code.
    pub bytes: usize,
    /// The others: what they do, and how many of them there are.
    pub left: BTreeMap<String, usize>,
}

impl Coverage {
    /// Adds a program.
    pub(crate) fn add(&mut self, program: &Program) {
        let mut whole = true;
        self.bytes += program.nest.as_ref().map_or(0, Nest::bytes);
        self.lines_of_rows += usize::from(program.nest.is_some() && program.is_columns());
        let nested = program.nest.is_some() && !program.is_columns();
        self.rows += usize::from(nested && program.outer > 0);
        self.short_lines += usize::from(nested && program.outer == 0);
        for pass in &program.passes {
            let left = match &pass.native {
                Some(native) => native.left(pass),
                None if program.nest.is_some() => vec![],
                None => pass.tile.iter().chain(&pass.folds).copied().collect(),
            };
            whole &= left.is_empty();
            let steps = pass.tile.len() + pass.folds.len();
            self.steps += steps;
            self.native += steps - left.len();
            self.bytes += pass.native.as_ref().map_or(0, |native| native.bytes());
            for step in left {
                *self.left.entry(title(&program.steps[step].code)).or_default() += 1;
            }
        }
        self.programs += 1;
        self.whole += usize::from(whole);
    }

    /// Adds what was found elsewhere.
    pub fn merge(&mut self, other: &Coverage) {
        self.whole += other.whole;
        self.lines_of_rows += other.lines_of_rows;
        self.rows += other.rows;
        self.short_lines += other.short_lines;
        self.programs += other.programs;
        self.native += other.native;
        self.steps += other.steps;
        self.bytes += other.bytes;
        for (what, count) in &other.left {
            *self.left.entry(what.clone()).or_default() += count;
        }
    }
}

fn title(code: &Code) -> String {
    match code {
        Code::Load(spot, guard) => {
            let guarded = if guard.is_some() { " where a guard holds" } else { "" };
            let named = if spot.named.is_empty() { "" } else { " as data says" };
            format!("load{named}{guarded}, step {:?}", spot.address.step())
        }
        Code::Store(spot, _) => format!("store, step {:?}", spot.address.step()),
        Code::Random { .. } => "random number".to_string(),
        Code::Fold(fold, _) => format!("{fold:?}"),
        Code::Apply(op, _) => format!("{op:?}"),
        Code::Number(_) | Code::Index(_) | Code::Inside(..) | Code::Same(_) => "number".to_string(),
    }
}
