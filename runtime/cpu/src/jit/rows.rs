//! Rows along memory, as one function: loops over rows, over lines within rows and along lines are loops of machine code.
//!
//! ```text
//! for each row
//!     for each pass
//!         what the folds before came to     one element
//!         what is known of the row          one element, kept in memory
//!         for each line of the row
//!             for each vector of the line
//!                 steps, folds side by side
//! ```
//!
//! What is side by side becomes one as [`Core::fold`](crate::tile::Core::fold) says, so that results are those of the tile program: sums
//! are added to those of double precision behind each tile, or behind short lines that are as much.

use iced_x86::IcedError;
use iced_x86::code_asm::*;

use vspec_ir::plan::{Fold, ValueId};

use super::allocate::{Homes, allocate};
use super::code::CodeBuffer;
use super::cover::{INNER, covers_rows};
use super::emit::{BEFORE_ROWS, Emitted, Emitter, Frame, Function, STEP, beside, pinned};
use super::functions::extreme;
use super::ir::{Binary, Block, Compare, Inst, Logic, Source};
use super::lower::{Lower, Lowered, Rows, Value};
use super::nest::{Nest, begin, is_place, rows as kept};
use super::skip::with_skips;
use super::walk::{Walk, far, stride, used};
use super::{avx2, avx512, lines};
use crate::kernels::vector::Isa;
use crate::tile::{Code, HALVES, Pass, Program, TILE, lines_together};

/// Counters: of the loop over rows, of the first loop within rows, of tiles of a line or of short lines that come
/// together, of rows that are left to do.
const ROW: u32 = 0;
const WITHIN: u32 = 1;
const TILES: u32 = WITHIN + INNER as u32;
pub(super) const LEFT: u32 = TILES + 1;

/// Instructions of a pass.
struct Section {
    /// What the folds of the pass before came to.
    ends: Block,
    /// What is known of the row.
    row: Block,
    /// What folds begin with.
    begins: Block,
    points: Option<Points>,
}

/// What is done along lines.
struct Points {
    block: Block,
    walk: Walk,
    /// Folds, and those of them that are sums.
    folds: Vec<u32>,
    sums: Vec<u32>,
}

/// Machine code for many rows of a program, if it does all of their steps.
///
/// # Errors
/// Why there is none.
pub(super) fn rows(
    program: &Program,
    sizes: &dyn Fn(ValueId) -> usize,
    isa: Isa,
) -> Result<Option<Nest>, String> {
    if !covers_rows(program) {
        return Ok(None);
    }
    let rows = Rows { one: true, ..kept(program) };
    let mut maker = Maker { program, sizes, rows: &rows, shared: Lowered::default(), sections: vec![] };
    for pass in 0..program.passes.len() {
        maker.pass(pass)?;
    }
    let Maker { shared, sections, .. } = maker;
    let code = match isa {
        Isa::Avx512 => emit::<avx512::Avx512>(program, &sections, &shared, &rows)?,
        _ => emit::<avx2::Avx2>(program, &sections, &shared, &rows)?,
    };
    Ok(Some(Nest {
        code: CodeBuffer::new(&code).map_err(|error| error.to_string())?,
        constants: lines(&shared.block.constants, isa),
        pointers: shared.pointers,
        uniforms: shared.uniforms,
        lines: 2 + 3 * rows.folds.len() + rows.kept.len(),
    }))
}

struct Maker<'p> {
    program: &'p Program,
    sizes: &'p dyn Fn(ValueId) -> usize,
    rows: &'p Rows,
    /// What sections share: pointers, uniforms, constants.
    shared: Lowered,
    sections: Vec<Section>,
}

