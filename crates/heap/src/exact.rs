//! Blocks that know how many bytes were asked for, and that may be set aside between their free and their reuse.

use core::ptr::NonNull;

use snugfit_index::FreeIndex;
use snugfit_source::Source;
use snugfit_tag::{Block, Format, Mirrored, State};

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
    /// As for [`deallocate`](Self::deallocate); and [`BadPointer::WrongSize`] if those two numbers are not what the caller
    /// expects.
    ///
    /// # Safety
    /// - As for [`deallocate`](Self::deallocate).
    #[inline]
    pub unsafe fn set_aside(
        &mut self,
        payload: NonNull<u8>,
        is_expected: impl FnOnce(usize, usize) -> bool,
    ) -> Result<(usize, usize), BadPointer> {
        // SAFETY: the caller vouches for the header.
        let Some((block, tag)) = (unsafe { self.live_block(payload) }) else {
            return Err(self.diagnose(payload));
        };
        // SAFETY: the block is live, so it has that size.
        let len = unsafe { Mirrored::payload_len(block, tag.size(), self.key) };
        if !is_expected(tag.size(), len) {
            return Err(BadPointer::WrongSize);
        }
        let live = self.key.seal(block.address(), tag.size(), State::Live);
        // A cache in front of the heap may be taking it, too.
        if !block.exchange_seal(live, live.flip_cached()) {
            return Err(BadPointer::DoubleFree);
        }
        Ok((tag.size(), len))
    }
}
