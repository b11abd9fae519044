//! AVX2: 8 elements in a `ymm` register, two of which are done for each round; masks are vectors of bits that are all the same.

use iced_x86::IcedError;
use iced_x86::code_asm::*;

use super::allocate::{Home, Registers};
use super::emit::{At, Emitted, Emitter, FIRST_ONES, Function, join_four, ordered};
use super::ir::{Binary, Compare, Inst, Logic, Shift, Source, Unary, Var};

/// Registers for results, then three for an instruction's own use.
const VECTORS: [AsmRegisterYmm; 16] =
    [ymm0, ymm1, ymm2, ymm3, ymm4, ymm5, ymm6, ymm7, ymm8, ymm9, ymm10, ymm11, ymm12, ymm13, ymm14, ymm15];
const LOWER: [AsmRegisterXmm; 16] =
    [xmm0, xmm1, xmm2, xmm3, xmm4, xmm5, xmm6, xmm7, xmm8, xmm9, xmm10, xmm11, xmm12, xmm13, xmm14, xmm15];
const OWN: u8 = 13;
const RESULT: u8 = 14;
const MASK: u8 = 15;

const VECTOR: usize = 32;
/// On the stack behind results: masks of the tail's halves, elements and their places on their way, uniforms.
const BYTES: usize = 2 * VECTOR;
const PLACES: usize = 3 * VECTOR;
const UNIFORMS: usize = 4 * VECTOR;

pub(super) struct Avx2;

/// A second operand.
#[derive(Clone, Copy)]
enum Operand {
    Register(AsmRegisterYmm),
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

fn vector(register: u8) -> AsmRegisterYmm {
    VECTORS[register as usize]
}

fn operand(f: &Function, source: Source) -> Operand {
    match source {
        Source::Var(var) => match f.home(var) {
            Home::Register(register) => Operand::Register(vector(register)),
            Home::Slot(slot) => Operand::Memory(ymmword_ptr(f.slot(slot))),
            Home::Nowhere => Operand::Register(vector(RESULT)),
        },
        Source::Constant(constant) => Operand::Memory(ymmword_ptr(f.constant(constant))),
        Source::Uniform(uniform) => Operand::Memory(own_uniform(f, uniform)),
    }
}

fn own_uniform(f: &Function, uniform: u32) -> AsmMemoryOperand {
    ymmword_ptr(f.stack(UNIFORMS + uniform as usize * VECTOR))
}

/// The number of a register that holds an operand: its own, or another.
fn number(f: &mut Function, source: Source, other: u8) -> Result<u8, IcedError> {
    if let Source::Var(var) = source
        && let Home::Register(register) = f.home(var)
    {
        return Ok(register);
    }
    if let Operand::Memory(memory) = operand(f, source) {
        f.asm.vmovaps(vector(other), memory)?;
    }
    Ok(other)
}

fn register(f: &mut Function, source: Source) -> Result<AsmRegisterYmm, IcedError> {
    number(f, source, OWN).map(vector)
}

fn target(f: &Function, var: Var) -> u8 {
    match f.home(var) {
        Home::Register(register) => register,
        _ => RESULT,
    }
}

/// Stores a result that is kept in memory.
fn keep(f: &mut Function, var: Var) -> Emitted {
    match f.home(var) {
        Home::Slot(slot) => f.asm.vmovaps(ymmword_ptr(f.slot(slot)), vector(RESULT)),
        _ => Ok(()),
    }
}

/// Which elements of a half of the tail are there.
fn tail(f: &Function, at: At) -> AsmMemoryOperand {
    ymmword_ptr(f.stack(at.first * 4))
}

impl Emitter for Avx2 {
    const LANES: usize = 8;
    const CONSTANT: usize = VECTOR;
    const REGISTERS: Registers = Registers { vectors: 13, masks: None };
    // A fold would take two registers of these few.
    const PINNED: usize = 0;

    fn own(uniforms: usize) -> usize {
        UNIFORMS + uniforms * VECTOR
    }

    fn begin(f: &mut Function, uniforms: usize) -> Emitted {
        for uniform in 0..uniforms as u32 {
            f.asm.vbroadcastss(ymm0, dword_ptr(rdx + 4 * uniform as i32))?;
            let to = own_uniform(f, uniform);
            f.asm.vmovaps(to, ymm0)?;
        }
        Ok(())
    }

