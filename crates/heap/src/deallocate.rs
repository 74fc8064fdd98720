//! Giving a block back: coalescing with its neighbours, or with the top.

use core::ptr::NonNull;

use snugfit_index::FreeIndex;
use snugfit_source::Source;
use snugfit_tag::{Block, Format, HEADER, Seal, Tag, prefetch};

use crate::{BadPointer, Heap};

impl<S: Source, I: FreeIndex, F: Format> Heap<S, I, F> {
    /// Frees the block whose payload starts at `payload`.
    ///
    /// # Errors
    /// If `payload` does not start a live block of this heap; the heap is unchanged. The check is the block's seal, in
    /// constant time: a wrong pointer passes with a probability of about 2^-32. To say what is wrong takes O(blocks).
    ///
    /// The time is that of two index operations at most.
    ///
    /// # Safety
    /// - If `payload` is aligned to 16, the eight bytes before it are readable. Those of a wild pointer, and of a
    ///   payload whose memory went back to the source meanwhile, need not be.
    /// - If it is a live payload, nobody uses it any more, and it was derived from the pointer that the heap returned,
    ///   not from a reference to what lies there.
    /// - It is no payload of another heap that has the same key, nor was it one before this heap got that memory: those
    ///   would pass.
    #[inline]
    pub unsafe fn deallocate(&mut self, payload: NonNull<u8>) -> Result<(), BadPointer> {
        // SAFETY: the caller vouches for the header.
        let Some((block, tag)) = (unsafe { self.live_block(payload) }) else {
            return Err(self.diagnose(payload));
        };
        // SAFETY: the block is live, and the caller vouches that it is not used any more.
        unsafe { self.free_live(block, tag) }
    }

    /// Frees the block whose payload starts at `payload`, for a caller who knows that `size` bytes were asked for.
    ///
    /// The size is checked, and it saves time: where the next block starts is known before the header was read, so
    /// both headers are fetched at once.
    ///
    /// # Errors
    /// As for [`deallocate`](Self::deallocate), and [`BadPointer::WrongSize`] if no request for `size` bytes, last
    /// resized to that, would have got this block.
    ///
    /// # Safety
    /// - As for [`deallocate`](Self::deallocate).
    #[inline]
    pub unsafe fn deallocate_sized(&mut self, payload: NonNull<u8>, size: usize) -> Result<(), BadPointer> {
        // A size that no block has is found to be wrong below, once the pointer is known to be right.
        let expected = F::block_size(size).unwrap_or(0);
        prefetch(payload.as_ptr().wrapping_add(expected).wrapping_sub(HEADER));
        // SAFETY: the caller vouches for the header.
        let Some((block, tag)) = (unsafe { self.live_block(payload) }) else {
            return Err(self.diagnose(payload));
        };
        if !F::serves(tag.size(), size) {
            return Err(BadPointer::WrongSize);
        }
        // SAFETY: the block is live, and the caller vouches that it is not used any more.
        unsafe { self.free_live(block, tag) }
    }

    /// Frees a live block whose header is `tag`. (A heap that was damaged is not audited: it says so itself.)
    ///
    /// # Safety
    /// - As for [`free`](Self::free).
    #[inline]
    unsafe fn free_live(&mut self, block: Block, tag: Tag) -> Result<(), BadPointer> {
        // SAFETY: the caller vouches for the block.
        if !unsafe { self.free(block, tag) } {
            return Err(self.diagnose(block.payload()));
        }
        self.audit();
        Ok(())
    }

    /// The payload bytes of the block that starts at `payload`: at least what was asked for.
    ///
    /// # Errors
    /// As for [`deallocate`](Self::deallocate).
    ///
    /// # Safety
    /// - As for [`deallocate`](Self::deallocate), but the payload stays in use.
    pub unsafe fn usable_size(&self, payload: NonNull<u8>) -> Result<usize, BadPointer> {
        // SAFETY: the caller vouches for the header.
        match unsafe { self.live_block(payload) } {
            // SAFETY: the block is live, so it has that size.
            Some((block, tag)) => Ok(unsafe { F::payload_len(block, tag.size(), self.key) }),
            None => Err(self.diagnose(payload)),
        }
    }

    /// Frees a block in use whose header is `tag`. False, with nothing changed, if the header behind it or a footer next to
    /// it was overwritten.
    ///
    /// # Safety
    /// - `block` is in use, its tag is `tag`, and nobody uses its payload any more.
    #[inline]
    pub(crate) unsafe fn free(&mut self, block: Block, tag: Tag) -> bool {
        // SAFETY: the caller vouches for the block.
        let freed = unsafe { self.join(block, tag) };
        if freed {
            self.counters.in_use -= tag.size();
        }
        freed
    }

    /// Makes a block in use a free one, together with its free neighbours, or top. False as in [`free`](Self::free).
    ///
    /// What is inlined here, and in what it calls, is a block between two in use, or before the top. It ends in its last
    /// call, so it needs no frame; the rest is kept out of line.
    ///
    /// # Safety
    /// - As for [`free`](Self::free).
    #[inline]
    unsafe fn join(&mut self, block: Block, tag: Tag) -> bool {
        // SAFETY: the block is ours and its tag is right, so its neighbours are where the tag says (invariants 1
        // and 3).
        unsafe {
            if !tag.is_previous_in_use() {
                return self.free_behind_free(block, tag);
            }
            self.join_next(block, tag.size(), block.offset(tag.size()))
        }
    }

