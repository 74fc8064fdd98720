//! Slabs that are nobody's.

use core::mem;
use core::ops::Range;
use core::sync::atomic::Ordering::Relaxed;

use snugfit_source::{Extent, os};

use crate::owner::Owner;
use crate::slab::{SLAB, Slab, Status};
use crate::space::{Number, Place, Space};

/// Hands out the slabs of a [`Space`], and takes them back. For one thread at a time.
///
/// What came back last goes out first; then what came back and whose memory the system has; then what was never used.
#[derive(Debug)]
pub struct Stock {
    /// How many slabs there are addresses for, number 0 included; 0 before they are.
    capacity: usize,
    /// The first that was never used.
    fresh: Number,
    /// The last that came back; 0 if there is none.
    returned: Number,
    /// Before this one, none is in nobody's hands whose memory the system has.
    hole: Number,
    /// How many are out.
    out: usize,
    /// How many came back, and have their memory.
    held: usize,
    /// The largest footprint since it was last asked.
    peak: usize,
    /// There are to be none.
    is_closed: bool,
    /// So many times the system is not asked for more.
    not_asked: u8,
}

/// So many slabs are mapped at a time, at least;
const STEP: usize = 64;
/// and this fraction of those that are.
const STEP_FRACTION: usize = 8;

impl Default for Stock {
    fn default() -> Self {
        Self::new()
    }
}

