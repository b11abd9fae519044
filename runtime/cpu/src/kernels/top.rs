//! The first elements of an axis in order, without sorting it.
//!
//! What is kept of a row is a few more than `k` elements. Whenever these are full all but the first `k` go, and from then on an element
//! has to come before the last of them. Most elements are only compared with that one, several at once.

use std::cmp::Ordering;

use super::axis::{Around, order};
use crate::element::Element;
use crate::workers::map;

/// Elements of a row that are compared before anyone asks whether one of them is kept.
const CHUNK: usize = 64;

/// Most rows beside each other that one thread goes through; fewer where there would be too few parts for threads to share.
const WIDE: usize = 64;
const NARROW: usize = 16;
const FEW: usize = 8;

/// How elements follow each other.
struct Ordered<C, M> {
    /// Their order, without their places.
    compare: C,
    /// Whether the first may come before the second; it always says so of those that do.
    may_precede: M,
}

/// Places along the axis of the first `k` floats in order; NaN comes last either way, and of equal ones the first come first.
pub(crate) fn topk<T: Element>(around: Around, k: usize, x: &[T], y: &mut [i32], descending: bool) {
    // As negations, so that whatever is compared with NaN may precede it.
    #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "true for NaN")]
    match descending {
        true => {
            let ordered = Ordered { compare: |a, b| order(a, b, true), may_precede: |a: T, b: T| !(a <= b) };
            select(around, k, x, y, &ordered);
        }
        false => {
            let ordered = Ordered { compare: |a, b| order(a, b, false), may_precede: |a: T, b: T| !(a >= b) };
            select(around, k, x, y, &ordered);
        }
    }
}

/// The same for integers.
pub(crate) fn topk_ints(around: Around, k: usize, x: &[i32], y: &mut [i32], descending: bool) {
    match descending {
        true => select(
            around,
            k,
            x,
            y,
            &Ordered { compare: |a: i32, b: i32| b.cmp(&a), may_precede: |a, b| a > b },
        ),
        false => select(
            around,
            k,
            x,
            y,
            &Ordered { compare: |a: i32, b: i32| a.cmp(&b), may_precede: |a, b| a < b },
        ),
    }
}

fn select<E, C, M>(around: Around, k: usize, x: &[E], y: &mut [i32], ordered: &Ordered<C, M>)
where
    E: Copy + Send + Sync,
    C: Fn(E, E) -> Ordering + Sync,
    M: Fn(E, E) -> bool + Sync,
{
    let Around { outer, n, inner } = around;
    if y.is_empty() {
        return;
    }
    let width = if outer * inner.div_ceil(WIDE) < FEW { NARROW } else { WIDE };
    let parts = inner.div_ceil(width);
    let found = map(outer * parts, |part| {
        let (o, from) = (part / parts, part % parts * width);
        let x = &x[o * n * inner..(o + 1) * n * inner];
        match inner {
            1 => vec![of_row(x, k, ordered)],
            _ => of_columns(x, inner, from..inner.min(from + width), k, ordered),
        }
    });
    for (part, columns) in found.iter().enumerate() {
        let (o, from) = (part / parts, part % parts * width);
        for (i, places) in columns.iter().enumerate() {
            let to = y[o * k * inner..].iter_mut().skip(from + i).step_by(inner);
            to.zip(places).for_each(|(y, place)| *y = *place);
        }
    }
}

/// The first `k` places of a row whose elements follow each other in memory.
fn of_row<E: Copy, C: Fn(E, E) -> Ordering, M: Fn(E, E) -> bool>(
    x: &[E],
    k: usize,
    ordered: &Ordered<C, M>,
) -> Vec<i32> {
    let mut kept = Kept::new(k);
    let head = kept.room().min(x.len());
    x[..head].iter().enumerate().for_each(|(place, x)| kept.add(*x, place, ordered));
    for (number, chunk) in x[head..].chunks(CHUNK).enumerate() {
        let bound = kept.bound(chunk[0]);
        if !chunk.iter().fold(false, |any, x| any | (ordered.may_precede)(*x, bound)) {
            continue;
        }
        for (i, x) in chunk.iter().enumerate() {
            if (ordered.may_precede)(*x, kept.bound(*x)) {
                kept.add(*x, head + number * CHUNK + i, ordered);
            }
        }
    }
    kept.places(ordered)
}

