//! Addresses for the heaps of further arenas: one region, a slice for each.
//!
//! ```text
//!   | slice of arena 1: 1 GiB            | slice of arena 2                   | ...
//!   | used | committed | reads as zero   |
//!   REGION ▲
//! ```
//!
//! Whose a block is follows from its address, and whether a pointer lies in any of them takes one comparison. All of the region can
//! be read, so that such a pointer may be followed to its header, as in the [range](crate::range) of the first heap: what was
//! never used there reads as zero, which is no header.

use core::ptr::without_provenance;

use snugfit_source::{Extent, Source, os};
use snugfit_tag::HEADER;

use crate::range::Range;
use crate::state::PAGES;

/// Where the region is, once it is [open].
pub(crate) static REGION: Range = Range::new();

/// The addresses of an arena, in bytes.
pub(crate) const SLICE: usize = 1 << 30;

/// Sets the region aside, with so many slices. `None` if the system refuses, or limits addresses. Under the lock of the process.
pub(crate) fn open(slices: usize) -> Option<Extent> {
    if os::is_address_space_scarce() {
        return None;
    }
    let region = os::reserve_readable(slices * SLICE)?;
    if !PAGES.prepare(region) {
        // SAFETY: it is fresh, and nobody uses it.
        let _ = unsafe { os::unmap(region) };
        return None;
    }
    REGION.grow(region);
    Some(region)
}

/// The number of the arena whose heap has the byte at `address`, if any has it: 0 for the first, which is not in the region.
#[inline]
pub(crate) fn arena_of(address: *const u8) -> usize {
    REGION.offset(address.addr()).map_or(0, |offset| 1 + offset / SLICE)
}

/// Whether a header can be at `address`, and two words behind it, as far as the region goes.
#[inline]
pub(crate) fn has_header(address: usize) -> bool {
    REGION.contains(without_provenance(address.wrapping_add(HEADER)))
}

/// A part of the region, used from its start on. What is given back of it stays as it is for the system, but for its contents.
#[derive(Debug)]
pub(crate) struct Slice {
    all: Extent,
    /// Bytes that are used.
    used: usize,
    /// Bytes that can be written.
    committed: usize,
}

// SAFETY: the addresses belong to this source alone, on whatever thread it is.
unsafe impl Send for Slice {}

impl Slice {
    /// The slice of arena `number`.
    pub(crate) fn of(region: Extent, number: usize) -> Self {
        Self { all: region.tail((number - 1) * SLICE).head(SLICE), used: 0, committed: 0 }
    }

    /// Takes back what is used last.
    ///
    /// # Safety
    /// - Nobody uses it any more.
    unsafe fn give_back(&mut self, tail: Extent) -> bool {
        let is_last = tail.end() == self.all.start.addr().get() + self.used;
        // SAFETY: the caller vouches for the tail.
        let is_dropped = is_last && unsafe { os::purge(tail) };
        if is_dropped {
            self.used -= tail.len;
        }
        is_dropped
    }
}

// SAFETY: `used` grows over what is handed out and shrinks over what is given back, so extents are disjoint parts of the slice,
// which nobody else has. They start at pages and have whole pages. What was never used reads as zero, and what is given back
// does so again.
unsafe impl Source for Slice {
    const ZEROED: bool = true;
    const SHRINKS: bool = true;
    const RELEASES: bool = true;
    const PURGES: bool = true;

    fn granularity(&self) -> usize {
        os::page_size()
    }

    fn grow(&mut self, size: usize) -> Option<Extent> {
        let len = size.checked_next_multiple_of(os::page_size()).filter(|&len| len > 0)?;
        let used = self.used.checked_add(len).filter(|&used| used <= self.all.len)?;
        if used > self.committed {
            // SAFETY: the pages are the slice's.
            if !unsafe { os::commit(self.all.head(used).tail(self.committed)) } {
                return None;
            }
            self.committed = used;
        }
        let extent = self.all.head(used).tail(self.used);
        self.used = used;
        Some(extent)
    }

    unsafe fn shrink(&mut self, tail: Extent) -> bool {
        // SAFETY: the caller vouches for the tail.
        unsafe { self.give_back(tail) }
    }

    unsafe fn release(&mut self, extent: Extent) -> bool {
        // SAFETY: the caller vouches for the extent.
        unsafe { self.give_back(extent) }
    }

    unsafe fn purge(&mut self, extent: Extent) -> bool {
        // SAFETY: the caller vouches for the extent.
        unsafe { os::purge(extent) }
    }

    fn populate(&mut self, extent: Extent) -> bool {
        os::populate(extent)
    }
}

/// Where the memory of a heap of the process comes from.
#[derive(Debug)]
pub(crate) enum Origin<A> {
    /// Of the first heap.
    First(A),
    /// Of another one.
    Slice(Slice),
}

macro_rules! each {
    ($self:expr, $source:ident => $body:expr) => {
        match $self {
            Self::First($source) => $body,
            Self::Slice($source) => $body,
        }
    };
}

// SAFETY: it is one of two sources, for ever.
unsafe impl<A: Source> Source for Origin<A> {
    const ZEROED: bool = A::ZEROED && Slice::ZEROED;
    const SHRINKS: bool = true;
    const RELEASES: bool = true;
    const PURGES: bool = true;

    fn granularity(&self) -> usize {
        each!(self, source => source.granularity())
    }

    fn grow(&mut self, size: usize) -> Option<Extent> {
        each!(self, source => source.grow(size))
    }

    unsafe fn shrink(&mut self, tail: Extent) -> bool {
        // SAFETY: the caller vouches for the tail.
        each!(self, source => unsafe { source.shrink(tail) })
    }

    unsafe fn release(&mut self, extent: Extent) -> bool {
        // SAFETY: the caller vouches for the extent.
        each!(self, source => unsafe { source.release(extent) })
    }

    unsafe fn purge(&mut self, extent: Extent) -> bool {
        // SAFETY: the caller vouches for the extent.
        each!(self, source => unsafe { source.purge(extent) })
    }

    fn populate(&mut self, extent: Extent) -> bool {
        each!(self, source => source.populate(extent))
    }
}

const _: () = assert!(SLICE.is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;

    fn slice() -> Slice {
        Slice::of(os::reserve_readable(2 * SLICE).expect("there are addresses"), 2)
    }

    #[test]
    fn a_slice_is_used_from_its_start_and_reads_as_zero() {
        let mut slice = slice();
        let page = os::page_size();
        let first = slice.grow(1).expect("there is memory");
        let second = slice.grow(3 * page).expect("there is memory");
        assert_eq!((first.start, first.len, second.len), (slice.all.start, page, 3 * page));
        assert_eq!(first.end(), second.start.addr().get());
        // SAFETY: the extents are the test's.
        unsafe {
            second.start.write_bytes(7, second.len);
            assert!(!slice.release(first), "it is not the last");
            assert!(slice.shrink(second.tail(page)));
            let again = slice.grow(page).expect("there is memory");
            assert_eq!(again.start, second.tail(page).start);
            assert_eq!(again.start.read(), 0);
            assert_eq!(second.start.read(), 7);
        }
        assert!(slice.grow(0).is_none() && slice.grow(usize::MAX).is_none() && slice.grow(SLICE).is_none());
    }

    #[test]
    fn what_was_never_used_can_be_read() {
        let slice = slice();
        // SAFETY: the region can be read.
        assert_eq!(unsafe { slice.all.tail(SLICE - 1).start.read() }, 0);
    }
}
