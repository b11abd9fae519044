//! Memory in large pages, where the system has them.
//!
//! Kernels write to dozens of places at a time that are far apart. In pages of 4 KiB each place is another page, and a core knows the
//! places of only 16 pages that it writes to without looking them up.

use memmap2::MmapMut;

use crate::fence::Fenced;

/// Bytes of a large page.
const LARGE: usize = 2 << 20;

/// Bytes that begin where a cache line does; all are 0 at first.
pub(crate) struct Pages(Held);

/// 64 bytes that begin where a cache line does.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "read through pointers")] [u8; 64]);

enum Held {
    Mapped(MmapMut),
    /// Where mapping was refused.
    Lines(Vec<Line>),
    /// For tests: exactly so many bytes.
    Fenced(Fenced),
}

impl Pages {
    /// At least so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let mapped = (bytes >= LARGE / 8).then(|| MmapMut::map_anon(bytes.next_multiple_of(LARGE)));
        match mapped {
            Some(Ok(map)) => {
                // Where the system has no large pages, small ones do.
                #[cfg(target_os = "linux")]
                let _ = map.advise(memmap2::Advice::HugePage);
                Pages(Held::Mapped(map))
            }
            _ => Pages(Held::Lines(vec![Line([0; 64]); bytes.div_ceil(64)])),
        }
    }

    /// Bytes with fences around them, which need not begin where a cache line does.
    pub(crate) fn fenced(bytes: Fenced) -> Self {
        Pages(Held::Fenced(bytes))
    }

    /// Number of bytes.
    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Held::Mapped(map) => map.len(),
            Held::Lines(lines) => lines.len() * 64,
            Held::Fenced(fenced) => fenced.len(),
        }
    }

    /// Where they begin.
    pub(crate) fn start(&self) -> *const u8 {
        match &self.0 {
            Held::Mapped(map) => map.as_ptr(),
            Held::Lines(lines) => lines.as_ptr().cast(),
            Held::Fenced(fenced) => fenced.start(),
        }
    }

    /// The same, to write to.
    pub(crate) fn start_mut(&mut self) -> *mut u8 {
        match &mut self.0 {
            Held::Mapped(map) => map.as_mut_ptr(),
            Held::Lines(lines) => lines.as_mut_ptr().cast(),
            Held::Fenced(fenced) => fenced.start_mut(),
        }
    }
}
