//! Letting the operating system drop what lies in large free blocks.

use core::ptr::NonNull;

use snugfit_index::{FreeIndex, MAX_LINKS, Part};
use snugfit_source::{Extent, Source};
use snugfit_tag::{Block, FOOTER, Format, HEADER};

use crate::Heap;
use crate::check::is_free_block;

/// Bytes at the start of a free block that hold its header and links.
const KEPT_AT_START: usize = HEADER + MAX_LINKS * size_of::<usize>();

impl<S: Source, I: FreeIndex, F: Format> Heap<S, I, F> {
    /// Drops the contents of every free block of at least `smallest` bytes, and of the top: whole pages inside them,
    /// which the operating system delivers anew when they are next touched. Returns how many bytes it was told to drop,
    /// whether or not it held them.
    ///
    /// The addresses stay with the heap, so the footprint in [`stats`](Self::stats) does not change. When to purge is
    /// the caller's policy: one call visits all free blocks that are so large, and makes a system call for each.
    pub fn purge(&mut self, smallest: usize) -> usize {
        if !S::PURGES {
            return 0;
        }
        let mut purged = self.purge_top();
        let page = self.source.granularity();
        let source = &mut self.source;
        self.index.for_each_from(smallest, &mut |block| {
            // What is dropped is lost: an entry that is no free block any more is not believed.
            // SAFETY: the index follows links only to where blocks can be.
            if !unsafe { is_free_block(source, block, block.tag()) } {
                I::broken(block.address(), Part::Header);
            }
            if let Some(pages) = pages_inside(block, page) {
                // SAFETY: the pages lie within a free block, between its links and its footer.
                let dropped = unsafe { source.purge(pages) };
                purged += if dropped { pages.len } else { 0 };
            }
        });
        self.audit();
        purged
    }

    fn purge_top(&mut self) -> usize {
        let Some(epilogue) = self.top.epilogue else { return 0 };
        let page = self.source.granularity();
        let start = epilogue.payload();
        let Some(pages) = whole_pages(start, self.top.dirty_end.next_multiple_of(page), page) else {
            return 0;
        };
        // SAFETY: the pages lie behind the epilogue, within the segment, whose end is a multiple of a page.
        if unsafe { self.source.purge(pages) } { pages.len } else { 0 }
    }
}

/// The whole pages inside a free block.
fn pages_inside(block: Block, page: usize) -> Option<Extent> {
    if block.size() < KEPT_AT_START + FOOTER {
        return None;
    }
    // SAFETY: the block is larger than that.
    let after_links = unsafe { block.header().byte_add(KEPT_AT_START) };
    whole_pages(after_links, block.address() + block.size() - FOOTER, page)
}

/// The whole pages from `start` to the address `end`.
fn whole_pages(start: NonNull<u8>, end: usize, page: usize) -> Option<Extent> {
    let skip = start.addr().get().wrapping_neg() & (page - 1);
    let first = start.addr().get() + skip;
    let len = (end & !(page - 1)).checked_sub(first).filter(|&len| len > 0)?;
    // SAFETY: the first page starts before `end`, so within the block or segment that both lie in.
    Some(Extent { start: unsafe { start.byte_add(skip) }, len })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(start: usize, end: usize) -> Option<(usize, usize)> {
        let memory = [0_u128; 1024];
        let base = NonNull::from(&memory).cast::<u8>();
        let first = base.addr().get().next_multiple_of(4096) - base.addr().get();
        // SAFETY: both offsets stay within the array.
        let extent =
            whole_pages(unsafe { base.byte_add(first + start) }, base.addr().get() + first + end, 4096)?;
        Some((extent.start.addr().get() - base.addr().get() - first, extent.len))
    }

    #[test]
    fn only_pages_that_lie_inside_are_dropped() {
        assert_eq!(pages(0, 4096), Some((0, 4096)));
        assert_eq!(pages(0, 8191), Some((0, 4096)));
        assert_eq!(pages(1, 8192), Some((4096, 4096)));
        assert_eq!(pages(0, 4095), None);
        assert_eq!(pages(1, 8191), None);
        assert_eq!(pages(100, 200), None);
    }
}
