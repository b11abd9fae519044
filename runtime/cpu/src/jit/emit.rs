//! From instructions to machine code: what the sets of vector instructions have in common.
//!
//! The code is a function of a `Call` of [`super::code`]. It goes through the line in steps of [`STEP`] elements; one more round with masks
//! does the rest. Registers: `rdi` accumulators, `rsi` pointers, `rdx` uniforms, `rcx` constants, `r8` the number of elements, `r9` how many
//! are done; `rax` and `r10` are free for an instruction's own use; the first pointers stay in the registers of [`PINNED`].

use iced_x86::IcedError;
use iced_x86::code_asm::*;

use super::allocate::{Home, Homes, Registers, allocate};
use super::ir::{Block, Inst, Source, Var};
use super::skip::with_skips;

/// Elements of a round, for every set of instructions, so that sums are the same with all of them.
pub(super) const STEP: usize = 16;

/// Registers of pointers.
const PINNED: [AsmRegister64; 6] = [r11, rbx, r12, r13, r14, r15];

/// Where the constants of a block begin, behind those of [`head`].
const HEAD: usize = 3 * STEP * 4;

/// Bytes before the accumulators: the flag.
const FLAG: usize = 64;
/// Where the counters of loops within rows are, behind `rdi`.
const COUNTERS: usize = FLAG;
/// Bytes before the accumulators of rows: the flag and the counters.
pub(super) const BEFORE_ROWS: usize = 2 * FLAG;

/// Bytes between what is loaded or stored and what is fetched meanwhile. Processors fetch ahead by themselves, but not beyond a page of
/// 4 KiB, and not for dozens of streams: they wait at the beginning of each. A cache line is a round. What will be loaded goes into the
/// second cache, which may wait for more lines at a time than the first one; that of all streams together is a tenth of a small one.
const AHEAD: usize = 4096;
const ALL_AHEAD: usize = 48 << 10;

pub(super) type Emitted = Result<(), IcedError>;

/// Where in the line, and whether it ends there.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    /// Elements behind the beginning of the round.
    pub(super) first: usize,
    /// Not all elements are there.
    pub(super) tail: bool,
}

impl At {
    /// The first elements of a round, all of them there.
    pub(super) const FIRST: At = At { first: 0, tail: false };

    /// Whether a round begins.
    fn begins_round(self) -> bool {
        self.first == 0
    }
}

/// How many elements and of what is done at a time, by a set of instructions.
pub(super) trait Emitter {
    /// Elements of a vector.
    const LANES: usize;
    /// Bytes of a constant.
    const CONSTANT: usize;
    const REGISTERS: Registers;
    /// Folds that may be kept in registers from round to round.
    const PINNED: usize;
    /// Bytes of the stack besides the slots of results.
    fn own(uniforms: usize) -> usize;

    /// Before the loop.
    fn begin(f: &mut Function, uniforms: usize) -> Emitted;
    /// Before the round that does the rest, of which `rax` elements are there.
    fn rest(f: &mut Function) -> Emitted;
    fn inst(f: &mut Function, var: Var, inst: &Inst, at: At) -> Emitted;
    /// Jumps if a mask holds everywhere, or if it holds nowhere.
    fn skip(f: &mut Function, mask: Var, everywhere: bool, to: CodeLabel) -> Emitted;
    /// Loads what was folded so far into the register of the fold.
    fn pin(f: &mut Function, fold: u32, at: At) -> Emitted;
    /// Stores it.
    fn unpin(f: &mut Function, fold: u32, at: At) -> Emitted;
}

/// A function that is being written.
pub(super) struct Function {
    pub(super) asm: CodeAssembler,
    /// Where the results of the block are that is being written.
    pub(super) homes: Vec<Home>,
    /// Folds that are in registers now.
    pub(super) pinned: Vec<u32>,
    /// Slots of results on the stack.
    slots: usize,
    /// Bytes of a slot.
    slot: usize,
    /// Bytes of a constant.
    constant: usize,
    pub(super) frame: Frame,
    /// How far ahead memory is fetched.
    ahead: i32,
}

/// Where things are that are kept between rounds, in bytes behind `rdi`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Accumulators.
    pub(super) folds: usize,
    /// Those of double precision.
    pub(super) wide: usize,
    /// What is known of rows.
    pub(super) rows: usize,
}

