//! Where the values of a plan lie during a run.
//!
//! But for vector instructions (`kernels::micro`, `kernels::simd` and `kernels::vector`), for vectors of which only a part is there
//! (`kernels::bands`), for lending work to other threads (`workers`), for calling machine code (`jit::code`) and for pages that nobody may
//! touch (`fence`) this module holds all of the crate's `unsafe` code.
//! What makes it right:
//! [`vspec_ir::plan::check`] has accepted the plan, so that every place that a region computes lies within its value, places that data names
//! are compared with their axis, each element is written by one point of a loop nest, and values that live at the same time do not overlap.

use vspec_ir::plan::ValueId;

use crate::element::Element;
use crate::fence::{Fence, Fenced};
use crate::pages::Pages;

/// Bytes that begin where a cache line does.
pub(crate) struct Arena(Pages);

/// Bytes of an arena that are no numbers at first. The system gives a page when it is first written to, which takes a second for a few
/// gigabytes: there that is left to the kernels that need it.
const MARKED: usize = 4 << 20;
/// Bytes of a line of the caches.
pub(crate) const LINE: usize = 64;

impl Arena {
    /// At least so many bytes; of a small arena none are a number before something is written there, so that reading too early shows.
    pub(crate) fn new(bytes: usize) -> Self {
        let mut pages = Pages::new(bytes);
        // As many as there are; any bits are bytes.
        unsafe { pages.start_mut().write_bytes(0xFF, bytes.min(MARKED)) };
        Arena(pages)
    }

    /// The place of a byte.
    pub(crate) fn at(&mut self, byte: usize) -> *mut u8 {
        assert!(byte <= self.0.len(), "byte {byte} of an arena of {}", self.0.len());
        // In bounds, or one past the end.
        unsafe { self.0.start_mut().add(byte) }
    }
}

/// What memory may be seen as.
///
/// # Safety
/// Any bits are one, and it may begin where a cache line does.
pub unsafe trait Plain: Copy + Send + Sync {
    /// The one whose numbers are 0.
    fn zero() -> Self;
}

unsafe impl Plain for f32 {
    fn zero() -> f32 {
        0.0
    }
}

unsafe impl Plain for f64 {
    fn zero() -> f64 {
        0.0
    }
}

// One behind the other.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {
    fn zero() -> Self {
        [T::zero(); N]
    }
}

/// Pages as numbers.
pub(crate) fn numbers<T: Plain>(pages: &Pages) -> &[T] {
    // Any bits are numbers, and a cache line begins where a number may.
    unsafe { std::slice::from_raw_parts(pages.start().cast(), pages.len() / size_of::<T>()) }
}

/// The same, to be written.
pub(crate) fn numbers_mut<T: Plain>(pages: &mut Pages) -> &mut [T] {
    let count = pages.len() / size_of::<T>();
    // Any bits are numbers, and a cache line begins where a number may.
    unsafe { std::slice::from_raw_parts_mut(pages.start_mut().cast(), count) }
}

/// The memory of some numbers, without touching that of others.
pub(crate) fn part_mut<T: Element>(pages: &mut Pages, start: usize, len: usize) -> Raw {
    let count = pages.len() / size_of::<T>();
    assert!(start <= count && len <= count - start, "numbers {start}.. of {count}");
    // In bounds, or one past the end.
    Raw::new(unsafe { pages.start_mut().add(start * size_of::<T>()) }, len, size_of::<T>())
}

/// A part of pages that one holder has, as whoever cuts them sees to.
pub(crate) struct Lent(Raw);

// Bytes of one holder.
unsafe impl Send for Lent {}
unsafe impl Sync for Lent {}

/// Lends some bytes of pages, from a place where a number may begin on. They must stay for as long as they are lent, and nobody else may
/// have any of them until then.
pub(crate) fn lend(pages: &mut Pages, start: usize, bytes: usize) -> Lent {
    assert!(start <= pages.len() && bytes <= pages.len() - start, "bytes {start}.. of {}", pages.len());
    assert!(start.is_multiple_of(size_of::<f64>()), "byte {start} begins no number");
    // In bounds, or one past the end.
    Lent(Raw::new(unsafe { pages.start_mut().add(start) }, bytes, 1))
}

impl Lent {
    /// The bytes as numbers.
    pub(crate) fn numbers<T: Plain>(&self) -> &[T] {
        // Any bits are numbers, a number may begin there, and nobody else has them.
        unsafe { std::slice::from_raw_parts(self.0.start.cast(), self.0.elements / size_of::<T>()) }
    }

