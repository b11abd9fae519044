//! Which transforms belong together.

use super::transform::{Planar, Square};
use super::{dense, strided};
use crate::kernels::window::Moves;

/// The transforms of a convolution. The windows of a place of a transformed tile are those of the same place, along each axis, of a
/// transformed window; places behind its last one share that one.
pub(super) trait Filter: Sync {
    /// How far neighbouring tiles are apart.
    const STEP: usize;
    type Tile: Planar;
    type Window: Planar;
    type Sum: Planar;

    /// Places of a transformed tile, and of a transformed window.
    const PLACES: usize = Self::Tile::TO * Self::Tile::TO;
    const WINDOWS: usize = Self::Window::TO * Self::Window::TO;
    /// Results of a tile along an axis.
    const RESULTS: usize = Self::Sum::TO;

    /// The place of a transformed window that belongs to one of a tile.
    #[inline(always)]
    fn window(place: usize) -> usize {
        let along = |at: usize| at.min(Self::Window::TO - 1);
        along(place / Self::Tile::TO) * Self::Window::TO + along(place % Self::Tile::TO)
    }
}

/// Those of its transpose in the weight, too.
pub(super) trait Transpose: Filter {
    type Gradient: Planar;
    type WindowSum: Planar;
}

/// Windows of 3x3 that move by 1.
pub(super) struct Dense;

impl Filter for Dense {
    const STEP: usize = 4;
    type Tile = Square<dense::OfTile, 6, 6>;
    type Window = Square<dense::OfWeight, 3, 6>;
    type Sum = Square<dense::OfSum, 6, 4>;
}

impl Transpose for Dense {
    type Gradient = Square<dense::OfGradient, 4, 6>;
    type WindowSum = Square<dense::OfWeightSum, 6, 3>;
}

/// Windows of 3x3 that move by 1, in small tiles: more products, and less than half as many places of a window.
pub(super) struct Small;

impl Filter for Small {
    const STEP: usize = 2;
    type Tile = Square<dense::OfSmallTile, 4, 4>;
    type Window = Square<dense::OfSmallWeight, 3, 4>;
    type Sum = Square<dense::OfSmallSum, 4, 2>;
}

/// Windows of 4x4 that move by 1.
pub(super) struct Dense4;

impl Filter for Dense4 {
    const STEP: usize = 3;
    type Tile = Square<dense::OfTile, 6, 6>;
    type Window = Square<dense::OfWeight4, 4, 6>;
    type Sum = Square<dense::OfSum4, 6, 3>;
}

impl Transpose for Dense4 {
    type Gradient = Square<dense::OfGradient4, 3, 6>;
    type WindowSum = Square<dense::OfWeightSum4, 6, 4>;
}

/// Windows of 3x3 that move by 2.
pub(super) struct Strided;

impl Filter for Strided {
    const STEP: usize = 8;
    type Tile = Square<strided::OfTile, 9, 9>;
    type Window = Square<strided::OfWeight, 3, 6>;
    type Sum = Square<strided::OfSum, 9, 4>;
}

impl Transpose for Strided {
    type Gradient = Square<strided::OfGradient, 4, 9>;
    type WindowSum = Square<strided::OfWeightSum, 6, 3>;
}

/// The transpose in the input of windows that move by 2. `SINGLE` says that the first element is under the second tap only.
pub(super) struct Spread<const SINGLE: bool>;

impl<const SINGLE: bool> Filter for Spread<SINGLE> {
    const STEP: usize = 4;
    type Tile = Square<strided::OfSpreadTile<SINGLE>, 5, 9>;
    type Window = Square<strided::OfWeight, 3, 6>;
    type Sum = Square<strided::OfSpreadSum<SINGLE>, 9, 8>;
}

/// Which filter a convolution has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kernels::conv) enum Kind {
    Dense,
    Small,
    Dense4,
    Strided,
}

impl Kind {
    /// That of some windows, if there is one.
    pub(in crate::kernels::conv) fn new(kernel: &[usize], moves: &Moves<'_>) -> Option<Self> {
        let still = moves.dilation.iter().all(|d| *d == 1);
        match (kernel, moves.stride) {
            ([3, 3], [1, 1]) if still => Some(Kind::Dense),
            ([4, 4], [1, 1]) if still => Some(Kind::Dense4),
            // The transpose begins with the same kind of element along both axes.
            ([3, 3], [2, 2]) if still && (moves.low(0) - moves.low(1)) % 2 == 0 => Some(Kind::Strided),
            _ => None,
        }
    }

    /// The one for windows of a shape whose transformed weight is kept: where it comes from memory for few tiles, less than half as much of
    /// it is worth more than some products.
    pub(in crate::kernels::conv) fn kept(self, windows: &[usize]) -> Self {
        let cost = |kind: Kind| kind.tiling(windows).products(READ);
        match self {
            Kind::Dense if cost(Kind::Small) < cost(Kind::Dense) => Kind::Small,
            other => other,
        }
    }

    /// How windows of a shape are cut into tiles.
    pub(in crate::kernels::conv) fn tiling(self, windows: &[usize]) -> Tiling {
        match self {
            Kind::Dense => Tiling::of::<Dense>(windows),
            Kind::Small => Tiling::of::<Small>(windows),
            Kind::Dense4 => Tiling::of::<Dense4>(windows),
            Kind::Strided => Tiling::of::<Strided>(windows),
        }
    }
}

/// What it takes to read an element of a kept weight, in products.
pub(in crate::kernels::conv) const READ: f64 = 8.0;

/// Windows of all images in tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kernels::conv) struct Tiling {
    pub(in crate::kernels::conv) tiles: usize,
    /// Places of a transformed tile, and of a transformed window.
    pub(in crate::kernels::conv) places: usize,
    pub(in crate::kernels::conv) windows: usize,
}

impl Tiling {
    fn of<F: Filter>(windows: &[usize]) -> Self {
        let along = |axis: usize| windows[axis].div_ceil(F::RESULTS);
        Tiling { tiles: windows[0] * along(2) * along(3), places: F::PLACES, windows: F::WINDOWS }
    }

    /// Products for each pair of channels, where an element of a transformed weight costs as much as some of them.
    pub(in crate::kernels::conv) fn products(&self, weight: f64) -> f64 {
        (self.tiles * self.places) as f64 + weight * self.windows as f64
    }
}
