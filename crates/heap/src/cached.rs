//! Blocks for a cache in front of the heap: in use as far as their tags say, sealed as cached.

use core::ptr::NonNull;

use snugfit_index::FreeIndex;
use snugfit_source::Source;
use snugfit_tag::{Block, CHECKED, Format, GRANULE, MIN_BLOCK, State, Tag};

use crate::{BadPointer, Heap};

/// A cache moves blocks between live and cached by their seals alone, and in a format that has footers on blocks in use it writes
/// those of live ones. What a cached block holds behind its header is the cache's business.
impl<S: Source, I: FreeIndex, F: Format> Heap<S, I, F> {
    /// Carves up to `count` blocks of exactly `size` bytes, headers included, seals them as cached, and gives their
    /// payloads to `put`. Returns how many. Fewer than `count` if holes have served for some: the top is cut only for the
    /// first. None if there is no memory, or only a hole that is 16 bytes too large, which [`allocate`](Self::allocate)
    /// can use.
    ///
    /// `may_touch` says whether it may be memory that was never used before, or has gone back to the source; for that the
    /// heap may also grow.
    ///
    /// A hole that has just this size is filled by one block; a larger one, and the top, gives as many as it holds. So this is
    /// best fit, but for the index being asked once for a whole run of blocks, which lie side by side.
    ///
    /// `size` is that of a block: a multiple of 16, at least 32.
    pub fn carve(
        &mut self,
        size: usize,
        count: usize,
        may_touch: bool,
        mut put: impl FnMut(NonNull<u8>),
    ) -> usize {
        debug_assert!(size >= MIN_BLOCK && size.is_multiple_of(GRANULE));
        let mut carved = 0;
        while carved < count {
            let more = count - carved;
            let mut found = self.take_run_from_index(size, more);
            if found.is_none() && carved == 0 {
                found = self.take_run_from_top(size, more, may_touch);
            }
            let Some((first, run)) = found else { break };
            for at in 0..run {
                // SAFETY: the run is that long, and its bytes are nobody's.
                put(unsafe { self.seal_cached(first.offset(at * size), size) });
            }
            carved += run;
            self.counters.in_use += run * size;
        }
        self.audit();
        carved
    }

    /// Takes room for at most `count` blocks of `size` bytes, side by side, out of the best fit for one. What follows them
    /// knows that they are in use.
    fn take_run_from_index(&mut self, size: usize, count: usize) -> Option<(Block, usize)> {
        let mut block = self.index.find(size)?;
        let mut tag = block.tag();
        if tag.size() == size + GRANULE {
            // What one block leaves of it is none. Whoever wants the next size will find it.
            block = self.index.find(size + MIN_BLOCK)?;
            tag = block.tag();
        }
        self.expect_free(block, tag);
        let found = tag.size();
        let mut run = found.checked_div(size).filter(|&run| run > 0)?.min(count);
        if found - run * size == GRANULE {
            run -= 1;
        }
        let rest = found - run * size;
        // SAFETY: the block was found, so it is free, in the index, `found` bytes long, and a header follows it. The rest,
        // if any, is a block.
        unsafe {
            let next = block.offset(run * size);
            if rest == 0 {
                self.index.remove(block, found);
                next.set_tag(next.tag().with_previous_in_use());
            } else {
                self.index.replace(block, found, next, rest);
                next.write_free(rest);
            }
        }
        Some((block, run))
    }

    /// The same, out of the top.
    fn take_run_from_top(&mut self, size: usize, count: usize, may_touch: bool) -> Option<(Block, usize)> {
        if may_touch && self.top.room() < size && !self.grow(size) {
            return None;
        }
        let room = if may_touch { self.top.room() } else { self.top.touched_room() };
        let run = room.checked_div(size)?.min(count);
        if run == 0 { None } else { Some((self.take_top(run * size)?, run)) }
    }

    /// Makes `size` bytes at `block` a cached block, behind one in use.
    ///
    /// # Safety
    /// - The bytes are nobody's, and in no index.
    unsafe fn seal_cached(&self, block: Block, size: usize) -> NonNull<u8> {
        let seal = self.key.seal(block.address(), size, State::Cached);
        // SAFETY: the caller vouches for the bytes.
        unsafe { block.set_header(Tag::in_use(size, true), seal) };
        block.payload()
    }

    /// Frees a block that a cache held.
    ///
    /// # Errors
    /// If its header, or one next to it, was overwritten meanwhile. The heap is unchanged.
    ///
    /// # Safety
    /// - `payload` came from [`carve`](Self::carve), or is that of a live block that was sealed as cached since; nobody uses it any
    ///   more.
    pub unsafe fn deallocate_cached(&mut self, payload: NonNull<u8>) -> Result<(), BadPointer> {
        // SAFETY: the caller vouches that it was a block.
        let block = unsafe { Block::from_payload(payload) };
        let tag = block.tag();
        let is_cached = block.seal() == self.key.seal(block.address(), tag.size(), State::Cached);
        if CHECKED && !(is_cached && tag.is_block_in_use()) {
            return Err(BadPointer::HeaderOverwritten);
        }
        // SAFETY: the seal is right, so this is a block of that size; nobody uses it.
        if !unsafe { self.free(block, tag) } {
            return Err(self.neighbour_of(block));
        }
        self.audit();
        Ok(())
    }

    /// Whether a block for `size` payload bytes can be had without memory that was never used before, or has gone back
    /// to the source.
    #[must_use]
    pub fn fits(&self, size: usize) -> bool {
        let Some(size) = F::block_size(size) else { return false };
        self.top.touched_room() >= size || self.index.find(size).is_some()
    }
}
