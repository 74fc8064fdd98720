//! A block, seen through its header.

use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU32, AtomicU64};

use crate::size::{HEADER, MIN_BLOCK};
use crate::{Footer, Seal, Tag};

/// A pointer to the header of a block. Copyable and one word, as is `Option<Block>`.
///
/// No reference into the heap is ever kept: every access goes through this pointer. The one reference formed is the
/// atomic of a header or half of one, for the length of one load or store, because atomics have no other door.
///
/// A `Block` is a promise made where it is constructed: for as long as any copy of it is used, its header is valid
/// for reads and writes. That makes reading and writing tag and seal safe; whatever goes beyond the header (links,
/// footer, neighbours) is `unsafe` and says what it needs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Block(NonNull<u8>);

// SAFETY: a block is an address; header access is atomic, everything else is unsafe and states its own needs.
unsafe impl Send for Block {}
// SAFETY: as for `Send`.
unsafe impl Sync for Block {}

impl Block {
    /// The block whose header is at `header`.
    ///
    /// # Safety
    /// - `header` is 8-byte aligned (8 mod 16 for a payload aligned to 16).
    /// - The eight bytes there are valid for reads and writes for as long as the block, or a copy, is used.
    /// - Everything the block is later asked to reach beyond its header lies in the same allocation as `header`.
    #[inline]
    #[must_use]
    pub const unsafe fn from_header(header: NonNull<u8>) -> Self {
        Self(header)
    }

    /// The block whose payload starts at `payload`.
    ///
    /// # Safety
    /// - The eight bytes before `payload` are a header as [`from_header`](Self::from_header) asks.
    #[inline]
    #[must_use]
    pub const unsafe fn from_payload(payload: NonNull<u8>) -> Self {
        // SAFETY: the header lies right before the payload, in the same allocation.
        Self(unsafe { payload.byte_sub(HEADER) })
    }

    /// Where the header starts.
    #[inline]
    #[must_use]
    pub const fn header(self) -> NonNull<u8> {
        self.0
    }

    /// Where the payload starts.
    #[inline]
    #[must_use]
    pub const fn payload(self) -> NonNull<u8> {
        // SAFETY: the header is valid memory, so the byte after it is at most one past its allocation.
        unsafe { self.0.byte_add(HEADER) }
    }

    /// The address of the header.
    #[inline]
    #[must_use]
    pub fn address(self) -> usize {
        self.0.addr().get()
    }

    #[inline]
    fn half(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: the constructor's caller vouches for eight bytes, aligned to eight; `offset` is 0 or 4. All access
        // to them goes through these atomics.
        unsafe { AtomicU32::from_ptr(self.0.byte_add(offset).cast().as_ptr()) }
    }

    /// Size and flags.
    #[inline]
    #[must_use]
    pub fn tag(self) -> Tag {
        Tag::from_bits(self.half(0).load(Relaxed))
    }

    /// Writes size and flags.
    #[inline]
    pub fn set_tag(self, tag: Tag) {
        self.half(0).store(tag.bits(), Relaxed);
    }

    /// The check half.
    #[inline]
    #[must_use]
    pub fn seal(self) -> Seal {
        Seal::from_bits(self.half(4).load(Relaxed))
    }

    /// Writes the check half.
    #[inline]
    pub fn set_seal(self, seal: Seal) {
        self.half(4).store(seal.bits(), Relaxed);
    }

    /// Writes the check half if it is `from`, in one step: of several threads that try, one succeeds. Whether it was.
    #[inline]
    pub fn exchange_seal(self, from: Seal, to: Seal) -> bool {
        self.half(4).compare_exchange(from.bits(), to.bits(), Relaxed, Relaxed).is_ok()
    }

    /// Writes both halves at once: for who holds the heap and owns the block too, as one who places or frees it does.
    ///
    /// # Safety
    /// - Nobody accesses either half meanwhile: an access of another size must not race with this one.
    #[inline]
    pub unsafe fn set_header(self, tag: Tag, seal: Seal) {
        let word = if cfg!(target_endian = "little") {
            u64::from(tag.bits()) | u64::from(seal.bits()) << 32
        } else {
            u64::from(seal.bits()) | u64::from(tag.bits()) << 32
        };
        // SAFETY: as in `half`, for all eight bytes; the caller vouches that no access to a half races with it.
        unsafe { AtomicU64::from_ptr(self.0.cast().as_ptr()) }.store(word, Relaxed);
    }

