//! Putting items together to a batch.

use std::sync::atomic::{AtomicBool, Ordering};

use vspec_engine::{Buffer, HostTensor};

use super::Shared;
use crate::error::DataError;

/// Items side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Tensors by field name, in the order of the data set's fields: `image` is `f32[B, 3, H, W]`, `label` is `i32[B]`.
    pub fields: Vec<(String, HostTensor)>,
    /// Number of items, `B`.
    pub items: usize,
}

impl Batch {
    /// The tensor of a field.
    pub fn field(&self, name: &str) -> Option<&HostTensor> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, tensor)| tensor)
    }
}

/// Reads and transforms items of an epoch. Gives nothing if told to stop on the way.
pub(super) fn prepare(
    shared: &Shared,
    items: &[u32],
    epoch: u64,
    stop: &AtomicBool,
) -> Result<Option<Batch>, DataError> {
    let (height, width) = shared.pipeline.size;
    let mut images = Vec::with_capacity(items.len() * 3 * height * width);
    let mut labels = Vec::with_capacity(items.len());
    for item in items {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let (image, label) = shared.item(*item as usize, epoch)?;
        images.extend_from_slice(&image.planes);
        labels.push(label);
    }
    let image = tensor(vec![items.len(), 3, height, width], Buffer::F32(images));
    let label = tensor(vec![items.len()], Buffer::I32(labels));
    let fields = vec![("image".to_string(), image), ("label".to_string(), label)];
    Ok(Some(Batch { fields, items: items.len() }))
}

fn tensor(shape: Vec<usize>, buffer: Buffer) -> HostTensor {
    HostTensor::new(shape, buffer).expect("every item was checked to have the size of the data set")
}
