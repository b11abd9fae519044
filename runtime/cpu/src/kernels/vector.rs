//! Which vector instructions the machine has, and loops compiled for them.

use crate::mode::Mode;

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

/// The set that the work at hand uses.
#[inline]
pub(crate) fn isa() -> Isa {
    Mode::now().instructions()
}

/// The best set that the machine has.
#[cfg(target_arch = "x86_64")]
pub fn detected() -> Isa {
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
pub fn detected() -> Isa {
    Isa::Baseline
}

/// Runs a function that was compiled for the vector instructions of the work at hand: whatever the compiler inlines into it becomes
/// instructions of that set. The compiler has to be told to inline a closure, or it may stay a function for any machine.
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
