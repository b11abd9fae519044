//! Loops of machine code within a row: counters, and pointers that move on from round to round.

use std::ops::Range;

use super::emit::{Emitted, Function, pointer};
use super::ir::Block;
use super::lower::Pointer;
use crate::tile::Program;

/// Pointers, and how many bytes each moves.
type Moves = Vec<(u32, i32)>;

/// How some loops are gone through.
#[derive(Debug)]
pub(super) struct Walk {
    /// For each loop its counter, its rounds, and how far pointers move behind a round.
    loops: Vec<(u32, i32, Moves)>,
    /// Where pointers go back to.
    back: Moves,
}

/// Pointers that a block uses.
pub(super) fn used(block: &Block) -> Vec<u32> {
    let mut used: Vec<u32> = block.code.iter().filter_map(pointer).collect();
    used.sort_unstable();
    used.dedup();
    used
}

/// How far a pointer moves from a round of a loop to the next, in bytes.
pub(super) fn stride(pointer: &Pointer, axis: usize) -> i64 {
    match pointer {
        Pointer::Place(_, offset) => offset.stride(axis),
        Pointer::Value(_) | Pointer::Lane(..) => 0,
    }
}

/// A distance that an instruction can name.
pub(super) fn far(bytes: i64) -> Result<i32, String> {
    i32::try_from(bytes).map_err(|_| "places that are too far apart".to_string())
}

impl Walk {
    /// Through some loops of a program, the last one fastest, with counters from one on. `used` are those of all pointers that move.
    ///
    /// # Errors
    /// Where loops are too long, or places too far apart.
    pub(super) fn new(
        program: &Program,
        pointers: &[Pointer],
        used: &[u32],
        axes: Range<usize>,
        counter: u32,
    ) -> Result<Self, String> {
        let mut walk = Walk { loops: vec![], back: vec![] };
        // How far pointers have moved behind a whole loop.
        let mut moved: Vec<i64> = vec![0; used.len()];
        let first = axes.start;
        for axis in axes.rev().filter(|axis| program.extents[*axis] != 1) {
            let extent = program.extents[axis];
            let rounds = i32::try_from(extent).map_err(|_| "a loop that is too long".to_string())?;
            let mut on = vec![];
            for (moved, own) in moved.iter_mut().zip(used) {
                let stride = stride(&pointers[*own as usize], axis);
                on.push((*own, far(stride - *moved)?));
                *moved = stride * extent as i64;
            }
            walk.loops.insert(0, (counter + (axis - first) as u32, rounds, on));
        }
        for (moved, own) in moved.iter().zip(used) {
            walk.back.push((*own, far(-moved)?));
        }
        Ok(walk)
    }

    /// Whether a loop has no rounds.
    pub(super) fn is_empty(&self) -> bool {
        self.loops.iter().any(|(_, rounds, _)| *rounds == 0)
    }

    /// How often the body is done.
    pub(super) fn rounds(&self) -> usize {
        self.loops.iter().map(|(_, rounds, _)| *rounds as usize).product()
    }

    /// Writes the loops around what `body` writes; pointers are back where they were behind them.
    pub(super) fn emit(&self, f: &mut Function, body: impl FnOnce(&mut Function) -> Emitted) -> Emitted {
        let mut tops = vec![];
        for (counter, ..) in &self.loops {
            let counter = f.counter(*counter);
            f.asm.mov(counter, 0)?;
            let mut top = f.asm.create_label();
            f.asm.set_label(&mut top)?;
            tops.push(top);
        }
        body(f)?;
        for ((counter, rounds, on), top) in self.loops.iter().zip(tops).rev() {
            for (pointer, bytes) in on {
                f.advance(*pointer, *bytes)?;
            }
            let counter = f.counter(*counter);
            f.asm.inc(counter)?;
            f.asm.cmp(counter, *rounds)?;
            f.asm.jb(top)?;
        }
        self.back.iter().try_for_each(|(pointer, bytes)| f.advance(*pointer, *bytes))
    }
}
