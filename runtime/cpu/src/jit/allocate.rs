//! Where results are kept: registers, by linear scan, and memory for what does not fit.

use super::ir::{Block, Class, Var};

/// Where the result of an instruction is kept, from when it is known to its last use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// A register of its class.
    Register(u8),
    /// A place on the stack, as large as a vector.
    Slot(u32),
    /// It is used nowhere.
    Nowhere,
}

/// Homes of all results.
#[derive(Debug)]
pub(super) struct Homes {
    pub(super) of: Vec<Home>,
    /// Places on the stack.
    pub(super) slots: u32,
}

/// Registers that results may be kept in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Registers {
    pub(super) vectors: u8,
    /// Registers for masks; none where masks are vectors.
    pub(super) masks: Option<u8>,
}

/// Results of one class that are alive.
struct File {
    free: Vec<u8>,
    /// Those in registers, with their last uses.
    live: Vec<(usize, Var, u8)>,
}

impl File {
    fn new(registers: u8) -> Self {
        File { free: (0..registers).rev().collect(), live: vec![] }
    }

    /// Frees registers of results that are used for the last time before or at a position.
    fn expire(&mut self, at: usize) {
        let free = &mut self.free;
        self.live.retain(|(last, _, register)| {
            if *last <= at {
                free.push(*register);
            }
            *last > at
        });
    }
}

/// Walks through the instructions once. A register is free again at the last use of its result, so that an instruction may leave its
/// result in the register of an operand. Where none is free, the result whose last use is farthest is kept in memory, all the time.
pub(super) fn allocate(block: &Block, registers: Registers) -> Homes {
    let mut last: Vec<Option<usize>> = vec![None; block.code.len()];
    for (at, inst) in block.code.iter().enumerate() {
        inst.uses().for_each(|var| last[var.index()] = Some(at));
    }
    let mut homes = Homes { of: vec![Home::Nowhere; block.code.len()], slots: 0 };
    let mut vectors = File::new(registers.vectors);
    let mut masks = registers.masks.map(File::new);
    for (at, inst) in block.code.iter().enumerate() {
        vectors.expire(at);
        masks.iter_mut().for_each(|file| file.expire(at));
        let file = match (inst.class(), &mut masks) {
            (Class::Nothing, _) => continue,
            (Class::Mask, Some(masks)) => masks,
            (Class::Mask | Class::Vector, _) => &mut vectors,
        };
        if let Some(last) = last[at] {
            settle(file, &mut homes, Var(at as u32), last);
        }
    }
    homes
}

fn settle(file: &mut File, homes: &mut Homes, var: Var, last: usize) {
    let farthest = file.live.iter().enumerate().max_by_key(|(_, (last, ..))| *last);
    let register = match (file.free.pop(), farthest) {
        (Some(register), _) => Some(register),
        (None, Some((at, (end, other, register)))) if *end > last => {
            let (other, register) = (*other, *register);
            homes.of[other.index()] = Home::Slot(homes.slots);
            homes.slots += 1;
            file.live.swap_remove(at);
            Some(register)
        }
        _ => None,
    };
    homes.of[var.index()] = match register {
        Some(register) => {
            file.live.push((last, var, register));
            Home::Register(register)
        }
        None => {
            homes.slots += 1;
            Home::Slot(homes.slots - 1)
        }
    };
}
