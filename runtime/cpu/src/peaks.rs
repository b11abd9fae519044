//! What the machine does at most, measured, for what kernels do to be compared with.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::kernels::simd::{LANES, Parts, Simd, in_parts};
use crate::memory::{Shared, numbers_mut};
use crate::pages::Pages;
use crate::workers::{pieces, threads};

/// Vectors that are multiplied and added by a thread at a time.
const TERMS: usize = 12 << 18;
/// Floats that a thread reads and writes at a time, and after how many of them those lie that it has fetched meanwhile.
const PART: usize = 1 << 18;
const AHEAD: usize = 1 << 10;
/// Bytes that are gone through; more than caches hold.
const FAR: usize = 256 << 20;
/// How long each peak is looked for.
const LONG: Duration = Duration::from_millis(500);

/// The most that all threads of the engine do together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peaks {
    /// Multiplications and additions of single precision in a second (FLOP/s), all of them in registers.
    pub flops: f64,
    /// Bytes in a second that come from memory or go back to it, where all that is there is changed.
    pub bytes: f64,
}

/// Measures both; takes a second, and a quarter of a GiB.
pub fn peaks() -> Peaks {
    within(LONG, FAR)
}

fn within(long: Duration, bytes: usize) -> Peaks {
    let mut pages = Pages::new(bytes);
    let far = numbers_mut::<f32>(&mut pages);
    // What was never written lies nowhere yet.
    pieces(far, PART, |_, part| part.fill(1.0));
    let threads = threads();
    let (operations, moved) = (threads * TERMS * LANES * 2, 2 * size_of_val(far));
    let (parts, far) = (far.len().div_ceil(PART), Through { len: far.len(), floats: Shared::new(far) });
    Peaks {
        flops: operations as f64 / least(long, || in_parts(threads, &Products)),
        bytes: moved as f64 / least(long, || in_parts(parts, &far)),
    }
}

/// The fewest seconds that something takes, of runs for some time.
fn least(long: Duration, run: impl Fn()) -> f64 {
    let (mut least, begun) = (Duration::MAX, Instant::now());
    while least == Duration::MAX || begun.elapsed() < long {
        let start = Instant::now();
        run();
        least = least.min(start.elapsed());
    }
    least.as_secs_f64()
}

/// Multiplications and additions that wait for nothing but each other.
struct Products;

impl Parts for Products {
    type Memory = ();

    fn memory(&self) {}

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, _: usize, (): &mut ()) {
        // As many sums as hide how long each takes, where there are registers for them.
        match S::SUMS {
            24.. => black_box(product::<S, 12>(simd)),
            6.. => black_box(product::<S, 6>(simd)),
            _ => black_box(product::<S, 2>(simd)),
        };
    }
}

/// One lane of the sum of sums that become 1 after a while.
#[inline(always)]
fn product<S: Simd, const N: usize>(simd: S) -> f32 {
    let half = simd.splat(black_box(0.5));
    let mut sums = [simd.splat(black_box(0.0)); N];
    for _ in 0..TERMS / N {
        for sum in &mut sums {
            *sum = simd.mul_add(*sum, half, half);
        }
    }
    let mut all = simd.splat(0.0);
    for sum in sums {
        all = simd.add(all, sum);
    }
    let mut lanes = [0.0; LANES];
    simd.store(all, &mut lanes);
    lanes[0]
}

/// Everything that lies in memory, changed where it lies.
struct Through<'a> {
    floats: Shared<'a, f32>,
    len: usize,
}

impl Parts for Through<'_> {
    type Memory = ();

    fn memory(&self) {}

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, (): &mut ()) {
        let start = number * PART;
        double(simd, self.floats.run(start, PART.min(self.len - start)));
    }
}

/// Doubles some floats, but for those behind the last vector.
#[inline(always)]
fn double<S: Simd>(simd: S, floats: &mut [f32]) {
    for start in (0..floats.len()).step_by(LANES) {
        if let Some(later) = floats.get(start + AHEAD..start + AHEAD + LANES) {
            simd.fetch(later);
        }
        if let Some(vector) = floats[start..].first_chunk_mut() {
            let float = simd.load(vector);
            simd.store(simd.add(float, float), vector);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::simd::{Task, run};
    use crate::kernels::vector::Isa;
    use crate::mode::Mode;

    /// Were nothing computed, nothing would be measured.
    #[test]
    fn what_is_measured_is_computed() {
        struct Whole;
        impl Task for Whole {
            fn run<S: Simd>(self, simd: S) {
                assert_eq!(product::<S, 2>(simd), 2.0);
                let mut floats: Vec<f32> = (0..3000).map(|i| i as f32).collect();
                double(simd, &mut floats);
                assert!(floats.iter().enumerate().all(|(i, x)| *x == 2.0 * i as f32 || i >= 2992));
            }
        }
        for isa in [Isa::Baseline, Isa::Avx2, Isa::Avx512] {
            Mode::only(isa).within(|| run(Whole));
        }
    }

    #[test]
    fn every_machine_has_peaks() {
        for isa in [Isa::Baseline, Isa::Avx2, Isa::Avx512] {
            let Peaks { flops, bytes } = Mode::only(isa).within(|| within(Duration::ZERO, 1 << 20));
            assert!(flops.is_finite() && flops > 0.0, "{flops}");
            assert!(bytes.is_finite() && bytes > 0.0, "{bytes}");
        }
    }
}