    /// The same, to be written.
    pub(crate) fn numbers_mut<T: Plain>(&mut self) -> &mut [T] {
        // Any bits are numbers, a number may begin there, and nobody else has them.
        unsafe { std::slice::from_raw_parts_mut(self.0.start.cast(), self.0.elements / size_of::<T>()) }
    }
}

/// Memory of one value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw {
    start: *mut u8,
    elements: usize,
    /// Bytes of an element.
    size: usize,
}

impl Raw {
    /// So many elements of some bytes from a place on.
    pub(crate) fn new(start: *mut u8, elements: usize, size: usize) -> Self {
        Raw { start, elements, size }
    }

    /// Elements that are only read.
    pub(crate) fn of<E>(elements: &[E]) -> Self {
        Raw::new(elements.as_ptr().cast::<u8>().cast_mut(), elements.len(), size_of::<E>())
    }

    /// Elements that may be written.
    pub(crate) fn of_mut<E>(elements: &mut [E]) -> Self {
        Raw::new(elements.as_mut_ptr().cast::<u8>(), elements.len(), size_of::<E>())
    }
}

impl Raw {
    fn overlaps(self, other: Raw) -> bool {
        let end = |raw: Raw| raw.start.addr() + raw.elements * raw.size;
        self.start.addr() < end(other) && other.start.addr() < end(self)
    }
}

/// Memory of all values of a plan.
#[derive(Clone)]
pub(crate) struct Memory(Vec<Raw>);

// Kernels write disjoint elements; see the head of this file.
unsafe impl Sync for Memory {}
unsafe impl Send for Memory {}

impl Memory {
    /// Memory of each value in order.
    pub(crate) fn new(values: Vec<Raw>) -> Self {
        Memory(values)
    }

    /// Says where a value lies from now on.
    pub(crate) fn lay(&mut self, value: ValueId, raw: Raw) {
        self.0[value.index()] = raw;
    }

    /// The address of the first element of a value.
    pub(crate) fn start(&self, value: ValueId) -> u64 {
        self.0[value.index()].start.expose_provenance() as u64
    }

    /// Number of elements of a value, filling included.
    pub(crate) fn count(&self, value: ValueId) -> usize {
        self.0[value.index()].elements
    }

    /// Whether a value has no elements.
    pub(crate) fn is_empty(&self, value: ValueId) -> bool {
        self.0[value.index()].elements == 0
    }

    /// One element.
    pub(crate) fn read<E: Copy>(&self, value: ValueId, at: usize) -> E {
        let raw = self.0[value.index()];
        debug_assert!(at < raw.elements, "element {at} of {}", raw.elements);
        unsafe { raw.start.cast::<E>().add(at).read() }
    }

    /// Writes one element.
    pub(crate) fn write<E: Copy>(&self, value: ValueId, at: usize, element: E) {
        let raw = self.0[value.index()];
        debug_assert!(at < raw.elements, "element {at} of {}", raw.elements);
        unsafe { raw.start.cast::<E>().add(at).write(element) }
    }

    /// Reads neighbours.
    pub(crate) fn read_run<E: Copy>(&self, value: ValueId, at: usize, into: &mut [E]) {
        let raw = self.0[value.index()];
        debug_assert!(at + into.len() <= raw.elements, "elements {at}.. of {}", raw.elements);
        unsafe { std::ptr::copy_nonoverlapping(raw.start.cast::<E>().add(at), into.as_mut_ptr(), into.len()) }
    }

    /// Writes neighbours.
    pub(crate) fn write_run<E: Copy>(&self, value: ValueId, at: usize, from: &[E]) {
        let raw = self.0[value.index()];
        debug_assert!(at + from.len() <= raw.elements, "elements {at}.. of {}", raw.elements);
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), raw.start.cast::<E>().add(at), from.len()) }
    }

    /// All elements, copied.
    pub(crate) fn whole<E: Copy + Default>(&self, value: ValueId) -> Vec<E> {
        let mut elements = vec![E::default(); self.0[value.index()].elements];
        self.read_run(value, 0, &mut elements);
        elements
    }

    /// All elements, for an op that reads them while nothing writes them. `E` must be a type of numbers or bytes, so that any bits are one.
    pub(crate) fn elements<E: Copy>(&self, value: ValueId) -> &[E] {
        let raw = self.0[value.index()];
        assert_eq!(raw.size, size_of::<E>(), "elements of another size");
        // Kernels run one after the other, and an op writes nothing but what `elements_mut` gave it, which lies elsewhere.
        unsafe { std::slice::from_raw_parts(raw.start.cast::<E>(), raw.elements) }
    }

    /// The first elements of the value that an op writes; none if it shares memory with one that the op reads.
    #[allow(clippy::mut_from_ref, reason = "kernels write disjoint elements; see the head of this file")]
    pub(crate) fn elements_mut<E: Copy>(
        &self,
        value: ValueId,
        count: usize,
        reads: &[ValueId],
    ) -> Option<&mut [E]> {
        let raw = self.0[value.index()];
        assert!(count <= raw.elements && size_of::<E>() <= raw.size, "{count} elements do not fit");
        if reads.iter().any(|read| self.0[read.index()].overlaps(raw)) {
            return None;
        }
        // Kernels run one after the other, and an op asks once, for the one value that it writes.
        Some(unsafe { std::slice::from_raw_parts_mut(raw.start.cast::<E>(), count) })
    }
}