    /// Frees a live block behind a free one. False, with nothing changed, if one of the neighbours was overwritten.
    ///
    /// # Safety
    /// - As for [`free`](Self::free); the tag says that the previous block is free.
    #[inline(never)]
    unsafe fn free_behind_free(&mut self, block: Block, tag: Tag) -> bool {
        // SAFETY: as in `free`.
        unsafe {
            let Some((previous, more)) = self.previous_free(block) else { return false };
            let next = block.offset(tag.size());
            if !self.is_next_sound(next) {
                return false;
            }
            // The header is about to become the inside of a larger block: freed twice, it must not pass.
            block.set_seal(Seal::FREE);
            self.join_both(previous, more, more + tag.size(), next);
            true
        }
    }

    /// Whether `next`, behind a block in use, knows that; and should it say that it is free, is.
    ///
    /// # Safety
    /// - As for [`is_free_block`](Self::is_free_block).
    #[inline]
    pub(crate) unsafe fn is_next_sound(&self, next: Block) -> bool {
        let tag = next.tag();
        if tag.is_in_use() {
            return tag.is_previous_in_use();
        }
        // SAFETY: the caller vouches for the block.
        unsafe { self.is_free_block(next, tag) }
    }

    /// Frees the `total` bytes at `start`, which end where `next` starts and are in no index; the block before them is
    /// in use. False, with nothing changed, if `next` says that it is free and is not, or that they are.
    ///
    /// # Safety
    /// - As said, and nobody uses these bytes any more. `next` says that the block before it is in use.
    #[inline]
    pub(crate) unsafe fn join_next(&mut self, start: Block, total: usize, next: Block) -> bool {
        if self.top.epilogue == Some(next) {
            self.lower_top(start);
            return true;
        }
        let tag = next.tag();
        // SAFETY: the bytes are one block, and if the next one is free they are one with it.
        unsafe {
            if !tag.is_in_use() {
                return self.join_free_next(start, total, next, tag);
            }
            if !tag.is_previous_in_use() {
                return false;
            }
            next.set_tag(tag.with_previous_free());
            if S::RELEASES && self.counters.retired > 0 {
                self.put_or_release(start, total);
                return true;
            }
            start.write_free(total);
            self.index.insert(start, total);
        }
        true
    }

    /// Makes the `total` bytes at `start` one block with the block `next` behind them, whose `tag` says that it is free.
    /// False, with nothing changed, if it is not.
    ///
    /// # Safety
    /// - As for [`join_next`](Self::join_next).
    #[inline(never)]
    unsafe fn join_free_next(&mut self, start: Block, total: usize, next: Block, tag: Tag) -> bool {
        let more = tag.size();
        // SAFETY: a free block is in the index (invariant 5), and the bytes joined are one block.
        unsafe {
            if !self.is_free_block(next, tag) {
                return false;
            }
            self.index.replace(next, more, start, total + more);
            self.finish_free(start, total + more);
        }
        true
    }

    /// Frees the end of the `total` bytes at `previous`, whose first `size` are a free block.
    ///
    /// # Safety
    /// - As for [`join_next`](Self::join_next); `previous` is in the index with `size`.
    #[inline]
    unsafe fn join_both(&mut self, previous: Block, size: usize, total: usize, next: Block) {
        // SAFETY: both neighbours, where free, are in the index (invariant 5), and the bytes joined are one block.
        unsafe {
            if self.top.epilogue == Some(next) {
                self.index.remove(previous, size);
                return self.lower_top(previous);
            }
            let tag = next.tag();
            let more = tag.size();
            if tag.is_in_use() {
                next.set_tag(tag.with_previous_free());
                self.index.replace(previous, size, previous, total);
                return self.finish_free(previous, total);
            }
            // Of two entries the larger one is replaced: it is the one that may keep its place in the index.
            if size < more {
                self.index.remove(previous, size);
                self.index.replace(next, more, previous, total + more);
            } else {
                self.index.remove(next, more);
                self.index.replace(previous, size, previous, total + more);
            }
            self.finish_free(previous, total + more);
        }
    }

    /// Makes `size` bytes a free block, which may be all that is left of a retired segment.
    ///
    /// # Safety
    /// - `block` is `size` bytes between blocks in use that nobody uses, and in no index.
    #[cold]
    #[inline(never)]
    unsafe fn put_or_release(&mut self, block: Block, size: usize) {
        // SAFETY: the caller vouches for the bytes.
        unsafe {
            self.index.insert(block, size);
            self.finish_free(block, size);
        }
    }

    /// Writes the header and footer of a free block that the index already holds.
    ///
    /// # Safety
    /// - `block` is `size` bytes that nobody uses.
    #[inline]
    unsafe fn finish_free(&mut self, block: Block, size: usize) {
        // SAFETY: the caller vouches for the bytes.
        unsafe { block.write_free(size) };
        if S::RELEASES && self.counters.retired > 0 {
            self.release_if_whole(block, size);
        }
    }
}
