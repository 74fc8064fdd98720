//! What is asked and what is held.

use core::ops::Range;

use crate::{Bounded, Extent, Source};

/// What a [`Counted`] source has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Growths that were granted.
    pub grows: usize,
    /// Ends that were taken back.
    pub shrinks: usize,
    /// Whole extents that were taken back.
    pub releases: usize,
    /// Extents whose contents were dropped.
    pub purges: usize,
    /// Extents whose pages were delivered ahead.
    pub populates: usize,
    /// Requests of any kind that were refused.
    pub refusals: usize,
    /// Bytes handed out and not given back.
    pub held: usize,
    /// The most bytes held at once.
    pub peak: usize,
}

/// Counts what is asked of a source, and what is held from it.
#[derive(Debug, Default)]
pub struct Counted<S> {
    inner: S,
    counts: Counts,
}

impl<S: Source> Counted<S> {
    /// `inner`, counted from now on: what it has handed out before may not be given back here.
    #[must_use]
    pub const fn new(inner: S) -> Self {
        let counts = Counts {
            grows: 0,
            shrinks: 0,
            releases: 0,
            purges: 0,
            populates: 0,
            refusals: 0,
            held: 0,
            peak: 0,
        };
        Self { inner, counts }
    }

    /// The counts so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The source inside.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// The source inside. What it has handed out is the caller's still.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl Counts {
    fn grown(&mut self, extent: Extent) {
        self.grows += 1;
        self.held += extent.len;
        self.peak = self.peak.max(self.held);
    }

    fn refused(&mut self) {
        self.refusals += 1;
    }
}

// SAFETY: hands on extents of `inner`, which keeps the promises, and hands back what came from it.
unsafe impl<S: Source> Source for Counted<S> {
    const ZEROED: bool = S::ZEROED;
    const SHRINKS: bool = S::SHRINKS;
    const RELEASES: bool = S::RELEASES;
    const PURGES: bool = S::PURGES;

    fn granularity(&self) -> usize {
        self.inner.granularity()
    }

    #[inline]
    fn may_own(&self, address: usize) -> bool {
        self.inner.may_own(address)
    }

    fn grow(&mut self, size: usize) -> Option<Extent> {
        let extent = self.inner.grow(size);
        match extent {
            Some(extent) => self.counts.grown(extent),
            None => self.counts.refused(),
        }
        extent
    }

    unsafe fn shrink(&mut self, tail: Extent) -> bool {
        // SAFETY: the caller vouches for the tail.
        let taken = unsafe { self.inner.shrink(tail) };
        if taken {
            self.counts.shrinks += 1;
            self.counts.held -= tail.len;
        } else {
            self.counts.refused();
        }
        taken
    }

    unsafe fn release(&mut self, extent: Extent) -> bool {
        // SAFETY: the caller vouches for the extent.
        let taken = unsafe { self.inner.release(extent) };
        if taken {
            self.counts.releases += 1;
            self.counts.held -= extent.len;
        } else {
            self.counts.refused();
        }
        taken
    }

    unsafe fn purge(&mut self, extent: Extent) -> bool {
        // SAFETY: the caller vouches for the extent.
        let purged = unsafe { self.inner.purge(extent) };
        if purged {
            self.counts.purges += 1;
        } else {
            self.counts.refused();
        }
        purged
    }

    fn populate(&mut self, extent: Extent) -> bool {
        let populated = self.inner.populate(extent);
        if populated {
            self.counts.populates += 1;
        } else {
            self.counts.refused();
        }
        populated
    }
}

// SAFETY: all extents are of `inner`.
unsafe impl<S: Bounded> Bounded for Counted<S> {
    fn bounds(&self) -> Range<usize> {
        self.inner.bounds()
    }
}
