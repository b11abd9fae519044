//! Programs whose lines run through rows, as one function: loops within rows are loops of machine code.
//!
//! ```text
//! for each vector of rows
//!     what is known of the rows             a section of each pass
//!     for each point of a row               and another one
//!         steps, folds lane by lane
//! ```
//!
//! Between sections results are kept in memory, a vector each. Pointers move on from point to point, and back to where the row begins.

use iced_x86::IcedError;

use vspec_ir::plan::{Fold, ValueId};

use super::allocate::allocate;
use super::code::{CodeBuffer, Line};
use super::emit::{BEFORE_ROWS, Emitted, Emitter, Frame, Function, STEP};
use super::ir::{Block, Inst, Source};
use super::lower::{Lower, Lowered, Pointer, Rows, Uniform, Value};
use super::skip::with_skips;
use super::walk::{Walk, used};
use super::{avx2, avx512, lines};
use crate::kernels::vector::Isa;
use crate::tile::{Code, Pass, Program, RUN};

/// Machine code for lines of rows.
#[derive(Debug)]
pub(crate) struct Nest {
    pub(super) code: CodeBuffer,
    pub(super) constants: Vec<Line>,
    pub(super) pointers: Vec<Pointer>,
    pub(super) uniforms: Vec<Uniform>,
    /// Lines of the tables behind the flag.
    pub(super) lines: usize,
}

impl Nest {
    /// Bytes of machine code.
    pub(crate) fn bytes(&self) -> usize {
        self.code.len()
    }
}

/// Instructions that are done once for a vector of rows, or at each of their points.
struct Section {
    block: Block,
    points: Option<Points>,
}

/// How points are gone through.
struct Points {
    walk: Walk,
    /// Sums that are added to those of double precision behind each run.
    widened: Vec<u32>,
}

/// The counter of a run's elements, behind those of loops.
const IN_RUN: u32 = 15;

struct Maker<'p> {
    program: &'p Program,
    sizes: &'p dyn Fn(ValueId) -> usize,
    rows: &'p Rows,
    /// What sections share: pointers, uniforms, constants.
    shared: Lowered,
    sections: Vec<Section>,
}

/// Makes machine code of a program whose lines run through rows.
///
/// # Errors
/// Why there is none.
pub(super) fn nest(program: &Program, sizes: &dyn Fn(ValueId) -> usize, isa: Isa) -> Result<Nest, String> {
    let rows = rows(program);
    let mut maker = Maker { program, sizes, rows: &rows, shared: Lowered::default(), sections: vec![] };
    for pass in 0..program.passes.len() {
        maker.pass(pass)?;
    }
    let Maker { shared, sections, .. } = maker;
    let code = match isa {
        Isa::Avx512 => emit::<avx512::Avx512>(&sections, &shared, &rows),
        _ => emit::<avx2::Avx2>(&sections, &shared, &rows),
    };
    let code = CodeBuffer::new(&code.map_err(|error| error.to_string())?);
    Ok(Nest {
        code: code.map_err(|error| error.to_string())?,
        constants: lines(&shared.block.constants, isa),
        pointers: shared.pointers,
        uniforms: shared.uniforms,
        lines: 1 + 3 * rows.folds.len() + rows.kept.len(),
    })
}

/// What is kept of rows: what other sections use.
pub(super) fn rows(program: &Program) -> Rows {
    let mut rows = Rows::default();
    let mut before: &[usize] = &[];
    for pass in &program.passes {
        let own: Vec<usize> = before.iter().chain(&pass.row).copied().collect();
        let is_used = |step: &usize| {
            let uses = |(user, own): (usize, &crate::tile::Step)| {
                own.code.operands().contains(step) && !pass.row.contains(&user)
            };
            let number = matches!(program.steps[*step].code, Code::Number(_));
            !number && program.steps.iter().enumerate().any(uses)
        };
        rows.kept.extend(own.iter().copied().filter(is_used));
        for fold in &pass.folds {
            // One accumulator, or one for the largest element and one for its place.
            let places = matches!(program.steps[*fold].code, Code::Fold(Fold::Argmax, _));
            rows.folds.extend(std::iter::repeat_n(*fold, 1 + usize::from(places)));
        }
        before = &pass.folds;
    }
    rows
}

/// Sets what a fold begins with; `wide`: its sum of double precision, too.
pub(super) fn begin(lower: &mut Lower<'_>, program: &Program, fold: usize, wide: bool) {
    let slot = lower.slot(fold);
    let with = match program.steps[fold].code {
        Code::Fold(Fold::Max | Fold::Argmax, _) => f32::NEG_INFINITY,
        Code::Fold(Fold::Min, _) => f32::INFINITY,
        _ => 0.0,
    };
    let with = lower.block().float(with);
    lower.block().push(Inst::Begin(slot, with, wide));
    if is_place(program, fold) {
        let first = lower.block().int(0);
        lower.block().push(Inst::Begin(slot + 1, first, false));
    }
}

/// Whether a fold looks for a place, which is in the accumulator behind that of the largest element.
pub(super) fn is_place(program: &Program, fold: usize) -> bool {
    matches!(program.steps[fold].code, Code::Fold(Fold::Argmax, _))
}

