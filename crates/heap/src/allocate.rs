//! Finding a block and placing a request in it.

use core::ptr::NonNull;

use snugfit_index::FreeIndex;
use snugfit_source::Source;
use snugfit_tag::{Block, Format, GRANULE, HEADER, MAX_BLOCK, MIN_BLOCK, Tag};

use crate::Heap;

impl<S: Source, I: FreeIndex, F: Format> Heap<S, I, F> {
    /// Allocates `size` bytes, aligned to 16. `None`, with the heap unchanged, if the source has no more, or the block
    /// would not fit into a segment, which has 4 GiB at most. A size of 0 gives a payload of its own as well.
    ///
    /// The payload is not cleared. The time is that of the index's `take` and, for the rest of a split block, its
    /// `insert`.
    #[inline]
    #[must_use]
    pub fn allocate(&mut self, size: usize) -> Option<NonNull<u8>> {
        let size = F::block_size(size)?;
        let block = self.place(size)?;
        self.audit();
        Some(block.payload())
    }

    /// [`allocate`](Self::allocate) in memory that was used before, and has not gone back to the source. `None` if that
    /// has no room.
    #[inline]
    #[must_use]
    pub fn allocate_touched(&mut self, size: usize) -> Option<NonNull<u8>> {
        let size = F::block_size(size)?;
        let block = match self.place_in_index(size) {
            Some(block) => block,
            None if self.top.touched_room() >= size => self.place_at_top(size)?,
            None => return None,
        };
        self.audit();
        Some(block.payload())
    }

    /// Allocates `size` bytes that read as zero, aligned to 16. Bytes that the source has just delivered zeroed are
    /// not written. Otherwise as [`allocate`](Self::allocate).
    #[must_use]
    pub fn allocate_zeroed(&mut self, size: usize) -> Option<NonNull<u8>> {
        let block_size = F::block_size(size)?;
        let (segment, dirty_end) = (self.newest, self.top.dirty_end);
        let block = self.place(block_size)?;
        let payload = block.payload();
        let dirty = if !S::ZEROED || !self.is_before_top(block) {
            size
        } else if self.newest != segment {
            0
        } else {
            dirty_end.saturating_sub(payload.addr().get()).min(size)
        };
        // SAFETY: the payload has at least `size` bytes.
        unsafe { payload.write_bytes(0, dirty) };
        self.audit();
        Some(payload)
    }

    /// Whether `block`, which has just been placed, was cut from the top: no free block lies before the top, so none
    /// that was found can have ended there.
    fn is_before_top(&self, block: Block) -> bool {
        // SAFETY: the block was placed, so a header follows it.
        self.top.epilogue == Some(unsafe { block.next() })
    }

    /// Allocates `size` bytes, aligned to `align`, a power of two. Otherwise as [`allocate`](Self::allocate); `None`
    /// also if `align` is no power of two.
    ///
    /// The bytes skipped to reach the alignment become a free block, and so does what is left behind. The free block that
    /// is cut is the best fit for `size` and all that may have to be skipped, so a smaller one that happens to be
    /// aligned is passed over. The time is that of an index's `take` and two `insert`s.
    #[must_use]
    pub fn allocate_aligned(&mut self, size: usize, align: usize) -> Option<NonNull<u8>> {
        if !align.is_power_of_two() {
            return None;
        }
        if align <= GRANULE {
            return self.allocate(size);
        }
        let size = F::block_size(size)?;
        // The most that `lead` can say is `align + GRANULE`.
        let padded = size.checked_add(align)?.checked_add(GRANULE).filter(|&padded| padded <= MAX_BLOCK)?;
        let block = match self.index.take(padded) {
            Some((block, found)) => {
                self.expect_free_of(block, found);
                self.place_aligned(block, found, size, align)
            }
            None => self.cut_top_aligned(size, align, padded)?,
        };
        self.audit();
        Some(block.payload())
    }

    /// Places a block of `size` bytes in the best fit of the index, else at the top, else after growing.
    #[inline]
    fn place(&mut self, size: usize) -> Option<Block> {
        match self.place_in_index(size) {
            None => self.place_at_top(size),
            block => block,
        }
    }