/// The same of rows beside each other, whose elements lie `inner` apart.
fn of_columns<E: Copy, C: Fn(E, E) -> Ordering, M: Fn(E, E) -> bool>(
    x: &[E],
    inner: usize,
    columns: std::ops::Range<usize>,
    k: usize,
    ordered: &Ordered<C, M>,
) -> Vec<Vec<i32>> {
    let mut kept: Vec<Kept<E>> = columns.clone().map(|_| Kept::new(k)).collect();
    let mut lines = x.chunks_exact(inner).map(|line| &line[columns.clone()]).enumerate();
    let room = kept[0].room();
    for (place, line) in lines.by_ref().take(room) {
        kept.iter_mut().zip(line).for_each(|(kept, x)| kept.add(*x, place, ordered));
    }
    let Some((place, line)) = lines.next() else {
        return kept.into_iter().map(|kept| kept.places(ordered)).collect();
    };
    let mut bounds: Vec<E> = kept.iter().zip(line).map(|(kept, x)| kept.bound(*x)).collect();
    for (place, line) in std::iter::once((place, line)).chain(lines) {
        let pairs = line.iter().zip(&bounds);
        if !pairs.fold(false, |any, (x, bound)| any | (ordered.may_precede)(*x, *bound)) {
            continue;
        }
        for ((x, bound), kept) in line.iter().zip(&mut bounds).zip(&mut kept) {
            if (ordered.may_precede)(*x, *bound) {
                kept.add(*x, place, ordered);
                *bound = kept.bound(*x);
            }
        }
    }
    kept.into_iter().map(|kept| kept.places(ordered)).collect()
}

/// What is kept of a row: its first `k` elements so far, and some that came later and may be among them.
struct Kept<E> {
    elements: Vec<(E, i32)>,
    k: usize,
    /// The last of the first `k` when it was last looked for.
    bound: Option<E>,
}

impl<E: Copy> Kept<E> {
    fn new(k: usize) -> Self {
        // Half as many more keep the bound close to what it would be after each element, and its cost small.
        Kept { elements: Vec::with_capacity(k + k / 2 + 8), k, bound: None }
    }

    /// How many elements there is room for.
    fn room(&self) -> usize {
        self.k + self.k / 2 + 8
    }

    /// What an element has to precede to be kept, once there was no room; before that, whatever is given.
    fn bound(&self, else_: E) -> E {
        self.bound.unwrap_or(else_)
    }

    /// Elements come in the order of their places, so that those that are there already go before their equals.
    fn add<C: Fn(E, E) -> Ordering, M>(&mut self, x: E, place: usize, ordered: &Ordered<C, M>) {
        self.elements.push((x, place as i32));
        if self.elements.len() == self.room() {
            let before = |a: &(E, i32), b: &(E, i32)| (ordered.compare)(a.0, b.0).then(a.1.cmp(&b.1));
            let (_, last, _) = self.elements.select_nth_unstable_by(self.k - 1, before);
            self.bound = Some(last.0);
            self.elements.truncate(self.k);
        }
    }

    /// The places of the first `k`, in order.
    fn places<C: Fn(E, E) -> Ordering, M>(mut self, ordered: &Ordered<C, M>) -> Vec<i32> {
        self.elements.sort_unstable_by(|a, b| (ordered.compare)(a.0, b.0).then(a.1.cmp(&b.1)));
        self.elements.iter().take(self.k).map(|(_, place)| *place).collect()
    }
}
