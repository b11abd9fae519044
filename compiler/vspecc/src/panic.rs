//! What a user sees when the program itself is wrong.

use std::panic::PanicHookInfo;

use crate::console;

/// Replaces Rust's panic message by one that says whose fault it is and what to send.
pub(crate) fn install_hook() {
    std::panic::set_hook(Box::new(|info| console::error(&message(info))));
}

fn message(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let what = payload.downcast_ref::<&str>().map(|s| s.to_string());
    let what = what.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
    let place = info.location().map(|l| format!(" ({}:{})", l.file(), l.line())).unwrap_or_default();
    format!(
        "error: this is a bug in vspecc {}: {what}{place}\n  \
         help: please report it with the specification and the command line: {}/issues",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_REPOSITORY"),
    )
}
