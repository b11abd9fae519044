//! Pieces of memory that come and go, cut from as few large ones as can be.
//!
//! Kernels work in pieces of many sizes. With pages of its own each size would stay in memory although no two kernels need theirs at the
//! same time, and a large page counts as a whole. So pieces are cut from slabs, each from the lowest place that has room: what all kernels
//! need together is what the hungriest of them does.

use crate::memory::{LINE, Lent, lend};
use crate::pages::Pages;

/// Bytes between pieces. Sizes are often multiples of pages: what is read of one piece and written to the next would meet in one set of
/// the first cache.
const GAP: usize = 5 * LINE;

/// Some slabs; a single one once it is known how much is needed.
#[derive(Default)]
pub(crate) struct Slabs {
    slabs: Vec<Slab>,
    /// How many slabs there have been.
    made: u64,
}

struct Slab {
    number: u64,
    pages: Pages,
    /// Starts and ends of what is lent, in order.
    taken: Vec<(usize, usize)>,
}

/// A piece of a slab, which goes back to it by [`Slabs::give_back`].
pub(crate) struct Piece {
    slab: u64,
    start: usize,
    pub(crate) memory: Lent,
}

impl Slabs {
    /// No slabs yet.
    pub(crate) const fn new() -> Self {
        Slabs { slabs: vec![], made: 0 }
    }

    /// A piece of so many bytes; what they are is left from earlier uses.
    pub(crate) fn take(&mut self, bytes: usize) -> Piece {
        self.join();
        let place = |slab: &mut Slab| slab.cut(bytes);
        if let Some(piece) = self.slabs.iter_mut().find_map(place) {
            return piece;
        }
        // A slab without room of which nobody has anything is of no use any more.
        self.slabs.retain(|slab| !slab.taken.is_empty());
        self.add(bytes);
        self.slabs.last_mut().and_then(|slab| slab.cut(bytes)).expect("a new slab has room")
    }

    /// Takes a piece back.
    pub(crate) fn give_back(&mut self, piece: &Piece) {
        let slab = self.slabs.iter_mut().find(|slab| slab.number == piece.slab);
        let Some(slab) = slab else { return };
        slab.taken.retain(|(start, _)| *start != piece.start);
    }

    /// Makes one of several slabs while nobody has anything of them. What is never written to of it costs nothing.
    fn join(&mut self) {
        if self.slabs.len() > 1 && self.slabs.iter().all(|slab| slab.taken.is_empty()) {
            let bytes = self.slabs.iter().map(|slab| slab.pages.len()).sum();
            self.slabs.clear();
            self.add(bytes);
        }
    }

    fn add(&mut self, bytes: usize) {
        self.made += 1;
        self.slabs.push(Slab { number: self.made, pages: Pages::new(bytes), taken: vec![] });
    }
}

impl Slab {
    /// The lowest piece of so many bytes that nobody has.
    fn cut(&mut self, bytes: usize) -> Option<Piece> {
        let (mut start, mut place) = (0, self.taken.len());
        for (number, (from, to)) in self.taken.iter().enumerate() {
            if start + bytes <= *from {
                place = number;
                break;
            }
            start = to.next_multiple_of(LINE) + GAP;
        }
        if start + bytes > self.pages.len() {
            return None;
        }
        // No piece is empty, or two would begin at one place.
        self.taken.insert(place, (start, start + bytes.max(1)));
        Some(Piece { slab: self.number, start, memory: lend(&mut self.pages, start, bytes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(piece: &mut Piece, with: f32) {
        piece.memory.numbers_mut::<f32>().fill(with);
    }

    fn holds(piece: &Piece, x: f32) -> bool {
        piece.memory.numbers::<f32>().iter().all(|own| *own == x)
    }

    /// Pieces of all sizes that are held at the same time, taken and given back in any order.
    #[test]
    fn pieces_share_nothing() {
        let mut slabs = Slabs::new();
        let mut held: Vec<(Piece, f32)> = vec![];
        let mut seed = 7_usize;
        for turn in 0..2000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = seed >> 33;
            if held.len() > 12 || (!held.is_empty() && random.is_multiple_of(3)) {
                let (piece, x) = held.swap_remove(random / 3 % held.len());
                assert!(holds(&piece, x), "turn {turn}");
                slabs.give_back(&piece);
                continue;
            }
            let mut piece = slabs.take(random % 30_000 * 4);
            assert_eq!(piece.memory.numbers::<f32>().len(), random % 30_000);
            fill(&mut piece, turn as f32);
            held.push((piece, turn as f32));
        }
        assert!(held.iter().all(|(piece, x)| holds(piece, *x)));
    }

    /// What is needed at the same time lies in one slab from the second time on, and larger needs find room.
    #[test]
    fn slabs_become_one() {
        let mut slabs = Slabs::new();
        for round in 0..3 {
            let pieces: Vec<Piece> = (1..6).map(|n| slabs.take(n << 20)).collect();
            assert!(round == 0 || slabs.slabs.len() == 1, "round {round}");
            pieces.iter().for_each(|piece| slabs.give_back(piece));
        }
        let made = slabs.made;
        let large = slabs.take(100 << 20);
        assert_eq!((slabs.slabs.len(), slabs.made), (1, made + 1), "the earlier one is gone");
        slabs.give_back(&large);
        let small = slabs.take(1 << 10);
        assert_eq!(slabs.made, made + 1);
        assert_eq!(small.start, 0);
    }
}
