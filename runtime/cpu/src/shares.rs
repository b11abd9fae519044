//! Numbered parts, shared out among threads so that each comes back to the same ones.
//!
//! Kernels follow each other, and what one wrote the next one reads. Cores may have no cache in common: what another core wrote comes at a
//! fraction of the speed of what lies near. So each thread begins with its own share of the parts, the same of every kernel with as many,
//! and takes from the others' shares only when its own is done: from their ends, which their owners reach last.

use std::sync::atomic::{AtomicU64, Ordering};

/// Most shares; threads beyond have theirs in common.
const MOST: usize = 16;

/// Parts of one thread that nobody has taken yet: the first one and the one behind the last, in a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Share(AtomicU64);

impl Share {
    /// Takes the first part, or the last one.
    fn take(&self, last: bool) -> Option<usize> {
        let less = |all: u64| {
            let (first, end) = (all >> 32, all & u64::from(u32::MAX));
            (first < end).then(|| if last { all - 1 } else { all + (1 << 32) })
        };
        let before = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
        Some(if last { (before & u64::from(u32::MAX)) - 1 } else { before >> 32 } as usize)
    }
}

/// All parts of some work.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    shares: [Share; MOST],
    /// How many shares there are.
    count: usize,
}

impl Shares {
    /// `count` parts, fewer than 2³², in shares for so many threads.
    pub(crate) fn new(count: usize, threads: usize) -> Self {
        assert!(u32::try_from(count).is_ok(), "numbers of parts fit half of a share");
        let all = threads.clamp(1, MOST);
        let mut shares = Shares { count: all, ..Shares::default() };
        let cut = |number: usize| (count * number / all) as u64;
        for (number, share) in shares.shares.iter_mut().enumerate().take(all) {
            *share.0.get_mut() = cut(number) << 32 | cut(number + 1);
        }
        shares
    }

    /// A part that nobody has taken, for the thread of a number: of its own share, as long as there are any.
    pub(crate) fn take(&self, thread: usize) -> Option<usize> {
        let own = thread % self.count;
        let others = (1..self.count).map(|next| (own + next) % self.count);
        self.shares[own]
            .take(false)
            .or_else(|| others.into_iter().find_map(|other| self.shares[other].take(true)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_parts_come_first_and_others_from_the_end() {
        let shares = Shares::new(7, 2);
        let taken: Vec<Option<usize>> = [1, 1, 0, 1, 1, 1, 0, 1, 0].map(|thread| shares.take(thread)).into();
        let wanted = [Some(3), Some(4), Some(0), Some(5), Some(6), Some(2), Some(1), None, None];
        assert_eq!(taken, wanted);
    }

    #[test]
    fn every_part_is_in_one_share() {
        for threads in [1, 2, 3, 16, 40] {
            for count in [0, 1, 2, 15, 16, 17, 1000] {
                let shares = Shares::new(count, threads);
                let mut taken: Vec<usize> = std::iter::from_fn(|| shares.take(threads - 1)).collect();
                taken.sort_unstable();
                assert_eq!(taken, (0..count).collect::<Vec<_>>(), "{count} for {threads}");
            }
        }
    }
}
