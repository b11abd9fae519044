//! Mixes: items of several data sets in fixed proportions.

use std::sync::Arc;

use vspec_engine::rng::Stream;

use super::draw::stretches;
use super::flow::{Drawn, Flow};
use super::pick::Pick;
use crate::error::DataError;

/// Data sets that are mixed.
pub(super) struct Mix {
    pub(super) parts: Vec<MixPart>,
    /// Number of items of an epoch.
    pub(super) count: usize,
    pub(super) name: String,
    pub(super) seed: u64,
}

/// A data set of a mix.
pub(super) struct MixPart {
    pub(super) name: String,
    pub(super) weight: f64,
    pub(super) flow: Arc<Flow>,
}

/// The items of an epoch of a mix.
pub(super) struct Mixed {
    /// Epochs of parts.
    epochs: Vec<Drawn>,
    /// For each item one of the epochs, and a drawing of that.
    picks: Vec<(u32, Pick)>,
}

impl Mix {
    /// How many items of an epoch come from each part: differs from the exact share by less than one item.
    pub(super) fn counts(&self) -> Vec<usize> {
        let sum: f64 = self.parts.iter().map(|p| p.weight).sum();
        let (mut weight, mut before) = (0.0, 0);
        let mut counts = vec![];
        for (i, part) in self.parts.iter().enumerate() {
            weight += part.weight;
            let last = i + 1 == self.parts.len();
            let end = if last { self.count } else { (weight / sum * self.count as f64).round() as usize };
            counts.push(end - before);
            before = end;
        }
        counts
    }

    /// Every part is gone through in a random order before an item of it comes again, in its next epoch.
    pub(super) fn draw(&self, epoch: u64) -> Result<Mixed, DataError> {
        let (mut epochs, mut picks) = (vec![], Vec::with_capacity(self.count));
        for (part, count) in self.parts.iter().zip(self.counts()) {
            let stream = format!("data.{}.mix.{}", self.name, part.name);
            for stretch in stretches(part.flow.items(), count, epoch) {
                let drawn = Flow::draw(&part.flow, stretch.round)?;
                let order = Stream::new(&stream, self.seed, stretch.round).shuffle(drawn.order.len() as u32);
                let places = order[stretch.places].iter();
                picks.extend(places.map(|place| (epochs.len() as u32, drawn.order[*place as usize])));
                epochs.push(drawn);
            }
        }
        let order = Stream::new(&format!("data.{}.mix", self.name), self.seed, epoch);
        let picks = order.shuffle(picks.len() as u32).into_iter().map(|i| picks[i as usize]).collect();
        Ok(Mixed { epochs, picks })
    }
}

impl Mixed {
    pub(super) fn len(&self) -> usize {
        self.picks.len()
    }

    /// The part's epoch that a drawing comes from, and the drawing there.
    pub(super) fn find(&self, pick: Pick) -> (&Drawn, Pick) {
        let (epoch, inner) = self.picks[pick.item as usize];
        (&self.epochs[epoch as usize], inner.within(pick))
    }
}
