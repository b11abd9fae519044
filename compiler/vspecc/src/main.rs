//! The `vspecc` binary; everything it does is in the library of the same name.

use std::process::ExitCode;

/// dfdx allocates and frees the same large buffers in every step. The system's allocator gives them back in between, and the kernel
/// then clears their pages again: a quarter of the time of a step. Other engines have no such buffers, see `heap`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    vspecc::main_with(std::env::args_os())
}
