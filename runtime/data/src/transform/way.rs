//! Where the pixels of an image go.

/// A scale and a shift along x and along y: what was at `x` is at `scale x + shift`. Negative scales mirror.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Way {
    scale: [f64; 2],
    shift: [f64; 2],
}

impl Default for Way {
    fn default() -> Way {
        Way::STILL
    }
}

impl Way {
    /// Nowhere.
    pub(crate) const STILL: Way = Way { scale: [1.0, 1.0], shift: [0.0, 0.0] };

    /// From one height and width to another.
    pub(super) fn scaled(from: [usize; 2], to: [usize; 2]) -> Way {
        let share = |axis: usize| to[axis] as f64 / from[axis] as f64;
        Way { scale: [share(1), share(0)], ..Way::STILL }
    }

    /// To the right and down.
    pub(crate) fn shifted(shift: [f64; 2]) -> Way {
        Way { shift, ..Way::STILL }
    }

    /// Axis 0 is x, 1 is y.
    pub(super) fn mirrored(axis: usize, length: usize) -> Way {
        let mut way = Way::STILL;
        (way.scale[axis], way.shift[axis]) = (-1.0, length as f64);
        way
    }

    /// One way after the other.
    pub(crate) fn then(self, next: Way) -> Way {
        let along = |axis: usize| {
            let scale = self.scale[axis] * next.scale[axis];
            (scale, self.shift[axis] * next.scale[axis] + next.shift[axis])
        };
        let ((sx, tx), (sy, ty)) = (along(0), along(1));
        Way { scale: [sx, sy], shift: [tx, ty] }
    }

    /// Where a box comes to lie, as left, top, right and bottom.
    pub(crate) fn of_box(&self, corners: [f64; 4]) -> [f64; 4] {
        let at = |value: f64, axis: usize| self.scale[axis] * value + self.shift[axis];
        let [x1, y1, x2, y2] = corners;
        let (a, b, c, d) = (at(x1, 0), at(x2, 0), at(y1, 1), at(y2, 1));
        [a.min(b), c.min(d), a.max(b), c.max(d)]
    }

    /// Where a box was before it went this way.
    pub(crate) fn back(&self, corners: [f64; 4]) -> [f64; 4] {
        let at = |value: f64, axis: usize| (value - self.shift[axis]) / self.scale[axis];
        let [x1, y1, x2, y2] = corners;
        let (a, b, c, d) = (at(x1, 0), at(x2, 0), at(y1, 1), at(y2, 1));
        [a.min(b), c.min(d), a.max(b), c.max(d)]
    }

    /// Scales and shifts in the order of corners: x, y, x, y.
    pub(crate) fn corners(&self) -> [[f64; 4]; 2] {
        [self.scale, self.shift].map(|[x, y]| [x, y, x, y])
    }

    /// The way with these scales and shifts, in the order of corners.
    pub(crate) fn of_corners([scale, shift]: [[f64; 4]; 2]) -> Way {
        Way { scale: [scale[0], scale[1]], shift: [shift[0], shift[1]] }
    }

    /// By how much areas grow.
    pub(crate) fn growth(&self) -> f64 {
        (self.scale[0] * self.scale[1]).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_follow_one_another() {
        let way = Way::shifted([-2.0, 0.0]).then(Way::scaled([10, 10], [20, 30])).then(Way::mirrored(0, 30));
        assert_eq!(way.of_box([2.0, 1.0, 4.0, 3.0]), [24.0, 2.0, 30.0, 6.0]);
        assert_eq!(way.growth(), 6.0);
        assert_eq!(way.back([24.0, 2.0, 30.0, 6.0]), [2.0, 1.0, 4.0, 3.0]);
        assert_eq!(Way::STILL.then(way), way);
        assert_eq!(Way::of_corners(way.corners()), way);
    }
}