/// Values moved into memory of their own, each beside a fence.
pub(crate) struct Moved {
    /// Where they are now.
    pub(crate) memory: Memory,
    /// Numbers of values, where they came from, and what holds them now.
    blocks: Vec<(usize, Raw, Fenced)>,
}

impl Memory {
    /// Moves every value into memory of its own. `roles` says for each whether its elements count already, and which earlier value it
    /// shares memory with. None where the system has no fences.
    pub(crate) fn moved(&self, roles: &[(bool, Option<usize>)], fence: Fence) -> Option<Moved> {
        let (mut moved, mut blocks) = (Vec::with_capacity(self.0.len()), vec![]);
        for (number, (raw, (is_known, same))) in self.0.iter().zip(roles).enumerate() {
            if let Some(same) = same {
                moved.push(moved[*same]);
                continue;
            }
            let bytes = raw.elements * raw.size;
            let mut fenced = Fenced::new(bytes, fence)?;
            if *is_known {
                // As many bytes as both have.
                unsafe { std::ptr::copy_nonoverlapping(raw.start, fenced.start_mut(), bytes) };
            }
            moved.push(Raw { start: fenced.start_mut(), ..*raw });
            blocks.push((number, *raw, fenced));
        }
        Some(Moved { memory: Memory(moved), blocks })
    }
}

impl Moved {
    /// Copies values back to where they came from. `is_own` must hold only for values that were made of elements that may be written.
    pub(crate) fn give_back(&self, is_own: impl Fn(usize) -> bool) {
        for (_, raw, fenced) in self.blocks.iter().filter(|(number, ..)| is_own(*number)) {
            // As many bytes as both have.
            unsafe { std::ptr::copy_nonoverlapping(fenced.start(), raw.start, fenced.len()) };
        }
    }
}

/// Elements that several tasks write, each its own.
pub(crate) struct Shared<'a, E> {
    start: *mut E,
    elements: usize,
    borrowed: std::marker::PhantomData<&'a mut [E]>,
}

// Tasks write disjoint elements, which is what the methods ask for.
unsafe impl<E: Send> Sync for Shared<'_, E> {}
unsafe impl<E: Send> Send for Shared<'_, E> {}

impl<'a, E> Shared<'a, E> {
    /// Elements to be shared.
    pub(crate) fn new(elements: &'a mut [E]) -> Self {
        Shared { start: elements.as_mut_ptr(), elements: elements.len(), borrowed: std::marker::PhantomData }
    }

    /// Some neighbours. Until the task that asks has done with them, nobody else may ask for one of them.
    #[allow(clippy::mut_from_ref, reason = "tasks ask for disjoint elements")]
    pub(crate) fn run(&self, at: usize, len: usize) -> &mut [E] {
        assert!(at <= self.elements && len <= self.elements - at, "elements {at}.. of {}", self.elements);
        // In bounds, and nobody else's.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), len) }
    }

    /// Has the lines of a run brought into the first cache that is written soon; nothing where there is no way to say so.
    #[inline(always)]
    pub(crate) fn fetch(&self, at: usize, len: usize) {
        #[cfg(target_arch = "x86_64")]
        for at in (at..at + len).step_by((LINE / size_of::<E>()).max(1)).chain((at + len).checked_sub(1)) {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // No more than a hint, whatever the address is.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.start.wrapping_add(at).cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (at, len);
    }

    /// One element, on the terms of [`Shared::run`].
    pub(crate) fn get(&self, at: usize) -> E
    where
        E: Copy,
    {
        assert!(at < self.elements, "element {at} of {}", self.elements);
        // In bounds, and nobody else's.
        unsafe { self.start.add(at).read() }
    }

    /// Writes one element, on the same terms.
    pub(crate) fn set(&self, at: usize, element: E)
    where
        E: Copy,
    {
        assert!(at < self.elements, "element {at} of {}", self.elements);
        // In bounds, and nobody else's.
        unsafe { self.start.add(at).write(element) }
    }
}
