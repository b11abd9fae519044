//! Copies of a few elements.

/// Copies to as many places. Up to 64 elements are a few instructions, by two copies of known length that may overlap, where
/// `copy_from_slice` would be a call.
#[inline(always)]
pub(crate) fn copy_few<T: Copy>(from: &[T], to: &mut [T]) {
    debug_assert_eq!(from.len(), to.len(), "elements and places");
    match to.len() {
        0 => {}
        1 => to[0] = from[0],
        2..4 => ends::<2, T>(from, to),
        4..8 => ends::<4, T>(from, to),
        8..16 => ends::<8, T>(from, to),
        16..32 => ends::<16, T>(from, to),
        32..=64 => ends::<32, T>(from, to),
        _ => to.copy_from_slice(from),
    }
}

/// The first `N` and the last `N` of up to twice as many.
#[inline(always)]
fn ends<const N: usize, T: Copy>(from: &[T], to: &mut [T]) {
    if let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) {
        to[..N].copy_from_slice(first);
        let len = to.len();
        to[len - N..].copy_from_slice(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_copied_and_nothing_else() {
        let from: Vec<usize> = (1..=100).collect();
        for len in 0..100 {
            let mut to = [0; 102];
            copy_few(&from[..len], &mut to[1..=len]);
            assert!(
                to[1..=len] == from[..len] && to[0] == 0 && to[len + 1..].iter().all(|x| *x == 0),
                "{len}"
            );
        }
    }
}
