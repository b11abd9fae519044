//! From places along axes to places in memory, and loops that need not be apart.

use vspec_ir::plan::{Atom, Index, Value};

/// An index of a loop nest whose last loop is the vector.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// The place at the start of a line, where the vector's counter is 0.
    start: Index,
    /// How far neighbours of a line are apart, if that is always the same.
    step: Option<i64>,
    /// The index itself, for lines whose neighbours are here and there.
    whole: Index,
}

impl Address {
    /// Splits an index at a loop.
    pub(crate) fn new(index: &Index, vector: usize) -> Self {
        let of_vector = |atom: &Atom| *atom == Atom::Loop(vector);
        let step = index.terms.iter().find(|(atom, _)| of_vector(atom)).map_or(0, |(_, factor)| *factor);
        let rest: Vec<(Atom, i64)> =
            index.terms.iter().filter(|(atom, _)| !of_vector(atom)).cloned().collect();
        let start = Index { terms: rest, offset: index.offset };
        let regular = !start.loops().contains(&vector);
        Address { start, step: regular.then_some(step), whole: index.clone() }
    }

    /// Whether it is the same all along a line.
    pub(crate) fn is_uniform(&self) -> bool {
        self.step == Some(0)
    }

    /// The distance of neighbours, if it is always the same.
    pub(crate) fn step(&self) -> Option<i64> {
        self.step
    }

    /// The place of the vector's counter 0; counters of the other loops are given.
    pub(crate) fn start(&self, counters: &[usize]) -> i64 {
        self.start.at(counters)
    }

    /// The place of the vector's counter 0, as an index.
    pub(crate) fn start_index(&self) -> &Index {
        &self.start
    }

    /// The place as an index.
    pub(crate) fn whole(&self) -> &Index {
        &self.whole
    }

    /// The place at given counters.
    pub(crate) fn at(&self, counters: &[usize]) -> i64 {
        self.whole.at(counters)
    }
}

/// Place of an element within its value's memory, in elements.
pub(crate) fn flat(value: &Value, at: &[Index], extents: &[usize]) -> Index {
    let below = |flat: Index, size: usize, index: &Index| flat.times(size as i64).plus(index);
    let order = value.layout.order.iter();
    let Some((blocked, size)) = value.layout.block else {
        return order.fold(Index::constant(0), |sum, axis| below(sum, value.shape[*axis], &at[*axis]));
    };
    let group = at[blocked].quotient(size as i64, extents);
    let groups = order.fold(Index::constant(0), |sum, axis| match *axis == blocked {
        true => below(sum, value.shape[*axis].div_ceil(size), &group),
        false => below(sum, value.shape[*axis], &at[*axis]),
    });
    below(groups, size, &at[blocked].remainder(size as i64, extents))
}

/// Whether a loop and the next one can be one: every index runs through both as through one.
pub(crate) fn can_merge<'i>(
    mut indices: impl Iterator<Item = &'i Index>,
    first: usize,
    extents: &[usize],
) -> bool {
    let second = first + 1;
    if extents[first] == 1 || extents[second] == 1 {
        return true;
    }
    let factor = |index: &Index, axis: usize| {
        index.terms.iter().find(|(atom, _)| *atom == Atom::Loop(axis)).map_or(0, |(_, factor)| *factor)
    };
    indices.all(|index| {
        let nested = index.terms.iter().filter(|(atom, _)| !matches!(atom, Atom::Loop(_))).cloned().collect();
        let loops = Index { terms: nested, offset: 0 }.loops();
        let plain = !loops.contains(&first) && !loops.contains(&second);
        plain && factor(index, first) == factor(index, second) * extents[second] as i64
    })
}

/// The index after a loop and the next one became one.
pub(crate) fn merged(index: &Index, first: usize, extents: &[usize]) -> Index {
    let counter = |axis: usize| Index { terms: vec![(Atom::Loop(axis), 1)], offset: 0 };
    // Of the two, the one with more than one round stays; where both have several, the second counts single steps.
    let stays = if extents[first + 1] == 1 { first } else { first + 1 };
    let counters: Vec<Index> = (0..extents.len())
        .map(|axis| match axis {
            axis if axis < first => counter(axis),
            axis if axis == stays => counter(first),
            axis if axis <= first + 1 => Index::constant(0),
            axis => counter(axis - 1),
        })
        .collect();
    let mut after = extents.to_vec();
    after[first] *= after.remove(first + 1);
    index.substitute(&counters, &after)
}
