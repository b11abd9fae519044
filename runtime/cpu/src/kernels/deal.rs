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

#[cfg(test)]
mod tests {
    use super::every;

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
