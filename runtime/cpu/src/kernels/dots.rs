//! Products of few lines with many, such as a vector times a matrix: each element is the sum along two lines, which are read as they lie.
//! To copy the many into panels would take longer than to read them.

use super::simd::{LANES, Parts, Simd, in_parts};
use crate::memory::Shared;

/// Lines that are few.
pub(super) const FEW: usize = 4;
/// Lines that are gone through at a time: enough sums at once for additions to follow each other without a wait.
const TOGETHER: usize = 4;
/// Lines of a task.
const TASK: usize = 64;

/// Writes the sum along each of the few and each of the many lines; how far they are apart in the result is given for both.
pub(super) fn multiply([few, many]: [&[&[f32]]; 2], to: &mut [f32], apart: [usize; 2]) {
    in_parts(many.len().div_ceil(TASK), &Dots { few, many, to: &Shared::new(to), apart });
}

struct Dots<'a> {
    few: &'a [&'a [f32]],
    many: &'a [&'a [f32]],
    to: &'a Shared<'a, f32>,
    apart: [usize; 2],
}

impl Parts for Dots<'_> {
    type Memory = ();

    fn memory(&self) {}

    #[inline(always)]
    fn part<S: Simd>(&self, simd: S, number: usize, (): &mut ()) {
        let own = number * TASK..((number + 1) * TASK).min(self.many.len());
        for first in own.clone().step_by(LANES) {
            let lines = &self.many[first..own.end.min(first + LANES)];
            for (row, few) in self.few.iter().enumerate() {
                let sums = sums(simd, few, lines);
                for (line, sum) in sums.iter().enumerate().take(lines.len()) {
                    self.to.set(row * self.apart[0] + (first + line) * self.apart[1], *sum);
                }
            }
        }
    }
}

/// Sums along a line and each of up to a vector of others.
#[inline(always)]
fn sums<S: Simd>(simd: S, line: &[f32], others: &[&[f32]]) -> [f32; LANES] {
    let mut lanes = [simd.splat(0.0); LANES];
    for (others, lanes) in others.chunks(TOGETHER).zip(lanes.chunks_mut(TOGETHER)) {
        match <&[&[f32]; TOGETHER]>::try_from(others) {
            Ok(others) => lanes.copy_from_slice(&along(simd, line, others)),
            Err(_) => {
                others.iter().zip(lanes).for_each(|(other, lanes)| [*lanes] = along(simd, line, &[other]))
            }
        }
    }
    simd.transpose(&mut lanes);
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            lanes[lane] = simd.add(lanes[lane], lanes[lane + half]);
        }
    }
    let mut sums = [0.0; LANES];
    simd.store(lanes[0], &mut sums);
    sums
}

/// For each of some lines sums of products with another one, each of every sixteenth place.
#[inline(always)]
fn along<S: Simd, const N: usize>(simd: S, line: &[f32], others: &[&[f32]; N]) -> [S::V; N] {
    let mut sums = [simd.splat(0.0); N];
    for start in (0..line.len()).step_by(LANES) {
        let some = start..line.len().min(start + LANES);
        let x = simd.load_some(&line[some.clone()]);
        for (other, sum) in others.iter().zip(&mut sums) {
            *sum = simd.mul_add(x, simd.load_some(&other[some.clone()]), *sum);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::vector::Isa;
    use crate::mode::Mode;

    fn numbers(count: usize, first: usize) -> Vec<f32> {
        (first..first + count).map(|n| ((n * 37 % 101) as f32 - 50.0) / 64.0).collect()
    }

    /// Sums along lines of any length, of any number of lines, wherever they go.
    #[test]
    fn each_element_is_the_sum_along_two_lines() {
        for isa in [Isa::Baseline, Isa::Avx2, Isa::Avx512] {
            for (few, many, terms) in
                [(1, 1, 1), (1, 17, 16), (2, 63, 40), (3, 64, 7), (4, 65, 33), (4, 130, 100)]
            {
                let (a, b) = (numbers(few * terms, 3), numbers(many * terms, 50));
                let lines = [a.chunks(terms).collect::<Vec<_>>(), b.chunks(terms).collect()];
                for apart in [[many, 1], [1, few]] {
                    let mut to = vec![f32::NAN; few * many];
                    Mode::only(isa).within(|| multiply([&lines[0], &lines[1]], &mut to, apart));
                    for (i, x) in lines[0].iter().enumerate() {
                        for (j, y) in lines[1].iter().enumerate() {
                            let want: f64 =
                                x.iter().zip(*y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                            let got = f64::from(to[i * apart[0] + j * apart[1]]);
                            assert!((got - want).abs() < 1e-5, "{isa:?} {few} {many} {terms}: {got} {want}");
                        }
                    }
                }
            }
        }
    }
}