impl Stock {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            capacity: 0,
            fresh: 1,
            returned: 0,
            hole: 1,
            out: 0,
            held: 0,
            peak: 0,
            is_closed: false,
            not_asked: 0,
        }
    }

    /// Finds addresses in `space` for slabs of `bytes` in all. False if there are none to be had. A system call.
    pub fn open(&mut self, space: &Space, bytes: usize) -> bool {
        let capacity = bytes / SLAB;
        // The first slabs are mapped at once: who looks for addresses in the same way finds others.
        let opened = !self.is_open()
            && capacity > 0
            && space.open(capacity)
            // SAFETY: there are addresses for them.
            && unsafe { space.commit(0, STEP.min(capacity)) };
        if opened {
            self.capacity = capacity;
        }
        opened
    }

    /// There are to be no slabs, ever.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// Whether there are addresses, or there are to be [none](Self::close).
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.capacity > 0 || self.is_closed
    }

    /// Hands out a slab. `None` if there is no memory. O(1), and seldom a system call.
    pub fn take(&mut self, space: &Space) -> Option<Number> {
        let number = match self.returned {
            0 => self.take_hole(space).or_else(|| self.take_fresh(space))?,
            number => {
                // SAFETY: what is in the list is mapped.
                self.returned = unsafe { space.slab(number) }.next.load(Relaxed);
                self.held -= 1;
                number
            }
        };
        // SAFETY: as above, and so is what is fresh.
        unsafe { space.slab(number) }.stand_apart(Status::Apart);
        self.out += 1;
        self.peak = self.peak.max(self.footprint());
        Some(number)
    }

    /// The next whose memory the system has. It is looked for from where the last one was: O(1) in the mean, for each was once given to the
    /// system. Nothing came back that still has its memory.
    fn take_hole(&mut self, space: &Space) -> Option<Number> {
        let mut slabs = self.hole..self.fresh;
        // SAFETY: what is not fresh is mapped.
        let found = slabs.find(|&slab| !unsafe { space.slab(slab) }.status().is_out());
        self.hole = found.map_or(self.fresh, |found| found + 1);
        found
    }

    fn take_fresh(&mut self, space: &Space) -> Option<Number> {
        let (number, mapped) = (self.fresh, space.count() as usize);
        if number as usize >= mapped {
            let to = (mapped + STEP.max(mapped / STEP_FRACTION)).min(self.capacity);
            // SAFETY: there are addresses for so many, and the count is of those that are mapped.
            if to <= number as usize || !self.is_asked() || !unsafe { space.commit(mapped, to) } {
                return None;
            }
            self.not_asked = 0;
        }
        self.fresh += 1;
        Some(number)
    }

    /// Whether the system is asked for more. When it has refused, it is left alone for a while: each allocation comes here.
    fn is_asked(&mut self) -> bool {
        let is_asked = self.not_asked == 0;
        self.not_asked = if is_asked { u8::MAX } else { self.not_asked - 1 };
        is_asked
    }

    /// Takes a slab back.
    ///
    /// # Safety
    /// - It was [taken](Self::take) from `space`, and no block of it is in use, nor on its way to its owner, who does not use it any more.
    pub unsafe fn put(&mut self, space: &Space, number: Number) {
        // SAFETY: what was taken is mapped.
        let slab = unsafe { space.slab(number) };
        slab.end();
        slab.next.store(self.returned, Relaxed);
        self.returned = number;
        self.out -= 1;
        self.held += 1;
    }

    /// Bytes of the slabs that are out.
    #[must_use]
    pub const fn bytes_out(&self) -> usize {
        self.out * SLAB
    }

    /// Bytes that came back, and have their memory.
    #[must_use]
    pub const fn bytes_held(&self) -> usize {
        self.held * SLAB
    }

    /// Bytes for what is known of slabs.
    #[must_use]
    pub const fn bytes_beside(&self) -> usize {
        (self.fresh as usize - 1) * size_of::<Slab>()
    }

    /// Bytes of slabs that have memory, and for what is known of them.
    #[must_use]
    pub const fn footprint(&self) -> usize {
        self.bytes_out() + self.bytes_held() + self.bytes_beside()
    }

    /// The largest [footprint](Self::footprint) since it was last asked.
    pub fn take_recent_peak(&mut self) -> usize {
        let footprint = self.footprint();
        mem::replace(&mut self.peak, footprint)
    }

    /// Gives the system the memory of all slabs that came back. Returns how many bytes. O(slabs), and a system call for those that lie
    /// side by side.
    #[cold]
    pub fn purge(&mut self, space: &Space) -> usize {
        if self.returned == 0 {
            return 0;
        }
        let (mut purged, mut number) = (0, 1);
        // The list is made anew of what cannot be purged.
        (self.returned, self.hole) = (0, 1);
        while number < self.fresh {
            let end = self.end_of_returned(space, number);
            if end > number {
                purged += self.purge_some(space, number, end);
            }
            number = end.max(number + 1);
        }
        self.held -= purged / SLAB;
        purged + self.purge_records(space)
    }

    /// Gives the system what is known of slabs whose memory it has, as far as whole pages know of nothing else. Returns how many bytes.
    fn purge_records(&self, space: &Space) -> usize {
        let is_held = |number: Number| {
            // SAFETY: what is not fresh is mapped.
            let (slab, returns) = unsafe { (space.slab(number), space.returns(number)) };
            // Who gave a block back may have been so late that its slab, given up since, has come into the mail of him who had it.
            !matches!(slab.status(), Status::Fresh | Status::Purged) || returns.is_posted()
        };
        let (mut purged, mut start) = (0, 1);
        for end in self.used().filter(|&number| is_held(number)).chain([self.fresh]) {
            if end > start {
                // SAFETY: they are mapped and nobody's, and of what is behind the last nothing is known.
                purged += unsafe { space.purge_records(start, end, end == self.fresh) };
            }
            start = end + 1;
        }
        purged
    }

    /// The end of the slabs that came back, and have their memory, from `number` on.
    fn end_of_returned(&self, space: &Space, number: Number) -> Number {
        let mut slabs = number..self.fresh;
        // SAFETY: what is not fresh is mapped.
        slabs.find(|&slab| unsafe { space.slab(slab) }.status() != Status::Returned).unwrap_or(self.fresh)
    }

    /// Purges slabs that came back, from `number` to before `end`, as far as they are whole pages of the system, and links the others. Returns
    /// how many bytes.
    fn purge_some(&mut self, space: &Space, number: Number, end: Number) -> usize {
        let page = os::page_size();
        let some = Extent { start: space.memory(number).start, len: (end - number) as usize * SLAB };
        let head = some.start.addr().get().wrapping_neg() % page;
        let inner = some.tail(head);
        let inner = inner.head(inner.len - inner.len % page);
        // SAFETY: nobody uses them.
        let is_purged = inner.len > 0 && unsafe { os::purge(inner) };
        let mut bytes = 0;
        for number in number..end {
            let is_inside = is_purged && inner.contains(space.memory(number).start.addr().get());
            // SAFETY: they are mapped.
            let slab = unsafe { space.slab(number) };
            if is_inside {
                slab.stand_apart(Status::Purged);
            } else {
                slab.next.store(self.returned, Relaxed);
                self.returned = number;
            }
            bytes += if is_inside { SLAB } else { 0 };
        }
        bytes
    }

    /// Whether `pointer` points to a slab that was used, and has come back.
    #[must_use]
    pub fn is_unused_now(&self, space: &Space, pointer: *const u8) -> bool {
        let is_back =
            |place: Place<'_>| self.used().contains(&place.number()) && !place.slab.status().is_out();
        space.find(pointer).is_some_and(is_back)
    }

    /// The slabs that were ever used.
    pub(crate) fn used(&self) -> Range<Number> {
        1..self.fresh
    }

    /// Makes all that is known of slabs anew out of what the slabs say: in the child of a `fork`, where other threads were stopped in the
    /// middle of something. `owners` are to have [forgotten](Owner::forget) theirs. O(slabs).
    ///
    /// # Safety
    /// - No other thread is there, and the stock was not in the middle of anything.
    pub unsafe fn rebuild(&mut self, space: &Space) {
        for number in self.used() {
            // SAFETY: what is not fresh is mapped.
            let (slab, returns) = unsafe { (space.slab(number), space.returns(number)) };
            if returns.is_posted() {
                // Its owners have forgotten their mail.
                returns.leave_mail();
            }
            if !slab.status().is_out() {
                continue;
            }
            // SAFETY: owners live for ever, and no other thread is there.
            let is_kept = unsafe { slab.owned.owner().as_ref() }
                .is_some_and(|owner: &Owner| owner.find_again(space, number));
            if !is_kept {
                // SAFETY: it was on its way, or none of its blocks is in use, nor on its way.
                unsafe { self.put(space, number) };
            }
        }
    }
}
