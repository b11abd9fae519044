//! Putting items together to a batch.

use std::sync::atomic::{AtomicBool, Ordering};

use vspec_engine::{Buffer, HostTensor, Session};
use vspec_ir::{DType, Type};

use super::flow::Drawn;
use super::item::Item;
use super::pick::Pick;
use crate::error::DataError;

/// Items side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Tensors by field name, in the order of the data set's fields: `image` is `f32[B, 3, H, W]`, `label` is `i32[B]`. The
    /// fields of a pair are called `first.image`, `second.image`, and so on.
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

/// One field of the items so far.
struct Column<'a> {
    name: &'a str,
    ty: &'a Type,
    values: Buffer,
}

/// Reads and changes items of an epoch. Gives nothing if told to stop on the way.
pub(super) fn prepare(
    drawn: &Drawn,
    fields: &[(String, Type)],
    picks: &[Pick],
    session: &mut dyn Session,
    stop: &AtomicBool,
) -> Result<Option<Batch>, DataError> {
    let mut columns: Vec<Column<'_>> = fields.iter().map(|(name, ty)| Column::new(name, ty, picks)).collect();
    for pick in picks {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let item = drawn.item(*pick, session)?;
        let added = columns.iter_mut().try_for_each(|column| column.add(&item));
        added.map_err(|message| DataError::Item { item: drawn.describe(*pick), message })?;
    }
    let fields = columns.into_iter().map(|column| column.finish(picks.len())).collect();
    Ok(Some(Batch { fields, items: picks.len() }))
}

impl<'a> Column<'a> {
    fn new(name: &'a str, ty: &'a Type, picks: &[Pick]) -> Self {
        let values = picks.len() * ty.const_shape().unwrap_or_default().iter().product::<usize>();
        let values = match ty.dtype {
            DType::F32 => Buffer::F32(Vec::with_capacity(values)),
            DType::I32 => Buffer::I32(Vec::with_capacity(values)),
            DType::Bool => Buffer::Bool(Vec::with_capacity(values)),
        };
        Column { name, ty, values }
    }

    /// Adds the field of an item, if it has the type that was declared.
    fn add(&mut self, item: &Item) -> Result<(), String> {
        item.check(self.name, self.ty)?;
        match (&mut self.values, item.get(self.name).map(HostTensor::buffer)) {
            (Buffer::F32(all), Some(Buffer::F32(own))) => all.extend_from_slice(own),
            (Buffer::I32(all), Some(Buffer::I32(own))) => all.extend_from_slice(own),
            (Buffer::Bool(all), Some(Buffer::Bool(own))) => all.extend_from_slice(own),
            _ => return Err(format!("`{}` is not {}", self.name, self.ty)),
        }
        Ok(())
    }

    fn finish(self, items: usize) -> (String, HostTensor) {
        let shape = std::iter::once(items).chain(self.ty.const_shape().unwrap_or_default()).collect();
        let tensor =
            HostTensor::new(shape, self.values).expect("every item was checked to have the declared type");
        (self.name.to_string(), tensor)
    }
}
