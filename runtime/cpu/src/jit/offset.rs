//! Where a call begins, worked out ahead as far as the loops allow: lines can be short, and each has many places.

use vspec_ir::plan::{Atom, Index};

use crate::tile::Address;

/// How many bytes into a value the first element of a call lies.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Offset {
    start: i64,
    /// Loops, and bytes for each of their rounds.
    loops: Vec<(usize, i64)>,
    /// Quotients and remainders, and bytes for each unit of theirs.
    others: Vec<(Index, i64)>,
    /// Bytes from an element of the line to the next.
    step: i64,
}

impl Offset {
    /// The place of elements of `size` bytes; the first element's, where neighbours are here and there.
    pub(super) fn new(address: &Address, size: usize) -> Self {
        let size = size as i64;
        let index = address.start_index();
        let (mut loops, mut others) = (vec![], vec![]);
        for (atom, factor) in &index.terms {
            match atom {
                Atom::Loop(axis) => loops.push((*axis, factor * size)),
                other => others.push((Index { terms: vec![(other.clone(), 1)], offset: 0 }, factor * size)),
            }
        }
        Offset { start: index.offset * size, loops, others, step: address.step().unwrap_or(0) * size }
    }

    /// Bytes for each round of a loop.
    pub(super) fn stride(&self, axis: usize) -> i64 {
        self.loops.iter().filter(|(own, _)| *own == axis).map(|(_, bytes)| bytes).sum()
    }

    /// Bytes between elements of a line so far apart.
    pub(super) fn along(&self, elements: usize) -> i64 {
        self.step * elements as i64
    }

    /// For the counters of the loops around the line, and an element of it.
    #[inline]
    pub(super) fn at(&self, counters: &[usize], element: usize) -> i64 {
        let mut bytes = self.start + self.step * element as i64;
        for (axis, factor) in &self.loops {
            bytes += counters[*axis] as i64 * factor;
        }
        for (index, factor) in &self.others {
            bytes += index.at(counters) * factor;
        }
        bytes
    }
}
