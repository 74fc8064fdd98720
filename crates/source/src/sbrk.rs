//! Memory from the program break.

use core::ops::Range;

use crate::round::{extent_len, padding};
use crate::{Bounded, Extent, Source, os};

/// The end of the data segment, moved with the C library's `sbrk`.
///
/// ```text
///                  low                                        high           break
///    ──────────────┬─────────────┬────────┬───────────────────┬──────────────┬──────
///     the program  │ extents     │ foreign│ extents           │ foreign, or  │ (unmapped)
///                  │ that touch  │  gap   │ that touch        │ nothing      │
///    ──────────────┴─────────────┴────────┴───────────────────┴──────────────┴──────
/// ```
///
/// Others may move the break too, between two calls. If they move it up, the next extent starts above what they took,
/// at the next page: there is a gap. Only what ends at the break can be given back, so under a foreign piece nothing
/// can. If somebody moves the break *down* into an extent, its memory is gone: nothing can be done about that, here
/// or in any malloc, and whoever does it must own what he cuts off.
///
/// Fresh memory is zeroed, also where memory was given back before and where others used the bytes in between. The
/// kernel maps and unmaps below the break in whole pages, so the only page that outlives a move of the break is the
/// one in which it comes to stand. An extent starts at the first page boundary at or above the break: none of its
/// pages was mapped, and the kernel makes each of zeros.
///
/// For two threads and the break, see the [crate](crate#the-trap-in-sbrk).
#[derive(Debug)]
pub struct Sbrk {
    /// Where the lowest extent starts.
    low: usize,
    /// Where the highest extent ends; equal to `low` if there is none.
    high: usize,
    /// Whether another malloc may move the break from another thread, if there is one.
    shared: bool,
}

impl Sbrk {
    /// The program break beside another malloc: it is moved, up or down, while the process has a single thread.
    /// Afterwards growth and giving back are refused, unless somebody [claims](os::claim_program_break) the break.
    #[must_use]
    pub const fn shared() -> Self {
        Self { low: 0, high: 0, shared: true }
    }

    /// The program break for the process's malloc: it is moved whatever threads there are.
    ///
    /// # Safety
    /// - For as long as the source is used, no other thread moves the break, or asks where it is, while a call to the
    ///   source is under way.
    #[must_use]
    pub const unsafe fn exclusive() -> Self {
        Self { low: 0, high: 0, shared: false }
    }

    /// Whether the break may be moved now: nobody else can be doing it at the same time.
    fn may_move(&self) -> bool {
        !self.shared || os::is_single_threaded() || os::is_program_break_claimed()
    }

    /// Gives back what ends at the break.
    ///
    /// # Safety
    /// - `extent` ends an extent from this source, or several that touch, and nobody uses it.
    unsafe fn give_back(&mut self, extent: Extent) -> bool {
        if extent.end() != self.high || !self.may_move() {
            return false;
        }
        // SAFETY: `may_move` says that no other thread is at the break; nobody uses the extent.
        let moved = unsafe { lower_break(extent) };
        if moved {
            self.high = extent.start.addr().get();
        }
        moved
    }
}

/// Raises the break by `len` bytes and by what it takes to start at a page.
///
/// # Safety
/// - No other thread moves the break during the call.
unsafe fn raise_break(len: usize, page: usize) -> Option<Extent> {
    // SAFETY: as the caller vouches.
    let skip = padding(unsafe { os::program_break() }?.addr().get(), page);
    let asked = isize::try_from(len.checked_add(skip)?).ok()?;
    // SAFETY: as the caller vouches, and upwards.
    let start = unsafe { os::move_break(asked) }?;
    debug_assert_eq!(
        padding(start.addr().get(), page),
        skip,
        "the break was moved from elsewhere during the call"
    );
    // SAFETY: the bytes skipped are the first of those just got.
    Some(Extent { start: unsafe { start.byte_add(skip) }, len })
}

/// Lowers the break by `extent`, if that ends there.
///
/// # Safety
/// - No other thread moves the break during the call.
/// - Nobody uses the extent any more.
unsafe fn lower_break(extent: Extent) -> bool {
    let Ok(len) = isize::try_from(extent.len) else { return false };
    // SAFETY: no other thread moves the break.
    let ends_there = unsafe { os::program_break() }.is_some_and(|now| now.addr().get() == extent.end());
    // SAFETY: no other thread moves the break; the bytes under it are the extent, which nobody uses.
    ends_there && unsafe { os::move_break(-len) }.is_some()
}

// SAFETY: the break gives each byte to one caller of `sbrk` at a time, if there is one caller at a time: `may_move`
// sees to that, or the caller of `exclusive`. `raise_break` aligns the start, and lengths are whole pages. Extents that
// touch lie under one break, and of a run of them only what ends at the break is taken back. For the zeros see the
// type's documentation.
unsafe impl Source for Sbrk {
    const ZEROED: bool = true;
    const SHRINKS: bool = true;
    const RELEASES: bool = true;
    const PURGES: bool = true;

    fn granularity(&self) -> usize {
        os::page_size()
    }

    fn grow(&mut self, size: usize) -> Option<Extent> {
        let page = os::page_size();
        let len = extent_len(size, page)?;
        if !self.may_move() {
            return None;
        }
        // SAFETY: `may_move` says that no other thread is at the break.
        let extent = unsafe { raise_break(len, page) }?;
        if self.low == self.high {
            self.low = extent.start.addr().get();
        }
        self.high = extent.end();
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
        // SAFETY: the caller vouches for the extent; that drops contents only, whoever moves the break meanwhile.
        unsafe { os::purge(extent) }
    }

    fn populate(&mut self, extent: Extent) -> bool {
        os::populate(extent)
    }
}

// SAFETY: extents lie from `low` to `high`: growth raises `high`, and only the end is given back. As long as there is
// one, all of that lies below the break, where the kernel places no mapping: the gaps are of other callers of `sbrk`.
// Should that be another `Sbrk`, its extents can be given back here as well: the same call takes the same bytes.
unsafe impl Bounded for Sbrk {
    fn bounds(&self) -> Range<usize> {
        self.low..self.high
    }
}
