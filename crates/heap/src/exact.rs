//! Blocks that know how many bytes were asked for, and that may be set aside between their free and their reuse.

use core::ptr::NonNull;

use snugfit_index::FreeIndex;
use snugfit_source::Source;
use snugfit_tag::{Block, Format, GRANULE, Mirrored, State};

use crate::{BadPointer, Heap};

/// What a hardened allocator needs beyond a heap's own calls. A block that was set aside is in use as far as its tag says,
/// and sealed as cached.
impl<S: Source, I: FreeIndex> Heap<S, I, Mirrored> {
    /// The free index, to set it up.
    pub const fn index_mut(&mut self) -> &mut I {
        &mut self.index
    }

    /// States that of a block, which was allocated or resized just now, `len` bytes were asked for. All behind them becomes
    /// canary. `len` is at most what was asked for then.
    ///
    /// # Safety
    /// - `payload` is a live block of this heap, and the caller owns it.
    #[inline]
    pub unsafe fn set_len(&mut self, payload: NonNull<u8>, len: usize) {
        // SAFETY: the caller vouches for the block, whose tag is right.
        unsafe {
            let block = Block::from_payload(payload);
            Mirrored::set_len(block, block.size(), len, self.key);
        }
    }

    /// Takes the block at `payload` out of use without freeing it: from now on it is no live block, and nothing else uses its
    /// memory. All of it is the caller's, its footer too. Returns the block's size, and how many bytes were asked for.
    ///
    /// # Errors
    /// As for [`deallocate`](Self::deallocate); and [`BadPointer::WrongSize`] if the caller states a size that was not asked
    /// for.
    ///
    /// # Safety
    /// - As for [`deallocate`](Self::deallocate).
    #[inline]
    pub unsafe fn set_aside(
        &mut self,
        payload: NonNull<u8>,
        size: Option<usize>,
    ) -> Result<(usize, usize), BadPointer> {
        // SAFETY: the caller vouches for the block.
        let Some((size_of_block, len)) = (unsafe { self.try_set_aside(payload) }) else {
            return Err(self.diagnose(payload));
        };
        if size.is_some_and(|size| size != len) {
            // SAFETY: it is a block, which was set aside just now.
            let block = unsafe { Block::from_payload(payload) };
            block.set_seal(block.seal().flip_cached());
            return Err(BadPointer::WrongSize);
        }
        Ok((size_of_block, len))
    }

    /// [`set_aside`](Self::set_aside) without a reason if it cannot be done.
    ///
    /// # Safety
    /// - As for `set_aside`.
    #[inline]
    pub unsafe fn try_set_aside(&mut self, payload: NonNull<u8>) -> Option<(usize, usize)> {
        // SAFETY: the caller vouches for the header.
        let block = unsafe { self.sealed(payload, State::Live) }?;
        let size = block.size();
        // SAFETY: the seal is right, so this is a block of that size.
        let len = unsafe { Mirrored::len(block, size, self.key) }?;
        block.set_seal(self.key.seal(block.address(), size, State::Cached));
        Some((size, len))
    }

    /// Makes a block that was set aside live again, for a caller who asked for `len` bytes, or for all that it has if that is
    /// less.
    ///
    /// # Errors
    /// If its header was overwritten meanwhile. The heap is unchanged.
    ///
    /// # Safety
    /// - `payload` was set aside, and not freed or revived since; nobody uses it.
    #[inline]
    pub unsafe fn revive(&mut self, payload: NonNull<u8>, len: usize) -> Result<(), BadPointer> {
        // SAFETY: the caller vouches for the block.
        let block = unsafe { self.sealed(payload, State::Cached) }.ok_or(BadPointer::HeaderOverwritten)?;
        block.set_seal(block.seal().flip_cached());
        let size = block.size();
        // SAFETY: the block is nobody else's.
        unsafe { Mirrored::set_len(block, size, len.min(Mirrored::usable_size(size)), self.key) };
        Ok(())
    }

    /// Frees a block that was set aside.
    ///
    /// # Errors
    /// If its header, or a header or footer next to it was overwritten meanwhile. The heap is unchanged.
    ///
    /// # Safety
    /// - As for [`revive`](Self::revive).
    #[inline]
    pub unsafe fn deallocate_aside(&mut self, payload: NonNull<u8>) -> Result<(), BadPointer> {
        // SAFETY: the caller vouches for the block.
        let block = unsafe { self.sealed(payload, State::Cached) }.ok_or(BadPointer::HeaderOverwritten)?;
        // SAFETY: the seal is right, so this is a block of that size; nobody uses it.
        if !unsafe { self.free(block, block.tag()) } {
            return Err(self.neighbour_of(block));
        }
        self.audit();
        Ok(())
    }

    /// The block at `payload`, if it is in use and in `state`.
    ///
    /// # Safety
    /// - If `payload` is aligned to 16, the eight bytes before it are readable.
    #[inline]
    unsafe fn sealed(&self, payload: NonNull<u8>, state: State) -> Option<Block> {
        if !payload.addr().get().is_multiple_of(GRANULE) {
            return None;
        }
        // SAFETY: the caller vouches for the header.
        let block = unsafe { Block::from_payload(payload) };
        let tag = block.tag();
        let is_sealed = block.seal() == self.key.seal(block.address(), tag.size(), state);
        (is_sealed && tag.is_block_in_use()).then_some(block)
    }
}
