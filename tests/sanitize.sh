#!/usr/bin/env bash
# Runs the unit tests of the CPU engine under AddressSanitizer, with checks of overflows and of what is only asserted in debug builds.
#
#   tests/sanitize.sh [TEST…]      names of tests, or parts of them; all without one
#
# Rust's stable toolchains hold the sanitiser's runtime for Linux on x86-64 and on ARM; its flag needs RUSTC_BOOTSTRAP, which this script
# sets, so that no nightly toolchain is needed. Machine code that the engine makes is not instrumented: for that the tests put values
# beside pages that nobody may touch (`Mode::fence`). Takes a target folder of its own, target/sanitize, of about 1 GB.
#
# Exit status 2 says that this machine cannot run it, and why; otherwise it is that of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
lib=$(rustc --print sysroot)/lib/rustlib/$host/lib
if ! compgen -G "$lib/librustc-*_rt.asan.a" >/dev/null; then
  echo "sanitize.sh: $lib has no runtime of AddressSanitizer (librustc-*_rt.asan.a); a toolchain of rustup for Linux has" >&2
  exit 2
fi
export RUSTC_BOOTSTRAP=1 RUSTFLAGS="${RUSTFLAGS:-} -Zsanitizer=address" CARGO_INCREMENTAL=0
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/sanitize"
# Threads that help live as long as the program; what they hold at its end is no leak.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=0:detect_stack_use_after_return=1}"
# Random regions are many in ordinary runs; here a tenth of them says as much.
export PROPTEST_CASES="${PROPTEST_CASES:-100}"
cargo test --locked -p vspec-cpu --lib --target "$host" -- "$@"
