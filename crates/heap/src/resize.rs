//! Changing the size of a block: in place if that can be, else by moving it.

use core::error::Error;
use core::fmt;
use core::ptr::NonNull;

use snugfit_index::FreeIndex;
use snugfit_source::Source;
use snugfit_tag::{Block, Format, MIN_BLOCK, Tag};

use crate::{BadPointer, Heap};

/// Why a block was not resized. It is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResizeError {
    /// The source has no more, or the size is above what a block can be.
    OutOfMemory,
    /// The pointer is wrong.
    BadPointer(BadPointer),
}

impl fmt::Display for ResizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("out of memory"),
            Self::BadPointer(bad) => bad.fmt(f),
        }
    }
}

impl Error for ResizeError {}

impl From<BadPointer> for ResizeError {
    fn from(bad: BadPointer) -> Self {
        Self::BadPointer(bad)
    }
}

impl<S: Source, I: FreeIndex, F: Format> Heap<S, I, F> {
    /// Makes the payload at `payload` at least `size` bytes large and returns where it is now; its contents, up to
    /// the smaller of both sizes, are kept.
    ///
    /// It shrinks in place, grows in place into a free block behind it or into the top, and moves otherwise. A move
    /// keeps no alignment above 16. The time is that of two index operations at most, and for a move the copy too.
    ///
    /// # Errors
    /// Out of memory, or a bad pointer; in both cases the block is as it was.
    ///
    /// # Safety
    /// - As for [`deallocate`](Self::deallocate), except that the contents are kept: on success only the returned
    ///   pointer may be used from now on.
    pub unsafe fn resize(&mut self, payload: NonNull<u8>, size: usize) -> Result<NonNull<u8>, ResizeError> {
        // SAFETY: the caller vouches for the header; with a right seal the block is one of ours.
        unsafe {
            let Some((block, tag)) = self.live_block(payload) else {
                return Err(self.diagnose(payload).into());
            };
            let needed = F::block_size(size).ok_or(ResizeError::OutOfMemory)?;
            if !self.is_next_sound(block.offset(tag.size())) {
                return Err(self.diagnose(payload).into());
            }
            let fits = self.fit_in_place(block, tag, needed);
            let to = if fits { payload } else { self.move_block(block, tag, size)? };
            self.audit();
            Ok(to)
        }
    }

    /// Makes the payload at `payload` at least `size` bytes large where it is. False, with the block as it was, if that
    /// cannot be done: what then to do with it is the caller's choice.
    ///
    /// The time is that of two index operations at most.
    ///
    /// # Errors
    /// As for [`deallocate`](Self::deallocate).
    ///
    /// # Safety
    /// - As for [`deallocate`](Self::deallocate), except that the payload stays in use.
    pub unsafe fn resize_in_place(&mut self, payload: NonNull<u8>, size: usize) -> Result<bool, BadPointer> {
        // SAFETY: the caller vouches for the header; with a right seal the block is one of ours.
        let Some((block, tag)) = (unsafe { self.live_block(payload) }) else {
            return Err(self.diagnose(payload));
        };
        // SAFETY: the block is in use with that tag, so a header follows it.
        if !unsafe { self.is_next_sound(block.offset(tag.size())) } {
            return Err(self.diagnose(payload));
        }
        // SAFETY: as above, and what follows it is as it says.
        let fits = F::block_size(size).is_some_and(|needed| unsafe { self.fit_in_place(block, tag, needed) });
        self.audit();
        Ok(fits)
    }

    /// Makes the block `needed` bytes large where it is, if that can be done.
    ///
    /// # Safety
    /// - `block` is in use with `tag`; the block behind it is [sound](Self::is_next_sound).
    unsafe fn fit_in_place(&mut self, block: Block, tag: Tag, needed: usize) -> bool {
        // SAFETY: the caller vouches for the block.
        unsafe {
            if needed > tag.size() {
                return self.grow_in_place(block, tag, needed);
            }
            self.shrink_in_place(block, tag, needed);
            true
        }
    }

    /// Writes the header of a block in use that has changed its size.
    ///
    /// # Safety
    /// - The caller owns the `size` bytes at `block`.
    unsafe fn write_resized(&self, block: Block, tag: Tag, size: usize) {
        // SAFETY: the caller owns the block.
        unsafe { F::seal(block, tag.with_size(size), self.key) };
    }

