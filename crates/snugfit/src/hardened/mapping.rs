//! Direct mappings that know how many bytes were asked for, and those between guard pages.
//!
//! ```text
//!   | no access | length | payload: offset | how | zeros | header | payload ... | canary | no access |
//!               0        8                16    24      offset-8  offset     offset + len        length
//! ```
//!
//! The payload ends where the mapping does, as far as its alignment lets it: an overflow faults, or changes the canary.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use snugfit_heap::BadPointer;
use snugfit_source::{Extent, os};
use snugfit_tag::{Canary, GRANULE, HEADER, Key};

use super::fill::{self, Pattern};
use super::retired;
use crate::direct::{FIRST_OFFSET, Left, Mapping};

/// The word that says how a mapping was made: 0 of one of the usual kind.
const HOW: usize = 2;

/// It is one of those described here.
const EXACT: usize = 1;
/// It has guard pages,
const GUARDED: usize = 2;
/// as many as [`FAR`] bytes, and not one.
const WIDE: usize = 4;
/// Above these is the number of bytes that were asked for.
const LEN_BIT: u32 = 3;

/// Bytes without access at either end, where the limits of the process allow it. They cost addresses alone.
const FAR: usize = 1 << 20;

/// Such reservations are multiples of it.
const STEP: usize = 256 << 10;

/// At most so many mappings have guard pages at a time. Each is three mappings to the system, which allows a process some
/// 65,000: without a limit, a program with very many large blocks could get no memory at all.
const GUARDED_MOST: usize = 8192;

/// How many there are.
static GUARDED_COUNT: AtomicUsize = AtomicUsize::new(0);

/// Bytes behind the payload that are canary, at most; and at least, where no guard page follows.
const MOST: usize = 4096;
const LEAST: usize = 8;

impl Mapping {
    /// As [`map`](Self::map), of a kind that is described here.
    pub(crate) fn map_exact(size: usize, align: usize, is_guarded: bool) -> Option<Self> {
        if is_guarded && GUARDED_COUNT.load(Relaxed) < GUARDED_MOST {
            let mapping = Self::map_guarded(size, align, FAR, WIDE)
                .or_else(|| Self::map_guarded(size, align, os::page_size(), 0))?;
            GUARDED_COUNT.fetch_add(1, Relaxed);
            return Some(mapping);
        }
        let mapping = Self::map(size.checked_add(LEAST)?, align)?;
        mapping.set_how(size, EXACT);
        Some(mapping)
    }

    fn map_guarded(size: usize, align: usize, guard: usize, wide: usize) -> Option<Self> {
        let page = os::page_size();
        let rounded = size.checked_next_multiple_of(align.max(GRANULE).min(page))?;
        let len = rounded.checked_add(FIRST_OFFSET)?.checked_next_multiple_of(page)?;
        // The header must lie in the first page.
        let offset = if align > page { page } else { (len - rounded).min(page) };
        let whole_len = whole_len(len, guard)?;
        let before = whole_len - guard - len;
        let whole = reserve_aligned(whole_len, align, before + offset)?;
        let inside = whole.tail(before).head(len);
        // SAFETY: the reservation is nobody's.
        if !unsafe { os::commit(inside) } {
            // SAFETY: nobody uses it.
            unsafe { crate::direct::unmap(whole) };
            return None;
        }
        let mapping = Self::made(inside, offset);
        mapping.set_how(size, EXACT | GUARDED | wide);
        Some(mapping)
    }

    fn how(self) -> usize {
        self.word(HOW)
    }

    fn set_how(self, size: usize, how: usize) {
        self.set_word(HOW, size << LEN_BIT | how);
    }

    /// How many bytes were asked for, if it knows.
    pub(crate) fn exact(self) -> Option<usize> {
        (self.how() & EXACT != 0).then(|| self.how() >> LEN_BIT)
    }

    /// From now on `size` bytes were asked for, if it is of those that know. It is to be sealed again.
    pub(crate) fn set_exact(self, size: usize) {
        if self.exact().is_some() {
            self.set_how(size, self.how() & (EXACT | GUARDED | WIDE));
        }
    }

    fn guard(self) -> usize {
        match self.how() & (GUARDED | WIDE) {
            GUARDED => os::page_size(),
            how if how & GUARDED != 0 => FAR,
            _ => 0,
        }
    }

    /// What must lie behind the payload of such a mapping.
    pub(crate) fn least_behind(self) -> usize {
        if self.how() & (EXACT | GUARDED) == EXACT { LEAST } else { 0 }
    }

    /// It goes.
    pub(crate) fn leave(self) -> Left {
        if self.is_guarded() {
            GUARDED_COUNT.fetch_sub(1, Relaxed);
        }
        Left { whole: self.whole(), inside: self.extent() }
    }

