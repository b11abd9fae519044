//! In which order the elements of a value lie in memory.

use std::fmt;

/// An order of elements.
///
/// Axes lie in `order`, the last one fastest. With a `block`, one axis is cut into groups of some elements that lie together, fastest of
/// all: `nChw16c` is the order `[0, 1, 2, 3]` with axis 1 in blocks of 16. A last group that is not full is filled up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Layout {
    /// A permutation of the axes, slowest first.
    pub order: Vec<usize>,
    /// An axis in blocks, and how many elements a block has.
    pub block: Option<(usize, usize)>,
}

impl Layout {
    /// Row-major.
    pub fn dense(rank: usize) -> Self {
        Layout { order: (0..rank).collect(), block: None }
    }

    /// Row-major, with one axis in blocks.
    pub fn blocked(rank: usize, axis: usize, size: usize) -> Self {
        Layout { order: (0..rank).collect(), block: Some((axis, size)) }
    }

    /// Whether elements lie in row-major order.
    pub fn is_dense(&self) -> bool {
        self.block.is_none() && self.order.iter().enumerate().all(|(i, axis)| i == *axis)
    }

    /// Elements that memory is needed for, filling included.
    pub fn elements(&self, shape: &[usize]) -> usize {
        let own = |axis: usize| match self.block {
            Some((blocked, size)) if blocked == axis => shape[axis].div_ceil(size) * size,
            _ => shape[axis],
        };
        (0..shape.len()).map(own).product()
    }

    /// Position of an element, in elements from the first.
    pub fn offset(&self, shape: &[usize], at: &[usize]) -> usize {
        let Some((blocked, size)) = self.block else {
            return self.order.iter().fold(0, |flat, axis| flat * shape[*axis] + at[*axis]);
        };
        let groups = self.order.iter().fold(0, |flat, axis| match *axis == blocked {
            true => flat * shape[*axis].div_ceil(size) + at[*axis] / size,
            false => flat * shape[*axis] + at[*axis],
        });
        groups * size + at[blocked] % size
    }
}

impl fmt::Display for Layout {
    /// `dense`, `order [0, 2, 3, 1]`, `axis 1 in blocks of 16`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_order = self.order.iter().enumerate().all(|(i, axis)| i == *axis);
        match (in_order, self.block) {
            (true, None) => f.write_str("dense"),
            (false, None) => write!(f, "order {:?}", self.order),
            (true, Some((axis, size))) => write!(f, "axis {axis} in blocks of {size}"),
            (false, Some((axis, size))) => {
                write!(f, "order {:?}, axis {axis} in blocks of {size}", self.order)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_has_a_place_of_its_own() {
        for layout in [
            Layout::dense(3),
            Layout { order: vec![0, 2, 1], block: None },
            Layout::blocked(3, 1, 4),
            Layout { order: vec![2, 1, 0], block: Some((2, 3)) },
        ] {
            let shape = [2, 6, 5];
            let mut seen = vec![false; layout.elements(&shape)];
            for flat in 0..60 {
                let place = layout.offset(&shape, &[flat / 30, flat / 5 % 6, flat % 5]);
                assert!(!std::mem::replace(&mut seen[place], true), "{layout}: {place} twice");
            }
        }
    }

    #[test]
    fn channels_in_blocks_lie_together() {
        let layout = Layout::blocked(4, 1, 16);
        let shape = [2, 20, 3, 3];
        assert_eq!(layout.elements(&shape), 2 * 32 * 9);
        assert_eq!(layout.offset(&shape, &[0, 3, 0, 1]), 16 + 3);
        assert_eq!(layout.offset(&shape, &[1, 17, 2, 2]), 32 * 9 + 16 * 9 + 8 * 16 + 1);
    }
}