impl<'p> Maker<'p> {
    fn pass(&mut self, pass: usize) -> Result<(), String> {
        let own = &self.program.passes[pass];
        let before = pass.checked_sub(1).map_or(&[][..], |before| &self.program.passes[before].folds);
        let mut lower = self.lower();
        before.iter().for_each(|fold| self.end(&mut lower, *fold));
        let ends = self.close(lower)?;

        let mut lower = self.lower();
        lower.few = true;
        for fold in before {
            let slot = lower.slot(*fold) + u32::from(is_place(self.program, *fold));
            let result = Source::Var(lower.block().push(Inst::First(slot)));
            lower.know(*fold, Value::Vector(result));
        }
        for step in &own.row {
            lower.step(*step)?;
        }
        let known = |step: &&usize| before.contains(step) || own.row.contains(step);
        for (slot, step) in self.rows.kept.iter().enumerate().filter(|(_, step)| known(step)) {
            lower.keep(slot as u32, *step);
        }
        let row = self.close(lower)?;

        let mut lower = self.lower();
        own.folds.iter().for_each(|fold| begin(&mut lower, self.program, *fold, self.is_sum(*fold)));
        let begins = self.close(lower)?;
        let points = self.points(own)?;
        self.sections.push(Section { ends, row, begins, points });
        Ok(())
    }

    fn points(&mut self, pass: &Pass) -> Result<Option<Points>, String> {
        if pass.tile.is_empty() && pass.folds.is_empty() {
            return Ok(None);
        }
        let mut lower = self.lower();
        // In the order of the region, since a value may take the place of one that is read.
        let mut steps: Vec<usize> = pass.line.iter().chain(&pass.tile).copied().collect();
        steps.sort_unstable();
        for step in steps {
            lower.step(step)?;
        }
        pass.folds.iter().for_each(|fold| lower.fold(*fold));
        let mut points =
            Points { block: Block::default(), walk: self.walk(&lower)?, folds: vec![], sums: vec![] };
        for fold in &pass.folds {
            let slot = lower.slot(*fold);
            points.folds.push(slot);
            if is_place(self.program, *fold) {
                points.folds.push(slot + 1);
            }
            if self.is_sum(*fold) {
                points.sums.push(slot);
            }
        }
        points.block = self.close(lower)?;
        Ok(Some(points))
    }

    /// Through the lines of a row.
    fn walk(&self, lower: &Lower<'_>) -> Result<Walk, String> {
        let (program, out) = (self.program, &lower.out);
        Walk::new(program, &out.pointers, &used(&out.block), program.outer..program.vector, WITHIN)
    }

    /// A section that shares what there is.
    fn lower(&mut self) -> Lower<'p> {
        let mut lower = Lower::new(self.program, self.sizes, false);
        lower.rows = Some(self.rows);
        lower.counters = (self.program.outer - 1..self.program.vector).collect();
        lower.out = std::mem::take(&mut self.shared);
        lower
    }

    fn close(&mut self, lower: Lower<'p>) -> Result<Block, String> {
        if let Some(step) = lower.missing {
            return Err(format!("step {step} is not known"));
        }
        self.shared = lower.out;
        Ok(with_skips(self.shared.block.take()))
    }

    fn kind(&self, fold: usize) -> Option<Fold> {
        match self.program.steps[fold].code {
            Code::Fold(kind, _) => Some(kind),
            _ => None,
        }
    }

    fn is_sum(&self, fold: usize) -> bool {
        matches!(self.kind(fold), Some(Fold::Sum | Fold::Mean))
    }

    /// Makes one of what was folded side by side, halves first.
    fn end(&self, lower: &mut Lower<'p>, fold: usize) {
        let slot = lower.slot(fold);
        let count: usize = self.program.extents[self.program.outer..].iter().product();
        match self.kind(fold) {
            Some(Fold::Mean) => drop(lower.block().push(Inst::Join(slot, count.max(1) as u32))),
            Some(Fold::Max) => HALVES.iter().for_each(|by| halve(lower.block(), Binary::Max, slot, *by)),
            Some(Fold::Min) => HALVES.iter().for_each(|by| halve(lower.block(), Binary::Min, slot, *by)),
            Some(Fold::Argmax) => HALVES.iter().for_each(|by| halve_places(lower.block(), slot, *by)),
            Some(Fold::Sum) | None => drop(lower.block().push(Inst::Join(slot, 1))),
        }
    }
}

