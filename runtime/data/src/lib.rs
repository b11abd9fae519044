//! Data sets, transforms, functions of items and prefetching: from a [`DataSet`](vspec_ir::DataSet) to batches of host tensors.
//!
//! [`inspect`] tells how many items and classes a source has without decoding an image. A [`Loader`] reads items, applies
//! the stages of the pipeline and hands out [`Batch`]es that worker threads prepare ahead. All randomness is drawn from
//! streams keyed by data set, seed, epoch, item and stage, so that batches do not depend on threads, and a pass can be
//! resumed in the middle.

mod cache;
mod decode;
mod error;
mod loader;
mod pixels;
mod source;
mod transform;

pub use error::DataError;
pub use loader::{Batch, Epoch, Loader};
pub use source::{Info, inspect};
