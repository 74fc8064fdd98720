//! More memory from the source, and memory back to it.

use snugfit_index::FreeIndex;
use snugfit_source::{Extent, Source};
use snugfit_tag::{Block, Format, HEADER};

use crate::Heap;
use crate::segment::{MAX_SEGMENT, RECORD, SEGMENT_OVERHEAD, Segment};
use crate::top::Top;

/// The least that the source is asked for, in bytes.
const FIRST_STEP: usize = 64 << 10;
/// Growth is geometric: by this fraction of the footprint, so that the number of system calls is logarithmic. What
/// is not used of it is not touched either.
const STEP_FRACTION: usize = 8;
/// The most of a step that was not asked for.
const MAX_STEP: usize = 64 << 20;
/// A top larger than this is trimmed, until the program shows that it needs the memory back.
pub(crate) const FIRST_TRIM_AT: usize = 256 << 10;
/// The largest top that a program can teach the heap to keep.
const MAX_TRIM_AT: usize = 64 << 20;

impl<S: Source, I: FreeIndex, F: Format> Heap<S, I, F> {
    /// Gets memory so that the top has room for `size` bytes. False, with nothing changed, if that cannot be had.
    ///
    /// Asks for a generous step first, then for just enough, then for what is missing at the end of the top.
    #[cold]
    pub(crate) fn grow(&mut self, size: usize) -> bool {
        let enough = size + SEGMENT_OVERHEAD;
        if enough > MAX_SEGMENT {
            return false;
        }
        let step = (self.counters.footprint / STEP_FRACTION).clamp(FIRST_STEP, MAX_STEP);
        let grown = self.grow_by(enough.max(step)) || self.grow_by(enough) || self.complete_top(size);
        if grown {
            self.expect_reuse();
        }
        grown
    }

    /// The program needs memory again that was given back: keep more from now on.
    fn expect_reuse(&mut self) {
        let learned = self.trimmed.saturating_mul(2).min(MAX_TRIM_AT);
        self.trim_at = self.trim_at.max(learned);
        self.trimmed = 0;
    }

    /// Gets `want` bytes: at the end of the top if they lie there, else as a new segment.
    fn grow_by(&mut self, want: usize) -> bool {
        let Some(extent) = self.source.grow(want) else { return false };
        if !self.extend_top(extent) {
            self.open_segment(extent);
        }
        true
    }

    /// Gets what the top is short of for `size` bytes: less than a segment of its own would need.
    fn complete_top(&mut self, size: usize) -> bool {
        if self.top.epilogue.is_none() || self.top.room() >= size {
            return false;
        }
        let Some(extent) = self.source.grow(size - self.top.room()) else { return false };
        if self.extend_top(extent) {
            return true;
        }
        // Somewhere else it is of no use. If the source does not take it back, at least later requests can have it.
        // SAFETY: the extent is fresh, and nobody uses it.
        if !unsafe { self.source.release(extent) } {
            self.open_segment(extent);
        }
        false
    }

    /// Lets the top reach to the end of `extent`, if it lies right behind it.
    fn extend_top(&mut self, extent: Extent) -> bool {
        let Some(segment) = self.newest else { return false };
        if self.top.epilogue.is_none() || extent.start.addr().get() != self.top.end {
            return false;
        }
        let fits = self.top_extent(segment).len + extent.len <= MAX_SEGMENT;
        if fits {
            self.top.end = extent.end();
            segment.set_end(self.top.end);
        }
        fits
    }

    /// Starts a new segment over `extent`; it has the top from now on.
    fn open_segment(&mut self, extent: Extent) {
        if extent.len < SEGMENT_OVERHEAD {
            // Too small even to be empty. A source of such extents that takes none back loses them.
            // SAFETY: the extent is fresh, and nobody uses it.
            unsafe { self.source.release(extent) };
            return;
        }
        self.leave_newest();
        // SAFETY: the extent is fresh from the source, and large enough.
        let segment = unsafe { Segment::open(extent, self.newest) };
        self.newest = Some(segment);
        self.top =
            Top { epilogue: None, end: extent.end(), dirty_end: extent.start.addr().get(), ..Top::NONE };
        self.raise_top(segment.first());
    }

    /// Gives the newest segment back if it holds no block; else it loses the top, and stays.
    fn leave_newest(&mut self) {
        let empty = self.newest.filter(|newest| S::RELEASES && self.top.epilogue == Some(newest.first()));
        if !empty.is_some_and(|newest| self.release_newest(newest)) {
            self.retire_top();
        }
    }

