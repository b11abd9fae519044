//! Lines that run through rows: whether they are worth it, and how they are run.
//!
//! Rows may be short, so that there is more to do around a row than along it; or neighbours lie in neighbouring rows. There the same
//! element of many rows is done at a time: a line runs along one of the loops that choose the row, and each lane folds a row of its own.

use vspec_ir::plan::{Atom, Index};

use super::run::{Core, Job, PARTS, SMALL};
use super::{Address, Code, Program, Spot, TILE, column::Column};
use crate::element::Element;
use crate::jit;
use crate::workers;

/// What things cost, in units of some 0.1 ns: a vector of a line needs a sixteenth of it for each element.
mod cost {
    /// An element of neighbours, or of what is the same all along a line.
    pub(super) const NEIGHBOUR: usize = 1;
    /// An element that lies by itself.
    pub(super) const ALONE: usize = 8;
    /// One whose neighbours want the same places of the first cache.
    pub(super) const COLLIDING: usize = 24;
    /// To begin with a line.
    pub(super) const LINE: usize = 450;
    /// To begin with a row, once for each pass over it.
    pub(super) const ROW: usize = 1000;
    /// The same where machine code goes from row to row by itself.
    pub(super) const NEXT_LINE: usize = 40;
    pub(super) const NEXT_ROW: usize = 250;
    /// A step that is done once a row there, and one that reads what data names.
    pub(super) const STEP: usize = 4;
    pub(super) const NAMED: usize = 150;
    /// To go on to the next element of a row, for each row of a vector.
    pub(super) const POINT: usize = 3;
}

/// Elements of a vector.
const VECTOR: usize = 16;
/// Vectors of rows that there have to be at least, so that several cores have something to do.
const ENOUGH: usize = 8;
/// Distances at which elements want the same places of the first cache.
const COLLISION: i64 = 1024;

/// The loop over rows that lines had better run along, if one is better than the last loop.
pub(super) fn loop_of_rows(lines: &Program) -> Option<usize> {
    let points: usize = lines.extents[lines.outer..].iter().product();
    let rows: usize = lines.extents[..lines.outer].iter().product();
    let small = rows * points * lines.steps.len() < SMALL;
    let worth = |axis: &usize| {
        let (length, lines) = (lines.extents[*axis], rows / lines.extents[*axis].max(1));
        length > 1 && (small || length.div_ceil(VECTOR) * lines >= ENOUGH)
    };
    if lines.passes.iter().all(|pass| pass.folds.is_empty()) {
        return None;
    }
    let price =
        |axis: usize| filled(lines.extents[axis], work(lines, axis) + lines.passes.len() * cost::POINT);
    let best = (0..lines.outer).filter(worth).min_by_key(|axis| price(*axis))?;
    let length = lines.length().max(1);
    let (line, row) = match jit::covers_rows(lines) {
        true => (cost::NEXT_LINE, cost::NEXT_ROW + of_row(lines)),
        false => (cost::LINE, cost::ROW),
    };
    let begin = lines.passes.len() * (line / length + row / points.max(1));
    let own = filled(length, work(lines, lines.vector)) + begin;
    (price(best) < own).then_some(best)
}

/// What is done once a row, in the mean of its passes.
fn of_row(lines: &Program) -> usize {
    let steps = lines.passes.iter().flat_map(|pass| &pass.row);
    let cost = |step: &usize| match &lines.steps[*step].code {
        Code::Load(spot, _) if !spot.named.is_empty() => cost::NAMED,
        _ => cost::STEP,
    };
    steps.map(cost).sum::<usize>() / lines.passes.len().max(1)
}

/// Vectors are not always full.
fn filled(length: usize, cost: usize) -> usize {
    cost * length.next_multiple_of(VECTOR) / length.max(1)
}

/// What memory costs for each element if lines run along a loop.
fn work(program: &Program, axis: usize) -> usize {
    let spots = program.passes.iter().flat_map(|pass| pass.line.iter().chain(&pass.tile));
    let cost = |step: &usize| match &program.steps[*step].code {
        Code::Load(spot, _) | Code::Store(spot, _) => reach(spot, axis),
        _ => 0,
    };
    spots.map(cost).sum()
}

