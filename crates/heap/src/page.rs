//! Blocks that fill a page.

use core::ptr::NonNull;

use snugfit_index::FreeIndex;
use snugfit_source::Source;
use snugfit_tag::{Format, HEADER};

use crate::Heap;

/// The unit of all page sizes that there are.
const PAGE: usize = 4096;

impl<S: Source, I: FreeIndex, F: Format> Heap<S, I, F> {
    /// Allocates a page of 4 KiB, but for its last 8 bytes: there is the header of the next block, so that pages can lie side
    /// by side. `may_touch` says whether it may be memory that was never used before, or has gone back to the source; for
    /// that the heap may also grow.
    ///
    /// A free block of just that size is used first. Otherwise as
    /// [`allocate_aligned`](Self::allocate_aligned).
    #[must_use]
    pub fn allocate_page(&mut self, may_touch: bool) -> Option<NonNull<u8>> {
        let is_page = |payload: NonNull<u8>| payload.addr().get().is_multiple_of(PAGE);
        if self.index.find(PAGE).is_some_and(|block| is_page(block.payload())) {
            return self.allocate_touched(PAGE - HEADER);
        }
        if may_touch || self.fits(2 * PAGE) {
            return self.allocate_aligned(PAGE - HEADER, PAGE);
        }
        None
    }
}