    /// Cuts off what is beyond `needed` bytes, if it can be a block.
    ///
    /// # Safety
    /// - `block` is in use with `tag`, and at least `needed` bytes large.
    unsafe fn shrink_in_place(&mut self, block: Block, tag: Tag, needed: usize) {
        let spare = tag.size() - needed;
        if spare < MIN_BLOCK {
            return;
        }
        // SAFETY: the rest lies within the block, is given up by its owner, and follows a block in use.
        unsafe {
            let next = block.offset(tag.size());
            self.write_resized(block, tag, needed);
            let joined = self.join_next(block.offset(needed), spare, next);
            debug_assert!(joined, "what follows was found to be sound");
            self.counters.in_use -= spare;
        }
    }

    /// Takes in the free block or the top behind `block`, if that makes it `needed` bytes large.
    ///
    /// # Safety
    /// - `block` is in use with `tag`, and smaller than `needed` bytes.
    unsafe fn grow_in_place(&mut self, block: Block, tag: Tag, needed: usize) -> bool {
        // SAFETY: the tag is right, so a header follows.
        unsafe {
            let next = block.offset(tag.size());
            if self.top.epilogue == Some(next) {
                self.grow_into_top(block, tag, needed)
            } else {
                self.grow_into_next(block, tag, needed, next)
            }
        }
    }

    /// # Safety
    /// - As for [`grow_in_place`](Self::grow_in_place); `block` is the last one before the top.
    unsafe fn grow_into_top(&mut self, block: Block, tag: Tag, needed: usize) -> bool {
        let more = needed - tag.size();
        if self.top.room() < more && !self.grow_contiguously(more) {
            return false;
        }
        // SAFETY: the top has room for that much, and a header behind it.
        unsafe {
            self.raise_top(block.offset(needed));
            self.write_resized(block, tag, needed);
        }
        self.counters.in_use += more;
        true
    }

    /// Grows the top where it is. If the source answers with a new segment, that does not help here; it serves the move.
    fn grow_contiguously(&mut self, more: usize) -> bool {
        let epilogue = self.top.epilogue;
        self.grow(more) && self.top.epilogue == epilogue
    }

    /// # Safety
    /// - As for [`grow_in_place`](Self::grow_in_place); `next` is the block after it.
    unsafe fn grow_into_next(&mut self, block: Block, tag: Tag, needed: usize, next: Block) -> bool {
        let next_tag = next.tag();
        let total = tag.size() + next_tag.size();
        if next_tag.is_in_use() || total < needed {
            return false;
        }
        // SAFETY: a free next block is in the index (invariant 5). Both are one run of bytes, whose end is given up
        // again if it can be a block; the header behind it says `previous free`, as it did.
        unsafe {
            if total - needed >= MIN_BLOCK {
                self.index.replace(next, next_tag.size(), block.offset(needed), total - needed);
                let _ = block.split(total, needed);
                self.write_resized(block, tag, needed);
                self.counters.in_use += needed - tag.size();
            } else {
                self.index.remove(next, next_tag.size());
                let after = block.offset(total);
                after.set_tag(after.tag().with_previous_in_use());
                self.write_resized(block, tag, total);
                self.counters.in_use += next_tag.size();
            }
        }
        true
    }

    /// Moves the contents of `block` to a new block of `size` payload bytes.
    ///
    /// # Safety
    /// - `block` is in use with `tag`, and smaller than that.
    unsafe fn move_block(&mut self, block: Block, tag: Tag, size: usize) -> Result<NonNull<u8>, ResizeError> {
        // SAFETY: the tag is right. The new payload is larger than the old one, and apart from it. The tag may have changed
        // while the new block was placed: its neighbour's state is in it.
        unsafe {
            // What would keep the block from being freed is found before anything has changed.
            if !tag.is_previous_in_use() && self.previous_free(block).is_none() {
                return Err(self.diagnose(block.payload()).into());
            }
            let to = self.allocate(size).ok_or(ResizeError::OutOfMemory)?;
            block.payload().copy_to_nonoverlapping(to, F::usable_size(tag.size()));
            let freed = self.free(block, block.tag());
            debug_assert!(freed, "the footer before the block was intact a moment ago");
            Ok(to)
        }
    }
}
