//! Memory that ends, or begins, at pages that nobody may touch, for tests: who reads or writes outside of it is stopped by the system at
//! that very instruction, machine code too, which no sanitiser sees.

use memmap2::MmapMut;

/// On which side of a value the pages that nobody may touch lie without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fence {
    /// Before its first byte.
    Before,
    /// Behind its last byte.
    Behind,
}

/// Bytes on both sides that nobody may touch: a multiple of every size of a page, and further than mistakes of a row or two reach.
const FENCE: usize = 1 << 18;

/// So many bytes with fences around them; all are 0xFF at first, which is not a number.
pub(crate) struct Fenced {
    map: MmapMut,
    start: usize,
    len: usize,
}

impl Fenced {
    /// At most one gap, smaller than [`FENCE`], lies on the side that was not asked for. None where the system refuses, or has no pages.
    pub(crate) fn new(len: usize, fence: Fence) -> Option<Self> {
        let room = len.next_multiple_of(FENCE);
        let mut map = MmapMut::map_anon(FENCE + room + FENCE).ok()?;
        let start = match fence {
            Fence::Before => FENCE,
            Fence::Behind => FENCE + room - len,
        };
        map[start..start + len].fill(0xFF);
        // The whole gap costs memory only where it is touched; what is not touched cannot be told from what is, but for whole pages.
        let (before, behind) = match fence {
            Fence::Before => (FENCE, pages(start + len)),
            Fence::Behind => (start / PAGE * PAGE, FENCE + room),
        };
        let whole = map.len();
        let closed = close(&mut map, 0, before) && close(&mut map, behind, whole - behind);
        closed.then_some(Fenced { map, start, len })
    }

    /// Number of bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where they begin; where a number may.
    pub(crate) fn start(&self) -> *const u8 {
        self.map.as_ptr().wrapping_add(self.start)
    }

    /// The same, to write to.
    pub(crate) fn start_mut(&mut self) -> *mut u8 {
        self.map.as_mut_ptr().wrapping_add(self.start)
    }
}

/// Bytes of a page, or of some.
const PAGE: usize = 1 << 16;

/// The end of the page that a place lies in, or just behind.
fn pages(at: usize) -> usize {
    at.next_multiple_of(PAGE)
}

/// Lets nobody touch some pages of a mapping; false if that cannot be done.
#[cfg(unix)]
fn close(map: &mut MmapMut, start: usize, len: usize) -> bool {
    assert!(start.is_multiple_of(PAGE) && start + len <= map.len(), "whole pages of the mapping");
    let first = map.as_mut_ptr().wrapping_add(start);
    // Pages of a mapping of our own, which nobody looks at but through pointers into its other pages.
    unsafe { libc::mprotect(first.cast(), len, libc::PROT_NONE) == 0 }
}

#[cfg(not(unix))]
fn close(_: &mut MmapMut, _: usize, _: usize) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Whether a child of this process that touches a byte is stopped by the system.
    fn is_stopped(byte: *const u8) -> bool {
        // The child reads one byte and ends; it calls nothing that another thread might hold.
        unsafe {
            match libc::fork() {
                0 => {
                    libc::signal(libc::SIGSEGV, libc::SIG_DFL);
                    libc::signal(libc::SIGBUS, libc::SIG_DFL);
                    let read = byte.read_volatile();
                    libc::_exit(i32::from(read) & 1)
                }
                child => {
                    let mut status = 0;
                    assert_eq!(libc::waitpid(child, &raw mut status, 0), child, "the child ends");
                    libc::WIFSIGNALED(status)
                }
            }
        }
    }

    #[test]
    fn nobody_gets_over_a_fence() {
        for len in [0, 4, 400, PAGE, PAGE + 4, 3 * FENCE] {
            for (fence, near) in [(Fence::Before, -1), (Fence::Behind, len as isize)] {
                let fenced = Fenced::new(len, fence).expect("the system has pages");
                let at = |byte: isize| fenced.start().wrapping_offset(byte);
                assert!(is_stopped(at(near)), "{len} bytes, {fence:?}");
                // Far on either side, too.
                assert!(is_stopped(at(-(FENCE as isize))), "{len} bytes, {fence:?}");
                assert!(is_stopped(at((len + FENCE - 1) as isize)), "{len} bytes, {fence:?}");
                if len > 0 {
                    assert!(
                        !is_stopped(at(0)) && !is_stopped(at(len as isize - 1)),
                        "{len} bytes, {fence:?}"
                    );
                }
            }
        }
    }
}
