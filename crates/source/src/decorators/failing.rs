//! Refusals on demand.

use core::ops::Range;

use crate::{Bounded, Extent, Source};

/// Refuses growth by a script, to test what depends on a source. The rest goes through.
///
/// ```
/// use snugfit_source::{Failing, Mapped, Source};
///
/// let mut source = Failing::once(Mapped::new(), 2);
/// assert!(source.grow(1).is_some());
/// assert!(source.grow(1).is_none());
/// assert!(source.grow(1).is_some());
/// ```
#[derive(Debug)]
pub struct Failing<S> {
    inner: S,
    /// The growths, by number from 1, that are refused: from the first to the last of these.
    first: usize,
    last: usize,
    /// The growths asked so far.
    asked: usize,
    keeps: bool,
}

impl<S: Source> Failing<S> {
    const fn between(inner: S, first: usize, last: usize) -> Self {
        Self { inner, first, last, asked: 0, keeps: false }
    }

    /// Refuses the `n`-th growth, counted from 1, and all later ones.
    #[must_use]
    pub const fn after(inner: S, n: usize) -> Self {
        Self::between(inner, n, usize::MAX)
    }

    /// Refuses the `n`-th growth, counted from 1, only.
    #[must_use]
    pub const fn once(inner: S, n: usize) -> Self {
        Self::between(inner, n, n)
    }

    /// Refuses no growth.
    #[must_use]
    pub const fn never(inner: S) -> Self {
        Self::between(inner, usize::MAX, 0)
    }

    /// The same, and it takes nothing back either: shrinking, releasing and purging are refused.
    #[must_use]
    pub const fn and_keeps(mut self) -> Self {
        self.set_keeps(true);
        self
    }

    /// Whether shrinking, releasing and purging are refused from now on.
    pub const fn set_keeps(&mut self, keeps: bool) {
        self.keeps = keeps;
    }

    /// The growths asked so far, granted or not.
    pub const fn asked(&self) -> usize {
        self.asked
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

// SAFETY: hands on extents of `inner`, which keeps the promises, and hands back what came from it. To refuse is always
// allowed.
unsafe impl<S: Source> Source for Failing<S> {
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
        self.asked += 1;
        if (self.first..=self.last).contains(&self.asked) { None } else { self.inner.grow(size) }
    }

    unsafe fn shrink(&mut self, tail: Extent) -> bool {
        // SAFETY: the caller vouches for the tail.
        !self.keeps && unsafe { self.inner.shrink(tail) }
    }

    unsafe fn release(&mut self, extent: Extent) -> bool {
        // SAFETY: the caller vouches for the extent.
        !self.keeps && unsafe { self.inner.release(extent) }
    }

    unsafe fn purge(&mut self, extent: Extent) -> bool {
        // SAFETY: the caller vouches for the extent.
        !self.keeps && unsafe { self.inner.purge(extent) }
    }

    fn populate(&mut self, extent: Extent) -> bool {
        self.inner.populate(extent)
    }
}

// SAFETY: all extents are of `inner`.
unsafe impl<S: Bounded> Bounded for Failing<S> {
    fn bounds(&self) -> Range<usize> {
        self.inner.bounds()
    }
}
