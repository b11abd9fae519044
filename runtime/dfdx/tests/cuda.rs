//! The CUDA device, as far as a machine has one. `tests/gpu/run.sh` says how to run this on a machine with a GPU.
#![cfg(feature = "dfdx-cuda")]

use vspec_dfdx::DfdxCudaEngine;
use vspec_engine::Precision;

/// Needs NVRTC, but no GPU.
#[test]
fn every_kernel_of_dfdx_compiles() {
    match DfdxCudaEngine::compile_kernels() {
        Ok(count) => assert!(count > 40, "only {count} sources"),
        Err(error) if error.contains("NVRTC refuses") => eprintln!("SKIPPED: NVRTC is not found: {error}"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_missing_device_is_said_with_a_hint() {
    match DfdxCudaEngine::open(Precision::F32) {
        Ok(engine) => eprintln!("SKIPPED: there is a device: {engine:?}"),
        Err(error) => assert!(!error.reason.is_empty() && !error.hint.is_empty()),
    }
}
