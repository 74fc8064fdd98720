//! One list per small size.

use snugfit_index::{Guard, IndexViolation, List, Rule};
use snugfit_tag::{Block, GRANULE};

use crate::bitmap::Bitmap;

/// Sizes below this, in bytes, have a list of their own.
pub(crate) const SMALL_LIMIT: usize = BINS * GRANULE;

const BINS: usize = 512;
const WORDS: usize = BINS / 64;

/// The first bin whose blocks have at least `size` bytes, below [`SMALL_LIMIT`]; it may be past the last one.
#[inline]
#[expect(clippy::manual_div_ceil, reason = "sizes this small cannot overflow, and the path is hot")]
const fn bin_for(size: usize) -> usize {
    (size + (GRANULE - 1)) / GRANULE
}

/// Bin `n` holds the free blocks of `n` granules; its bit is set iff it holds any.
#[derive(Debug)]
pub(crate) struct SmallBins<G> {
    pub(crate) map: Bitmap<WORDS>,
    lists: [List<G>; BINS],
}

impl<G: Guard> SmallBins<G> {
    pub(crate) const EMPTY: Self = Self { map: Bitmap::EMPTY, lists: [List::EMPTY; BINS] };

    #[inline]
    fn list(&mut self, bin: usize) -> &mut List<G> {
        debug_assert!(bin < BINS);
        // SAFETY: callers pass the bin of a size below `SMALL_LIMIT`, or the number of a bit, and there is one bit
        // for every bin.
        unsafe { self.lists.get_unchecked_mut(bin) }
    }

    /// # Safety
    /// - As for `FreeIndex::insert`; `size` is below [`SMALL_LIMIT`].
    #[inline]
    pub(crate) unsafe fn insert(&mut self, block: Block, size: usize) {
        let bin = size / GRANULE;
        // SAFETY: the caller gives us the block and its links.
        unsafe { self.list(bin).push(block) };
        self.map.set(bin);
    }

    /// # Safety
    /// - As for `FreeIndex::remove`; `size` is below [`SMALL_LIMIT`].
    #[inline]
    pub(crate) unsafe fn remove(&mut self, block: Block, size: usize) {
        let bin = size / GRANULE;
        let list = self.list(bin);
        // SAFETY: a block inserted with this size is in this list.
        unsafe { list.unlink(block) };
        if list.newest().is_none() {
            self.map.clear(bin);
        }
    }

    /// The best fit of a small `size`, if it is small itself.
    #[inline]
    pub(crate) fn find(&self, size: usize) -> Option<Block> {
        let bin = self.map.first_from(bin_for(size))?;
        self.lists.get(bin)?.newest()
    }

    /// Finds the best fit and takes it out, with its size.
    #[inline(always)]
    pub(crate) fn take(&mut self, size: usize) -> Option<(Block, usize)> {
        let bin = self.map.first_from(bin_for(size))?;
        let list = self.list(bin);
        let block = list.pop()?;
        if list.newest().is_none() {
            self.map.clear(bin);
        }
        Some((block, bin * GRANULE))
    }

    /// [`take`](Self::take) of one that is up to `steps` older than the newest.
    #[inline]
    pub(crate) fn take_older(&mut self, size: usize, steps: usize) -> Option<(Block, usize)> {
        let bin = self.map.first_from(bin_for(size))?;
        let list = self.list(bin);
        let newest = list.newest()?;
        let block = list.iter().take(steps + 1).last().unwrap_or(newest);
        // SAFETY: the block is in this list.
        unsafe { list.unlink(block) };
        if list.newest().is_none() {
            self.map.clear(bin);
        }
        Some((block, bin * GRANULE))
    }

    pub(crate) fn for_each(&self, visit: &mut dyn FnMut(Block)) {
        self.lists.iter().flat_map(List::iter).for_each(visit);
    }

    pub(crate) fn validate(&self) -> Result<(), IndexViolation> {
        IndexViolation::unless(self.map.wrong_summary().is_none(), Rule::Mapped, None)?;
        for (bin, list) in self.lists.iter().enumerate() {
            let newest = list.newest();
            IndexViolation::unless(self.map.contains(bin) == newest.is_some(), Rule::Mapped, newest)?;
            list.validate(|size| size == bin * GRANULE)?;
        }
        Ok(())
    }
}
