//! What a replay costs in a heap, and where the bytes went.

use snugfit_heap::Heap;
use snugfit_index::FreeIndex;
use snugfit_source::Source;
use snugfit_tag::Format;

use crate::{Checked, Progress, Replay, ReplayError};

/// The cost of a trace in a heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The number of operations.
    pub operations: usize,
    /// The most bytes that were allocated at once, as asked for.
    pub peak_live_bytes: usize,
    /// The most bytes that the heap ever touched at once, the heap itself included.
    pub peak_footprint_bytes: usize,
    /// What the footprint consisted of when it was last seen to rise.
    pub breakdown: Breakdown,
}

/// A footprint, taken apart. The five parts add up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breakdown {
    /// Payloads, as asked for.
    pub live_bytes: usize,
    /// What the format adds to a block in use: its header, and in the mirrored format its footer.
    pub header_bytes: usize,
    /// What blocks hold beyond what was asked for: rounding to granules, and ends too small to be split off.
    pub rounding_bytes: usize,
    /// Free blocks, and what was touched but is not part of a block.
    pub free_bytes: usize,
    /// The heap itself and its records of segments.
    pub metadata_bytes: usize,
}

impl Measure {
    /// Replays a trace into `heap` with every byte verified, and measures.
    ///
    /// The heap should be a new one: a heap that has served before begins with the footprint it had.
    ///
    /// # Errors
    /// As for [`Replay::check`].
    pub fn of<S: Source, I: FreeIndex, F: Format>(
        replay: &mut Replay<'_>,
        heap: &mut Heap<S, I, F>,
    ) -> Result<Self, ReplayError> {
        let mut metadata = Metadata::of(heap);
        let mut peak = heap.peak_footprint();
        let mut breakdown = Breakdown::new::<F>(peak, metadata.bytes, Progress::default());
        let checked = replay.check(heap, |heap, progress| {
            if heap.peak_footprint() > peak {
                peak = heap.peak_footprint();
                metadata.update(heap);
                breakdown = Breakdown::new::<F>(peak, metadata.bytes, progress);
            }
        })?;
        let Checked { operations, peak_live_bytes } = checked;
        Ok(Self { operations, peak_live_bytes, peak_footprint_bytes: peak, breakdown })
    }

    /// Peak live bytes per byte of peak footprint: 1 would be an allocator without any waste.
    #[must_use]
    pub fn utilization(&self) -> f64 {
        self.peak_live_bytes as f64 / self.peak_footprint_bytes as f64
    }
}

impl Breakdown {
    /// Takes the peak footprint apart, right after it rose.
    ///
    /// The peak may lie within the operation: a resize that moves holds both blocks for a moment. The one it has
    /// given up since counts as free, as it was about to be.
    fn new<F: Format>(footprint: usize, metadata_bytes: usize, progress: Progress) -> Self {
        let Progress { live_bytes, usable_bytes, live_blocks, .. } = progress;
        let header_bytes = live_blocks * F::OVERHEAD;
        Self {
            live_bytes,
            header_bytes,
            rounding_bytes: usable_bytes - live_bytes,
            free_bytes: footprint - metadata_bytes - header_bytes - usable_bytes,
            metadata_bytes,
        }
    }

    /// All of it together: the footprint.
    #[must_use]
    pub fn total(&self) -> usize {
        self.live_bytes + self.header_bytes + self.rounding_bytes + self.free_bytes + self.metadata_bytes
    }
}

/// The metadata of a heap. To be told takes a walk over its blocks, so it is asked for again only when the number of
/// segments has changed: nothing else changes it.
struct Metadata {
    segments: usize,
    bytes: usize,
}

impl Metadata {
    fn of<S: Source, I: FreeIndex, F: Format>(heap: &Heap<S, I, F>) -> Self {
        let stats = heap.stats();
        Self { segments: stats.segments, bytes: stats.metadata }
    }

    fn update<S: Source, I: FreeIndex, F: Format>(&mut self, heap: &Heap<S, I, F>) {
        if heap.segments().count() != self.segments {
            *self = Self::of(heap);
        }
    }
}
