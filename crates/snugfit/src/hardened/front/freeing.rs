//! How a block comes back to the thread that frees it, or is exchanged for one of another size.

use core::ptr::{NonNull, null_mut};
use core::sync::atomic::Ordering::{Relaxed, Release};
use core::sync::atomic::fence;

use snugfit_source::os::is_single_threaded;
use snugfit_tag::{Block, Mirrored, Seal, State};

use super::super::class::Class;
use super::super::stack::Stack;
use super::Front;
use crate::front::{fetch_ahead, key};

impl Front {
    /// Frees a small block that is live and as it should be. False, with nothing changed, if it is not, or there is no room. No
    /// call, and about a hundred instructions.
    ///
    /// # Safety
    /// - The header lies in a page of the heap. If it is a live block, nobody uses it any more.
    #[inline(always)]
    pub(crate) unsafe fn free_small(&self, payload: NonNull<u8>) -> bool {
        fetch_ahead(payload.as_ptr());
        // SAFETY: the caller vouches for the header.
        let block = unsafe { Block::from_payload(payload) };
        let Some((class, size)) = Class::of_small_block(block.tag()) else { return false };
        let stack = self.stack(class);
        let live = stack.live_seal(block);
        // SAFETY: if the seal is right, this is a block of that size.
        if block.seal() != live || !unsafe { Mirrored::has_short_end(block, size, key()) } {
            return false;
        }
        // SAFETY: there is room; the caller vouches for the block.
        stack.has_room() && unsafe { self.take_in(stack, block, size, live) }
    }

    /// Frees a block that is live and as it should be, and of `size` bytes if that is stated. False, with nothing changed, if it
    /// is not, or there is no room.
    ///
    /// # Safety
    /// - The header lies in a page of the heap. If it is a live block, nobody uses it any more.
    #[inline]
    pub(crate) unsafe fn free(&self, payload: NonNull<u8>, stated: Option<usize>) -> bool {
        // SAFETY: the caller vouches for the header.
        let Some((block, size, len)) = (unsafe { live_block(payload) }) else { return false };
        let Some(class) = Class::of_block(size) else { return false };
        let stack = self.stack(class);
        if !stack.has_room() || !self.how.is_right_size(stated, size, len) {
            return false;
        }
        // SAFETY: there is room; the caller vouches for the block.
        unsafe { self.take_in(stack, block, size, stack.live_seal(block)) }
    }

    /// Puts a block into its stack that was found to be live. False if another thread has freed it just now.
    ///
    /// # Safety
    /// - There is room. Nobody uses the block any more.
    #[inline(always)]
    unsafe fn take_in(&self, stack: &Stack, block: Block, size: usize, live: Seal) -> bool {
        let payload = block.payload();
        self.busy.store(payload.as_ptr(), Relaxed);
        fence(Release);
        let is_taken = take(block, live);
        if is_taken {
            // SAFETY: the block was live, and nobody uses it; there is room.
            unsafe {
                self.how.fill_block(payload, size);
                stack.push(payload);
            }
        }
        self.busy.store(null_mut(), Release);
        is_taken
    }

    /// Makes a live block one of `len` bytes, if that leaves its size what it is.
    ///
    /// # Safety
    /// - As for [`free`](Self::free), but the contents are kept.
    unsafe fn resize_in_place(&self, block: Block, size: usize, old: usize, len: usize) -> bool {
        if !self.how.is_exact || Class::of_request(len) != Class::of_block(size) {
            return false;
        }
        let payload = block.payload();
        self.busy.store(payload.as_ptr(), Relaxed);
        fence(Release);
        // SAFETY: the caller vouches for the block, which has that size. What is cut off is freed.
        unsafe {
            self.how.fill(payload.add(len), old.saturating_sub(len));
            Mirrored::set_len(block, size, len, key());
        }
        self.busy.store(null_mut(), Release);
        true
    }

    /// Makes a live block one of `size` bytes, here or elsewhere. `None`, with nothing changed, if that is for others to do.
    ///
    /// # Safety
    /// - As for [`free`](Self::free), but the contents are kept. On success only the result may be used.
    pub(crate) unsafe fn resize(&self, payload: NonNull<u8>, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: the caller vouches for the header.
        let (block, size_of_block, len) = unsafe { live_block(payload) }?;
        let (class, _) = (Class::of_block(size_of_block)?, self.class_for(size)?);
        // SAFETY: the caller vouches for the block.
        if unsafe { self.resize_in_place(block, size_of_block, len, size) } {
            return Some(payload);
        }
        let stack = self.stack(class);
        if !stack.has_room() {
            return None;
        }
        let to = self.allocate_small(size, false).or_else(|| self.allocate(size, false))?;
        // SAFETY: the caller vouches for the block. The new one is apart from it, and that large; that there is room is as before.
        unsafe {
            payload.copy_to_nonoverlapping(to, len.min(size));
            self.take_in(stack, block, size_of_block, stack.live_seal(block));
        }
        Some(to)
    }

    /// The class of the block at `payload`, if it lacks only room to free that.
    ///
    /// # Safety
    /// - As for [`free`](Self::free).
    pub(in crate::hardened) unsafe fn full_class(&self, payload: NonNull<u8>) -> Option<Class> {
        // SAFETY: the caller vouches for the header.
        let (_, size, _) = unsafe { live_block(payload) }?;
        Class::of_block(size).filter(|&class| !self.stack(class).has_room())
    }
}

/// Makes a block whose seal is `live` a cached one. Of several threads that free it at once, one can.
#[inline(always)]
fn take(block: Block, live: Seal) -> bool {
    if is_single_threaded() {
        block.set_seal(live.flip_cached());
        return true;
    }
    block.exchange_seal(live, live.flip_cached())
}

/// The live block at `payload`, its size, and how many bytes were asked for. `None` if it is none, or not as it should be.
///
/// # Safety
/// - The eight bytes before `payload` are memory of the heap, and it is aligned to 16.
#[inline(always)]
unsafe fn live_block(payload: NonNull<u8>) -> Option<(Block, usize, usize)> {
    // SAFETY: the caller vouches for the header.
    let block = unsafe { Block::from_payload(payload) };
    let tag = block.tag();
    let size = tag.size();
    if block.seal() != key().seal(block.address(), size, State::Live) || !tag.is_block_in_use() {
        return None;
    }
    // SAFETY: the seal is right, so this is a block of that size.
    unsafe { Mirrored::len(block, size, key()) }.map(|len| (block, size, len))
}
