//! The transpose in the weight: a sum over windows for each tap.

use crate::kernels::bands::{Bands, Layout};
use crate::kernels::conv::Channels;
use crate::kernels::product::part;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{LANES, Parts, Simd, in_parts};
use crate::kernels::window::{Moves, Windows};
use crate::memory::Shared;

/// Tasks that are enough for any machine.
const TASKS: usize = 16;
/// Neighbouring channels of a task, whose planes lie one behind the other; fewer where their sums would not stay in a cache.
const CHANNELS: usize = 16;
/// Sums of a task.
const SUMS: usize = 512;

/// `[N, C, ..] * [N, O, ..] -> [O, 1, ..]`; false where there are more than two spatial axes.
pub(in crate::kernels::conv) fn weight(
    [(x, x_shape), (y, y_shape)]: [(&[f32], &[usize]); 2],
    (w, w_shape): (&mut [f32], &[usize]),
    moves: &Moves<'_>,
    channels: Channels,
) -> bool {
    let windows = Windows::new(moves, &w_shape[2..], [&y_shape[2..], &x_shape[2..]]);
    let Some([rows, columns]) = windows.in_plane() else {
        return false;
    };
    let layout = Layout::new([&rows, &columns]);
    let bands = Bands::new([&rows, &columns], &layout, false);
    let (outputs, taps) = (channels.outputs(), bands.order().len());
    let block = (SUMS / taps.max(1)).clamp(1, CHANNELS).min(outputs.max(1));
    let blocks = outputs.div_ceil(block);
    let shares = TASKS.div_ceil(blocks.max(1)).min(channels.images).max(1);
    let mut sums = Scratch::of(shares * outputs * taps);
    in_parts(
        shares * blocks,
        &Tasks {
            layout: &layout,
            bands: &bands,
            x: (x, x_shape[2..].iter().product()),
            y: (y, y_shape[2..].iter().product()),
            channels,
            shares,
            block,
            sums: &Shared::new(&mut sums),
        },
    );
    w.fill(0.0);
    for sums in sums.chunks_exact((outputs * taps).max(1)) {
        for (own, sums) in w.chunks_exact_mut(taps).zip(sums.chunks_exact(taps)) {
            bands.order().iter().zip(sums).for_each(|(tap, sum)| own[*tap] += sum);
        }
    }
    true
}

/// The tasks: the sums of some channels over a share of the images each.
struct Tasks<'a> {
    layout: &'a Layout,
    bands: &'a Bands,
    /// The images and the gradient, with the elements of a plane.
    x: (&'a [f32], usize),
    y: (&'a [f32], usize),
    channels: Channels,
    /// Shares of the images, and channels of a task.
    shares: usize,
    block: usize,
    /// For each share those of all channels.
    sums: &'a Shared<'a, f32>,
}

/// Memory of one core: a plane as its windows see it, and the sums of taps, one for each lane.
struct Room {
    plane: Scratch<f32>,
    sums: Scratch<[f32; LANES]>,
}

impl Parts for Tasks<'_> {
    type Memory = Room;

    fn memory(&self) -> Room {
        let plane = if self.layout.is_plain() { 0 } else { self.layout.len() };
        Room {
            plane: Scratch::zeros(plane),
            sums: Scratch::of((self.block * self.bands.order().len()).next_multiple_of(LANES)),
        }
    }

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, room: &mut Room) {
        let (taps, outputs) = (self.bands.order().len(), self.channels.outputs());
        let (share, first) = (number % self.shares, number / self.shares * self.block);
        let count = self.block.min(outputs - first);
        room.sums.fill([0.0; LANES]);
        for image in part(self.channels.images, self.shares, share) {
            for channel in 0..count {
                self.plane(simd, image * outputs + first + channel, channel, room);
            }
        }
        let to = self.sums.run((share * outputs + first) * taps, count * taps);
        let (sums, _) = room.sums.as_chunks::<LANES>();
        sums.iter().zip(to.chunks_mut(LANES)).for_each(|(sums, to)| of_lanes(simd, sums, to));
    }
}

impl Tasks<'_> {
    /// Adds what one plane of the gradient gives to the sums of a channel of the task.
    #[inline(always)]
    fn plane<S: Simd>(&self, simd: S, plane: usize, channel: usize, room: &mut Room) {
        let taps = self.bands.order().len();
        let ((x, x_len), (y, y_len)) = (self.x, self.y);
        let mut x = &x[plane / self.channels.shared * x_len..][..x_len];
        if !self.layout.is_plain() {
            self.layout.copy(x, &mut room.plane);
            x = &room.plane;
        }
        self.bands.sums(simd, x, &y[plane * y_len..][..y_len], &mut room.sums[channel * taps..][..taps]);
    }
}

/// Adds up the lanes of sixteen sums.
#[inline(always)]
fn of_lanes<S: Simd>(simd: S, sums: &[[f32; LANES]; LANES], to: &mut [f32]) {
    let mut block = [simd.splat(0.0); LANES];
    for lane in 0..LANES {
        block[lane] = simd.load(&sums[lane]);
    }
    simd.transpose(&mut block);
    // Halves, so that sums do not wait for each other.
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            block[lane] = simd.add(block[lane], block[lane + half]);
        }
    }
    simd.store_some(block[0], to);
}
