//! The windows of images as a matrix: a row for each tap of each channel, a column for each window.

use std::ops::Range;

use crate::element::Element;
use crate::kernels::copy::copy_few;
use crate::kernels::panels::turn;
use crate::kernels::product::Panels;
use crate::kernels::scratch::Scratch;
use crate::kernels::window::{Line, Run, Windows};

/// Rows of numbers that are copied from somewhere, a few at a time.
pub(crate) trait Lines<T>: Sync {
    /// Copies places `terms` of some lines into rows of `pitch` elements, with 0 behind.
    fn fill(&self, lines: Range<usize>, terms: Range<usize>, pitch: usize, out: &mut [T]);

    /// Places `terms` of some lines and how far lines are apart, if places lie side by side and lines at a regular distance.
    fn lie(&self, lines: Range<usize>, terms: Range<usize>) -> Option<(&[T], usize)>;
}

/// Neighbours in planes of images whose windows or elements are counted over one image after the other.
fn in_planes<T>(
    elements: &[T],
    [channels, plane]: [usize; 2],
    planes: Range<usize>,
    terms: Range<usize>,
) -> Option<(&[T], usize)> {
    let image = terms.start / plane;
    let start = (image * channels + planes.start) * plane + terms.start % plane;
    let len = (planes.len() - 1) * plane + terms.len();
    (terms.end <= (image + 1) * plane).then(|| (&elements[start..start + len], plane))
}

/// The windows of some channels of images.
pub(crate) struct Columns<'a, T> {
    pub(crate) windows: &'a Windows,
    /// Those of the windows.
    pub(crate) lines: &'a [Option<Line>],
    /// Images in row-major order.
    pub(crate) elements: &'a [T],
    /// Channels of an image.
    pub(crate) channels: usize,
    /// The first of those that are looked at.
    pub(crate) first: usize,
}

impl<T: Element> Columns<'_, T> {
    /// Copies what a run covers to the start of a row.
    #[inline]
    fn copy(&self, run: &Run, channel: usize, out: &mut [T]) {
        let plane = self.windows.size();
        let start = (run.image * self.channels + self.first + channel) * plane + run.place;
        match self.windows.step() {
            1 => copy_few(&self.elements[start..start + run.len], &mut out[..run.len]),
            step => {
                let from = self.elements[start..].iter().step_by(step);
                out[..run.len].iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        }
    }
}

impl<T: Element> Panels<T> for Columns<'_, T> {
    fn has_lines_together(&self) -> bool {
        true
    }

    fn pack<const W: usize>(&self, terms: Range<usize>, first: usize, out: &mut [T]) {
        let (taps, count) = (self.windows.taps(), self.windows.count());
        let images = self.elements.len() / (self.channels * self.windows.size()).max(1);
        let windows = first..(first + W).min(images * count);
        let runs = self.windows.runs(self.lines, windows);
        let (step, plane) = (self.windows.step(), self.windows.size());
        for (term, out) in terms.zip(out.as_chunks_mut::<W>().0) {
            let (channel, runs) = (term / taps, runs.of(term % taps));
            // Runs that fill the row need no zeros.
            if let [run] = runs
                && run.len == W
                && step == 1
            {
                let start = (run.image * self.channels + self.first + channel) * plane + run.place;
                out.copy_from_slice(&self.elements[start..start + W]);
                continue;
            }
            if runs.iter().map(|run| run.len).sum::<usize>() < W {
                *out = [T::default(); W];
            }
            runs.iter().for_each(|run| self.copy(run, channel, &mut out[run.window - first..]));
        }
    }
}

impl<T: Element> Lines<T> for Columns<'_, T> {
    fn lie(&self, lines: Range<usize>, terms: Range<usize>) -> Option<(&[T], usize)> {
        let planes = self.first + lines.start..self.first + lines.end;
        let sizes = [self.channels, self.windows.size()];
        self.windows.are_elements().then(|| in_planes(self.elements, sizes, planes, terms))?
    }

    fn fill(&self, lines: Range<usize>, terms: Range<usize>, pitch: usize, out: &mut [T]) {
        let taps = self.windows.taps();
        let runs = self.windows.runs(self.lines, terms.clone());
        for (line, out) in lines.zip(out.chunks_exact_mut(pitch)) {
            out.fill(T::default());
            for run in runs.of(line % taps) {
                self.copy(run, line / taps, &mut out[run.window - terms.start..]);
            }
        }
    }
}

/// Channels of images, one image after the other.
pub(crate) struct Planes<'a, T> {
    /// Images in row-major order.
    pub(crate) elements: &'a [T],
    /// Elements of a channel.
    pub(crate) plane: usize,
    /// Channels of an image.
    pub(crate) channels: usize,
    /// The first of those that are looked at.
    pub(crate) first: usize,
}

impl<T: Element> Lines<T> for Planes<'_, T> {
    fn lie(&self, lines: Range<usize>, terms: Range<usize>) -> Option<(&[T], usize)> {
        let planes = self.first + lines.start..self.first + lines.end;
        in_planes(self.elements, [self.channels, self.plane], planes, terms)
    }

    fn fill(&self, lines: Range<usize>, terms: Range<usize>, pitch: usize, out: &mut [T]) {
        for (line, out) in lines.zip(out.chunks_exact_mut(pitch)) {
            let mut at = terms.start;
            while at < terms.end {
                let (image, place) = (at / self.plane, at % self.plane);
                let len = (self.plane - place).min(terms.end - at);
                let start = (image * self.channels + self.first + line) * self.plane + place;
                out[at - terms.start..][..len].copy_from_slice(&self.elements[start..start + len]);
                at += len;
            }
            out[terms.len()..].fill(T::default());
        }
    }
}

/// Lines as an operand whose terms run along them.
pub(crate) struct Across<'a, L> {
    pub(crate) lines: &'a L,
    /// How many there are.
    pub(crate) count: usize,
}

impl<T: Element, L: Lines<T>> Panels<T> for Across<'_, L> {
    fn has_lines_together(&self) -> bool {
        false
    }

    fn pack<const W: usize>(&self, terms: Range<usize>, first: usize, out: &mut [T]) {
        let lines = first..(first + W).min(self.count);
        let (width, pitch) = (lines.len(), terms.len());
        if pitch == 0 || width == 0 {
            return;
        }
        if width < W {
            out.fill(T::default());
        }
        let mut copy = Scratch::of(0);
        let (elements, pitch) = self.lines.lie(lines.clone(), terms.clone()).unwrap_or_else(|| {
            copy = Scratch::of(width * pitch);
            self.lines.fill(lines, terms.clone(), pitch, &mut copy);
            (&copy, pitch)
        });
        let row = |line: usize| &elements[line.min(width - 1) * pitch..][..terms.len()];
        turn::<T, W>(&std::array::from_fn::<_, W, _>(row)[..width], out);
    }
}
