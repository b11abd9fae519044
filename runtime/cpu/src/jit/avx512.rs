//! AVX-512 (F, BW, DQ, VL): 16 elements in a `zmm` register, masks in `k` registers.

use iced_x86::IcedError;
use iced_x86::code_asm::*;

use super::allocate::{Home, Registers};
use super::emit::{At, Emitted, Emitter, Function, join_four, ordered};
use super::ir::{Binary, Compare, Inst, Logic, Shift, Source, Unary, Var};

/// Registers for results.
const VECTORS: [AsmRegisterZmm; 28] = [
    zmm0, zmm1, zmm2, zmm3, zmm4, zmm5, zmm6, zmm7, zmm8, zmm9, zmm10, zmm11, zmm12, zmm13, zmm16, zmm17,
    zmm18, zmm19, zmm20, zmm21, zmm22, zmm23, zmm24, zmm25, zmm26, zmm27, zmm28, zmm29,
];
/// For an instruction's own use; the last two for tables.
const OWN: AsmRegisterZmm = zmm14;
const RESULT: AsmRegisterZmm = zmm15;
const FOUND: AsmRegisterZmm = zmm30;
const TABLE: AsmRegisterZmm = zmm31;
/// The beginnings of `RESULT` and `OWN`, which are among the first sixteen, which all instructions can name.
const BYTES: AsmRegisterXmm = xmm15;
const OTHER_BYTES: AsmRegisterXmm = xmm14;

/// Registers for masks; `k6` is for an instruction's own use, `k7` holds which elements of the tail are there.
const MASKS: [AsmRegisterK; 5] = [K1, K2, K3, K4, K5];
const K1: AsmRegisterK = k1;
const K2: AsmRegisterK = k2;
const K3: AsmRegisterK = k3;
const K4: AsmRegisterK = k4;
const K5: AsmRegisterK = k5;
const OWN_MASK: AsmRegisterK = k6;
const TAIL: AsmRegisterK = k7;

/// Bytes of the stack for places.
const PLACES: usize = 64;

pub(super) struct Avx512;

/// A second operand.
#[derive(Clone, Copy)]
enum Operand {
    Register(AsmRegisterZmm),
    Memory(AsmMemoryOperand),
}

/// An instruction whose last operand may be in memory.
macro_rules! with {
    ($f:ident.$name:ident, $operand:expr $(, $before:expr)*) => {
        match $operand {
            Operand::Register(last) => $f.asm.$name($($before,)* last)?,
            Operand::Memory(last) => $f.asm.$name($($before,)* last)?,
        }
    };
    ($f:ident.$name:ident, $operand:expr, $($before:expr),* ; $after:expr) => {
        match $operand {
            Operand::Register(last) => $f.asm.$name($($before,)* last, $after)?,
            Operand::Memory(last) => $f.asm.$name($($before,)* last, $after)?,
        }
    };
}

fn operand(f: &Function, source: Source) -> Operand {
    match source {
        Source::Var(var) => match f.home(var) {
            Home::Register(register) => Operand::Register(VECTORS[register as usize]),
            Home::Slot(slot) => Operand::Memory(zmmword_ptr(f.slot(slot))),
            Home::Nowhere => Operand::Register(RESULT),
        },
        Source::Constant(constant) => Operand::Memory(dword_bcst(f.constant(constant))),
        Source::Uniform(uniform) => Operand::Memory(dword_bcst(rdx + 4 * uniform as i32)),
    }
}

/// An operand in a register: its own, or the one for that.
fn register(f: &mut Function, source: Source) -> Result<AsmRegisterZmm, IcedError> {
    match (source, operand(f, source)) {
        (_, Operand::Register(register)) => return Ok(register),
        (Source::Var(_), Operand::Memory(memory)) => f.asm.vmovaps(OWN, memory)?,
        (Source::Constant(constant), _) => f.asm.vbroadcastss(OWN, dword_ptr(f.constant(constant)))?,
        (Source::Uniform(uniform), _) => f.asm.vbroadcastss(OWN, dword_ptr(rdx + 4 * uniform as i32))?,
    }
    Ok(OWN)
}