impl<'p> Maker<'p> {
    fn pass(&mut self, pass: usize) -> Result<(), String> {
        let own = &self.program.passes[pass];
        let before = pass.checked_sub(1).map_or(&[][..], |before| &self.program.passes[before].folds);
        let mut lower = self.lower();
        before.iter().for_each(|fold| self.result(&mut lower, *fold));
        for step in &own.row {
            lower.step(*step)?;
        }
        let known = |step: &&usize| before.contains(step) || own.row.contains(step);
        for (slot, step) in self.rows.kept.iter().enumerate().filter(|(_, step)| known(step)) {
            lower.keep(slot as u32, *step);
        }
        own.folds.iter().for_each(|fold| begin(&mut lower, self.program, *fold, self.is_widened(*fold)));
        self.close(lower, None)?;
        if own.tile.is_empty() && own.folds.is_empty() {
            return Ok(());
        }
        let mut lower = self.lower();
        for step in &own.tile {
            lower.step(*step)?;
        }
        own.folds.iter().for_each(|fold| lower.fold(*fold));
        let points = self.points(&lower.out, own)?;
        self.close(lower, points)
    }

    /// A section that shares what there is.
    fn lower(&mut self) -> Lower<'p> {
        let mut lower = Lower::new(self.program, self.sizes, false);
        lower.rows = Some(self.rows);
        lower.counters = (self.program.outer..self.program.extents.len()).collect();
        lower.out = std::mem::take(&mut self.shared);
        lower
    }

    fn close(&mut self, lower: Lower<'p>, points: Option<Points>) -> Result<(), String> {
        if let Some(step) = lower.missing {
            return Err(format!("step {step} is not known"));
        }
        self.shared = lower.out;
        let block = with_skips(self.shared.block.take());
        self.sections.push(Section { block, points });
        Ok(())
    }

    /// Rounds of the loops within rows.
    fn inner(&self) -> &[usize] {
        &self.program.extents[self.program.outer..]
    }

    fn count(&self) -> usize {
        self.inner().iter().product()
    }

    /// Whether a fold is a sum of more than one run.
    fn is_widened(&self, fold: usize) -> bool {
        let sums = matches!(self.program.steps[fold].code, Code::Fold(Fold::Sum | Fold::Mean, _));
        sums && self.count() > RUN
    }

    /// The result of a fold. Quotients of what both precisions hold are the same in both.
    fn result(&self, lower: &mut Lower<'p>, fold: usize) {
        let slot = lower.slot(fold) + u32::from(is_place(self.program, fold));
        let mean = matches!(self.program.steps[fold].code, Code::Fold(Fold::Mean, _));
        let count = if mean { self.count().max(1) } else { 1 };
        let result = match self.is_widened(fold) {
            true => Source::Var(lower.block().push(Inst::Total(slot, count as u32))),
            false => {
                let sum = Source::Var(lower.block().push(Inst::Folded(slot)));
                let divisor = lower.block().float(count as f32);
                match count {
                    1 => sum,
                    _ => lower.block().binary(super::ir::Binary::Div, sum, divisor),
                }
            }
        };
        lower.know(fold, Value::Vector(result));
    }

    fn points(&self, section: &Lowered, pass: &Pass) -> Result<Option<Points>, String> {
        let axes = self.program.outer..self.program.extents.len();
        if axes.len() > IN_RUN as usize {
            return Err("too many loops".to_string());
        }
        let walk = Walk::new(self.program, &section.pointers, &used(&section.block), axes, 0)?;
        let widened = pass.folds.iter().filter(|fold| self.is_widened(**fold));
        let slot = |fold: &usize| self.rows.folds.iter().position(|own| own == fold).map(|slot| slot as u32);
        Ok(Some(Points { walk, widened: widened.filter_map(slot).collect() }))
    }
}

fn emit<E: Emitter>(sections: &[Section], shared: &Lowered, rows: &Rows) -> Result<Vec<u8>, IcedError> {
    let homes: Vec<_> = sections.iter().map(|section| allocate(&section.block, E::REGISTERS)).collect();
    let slots = homes.iter().map(|homes| homes.slots as usize).max().unwrap_or(0);
    let wide = BEFORE_ROWS + rows.folds.len() * STEP * 4;
    let frame = Frame { folds: BEFORE_ROWS, wide, rows: wide + rows.folds.len() * STEP * 8 };
    let mut f = Function::new::<E>(slots, frame)?;
    f.enter(f.stack_bytes::<E>(shared.uniforms.len()), shared.pointers.len())?;
    E::begin(&mut f, shared.uniforms.len())?;
    f.all_rounds::<E>(false, |f, tail| {
        for (section, homes) in sections.iter().zip(&homes) {
            f.homes.clone_from(&homes.of);
            match &section.points {
                Some(points) => all_points::<E>(f, &section.block, points, tail)?,
                None => f.round::<E>(&section.block, tail, STEP)?,
            }
        }
        Ok(())
    })?;
    f.leave()?;
    f.asm.assemble(0)
}

/// A block at each point of rows.
fn all_points<E: Emitter>(f: &mut Function, block: &Block, points: &Points, tail: bool) -> Emitted {
    if points.walk.is_empty() {
        return Ok(());
    }
    if !points.widened.is_empty() {
        let in_run = f.counter(IN_RUN);
        f.asm.mov(in_run, RUN as i32)?;
    }
    points.walk.emit(f, |f| {
        f.round::<E>(block, tail, STEP)?;
        end_of_run::<E>(f, points, tail)
    })
}

fn end_of_run<E: Emitter>(f: &mut Function, points: &Points, tail: bool) -> Emitted {
    if points.widened.is_empty() {
        return Ok(());
    }
    let (in_run, mut goes_on) = (f.counter(IN_RUN), f.asm.create_label());
    f.asm.dec(in_run)?;
    f.asm.jne(goes_on)?;
    let code = points.widened.iter().map(|fold| Inst::Widen(*fold)).collect();
    let homes = std::mem::take(&mut f.homes);
    f.round::<E>(&Block::of(code), tail, STEP)?;
    f.homes = homes;
    f.asm.mov(in_run, RUN as i32)?;
    f.asm.set_label(&mut goes_on)?;
    f.asm.zero_bytes()
}
