//! Stages that choose or order items.

use vspec_engine::rng::Stream;

use super::balanced::Balanced;
use super::draw;
use super::part::Part;
use super::pick::Pick;
use crate::error::DataError;

/// A stage that chooses or orders items.
pub(super) enum OrderStage {
    Take(usize),
    Part(Part),
    Shuffle { stream: String },
    Draw { count: usize, stream: String },
    Balanced { sampler: Balanced, stream: String },
}

/// What stages of an epoch are keyed by, and where classes come from.
pub(super) struct Epoch<'a> {
    /// Name of the data set.
    pub(super) data: &'a str,
    pub(super) seed: u64,
    pub(super) number: u64,
    pub(super) label: &'a dyn Fn(Pick) -> Result<i32, DataError>,
}

impl OrderStage {
    /// Number of items of an epoch after the stage, given that before it.
    pub(super) fn items(&self, before: usize) -> usize {
        match self {
            OrderStage::Take(count) => before.min(*count),
            OrderStage::Part(part) => part.len(before),
            OrderStage::Shuffle { .. } => before,
            OrderStage::Draw { count, .. } => *count,
            OrderStage::Balanced { sampler, .. } => sampler.emitted(before),
        }
    }

    /// The order after the stage.
    pub(super) fn apply(&self, mut order: Vec<Pick>, epoch: &Epoch<'_>) -> Result<Vec<Pick>, DataError> {
        match self {
            OrderStage::Take(count) => {
                order.truncate(*count);
                Ok(order)
            }
            OrderStage::Part(part) => {
                let labels = if part.stratified { Some(epoch.labels(&order)?) } else { None };
                let chosen = part.choose(order.len(), labels.as_deref());
                Ok(chosen.into_iter().map(|i| order[i as usize]).collect())
            }
            OrderStage::Shuffle { stream } => {
                let places = Stream::new(stream, epoch.seed, epoch.number).shuffle(order.len() as u32);
                Ok(places.iter().map(|place| order[*place as usize]).collect())
            }
            OrderStage::Draw { count, stream } => {
                let drawn = draw::draw(order.len(), *count, epoch.number, stream, epoch.seed);
                let pick = |(item, before): (u32, u64)| match before {
                    0 => order[item as usize],
                    _ => order[item as usize].again(before),
                };
                Ok(drawn.into_iter().map(pick).collect())
            }
            OrderStage::Balanced { sampler, stream } => {
                let (labels, stream) = (epoch.labels(&order)?, Stream::new(stream, epoch.seed, epoch.number));
                let places: Vec<u32> = (0..order.len() as u32).collect();
                let drawn = sampler.draw(&places, &labels, &stream);
                let drawn =
                    drawn.map_err(|message| DataError::Pipeline { data: epoch.data.to_string(), message })?;
                Ok(drawn.into_iter().map(|place| order[place as usize]).collect())
            }
        }
    }
}

impl Epoch<'_> {
    fn labels(&self, order: &[Pick]) -> Result<Vec<i32>, DataError> {
        order.iter().map(|pick| (self.label)(*pick)).collect()
    }
}