/// A mask in a register: its own, or another.
fn mask(f: &mut Function, var: Var, other: AsmRegisterK) -> Result<AsmRegisterK, IcedError> {
    match f.home(var) {
        Home::Register(register) => Ok(MASKS[register as usize]),
        Home::Slot(slot) => {
            f.asm.kmovw(other, word_ptr(f.slot(slot)))?;
            Ok(other)
        }
        Home::Nowhere => Ok(other),
    }
}

fn target(f: &Function, var: Var) -> AsmRegisterZmm {
    match f.home(var) {
        Home::Register(register) => VECTORS[register as usize],
        _ => RESULT,
    }
}

fn mask_target(f: &Function, var: Var) -> AsmRegisterK {
    match f.home(var) {
        Home::Register(register) => MASKS[register as usize],
        _ => OWN_MASK,
    }
}

/// Stores a result that is kept in memory.
fn keep(f: &mut Function, var: Var) -> Emitted {
    match f.home(var) {
        Home::Slot(slot) => f.asm.vmovaps(zmmword_ptr(f.slot(slot)), RESULT),
        _ => Ok(()),
    }
}

fn keep_mask(f: &mut Function, var: Var) -> Emitted {
    match f.home(var) {
        Home::Slot(slot) => f.asm.kmovw(word_ptr(f.slot(slot)), OWN_MASK),
        _ => Ok(()),
    }
}

/// A register that is written where a mask holds.
fn masked(register: AsmRegisterZmm, mask: AsmRegisterK) -> AsmRegisterZmm {
    match mask {
        K1 => register.k1(),
        K2 => register.k2(),
        K3 => register.k3(),
        K4 => register.k4(),
        K5 => register.k5(),
        OWN_MASK => register.k6(),
        _ => register.k7(),
    }
}

impl Emitter for Avx512 {
    const LANES: usize = 16;
    const CONSTANT: usize = 4;
    const REGISTERS: Registers = Registers { vectors: VECTORS.len() as u8, masks: Some(5) };
    const PINNED: usize = 8;

    fn own(_: usize) -> usize {
        PLACES
    }

    fn begin(_: &mut Function, _: usize) -> Emitted {
        Ok(())
    }

    fn rest(f: &mut Function) -> Emitted {
        // The bits below the number of elements.
        f.asm.mov(r10d, -1)?;
        f.asm.bzhi(r10d, r10d, eax)?;
        f.asm.kmovw(TAIL, r10d)
    }

