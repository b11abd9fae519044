//! Pooling of single precision over one or two axes, some rows of windows at a time ([`Bands`]).

use crate::kernels::bands::{Bands, Fold, Layout};
use crate::kernels::product::part;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{LANES, Parts, Simd, in_parts};
use crate::kernels::window::Axis;
use crate::memory::Shared;

/// Taps that a part at least has: smaller planes are done together.
const WORTH: usize = 1 << 16;
/// The number of a tap that is none.
const NONE: u32 = u32::MAX;

/// What is made of the windows of a plane.
pub(super) trait Pool: Sync {
    /// An element of the result.
    type Element: Send;
    /// Whether windows must have their taps in their order.
    const ORDERED: bool;
    /// Makes the windows' elements, rows of `width`, of a plane as bands see it.
    fn plane<S: Simd>(&self, simd: S, bands: &Bands, width: usize, x: &[f32], y: &mut [Self::Element]);
}

/// Pools all planes.
pub(super) fn pool<P: Pool>(pool: &P, axes: &[Axis; 2], x: &[f32], y: &mut [P::Element]) {
    let [rows, columns] = axes;
    if y.is_empty() {
        return;
    }
    let layout = Layout::new([rows, columns]);
    let bands = Bands::new([rows, columns], &layout, P::ORDERED);
    let (windows, planes) = (rows.count * columns.count, y.len() / (rows.count * columns.count));
    let parts = planes.div_ceil((WORTH / (windows * bands.order().len()).max(1)).max(1));
    in_parts(
        parts,
        &Tasks {
            pool,
            layout: &layout,
            bands: &bands,
            size: rows.size * columns.size,
            windows,
            width: columns.count,
            planes,
            parts,
            x,
            y: &Shared::new(y),
        },
    );
}

/// The tasks: some planes each.
struct Tasks<'a, P: Pool> {
    pool: &'a P,
    layout: &'a Layout,
    bands: &'a Bands,
    /// Elements of a plane, windows over it, and windows of a row.
    size: usize,
    windows: usize,
    width: usize,
    planes: usize,
    parts: usize,
    x: &'a [f32],
    y: &'a Shared<'a, P::Element>,
}

impl<P: Pool> Parts for Tasks<'_, P> {
    /// A plane as its windows see it.
    type Memory = Scratch<f32>;

    fn memory(&self) -> Scratch<f32> {
        Scratch::zeros(if self.layout.is_plain() { 0 } else { self.layout.len() })
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, room: &mut Scratch<f32>) {
        for plane in part(self.planes, self.parts, number) {
            let mut x = &self.x[plane * self.size..][..self.size];
            if !self.layout.is_plain() {
                self.layout.copy(x, room);
                x = room;
            }
            let y = self.y.run(plane * self.windows, self.windows);
            self.pool.plane(simd, self.bands, self.width, x, y);
        }
    }
}

/// Puts what is known of each window where it belongs.
#[inline(always)]
fn store<S: Simd, F: Fold<S, Known = S::V>>(
    simd: S,
    bands: &Bands,
    width: usize,
    x: &[f32],
    fold: &F,
    y: &mut [f32],
) {
    bands.fold(
        simd,
        x,
        fold,
        #[inline(always)]
        |row, first, count, known| simd.store_some(known, &mut y[row * width + first..][..count]),
    );
}

/// The largest element; NaN is above any number, and minus infinity is the largest of none.
pub(super) struct Most;

impl Pool for Most {
    type Element = f32;
    const ORDERED: bool = false;

    #[inline(always)]
    fn plane<S: Simd>(&self, simd: S, bands: &Bands, width: usize, x: &[f32], y: &mut [f32]) {
        store(simd, bands, width, x, self, y);
    }
}

impl<S: Simd> Fold<S> for Most {
    type Known = S::V;
    type Tap = ();

    #[inline(always)]
    fn start(&self, simd: S) -> S::V {
        simd.splat(f32::NEG_INFINITY)
    }

    #[inline(always)]
    fn outside(&self, simd: S) -> S::V {
        simd.splat(f32::NEG_INFINITY)
    }

    #[inline(always)]
    fn taps<const K: usize>(&self, _: S, _: usize) -> [(); K] {
        [(); K]
    }

    #[inline(always)]
    fn add(&self, simd: S, best: S::V, x: S::V, (): ()) -> S::V {
        simd.larger([best; 2], [x; 2])[0]
    }
}

/// The sum of a window, divided by a number of its own.
pub(super) struct Mean<'a> {
    /// One for each window.
    pub(super) divisors: &'a [f32],
}