impl Frame {
    /// For blocks that are called for one line.
    pub(super) const LINE: Frame = Frame { folds: FLAG, wide: 0, rows: 0 };
}

/// What all functions need: the numbers of elements, and masks of the first ones.
pub(super) fn head() -> Vec<u32> {
    let numbers = 0..STEP as u32;
    numbers.chain(std::iter::repeat_n(u32::MAX, STEP)).chain(std::iter::repeat_n(0, STEP)).collect()
}

/// Machine code of a block that is called with some uniforms. `once`: only for one element.
pub(super) fn emit<E: Emitter>(block: &Block, uniforms: usize, once: bool) -> Result<Vec<u8>, IcedError> {
    let block = &with_skips(block.clone());
    let folds = if once { vec![] } else { folds(block) };
    let pinned = pinned::<E>(&folds);
    let Homes { of, slots } = allocate(block, beside::<E>(pinned.len()));
    let mut f = Function::new::<E>(slots as usize, Frame::LINE)?;
    f.homes = of;
    let pointers = block.code.iter().filter_map(pointer).max().map_or(0, |last| last as usize + 1);
    f.enter(f.stack_bytes::<E>(uniforms), pointers)?;
    E::begin(&mut f, uniforms)?;
    let rounds = |f: &mut Function, tail: bool| f.round::<E>(block, tail, if once { E::LANES } else { STEP });
    f.with_pinned::<E>(pinned, |f| f.all_rounds::<E>(once, rounds))?;
    f.leave()?;
    f.asm.assemble(0)
}

/// Folds that may be kept in registers from round to round: what the next round adds to is known earlier than from memory.
pub(super) fn pinned<E: Emitter>(folds: &[u32]) -> &[u32] {
    &folds[..folds.len().min(E::PINNED)]
}

/// Registers beside those of some folds.
pub(super) fn beside<E: Emitter>(pinned: usize) -> Registers {
    Registers { vectors: E::REGISTERS.vectors - pinned as u8, ..E::REGISTERS }
}

/// The accumulators of a block.
fn folds(block: &Block) -> Vec<u32> {
    let fold = |inst: &Inst| if let Inst::Fold(fold, _) = inst { Some(*fold) } else { None };
    let mut folds: Vec<u32> = block.code.iter().filter_map(fold).collect();
    folds.sort_unstable();
    folds.dedup();
    folds
}

impl Function {
    pub(super) fn new<E: Emitter>(slots: usize, frame: Frame) -> Result<Self, IcedError> {
        let (asm, slot) = (CodeAssembler::new(64)?, E::LANES * 4);
        Ok(Function {
            asm,
            homes: vec![],
            pinned: vec![],
            slots,
            slot,
            constant: E::CONSTANT,
            frame,
            ahead: AHEAD as i32,
        })
    }

    /// Bytes of the stack.
    pub(super) fn stack_bytes<E: Emitter>(&self, uniforms: usize) -> usize {
        self.slots * self.slot + E::own(uniforms)
    }

    /// Rounds from `r9` to `r8`, the last one with masks. `once`: only that one.
    pub(super) fn all_rounds<E: Emitter>(
        &mut self,
        once: bool,
        round: impl Fn(&mut Self, bool) -> Emitted,
    ) -> Emitted {
        let (mut top, mut tail) = (self.asm.create_label(), self.asm.create_label());
        let mut end = self.asm.create_label();
        if !once {
            self.asm.mov(rax, r8)?;
            self.asm.and(rax, -(STEP as i32))?;
            self.asm.cmp(r9, rax)?;
            self.asm.jae(tail)?;
            self.asm.set_label(&mut top)?;
            round(self, false)?;
            self.asm.add(r9, STEP as i32)?;
            self.asm.mov(rax, r8)?;
            self.asm.and(rax, -(STEP as i32))?;
            self.asm.cmp(r9, rax)?;
            self.asm.jb(top)?;
            self.asm.set_label(&mut tail)?;
        }
        self.asm.mov(rax, r8)?;
        self.asm.sub(rax, r9)?;
        self.asm.jz(end)?;
        E::rest(self)?;
        round(self, true)?;
        self.asm.set_label(&mut end)
    }