    fn inst(f: &mut Function, var: Var, inst: &Inst, at: At) -> Emitted {
        match *inst {
            Inst::Binary(op, a, b) => binary(f, var, op, a, b)?,
            Inst::Unary(op, x) => unary(f, var, op, x)?,
            Inst::Shift(way, x, by) => shift(f, var, way, x, by)?,
            Inst::Compare(op, a, b) => return compare(f, var, op, a, b),
            Inst::Logic(op, a, b) => return logic(f, var, op, a, b),
            Inst::Select(which, a, b) => select(f, var, which, a, b)?,
            Inst::Truth(uniform) => {
                let to = mask_target(f, var);
                f.asm.kmovw(to, word_ptr(rdx + 4 * uniform as i32))?;
                return keep_mask(f, var);
            }
            Inst::Lane => {
                let to = target(f, var);
                f.asm.vpbroadcastd(to, r9d)?;
                f.asm.vpaddd(to, to, zmmword_ptr(f.numbers(0)))?;
            }
            Inst::Load(pointer, guard) => load(f, var, pointer, guard, at)?,
            Inst::LoadBytes(pointer, guard) => return load_bytes(f, var, pointer, guard, at),
            Inst::Gather(pointer, places, guard) => gather(f, var, (pointer, places), guard, at)?,
            Inst::Lookup(pointer, count, numbers, guard) => {
                lookup(f, var, (pointer, count, numbers), guard, at)?
            }
            Inst::GatherBytes(pointer, _, None, Some(step)) if !at.tail => {
                return bytes_apart(f, var, pointer, step);
            }
            Inst::GatherBytes(pointer, places, guard, _) => {
                return gather_bytes(f, var, (pointer, places), guard, at);
            }
            Inst::Store(pointer, from) => return store(f, pointer, from, at),
            Inst::StoreBytes(pointer, from) => return store_bytes(f, pointer, from, at),
            Inst::Scatter(pointer, places, from) => return scatter(f, pointer, places, from, at),
            Inst::Folded(fold) => folded(f, var, fold, at)?,
            Inst::Fold(fold, from) => return fold_into(f, fold, from, at),
            Inst::Flag(which) => return flag(f, which, at),
            // Not by itself: whoever goes through the block jumps, since he knows where to.
            Inst::Skip(..) => return Ok(()),
            Inst::Broadcast(pointer) => {
                let (to, from) = (target(f, var), f.pointer(pointer)?);
                f.asm.vbroadcastss(to, dword_ptr(from))?;
            }
            Inst::Counter(counter) => {
                let (to, from) = (target(f, var), f.counter(counter));
                f.asm.vpbroadcastd(to, from)?;
            }
            Inst::Row(slot) => {
                let (to, from) = (target(f, var), f.row(slot, at));
                f.asm.vmovups(to, zmmword_ptr(from))?;
            }
            Inst::Keep(slot, from) => {
                let (from, to) = (register(f, from)?, f.row(slot, at));
                return f.asm.vmovups(zmmword_ptr(to), from);
            }
            Inst::Begin(fold, with, wide) => return begin(f, (fold, with), wide, at),
            Inst::Widen(fold) => return widen(f, fold, at),
            Inst::Total(fold, by) => total(f, var, (fold, by), at)?,
            Inst::Behind(fold, by) => {
                let (to, from) = (target(f, var), f.accumulator(fold, at) + 4 * by as i32);
                f.asm.vmovups(to, zmmword_ptr(from))?;
            }
            Inst::Join(fold, by) => return join(f, fold, by),
            Inst::First(fold) => {
                let (to, from) = (target(f, var), f.accumulator(fold, At::FIRST));
                f.asm.vbroadcastss(to, dword_ptr(from))?;
            }
            Inst::Known(slot) => {
                let (to, from) = (target(f, var), f.row(slot, At::FIRST));
                f.asm.vbroadcastss(to, dword_ptr(from))?;
            }
        }
        keep(f, var)
    }

    fn skip(f: &mut Function, which: Var, everywhere: bool, to: CodeLabel) -> Emitted {
        let which = mask(f, which, OWN_MASK)?;
        f.asm.kortestw(which, which)?;
        if everywhere { f.asm.jc(to) } else { f.asm.jz(to) }
    }

    fn pin(f: &mut Function, fold: u32, at: At) -> Emitted {
        let Some(to) = pinned(f, fold) else { return Ok(()) };
        let from = f.accumulator(fold, at);
        f.asm.vmovups(to, zmmword_ptr(from))
    }

    fn unpin(f: &mut Function, fold: u32, at: At) -> Emitted {
        let Some(from) = pinned(f, fold) else { return Ok(()) };
        let to = f.accumulator(fold, at);
        f.asm.vmovups(zmmword_ptr(to), from)
    }
}

/// The register of a fold: the last ones are for these.
fn pinned(f: &Function, fold: u32) -> Option<AsmRegisterZmm> {
    let place = f.pinned.iter().position(|own| *own == fold)?;
    VECTORS.get(VECTORS.len() - 1 - place).copied()
}

fn folded(f: &mut Function, var: Var, fold: u32, at: At) -> Emitted {
    let to = target(f, var);
    match pinned(f, fold) {
        Some(from) => f.asm.vmovaps(to, from),
        None => {
            let from = f.accumulator(fold, at);
            f.asm.vmovups(to, zmmword_ptr(from))
        }
    }
}

fn fold_into(f: &mut Function, fold: u32, from: Source, at: At) -> Emitted {
    let from = register(f, from)?;
    if let Some(to) = pinned(f, fold) {
        return f.asm.vmovaps(if at.tail { to.k7() } else { to }, from);
    }
    let to = zmmword_ptr(f.accumulator(fold, at));
    f.asm.vmovups(if at.tail { to.k7() } else { to }, from)
}