fn halve(block: &mut Block, op: Binary, slot: u32, by: usize) {
    let (a, b) = halves(block, slot, by);
    let both = extreme(block, op, a, b);
    block.push(Inst::Fold(slot, both));
}

fn halves(block: &mut Block, slot: u32, by: usize) -> (Source, Source) {
    let first = Source::Var(block.push(Inst::Folded(slot)));
    let behind = Source::Var(block.push(Inst::Behind(slot, by as u32)));
    (first, behind)
}

/// The larger one and its place; of equal ones that which comes first, and NaN is larger than any other.
fn halve_places(block: &mut Block, slot: u32, by: usize) {
    let (a, b) = halves(block, slot, by);
    let (place, other) = halves(block, slot + 1, by);
    let above = block.compare(Compare::Lt, a, b);
    let (number, nan) = (block.compare(Compare::Eq, a, a), block.compare(Compare::Unordered, b, b));
    let first_nan = block.logic(Logic::And, nan, number);
    let above = block.logic(Logic::Or, above, first_nan);
    let (same, known_nan) = (block.compare(Compare::Eq, a, b), block.compare(Compare::Unordered, a, a));
    let both_nan = block.logic(Logic::And, nan, known_nan);
    let same = block.logic(Logic::Or, same, both_nan);
    let before = block.compare(Compare::GtInt, place, other);
    let earlier = block.logic(Logic::And, same, before);
    let better = block.logic(Logic::Or, above, earlier);
    let (value, place) = (block.select(better, b, a), block.select(better, other, place));
    block.push(Inst::Fold(slot, value));
    block.push(Inst::Fold(slot + 1, place));
}

fn emit<E: Emitter>(
    program: &Program,
    sections: &[Section],
    shared: &Lowered,
    rows: &Rows,
) -> Result<Vec<u8>, String> {
    let around = program.outer - 1;
    let blocks = |section: &Section| -> Vec<Homes> {
        let points = section.points.iter().map(|points| (&points.block, pinned::<E>(&points.folds).len()));
        let all =
            [&section.ends, &section.row, &section.begins].into_iter().map(|block| (block, 0)).chain(points);
        all.map(|(block, pinned)| allocate(block, beside::<E>(pinned))).collect()
    };
    let homes: Vec<Vec<Homes>> = sections.iter().map(blocks).collect();
    let slots = homes.iter().flatten().map(|homes| homes.slots as usize).max().unwrap_or(0);
    let wide = BEFORE_ROWS + rows.folds.len() * STEP * 4;
    let frame = Frame { folds: BEFORE_ROWS, wide, rows: wide + rows.folds.len() * STEP * 8 };
    let mut moves = vec![];
    for (pointer, own) in shared.pointers.iter().enumerate() {
        moves.push((pointer as u32, far(stride(own, around))?));
    }
    let write = || -> Result<Vec<u8>, IcedError> {
        let mut f = Function::new::<E>(slots, frame)?;
        f.enter(f.stack_bytes::<E>(shared.uniforms.len()), shared.pointers.len())?;
        E::begin(&mut f, shared.uniforms.len())?;
        let mut next_row = f.asm.create_label();
        f.asm.set_label(&mut next_row)?;
        for (section, homes) in sections.iter().zip(&homes) {
            pass::<E>(&mut f, section, homes, program.length())?;
        }
        moves.iter().try_for_each(|(pointer, bytes)| f.advance(*pointer, *bytes))?;
        let (row, left) = (f.counter(ROW), f.counter(LEFT));
        f.asm.inc(row)?;
        f.asm.dec(left)?;
        f.asm.jne(next_row)?;
        f.leave()?;
        f.asm.assemble(0)
    };
    write().map_err(|error| error.to_string())
}