    /// All of its addresses, guard pages included.
    fn whole(self) -> Extent {
        let (inside, guard) = (self.extent(), self.guard());
        let Some(len) = whole_len(inside.len, guard) else { return inside };
        // SAFETY: the guards lie right before the mapping and behind it, in the same reservation, if there are some.
        Extent { start: unsafe { inside.start.sub(len - guard - inside.len) }, len }
    }

    /// The canary, and from where in the payload to where it lies.
    fn canary(self, key: Key) -> (Canary, usize, usize) {
        let len = self.how() >> LEN_BIT;
        let end = self.room().min(len.saturating_add(MOST) & !(LEAST - 1));
        (key.canary(self.payload().addr().get() - HEADER, self.how()), len, end)
    }

    /// Writes the canary, if it has one.
    pub(crate) fn write_canary(self, key: Key) {
        if self.exact().is_some() {
            let (canary, len, end) = self.canary(key);
            if len < end {
                let payload = self.payload().as_ptr();
                // SAFETY: the caller owns the mapping, and the bytes lie in it, behind what was asked for.
                unsafe {
                    // To read first what is then written would be two page faults.
                    payload.add(end - 1).write(0);
                    canary.write(payload, len, end);
                }
            }
        }
    }

    /// Whether everything around the payload is as it was left: what lies before the header, and the canary.
    pub(crate) fn check_around(self, key: Key) -> Result<(), BadPointer> {
        if self.how() == 0 {
            return Ok(());
        }
        let (canary, len, end) = self.canary(key);
        let before = self.payload().addr().get() - HEADER - self.after_record().addr().get();
        // SAFETY: both lie in the mapping.
        unsafe {
            if self.how() & EXACT == 0
                || len > end
                || fill::first_other(self.after_record(), before, Pattern::ZERO).is_some()
            {
                return Err(BadPointer::HeaderOverwritten);
            }
            if !canary.is_intact(self.payload().as_ptr(), len, end) {
                return Err(BadPointer::FooterOverwritten);
            }
        }
        Ok(())
    }

    fn after_record(self) -> NonNull<u8> {
        // SAFETY: the record lies at the start of the mapping.
        unsafe { self.extent().start.add(FIRST_OFFSET - HEADER) }
    }

    /// Whether its pages can be moved by [`remap_guarded`](Self::remap_guarded) alone.
    pub(crate) fn is_guarded(self) -> bool {
        self.guard() > 0
    }

    /// [`remap`](Self::remap) of a mapping between guard pages: always elsewhere, because its own are where it ends.
    ///
    /// # Safety
    /// - As for `remap`.
    pub(crate) unsafe fn remap_guarded(self, len: usize, may_move: bool) -> Option<Self> {
        if !may_move {
            return None;
        }
        let (old, guard, from, offset) = (self.whole(), self.guard(), self.extent(), self.offset());
        let whole_len = whole_len(len, guard)?;
        let (whole, before) = (os::reserve(whole_len)?, whole_len - guard - len);
        let inside = whole.tail(before).head(len);
        // SAFETY: the caller vouches for the mapping; the place is fresh.
        if !unsafe { os::remap_to(from, inside) } {
            // SAFETY: nobody uses the reservation.
            unsafe { crate::direct::unmap(whole) };
            return None;
        }
        // What lay between the old guard pages has gone, and may be somebody's already.
        for spare in [old.head(old.len - guard - from.len), old.tail(old.len - guard)] {
            // SAFETY: guard pages of the caller's.
            unsafe { crate::direct::unmap(spare) };
        }
        Some(Self::made(inside, offset))
    }
}

/// How many bytes of addresses a mapping of `len` bytes takes, with `guard` bytes behind it and at least as many before it. Few
/// lengths for many, where the guards are wide: so that the addresses fit another one later.
fn whole_len(len: usize, guard: usize) -> Option<usize> {
    let least = len.checked_add(2 * guard)?;
    if guard == FAR { least.checked_next_multiple_of(STEP) } else { Some(least) }
}

/// Reserves `len` bytes so that the address `lead` bytes from their start is aligned to `align`.
fn reserve_aligned(len: usize, align: usize, lead: usize) -> Option<Extent> {
    let page = os::page_size();
    if align <= page {
        return retired::reserve(len);
    }
    let all = os::reserve(len.checked_add(align)?)?;
    let first = all.start.addr().get() + lead;
    let skip = first.checked_next_multiple_of(align)? - first;
    for spare in [all.head(skip), all.tail(skip + len)] {
        if spare.len > 0 {
            // SAFETY: the spare pages are this function's, and nobody uses them.
            unsafe { crate::direct::unmap(spare) };
        }
    }
    Some(all.tail(skip).head(len))
}
