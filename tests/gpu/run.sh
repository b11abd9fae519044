#!/usr/bin/env bash
# Everything that needs a GPU: run on a machine with one.
#
#   tests/gpu/run.sh               builds here (Rust, no CUDA toolkit needed), then checks
#   tests/gpu/run.sh build DIR     only builds, and puts the binaries into DIR, for a machine without Rust
#   tests/gpu/run.sh check DIR     only checks, with the binaries in DIR
#
# The checks need a driver, NVRTC and cuBLAS (12 or 13), found by the system, in CUDA_PATH or in LD_LIBRARY_PATH.
# A machine without a device fails: nothing would be checked.
set -euo pipefail
cd "$(dirname "$0")/../.."
what=${1:-all}
bin=${2:-target/gpu}

# The one executable that cargo builds for a test.
test_binary() {
  cargo test --release --locked --no-run "$@" 2>&1 | sed -n 's/^ *Executable .*(\(.*\))$/\1/p'
}

build() {
  mkdir -p "$bin"
  cargo build --release --locked -p vspecc --features cuda
  cp "${CARGO_TARGET_DIR:-target}/release/vspecc" "$bin/vspecc"
  cp "$(test_binary -p vspec-dfdx --features dfdx-cuda --test cuda)" "$bin/kernels"
  cp "$(test_binary -p vspec-tests --features cuda --test cuda)" "$bin/ops"
  strip -s "$bin"/*
}

# The rows of a short training run, without times.
losses() {
  local engine=$1 device=$2 out=$3
  "$bin/vspecc" run specs/first/shapes.vspec --engine "$engine" --device "$device" --seed 0 \
    --max-steps "${STEPS:-10}" --progress json --out "$out" >"$out.jsonl" 2>"$out.log"
}

check() {
  local failed=0 work
  work=$(mktemp -d)
  nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader || true
  export VSPEC_CUDA=required
  "$bin/kernels" || failed=1
  "$bin/ops" --test-threads=1 || failed=1
  for engine in dfdx dfdx-fused; do
    "$bin/vspecc" test std --engine "$engine" --device cuda >"$work/std" 2>&1 || failed=1
    echo "standard library, $engine on cuda: $(tail -n 1 "$work/std")"
    grep FAILED "$work/std" || true
  done
  for device in cpu cuda; do
    for engine in dfdx dfdx-fused; do
      local begun=$SECONDS
      losses "$engine" "$device" "$work/$device-$engine" || { failed=1; tail -n 5 "$work/$device-$engine.log"; }
      echo "shapes, $engine on $device: $((SECONDS - begun)) s"
      tail -n 3 "$work/$device-$engine.jsonl"
    done
  done
  rm -rf "$work"
  return $failed
}

case $what in
  build) build ;;
  check) check ;;
  all) build && check ;;
  *) sed -n '2,9p' "$0"; exit 2 ;;
esac
