//! Which vector instructions the machine has, and loops compiled for them.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// A set of vector instructions; each has those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Isa {
    /// What the program was compiled for.
    Baseline = 1,
    /// AVX2 and FMA: 8 floats.
    Avx2 = 2,
    /// AVX-512 (F, BW, DQ, VL): 16 floats.
    Avx512 = 3,
}

/// What [`restrict`] allows.
static ALLOWED: AtomicU8 = AtomicU8::new(Isa::Avx512 as u8);

/// Uses no more than a set of instructions from now on, in the whole process. For tests and measurements.
pub fn restrict(isa: Isa) {
    ALLOWED.store(isa as u8, Ordering::Relaxed);
}

/// What [`machine_code`] says.
static MACHINE_CODE: AtomicBool = AtomicBool::new(true);

/// Whether regions of plans that are made ready from now on become machine code, in the whole process, where [`isa`] is a set that there
/// are instructions for; otherwise they are tile programs. For tests and measurements.
pub fn machine_code(on: bool) {
    MACHINE_CODE.store(on, Ordering::Relaxed);
}

/// The set of instructions that machine code is made of.
pub(crate) fn target() -> Isa {
    if MACHINE_CODE.load(Ordering::Relaxed) { isa() } else { Isa::Baseline }
}

/// The best set that the machine has and that is allowed.
pub fn isa() -> Isa {
    let best = detected();
    match ALLOWED.load(Ordering::Relaxed) {
        1 => Isa::Baseline,
        2 => best.min(Isa::Avx2),
        _ => best,
    }
}

/// The best set that the machine has.
#[cfg(target_arch = "x86_64")]
pub(crate) fn detected() -> Isa {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (avx2, avx512) {
        (true, true) => Isa::Avx512,
        (true, false) => Isa::Avx2,
        _ => Isa::Baseline,
    }
}

/// The best set that the machine has: none that anything here is written for.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn detected() -> Isa {
    Isa::Baseline
}

/// Runs a function that was compiled for the best vector instructions of the machine: whatever the compiler inlines into it becomes
/// instructions of that set.
#[inline]
pub(crate) fn widest<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        // Each is called only where its instructions were found.
        match isa() {
            Isa::Avx512 => return unsafe { avx512(f) },
            Isa::Avx2 => return unsafe { avx2(f) },
            Isa::Baseline => {}
        }
    }
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<R>(f: impl FnOnce() -> R) -> R {
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512<R>(f: impl FnOnce() -> R) -> R {
    f()
}
