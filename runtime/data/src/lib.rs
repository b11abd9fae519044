//! Data sets, transforms, functions of items and prefetching: from a [`DataSet`](vspec_ir::DataSet) to batches of host tensors.
//!
//! [`inspect`] tells how many items and classes a source has without decoding an image. A [`Loader`] reads items, applies
//! the stages of the pipeline and hands out [`Batch`]es that worker threads prepare ahead. All randomness is drawn from
//! streams keyed by data set, seed, epoch, item and stage, so that batches do not depend on threads, and a pass can be
//! resumed in the middle. A [`Preparation`] does the same to a single image file, as far as nothing else is needed, and knows
//! the way back.

mod cache;
mod classes;
mod decode;
mod error;
mod loader;
mod pixels;
mod source;
mod transform;

pub use classes::Classes;
pub use error::DataError;
pub use loader::{Batch, Epoch, Loader, Preparation, Prepared};
pub use pixels::Pixels;
pub use source::{Info, inspect, is_image};
