//! Short lines, many with one call of machine code.

use super::run::{Core, Job, PARTS, SMALL};
use super::{Program, TILE};
use crate::element::Element;
use crate::jit::Nest;
use crate::workers;

impl Job<'_> {
    /// Runs a program of short lines.
    pub(super) fn run_short<T: Element>(&self, nest: &Nest) {
        let program = self.program;
        let lines: usize = program.extents[..program.vector].iter().product();
        let work = lines * program.length() * program.steps.len();
        if work < SMALL || workers::threads() == 1 {
            return Core::<T>::new(self).short_lines(nest, 0..lines);
        }
        let chunk = lines.div_ceil(2 * PARTS).max(1);
        let part = |part: usize| part * chunk..lines.min((part + 1) * chunk);
        workers::each_with(
            lines.div_ceil(chunk),
            || Core::<T>::new(self),
            |core, number| core.short_lines(nest, part(number)),
        );
    }
}

impl<T: Element> Core<'_, '_, T> {
    /// Some lines, as many at a time as follow each other in the loop before the line's own.
    fn short_lines(&mut self, nest: &Nest, lines: std::ops::Range<usize>) {
        let program = self.job.program;
        let run = program.extents[program.vector - 1];
        let mut line = lines.start;
        while line < lines.end {
            let n = (run - line % run).min(lines.end - line);
            self.go_to_line(line);
            self.native_lines(nest, n);
            line += n;
        }
    }

    /// Finds out what went wrong with some lines.
    pub(crate) fn explain_lines(&mut self, n: usize) {
        let program: &Program = self.job.program;
        for _ in 0..n {
            self.explain(|core| core.tile_line(program));
            self.counters[program.vector - 1] += 1;
        }
    }

    fn tile_line(&mut self, program: &Program) {
        for start in (0..program.length()).step_by(TILE) {
            let count = TILE.min(program.length() - start);
            let all = program.passes.iter().flat_map(|pass| pass.line.iter().chain(&pass.tile));
            all.for_each(|step| self.step(*step, start, count));
        }
    }
}