    /// Places a block of `size` bytes in the best fit of the index.
    #[inline]
    fn place_in_index(&mut self, size: usize) -> Option<Block> {
        // SAFETY: the size is a block's; the tag of what goes back in is written right here.
        let (block, found) = unsafe { self.index.take_split(size) }?;
        self.expect_free_of(block, found);
        // SAFETY: the block was found: it is free, `found` bytes long, and a header follows it; the index holds the
        // rest of it if that can be a block. The block before is in use (invariant 4).
        unsafe { self.settle(block, found, size, true) };
        Some(block)
    }

    /// Makes the first `size` of the `found` bytes at `block` a live block, and the rest a free one if it can be; else
    /// the block has all of them.
    ///
    /// # Safety
    /// - The bytes are nobody's, and a header follows them. None of them is in an index, but the rest, if it can be a
    ///   block.
    #[inline]
    unsafe fn settle(&mut self, block: Block, found: usize, size: usize, previous_in_use: bool) {
        let mut placed = found;
        // SAFETY: the caller vouches for the bytes and the header. That header says `previous free`, which stays true of
        // a rest; of a block cut from the top, where the size fits exactly, it says `in use`.
        unsafe {
            if found - size >= MIN_BLOCK {
                let _ = block.split(found, size);
                placed = size;
            } else {
                let next = block.offset(found);
                next.set_tag(next.tag().with_previous_in_use());
            }
            F::seal(block, Tag::in_use(placed, previous_in_use), self.key);
            self.counters.in_use += placed;
        }
    }

    /// Cuts a block of `size` bytes from the top, which grows if it must.
    fn place_at_top(&mut self, size: usize) -> Option<Block> {
        if self.top.room() < size && !self.grow(size) {
            return None;
        }
        let block = self.take_top(size)?;
        // SAFETY: the bytes cut are nobody's; the block before is in use (invariant 4).
        unsafe { F::seal(block, Tag::in_use(size, true), self.key) };
        self.counters.in_use += size;
        Some(block)
    }

    /// Cuts a block of `size` bytes at an aligned payload from the top: no more of it than that takes.
    fn cut_top_aligned(&mut self, size: usize, align: usize, padded: usize) -> Option<Block> {
        let fits = self.top.epilogue.is_some_and(|epilogue| lead(epilogue, align) + size <= self.top.room());
        if !fits && !self.grow(padded) {
            return None;
        }
        let found = lead(self.top.epilogue?, align) + size;
        let block = self.take_top(found)?;
        Some(self.place_aligned(block, found, size, align))
    }

    /// Places `size` bytes at an aligned payload within the `found` bytes at `block`, which are in no index. What lies
    /// before and behind becomes free blocks.
    fn place_aligned(&mut self, mut block: Block, mut found: usize, size: usize, align: usize) -> Block {
        let lead = lead(block, align);
        // SAFETY: the block was found: it is nobody's, in no index, `found` bytes long, and a header follows it. The
        // block before is in use (invariant 4). The lead is nothing, or a block.
        unsafe {
            if lead != 0 {
                block.write_free(lead);
                self.index.insert(block, lead);
                (block, found) = (block.offset(lead), found - lead);
            }
            if found - size >= MIN_BLOCK {
                self.index.insert(block.offset(size), found - size);
            }
            self.settle(block, found, size, lead == 0);
        }
        block
    }
}

/// Bytes from `block` to the first block behind it whose payload is aligned to `align`, 32 or more: 0, or enough for
/// a block.
fn lead(block: Block, align: usize) -> usize {
    let payload = block.address() + HEADER;
    let lead = payload.wrapping_neg() & (align - 1);
    if lead == 0 || lead >= MIN_BLOCK { lead } else { lead + align }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_is_nothing_or_a_block_and_reaches_the_alignment() {
        let memory = [0_u128; 64];
        for granule in &memory[..32] {
            // SAFETY: the header lies within the array.
            let block = unsafe { Block::from_header(NonNull::from(granule).cast::<u8>().byte_add(HEADER)) };
            for align in [32, 64, 4096, 1 << 30] {
                let lead = lead(block, align);
                assert!(lead == 0 || lead >= MIN_BLOCK, "{lead}");
                assert!(lead.is_multiple_of(GRANULE) && lead <= align + GRANULE, "{lead} for {align}");
                assert!((block.payload().addr().get() + lead).is_multiple_of(align), "{lead} for {align}");
            }
        }
    }
}
