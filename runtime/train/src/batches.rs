//! Where batches come from: data sets as streams that know how far they are.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use vspec_data::{Batch, Info};
use vspec_engine::Inputs;
use vspec_ir::{Program, Step};

use crate::TrainError;

/// Batches of one pass, in order. An error is a phrase that names the file.
pub type BatchIter = Box<dyn Iterator<Item = Result<Batch, String>>>;

/// An opened data set.
pub trait Batches {
    /// Batches of one epoch.
    fn count(&self) -> u64;

    /// The batches of an epoch from the one with number `skip` on. The same epoch always gives the same batches.
    fn epoch(&self, epoch: u64, skip: u64) -> BatchIter;

    /// Classes and items of the source, where they are known.
    fn info(&self) -> Option<Info> {
        None
    }

    /// What is wrong with the data and does not keep it from being used, since the last call: sentences that name file and record.
    fn warnings(&self) -> Vec<String> {
        vec![]
    }
}

/// Opens data sets.
pub trait DataSource {
    /// Opens a data set. The error is a phrase that says what is missing or broken.
    fn open(&self, set: &vspec_ir::DataSet) -> Result<Rc<dyn Batches>, String>;
}

/// The batches that a step reads, one stream for each of its names. The first stream defines the epoch; the others begin again
/// when they end.
pub(crate) struct Feed {
    streams: Vec<Stream>,
}

/// A position in the endless sequence of a data set's epochs.
struct Stream {
    batch: String,
    set: String,
    fields: Vec<String>,
    source: Rc<dyn Batches>,
    epoch: u64,
    position: u64,
    open: Option<BatchIter>,
}

/// Where a stream is, as a checkpoint holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StreamPlace {
    batch: String,
    /// Batches of an epoch: with another number the order would be another one.
    count: u64,
    epoch: u64,
    position: u64,
}

impl Feed {
    /// Streams at the beginning of epoch 0. `opened` has an entry for each data set of the program.
    pub(crate) fn new(
        program: &Program,
        step: &Step,
        opened: &[Option<Rc<dyn Batches>>],
    ) -> Result<Feed, TrainError> {
        let streams = step.batches.iter().map(|batch| {
            let set = program.data.get(batch.data).map(|d| d.name.clone()).unwrap_or_default();
            match opened.get(batch.data).cloned().flatten() {
                Some(source) if source.count() > 0 => Ok(Stream {
                    batch: batch.name.clone(),
                    set,
                    fields: batch.fields.clone(),
                    source,
                    epoch: 0,
                    position: 0,
                    open: None,
                }),
                _ => Err(TrainError::NoBatches { set }),
            }
        });
        Ok(Feed { streams: streams.collect::<Result<_, _>>()? })
    }

    /// Where each stream is.
    pub(crate) fn places(&self) -> Vec<StreamPlace> {
        let place = |s: &Stream| StreamPlace {
            batch: s.batch.clone(),
            count: s.source.count(),
            epoch: s.epoch,
            position: s.position,
        };
        self.streams.iter().map(place).collect()
    }

    /// Goes on where the streams of a checkpoint were.
    ///
    /// # Errors
    /// A sentence about the first stream that is not like the one of the checkpoint.
    pub(crate) fn resume(&mut self, places: &[StreamPlace]) -> Result<(), String> {
        for stream in &mut self.streams {
            let Some(place) = places.iter().find(|p| p.batch == stream.batch) else {
                return Err(format!("it says nothing about batch `{}`", stream.batch));
            };
            let count = stream.source.count();
            if place.count != count || place.position > count {
                let set = &stream.set;
                return Err(format!("data set `{set}` has {count} batches now and had {} then", place.count));
            }
            (stream.epoch, stream.position, stream.open) = (place.epoch, place.position, None);
        }
        Ok(())
    }

    /// Batches of one epoch; a step without data has epochs of one iteration.
    pub(crate) fn batches(&self) -> u64 {
        self.streams.first().map_or(1, |s| s.source.count())
    }

    /// Whether the last batch was the last one of an epoch.
    pub(crate) fn at_epoch_end(&self) -> bool {
        self.streams.first().is_none_or(|s| s.position == s.source.count())
    }

    /// Leaves an epoch that was begun, so that the next batch is the first of a new one.
    pub(crate) fn leave_epoch(&mut self) {
        if let Some(first) = self.streams.first_mut().filter(|s| s.position > 0) {
            first.next_epoch();
        }
    }

    /// Adds the fields of the next batch of every stream to the inputs; returns the number of items of the first one, 1 for
    /// a step without data.
    pub(crate) fn next(&mut self, inputs: &mut Inputs) -> Result<u64, TrainError> {
        let mut items = None;
        for stream in &mut self.streams {
            let batch = stream.next()?;
            items.get_or_insert(batch.items as u64);
            for (field, tensor) in batch.fields {
                if stream.fields.contains(&field) {
                    inputs.insert(format!("{}.{field}", stream.batch), tensor);
                }
            }
        }
        Ok(items.unwrap_or(1))
    }
}

impl Stream {
    fn next(&mut self) -> Result<Batch, TrainError> {
        if self.position == self.source.count() {
            self.next_epoch();
        }
        let (source, epoch, position) = (&self.source, self.epoch, self.position);
        let iter = self.open.get_or_insert_with(|| source.epoch(epoch, position));
        let batch = iter.next().unwrap_or_else(|| Err("it ended before its last batch".to_string()));
        self.position += 1;
        batch.map_err(|message| TrainError::Data { set: self.set.clone(), message })
    }

    fn next_epoch(&mut self) {
        self.epoch += 1;
        self.position = 0;
        self.open = None;
    }
}