impl Pool for Mean<'_> {
    type Element = f32;
    const ORDERED: bool = false;

    #[inline(always)]
    fn plane<S: Simd>(&self, simd: S, bands: &Bands, width: usize, x: &[f32], y: &mut [f32]) {
        store(simd, bands, width, x, self, y);
        y.iter_mut().zip(self.divisors).for_each(|(y, by)| *y /= by);
    }
}

impl<S: Simd> Fold<S> for Mean<'_> {
    type Known = S::V;
    type Tap = ();

    #[inline(always)]
    fn start(&self, simd: S) -> S::V {
        simd.splat(0.0)
    }

    #[inline(always)]
    fn outside(&self, simd: S) -> S::V {
        simd.splat(0.0)
    }

    #[inline(always)]
    fn taps<const K: usize>(&self, _: S, _: usize) -> [(); K] {
        [(); K]
    }

    #[inline(always)]
    fn add(&self, simd: S, sum: S::V, x: S::V, (): ()) -> S::V {
        simd.add(sum, x)
    }
}

/// The place in its plane of the first largest element; the first NaN wins.
pub(super) struct First {
    /// Places of the taps of the first window, and how much further they are for the next row and the next column.
    places: Vec<i32>,
    strides: [i32; 2],
    /// For each window what is said where no element is above minus infinity.
    firsts: Vec<i32>,
}

impl First {
    pub(super) fn new(axes: &[Axis; 2]) -> Self {
        let [rows, columns] = axes;
        let size = columns.size;
        let row = |y: isize| columns.offsets.iter().map(move |x| (y * size as isize + x) as i32);
        // The first place that a window covers along an axis.
        let first = |axis: &Axis, window: usize| {
            let at = |offset: &isize| usize::try_from((window * axis.step) as isize + offset).ok();
            axis.offsets.iter().filter_map(at).find(|at| *at < axis.size)
        };
        let along = |axis: &Axis| (0..axis.count).map(|window| first(axis, window)).collect::<Vec<_>>();
        let (down, across) = (along(rows), along(columns));
        let place = |y: Option<usize>, x: Option<usize>| y.zip(x).map_or(0, |(y, x)| (y * size + x) as i32);
        First {
            places: rows.offsets.iter().copied().flat_map(row).collect(),
            strides: [rows.step * size, columns.step].map(|stride| stride as i32),
            firsts: down.iter().flat_map(|y| across.iter().map(move |x| place(*y, *x))).collect(),
        }
    }
}

impl Pool for First {
    type Element = i32;
    const ORDERED: bool = true;

    #[inline(always)]
    fn plane<S: Simd>(&self, simd: S, bands: &Bands, width: usize, x: &[f32], y: &mut [i32]) {
        bands.fold(
            simd,
            x,
            self,
            #[inline(always)]
            |row, first, count, best| {
                let mut taps = [0.0; LANES];
                simd.store(best[1], &mut taps);
                let corner = row as i32 * self.strides[0] + first as i32 * self.strides[1];
                let windows = row * width + first..row * width + first + count;
                let known = y[windows.clone()].iter_mut().zip(&self.firsts[windows]);
                for (lane, (y, first)) in known.enumerate() {
                    let place = self.places.get(taps[lane].to_bits() as usize);
                    *y = place.map_or(*first, |place| corner + lane as i32 * self.strides[1] + place);
                }
            },
        );
    }
}

/// The largest element, and the number of its tap.
impl<S: Simd> Fold<S> for First {
    type Known = [S::V; 2];
    type Tap = S::V;

    #[inline(always)]
    fn start(&self, simd: S) -> [S::V; 2] {
        // Numbers are carried as the bits of floats: they are only moved.
        [f32::NEG_INFINITY, f32::from_bits(NONE)].map(
            #[inline(always)]
            |x| simd.splat(x),
        )
    }

    #[inline(always)]
    fn outside(&self, simd: S) -> S::V {
        simd.splat(f32::NEG_INFINITY)
    }

    #[inline(always)]
    fn taps<const K: usize>(&self, simd: S, first: usize) -> [S::V; K] {
        let mut taps = [simd.splat(0.0); K];
        for (tap, number) in taps.iter_mut().zip(first..) {
            *tap = simd.splat(f32::from_bits(number as u32));
        }
        taps
    }

    #[inline(always)]
    fn add(&self, simd: S, best: [S::V; 2], x: S::V, tap: S::V) -> [S::V; 2] {
        simd.larger(best, [x, tap])
    }
}
