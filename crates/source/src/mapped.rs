//! Memory from `mmap`, reserved in large pieces and committed as needed.

use core::ptr::NonNull;

use crate::round::extent_len;
use crate::{Extent, Source, os};

/// Anonymous mappings. Addresses are reserved in large pieces and committed page by page as growth asks, so extents
/// touch until a reservation is used up.
///
/// ```text
///    ┌───────────────────────────────────────────┬──────────────────────────┐
///    │ committed: extents, holes where some were │ rest: reserved           │    the current reservation
///    │ given back                       grows ─► │                          │
///    └───────────────────────────────────────────┴──────────────────────────┘
/// ```
///
/// Given back are
/// - the end of what is committed: it is reserved again, and growth continues there;
/// - anything else: it is unmapped, addresses and all.
///
/// The first reservation has 64 MiB, each further one twice as much as the one before, up to 1 GiB, and none less
/// than the request. Where the system refuses one (a limit on address space), half of it is tried, down to what is
/// needed; at last what is left of the current one makes room.
///
/// Dropping it unmaps the rest of the reservation. Extents that were not released stay mapped: they may outlive the
/// source, and any other `Mapped` takes them back.
#[derive(Debug)]
pub struct Mapped {
    /// What is not committed of the current reservation; it starts where the committed part ends, also when empty.
    rest: Extent,
    /// The size of the next reservation.
    next: usize,
    /// Bytes at either end of a reservation that are never committed.
    fence: usize,
}

// SAFETY: the reservation belongs to this source alone, on whatever thread it is.
unsafe impl Send for Mapped {}

/// The size of the first reservation, unless told.
const FIRST: usize = 64 << 20;

/// Where doubling ends.
const LARGEST: usize = 1 << 30;

impl Mapped {
    /// A source that has reserved nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_reservation(FIRST)
    }

    /// The same whose first reservation is of `bytes`; with 0, of as much as the first growth asks.
    #[must_use]
    pub const fn with_reservation(bytes: usize) -> Self {
        Self::fenced(bytes, 0)
    }

    /// The same with `fence` bytes at either end of each reservation that nobody can touch: who leaves the memory of this
    /// source by less than that faults. They are whole pages.
    #[must_use]
    pub const fn fenced(bytes: usize, fence: usize) -> Self {
        // No extent touches the empty rest of no reservation: 1 is not the address of a page.
        Self { rest: Extent { start: NonNull::dangling(), len: 0 }, next: bytes, fence }
    }

    /// Bytes by which the last extent can grow before a new reservation is needed.
    #[must_use]
    pub const fn reserved(&self) -> usize {
        self.rest.len
    }

    /// Commits the first `len` bytes of the rest.
    fn take(&mut self, len: usize) -> Option<Extent> {
        let extent = self.rest.head(len);
        // SAFETY: the rest is reserved, and ours.
        if !unsafe { os::commit(extent) } {
            return None;
        }
        self.rest = self.rest.tail(len);
        Some(extent)
    }

    /// Gets `len` bytes at the start of another reservation, which replaces the current one.
    fn take_elsewhere(&mut self, len: usize) -> Option<Extent> {
        let fences = 2 * self.fence;
        let Some(reservation) = reserve_up_to(self.next, len.checked_add(fences)?) else {
            self.enlarge_rest(len)?;
            return self.take(len);
        };
        let inside = reservation.tail(self.fence).head(reservation.len - fences);
        let extent = inside.head(len);
        // SAFETY: the reservation is fresh, and ours.
        if !unsafe { os::commit(extent) } {
            give_up(reservation);
            return None;
        }
        give_up(self.rest);
        self.rest = inside.tail(len);
        self.next = reservation.len.saturating_mul(2).min(LARGEST);
        Some(extent)
    }

    /// Makes the rest `len` bytes long, elsewhere if it must be. That asks the system for the difference only, so it
    /// can succeed where a limit on address space refuses a further reservation.
    fn enlarge_rest(&mut self, len: usize) -> Option<()> {
        if self.rest.len == 0 {
            return None;
        }
        // SAFETY: the rest is ours, nobody uses it, and all of it is reserved, not committed; nothing is cut off.
        self.rest = unsafe { os::remap(self.rest, len, true) }?;
        Some(())
    }

    /// Takes back `extent`: into the rest if it touches that, even should it reach down into an earlier reservation;
    /// else for good.
    ///
    /// # Safety
    /// - `extent` is of this source, ends one extent or several that touch, and nobody uses it any more.
    unsafe fn give_back(&mut self, extent: Extent) -> bool {
        let touches_rest = extent.end() == self.rest.start.addr().get();
        // SAFETY: the extent is the caller's to give.
        if touches_rest && unsafe { os::decommit(extent) } {
            self.rest = Extent { start: extent.start, len: extent.len + self.rest.len };
            return true;
        }
        // SAFETY: the extent is the caller's to give.
        unsafe { os::unmap(extent) }
    }
}

/// Reserves `wanted` bytes, or half of that if refused, and so on down to `needed`.
fn reserve_up_to(wanted: usize, needed: usize) -> Option<Extent> {
    let mut len = wanted.max(needed);
    loop {
        match os::reserve(len) {
            None if len > needed => len = (len / 2).max(needed),
            reservation => return reservation,
        }
    }
}

/// Unmaps a rest, which may be empty. A system that refuses keeps addresses reserved that nobody will use.
fn give_up(rest: Extent) {
    if rest.len > 0 {
        // SAFETY: a rest is ours, and nobody uses what is not committed.
        let _ = unsafe { os::unmap(rest) };
    }
}

impl Default for Mapped {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        give_up(self.rest);
    }
}

// SAFETY: extents are cut from the front of a rest that is mapped for this source alone, and go back to that front or
// are unmapped; so they are disjoint. Mappings start at pages and lengths are whole pages. Extents that touch, of
// whatever reservations, are pages like any: each call the system is asked for works across mappings. Committed pages
// are zero at first, and decommitted ones are replaced by fresh ones.
unsafe impl Source for Mapped {
    const ZEROED: bool = true;
    const SHRINKS: bool = true;
    const RELEASES: bool = true;
    const PURGES: bool = true;

    fn granularity(&self) -> usize {
        os::page_size()
    }

    fn grow(&mut self, size: usize) -> Option<Extent> {
        let len = extent_len(size, os::page_size())?;
        if len <= self.rest.len { self.take(len) } else { self.take_elsewhere(len) }
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

#[cfg(test)]
mod tests;
