//! The type, and what only reads it.

use core::fmt;
use core::marker::PhantomData;

use snugfit_index::FreeIndex;
use snugfit_source::Source;
use snugfit_tag::{Compact, Format, Key, State};

use crate::grow::FIRST_TRIM_AT;
use crate::segment::{SEGMENT_OVERHEAD, Segment, SegmentInfo};
use crate::stats::{Counters, Stats};
use crate::top::Top;

/// A boundary-tag heap over the source `S`, with its free blocks in the index `I`. See the crate's documentation.
///
/// Dropping a heap gives nothing back: payloads may still be in use, and a process-wide heap is never dropped. Use
/// [`release`](Self::release) for that.
pub struct Heap<S, I, F = Compact> {
    pub(crate) index: I,
    pub(crate) top: Top,
    pub(crate) key: Key,
    pub(crate) counters: Counters,
    /// The segment opened last; each record names the one before. It has the top, if `top.epilogue` is not `None`.
    pub(crate) newest: Option<Segment>,
    /// A top larger than this is trimmed.
    pub(crate) trim_at: usize,
    /// Bytes trimmed since the source was last asked to grow.
    pub(crate) trimmed: usize,
    /// Bytes that were touched, then trimmed without being told to, and not populated since.
    pub(crate) missing: usize,
    pub(crate) source: S,
    format: PhantomData<F>,
}

impl<S: Source, I: FreeIndex, F: Format> Heap<S, I, F> {
    /// A heap that holds nothing yet. Its headers are sealed with `key`: keep it secret, and random, see
    /// [`Key`].
    #[must_use]
    pub const fn new(source: S, key: Key) -> Self {
        Self {
            index: I::EMPTY,
            top: Top::NONE,
            key,
            counters: Counters::ZERO,
            newest: None,
            trim_at: FIRST_TRIM_AT,
            trimmed: 0,
            missing: 0,
            source,
            format: PhantomData,
        }
    }

    /// Where the memory comes from.
    pub const fn source(&self) -> &S {
        &self.source
    }

    /// Seals with `key` from now on: for a heap in a `static`, whose key cannot be random before the program runs. Only
    /// while the heap holds no memory: blocks that it has sealed with another key would not be known again.
    pub const fn set_key(&mut self, key: Key) {
        debug_assert!(self.newest.is_none(), "blocks are sealed with the key");
        self.key = key;
    }

    /// A top larger than `bytes` is trimmed from now on, and half of that is kept: `usize::MAX` ends trimming, 0 gives
    /// back eagerly. The heap raises the limit by itself, up to 64 MiB, when it has to grow again after a trim, so that a
    /// program which goes up and down makes few system calls.
    pub const fn set_trim_limit(&mut self, bytes: usize) {
        self.trim_at = bytes;
    }

    /// The largest footprint so far, in bytes: [`Stats::peak_footprint`]. O(1).
    #[inline]
    #[must_use]
    pub const fn peak_footprint(&self) -> usize {
        self.counters.peak_footprint + size_of::<Self>()
    }

    /// The peak of [`footprint`](Self::footprint) since this was last called, in bytes; from now on only what comes
    /// counts. So a process can add other memory to each stretch of time in which that does not change. O(1).
    pub fn take_recent_peak(&mut self) -> usize {
        let recent = self.counters.recent_peak;
        self.counters.recent_peak = self.counters.footprint;
        recent + size_of::<Self>()
    }

    /// The footprint now, in bytes: [`Stats::footprint`]. O(1).
    #[inline]
    #[must_use]
    pub const fn footprint(&self) -> usize {
        self.counters.footprint + size_of::<Self>()
    }

    /// Bytes of the blocks in use, headers included; those that a cache holds are among them. O(1).
    #[inline]
    #[must_use]
    pub const fn bytes_in_use(&self) -> usize {
        self.counters.in_use
    }

    /// The heap in numbers. O(blocks): it walks them.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (mut blocks_in_use, mut bytes_in_use, mut blocks_cached, mut bytes_cached) = (0, 0, 0, 0);
        for block in self.blocks() {
            match block.state {
                Some(State::Free) => {}
                Some(State::Cached) => {
                    blocks_cached += 1;
                    bytes_cached += block.size;
                }
                Some(State::Live) | None => {
                    blocks_in_use += 1;
                    bytes_in_use += block.size;
                }
            }
        }
        Stats {
            footprint: self.footprint(),
            peak_footprint: self.peak_footprint(),
            metadata: self.segment_count() * SEGMENT_OVERHEAD + size_of::<Self>(),
            blocks_in_use,
            bytes_in_use,
            blocks_cached,
            bytes_cached,
            segments: self.segment_count(),
            reserved: Segment::and_older(self.newest).map(Segment::len).sum(),
        }
    }

    /// How many segments there are: the retired ones, and the one that has the top.
    pub(crate) fn segment_count(&self) -> usize {
        self.counters.retired + usize::from(self.top.epilogue.is_some())
    }

    /// The segments, newest first. O(1) for each.
    pub fn segments(&self) -> impl Iterator<Item = SegmentInfo> + '_ {
        Segment::and_older(self.newest).map(|segment| {
            let has_top = self.top.epilogue.is_some() && self.newest == Some(segment);
            let start = segment.start().addr().get();
            let touched = if has_top { self.top.dirty_end - start } else { segment.len() };
            SegmentInfo { start, len: segment.len(), touched, has_top }
        })
    }

    /// Gives every segment back and consumes the heap, returning its source. What the source refuses stays as it is,
    /// for ever.
    ///
    /// # Safety
    /// - No payload of this heap is used any more.
    pub unsafe fn release(mut self) -> S {
        let mut segment = self.newest;
        while let Some(this) = segment {
            segment = this.older();
            // SAFETY: the caller vouches that nothing in it is used.
            unsafe { self.source.release(this.extent()) };
        }
        self.source
    }

    /// With the feature `validate`: panics if the heap is not valid. Otherwise nothing. (Of a format that has footers on blocks in
    /// use, those are left out: they may be in caches of other threads, which are just writing them.)
    #[inline]
    #[track_caller]
    pub(crate) fn audit(&self) {
        #[cfg(feature = "validate")]
        if let Err(violation) = self.validate_except(&|_| F::FOOTER_IN_USE > 0) {
            panic!("{violation}");
        }
    }
}

impl<S: Source, I: FreeIndex, F: Format> fmt::Debug for Heap<S, I, F> {
    /// The heap in numbers: its bins alone would fill pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heap").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