fn binary(f: &mut Function, var: Var, op: Binary, a: Source, b: Source) -> Emitted {
    let (a, b) = ordered(f, op, a, b);
    let (a, b, to) = (register(f, a)?, operand(f, b), target(f, var));
    match op {
        Binary::Add => with!(f.vaddps, b, to, a),
        Binary::Sub => with!(f.vsubps, b, to, a),
        Binary::Mul => with!(f.vmulps, b, to, a),
        Binary::Div => with!(f.vdivps, b, to, a),
        Binary::Max => with!(f.vmaxps, b, to, a),
        Binary::Min => with!(f.vminps, b, to, a),
        Binary::And => with!(f.vpandd, b, to, a),
        Binary::Or => with!(f.vpord, b, to, a),
        Binary::Xor => with!(f.vpxord, b, to, a),
        Binary::AddInt => with!(f.vpaddd, b, to, a),
        Binary::SubInt => with!(f.vpsubd, b, to, a),
        Binary::MulInt => with!(f.vpmulld, b, to, a),
        Binary::MaxInt => with!(f.vpmaxsd, b, to, a),
        Binary::MinInt => with!(f.vpminsd, b, to, a),
    }
    Ok(())
}

fn unary(f: &mut Function, var: Var, op: Unary, x: Source) -> Emitted {
    let (x, to) = (operand(f, x), target(f, var));
    match op {
        Unary::Sqrt => with!(f.vsqrtps, x, to),
        Unary::Floor => with!(f.vrndscaleps, x, to; 9),
        Unary::ToInt => with!(f.vcvttps2dq, x, to),
        Unary::ToFloat => with!(f.vcvtdq2ps, x, to),
    }
    Ok(())
}

fn shift(f: &mut Function, var: Var, way: Shift, x: Source, by: u8) -> Emitted {
    let (x, to, by) = (register(f, x)?, target(f, var), u32::from(by));
    match way {
        Shift::Left => f.asm.vpslld(to, x, by),
        Shift::Right => f.asm.vpsrld(to, x, by),
        Shift::Signed => f.asm.vpsrad(to, x, by),
    }
}

fn compare(f: &mut Function, var: Var, op: Compare, a: Source, b: Source) -> Emitted {
    let (a, b, to) = (register(f, a)?, operand(f, b), mask_target(f, var));
    match op {
        Compare::Eq => with!(f.vcmpps, b, to, a; 0),
        Compare::Lt => with!(f.vcmpps, b, to, a; 17),
        Compare::Le => with!(f.vcmpps, b, to, a; 18),
        Compare::Ge => with!(f.vcmpps, b, to, a; 29),
        Compare::Ne => with!(f.vcmpps, b, to, a; 4),
        Compare::Unordered => with!(f.vcmpps, b, to, a; 3),
        Compare::EqInt => with!(f.vpcmpd, b, to, a; 0),
        Compare::GtInt => with!(f.vpcmpd, b, to, a; 6),
    }
    keep_mask(f, var)
}

fn logic(f: &mut Function, var: Var, op: Logic, a: Var, b: Var) -> Emitted {
    let to = mask_target(f, var);
    let a = mask(f, a, OWN_MASK)?;
    // Only one of both may need the register for that: the other is read from memory into the tail's, which is restored.
    let b = match f.home(b) {
        Home::Slot(slot) if a == OWN_MASK => {
            f.asm.kmovw(r10d, TAIL)?;
            f.asm.kmovw(TAIL, word_ptr(f.slot(slot)))?;
            TAIL
        }
        _ => mask(f, b, OWN_MASK)?,
    };
    match op {
        Logic::And => f.asm.kandw(to, a, b)?,
        Logic::Or => f.asm.korw(to, a, b)?,
        Logic::Xor => f.asm.kxorw(to, a, b)?,
        Logic::AndNot => f.asm.kandnw(to, a, b)?,
    }
    if b == TAIL {
        f.asm.kmovw(TAIL, r10d)?;
    }
    keep_mask(f, var)
}

