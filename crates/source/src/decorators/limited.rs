//! At most so many bytes.

use core::ops::Range;

use crate::round::extent_len;
use crate::{Bounded, Extent, Source};

/// Holds at most a number of bytes at once: growth beyond it is refused.
#[derive(Debug)]
pub struct Limited<S> {
    inner: S,
    limit: usize,
    held: usize,
}

impl<S: Source> Limited<S> {
    /// `inner`, for up to `limit` bytes. Extents that `inner` handed out before must not be given back through this
    /// source: it does not count them.
    #[must_use]
    pub const fn new(inner: S, limit: usize) -> Self {
        Self { inner, limit, held: 0 }
    }

    /// The most that may be held, in bytes.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes held: handed out and not given back.
    pub const fn held(&self) -> usize {
        self.held
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

// SAFETY: hands on extents of `inner`, which keeps the promises, and hands back what came from it.
unsafe impl<S: Source> Source for Limited<S> {
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
        let len = extent_len(size, self.granularity())?;
        if len > self.limit.saturating_sub(self.held) {
            return None;
        }
        let extent = self.inner.grow(size)?;
        self.held += extent.len;
        Some(extent)
    }

    unsafe fn shrink(&mut self, tail: Extent) -> bool {
        // SAFETY: the caller vouches for the tail.
        let taken = unsafe { self.inner.shrink(tail) };
        self.held -= if taken { tail.len } else { 0 };
        taken
    }

    unsafe fn release(&mut self, extent: Extent) -> bool {
        // SAFETY: the caller vouches for the extent.
        let taken = unsafe { self.inner.release(extent) };
        self.held -= if taken { extent.len } else { 0 };
        taken
    }

    unsafe fn purge(&mut self, extent: Extent) -> bool {
        // SAFETY: the caller vouches for the extent.
        unsafe { self.inner.purge(extent) }
    }

    fn populate(&mut self, extent: Extent) -> bool {
        self.inner.populate(extent)
    }
}

// SAFETY: all extents are of `inner`.
unsafe impl<S: Bounded> Bounded for Limited<S> {
    fn bounds(&self) -> Range<usize> {
        self.inner.bounds()
    }
}
