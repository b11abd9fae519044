//! The convolution itself, and its transpose in the input: a sum over taps for each element of the result.

use crate::kernels::bands::{Bands, Fold, Layout};
use crate::kernels::conv::Channels;
use crate::kernels::conv::input::Remainders;
use crate::kernels::deal::together;
use crate::kernels::product::part;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{Parts, Simd, in_parts};
use crate::kernels::window::{Moves, Windows};
use crate::memory::Shared;

/// Products that a part is at least worth: smaller planes are done together.
const WORTH: usize = 1 << 17;

/// `[N, C, ..] * [O, 1, ..] -> [N, O, ..]`; false where there are more than two spatial axes.
pub(in crate::kernels::conv) fn forward(
    [(x, x_shape), (w, w_shape)]: [(&[f32], &[usize]); 2],
    (y, y_shape): (&mut [f32], &[usize]),
    moves: &Moves<'_>,
    channels: Channels,
) -> bool {
    let windows = Windows::new(moves, &w_shape[2..], [&y_shape[2..], &x_shape[2..]]);
    let Some([rows, columns]) = windows.in_plane() else {
        return false;
    };
    let layout = Layout::new([&rows, &columns]);
    let bands = Bands::new([&rows, &columns], &layout, false);
    let taps = w_shape[2..].iter().product();
    let kind = Kind { weight: in_order(w, taps, bands.order()), bands, first: [0, 0] };
    let shared = channels.shared;
    let gather = Gather {
        layout,
        kinds: vec![kind],
        size: [rows.count, columns.count],
        apart: [1, 1],
        from: (x, x_shape[2..].iter().product()),
        planes: channels.images * channels.outputs(),
        sources: 1,
        source: |plane| plane / shared,
        weights: channels.outputs(),
    };
    gather.run(y);
    true
}

/// `[N, O, ..] * [O, 1, ..] -> [N, C, ..]`; false where there are more than two spatial axes.
pub(in crate::kernels::conv) fn input(
    [(y, y_shape), (w, w_shape)]: [(&[f32], &[usize]); 2],
    (x, x_shape): (&mut [f32], &[usize]),
    moves: &Moves<'_>,
    channels: Channels,
) -> bool {
    let kernel = &w_shape[2..];
    let Some(remainders) = Remainders::new(moves, kernel, [&y_shape[2..], &x_shape[2..]]) else {
        return false;
    };
    let ([(row, _), ..], [(column, _), ..]) = (&remainders.axes[0][..], &remainders.axes[1][..]) else {
        return true;
    };
    let layout = Layout::new([row, column]);
    let taps: usize = kernel.iter().product();
    let mut kinds = vec![];
    remainders.each(|first, axes, numbers| {
        let bands = Bands::new(axes, &layout, false);
        let order: Vec<usize> = bands.order().iter().map(|tap| numbers[*tap]).collect();
        kinds.push(Kind { weight: in_order(w, taps, &order), bands, first });
    });
    let shared = channels.shared;
    let gather = Gather {
        layout,
        kinds,
        size: remainders.size,
        apart: remainders.apart,
        from: (y, y_shape[2..].iter().product()),
        planes: channels.images * channels.inputs(),
        sources: shared,
        source: |plane| plane * shared,
        weights: channels.outputs(),
    };
    gather.run(x);
    true
}

/// Elements of the result that have the same taps.
struct Kind {
    bands: Bands,
    /// The weights of the taps, of one output channel after the other.
    weight: Vec<f32>,
    /// Row and column of the first one.
    first: [usize; 2],
}

/// A result whose elements are sums over taps.
struct Gather<'a, F> {
    layout: Layout,
    kinds: Vec<Kind>,
    /// Rows and columns of the result, and how far those of one kind are apart.
    size: [usize; 2],
    apart: [usize; 2],
    /// What is summed, and the elements of a plane of it.
    from: (&'a [f32], usize),
    /// Planes of the result.
    planes: usize,
    /// Planes that a plane of the result is a sum over, and the number of the first of them.
    sources: usize,
    source: F,
    /// Output channels.
    weights: usize,
}