fn select(f: &mut Function, var: Var, which: Var, a: Source, b: Source) -> Emitted {
    let which = mask(f, which, OWN_MASK)?;
    let (b, a, to) = (register(f, b)?, operand(f, a), target(f, var));
    with!(f.vblendmps, a, masked(to, which), b);
    Ok(())
}

/// Which elements are touched, if not all.
fn touched(f: &mut Function, guard: Option<Var>, at: At) -> Result<Option<AsmRegisterK>, IcedError> {
    let Some(guard) = guard else { return Ok(at.tail.then_some(TAIL)) };
    let guard = mask(f, guard, OWN_MASK)?;
    if !at.tail {
        return Ok(Some(guard));
    }
    f.asm.kandw(OWN_MASK, guard, TAIL)?;
    Ok(Some(OWN_MASK))
}

fn load(f: &mut Function, var: Var, pointer: u32, guard: Option<Var>, at: At) -> Emitted {
    let touched = touched(f, guard, at)?;
    let (to, from) = (target(f, var), f.neighbours(pointer, 4, at)?);
    f.fetch(from, at)?;
    let from = zmmword_ptr(from);
    match touched {
        None => f.asm.vmovups(to, from),
        Some(mask) => f.asm.vmovups(masked(to, mask).z(), from),
    }
}

fn load_bytes(f: &mut Function, var: Var, pointer: u32, guard: Option<Var>, at: At) -> Emitted {
    claim(f, guard, at)?;
    let (to, from) = (mask_target(f, var), xmmword_ptr(f.neighbours(pointer, 1, at)?));
    f.asm.vmovdqu8(BYTES.k6().z(), from)?;
    f.asm.vptestmb(to, BYTES, BYTES)?;
    keep_mask(f, var)
}

/// Puts into `k6` which elements are touched.
fn claim(f: &mut Function, guard: Option<Var>, at: At) -> Emitted {
    match touched(f, guard, at)? {
        None => f.asm.kxnorw(OWN_MASK, OWN_MASK, OWN_MASK),
        Some(OWN_MASK) => Ok(()),
        Some(mask) => f.asm.kmovw(OWN_MASK, mask),
    }
}

fn gather(
    f: &mut Function,
    var: Var,
    (pointer, places): (u32, Source),
    guard: Option<Var>,
    at: At,
) -> Emitted {
    claim(f, guard, at)?;
    let (places, pointer) = (register(f, places)?, f.pointer(pointer)?);
    // The places may lie in the register of the result.
    f.asm.vpxord(RESULT, RESULT, RESULT)?;
    f.asm.vgatherdps(RESULT.k6(), ptr(pointer + places * 4))?;
    match target(f, var) {
        RESULT => Ok(()),
        to => f.asm.vmovaps(to, RESULT),
    }
}

/// Bytes here and there: the words of four that they lie in, and of each the one that is meant.
fn gather_bytes(
    f: &mut Function,
    var: Var,
    (pointer, places): (u32, Source),
    guard: Option<Var>,
    at: At,
) -> Emitted {
    claim(f, guard, at)?;
    let (places, pointer) = (register(f, places)?, f.pointer(pointer)?);
    let kept = zmmword_ptr(f.stack(0));
    f.asm.mov(r10, pointer)?;
    f.asm.and(r10, 3)?;
    f.asm.vpbroadcastd(RESULT, r10d)?;
    f.asm.vpaddd(RESULT, RESULT, places)?;
    f.asm.vmovaps(kept, RESULT)?;
    f.asm.vpsrad(OWN, RESULT, 2)?;
    f.asm.mov(rax, pointer)?;
    f.asm.and(rax, -4)?;
    f.asm.vpxord(RESULT, RESULT, RESULT)?;
    f.asm.vpgatherdd(RESULT.k6(), ptr(rax + OWN * 4))?;
    f.asm.vmovaps(OWN, kept)?;
    // Eight bits for each byte that lies before it.
    f.asm.vpslld(OWN, OWN, 30)?;
    f.asm.vpsrld(OWN, OWN, 27)?;
    f.asm.vpsrlvd(RESULT, RESULT, OWN)?;
    f.asm.vpslld(RESULT, RESULT, 24)?;
    let to = mask_target(f, var);
    f.asm.vptestmd(to, RESULT, RESULT)?;
    keep_mask(f, var)
}

