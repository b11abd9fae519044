//! The `vspecc` binary; everything it does is in the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    vspecc::main_with(std::env::args_os())
}