impl<F: Fn(usize) -> usize + Sync> Gather<'_, F> {
    fn run(&self, to: &mut [f32]) {
        if to.is_empty() {
            return;
        }
        let taps: usize = self.kinds.iter().map(|kind| kind.bands.order().len()).sum();
        let products = to.len() / self.planes * taps / self.kinds.len() * self.sources;
        let parts = self.planes.div_ceil((WORTH / products.max(1)).max(1));
        in_parts(parts, &Tasks { gather: self, to: &Shared::new(to), parts });
    }

    /// Elements of one remainder in a row of the result.
    fn pitch(&self) -> usize {
        self.size[1].div_ceil(self.apart[1])
    }
}

/// The tasks: some planes of the result each.
struct Tasks<'a, F> {
    gather: &'a Gather<'a, F>,
    to: &'a Shared<'a, f32>,
    parts: usize,
}

/// Memory of one core: a plane as its windows see it, and a result whose rows have yet to be put together.
struct Room {
    plane: Scratch<f32>,
    result: Scratch<f32>,
}

impl<F: Fn(usize) -> usize + Sync> Parts for Tasks<'_, F> {
    type Memory = Room;

    fn memory(&self) -> Room {
        let Gather { layout, size, apart, .. } = self.gather;
        let room = |needed: bool, len: usize| Scratch::zeros(if needed { len } else { 0 });
        let row = self.gather.pitch() * apart[1];
        Room { plane: room(!layout.is_plain(), layout.len()), result: room(apart[1] > 1, size[0] * row) }
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, room: &mut Room) {
        let Gather { size, apart, planes, .. } = *self.gather;
        for plane in part(planes, self.parts, number) {
            let to = self.to.run(plane * size[0] * size[1], size[0] * size[1]);
            if apart[1] == 1 {
                self.sums(simd, plane, &mut room.plane, size[1], to);
                continue;
            }
            let pitch = self.gather.pitch();
            self.sums(simd, plane, &mut room.plane, pitch * apart[1], &mut room.result);
            let rows = room.result.chunks_exact(pitch * apart[1]).zip(to.chunks_exact_mut(size[1]));
            rows.for_each(|(row, to)| together(apart[1], row, to));
        }
    }
}

impl<F: Fn(usize) -> usize + Sync> Tasks<'_, F> {
    /// The elements of a plane of the result, those of each remainder of a row together.
    #[inline(always)]
    fn sums<S: Simd>(&self, simd: S, plane: usize, room: &mut [f32], row: usize, to: &mut [f32]) {
        let gather = self.gather;
        for source in 0..gather.sources {
            let number = (gather.source)(plane) + source;
            let (from, len) = gather.from;
            let mut from = &from[number * len..][..len];
            if !gather.layout.is_plain() {
                gather.layout.copy(from, room);
                from = room;
            }
            // Planes of the output are on either side.
            let output = if gather.sources > 1 { number } else { plane } % gather.weights;
            for Kind { bands, weight, first } in &gather.kinds {
                let taps = bands.order().len();
                let (start, down) = (first[0] * row + first[1] * gather.pitch(), gather.apart[0] * row);
                bands.fold(
                    simd,
                    from,
                    &Weighted(&weight[output * taps..][..taps]),
                    #[inline(always)]
                    |row, first, count, sum| {
                        let to = &mut to[start + row * down + first..][..count];
                        let sum = if source > 0 { simd.add(simd.load_some(to), sum) } else { sum };
                        simd.store_some(sum, to);
                    },
                );
            }
        }
    }
}

/// The taps of each output channel's weight in another order, perhaps not all.
fn in_order(weight: &[f32], taps: usize, order: &[usize]) -> Vec<f32> {
    weight.chunks_exact(taps.max(1)).flat_map(|weight| order.iter().map(|tap| weight[*tap])).collect()
}

/// The sum of taps times their weights.
struct Weighted<'a>(&'a [f32]);

impl<S: Simd> Fold<S> for Weighted<'_> {
    type Known = S::V;
    type Tap = S::V;

    #[inline(always)]
    fn start(&self, simd: S) -> S::V {
        simd.splat(0.0)
    }

    #[inline(always)]
    fn outside(&self, simd: S) -> S::V {
        simd.splat(0.0)
    }

    #[inline(always)]
    fn taps<const K: usize>(&self, simd: S, first: usize) -> [S::V; K] {
        let (mut taps, weight) = ([simd.splat(0.0); K], &self.0[first..first + K]);
        for tap in 0..K {
            taps[tap] = simd.splat(weight[tap]);
        }
        taps
    }

    #[inline(always)]
    fn add(&self, simd: S, known: S::V, x: S::V, weight: S::V) -> S::V {
        simd.mul_add(weight, x, known)
    }
}