    pub(super) fn enter(&mut self, stack: usize, pointers: usize) -> Emitted {
        self.ahead = (ALL_AHEAD / pointers.max(1) / 64 * 64).clamp(256, AHEAD) as i32;
        let a = &mut self.asm;
        a.push(rbp)?;
        a.mov(rbp, rsp)?;
        for saved in [rbx, r12, r13, r14, r15] {
            a.push(saved)?;
        }
        a.sub(rsp, stack as i32 + 64)?;
        a.and(rsp, -64)?;
        a.mov(rsi, qword_ptr(rdi))?;
        a.mov(rdx, qword_ptr(rdi + 8))?;
        a.mov(rcx, qword_ptr(rdi + 16))?;
        a.mov(r8, qword_ptr(rdi + 32))?;
        a.mov(rdi, qword_ptr(rdi + 24))?;
        a.xor(r9d, r9d)?;
        for (i, register) in PINNED.into_iter().enumerate().take(pointers) {
            a.mov(register, qword_ptr(rsi + 8 * i as i32))?;
        }
        Ok(())
    }

    /// Keeps some folds in registers as long as a body lasts.
    pub(super) fn with_pinned<E: Emitter>(
        &mut self,
        folds: &[u32],
        body: impl FnOnce(&mut Self) -> Emitted,
    ) -> Emitted {
        self.pinned = folds.to_vec();
        folds.iter().try_for_each(|fold| E::pin(self, *fold, At::FIRST))?;
        body(self)?;
        folds.iter().try_for_each(|fold| E::unpin(self, *fold, At::FIRST))?;
        self.pinned.clear();
        Ok(())
    }

    pub(super) fn leave(&mut self) -> Emitted {
        let a = &mut self.asm;
        a.lea(rsp, qword_ptr(rbp - 40))?;
        for saved in [r15, r14, r13, r12, rbx, rbp] {
            a.pop(saved)?;
        }
        a.vzeroupper()?;
        a.ret()
    }

    /// All instructions for the elements of one round.
    pub(super) fn round<E: Emitter>(&mut self, block: &Block, tail: bool, elements: usize) -> Emitted {
        for first in (0..elements).step_by(E::LANES) {
            let mut jump: Option<(usize, CodeLabel)> = None;
            for (i, inst) in block.code.iter().enumerate() {
                if let Some((_, mut label)) = jump.take_if(|(end, _)| *end == i) {
                    self.asm.set_label(&mut label)?;
                }
                if let Inst::Skip(mask, everywhere, count) = inst {
                    let label = self.asm.create_label();
                    E::skip(self, *mask, *everywhere, label)?;
                    jump = Some((i + 1 + *count as usize, label));
                    continue;
                }
                E::inst(self, Var(i as u32), inst, At { first, tail })?;
            }
        }
        Ok(())
    }

    /// A pointer in a register: its own, or `rax`.
    pub(super) fn pointer(&mut self, pointer: u32) -> Result<AsmRegister64, IcedError> {
        if let Some(pinned) = PINNED.get(pointer as usize) {
            return Ok(*pinned);
        }
        self.asm.mov(rax, qword_ptr(rsi + 8 * pointer as i32))?;
        Ok(rax)
    }

    /// Moves a pointer on.
    pub(super) fn advance(&mut self, pointer: u32, bytes: i32) -> Emitted {
        match PINNED.get(pointer as usize) {
            _ if bytes == 0 => Ok(()),
            Some(pinned) => self.asm.add(*pinned, bytes),
            None => self.asm.add(qword_ptr(rsi + 8 * pointer as i32), bytes),
        }
    }

    /// Elements of some bytes behind a pointer, neighbours.
    pub(super) fn neighbours(
        &mut self,
        pointer: u32,
        bytes: i32,
        at: At,
    ) -> Result<AsmMemoryOperand, IcedError> {
        Ok(ptr(self.pointer(pointer)? + r9 * bytes + at.first as i32 * bytes))
    }

    /// Fetches what a later round loads, or nothing where no memory is.
    pub(super) fn fetch(&mut self, from: AsmMemoryOperand, at: At) -> Emitted {
        if at.begins_round() { self.asm.prefetcht1(byte_ptr(from + self.ahead)) } else { Ok(()) }
    }

