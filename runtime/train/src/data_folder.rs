//! Data sets as the data crate reads them.

use std::path::PathBuf;
use std::rc::Rc;

use vspec_data::{Info, Loader};
use vspec_ir::DataSet;

use crate::batches::{BatchIter, Batches, DataSource};

/// Data sets that lie in a folder, each under its key, and those that are drawn.
#[derive(Debug, Clone)]
pub struct DataFolder {
    /// The folder; drawn data sets need none.
    pub root: Option<PathBuf>,
    /// Key of the order and of random transforms.
    pub seed: u64,
}

impl DataSource for DataFolder {
    fn open(&self, set: &DataSet) -> Result<Rc<dyn Batches>, String> {
        let loader = Loader::open(set, self.root.as_deref(), self.seed).map_err(|e| e.to_string())?;
        Ok(Rc::new(loader))
    }
}

impl Batches for Loader {
    fn count(&self) -> u64 {
        self.batches_per_epoch() as u64
    }

    fn epoch(&self, epoch: u64, skip: u64) -> BatchIter {
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        Box::new(Loader::epoch(self, epoch, skip).map(|batch| batch.map_err(|e| e.to_string())))
    }

    fn info(&self) -> Option<Info> {
        Some(Loader::info(self).clone())
    }

    fn warnings(&self) -> Vec<String> {
        Loader::warnings(self)
    }
}
