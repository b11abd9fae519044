//! Data sets, transforms and prefetching.
