//! Folding rows: tile by tile, several short lines like one tile, part by part.

use vspec_ir::DType;
use vspec_ir::plan::Fold;

use super::Code;
use super::lanes::TILE;
use super::run::Core;
use crate::element::{self, Element};
use crate::kernels::vector::widest;

/// A fold of a row, so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folded<T> {
    /// Sums or extremes of floats side by side: each takes every sixteenth element of a tile.
    lanes: [f64; WIDTH],
    /// Sums in the precision of their elements, of the tiles since [`Folded::close`].
    open: Option<[T; WIDTH]>,
    /// The largest element, where its place is looked for.
    value: f64,
    /// The sum of integers, or the place of the largest element.
    int: i32,
    /// How many elements there were.
    count: usize,
}

impl<T: Element> Core<'_, '_, T> {
    /// A fold of no elements.
    pub(crate) fn nothing(&self, fold: usize) -> Folded<T> {
        let step = &self.job.program.steps[fold];
        let (value, int) = match (&step.code, step.dtype) {
            (Code::Fold(Fold::Max, _), DType::I32) => (0.0, i32::MIN),
            (Code::Fold(Fold::Min, _), DType::I32) => (0.0, i32::MAX),
            (Code::Fold(Fold::Max | Fold::Argmax, _), _) => (f64::NEG_INFINITY, 0),
            (Code::Fold(Fold::Min, _), _) => (f64::INFINITY, 0),
            _ => (0.0, 0),
        };
        Folded { lanes: [value; WIDTH], open: None, value, int, count: 0 }
    }

    /// Folds a tile, whose first element has a place within the row, into what is known.
    pub(crate) fn fold(&self, fold: usize, n: usize, place: usize, folded: &mut Folded<T>) {
        let step = &self.job.program.steps[fold];
        let Code::Fold(kind, arg) = &step.code else { return };
        let arg = self.arg(*arg);
        let before = folded.count;
        folded.count += n;
        match (kind, arg.dtype) {
            (Fold::Sum | Fold::Mean, DType::F32) => {
                let from = &self.lanes.floats[arg.reg * TILE..];
                match arg.uniform {
                    true => folded.lanes[0] += from[0].wide() * n as f64,
                    false => {
                        let before = folded.open.unwrap_or_default();
                        folded.open = Some(sums(&from[..n], before));
                    }
                }
            }
            (Fold::Max | Fold::Min, DType::F32) => {
                let values = &self.lanes.floats[arg.reg * TILE..][..if arg.uniform { 1 } else { n }];
                let before = folded.lanes.map(T::of);
                let after = match kind {
                    Fold::Max => extremes(values, before, element::max),
                    _ => extremes(values, before, element::min),
                };
                folded.lanes = after.map(Element::wide);
            }
            (Fold::Argmax, DType::F32) => {
                let values = &self.lanes.floats[arg.reg * TILE..][..if arg.uniform { 1 } else { n }];
                let known = (before > 0).then(|| T::of(folded.value));
                if let Some((lane, value)) = first_largest(values, known) {
                    (folded.value, folded.int) = (value.wide(), (place + lane) as i32);
                }
            }
            (Fold::Argmax, _) => {
                for lane in 0..if arg.uniform { 1 } else { n } {
                    let value = self.lanes.number(arg, lane);
                    if value > folded.value || before == 0 && lane == 0 {
                        (folded.value, folded.int) = (value, (place + lane) as i32);
                    }
                }
            }
            _ => {
                let values = &self.lanes.ints[arg.reg * TILE..][..if arg.uniform { 1 } else { n }];
                let values = values.iter().copied();
                folded.int = match kind {
                    Fold::Max => values.fold(folded.int, i32::max),
                    Fold::Min => values.fold(folded.int, i32::min),
                    _ => {
                        let sum = values.fold(0, i32::wrapping_add);
                        folded.int.wrapping_add(if arg.uniform { sum.wrapping_mul(n as i32) } else { sum })
                    }
                };
            }
        }
    }

    /// What the numbers that are folded side by side begin with at the next tile, for a core of single precision.
    pub(crate) fn begin(&self, fold: usize, folded: &Folded<T>, lanes: &mut [f32; WIDTH]) {
        match (&self.job.program.steps[fold].code, &folded.open) {
            (Code::Fold(Fold::Max | Fold::Min, _), _) => {
                lanes.iter_mut().zip(folded.lanes).for_each(|(lane, known)| *lane = known as f32);
            }
            (_, Some(open)) => lanes.copy_from_slice(T::floats(open).unwrap_or(&[0.0; WIDTH])),
            (_, None) => lanes.fill(0.0),
        }
    }

    /// Takes numbers that were folded side by side, of a tile of `n` elements, as [`Core::fold`] folds them.
    pub(crate) fn folded(&self, fold: usize, lanes: &[f32; WIDTH], n: usize, folded: &mut Folded<T>) {
        folded.count += n;
        match &self.job.program.steps[fold].code {
            Code::Fold(Fold::Max | Fold::Min, _) => {
                folded.lanes.iter_mut().zip(lanes).for_each(|(known, lane)| *known = f64::from(*lane));
            }
            _ => folded.open = T::slice_of(lanes).and_then(|lanes| lanes.first_chunk()).copied(),
        }
    }

