//! Images with as much padding around them as windows reach, so that every tap of every window is there.

use crate::kernels::scratch::Scratch;
use crate::kernels::window::Moves;
use crate::workers::pieces;

/// Where images of two axes lie in their frames.
pub(super) struct Frame {
    /// Rows and columns of a framed image.
    pub(super) size: [usize; 2],
    /// Rows and columns before the image; below 0: those of the image that are left out.
    low: [isize; 2],
}

impl Frame {
    /// For windows of a convolution.
    pub(super) fn of_windows(moves: &Moves<'_>, kernel: [usize; 2], count: [usize; 2]) -> Self {
        let axis = |axis: usize| {
            let reach = (kernel[axis] - 1) * moves.dilation(axis) as usize;
            (moves.low(axis), (count[axis] - 1) * moves.stride(axis) + reach + 1)
        };
        Frame::of_reach([axis(0), axis(1)])
    }

    /// With so much before the image, and in all, along each axis.
    pub(super) fn of_reach(axes: [(isize, usize); 2]) -> Self {
        Frame { size: axes.map(|(_, size)| size), low: axes.map(|(low, _)| low) }
    }

    /// Elements of a framed image.
    pub(super) fn area(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// A place of the image in the frame.
    pub(super) fn place(&self, at: [isize; 2]) -> usize {
        let [row, column] = [0, 1].map(|axis| (at[axis] + self.low[axis]) as usize);
        row * self.size[1] + column
    }

    /// Where the first window has each tap, in row-major order.
    pub(super) fn places(&self, moves: &Moves<'_>, kernel: [usize; 2]) -> Vec<usize> {
        let [down, across] = [0, 1].map(|axis| moves.dilation(axis) as usize);
        let place = |tap: usize| tap / kernel[1] * down * self.size[1] + tap % kernel[1] * across;
        (0..kernel[0] * kernel[1]).map(place).collect()
    }

    /// Planes of some height and width in the frame, with 0 around them.
    pub(super) fn around(&self, planes: &[f32], [height, width]: [usize; 2]) -> Scratch<f32> {
        let count = planes.len() / (height * width);
        let mut framed = Scratch::of(count * self.area());
        let start = |low: isize| low.max(0) as usize;
        let skipped = |low: isize| (-low).max(0) as usize;
        let (left, first) = (start(self.low[1]).min(self.size[1]), skipped(self.low[1]).min(width));
        let len = (width - first).min(self.size[1] - left);
        pieces(&mut framed, self.area(), |plane, framed| {
            let plane = &planes[plane * height * width..][..height * width];
            for (y, to) in framed.chunks_exact_mut(self.size[1]).enumerate() {
                let row = (y + skipped(self.low[0])).checked_sub(start(self.low[0]));
                match row.filter(|row| *row < height) {
                    None => to.fill(0.0),
                    Some(row) => {
                        to[..left].fill(0.0);
                        to[left..left + len].copy_from_slice(&plane[row * width + first..][..len]);
                        to[left + len..].fill(0.0);
                    }
                }
            }
        });
        framed
    }
}
