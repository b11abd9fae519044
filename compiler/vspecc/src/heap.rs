//! How the allocator gets memory from the system.

use libmimalloc_sys as mimalloc;

/// `mi_option_disallow_arena_alloc` of mimalloc 3.
const NO_ARENAS: mimalloc::mi_option_t = 26;

/// From here on a large block is asked of the system, and given back to it, by itself.
///
/// mimalloc otherwise cuts blocks out of regions of large pages and keeps what is freed for a second. That is right for an engine that
/// allocates the same large buffers in each step. One that allocates none only leaves holes there, a tenth to a third of a step's memory.
pub(crate) fn give_back_at_once() {
    // Any thread may set an option at any time; one that is out of range is ignored.
    unsafe { mimalloc::mi_option_set_enabled(NO_ARENAS, true) };
}

/// Gives back what was freed until now, without waiting whether somebody wants it again.
pub(crate) fn give_back() {
    // Nothing that is in use is touched.
    unsafe { mimalloc::mi_collect(true) };
}
