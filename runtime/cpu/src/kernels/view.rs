//! Operands as kernels see them: elements of a value, and how far they are apart.

use std::borrow::Cow;

use vspec_ir::plan::{Atom, Index, Operand, Plan};

use crate::memory::Memory;
use crate::tile::flat;

/// Elements seen as a tensor of some shape.
#[derive(Debug, Clone)]
pub(crate) struct View<'m, E: Clone> {
    elements: Cow<'m, [E]>,
    /// Place of the first element.
    start: usize,
    pub(crate) shape: Vec<usize>,
    /// How far neighbours along each axis are apart.
    pub(crate) strides: Vec<isize>,
}

impl<'m, E: Copy> View<'m, E> {
    /// What an op sees of an operand. Where places are no sums of multiples of the op's counters, the elements are copied.
    pub(crate) fn of(plan: &Plan, memory: &'m Memory, operand: &Operand) -> Self {
        let value = plan.value(operand.value);
        let elements: &'m [E] = memory.elements(operand.value);
        let (shape, place) = (operand.shape.clone(), flat(value, &operand.at, &operand.shape));
        match strides(&place, shape.len()) {
            // Of an empty tensor nothing is read.
            _ if shape.contains(&0) => View::dense_of(Cow::Borrowed(&[]), shape),
            Some(strides) => {
                View { elements: Cow::Borrowed(elements), start: place.offset as usize, shape, strides }
            }
            None => {
                let mut at = vec![0; shape.len()];
                let count: usize = shape.iter().product();
                let read = |flat: usize| {
                    unravel(flat, &shape, &mut at);
                    elements[place.at(&at) as usize]
                };
                let copied = (0..count).map(read).collect();
                View::dense_of(Cow::Owned(copied), shape)
            }
        }
    }

    /// A tensor in row-major order.
    pub(crate) fn dense_of(elements: Cow<'m, [E]>, shape: Vec<usize>) -> Self {
        let strides = row_major(&shape);
        View { elements, start: 0, shape, strides }
    }

    /// All elements in row-major order; copied unless they lie so.
    pub(crate) fn dense(&self) -> Cow<'_, [E]> {
        let count: usize = self.shape.iter().product();
        if count == 0 {
            return Cow::Borrowed(&[]);
        }
        let own = row_major(&self.shape);
        let lies_so =
            self.shape.iter().zip(self.strides.iter().zip(&own)).all(|(n, (a, b))| *n == 1 || a == b);
        if lies_so {
            return Cow::Borrowed(&self.elements[self.start..self.start + count]);
        }
        let mut copy = Vec::with_capacity(count);
        self.copy(0, self.start as isize, &mut copy);
        Cow::Owned(copy)
    }

    fn copy(&self, axis: usize, start: isize, into: &mut Vec<E>) {
        let Some((n, stride)) = self.shape.get(axis).zip(self.strides.get(axis)) else {
            return into.push(self.elements[start as usize]);
        };
        if axis + 1 < self.shape.len() {
            return (0..*n as isize).for_each(|k| self.copy(axis + 1, start + k * stride, into));
        }
        match stride {
            1 => into.extend_from_slice(&self.elements[start as usize..start as usize + n]),
            _ => into.extend((0..*n as isize).map(|k| self.elements[(start + k * stride) as usize])),
        }
    }

    /// The matrix of the last two axes at a place of the axes before them.
    pub(crate) fn matrix(&self, batch: usize) -> Matrix<'_, E> {
        let leading = self.shape.len() - 2;
        let mut at = vec![0; leading];
        unravel(batch, &self.shape[..leading], &mut at);
        let start =
            at.iter().zip(&self.strides).fold(self.start as isize, |sum, (k, s)| sum + *k as isize * s);
        Matrix {
            elements: &self.elements,
            start,
            size: [self.shape[leading], self.shape[leading + 1]],
            strides: [self.strides[leading], self.strides[leading + 1]],
        }
    }
}

/// A matrix whose elements lie at regular distances.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a, E> {
    elements: &'a [E],
    start: isize,
    /// Rows and columns.
    pub(crate) size: [usize; 2],
    /// How far rows and columns are apart.
    pub(crate) strides: [isize; 2],
}

impl<'a, E: Copy> Matrix<'a, E> {
    /// Rows and columns of elements in row-major order.
    pub(crate) fn dense(elements: &'a [E], size: [usize; 2]) -> Self {
        Matrix { elements, start: 0, size, strides: [size[1] as isize, 1] }
    }

    /// Rows as columns.
    pub(crate) fn transposed(self) -> Self {
        let ([rows, columns], [down, right]) = (self.size, self.strides);
        Matrix { size: [columns, rows], strides: [right, down], ..self }
    }

    /// An element.
    pub(crate) fn at(&self, row: usize, column: usize) -> E {
        self.elements[self.place(row, column)]
    }

    /// Neighbours in a row whose columns lie next to each other.
    pub(crate) fn run(&self, row: usize, column: usize, len: usize) -> &'a [E] {
        let start = self.place(row, column);
        &self.elements[start..start + len]
    }

    fn place(&self, row: usize, column: usize) -> usize {
        (self.start + row as isize * self.strides[0] + column as isize * self.strides[1]) as usize
    }
}

/// How far neighbours along each axis are apart, if an index is a sum of multiples of counters.
fn strides(index: &Index, rank: usize) -> Option<Vec<isize>> {
    let mut strides = vec![0; rank];
    for (atom, factor) in &index.terms {
        let Atom::Loop(axis) = atom else { return None };
        *strides.get_mut(*axis)? = *factor as isize;
    }
    Some(strides)
}

fn row_major(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis] as isize;
    }
    strides
}

/// Coordinates of a place that is counted in row-major order.
pub(crate) fn unravel(mut flat: usize, shape: &[usize], at: &mut [usize]) {
    for axis in (0..shape.len()).rev() {
        at[axis] = flat % shape[axis];
        flat /= shape[axis];
    }
}
