//! Convolutions whose groups have one input channel, plane by plane as they lie, some rows of windows at a time ([`Bands`]).
//!
//! [`Bands`]: crate::kernels::bands::Bands

mod gather;
mod weight;

pub(super) use gather::{forward, input};
pub(super) use weight::weight;
