//! Both kinds of bins as one free index.

use snugfit_index::{FreeIndex, IndexViolation};
use snugfit_tag::{Block, MIN_BLOCK};

use crate::small::{SMALL_LIMIT, SmallBins};
use crate::tries::Tries;

/// Free blocks in bins by size: exact lists below 8 KiB, tries above. See the crate's documentation.
#[derive(Debug)]
pub struct BinsIndex {
    small: SmallBins,
    large: Tries,
}

const _: () = assert!(size_of::<BinsIndex>() == 5416, "the crate's documentation says 5.3 KiB");

impl BinsIndex {
    /// Takes `size` bytes from the front of the best fit among the large blocks. Kept out of line, so that the path of
    /// small sizes needs few registers.
    ///
    /// # Safety
    /// - As for `FreeIndex::take_split`.
    #[inline(never)]
    unsafe fn split_large(&mut self, size: usize) -> Option<(Block, usize)> {
        let block = self.large.find(size)?;
        let found = block.size();
        // SAFETY: a block that was found is in the index, under the size that its tag states; the rest is part of it,
        // and has a block's size, since the caller's is one.
        unsafe {
            let rest = found - size;
            if rest >= SMALL_LIMIT {
                self.large.replace(block, found, block.offset(size), rest);
            } else if rest >= MIN_BLOCK {
                self.large.remove(block, found);
                self.small.insert(block.offset(size), rest);
            } else {
                self.large.remove(block, found);
            }
        }
        Some((block, found))
    }
}

// SAFETY: each half keeps the contract for its sizes (the conformance suite checks it), writes to links only, and a
// small block is smaller than any large one.
unsafe impl FreeIndex for BinsIndex {
    const EMPTY: Self = Self { small: SmallBins::EMPTY, large: Tries::EMPTY };

    #[inline]
    unsafe fn insert(&mut self, block: Block, size: usize) {
        // SAFETY: the caller's promises hold for the half that the size belongs to.
        unsafe {
            if size < SMALL_LIMIT { self.small.insert(block, size) } else { self.large.insert(block, size) }
        }
    }

    #[inline]
    unsafe fn remove(&mut self, block: Block, size: usize) {
        // SAFETY: as for `insert`: the same size leads to the same half.
        unsafe {
            if size < SMALL_LIMIT { self.small.remove(block, size) } else { self.large.remove(block, size) }
        }
    }

    fn find(&self, size: usize) -> Option<Block> {
        let small = if size < SMALL_LIMIT { self.small.find(size) } else { None };
        small.or_else(|| self.large.find(size))
    }

    fn for_each(&self, visit: &mut dyn FnMut(Block)) {
        self.small.for_each(visit);
        self.large.for_each(visit);
    }

    #[inline]
    fn take(&mut self, size: usize) -> Option<(Block, usize)> {
        if size < SMALL_LIMIT {
            let taken = self.small.take(size);
            if taken.is_some() {
                return taken;
            }
        }
        let block = self.large.find(size)?;
        let found = block.size();
        // SAFETY: a block that was found is in the index, under the size that its tag states.
        unsafe { self.large.remove(block, found) };
        Some((block, found))
    }

    #[inline]
    unsafe fn take_split(&mut self, size: usize) -> Option<(Block, usize)> {
        if size < SMALL_LIMIT
            && let Some((block, found)) = self.small.take(size)
        {
            if found - size >= MIN_BLOCK {
                // SAFETY: the rest lies in the block that was just taken; being smaller, it is small too. The caller
                // passes a block's size, so the rest has one as well, and writes its tag in time.
                unsafe { self.small.insert(block.offset(size), found - size) };
            }
            return Some((block, found));
        }
        // SAFETY: the caller's promises.
        unsafe { self.split_large(size) }
    }

    #[inline]
    unsafe fn replace(&mut self, from: Block, old: usize, to: Block, new: usize) {
        // SAFETY: the caller's promises; both sizes lead to the large half, or each to its own.
        unsafe {
            if old.min(new) >= SMALL_LIMIT {
                self.large.replace(from, old, to, new);
            } else {
                self.remove(from, old);
                self.insert(to, new);
            }
        }
    }

    fn validate(&self) -> Result<(), IndexViolation> {
        self.small.validate()?;
        self.large.validate()
    }
}
