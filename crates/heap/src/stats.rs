//! What a heap counts.

/// A heap in numbers, all in bytes unless said otherwise. See [`Heap::stats`](crate::Heap::stats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes touched now: segments up to the highest byte used since the source delivered it, and the heap itself.
    /// Address space that was merely set aside does not count. Purged pages still do.
    pub footprint: usize,
    /// The largest footprint so far: the high-water mark.
    pub peak_footprint: usize,
    /// The part of the footprint that is the heap itself, segment records and epilogues. It does not include block
    /// headers.
    pub metadata: usize,
    /// The number of blocks in use.
    pub blocks_in_use: usize,
    /// Their sizes together, headers and rounding included.
    pub bytes_in_use: usize,
    /// The number of blocks that a cache holds: neither free nor in use by a caller.
    pub blocks_cached: usize,
    /// Their sizes together, headers included.
    pub bytes_cached: usize,
    /// The number of segments.
    pub segments: usize,
    /// Bytes got from the source, touched or not.
    pub reserved: usize,
}

/// The running counts behind [`Stats`]. What the paths of every call would have to count (blocks, bytes in use) is
/// counted by a walk instead, when it is asked for.
#[derive(Debug)]
pub(crate) struct Counters {
    /// Bytes touched in all segments.
    pub(crate) footprint: usize,
    pub(crate) peak_footprint: usize,
    /// The peak since somebody asked: at most the peak of all times.
    pub(crate) recent_peak: usize,
    /// Segments without the top.
    pub(crate) retired: usize,
    /// Bytes of the blocks in use, cached ones among them.
    pub(crate) in_use: usize,
}

impl Counters {
    pub(crate) const ZERO: Self =
        Self { footprint: 0, peak_footprint: 0, recent_peak: 0, retired: 0, in_use: 0 };

    /// `bytes` more were touched.
    #[inline]
    pub(crate) fn touch(&mut self, bytes: usize) {
        self.footprint += bytes;
        if self.footprint > self.recent_peak {
            self.recent_peak = self.footprint;
            self.peak_footprint = self.peak_footprint.max(self.footprint);
        }
    }

    /// `bytes` went back to the source.
    pub(crate) fn untouch(&mut self, bytes: usize) {
        self.footprint -= bytes;
    }
}