    /// Size in bytes, header included.
    #[inline]
    #[must_use]
    pub fn size(self) -> usize {
        self.tag().size()
    }

    /// The block that starts `offset` bytes after this one.
    ///
    /// # Safety
    /// - A header as [`from_header`](Self::from_header) asks is, or is about to be written, at that offset.
    #[inline]
    #[must_use]
    pub unsafe fn offset(self, offset: usize) -> Self {
        // SAFETY: the caller vouches for the header there, in the same allocation.
        Self(unsafe { self.0.byte_add(offset) })
    }

    /// The block after this one; an epilogue has none.
    ///
    /// # Safety
    /// - This block's tag is true and it is not an epilogue.
    #[inline]
    #[must_use]
    pub unsafe fn next(self) -> Self {
        // SAFETY: blocks tile the run and an epilogue ends it, so a header follows.
        unsafe { self.offset(self.size()) }
    }

    /// The footer right before this header: that of the previous block, if it is free.
    ///
    /// # Safety
    /// - The eight bytes before this header are readable: it is not the first of its run.
    #[inline]
    #[must_use]
    pub unsafe fn previous_footer(self) -> Footer {
        // SAFETY: the caller vouches for the eight bytes; headers are aligned to eight.
        unsafe { self.0.byte_sub(crate::FOOTER).cast::<Footer>().read() }
    }

    /// The block before this one.
    ///
    /// # Safety
    /// - This block's tag is true and says that the previous one is free; that block's footer is intact.
    #[inline]
    #[must_use]
    pub unsafe fn previous(self) -> Self {
        // SAFETY: a free previous block ends in its size, right before this header.
        unsafe { Self(self.0.byte_sub(self.previous_footer().size())) }
    }

    /// Makes this a free block of `size` bytes: tag, seal and footer. The previous block must be in use, and the
    /// next block's *previous in use* flag is left to the caller.
    ///
    /// # Safety
    /// - The caller owns the `size` bytes from the header on; `size` is a multiple of 16 and at least 32.
    #[inline]
    pub unsafe fn write_free(self, size: usize) {
        debug_assert!(size >= MIN_BLOCK);
        // SAFETY: the caller owns the block, header included, and the footer lies within it.
        unsafe {
            self.set_header(Tag::free(size), Seal::FREE);
            self.set_footer(size, Footer::free(size));
        }
    }

    /// Cuts this block of `old` bytes after `size` and makes the rest a free block, which it returns. The tag of
    /// this block, and the flag of the block after the rest, are left to the caller.
    ///
    /// # Safety
    /// - The caller owns the whole block; `size` and `old - size` are multiples of 16 and at least 32.
    #[inline]
    #[must_use]
    pub unsafe fn split(self, old: usize, size: usize) -> Self {
        // SAFETY: the rest lies within this block, which the caller owns.
        unsafe {
            let rest = self.offset(size);
            rest.write_free(old - size);
            rest
        }
    }

    /// Takes the `more` bytes that follow into this block, whose tag keeps its flags. What index the bytes were in,
    /// and the flag of the block after them, is the caller's business.
    #[inline]
    pub fn absorb(self, more: usize) {
        let tag = self.tag();
        self.set_tag(tag.with_size(tag.size() + more));
    }

    /// The word `number` (from 0) of the payload: where an index keeps links while the block is free.
    ///
    /// # Safety
    /// - The word lies within the block, before its footer, and no caller uses it as payload.
    #[inline]
    #[must_use]
    pub unsafe fn link(self, number: usize) -> Option<Self> {
        // SAFETY: the caller vouches for the word; payloads are aligned to 16.
        unsafe { self.0.byte_add(HEADER + 8 * number).cast::<Option<Self>>().read() }
    }

    /// Writes the word `number` of the payload as a link.
    ///
    /// # Safety
    /// - As for [`link`](Self::link).
    #[inline]
    pub unsafe fn set_link(self, number: usize, to: Option<Self>) {
        // SAFETY: as in `link`.
        unsafe { self.0.byte_add(HEADER + 8 * number).cast::<Option<Self>>().write(to) };
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({:#x}: {:?}, seal {:?})", self.address(), self.tag(), self.seal())
    }
}
