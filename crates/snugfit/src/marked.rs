//! The source of a heap of the process: its pages are in the page map.

use snugfit_source::{Extent, Source};

use crate::guard::Near;
use crate::page_map::{Page, PageMap};
use crate::range::Range;

/// Marks in a page map and a range what it hands out and takes back, and knows its own addresses by the map.
#[derive(Debug)]
pub(crate) struct Marked<S> {
    inner: S,
    pages: &'static PageMap,
    range: &'static Range,
    near: &'static Near,
    /// What its pages are.
    page: Page,
    /// Whether there may be no leaf yet in the map for what the source has next.
    makes_leaves: bool,
}

impl<S> Marked<S> {
    pub(crate) const fn new(
        inner: S,
        pages: &'static PageMap,
        range: &'static Range,
        near: &'static Near,
        page: Page,
    ) -> Self {
        Self { inner, pages, range, near, page, makes_leaves: true }
    }

    /// The same over a source whose memory the map is [prepared](PageMap::prepare) for.
    pub(crate) const fn prepared(mut self) -> Self {
        self.makes_leaves = false;
        self
    }

    /// Whether the page map says that `address` is the heap's.
    #[cold]
    #[inline(never)]
    fn owns(&self, address: usize) -> bool {
        self.pages.page(address) == self.page
    }

    /// Marks what went back, if it did.
    fn given_back(&self, extent: Extent, taken: bool) -> bool {
        // The pages were marked before, so there is memory for that.
        if taken {
            self.range.cut(extent);
            self.near.cut(extent);
        }
        taken && self.pages.mark(extent, Page::GivenBack)
    }
}

// SAFETY: hands on extents of `inner`, which keeps the promises, and hands back what came from it.
unsafe impl<S: Source> Source for Marked<S> {
    const ZEROED: bool = S::ZEROED;
    const SHRINKS: bool = S::SHRINKS;
    const RELEASES: bool = S::RELEASES;
    const PURGES: bool = S::PURGES;

    #[inline]
    fn granularity(&self) -> usize {
        self.inner.granularity()
    }

    #[inline]
    fn may_own(&self, address: usize) -> bool {
        self.near.has_byte(address) || self.owns(address)
    }

    fn grow(&mut self, size: usize) -> Option<Extent> {
        if self.makes_leaves {
            // Before the source takes what a limit on address space leaves: it takes less then. If it needs no leaf, or there is
            // no memory for one, that is seen below.
            let _ = self.pages.reserve_leaf();
        }
        let extent = self.inner.grow(size)?;
        if !self.pages.mark(extent, self.page) {
            // What is not marked cannot be used. Should it not be taken back, it is lost.
            // SAFETY: the extent is fresh, and nobody uses it.
            unsafe { self.inner.release(extent) };
            return None;
        }
        self.range.grow(extent);
        self.near.grow(extent);
        Some(extent)
    }

    unsafe fn shrink(&mut self, tail: Extent) -> bool {
        // SAFETY: the caller vouches for the tail.
        let taken = unsafe { self.inner.shrink(tail) };
        self.given_back(tail, taken)
    }

    unsafe fn release(&mut self, extent: Extent) -> bool {
        // SAFETY: the caller vouches for the extent.
        let taken = unsafe { self.inner.release(extent) };
        self.given_back(extent, taken)
    }

    unsafe fn purge(&mut self, extent: Extent) -> bool {
        // SAFETY: the caller vouches for the extent.
        unsafe { self.inner.purge(extent) }
    }

    fn populate(&mut self, extent: Extent) -> bool {
        self.inner.populate(extent)
    }
}
