//! A data set, checked and ready to be drawn from: a flow of items, cut into batches.

use std::path::Path;
use std::sync::Arc;

use vspec_ir::{DataSet, Stage, Type};

use super::flow::Flow;
use super::pick::Pick;
use crate::error::DataError;

/// A data set with its batches.
pub(super) struct Pipeline {
    /// Name of the data set.
    pub(super) name: String,
    pub(super) flow: Arc<Flow>,
    /// Fields of an item after all changes, with constant sizes.
    pub(super) fields: Vec<(String, Type)>,
    batch: usize,
    drop_last: bool,
}

impl Pipeline {
    /// Opens the sources of a data set and checks its stages.
    pub(super) fn open(data: &DataSet, root: Option<&Path>, seed: u64) -> Result<Self, DataError> {
        let error = |message: String| DataError::Pipeline { data: data.name.clone(), message };
        let Some((Stage::Batch { size: batch, drop_last }, stages)) = data.stages.split_last() else {
            return Err(error("the last stage must be `batch`".to_string()));
        };
        if let Some((name, ty)) = data.item.iter().find(|(_, ty)| ty.const_shape().is_none()) {
            return Err(error(format!("items of constant size are needed, and `{name}` is {ty}")));
        }
        let flow = Arc::new(Flow::open(&data.name, &data.source, stages, root, seed)?);
        let (name, fields) = (data.name.clone(), data.item.clone());
        let pipeline = Pipeline { name, flow, fields, batch: *batch, drop_last: *drop_last };
        pipeline.check_batches().map_err(error)?;
        Ok(pipeline)
    }

    fn check_batches(&self) -> Result<(), String> {
        let (items, batch) = (self.flow.items(), self.batch);
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
        let items = self.flow.items();
        if self.drop_last { items / self.batch } else { items.div_ceil(self.batch) }
    }

    /// The part of an order that batch `index` holds.
    pub(super) fn slice<'a>(&self, order: &'a [Pick], index: usize) -> &'a [Pick] {
        let start = index * self.batch;
        &order[start..(start + self.batch).min(order.len())]
    }
}
