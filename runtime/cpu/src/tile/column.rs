//! Folds of many rows side by side, each in a lane.

use vspec_ir::plan::Fold;

use super::Code;
use super::lanes::{Arg, Lanes, TILE};
use crate::element::{self, Element};

/// Elements of a row that are summed up before the sum is added to one of double precision.
pub(crate) const RUN: usize = 32;

/// A fold of some rows, so far.
pub(super) struct Column<T> {
    kind: Fold,
    arg: usize,
    /// Since the last run; the extreme.
    narrow: Vec<T>,
    /// Where the largest element is, if that is what is looked for.
    places: Vec<i32>,
    /// Of runs.
    wide: Vec<f64>,
    /// Elements of each row.
    count: usize,
}

impl<T: Element> Column<T> {
    /// A fold of `n` rows.
    pub(super) fn new(code: &Code, n: usize) -> Option<Self> {
        let Code::Fold(kind, arg) = code else { return None };
        let begin = match kind {
            Fold::Max | Fold::Argmax => T::of(f64::NEG_INFINITY),
            Fold::Min => T::of(f64::INFINITY),
            Fold::Sum | Fold::Mean => T::default(),
        };
        let (narrow, places) = (vec![begin; n], vec![0; n]);
        Some(Column { kind: *kind, arg: *arg, narrow, places, wide: vec![0.0; n], count: 0 })
    }

    /// The step that it folds.
    pub(super) fn arg(&self) -> usize {
        self.arg
    }

    /// Takes an element of each row.
    pub(super) fn add(&mut self, lanes: &Lanes<T>, arg: Arg) {
        let from = &lanes.floats[arg.reg * TILE..][..self.narrow.len()];
        let own = self.narrow.iter_mut().enumerate();
        let value = |lane: usize| from[if arg.uniform { 0 } else { lane }];
        match self.kind {
            Fold::Max => own.for_each(|(lane, most)| *most = element::max(*most, value(lane))),
            Fold::Min => own.for_each(|(lane, least)| *least = element::min(*least, value(lane))),
            Fold::Argmax => {
                for ((lane, most), place) in own.zip(&mut self.places) {
                    let value = value(lane);
                    if value > *most || value.is_nan() && !most.is_nan() {
                        (*most, *place) = (value, self.count as i32);
                    }
                }
                self.count += 1;
            }
            Fold::Sum | Fold::Mean => {
                own.for_each(|(lane, sum)| *sum = sum.add(value(lane)));
                self.count += 1;
                if self.count.is_multiple_of(RUN) {
                    self.widen();
                }
            }
        }
    }

    fn widen(&mut self) {
        for (wide, narrow) in self.wide.iter_mut().zip(&mut self.narrow) {
            *wide += narrow.wide();
            *narrow = T::default();
        }
    }

    /// Puts the folds of all rows where later steps find them.
    pub(super) fn put(&self, lanes: &mut Lanes<T>, fold: usize) {
        let n = self.narrow.len();
        if self.kind == Fold::Argmax {
            return lanes.ints[fold * TILE..][..n].copy_from_slice(&self.places);
        }
        let into = &mut lanes.floats[fold * TILE..][..n];
        for ((to, narrow), wide) in into.iter_mut().zip(&self.narrow).zip(&self.wide) {
            *to = match self.kind {
                Fold::Sum => T::of(wide + narrow.wide()),
                Fold::Mean => T::of((wide + narrow.wide()) / self.count.max(1) as f64),
                Fold::Max | Fold::Min | Fold::Argmax => *narrow,
            };
        }
    }
}
