//! Operands as kernels see them: elements of a value, and how far they are apart.

use std::borrow::Cow;

use vspec_ir::plan::{Atom, Index, Operand, Plan};

use crate::memory::Memory;
use crate::tile::flat;
use crate::workers::pieces_where;

/// Places of leading axes that are dealt out, and elements that are worth it.
const PARTS: usize = 16;
const SMALL: usize = 1 << 14;

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

impl<'m, E: Copy + Send + Sync> View<'m, E> {
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
            None => View::dense_of(Cow::Owned(copied(elements, &place, &shape)), shape),
        }
    }

    /// A tensor in row-major order.
    pub(crate) fn dense_of(elements: Cow<'m, [E]>, shape: Vec<usize>) -> Self {
        let strides = row_major(&shape);
        View { elements, start: 0, shape, strides }
    }

    /// The element that is seen everywhere, if that is so by the way it is looked at.
    pub(crate) fn one(&self) -> Option<E> {
        let same = self.shape.iter().zip(&self.strides).all(|(n, stride)| *n == 1 || *stride == 0);
        same.then(|| self.elements.get(self.start).copied()).flatten()
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
        let mut copy = vec![self.elements[self.start]; count];
        let leading = self.leading();
        let (outer, size) = (&self.shape[..leading], self.shape[leading..].iter().product::<usize>());
        let together = (count / size).div_ceil(PARTS);
        let part = |number: usize, to: &mut [E]| {
            let mut at = vec![0; leading];
            for (place, to) in (number * together..).zip(to.chunks_exact_mut(size)) {
                unravel(place, outer, &mut at);
                let by = at.iter().zip(&self.strides).map(|(at, stride)| *at as isize * stride);
                self.copy(leading, self.start as isize + by.sum::<isize>(), to);
            }
        };
        pieces_where(count >= SMALL, &mut copy, together * size, part);
        Cow::Owned(copy)
    }

    /// What is seen along some axes from one on, from the place where they begin.
    fn copy(&self, axis: usize, start: isize, to: &mut [E]) {
        let Some((n, stride)) = self.shape.get(axis).zip(self.strides.get(axis)) else {
            return to.fill(self.elements[start as usize]);
        };
        if axis + 1 < self.shape.len() {
            let parts = to.chunks_exact_mut(to.len() / n).zip(0..);
            return parts.for_each(|(to, k)| self.copy(axis + 1, start + k * stride, to));
        }
        match stride {
            1 => to.copy_from_slice(&self.elements[start as usize..start as usize + n]),
            0 => to.fill(self.elements[start as usize]),
            _ => {
                to.iter_mut().zip(0..).for_each(|(to, k)| *to = self.elements[(start + k * stride) as usize])
            }
        }
    }

    /// How many leading axes have places enough to be dealt out; never the last one.
    fn leading(&self) -> usize {
        let outer = &self.shape[..self.shape.len().saturating_sub(1)];
        let mut places = 1;
        let is_few = |n: &&usize| {
            let few = places < PARTS;
            places *= **n;
            few
        };
        outer.iter().take_while(is_few).count()
    }

    /// All elements in row-major order, for as long as what they come from lives.
    pub(crate) fn into_dense(self) -> Cow<'m, [E]> {
        Cow::Owned(self.dense().into_owned())
    }
}

/// Elements at the places of an index, in row-major order of its counters. What depends on a row and what depends on a place within rows
/// is worked out once where the two only add up, as heads of attention do.
fn copied<E: Copy>(elements: &[E], place: &Index, shape: &[usize]) -> Vec<E> {
    let Some((columns, outer)) = shape.split_last() else { return vec![elements[place.offset as usize]] };
    let last = outer.len();
    let (within, around): (Vec<_>, Vec<_>) =
        place.terms.iter().cloned().partition(|(atom, _)| atom.loops() == [last]);
    let only_add_up = around.iter().all(|(atom, _)| !atom.loops().contains(&last));
    let (within, around) =
        (Index { terms: within, offset: 0 }, Index { terms: around, offset: place.offset });
    let mut at = vec![0; shape.len()];
    let in_column = |index: &Index, at: &mut [usize], column: usize| {
        at[last] = column;
        index.at(at)
    };
    let offsets: Vec<i64> = (0..*columns).map(|column| in_column(&within, &mut at, column)).collect();
    let mut copy = Vec::with_capacity(shape.iter().product());
    for row in 0..outer.iter().product() {
        unravel(row, outer, &mut at[..last]);
        if only_add_up {
            let start = in_column(&around, &mut at, 0);
            copy.extend(offsets.iter().map(|offset| elements[(start + offset) as usize]));
        } else {
            copy.extend((0..*columns).map(|column| elements[in_column(place, &mut at, column) as usize]));
        }
    }
    copy
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every element where its index says, whether or not rows and places within them only add up.
    #[test]
    fn copies_are_where_indices_say() {
        let shape = [6, 10, 12];
        let [i, j, k] = [0, 1, 2].map(|axis| Index::counter(axis, &shape));
        let heads = |x: &Index, by: i64, apart: i64| {
            x.quotient(by, &shape).times(apart).plus(&x.remainder(by, &shape))
        };
        let apart = heads(&k, 4, 40).plus(&heads(&i.times(10).plus(&j), 7, 200)).plus(&Index::constant(3));
        let mixed = heads(&j.times(5).plus(&k), 7, 50).plus(&i.times(3));
        let elements: Vec<usize> = (0..4000).collect();
        for place in [apart, mixed, k.quotient(5, &shape), i.quotient(4, &shape)] {
            let mut at = [0; 3];
            let want = (0..720).map(|flat| {
                unravel(flat, &shape, &mut at);
                place.at(&at) as usize
            });
            assert_eq!(copied(&elements, &place, &shape), want.collect::<Vec<_>>(), "{place}");
        }
        assert_eq!(copied(&elements, &Index::constant(7), &[]), [7]);
    }

    /// Of few and of many elements, along axes in any order, by steps forth and back, and the same one again and again.
    #[test]
    fn all_elements_are_in_order() {
        let elements: Vec<usize> = (0..200_000).collect();
        let cases: [(&[usize], &[isize], usize); 6] = [
            (&[], &[], 7),
            (&[40_000], &[3], 5),
            (&[2, 3, 4], &[1, 2, 6], 0),
            (&[4, 192, 14, 14], &[37_632, 1, 2688, 192], 0),
            (&[3, 70, 100], &[-7000, 100, 1], 20_000),
            (&[17, 1, 5, 300], &[0, 9, 1, 5], 11),
        ];
        for (shape, strides, start) in cases {
            let view = View {
                elements: Cow::Borrowed(&elements),
                start,
                shape: shape.to_vec(),
                strides: strides.to_vec(),
            };
            let mut at = vec![0; shape.len()];
            let want = (0..shape.iter().product()).map(|flat| {
                unravel(flat, shape, &mut at);
                let offset: isize = at.iter().zip(strides).map(|(at, stride)| *at as isize * stride).sum();
                (start as isize + offset) as usize
            });
            assert_eq!(*view.dense(), *want.collect::<Vec<_>>(), "{shape:?} by {strides:?}");
        }
    }
}