    /// The same for what a later round stores.
    pub(super) fn fetch_to_write(&mut self, to: AsmMemoryOperand, at: At) -> Emitted {
        if at.begins_round() { self.asm.prefetchw(byte_ptr(to + self.ahead)) } else { Ok(()) }
    }

    pub(super) fn home(&self, var: Var) -> Home {
        self.homes[var.index()]
    }

    /// A result on the stack.
    pub(super) fn slot(&self, slot: u32) -> AsmMemoryOperand {
        ptr(rsp + (slot as usize * self.slot) as i32)
    }

    /// What follows the results on the stack.
    pub(super) fn stack(&self, byte: usize) -> AsmMemoryOperand {
        ptr(rsp + (self.slots * self.slot + byte) as i32)
    }

    /// A constant of the block.
    pub(super) fn constant(&self, constant: u32) -> AsmMemoryOperand {
        ptr(rcx + (HEAD + constant as usize * self.constant) as i32)
    }

    /// The numbers of the elements from one on.
    pub(super) fn numbers(&self, first: usize) -> AsmMemoryOperand {
        ptr(rcx + first as i32 * 4)
    }

    /// What was folded of some elements.
    pub(super) fn accumulator(&self, fold: u32, at: At) -> AsmMemoryOperand {
        ptr(rdi + (self.frame.folds + fold as usize * STEP * 4 + at.first * 4) as i32)
    }

    /// The same in double precision.
    pub(super) fn wide(&self, fold: u32, at: At) -> AsmMemoryOperand {
        ptr(rdi + (self.frame.wide + fold as usize * STEP * 8 + at.first * 8) as i32)
    }

    /// What is known of some rows.
    pub(super) fn row(&self, slot: u32, at: At) -> AsmMemoryOperand {
        ptr(rdi + (self.frame.rows + slot as usize * STEP * 4 + at.first * 4) as i32)
    }

    /// The counter of a loop within rows.
    pub(super) fn counter(&self, counter: u32) -> AsmMemoryOperand {
        dword_ptr(rdi + (COUNTERS + counter as usize * 4) as i32)
    }
}

/// The pointer that an instruction uses.
pub(super) fn pointer(inst: &Inst) -> Option<u32> {
    match inst {
        Inst::Load(pointer, _)
        | Inst::LoadBytes(pointer, _)
        | Inst::Gather(pointer, ..)
        | Inst::GatherBytes(pointer, ..)
        | Inst::Lookup(pointer, ..)
        | Inst::Store(pointer, _)
        | Inst::StoreBytes(pointer, _)
        | Inst::Scatter(pointer, ..)
        | Inst::Broadcast(pointer) => Some(*pointer),
        _ => None,
    }
}

/// Where a mask of the first elements of a round begins among the constants, in bytes: so many before it hold.
pub(super) const FIRST_ONES: i32 = 2 * STEP as i32 * 4;

/// Operands with one in a register first, where they may change places.
pub(super) fn ordered(f: &Function, op: super::ir::Binary, a: Source, b: Source) -> (Source, Source) {
    let in_register = |source| matches!(source, Source::Var(var) if matches!(f.home(var), Home::Register(_)));
    if op.commutes() && !in_register(a) && in_register(b) { (b, a) } else { (a, b) }
}

/// The sum of four numbers of double precision, halves first, divided by a number, in single precision. The register is given as a whole
/// and as its lower half.
pub(super) fn join_four(
    f: &mut Function,
    (sum, lower): (AsmRegisterYmm, AsmRegisterXmm),
    free: AsmRegisterXmm,
    by: u32,
) -> Emitted {
    f.asm.vextractf128(free, sum, 1)?;
    f.asm.vaddpd(lower, lower, free)?;
    f.asm.vunpckhpd(free, lower, lower)?;
    f.asm.vaddsd(lower, lower, free)?;
    if by != 1 {
        f.asm.mov(eax, by)?;
        f.asm.vcvtsi2sd(free, free, rax)?;
        f.asm.vdivsd(lower, lower, free)?;
    }
    f.asm.vcvtsd2ss(lower, lower, lower)
}
