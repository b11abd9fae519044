//! Epochs of a number of items that is not the set's: an endless sequence of permutations, cut into epochs.

use vspec_engine::rng::Stream;

/// A stretch of one permutation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Number of the permutation, from 0.
    pub(super) round: u64,
    /// Places in it.
    pub(super) places: std::ops::Range<usize>,
}

/// What an epoch of `count` items takes of permutations of `items` (at least one) items each.
pub(super) fn stretches(items: usize, count: usize, epoch: u64) -> Vec<Stretch> {
    let (items, count) = (items as u128, count as u128);
    let (mut at, end) = (u128::from(epoch) * count, (u128::from(epoch) + 1) * count);
    let mut found = vec![];
    while at < end {
        let (round, place) = (at / items, at % items);
        let taken = (items - place).min(end - at);
        found.push(Stretch { round: round as u64, places: place as usize..(place + taken) as usize });
        at += taken;
    }
    found
}

/// The items of an epoch of `count` items as numbers below `items`, each with how often the permutation had changed in the
/// epoch before it came.
pub(super) fn draw(items: usize, count: usize, epoch: u64, name: &str, seed: u64) -> Vec<(u32, u64)> {
    let stretches = stretches(items, count, epoch);
    let of_stretch = |(before, stretch): (usize, &Stretch)| {
        let order = Stream::new(name, seed, stretch.round).shuffle(items as u32);
        order[stretch.places.clone()].iter().map(|item| (*item, before as u64)).collect::<Vec<_>>()
    };
    stretches.iter().enumerate().flat_map(of_stretch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(items: usize, count: usize, epoch: u64) -> Vec<u32> {
        draw(items, count, epoch, "draw", 5).into_iter().map(|(item, _)| item).collect()
    }

    /// Whatever the sizes, epochs put together are whole permutations.
    #[test]
    fn nothing_comes_again_before_everything_came() {
        for (set, count) in [(7, 3), (7, 7), (7, 20), (1, 4), (30, 1), (12, 8)] {
            let drawn: Vec<u32> = (0..60).flat_map(|epoch| items(set, count, epoch)).collect();
            assert_eq!(drawn.len(), 60 * count);
            for permutation in drawn.chunks_exact(set) {
                let mut sorted = permutation.to_vec();
                sorted.sort_unstable();
                assert_eq!(sorted, (0..set as u32).collect::<Vec<_>>(), "{set} items, {count} an epoch");
            }
        }
    }

    #[test]
    fn permutations_differ_and_are_counted() {
        let drawn = draw(20, 50, 0, "draw", 5);
        let (first, second) = (&drawn[..20], &drawn[20..40]);
        assert!(
            first.iter().all(|(_, before)| *before == 0) && second.iter().all(|(_, before)| *before == 1)
        );
        assert_ne!(
            first.iter().map(|d| d.0).collect::<Vec<_>>(),
            second.iter().map(|d| d.0).collect::<Vec<_>>()
        );
        assert_eq!(drawn, draw(20, 50, 0, "draw", 5));
        assert_ne!(items(20, 50, 1)[..10], items(20, 50, 0)[..10]);
    }
}
