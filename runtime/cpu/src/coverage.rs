//! How much of regions is machine code.

use crate::tile::Program;

/// How many steps of programs are done how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Programs all of whose steps along lines are machine code.
    pub whole: usize,
    /// All programs.
    pub programs: usize,
    /// Steps along lines, and folds, that are machine code.
    pub native: usize,
    /// All such steps.
    pub steps: usize,
    /// Bytes of machine code.
    pub bytes: usize,
}

impl Coverage {
    /// Adds a program.
    pub(crate) fn add(&mut self, program: &Program) {
        let mut own = Coverage::default();
        for pass in &program.passes {
            match &pass.native {
                Some(native) => native.count(&mut own),
                None => own.steps += pass.tile.len() + pass.folds.len(),
            }
        }
        self.programs += 1;
        self.whole += usize::from(own.native == own.steps);
        self.native += own.native;
        self.steps += own.steps;
        self.bytes += own.bytes;
    }
}