fn reach(spot: &Spot, axis: usize) -> usize {
    let step = Address::new(spot.address.whole(), axis).step().filter(|_| spot.named.is_empty());
    match step {
        Some(0 | 1) => cost::NEIGHBOUR,
        Some(step) if step % COLLISION == 0 => cost::COLLIDING,
        _ => cost::ALONE,
    }
}

/// Whether a program whose lines run through rows can be machine code: all places are sums of multiples of the counters within a row, the
/// line's own, and something that is known before the line begins.
pub(super) fn can_run(program: &Program) -> bool {
    let plain = |index: &Index| {
        index.terms.iter().all(|(atom, _)| match atom {
            Atom::Loop(_) => true,
            other => other.loops().iter().all(|axis| *axis < program.outer && *axis != program.vector),
        })
    };
    let steps = program.steps.iter().all(|step| match &step.code {
        Code::Load(Spot { address, .. }, _)
        | Code::Store(Spot { address, .. }, _)
        | Code::Index(address)
        | Code::Inside(address, ..) => plain(address.whole()),
        Code::Random { .. } => false,
        Code::Number(_) | Code::Apply(..) | Code::Same(_) | Code::Fold(..) => true,
    });
    steps && jit::covers_columns(program)
}

impl Job<'_> {
    /// Runs a program whose lines run through rows, some rows of a line at a time.
    pub(super) fn run_columns<T: Element>(&self) {
        let program = self.program;
        let length = program.length();
        let rows: usize = program.extents[..program.outer].iter().product();
        let lines = rows / length.max(1);
        let points: usize = program.extents[program.outer..].iter().product();
        // Enough tasks for many cores. Rows do not know of each other, so that the cut shows nowhere.
        let cut = length.div_ceil((2 * PARTS).div_ceil(lines.max(1))).next_multiple_of(VECTOR).min(TILE);
        let blocks = length.div_ceil(cut);
        let block = |core: &mut Core<T>, task: usize| {
            let start = task % blocks * cut;
            core.rows(task / blocks, start, cut.min(length - start));
        };
        let tasks = lines * blocks;
        if rows * points * program.steps.len() < SMALL || workers::threads() == 1 {
            let mut core = Core::<T>::new(self);
            return (0..tasks).for_each(|task| block(&mut core, task));
        }
        let chunk = tasks.div_ceil(2 * PARTS).max(1);
        workers::each_with(
            tasks.div_ceil(chunk),
            || Core::<T>::new(self),
            |core, part| (part * chunk..tasks.min((part + 1) * chunk)).for_each(|task| block(core, task)),
        );
    }
}

impl<T: Element> Core<'_, '_, T> {
    /// Some rows of a line.
    fn rows(&mut self, line: usize, start: usize, n: usize) {
        let program = self.job.program;
        let mut rest = line;
        self.counters.fill(0);
        for axis in (0..program.outer).rev().filter(|axis| *axis != program.vector) {
            self.counters[axis] = rest % program.extents[axis];
            rest /= program.extents[axis];
        }
        match &program.nest {
            Some(nest) => self.native_rows(nest, start, n),
            None => self.tile_rows(start, n),
        }
    }

    /// The same as a tile program.
    pub(crate) fn tile_rows(&mut self, start: usize, n: usize) {
        let program = self.job.program;
        let points: usize = program.extents[program.outer..].iter().product();
        for pass in &program.passes {
            self.counters[program.outer..].fill(0);
            pass.row.iter().for_each(|step| self.step(*step, start, n));
            let mut columns: Vec<Column<T>> =
                pass.folds.iter().filter_map(|fold| Column::new(&program.steps[*fold].code, n)).collect();
            if pass.tile.is_empty() && columns.is_empty() {
                continue;
            }
            for point in 0..points {
                self.go_to_point(point);
                pass.tile.iter().for_each(|step| self.step(*step, start, n));
                columns.iter_mut().for_each(|column| column.add(&self.lanes, self.arg(column.arg())));
            }
            for (fold, column) in pass.folds.iter().zip(&columns) {
                column.put(&mut self.lanes, *fold);
            }
        }
    }

    fn go_to_point(&mut self, point: usize) {
        let program = self.job.program;
        let mut rest = point;
        for axis in (program.outer..program.extents.len()).rev() {
            self.counters[axis] = rest % program.extents[axis];
            rest /= program.extents[axis];
        }
    }
}