fn pass<E: Emitter>(f: &mut Function, section: &Section, homes: &[Homes], length: usize) -> Emitted {
    let (whole, tail) = (false, true);
    f.asm.xor(r9d, r9d)?;
    with::<E>(f, &section.ends, &homes[0], whole, E::LANES)?;
    if !section.row.code.is_empty() {
        // One element.
        f.asm.mov(eax, 1)?;
        E::rest(f)?;
        with::<E>(f, &section.row, &homes[1], tail, E::LANES)?;
    }
    with::<E>(f, &section.begins, &homes[2], whole, STEP)?;
    let Some(points) = section.points.as_ref().filter(|points| !points.walk.is_empty()) else {
        return Ok(());
    };
    f.homes.clone_from(&homes[3].of);
    let pinned = pinned::<E>(&points.folds);
    let together = lines_together(length);
    f.with_pinned::<E>(pinned, |f| {
        if together > 1 {
            let lines_left = f.counter(TILES);
            f.asm.mov(lines_left, together as i32)?;
        }
        points.walk.emit(f, |f| line::<E>(f, points, length))?;
        if points.walk.rounds() % together != 0 { widen::<E>(f, points) } else { Ok(()) }
    })
}

fn with<E: Emitter>(f: &mut Function, block: &Block, homes: &Homes, tail: bool, elements: usize) -> Emitted {
    f.homes.clone_from(&homes.of);
    f.round::<E>(block, tail, elements)
}

/// A line, tile by tile.
fn line<E: Emitter>(f: &mut Function, points: &Points, length: usize) -> Emitted {
    let (tiles, rest) = (length / TILE, length % TILE);
    f.asm.xor(r9d, r9d)?;
    if tiles > 0 {
        let counter = f.counter(TILES);
        f.asm.mov(counter, tiles as i32)?;
        let mut next_tile = f.asm.create_label();
        f.asm.set_label(&mut next_tile)?;
        let mut next = f.asm.create_label();
        f.asm.set_label(&mut next)?;
        f.round::<E>(&points.block, false, STEP)?;
        f.asm.add(r9, STEP as i32)?;
        f.asm.test(r9, TILE as i32 - 1)?;
        f.asm.jne(next)?;
        widen::<E>(f, points)?;
        f.asm.dec(counter)?;
        f.asm.jne(next_tile)?;
    }
    let full = tiles * TILE + rest / STEP * STEP;
    if rest >= STEP {
        let mut next = f.asm.create_label();
        f.asm.set_label(&mut next)?;
        f.round::<E>(&points.block, false, STEP)?;
        f.asm.add(r9, STEP as i32)?;
        f.asm.cmp(r9, full as i32)?;
        f.asm.jb(next)?;
    }
    if length > full {
        f.asm.mov(eax, (length - full) as i32)?;
        E::rest(f)?;
        f.round::<E>(&points.block, true, STEP)?;
    }
    if rest > 0 { end_line::<E>(f, points, lines_together(length)) } else { Ok(()) }
}

/// Adds the sums of as many lines as come together to those of double precision behind the last of them.
fn end_line<E: Emitter>(f: &mut Function, points: &Points, together: usize) -> Emitted {
    if together == 1 {
        return widen::<E>(f, points);
    }
    if points.sums.is_empty() {
        return Ok(());
    }
    let (lines_left, mut goes_on) = (f.counter(TILES), f.asm.create_label());
    f.asm.dec(lines_left)?;
    f.asm.jne(goes_on)?;
    widen::<E>(f, points)?;
    f.asm.mov(lines_left, together as i32)?;
    f.asm.set_label(&mut goes_on)?;
    f.asm.zero_bytes()
}

/// Adds the sums of a tile, or of lines that are as much, to those of double precision.
fn widen<E: Emitter>(f: &mut Function, points: &Points) -> Emitted {
    if points.sums.is_empty() {
        return Ok(());
    }
    let code = points.sums.iter().map(|fold| Inst::Widen(*fold)).collect();
    let homes = std::mem::take(&mut f.homes);
    f.round::<E>(&Block::of(code), false, STEP)?;
    f.homes = homes;
    f.asm.zero_bytes()
}
