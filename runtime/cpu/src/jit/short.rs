//! Short lines that nothing folds: one call does many of them.
//!
//! The function goes through lines of one length along the loop before the line's own. Pointers move on from line to line; what is the same
//! all along a line is worked out for each vector, which costs less than to keep it.

use iced_x86::IcedError;
use iced_x86::code_asm::*;

use vspec_ir::plan::{Atom, Index, ValueId};

use super::allocate::{Homes, allocate};
use super::code::CodeBuffer;
use super::cover::Cover;
use super::emit::{Emitter, Frame, Function, STEP};
use super::lower::{Lower, Lowered, Rows};
use super::nest::Nest;
use super::skip::with_skips;
use super::walk::{stride, used};
use super::{avx2, avx512, lines};
use crate::kernels::vector::Isa;
use crate::tile::{Code, Program, Spot};

/// Elements of a line from which on a call for each costs little.
const LONG: usize = 512;
/// Operations of a line that may be done for vectors instead: about as many as a call takes as long as.
const AGAIN: usize = 64;
/// The counter of lines that are left to do; the first one is that of the loop.
pub(super) const LEFT: u32 = 1;

/// Machine code for many lines of a program, if they are short and it does all of their steps.
///
/// # Errors
/// Why there is none.
pub(super) fn short(
    program: &Program,
    sizes: &dyn Fn(ValueId) -> usize,
    isa: Isa,
) -> Result<Option<Nest>, String> {
    let Some(around) = loop_of_lines(program) else { return Ok(None) };
    let rows = Rows::default();
    let mut lower = Lower::new(program, sizes, false);
    (lower.rows, lower.counters) = (Some(&rows), vec![around]);
    for step in 0..program.steps.len() {
        lower.step(step)?;
    }
    if let Some(step) = lower.missing {
        return Err(format!("step {step} is not known"));
    }
    let lowered = lower.out;
    let code = match isa {
        Isa::Avx512 => emit::<avx512::Avx512>(&lowered, program.length(), around),
        _ => emit::<avx2::Avx2>(&lowered, program.length(), around),
    };
    let code = CodeBuffer::new(&code.map_err(|error| error.to_string())?);
    Ok(Some(Nest {
        code: code.map_err(|error| error.to_string())?,
        constants: lines(&lowered.block.constants, isa),
        pointers: lowered.pointers,
        uniforms: lowered.uniforms,
        lines: 1,
    }))
}

/// The loop that lines follow each other in: places are sums of multiples of its counter, the line's own, and something that is known before.
fn loop_of_lines(program: &Program) -> Option<usize> {
    let [pass] = program.passes.as_slice() else { return None };
    let around = program.vector.checked_sub(1)?;
    let many = program.extents[around] > 1 && (1..LONG).contains(&program.length());
    let again = |step: &&usize| matches!(program.steps[**step].code, Code::Apply(..));
    let again = pass.line.iter().filter(again).count() * program.length().div_ceil(STEP);
    if program.outer > 0 || !many || again > AGAIN || !pass.folds.is_empty() || !pass.row.is_empty() {
        return None;
    }
    let cover = Cover { program };
    let moves = |axis: &usize| *axis == around || *axis == program.vector;
    let plain = |index: &Index| {
        index.terms.iter().all(|(atom, factor)| match atom {
            // How far pointers move in all, in bytes.
            Atom::Loop(axis) if *axis == around => {
                i32::try_from(factor.saturating_mul(4 * program.extents[around] as i64)).is_ok()
            }
            Atom::Loop(_) => true,
            _ => !atom.loops().iter().any(moves),
        })
    };
    let does = |step: usize| match &program.steps[step].code {
        Code::Store(spot, _) if spot.address.is_uniform() => false,
        Code::Load(Spot { address, .. }, _)
        | Code::Store(Spot { address, .. }, _)
        | Code::Index(address)
        | Code::Inside(address, ..) => plain(address.whole()) && cover.step(step, false),
        _ => cover.step(step, false),
    };
    (0..program.steps.len()).all(does).then_some(around)
}

fn emit<E: Emitter>(lowered: &Lowered, length: usize, around: usize) -> Result<Vec<u8>, IcedError> {
    let block = &with_skips(lowered.block.clone());
    let Homes { of, slots } = allocate(block, E::REGISTERS);
    let mut f = Function::new::<E>(slots as usize, Frame::LINE)?;
    f.homes = of;
    f.enter(f.stack_bytes::<E>(lowered.uniforms.len()), lowered.pointers.len())?;
    E::begin(&mut f, lowered.uniforms.len())?;
    let (full, rest) = (length / STEP * STEP, length % STEP);
    let mut next_line = f.asm.create_label();
    f.asm.set_label(&mut next_line)?;
    f.asm.xor(r9d, r9d)?;
    if full > 0 {
        let mut top = f.asm.create_label();
        f.asm.set_label(&mut top)?;
        f.round::<E>(block, false, STEP)?;
        f.asm.add(r9, STEP as i32)?;
        f.asm.cmp(r9, full as i32)?;
        f.asm.jb(top)?;
    }
    if rest > 0 {
        f.asm.mov(eax, rest as i32)?;
        E::rest(&mut f)?;
        f.round::<E>(block, true, STEP)?;
    }
    for own in used(block) {
        f.advance(own, stride(&lowered.pointers[own as usize], around) as i32)?;
    }
    let (here, left) = (f.counter(0), f.counter(LEFT));
    f.asm.inc(here)?;
    f.asm.dec(left)?;
    f.asm.jne(next_line)?;
    f.leave()?;
    f.asm.assemble(0)
}
