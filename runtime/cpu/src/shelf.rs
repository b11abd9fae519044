//! Numbers of many variables side by side in a few large pieces of memory.
//!
//! Variables stay for as long as a session does. Where the heap has them they lie between holes of what was needed to draw them, and in
//! large pages a hole costs as much as what lies around it.

use std::marker::PhantomData;

use crate::element::Element;
use crate::memory::{LINE, Raw, numbers, numbers_mut, part_mut};
use crate::pages::Pages;

/// Bytes of a piece; what nobody has written to costs nothing.
const PIECE: usize = 32 << 20;
/// Bytes below which numbers are left to the heap.
const SMALL: usize = 1 << 14;

/// Where numbers lie on a [`Shelf`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    piece: usize,
    start: usize,
    pub(crate) len: usize,
}

/// Pieces of memory, and how many elements of each are taken. Nothing is taken away: a variable's size does not change.
pub(crate) struct Shelf<T> {
    pieces: Vec<(Pages, usize)>,
    of: PhantomData<T>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Shelf { pieces: vec![], of: PhantomData }
    }
}

impl<T: Element> Shelf<T> {
    /// Whether so many numbers are worth a place here.
    pub(crate) fn takes(len: usize) -> bool {
        len * size_of::<T>() >= SMALL
    }

    /// A place for so many numbers in the first piece that has one; they are 0.
    pub(crate) fn spot(&mut self, len: usize) -> Spot {
        let has_room = |(pages, taken): &(Pages, usize)| pages.len() / size_of::<T>() >= taken + len;
        let piece = self.pieces.iter().position(has_room).unwrap_or_else(|| {
            self.pieces.push((Pages::new(PIECE.max(len * size_of::<T>())), 0));
            self.pieces.len() - 1
        });
        let taken = &mut self.pieces[piece].1;
        let spot = Spot { piece, start: *taken, len };
        *taken = (*taken + len).next_multiple_of(LINE / size_of::<T>());
        spot
    }

    /// What lies at a place.
    pub(crate) fn elements(&self, Spot { piece, start, len }: Spot) -> &[T] {
        &numbers(&self.pieces[piece].0)[start..start + len]
    }

    /// Puts as many numbers as a place has there.
    pub(crate) fn write(&mut self, Spot { piece, start, len }: Spot, elements: &[T]) {
        numbers_mut(&mut self.pieces[piece].0)[start..start + len].copy_from_slice(elements);
    }

    /// The memory of a place, to be written.
    pub(crate) fn raw_mut(&mut self, Spot { piece, start, len }: Spot) -> Raw {
        part_mut::<T>(&mut self.pieces[piece].0, start, len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;
    use vspec_ir::plan::ValueId;

    /// Small ones behind one that is larger than a piece, each with numbers of its own, written through slices and as memory.
    #[test]
    fn places_begin_at_cache_lines_and_share_nothing() {
        let mut shelf = Shelf::<f32>::default();
        let lens = [5000, PIECE / 4 + 1, 4097, 4096, PIECE / 4 - 5000, 4099];
        let spots: Vec<Spot> = lens.iter().map(|len| shelf.spot(*len)).collect();
        assert!(shelf.pieces.len() < lens.len(), "places share pieces");
        for (n, spot) in spots.iter().enumerate() {
            assert!(shelf.elements(*spot).iter().all(|x| *x == 0.0));
            shelf.write(*spot, &vec![n as f32; spot.len]);
        }
        let memory = Memory::new(spots.iter().map(|spot| shelf.raw_mut(*spot)).collect());
        for (n, len) in lens.iter().enumerate() {
            let value = ValueId(n as u32);
            assert_eq!(memory.start(value) % LINE as u64, 0);
            assert_eq!(memory.read::<f32>(value, len - 1), n as f32);
            memory.write(value, 0, 10.0 + n as f32);
        }
        for (n, spot) in spots.iter().enumerate() {
            let (first, rest) = shelf.elements(*spot).split_first().expect("not empty");
            assert!(*first == 10.0 + n as f32 && rest.iter().all(|x| *x == n as f32), "{n}");
        }
    }
}
