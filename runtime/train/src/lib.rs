//! Running steps and schedules: training, evaluation, checkpoints, metrics and logs.
//!
//! A [`Trainer`] takes an elaborated program, a session of some engine, and a source of batches, and writes a
//! [`RunFolder`]. It has no terminal: whoever wants to watch implements [`Observer`]. Everything that it does follows from the
//! program and the seed, so that equal runs leave equal metrics and equal checkpoints.

mod atomic;
mod batches;
mod bench;
mod cadence;
pub mod checkpoint;
mod clock;
mod data_folder;
mod error;
mod evaluate;
mod exact;
mod executor;
mod gathered;
mod means;
mod metrics;
mod observer;
mod outcome;
mod patience;
mod phase;
mod plan;
mod position;
pub mod predict;
mod profile;
mod reports;
mod run_folder;
mod sequences;
mod splits;
mod state;
mod tables;
mod tally;
mod tensorboard;
mod trainer;
mod variables;
pub mod weights;

pub use batches::{BatchIter, Batches, DataSource};
pub use bench::Bench;
pub use cadence::Cadence;
pub use checkpoint::{CheckpointError, Kept};
pub use clock::Clock;
pub use data_folder::DataFolder;
pub use error::{FileError, TrainError, reason};
pub use evaluate::evaluate;
pub use executor::Setup;
pub use metrics::json_line;
pub use observer::{Event, Observer, Progress, Row, RowKind, Silent};
pub use outcome::{Best, Ended, Expectation, Outcome};
pub use plan::scheduled_steps;
pub use profile::{Profile, Span, SpanKind};
pub use reports::Table;
pub use run_folder::RunFolder;
pub use state::{RunState, SetClasses};
pub use trainer::Trainer;
pub use variables::initialise;