    /// The fold of a part and of the part behind it.
    pub(super) fn joined(&self, fold: usize, a: Folded<T>, b: Folded<T>) -> Folded<T> {
        let step = &self.job.program.steps[fold];
        let Code::Fold(kind, _) = &step.code else { return a };
        let count = a.count + b.count;
        match (kind, step.dtype) {
            (Fold::Argmax, _) => {
                let above = b.value > a.value || b.value.is_nan() && !a.value.is_nan();
                let best = if b.count > 0 && (above || a.count == 0) { b } else { a };
                Folded { count, ..best }
            }
            (Fold::Max, DType::F32) => {
                Folded { lanes: lane_by_lane(a.lanes, b.lanes, element::max), count, ..a }
            }
            (Fold::Min, DType::F32) => {
                Folded { lanes: lane_by_lane(a.lanes, b.lanes, element::min), count, ..a }
            }
            (Fold::Max, _) => Folded { int: a.int.max(b.int), count, ..a },
            (Fold::Min, _) => Folded { int: a.int.min(b.int), count, ..a },
            _ => {
                let lanes = lane_by_lane(a.lanes, b.lanes, |a, b| a + b);
                Folded { lanes, int: a.int.wrapping_add(b.int), count, ..a }
            }
        }
    }

    /// Puts a fold's result where later steps find it.
    pub(super) fn finish(&mut self, fold: usize, folded: Folded<T>) {
        let step = &self.job.program.steps[fold];
        let value = match (&step.code, step.dtype) {
            (Code::Fold(Fold::Argmax, _), _) => f64::from(folded.int),
            (Code::Fold(Fold::Mean, _), _) => {
                together(folded.lanes, |a, b| a + b) / folded.count.max(1) as f64
            }
            (Code::Fold(Fold::Max, _), DType::F32) => together(folded.lanes, element::max),
            (Code::Fold(Fold::Min, _), DType::F32) => together(folded.lanes, element::min),
            (_, DType::F32) => together(folded.lanes, |a, b| a + b),
            _ => f64::from(folded.int),
        };
        self.lanes.put(fold, step.dtype, 0, value);
    }
}

/// Numbers that are folded side by side.
pub(crate) const WIDTH: usize = 16;
/// How far apart what is combined lies, when they become one.
pub(crate) const HALVES: [usize; 4] = [8, 4, 2, 1];

/// Lines of a row whose sums come together before they are added to those of double precision: with as many elements as a tile has.
pub(crate) fn lines_together(length: usize) -> usize {
    (TILE / length.max(1)).max(1)
}

impl<T: Element> Folded<T> {
    /// Adds the sums since the last time to those of double precision.
    pub(crate) fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.lanes.iter_mut().zip(open).for_each(|(lane, sum)| *lane += sum.wide());
        }
    }
}

/// Combines what is side by side in both.
fn lane_by_lane(a: [f64; WIDTH], b: [f64; WIDTH], f: impl Fn(f64, f64) -> f64) -> [f64; WIDTH] {
    std::array::from_fn(|lane| f(a[lane], b[lane]))
}

/// Combines what is side by side to one, halves first.
fn together<T: Copy>(mut lanes: [T; WIDTH], f: impl Fn(T, T) -> T) -> T {
    for width in HALVES {
        for lane in 0..width {
            lanes[lane] = f(lanes[lane], lanes[lane + width]);
        }
    }
    lanes[0]
}

/// The largest or the smallest elements of a tile and of what was before it, side by side.
fn extremes<T: Element>(values: &[T], before: [T; WIDTH], f: impl Fn(T, T) -> T) -> [T; WIDTH] {
    widest(
        #[inline(always)]
        || {
            let mut own = before;
            let mut chunks = values.chunks_exact(WIDTH);
            for chunk in &mut chunks {
                own.iter_mut().zip(chunk).for_each(|(own, value)| *own = f(*own, *value));
            }
            own.iter_mut().zip(chunks.remainder()).for_each(|(own, value)| *own = f(*own, *value));
            own
        },
    )
}

/// The first largest element of a tile and its place, unless one that came before it is as large; NaN is larger than any other.
fn first_largest<T: Element>(values: &[T], before: Option<T>) -> Option<(usize, T)> {
    let begin = before.or(values.first().copied())?;
    let largest = together(extremes(values, [begin; WIDTH], element::max), element::max);
    let is_above = |before: T| largest > before || largest.is_nan() && !before.is_nan();
    if !before.is_none_or(is_above) {
        return None;
    }
    let same = |value: &T| *value == largest || value.is_nan() && largest.is_nan();
    values.iter().position(same).map(|lane| (lane, largest))
}

/// Sums of a tile and of what was before it, side by side.
fn sums<T: Element>(values: &[T], before: [T; WIDTH]) -> [T; WIDTH] {
    widest(
        #[inline(always)]
        || {
            let mut sums = before;
            let mut chunks = values.chunks_exact(WIDTH);
            for chunk in &mut chunks {
                sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum = sum.add(*value));
            }
            sums.iter_mut().zip(chunks.remainder()).for_each(|(sum, value)| *sum = sum.add(*value));
            sums
        },
    )
}
