//! What an executable keeps from run to run: results of kernels that read nothing but variables that no run of the plan writes, and what
//! convolutions make of such weights before they multiply by them.
//!
//! All of it is valid for the numbers that [`Variables`] had for those variables when it was computed, and for no others.

use std::cell::OnceCell;

use vspec_ir::Op;
use vspec_ir::plan::{Kernel, Place, Plan, Still};

use crate::element::Element;
use crate::kernels::Kept;
use crate::variables::Variables;

/// What is kept.
pub(crate) struct Keeper<T: Element> {
    still: Still,
    /// For each kernel what it makes of its weight, where that is the same each time.
    weights: Vec<Option<Kept<T>>>,
    /// The numbers of the variables' values that it is valid for.
    known: Option<Vec<u64>>,
}

impl<T: Element> Keeper<T> {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut still = plan.still();
        if !have_places_of_their_own(plan, &still) {
            still = Still { kernels: vec![false; plan.kernels.len()], ..Still::default() };
        }
        let weights = keep_weights(plan, &still).map(|keeps| keeps.then(OnceCell::new)).collect();
        Keeper { weights, known: None, still }
    }

    /// Looks at the variables before a run: forgets everything if one has another value than before. Returns the numbers of their values.
    pub(crate) fn look(&mut self, variables: &Variables<T>) -> Option<Vec<u64>> {
        let numbers: Option<Vec<u64>> =
            self.still.variables.iter().map(|path| variables.version(path)).collect();
        if self.known.is_none() || self.known != numbers {
            self.known = None;
            self.weights.iter_mut().flatten().for_each(|weight| drop(weight.take()));
        }
        numbers
    }

    /// Says that a run with these numbers has succeeded.
    pub(crate) fn ran(&mut self, numbers: Option<Vec<u64>>) {
        self.known = numbers;
    }

    /// Whether what a kernel writes is there from an earlier run.
    pub(crate) fn has(&self, kernel: usize) -> bool {
        self.known.is_some() && self.still.kernels[kernel]
    }

    /// What a kernel makes of its weight, if that may be kept.
    pub(crate) fn weight(&self, kernel: usize) -> Option<&Kept<T>> {
        self.weights[kernel].as_ref()
    }
}

/// Whether each kernel keeps what it makes of its weight.
pub(crate) fn keep_weights(plan: &Plan, still: &Still) -> impl Iterator<Item = bool> {
    let kernels = plan.kernels.iter().zip(&still.kernels);
    kernels.map(|(kernel, own)| !own && convolves_with(kernel, still))
}

/// Whether a kernel is a convolution, or the transpose of one in its input, with a weight that is the same each time.
fn convolves_with(kernel: &Kernel, still: &Still) -> bool {
    let Some(anchor) = &kernel.anchor else { return false };
    let weight = anchor.operands.get(1).map(|operand| operand.value.index());
    let is_still = weight.and_then(|weight| still.values.get(weight)).is_some_and(|still| *still);
    is_still && matches!(anchor.op, Op::Conv { .. } | Op::ConvInput { .. })
}

/// Whether no kernel that runs each time writes where something is kept, and no later one of the others.
fn have_places_of_their_own(plan: &Plan, still: &Still) -> bool {
    let uses = plan.uses();
    let bytes = |id: usize| match plan.values[id].place {
        Place::Arena(start) => Some(start..start + plan.values[id].bytes()),
        _ => None,
    };
    let written = (0..plan.values.len()).filter_map(|id| Some((id, bytes(id)?, uses[id].written?)));
    let written: Vec<_> = written.collect();
    let kept = written.iter().filter(|(id, ..)| still.kept[*id]);
    kept.into_iter().all(|(id, own, writer)| {
        written.iter().filter(|(other, ..)| other != id).all(|(_, bytes, other)| {
            let apart = bytes.end <= own.start || own.end <= bytes.start;
            apart || still.kernels[*other] && other <= writer
        })
    })
}
