//! Random streams: counter-based, so that any number of any stream can be drawn without drawing those before it.
//!
//! Philox4x32 with 10 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). The key is a hash of the
//! stream's name and the seed; the counter is the step and the index. Results do not depend on threads or on order.

mod normal;

use std::ops::Range;

const ROUNDS: usize = 10;
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
/// Normal numbers that are drawn side by side.
const LANES: usize = 32;

/// One named stream of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
    step: u64,
}

impl Stream {
    /// The stream of a name under a seed at a step.
    pub fn new(name: &str, seed: u64, step: u64) -> Self {
        let key = mix(fnv1a(name.as_bytes()) ^ mix(seed));
        Stream { key: [key as u32, (key >> 32) as u32], step }
    }

    /// 32 random bits.
    pub fn bits(&self, index: u64) -> u32 {
        self.block(index / 4)[(index % 4) as usize]
    }

    /// A number in [0, 1): a multiple of 2^-24, which single precision holds exactly.
    pub fn uniform(&self, index: u64) -> f64 {
        f64::from(self.bits(index) >> 8) / f64::from(1u32 << 24)
    }

    /// A standard normal number, by Box and Muller's transform of two words of a block of its own.
    pub fn normal(&self, index: u64) -> f64 {
        let [number] = self.some_normals(index);
        number
    }

    /// The same for each of some neighbouring indices, in order: several times as fast as one by one.
    pub fn normals(&self, indices: Range<u64>, mut take: impl FnMut(f64)) {
        for first in indices.clone().step_by(LANES) {
            let left = usize::try_from(indices.end - first).unwrap_or(LANES);
            self.some_normals::<LANES>(first).into_iter().take(left).for_each(&mut take);
        }
    }

    /// Normal numbers from an index on.
    fn some_normals<const N: usize>(&self, first: u64) -> [f64; N] {
        let indices = std::array::from_fn(|lane| (1 << 63) | first.wrapping_add(lane as u64));
        let [a, b, ..] = self.blocks::<N>(indices);
        let mut numbers = [0.0; N];
        let words = a.into_iter().zip(b);
        numbers.iter_mut().zip(words).for_each(|(number, (a, b))| *number = normal::normal(a, b));
        numbers
    }

    /// A number below `n`; the bias of the multiplication is below `n / 2^32`.
    pub fn below(&self, index: u64, n: u32) -> u32 {
        ((u64::from(self.bits(index)) * u64::from(n)) >> 32) as u32
    }

    /// A permutation of `0..n` (Fisher and Yates).
    pub fn shuffle(&self, n: u32) -> Vec<u32> {
        let mut order: Vec<u32> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i as usize, self.below(u64::from(i), i + 1) as usize);
        }
        order
    }

    fn block(&self, index: u64) -> [u32; 4] {
        self.blocks([index]).map(|[word]| word)
    }

    /// The four words of each of some blocks.
    #[inline(always)]
    fn blocks<const N: usize>(&self, indices: [u64; N]) -> [[u32; N]; 4] {
        let step = [self.step as u32, (self.step >> 32) as u32];
        let counters = [
            indices.map(|index| index as u32),
            indices.map(|index| (index >> 32) as u32),
            [step[0]; N],
            [step[1]; N],
        ];
        philox(counters, self.key)
    }
}

/// The words of some counters under one key, lane by lane.
#[inline(always)]
fn philox<const N: usize>(mut counters: [[u32; N]; 4], mut key: [u32; 2]) -> [[u32; N]; 4] {
    for _ in 0..ROUNDS {
        let [a, b, c, d] = &mut counters;
        for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
            let (first, second) =
                (u64::from(MULTIPLIERS[0]) * u64::from(*a), u64::from(MULTIPLIERS[1]) * u64::from(*c));
            (*a, *b) = ((second >> 32) as u32 ^ *b ^ key[0], second as u32);
            (*c, *d) = ((first >> 32) as u32 ^ *d ^ key[1], first as u32);
        }
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counters
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01B3))
}

/// The finaliser of SplitMix64: every bit of the result depends on every bit of the input.
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_published_vectors() {
        let words = [
            [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8],
            [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD],
        ];
        assert_eq!(philox([[0]; 4], [0; 2]), words[0].map(|word| [word]));
        assert_eq!(philox([[u32::MAX]; 4], [u32::MAX; 2]), words[1].map(|word| [word]));
    }

    #[test]
    fn numbers_are_the_same_one_by_one_and_side_by_side() {
        let stream = Stream::new("many", 5, 7);
        for indices in [3..3, 0..1, 5..37, 1000..1100, u64::from(u32::MAX) - 20..u64::from(u32::MAX) + 50] {
            let mut numbers = vec![];
            stream.normals(indices.clone(), |number| numbers.push(number));
            assert_eq!(numbers, indices.map(|i| stream.normal(i)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn streams_differ_by_name_seed_and_step() {
        let first = Stream::new("a", 1, 0).bits(0);
        assert_ne!(first, Stream::new("b", 1, 0).bits(0));
        assert_ne!(first, Stream::new("a", 2, 0).bits(0));
        assert_ne!(first, Stream::new("a", 1, 1).bits(0));
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let (stream, n) = (Stream::new("moments", 3, 0), 20_000u64);
        let mean = |f: &dyn Fn(u64) -> f64| (0..n).map(f).sum::<f64>() / n as f64;
        assert!((mean(&|i| stream.uniform(i)) - 0.5).abs() < 0.01);
        assert!(mean(&|i| stream.normal(i)).abs() < 0.03);
        assert!((mean(&|i| stream.normal(i).powi(2)) - 1.0).abs() < 0.05);
    }

    #[test]
    fn a_shuffle_is_a_permutation() {
        let mut order = Stream::new("order", 1, 2).shuffle(101);
        assert_ne!(order[..5], [0, 1, 2, 3, 4]);
        order.sort_unstable();
        assert_eq!(order, (0..101).collect::<Vec<u32>>());
    }
}