    /// Gives the end of the top back to the source, but for `keep` bytes. Returns the bytes given back: 0 if the
    /// source takes nothing. O(1), and a system call.
    ///
    /// With `keep` = 0 a segment without any block is given back whole.
    pub fn trim(&mut self, keep: usize) -> usize {
        let given = self.trim_top(keep);
        // Who says so does not mean to need it soon, or there is no memory.
        self.missing = 0;
        self.audit();
        given
    }

    fn trim_top(&mut self, keep: usize) -> usize {
        let (Some(epilogue), Some(segment)) = (self.top.epilogue, self.newest) else { return 0 };
        if keep == 0 && S::RELEASES && epilogue == segment.first() {
            let len = self.top_extent(segment).len;
            return if self.release_newest(segment) { len } else { 0 };
        }
        let kept = (epilogue.address() + HEADER).saturating_add(keep);
        let unit = self.source.granularity();
        let Some(from) = kept.checked_next_multiple_of(unit).filter(|&from| from < self.top.end) else {
            return 0;
        };
        let tail = self.top_extent(segment).tail(from - segment.start().addr().get());
        // SAFETY: the tail lies behind the epilogue, where nobody uses anything, and ends where the segment ends.
        if !unsafe { self.source.shrink(tail) } {
            return 0;
        }
        if self.top.dirty_end > from {
            self.counters.untouch(self.top.dirty_end - from);
            self.top.dirty_end = from;
        }
        self.top.populated_end = self.top.populated_end.min(from);
        self.top.end = from;
        segment.set_end(from);
        tail.len
    }

    /// All of the newest `segment`, which has the top. (Its record knows too, but lies where programs may write.)
    pub(crate) fn top_extent(&self, segment: Segment) -> Extent {
        Extent { start: segment.start(), len: self.top.end - segment.start().addr().get() }
    }

    /// Gives back the newest segment, which holds no block.
    fn release_newest(&mut self, segment: Segment) -> bool {
        // Which one is older is written nowhere else.
        if !segment.is_sound() {
            return false;
        }
        let older = segment.older();
        let touched = self.top.dirty_end - segment.start().addr().get();
        // SAFETY: the segment holds no block.
        let released = unsafe { self.source.release(self.top_extent(segment)) };
        if released {
            self.newest = older;
            self.top = Top::NONE;
            self.counters.untouch(touched);
        }
        released
    }

    /// Trims because the top has become large. If the source refuses, waits until it is twice as large.
    #[cold]
    pub(crate) fn trim_automatically(&mut self) {
        let dirty_end = self.top.dirty_end;
        let given = self.trim_top(self.trim_at / 2);
        self.trimmed += given;
        self.missing += dirty_end - self.top.dirty_end;
        if given == 0 {
            self.trim_at = self.trim_at.saturating_mul(2).min(MAX_TRIM_AT.max(self.trim_at));
        }
    }

    /// Gives back a retired segment if the free `block` of `size` bytes is all that is in it.
    #[inline]
    pub(crate) fn release_if_whole(&mut self, block: Block, size: usize) {
        // A cheap test that few blocks pass, before the segments are searched.
        if (block.address() - RECORD).is_multiple_of(self.source.granularity()) {
            self.release_retired(block, size);
        }
    }

    #[cold]
    fn release_retired(&mut self, block: Block, size: usize) {
        let mut newer = None;
        for segment in Segment::and_older(self.newest) {
            if segment.first() == block {
                // SAFETY: the block is within the segment, so a header follows it.
                if unsafe { block.offset(size) }.tag().is_last() {
                    self.release_older(segment, newer, block, size);
                }
                return;
            }
            newer = Some(segment);
        }
    }

    /// Gives back a retired segment whose only block is free. `newer` is the segment whose record names it, if it is
    /// not the newest itself.
    fn release_older(&mut self, segment: Segment, newer: Option<Segment>, block: Block, size: usize) {
        let (older, len) = (segment.older(), segment.len());
        // SAFETY: a free block is in the index (invariant 5), and goes back there if the source refuses; as it is
        // all there is, nobody uses the segment.
        unsafe {
            self.index.remove(block, size);
            if !self.source.release(segment.extent()) {
                return self.index.insert(block, size);
            }
        }
        match newer {
            Some(newer) => newer.set_older(older),
            None => self.newest = older,
        }
        self.counters.retired -= 1;
        self.counters.untouch(len);
    }
}
