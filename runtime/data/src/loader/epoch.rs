//! One pass over a data set: threads prepare batches ahead of the one that is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::batch::{Batch, prepare};
use super::flow::{Drawn, Flow};
use super::{DataError, Shared};

/// Batches that wait to be used, over all threads.
const AHEAD: usize = 4;

/// The batches of a pass in order. After an error there are no more; dropping it stops its threads.
pub struct Epoch {
    data: String,
    lanes: Vec<Lane>,
    next: usize,
    left: usize,
    stop: Arc<AtomicBool>,
    failure: Option<DataError>,
}

/// One thread and the batches it has ready. Of `n` lanes, lane `k` prepares every `n`th batch from the `k`th on, so the
/// order is that of a single thread.
struct Lane {
    batches: Receiver<Result<Batch, DataError>>,
    thread: JoinHandle<()>,
}

/// What a thread works on.
struct Job {
    shared: Arc<Shared>,
    drawn: Arc<Drawn>,
    first: usize,
    step: usize,
    stop: Arc<AtomicBool>,
}

impl Epoch {
    pub(super) fn start(shared: &Arc<Shared>, epoch: u64, skip: usize, workers: usize) -> Self {
        let pipeline = &shared.pipeline;
        let left = pipeline.batches().saturating_sub(skip);
        let (stop, step) = (Arc::new(AtomicBool::new(false)), workers.min(left));
        let data = pipeline.name.clone();
        let mut pass = Epoch { data, lanes: vec![], next: 0, left, stop, failure: None };
        if left == 0 {
            return pass;
        }
        let drawn = match Flow::draw(&pipeline.flow, epoch) {
            Ok(drawn) => Arc::new(drawn),
            Err(failure) => {
                pass.failure = Some(failure);
                return pass;
            }
        };
        for lane in 0..step {
            let (shared, drawn, stop) = (shared.clone(), drawn.clone(), pass.stop.clone());
            match Lane::start(Job { shared, drawn, first: skip + lane, step, stop }) {
                Ok(lane) => pass.lanes.push(lane),
                Err(cause) => pass.failure = Some(pass.thread_error(&format!("cannot be started: {cause}"))),
            }
        }
        pass
    }

    fn thread_error(&self, message: &str) -> DataError {
        DataError::Thread { data: self.data.clone(), message: message.to_string() }
    }

    /// The batch whose turn it is.
    fn receive(&mut self) -> Result<Batch, DataError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let lane = &self.lanes[self.next];
        self.next = (self.next + 1) % self.lanes.len();
        // A thread ends early only if it panicked.
        lane.batches.recv().unwrap_or_else(|_| Err(self.thread_error("stopped; see its message above")))
    }
}

impl Iterator for Epoch {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let batch = self.receive();
        self.left = if batch.is_ok() { self.left - 1 } else { 0 };
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left > 0), Some(self.left))
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for Lane { batches, thread } in self.lanes.drain(..) {
            // Without a receiver a thread that waits to hand over a batch wakes up.
            drop(batches);
            // A panic was reported by the thread itself, and there is no one left to tell.
            let _ = thread.join();
        }
    }
}

impl Lane {
    fn start(job: Job) -> std::io::Result<Self> {
        let (sender, batches) = sync_channel((AHEAD / job.step).max(1));
        let name = format!("data {}", job.shared.pipeline.name);
        let thread = thread::Builder::new().name(name).spawn(move || job.run(&sender))?;
        Ok(Lane { batches, thread })
    }
}

impl Job {
    fn run(&self, sender: &SyncSender<Result<Batch, DataError>>) {
        let pipeline = &self.shared.pipeline;
        let mut session = self.shared.engine.session();
        for index in (self.first..pipeline.batches()).step_by(self.step) {
            let picks = pipeline.slice(&self.drawn.order, index);
            let batch = prepare(&self.drawn, &pipeline.fields, picks, session.as_mut(), &self.stop);
            let Some(batch) = batch.transpose() else { return };
            let last = batch.is_err();
            if sender.send(batch).is_err() || last {
                return;
            }
        }
    }
}
