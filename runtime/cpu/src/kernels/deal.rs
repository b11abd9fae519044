//! Dealing elements out like cards, so that those that windows take together lie together.

/// Copies every `step`-th element, as far as both reach.
#[inline(always)]
pub(crate) fn every<T: Copy>(step: usize, from: &[T], to: &mut [T]) {
    match step {
        1 => {
            let count = from.len().min(to.len());
            let (from, rest) = from[..count].as_chunks::<16>();
            let (to, last) = to[..count].as_chunks_mut::<16>();
            // Vectors are a few instructions, and a copy of unknown length is a call.
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            if !rest.is_empty() {
                last.copy_from_slice(rest);
            }
        }
        // Whole pairs become vector instructions.
        2 => {
            let pairs = from.chunks_exact(2);
            if let (Some(last), Some(to)) = (pairs.remainder().first(), to.get_mut(from.len() / 2)) {
                *to = *last;
            }
            to.iter_mut().zip(pairs).for_each(|(to, pair)| *to = pair[0]);
        }
        _ => to.iter_mut().zip(from.iter().step_by(step)).for_each(|(to, from)| *to = *from),
    }
}

/// The opposite for a whole row: puts as many elements of each remainder together again. In `from` there is the same room for those of each.
#[inline(always)]
pub(crate) fn together<T: Copy>(step: usize, from: &[T], to: &mut [T]) {
    let pitch = from.len() / step;
    if step == 2 {
        let (even, odd) = from.split_at(pitch);
        let mut pairs = to.chunks_exact_mut(2);
        // Whole pairs become vector instructions.
        pairs
            .by_ref()
            .zip(even.iter().zip(odd))
            .for_each(|(pair, (even, odd))| (pair[0], pair[1]) = (*even, *odd));
        if let ([last], Some(even)) = (pairs.into_remainder(), even.last()) {
            *last = *even;
        }
        return;
    }
    for (remainder, from) in from.chunks_exact(pitch.max(1)).enumerate().take(to.len()) {
        to[remainder..].iter_mut().step_by(step).zip(from).for_each(|(to, from)| *to = *from);
    }
}

#[cfg(test)]
mod tests {
    use super::{every, together};

    #[test]
    fn rows_are_whole_again() {
        for (step, len) in [(1, 5), (2, 1), (2, 8), (2, 41), (3, 2), (3, 7), (5, 20)] {
            let row: Vec<usize> = (1..=len).collect();
            let pitch = len.div_ceil(step);
            let (mut dealt, mut whole) = (vec![0; step * pitch], vec![0; len]);
            for (remainder, dealt) in dealt.chunks_exact_mut(pitch).enumerate().take(len) {
                every(step, &row[remainder..], dealt);
            }
            together(step, &dealt, &mut whole);
            assert_eq!(whole, row, "{step} remainders of {len}");
        }
    }

    #[test]
    fn as_far_as_both_reach() {
        for step in 1..5 {
            for (long, room) in [(0, 3), (1, 1), (7, 9), (8, 4), (8, 2), (33, 40), (64, 64)] {
                let from: Vec<usize> = (1..=long).collect();
                let mut to = vec![0; room];
                every(step, &from, &mut to);
                let known = |at: usize| from.get(at * step).copied().unwrap_or(0);
                assert_eq!(to, (0..room).map(known).collect::<Vec<_>>(), "every {step} of {long} to {room}");
            }
        }
    }
}
