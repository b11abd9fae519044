//! Putting items together to a batch.

use std::sync::atomic::{AtomicBool, Ordering};

use vspec_engine::{Buffer, HostTensor};

use super::Shared;
use crate::error::DataError;
use crate::source::Target;

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
    let mut targets = Vec::new();
    for item in items {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let (image, label, target) = shared.item(*item as usize, epoch)?;
        images.extend_from_slice(&image.planes);
        labels.push(label);
        targets.extend(target);
    }
    let image = tensor(vec![items.len(), 3, height, width], Buffer::F32(images));
    let label = tensor(vec![items.len()], Buffer::I32(labels));
    let mut fields = vec![("image".to_string(), image)];
    match targets.is_empty() {
        true => fields.push(("label".to_string(), label)),
        false => fields.extend(of_frames(&targets, label)),
    }
    Ok(Some(Batch { fields, items: items.len() }))
}

/// The fields of frames beside their images.
fn of_frames(targets: &[Target], video: HostTensor) -> Vec<(String, HostTensor)> {
    let n = targets.len();
    let bounds = targets.iter().flat_map(|t| t.bounds).collect();
    let visible = targets.iter().map(|t| t.visible).collect();
    let frames = targets.iter().map(|t| t.frame).collect();
    vec![
        ("box".to_string(), tensor(vec![n, 4], Buffer::F32(bounds))),
        ("visible".to_string(), tensor(vec![n], Buffer::Bool(visible))),
        ("video".to_string(), video),
        ("frame".to_string(), tensor(vec![n], Buffer::I32(frames))),
    ]
}

fn tensor(shape: Vec<usize>, buffer: Buffer) -> HostTensor {
    HostTensor::new(shape, buffer).expect("every item was checked to have the size of the data set")
}
