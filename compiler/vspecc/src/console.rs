//! Writing to the terminal. A reader that has gone away (`vspecc ir .. | head`) is no error.

use std::io::{self, Write};

/// Writes a result to standard output as it is.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a line to standard error.
pub(crate) fn error(line: &str) {
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "{line}");
}
