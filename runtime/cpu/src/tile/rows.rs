//! Rows along memory, many with one call of machine code.

use super::run::{Core, Job, PARTS, SMALL};
use crate::element::Element;
use crate::jit::Nest;
use crate::workers;

impl Job<'_> {
    /// Runs a program of several rows.
    pub(super) fn run_rows<T: Element>(&self, nest: &Nest) {
        let program = self.program;
        let rows: usize = program.extents[..program.outer].iter().product();
        let points: usize = program.extents[program.outer..].iter().product();
        if rows * points * program.steps.len() < SMALL || workers::threads() == 1 {
            return Core::<T>::new(self).following(nest, 0..rows);
        }
        let chunk = rows.div_ceil(2 * PARTS).max(1);
        let part = |part: usize| part * chunk..rows.min((part + 1) * chunk);
        workers::each_with(
            rows.div_ceil(chunk),
            || Core::<T>::new(self),
            |core, number| core.following(nest, part(number)),
        );
    }
}

impl<T: Element> Core<'_, '_, T> {
    /// Some rows, as many at a time as follow each other in the last of the loops that choose them.
    fn following(&mut self, nest: &Nest, rows: std::ops::Range<usize>) {
        let program = self.job.program;
        let run = program.extents[program.outer - 1];
        let mut row = rows.start;
        while row < rows.end {
            let n = (run - row % run).min(rows.end - row);
            self.go_to_row(row);
            self.counters[program.outer..].fill(0);
            self.native_following(nest, n);
            row += n;
        }
    }

    /// Finds out what went wrong with some rows.
    pub(crate) fn explain_following(&mut self, n: usize) {
        let program = self.job.program;
        let first = self.counters[..program.outer].iter().zip(&program.extents);
        let first = first.fold(0, |row, (counter, extent)| row * extent + counter);
        self.explain(|core| (first..first + n).for_each(|row| core.row(row, false)));
    }
}
