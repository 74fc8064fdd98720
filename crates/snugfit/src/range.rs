//! The addresses among which a pointer most probably lies.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use snugfit_source::Extent;
use snugfit_tag::GRANULE;

/// Start and length of a [`Range`], for who looks at many pointers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    start: usize,
    len: usize,
}

impl Bounds {
    /// See [`Range::contains`].
    #[inline(always)]
    pub(crate) fn contains(self, payload: *const u8) -> bool {
        // The bits below the granule become the highest ones: those of a misaligned address make it larger than any length.
        let offset = payload.addr().wrapping_sub(self.start);
        offset.rotate_right(GRANULE.ilog2()) < self.len
    }
}

/// The first memory that the heap got, and all that it got right behind it.
///
/// Whether a pointer lies there, and is aligned, takes one comparison; for those that do not, the page map knows. The start
/// never changes once it is set, so there is no moment at which start and length do not belong together.
#[derive(Debug)]
pub(crate) struct Range {
    /// Where the lowest payload might start; 0 before there is any.
    start: AtomicUsize,
    /// In granules: up to the end of the memory.
    len: AtomicUsize,
}

impl Range {
    pub(crate) const fn new() -> Self {
        Self { start: AtomicUsize::new(0), len: AtomicUsize::new(0) }
    }

    /// Whether `payload` lies in the memory, and is aligned to 16. Then the eight bytes before it are readable.
    #[inline(always)]
    pub(crate) fn contains(&self, payload: *const u8) -> bool {
        self.now().contains(payload)
    }

    /// What it is now.
    #[inline(always)]
    pub(crate) fn now(&self) -> Bounds {
        Bounds { start: self.start.load(Relaxed), len: self.len.load(Relaxed) }
    }

    /// How far from the start of the memory `address` lies, in bytes, if it lies there.
    #[inline]
    pub(crate) fn offset(&self, address: usize) -> Option<usize> {
        let offset = address.wrapping_sub(self.start.load(Relaxed));
        (offset >> GRANULE.ilog2() < self.len.load(Relaxed)).then_some(offset)
    }

    fn end(&self) -> usize {
        self.start.load(Relaxed) + self.len.load(Relaxed) * GRANULE
    }

    /// The heap got `extent`.
    pub(crate) fn grow(&self, extent: Extent) {
        let start = extent.start.addr().get() + GRANULE;
        if self.start.load(Relaxed) == 0 {
            self.start.store(start, Relaxed);
        }
        let continues = extent.start.addr().get() == self.end() && self.len.load(Relaxed) > 0;
        if continues || start == self.start.load(Relaxed) {
            self.len.store((extent.end() - self.start.load(Relaxed)) / GRANULE, Relaxed);
        }
    }

    /// The heap gives `extent` back. What lies behind it is left to the page map.
    pub(crate) fn cut(&self, extent: Extent) {
        let (from, start) = (extent.start.addr().get(), self.start.load(Relaxed));
        if from < self.end() && extent.end() > start {
            self.len.store(from.saturating_sub(start) / GRANULE, Relaxed);
        }
    }
}