/// Bytes that are equally far apart, one after the other: an instruction that gathers takes longer.
fn bytes_apart(f: &mut Function, var: Var, pointer: u32, step: i32) -> Emitted {
    let pointer = f.pointer(pointer)?;
    f.asm.imul_3(r10, r9, step)?;
    f.asm.add(r10, pointer)?;
    for (half, to) in [(0, BYTES), (8, OTHER_BYTES)] {
        f.asm.vpxor(to, to, to)?;
        for byte in 0..8 {
            f.asm.vpinsrb(to, to, byte_ptr(r10 + (half + byte) * step), byte)?;
        }
    }
    f.asm.vpunpcklqdq(BYTES, BYTES, OTHER_BYTES)?;
    let to = mask_target(f, var);
    f.asm.vptestmb(to, BYTES, BYTES)?;
    keep_mask(f, var)
}

/// Elements of a table: 32 at a time lie in two registers, which an instruction picks from.
fn lookup(
    f: &mut Function,
    var: Var,
    (pointer, count, numbers): (u32, u32, Source),
    guard: Option<Var>,
    at: At,
) -> Emitted {
    let (numbers, pointer) = (register(f, numbers)?, f.pointer(pointer)?);
    for first in (0..count).step_by(32) {
        let into = if first == 0 { FOUND } else { TABLE };
        part_of_table(f, into, pointer, first..count)?;
        match count - first {
            ..=16 => f.asm.vpermt2ps(into, numbers, into)?,
            _ => {
                part_of_table(f, RESULT, pointer, first + 16..count)?;
                f.asm.vpermt2ps(into, numbers, RESULT)?;
            }
        }
        if first > 0 {
            f.asm.mov(r10d, first)?;
            f.asm.vpbroadcastd(RESULT, r10d)?;
            // Not less.
            f.asm.vpcmpd(OWN_MASK, numbers, RESULT, 5)?;
            f.asm.vmovaps(FOUND.k6(), TABLE)?;
        }
    }
    let to = target(f, var);
    match touched(f, guard, at)? {
        None => f.asm.vmovaps(to, FOUND),
        Some(mask) => f.asm.vmovaps(masked(to, mask).z(), FOUND),
    }
}

/// The first sixteen of some elements, as far as there are any.
fn part_of_table(
    f: &mut Function,
    to: AsmRegisterZmm,
    pointer: AsmRegister64,
    elements: std::ops::Range<u32>,
) -> Emitted {
    let from = zmmword_ptr(pointer + 4 * elements.start as i32);
    if elements.len() >= 16 {
        return f.asm.vmovups(to, from);
    }
    f.asm.mov(r10d, (1 << elements.len()) - 1)?;
    f.asm.kmovw(OWN_MASK, r10d)?;
    f.asm.vmovups(to.k6().z(), from)
}

fn scatter(f: &mut Function, pointer: u32, places: Source, from: Source, at: At) -> Emitted {
    claim(f, None, at)?;
    let from = register(f, from)?;
    f.asm.vmovaps(RESULT, from)?;
    let (places, pointer) = (register(f, places)?, f.pointer(pointer)?);
    f.asm.vscatterdps(ptr(pointer + places * 4).k6(), RESULT)
}

fn store(f: &mut Function, pointer: u32, from: Source, at: At) -> Emitted {
    let from = register(f, from)?;
    let to = f.neighbours(pointer, 4, at)?;
    f.fetch_to_write(to, at)?;
    let to = zmmword_ptr(to);
    f.asm.vmovups(if at.tail { to.k7() } else { to }, from)
}

