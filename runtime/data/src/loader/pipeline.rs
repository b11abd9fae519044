//! The stages of a data set, checked and ready to be applied.

use vspec_engine::rng::Stream;
use vspec_ir::{DType, DataSet, Stage, Transform, Type};

use super::balanced::Balanced;
use crate::error::DataError;
use crate::pixels::Image;
use crate::source::Reader;
use crate::transform::{self, Chance};

/// Items of the largest source; the order of an epoch is kept in memory.
const MAX_ITEMS: usize = 1 << 28;

/// What happens to items between source and batch.
pub(super) struct Pipeline {
    /// Name of the data set.
    pub(super) name: String,
    /// Number of items of one epoch.
    pub(super) items: usize,
    /// Changes that never differ, made once before an image is kept.
    pub(super) fixed: Vec<Transform>,
    /// Changes of each item after those.
    pub(super) transforms: Vec<EachStage>,
    /// Height and width of images after all changes.
    pub(super) size: (usize, usize),
    seed: u64,
    source_items: usize,
    order: Vec<OrderStage>,
    batch: usize,
    drop_last: bool,
}

/// A transform and the name of its random stream.
pub(super) struct EachStage {
    pub(super) transform: Transform,
    stream: String,
}

/// A stage that chooses or orders items.
enum OrderStage {
    Take(usize),
    Shuffle { stream: String },
    Balanced { sampler: Balanced, stream: String },
}

impl Pipeline {
    /// Checks the stages of a data set whose source has a number of items.
    pub(super) fn new(data: &DataSet, source_items: usize, seed: u64) -> Result<Self, DataError> {
        let error = |message: String| DataError::Pipeline { data: data.name.clone(), message };
        let Some((Stage::Batch { size: batch, drop_last }, stages)) = data.stages.split_last() else {
            return Err(error("the last stage must be `batch`".to_string()));
        };
        let mut pipeline = Pipeline {
            name: data.name.clone(),
            items: source_items,
            fixed: vec![],
            transforms: vec![],
            size: item_size(&data.item).map_err(error)?,
            seed,
            source_items,
            order: vec![],
            batch: *batch,
            drop_last: *drop_last,
        };
        for (i, stage) in stages.iter().enumerate() {
            pipeline.add(i, stage).map_err(error)?;
        }
        pipeline.check_batches().map_err(error)?;
        Ok(pipeline)
    }

    fn add(&mut self, index: usize, stage: &Stage) -> Result<(), String> {
        let stream = format!("data.{}.{index}", self.name);
        match stage {
            Stage::Each(transform) => {
                transform::check(transform)?;
                if self.transforms.is_empty() && transform::keeps_pixels(transform) {
                    self.fixed.push(transform.clone());
                    return Ok(());
                }
                self.transforms.push(EachStage { transform: transform.clone(), stream });
            }
            Stage::Take(count) => {
                self.items = self.items.min(*count);
                self.order.push(OrderStage::Take(*count));
            }
            Stage::Shuffle => self.order.push(OrderStage::Shuffle { stream }),
            Stage::Balanced { classes, per_class } => {
                let sampler = Balanced { classes: *classes, per_class: *per_class };
                self.items = sampler.emitted(self.items);
                self.order.push(OrderStage::Balanced { sampler, stream });
            }
            Stage::Batch { .. } => return Err("only the last stage can be `batch`".to_string()),
        }
        Ok(())
    }

    fn check_batches(&self) -> Result<(), String> {
        let (items, batch) = (self.items, self.batch);
        if self.source_items > MAX_ITEMS {
            return Err(format!(
                "{} items are more than the {MAX_ITEMS} that are allowed",
                self.source_items
            ));
        }
        if items == 0 || batch == 0 {
            return Err(format!("{items} items in batches of {batch} give no batch"));
        }
        if self.batches() == 0 {
            return Err(format!("{items} items do not fill a batch of {batch}, and `drop_last` drops it"));
        }
        Ok(())
    }

    /// Number of batches of one epoch.
    pub(super) fn batches(&self) -> usize {
        if self.drop_last { self.items / self.batch } else { self.items.div_ceil(self.batch) }
    }

    /// Items of the source in the order of an epoch. They fit 32 bits because the number of items is checked.
    pub(super) fn order(&self, epoch: u64, reader: &dyn Reader) -> Result<Vec<u32>, DataError> {
        let mut order: Vec<u32> = (0..self.source_items as u32).collect();
        for stage in &self.order {
            match stage {
                OrderStage::Take(count) => order.truncate(*count),
                OrderStage::Shuffle { stream } => {
                    let places = Stream::new(stream, self.seed, epoch).shuffle(order.len() as u32);
                    order = places.iter().map(|place| order[*place as usize]).collect();
                }
                OrderStage::Balanced { sampler, stream } => {
                    let labels: Result<Vec<i32>, DataError> =
                        order.iter().map(|item| reader.label(*item as usize)).collect();
                    let drawn = sampler.draw(&order, &labels?, &Stream::new(stream, self.seed, epoch));
                    order =
                        drawn.map_err(|message| DataError::Pipeline { data: self.name.clone(), message })?;
                }
            }
        }
        Ok(order)
    }

    /// The part of an order that batch `index` holds.
    pub(super) fn slice<'a>(&self, order: &'a [u32], index: usize) -> &'a [u32] {
        let start = index * self.batch;
        &order[start..(start + self.batch).min(order.len())]
    }

    /// Random numbers of a stage for an item of an epoch.
    pub(super) fn chance(&self, stage: &EachStage, epoch: u64, item: usize) -> Chance {
        Chance::new(Stream::new(&stage.stream, self.seed, epoch), item as u64)
    }

    /// Says what is wrong with an image that does not have the size that the graph expects.
    pub(super) fn check_size(&self, image: &Image) -> Result<(), String> {
        let (height, width) = self.size;
        if (image.height, image.width) == self.size {
            return Ok(());
        }
        let (h, w) = (image.height, image.width);
        Err(format!(
            "the image has {h}x{w} pixels, not {height}x{width}; add `|> each(resize({height}, {width}))`"
        ))
    }
}

fn is_labelled(rest: &[(String, Type)]) -> bool {
    matches!(rest, [(name, ty)] if name == "label" && *ty == Type::scalar(DType::I32))
}

fn is_frame(rest: &[(String, Type)]) -> bool {
    let number = Type::scalar(DType::I32);
    let bounds = Type::new(DType::F32, vec![vspec_ir::Dim::from(4i64)]);
    let wanted = [
        ("box", bounds),
        ("visible", Type::scalar(DType::Bool)),
        ("video", number.clone()),
        ("frame", number),
    ];
    rest.iter().map(|(name, ty)| (name.as_str(), ty)).eq(wanted.iter().map(|(name, ty)| (*name, ty)))
}

/// Height and width of `{ image: f32[3, H, W], label: i32[] }`, or of a frame with its target.
fn item_size(item: &[(String, Type)]) -> Result<(usize, usize), String> {
    if let [(image, pixels), rest @ ..] = item
        && image == "image"
        && (is_labelled(rest) || is_frame(rest))
        && pixels.dtype == DType::F32
        && let Some(&[3, height, width]) = pixels.const_shape().as_deref()
    {
        return Ok((height, width));
    }
    let fields: Vec<String> = item.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
    Err(format!(
        "items are {{ image: f32[3, H, W], label: i32[] }} of constant size, not {{ {} }}",
        fields.join(", ")
    ))
}