    fn rest(f: &mut Function) -> Emitted {
        f.asm.neg(rax)?;
        for first in [0, 8] {
            f.asm.vmovups(ymm0, ymmword_ptr(rcx + rax * 4 + (FIRST_ONES + first * 4)))?;
            let to = tail(f, At { first: first as usize, tail: true });
            f.asm.vmovaps(to, ymm0)?;
        }
        Ok(())
    }

    fn inst(f: &mut Function, var: Var, inst: &Inst, at: At) -> Emitted {
        match *inst {
            Inst::Binary(op, a, b) => binary(f, var, op, a, b)?,
            Inst::Unary(op, x) => unary(f, var, op, x)?,
            Inst::Shift(way, x, by) => shift(f, var, way, x, by)?,
            Inst::Compare(op, a, b) => compare(f, var, op, a, b)?,
            Inst::Logic(op, a, b) => logic(f, var, op, a, b)?,
            Inst::Select(which, a, b) => select(f, var, which, a, b)?,
            Inst::Truth(uniform) => {
                let from = own_uniform(f, uniform);
                f.asm.vmovaps(vector(target(f, var)), from)?;
            }
            Inst::Lane => {
                let (to, numbers) = (vector(target(f, var)), ymmword_ptr(f.numbers(at.first)));
                f.asm.vmovd(LOWER[OWN as usize], r9d)?;
                f.asm.vpbroadcastd(vector(OWN), LOWER[OWN as usize])?;
                f.asm.vpaddd(to, vector(OWN), numbers)?;
            }
            Inst::Load(pointer, guard) => load(f, var, pointer, guard, at)?,
            Inst::LoadBytes(pointer, guard) => load_bytes(f, var, pointer, guard, at)?,
            Inst::Gather(pointer, places, guard) | Inst::Lookup(pointer, _, places, guard) => {
                gather(f, var, (pointer, places), guard, at)?;
            }
            Inst::GatherBytes(pointer, places, guard, _) => {
                gather_bytes(f, var, (pointer, places), guard, at)?;
            }
            Inst::Store(pointer, from) => return store(f, pointer, from, at),
            Inst::StoreBytes(pointer, from) => return store_bytes(f, pointer, from, at),
            Inst::Scatter(pointer, places, from) => return scatter(f, pointer, places, from, at),
            Inst::Folded(fold) => {
                let (to, from) = (vector(target(f, var)), f.accumulator(fold, at));
                f.asm.vmovups(to, ymmword_ptr(from))?;
            }
            Inst::Fold(fold, from) => {
                let (from, to) = (register(f, from)?, ymmword_ptr(f.accumulator(fold, at)));
                return write(f, to, from, at);
            }
            Inst::Flag(which) => return flag(f, which, at),
            // Not by itself: whoever goes through the block jumps, since he knows where to.
            Inst::Skip(..) => return Ok(()),
            Inst::Broadcast(pointer) => {
                let (to, from) = (vector(target(f, var)), f.pointer(pointer)?);
                f.asm.vbroadcastss(to, dword_ptr(from))?;
            }
            Inst::Counter(counter) => {
                let (to, from) = (vector(target(f, var)), f.counter(counter));
                f.asm.vpbroadcastd(to, from)?;
            }
            Inst::Row(slot) => {
                let (to, from) = (vector(target(f, var)), f.row(slot, at));
                f.asm.vmovups(to, ymmword_ptr(from))?;
            }
            Inst::Keep(slot, from) => {
                let (from, to) = (register(f, from)?, f.row(slot, at));
                return f.asm.vmovups(ymmword_ptr(to), from);
            }
            Inst::Begin(fold, with, wide) => return begin(f, (fold, with), wide, at),
            Inst::Widen(fold) => return widen(f, fold, at),
            Inst::Total(fold, by) => total(f, var, (fold, by), at)?,
            Inst::Behind(fold, by) => {
                let (to, from) = (vector(target(f, var)), f.accumulator(fold, at) + 4 * by as i32);
                f.asm.vmovups(to, ymmword_ptr(from))?;
            }
            Inst::Join(fold, by) => return join(f, fold, by),
            Inst::First(fold) => {
                let (to, from) = (vector(target(f, var)), f.accumulator(fold, At::FIRST));
                f.asm.vbroadcastss(to, dword_ptr(from))?;
            }
            Inst::Known(slot) => {
                let (to, from) = (vector(target(f, var)), f.row(slot, At::FIRST));
                f.asm.vbroadcastss(to, dword_ptr(from))?;
            }
        }
        keep(f, var)
    }

