//! Pages for what comes back of a top that was trimmed.

use snugfit_index::FreeIndex;
use snugfit_source::{Extent, Source};
use snugfit_tag::Format;

use crate::Heap;

/// The least that is populated at a time, in bytes: what a program that stops right there has for nothing.
const RUN: usize = 128 << 10;

impl<S: Source, I: FreeIndex, F: Format> Heap<S, I, F> {
    /// Whether pages are to be populated before the top is touched up to the address `touched`.
    #[inline]
    pub(crate) const fn comes_back(&self, touched: usize) -> bool {
        self.missing > 0 && touched > self.top.populated_end
    }

    /// Populates the untouched pages up to the address `touched`, and some behind.
    ///
    /// A program that grows again to where it was will most probably touch again what it touched then, and a run of pages at a time is
    /// less work than an exception for each. What it never touched is left alone, for nobody knows how much of that it will use; so is
    /// what it had [trimmed](Self::trim) itself.
    #[cold]
    #[inline(never)]
    pub(crate) fn populate(&mut self, touched: usize) {
        let Some(pages) = self.next_run(touched) else { return };
        self.top.populated_end = pages.end();
        self.missing = self.missing.saturating_sub(pages.len);
        // If the system does not, each page comes when it is touched.
        let _ = self.source.populate(pages);
    }

    /// The pages to be populated next, within the top, and no more than are missing.
    fn next_run(&self, touched: usize) -> Option<Extent> {
        let segment = self.newest?;
        let page = self.source.granularity();
        let start = self.top.dirty_end.checked_next_multiple_of(page)?.max(self.top.populated_end);
        let end = touched.checked_next_multiple_of(page)?.max(start.saturating_add(RUN)).min(self.top.end);
        let len = end.checked_sub(start)?.min(self.missing.checked_next_multiple_of(page)?);
        let pages = self.top_extent(segment).tail(start - segment.start().addr().get()).head(len);
        Some(pages).filter(|pages| pages.len > 0)
    }
}
