//! Matrices as products see them: elements of a value, and where rows and columns lie.
//!
//! Heads of attention, transposes and reshapes are matrices whose rows and columns lie at places that only add up. They are read where they
//! are; only where a place depends on a row and a column at once are elements copied.

use std::borrow::Cow;

use vspec_ir::plan::{Atom, Index, Operand, Plan};

use super::view::{View, unravel};
use crate::memory::Memory;
use crate::tile::flat;

/// Places along an axis, counted from its first one.
#[derive(Debug, Clone)]
pub(crate) enum Places {
    /// Neighbours are so far apart.
    Regular(isize),
    Listed(Vec<isize>),
}

impl Places {
    /// Those of a list.
    fn of(list: Vec<isize>) -> Self {
        let step = match list.as_slice() {
            [first, second, ..] => second - first,
            _ => 1,
        };
        match list.windows(2).all(|pair| pair[1] - pair[0] == step) {
            true => Places::Regular(step),
            false => Places::Listed(list),
        }
    }

    /// One place.
    #[inline]
    pub(crate) fn at(&self, number: usize) -> isize {
        match self {
            Places::Regular(step) => number as isize * step,
            Places::Listed(list) => list[number],
        }
    }

    /// How many places from one on, at most `most`, lie side by side.
    pub(crate) fn run(&self, from: usize, most: usize) -> usize {
        match self {
            Places::Regular(1) => most,
            Places::Regular(_) => most.min(1),
            Places::Listed(list) => {
                let places = &list[from..from + most];
                let apart = places.windows(2).position(|pair| pair[1] != pair[0] + 1);
                apart.map_or(most, |last| last + 1)
            }
        }
    }
}

/// A matrix whose element lies where its row and its column say together.
#[derive(Debug, Clone)]
pub(crate) struct Matrix<'a, E> {
    pub(crate) elements: &'a [E],
    start: isize,
    /// Rows and columns.
    pub(crate) size: [usize; 2],
    pub(crate) places: [Places; 2],
}

impl<'a, E: Copy + Send + Sync> Matrix<'a, E> {
    /// Rows and columns of elements in row-major order.
    pub(crate) fn dense(elements: &'a [E], size: [usize; 2]) -> Self {
        let places = [Places::Regular(size[1] as isize), Places::Regular(1)];
        Matrix { elements, start: 0, size, places }
    }

    /// Rows as columns.
    pub(crate) fn transposed(self) -> Self {
        let ([rows, columns], [down, right]) = (self.size, self.places);
        Matrix { size: [columns, rows], places: [right, down], ..self }
    }

    /// Where an element lies.
    #[inline]
    pub(crate) fn place(&self, row: usize, column: usize) -> usize {
        (self.start + self.places[0].at(row) + self.places[1].at(column)) as usize
    }
}

/// Matrices, one for each place of the leading axes.
#[derive(Debug)]
pub(crate) struct Matrices<'m, E: Clone> {
    elements: Cow<'m, [E]>,
    pub(crate) shape: Vec<usize>,
    /// What of a place depends on neither row nor column, on the row, and on the column.
    parts: [Index; 3],
}

impl<'m, E: Copy + Send + Sync> Matrices<'m, E> {
    /// What a product sees of an operand.
    pub(crate) fn of(plan: &Plan, memory: &'m Memory, operand: &Operand) -> Self {
        let value = plan.value(operand.value);
        let (shape, place) = (operand.shape.clone(), flat(value, &operand.at, &operand.shape));
        match parts(&place, shape.len()) {
            Some(parts) => Matrices { elements: Cow::Borrowed(memory.elements(operand.value)), shape, parts },
            None => Matrices::dense(View::of(plan, memory, operand).into_dense(), shape),
        }
    }

    /// Matrices in row-major order.
    fn dense(elements: Cow<'m, [E]>, shape: Vec<usize>) -> Self {
        let place = (0..shape.len()).fold(Index::constant(0), |sum, axis| {
            sum.times(shape[axis] as i64).plus(&Index::counter(axis, &shape))
        });
        let whole = [place.clone(), Index::default(), Index::default()];
        Matrices { elements, parts: parts(&place, shape.len()).unwrap_or(whole), shape }
    }

    /// One of them.
    pub(crate) fn matrix(&self, batch: usize) -> Matrix<'_, E> {
        let row = self.shape.len() - 2;
        let mut at = vec![0; self.shape.len()];
        unravel(batch, &self.shape[..row], &mut at[..row]);
        let [start, down, right] = &self.parts;
        let start = start.at(&at) as isize;
        let places = [self.along(row, down, &at), self.along(row + 1, right, &at)];
        Matrix { elements: &self.elements, start, size: [self.shape[row], self.shape[row + 1]], places }
    }

    /// Places along an axis for some places of the leading ones.
    fn along(&self, axis: usize, part: &Index, at: &[usize]) -> Places {
        match part.terms.as_slice() {
            [] => Places::Regular(0),
            [(Atom::Loop(_), step)] => Places::Regular(*step as isize),
            _ => {
                let mut at = at.to_vec();
                let mut place = |number| {
                    at[axis] = number;
                    part.at(&at) as isize
                };
                Places::of((0..self.shape[axis]).map(&mut place).collect())
            }
        }
    }
}

/// The parts of an index that depend on neither of the last two axes, on the first of them and on the second, if none depends on both.
fn parts(place: &Index, rank: usize) -> Option<[Index; 3]> {
    let mut parts = [Index::constant(place.offset), Index::default(), Index::default()];
    for (atom, factor) in &place.terms {
        let loops = atom.loops();
        let part = match (loops.contains(&(rank - 2)), loops.contains(&(rank - 1))) {
            (false, false) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (true, true) => return None,
        };
        parts[part].terms.push((atom.clone(), *factor));
    }
    Some(parts)
}