    fn skip(f: &mut Function, which: Var, everywhere: bool, to: CodeLabel) -> Emitted {
        let which = register(f, Source::Var(which))?;
        f.asm.vmovmskps(r10d, which)?;
        f.asm.cmp(r10d, if everywhere { 0xFF } else { 0 })?;
        f.asm.je(to)
    }

    fn pin(_: &mut Function, _: u32, _: At) -> Emitted {
        Ok(())
    }

    fn unpin(_: &mut Function, _: u32, _: At) -> Emitted {
        Ok(())
    }
}

fn binary(f: &mut Function, var: Var, op: Binary, a: Source, b: Source) -> Emitted {
    let (a, b) = ordered(f, op, a, b);
    let (a, b, to) = (register(f, a)?, operand(f, b), vector(target(f, var)));
    match op {
        Binary::Add => with!(f.vaddps, b, to, a),
        Binary::Sub => with!(f.vsubps, b, to, a),
        Binary::Mul => with!(f.vmulps, b, to, a),
        Binary::Div => with!(f.vdivps, b, to, a),
        Binary::Max => with!(f.vmaxps, b, to, a),
        Binary::Min => with!(f.vminps, b, to, a),
        Binary::And => with!(f.vandps, b, to, a),
        Binary::Or => with!(f.vorps, b, to, a),
        Binary::Xor => with!(f.vxorps, b, to, a),
        Binary::AddInt => with!(f.vpaddd, b, to, a),
        Binary::SubInt => with!(f.vpsubd, b, to, a),
        Binary::MulInt => with!(f.vpmulld, b, to, a),
        Binary::MaxInt => with!(f.vpmaxsd, b, to, a),
        Binary::MinInt => with!(f.vpminsd, b, to, a),
    }
    Ok(())
}

fn unary(f: &mut Function, var: Var, op: Unary, x: Source) -> Emitted {
    let (x, to) = (operand(f, x), vector(target(f, var)));
    match op {
        Unary::Sqrt => with!(f.vsqrtps, x, to),
        Unary::Floor => with!(f.vroundps, x, to; 9),
        Unary::ToInt => with!(f.vcvttps2dq, x, to),
        Unary::ToFloat => with!(f.vcvtdq2ps, x, to),
    }
    Ok(())
}

fn shift(f: &mut Function, var: Var, way: Shift, x: Source, by: u8) -> Emitted {
    let (x, to, by) = (register(f, x)?, vector(target(f, var)), u32::from(by));
    match way {
        Shift::Left => f.asm.vpslld(to, x, by),
        Shift::Right => f.asm.vpsrld(to, x, by),
        Shift::Signed => f.asm.vpsrad(to, x, by),
    }
}

fn compare(f: &mut Function, var: Var, op: Compare, a: Source, b: Source) -> Emitted {
    let (a, b, to) = (register(f, a)?, operand(f, b), vector(target(f, var)));
    match op {
        Compare::Eq => with!(f.vcmpps, b, to, a; 0),
        Compare::Lt => with!(f.vcmpps, b, to, a; 17),
        Compare::Le => with!(f.vcmpps, b, to, a; 18),
        Compare::Ge => with!(f.vcmpps, b, to, a; 29),
        Compare::Ne => with!(f.vcmpps, b, to, a; 4),
        Compare::Unordered => with!(f.vcmpps, b, to, a; 3),
        Compare::EqInt => with!(f.vpcmpeqd, b, to, a),
        Compare::GtInt => with!(f.vpcmpgtd, b, to, a),
    }
    Ok(())
}

fn logic(f: &mut Function, var: Var, op: Logic, a: Var, b: Var) -> Emitted {
    let (a, b) = (register(f, Source::Var(a))?, operand(f, Source::Var(b)));
    let to = vector(target(f, var));
    match op {
        Logic::And => with!(f.vandps, b, to, a),
        Logic::Or => with!(f.vorps, b, to, a),
        Logic::Xor => with!(f.vxorps, b, to, a),
        Logic::AndNot => with!(f.vandnps, b, to, a),
    }
    Ok(())
}

fn select(f: &mut Function, var: Var, which: Var, a: Source, b: Source) -> Emitted {
    let which = vector(number(f, Source::Var(which), MASK)?);
    let (b, a, to) = (register(f, b)?, operand(f, a), vector(target(f, var)));
    with!(f.vblendvps, a, to, b; which);
    Ok(())
}

/// A mask of the elements that are touched, if not all are.
fn touched(f: &mut Function, guard: Option<Var>, at: At) -> Result<Option<AsmRegisterYmm>, IcedError> {
    let there = tail(f, at);
    let Some(guard) = guard else {
        if at.tail {
            f.asm.vmovaps(vector(MASK), there)?;
        }
        return Ok(at.tail.then_some(vector(MASK)));
    };
    let guard = vector(number(f, Source::Var(guard), MASK)?);
    if !at.tail {
        return Ok(Some(guard));
    }
    f.asm.vandps(vector(MASK), guard, there)?;
    Ok(Some(vector(MASK)))
}

fn load(f: &mut Function, var: Var, pointer: u32, guard: Option<Var>, at: At) -> Emitted {
    let touched = touched(f, guard, at)?;
    let (to, from) = (vector(target(f, var)), f.neighbours(pointer, 4, at)?);
    f.fetch(from, at)?;
    let from = ymmword_ptr(from);
    match touched {
        None => f.asm.vmovups(to, from),
        Some(mask) => f.asm.vmaskmovps(to, mask, from),
    }
}

fn load_bytes(f: &mut Function, var: Var, pointer: u32, guard: Option<Var>, at: At) -> Emitted {
    let touched = touched(f, guard, at)?;
    let from = f.neighbours(pointer, 1, at)?;
    let (to, bytes) = (vector(target(f, var)), LOWER[RESULT as usize]);
    match touched {
        None => f.asm.vpmovzxbd(vector(OWN), qword_ptr(from))?,
        Some(mask) => {
            f.asm.vmovmskps(r10d, mask)?;
            f.asm.vpxor(bytes, bytes, bytes)?;
            for lane in 0..8u32 {
                let mut next = f.asm.create_label();
                f.asm.bt(r10d, lane)?;
                f.asm.jae(next)?;
                f.asm.vpinsrb(bytes, bytes, byte_ptr(from + lane as i32), lane)?;
                f.asm.set_label(&mut next)?;
            }
            f.asm.vpmovzxbd(vector(OWN), bytes)?;
        }
    }
    f.asm.vxorps(vector(RESULT), vector(RESULT), vector(RESULT))?;
    f.asm.vpcmpgtd(to, vector(OWN), vector(RESULT))
}

/// Copies the bytes that are there, one by one.
fn copy_bytes(f: &mut Function, from: AsmMemoryOperand, to: AsmMemoryOperand, at: At) -> Emitted {
    let mut end = f.asm.create_label();
    for byte in 0..8 {
        f.asm.lea(r10, qword_ptr(r9 + at.first as i32 + byte))?;
        f.asm.cmp(r10, r8)?;
        f.asm.jae(end)?;
        f.asm.mov(r10b, byte_ptr(from + byte))?;
        f.asm.mov(byte_ptr(to + byte), r10b)?;
    }
    f.asm.set_label(&mut end)?;
    // Whatever comes next may have a label of its own.
    f.asm.zero_bytes()
}

fn gather(
    f: &mut Function,
    var: Var,
    (pointer, places): (u32, Source),
    guard: Option<Var>,
    at: At,
) -> Emitted {
    let (mask, result) = (vector(MASK), vector(RESULT));
    claim(f, guard, at)?;
    let (places, pointer) = (register(f, places)?, f.pointer(pointer)?);
    f.asm.vxorps(result, result, result)?;
    f.asm.vgatherdps_3(result, ptr(pointer + places * 4), mask)?;
    match target(f, var) {
        RESULT => Ok(()),
        to => f.asm.vmovaps(vector(to), result),
    }
}

/// Puts into a register of its own which elements are touched.
fn claim(f: &mut Function, guard: Option<Var>, at: At) -> Emitted {
    let mask = vector(MASK);
    match touched(f, guard, at)? {
        None => f.asm.vpcmpeqd(mask, mask, mask),
        Some(own) if own == mask => Ok(()),
        Some(own) => f.asm.vmovaps(mask, own),
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
    let (own, result, to) = (vector(OWN), vector(RESULT), vector(target(f, var)));
    let kept = ymmword_ptr(f.stack(PLACES));
    f.asm.mov(r10, pointer)?;
    f.asm.and(r10, 3)?;
    f.asm.vmovd(LOWER[RESULT as usize], r10d)?;
    f.asm.vpbroadcastd(result, LOWER[RESULT as usize])?;
    f.asm.vpaddd(result, result, places)?;
    f.asm.vmovaps(kept, result)?;
    f.asm.vpsrad(own, result, 2)?;
    f.asm.mov(rax, pointer)?;
    f.asm.and(rax, -4)?;
    f.asm.vxorps(result, result, result)?;
    f.asm.vgatherdps_3(result, ptr(rax + own * 4), vector(MASK))?;
    f.asm.vmovaps(own, kept)?;
    // Eight bits for each byte that lies before it.
    f.asm.vpslld(own, own, 30)?;
    f.asm.vpsrld(own, own, 27)?;
    f.asm.vpsrlvd(result, result, own)?;
    f.asm.vpslld(result, result, 24)?;
    f.asm.vxorps(own, own, own)?;
    f.asm.vpcmpgtd(to, result, own)
}

/// Element by element, by way of the stack.
fn scatter(f: &mut Function, pointer: u32, places: Source, from: Source, at: At) -> Emitted {
    for (source, to) in [(from, BYTES), (places, PLACES)] {
        let (source, to) = (register(f, source)?, ymmword_ptr(f.stack(to)));
        f.asm.vmovaps(to, source)?;
    }
    let mut end = f.asm.create_label();
    for lane in 0..8 {
        if at.tail {
            f.asm.lea(r10, qword_ptr(r9 + at.first as i32 + lane))?;
            f.asm.cmp(r10, r8)?;
            f.asm.jae(end)?;
        }
        let (element, place) = (f.stack(BYTES), f.stack(PLACES));
        f.asm.movsxd(r10, dword_ptr(place + 4 * lane))?;
        let start = f.pointer(pointer)?;
        f.asm.lea(r10, qword_ptr(start + r10 * 4))?;
        f.asm.mov(eax, dword_ptr(element + 4 * lane))?;
        f.asm.mov(dword_ptr(r10), eax)?;
    }
    f.asm.set_label(&mut end)?;
    f.asm.zero_bytes()
}

/// Writes a vector, or those of its elements that are there.
fn write(f: &mut Function, to: AsmMemoryOperand, from: AsmRegisterYmm, at: At) -> Emitted {
    if !at.tail {
        return f.asm.vmovups(to, from);
    }
    let there = tail(f, at);
    f.asm.vmovaps(vector(MASK), there)?;
    f.asm.vmaskmovps(to, vector(MASK), from)
}

fn store(f: &mut Function, pointer: u32, from: Source, at: At) -> Emitted {
    let from = register(f, from)?;
    let to = f.neighbours(pointer, 4, at)?;
    f.fetch_to_write(to, at)?;
    write(f, ymmword_ptr(to), from, at)
}

fn store_bytes(f: &mut Function, pointer: u32, from: Var, at: At) -> Emitted {
    let from = number(f, Source::Var(from), OWN)?;
    let result = LOWER[RESULT as usize];
    f.asm.vextracti128(result, vector(from), 1)?;
    f.asm.vpackssdw(result, LOWER[from as usize], result)?;
    f.asm.vpacksswb(result, result, result)?;
    // 0 or -1 so far.
    f.asm.vpabsb(result, result)?;
    let to = f.neighbours(pointer, 1, at)?;
    if !at.tail {
        return f.asm.vmovq(qword_ptr(to), result);
    }
    let bytes = f.stack(BYTES);
    f.asm.vmovq(qword_ptr(bytes), result)?;
    copy_bytes(f, bytes, to, at)
}

fn flag(f: &mut Function, which: Var, at: At) -> Emitted {
    let mut which = register(f, Source::Var(which))?;
    if at.tail {
        let there = tail(f, at);
        f.asm.vandps(vector(OWN), which, there)?;
        which = vector(OWN);
    }
    f.asm.vmovmskps(r10d, which)?;
    f.asm.or(dword_ptr(rdi), r10d)
}

/// Bytes of half a vector.
const HALF: i32 = 16;

fn begin(f: &mut Function, (fold, with): (u32, Source), wide: bool, at: At) -> Emitted {
    let (with, narrow) = (register(f, with)?, f.accumulator(fold, at));
    f.asm.vmovups(ymmword_ptr(narrow), with)?;
    if wide {
        let zero = vector(RESULT);
        f.asm.vxorps(zero, zero, zero)?;
        for half in 0..2 {
            let to = f.wide(fold, at) + 2 * HALF * half;
            f.asm.vmovups(ymmword_ptr(to), zero)?;
        }
    }
    Ok(())
}

/// Half of both sums of a fold, together, in `OWN`.
fn both(f: &mut Function, fold: u32, half: i32, at: At) -> Emitted {
    let (narrow, wide) = (f.accumulator(fold, at) + HALF * half, f.wide(fold, at) + 2 * HALF * half);
    f.asm.vcvtps2pd(vector(OWN), xmmword_ptr(narrow))?;
    f.asm.vaddpd(vector(OWN), vector(OWN), ymmword_ptr(wide))
}

fn widen(f: &mut Function, fold: u32, at: At) -> Emitted {
    for half in 0..2 {
        both(f, fold, half, at)?;
        let to = f.wide(fold, at) + 2 * HALF * half;
        f.asm.vmovups(ymmword_ptr(to), vector(OWN))?;
    }
    let (narrow, zero) = (f.accumulator(fold, at), vector(OWN));
    f.asm.vxorps(zero, zero, zero)?;
    f.asm.vmovups(ymmword_ptr(narrow), zero)
}

fn total(f: &mut Function, var: Var, (fold, by): (u32, u32), at: At) -> Emitted {
    let divisor = LOWER[RESULT as usize];
    if by != 1 {
        f.asm.mov(eax, by)?;
        f.asm.vcvtsi2sd(divisor, divisor, rax)?;
        f.asm.vbroadcastsd(vector(RESULT), divisor)?;
    }
    let (narrow, lower) = (f.accumulator(fold, at), LOWER[OWN as usize]);
    for half in 0..2 {
        both(f, fold, half, at)?;
        if by != 1 {
            f.asm.vdivpd(vector(OWN), vector(OWN), vector(RESULT))?;
        }
        f.asm.vcvtpd2ps(lower, vector(OWN))?;
        f.asm.vmovups(xmmword_ptr(narrow + HALF * half), lower)?;
    }
    let to = vector(target(f, var));
    f.asm.vmovups(to, ymmword_ptr(narrow))
}

/// Adds sums of double precision, halves first.
fn join(f: &mut Function, fold: u32, by: u32) -> Emitted {
    let (wide, narrow) = (f.wide(fold, At::FIRST), f.accumulator(fold, At::FIRST));
    let (sum, other) = (vector(OWN), vector(RESULT));
    let quarter = |quarter: usize| ymmword_ptr(wide + (VECTOR * quarter) as i32);
    f.asm.vmovups(sum, quarter(0))?;
    f.asm.vaddpd(sum, sum, quarter(2))?;
    f.asm.vmovups(other, quarter(1))?;
    f.asm.vaddpd(other, other, quarter(3))?;
    f.asm.vaddpd(sum, sum, other)?;
    let (lower, free) = (LOWER[OWN as usize], LOWER[RESULT as usize]);
    join_four(f, (sum, lower), free, by)?;
    f.asm.vmovss(dword_ptr(narrow), lower)
}
