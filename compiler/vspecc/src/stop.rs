//! Ctrl-C: the first asks the run to end after its step, the second ends the process.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::console;
use crate::failure::Exit;

/// Set when the run should end.
static STOP: AtomicBool = AtomicBool::new(false);

/// Starts to listen for Ctrl-C and for a polite request to terminate, and returns the flag that they set.
pub(crate) fn flag() -> &'static AtomicBool {
    let listening = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        console::error("stopping after this step; press Ctrl-C again to stop at once");
    });
    // Without the handler Ctrl-C ends the process, as it does everywhere else.
    let _ = listening;
    &STOP
}