fn store_bytes(f: &mut Function, pointer: u32, from: Var, at: At) -> Emitted {
    let from = mask(f, from, OWN_MASK)?;
    // 0 or -1, and then 0 or 1.
    f.asm.vpmovm2b(BYTES, from)?;
    f.asm.vpabsb(BYTES, BYTES)?;
    let to = xmmword_ptr(f.neighbours(pointer, 1, at)?);
    f.asm.vmovdqu8(if at.tail { to.k7() } else { to }, BYTES)
}

fn flag(f: &mut Function, which: Var, at: At) -> Emitted {
    let which = mask(f, which, OWN_MASK)?;
    f.asm.kmovw(r10d, which)?;
    if at.tail {
        f.asm.kmovw(eax, TAIL)?;
        f.asm.and(r10d, eax)?;
    }
    f.asm.or(dword_ptr(rdi), r10d)
}

/// Bytes of half a vector.
const HALF: i32 = 32;

fn begin(f: &mut Function, (fold, with): (u32, Source), wide: bool, at: At) -> Emitted {
    let (with, narrow) = (register(f, with)?, f.accumulator(fold, at));
    f.asm.vmovups(zmmword_ptr(narrow), with)?;
    if wide {
        f.asm.vpxord(RESULT, RESULT, RESULT)?;
        for half in 0..2 {
            let to = f.wide(fold, at) + 2 * HALF * half;
            f.asm.vmovups(zmmword_ptr(to), RESULT)?;
        }
    }
    Ok(())
}

/// Half of both sums of a fold, together, in `OWN`.
fn both(f: &mut Function, fold: u32, half: i32, at: At) -> Emitted {
    let (narrow, wide) = (f.accumulator(fold, at) + HALF * half, f.wide(fold, at) + 2 * HALF * half);
    f.asm.vcvtps2pd(OWN, ymmword_ptr(narrow))?;
    f.asm.vaddpd(OWN, OWN, zmmword_ptr(wide))
}

fn widen(f: &mut Function, fold: u32, at: At) -> Emitted {
    // Sums in a register are read from memory, too: that is done once a tile.
    Avx512::unpin(f, fold, at)?;
    for half in 0..2 {
        both(f, fold, half, at)?;
        let to = f.wide(fold, at) + 2 * HALF * half;
        f.asm.vmovups(zmmword_ptr(to), OWN)?;
    }
    if let Some(own) = pinned(f, fold) {
        return f.asm.vpxord(own, own, own);
    }
    let narrow = f.accumulator(fold, at);
    f.asm.vpxord(OWN, OWN, OWN)?;
    f.asm.vmovups(zmmword_ptr(narrow), OWN)
}

fn total(f: &mut Function, var: Var, (fold, by): (u32, u32), at: At) -> Emitted {
    if by != 1 {
        f.asm.mov(eax, by)?;
        f.asm.vcvtsi2sd(BYTES, BYTES, rax)?;
        f.asm.vbroadcastsd(RESULT, BYTES)?;
    }
    let narrow = f.accumulator(fold, at);
    for half in 0..2 {
        both(f, fold, half, at)?;
        if by != 1 {
            f.asm.vdivpd(OWN, OWN, RESULT)?;
        }
        f.asm.vcvtpd2ps(ymm14, OWN)?;
        f.asm.vmovups(ymmword_ptr(narrow + HALF * half), ymm14)?;
    }
    let to = target(f, var);
    f.asm.vmovups(to, zmmword_ptr(narrow))
}

/// Adds sums of double precision, halves first.
fn join(f: &mut Function, fold: u32, by: u32) -> Emitted {
    let (wide, narrow) = (f.wide(fold, At::FIRST), f.accumulator(fold, At::FIRST));
    f.asm.vmovups(OWN, zmmword_ptr(wide))?;
    f.asm.vaddpd(OWN, OWN, zmmword_ptr(wide + 2 * HALF))?;
    f.asm.vextractf64x4(ymm15, OWN, 1)?;
    f.asm.vaddpd(ymm14, ymm14, ymm15)?;
    join_four(f, (ymm14, xmm14), xmm15, by)?;
    f.asm.vmovss(dword_ptr(narrow), xmm14)
}
